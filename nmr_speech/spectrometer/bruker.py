"""Bruker experiment folders: ``ser``, ``acqus``, ``acqu2s``."""

from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.checks import InputError, is_number, quoted
from nmr_speech.spectrometer.bruker_files import (
    MIXING_DELAY,
    BrukerFiles,
    axes,
    delay_s,
    read_files,
    read_files_1d,
    read_parameters,
)
from nmr_speech.spectrometer.experiment import (
    Experiment,
    axes_step,
    possible_mixing_s,
    require_protons,
    single_precision,
)
from nmr_speech.spectrometer.limits import refuse_many_points
from nmr_speech.spectrometer.one_dimension import Experiment1D, from_time_zero
from nmr_speech.spectrometer.parameters import Parameters
from nmr_speech.spectrometer.rows import MOST_DELAY, by_caller, check_rows, states_pairs, time_zero
from nmr_speech.spectrometer.sampling import Sampling

MODES = {3: "tppi", 4: "states", 5: "states_tppi", 6: "echo_antiecho"}
REFUSED = {
    0: "does not say how t1 was sampled (FnMODE and MC2 undefined); give it as `quadrature`",
    1: "is QF, one real channel in t1, which cannot distinguish positive from negative frequencies; measure with "
    "States-TPPI",
    2: "is QSEQ, sequential in t1, which is not supported; measure with States-TPPI",
}
BLOCK_BYTES = 1024  # rows begin at multiples of it
SERIES = ("t1ir", "invrec", "t1_ir", "t2_", "cpmg", "ledbp", "stebp", "dste", "dosy", "satrec", "zg2d", "zgkin")
"""Beginnings of pulse programmes whose rows differ in a delay or a gradient, not in t1."""
LISTS = ("vdlist", "vclist", "vplist", "valist", "difflist", "fq1list", "spnamlist")


def read_bruker(
    folder: Path, quadrature: str | None = None, sampling: Sampling | None = None, pdata: int | None = None
) -> Experiment:
    """Read a Bruker experiment; nmrglue reads the binary file.

    Arguments
    ---------
    folder : Path
        Folder with ``ser``.
    quadrature : str | None
        How t1 was sampled; None takes FnMODE of ``acqu2s`` or, where it is undefined, MC2 of ``proc2s``.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled uniformly or not. None: uniformly sampled protons.
    pdata : int | None
        Number of the processing whose reference (SF) and phases are taken; None takes the lowest.

    Returns
    -------
    Experiment
        Rows as States pairs, (2, n_transients, n_points).

    Example
    -------
    >>> read_bruker(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...ser: no such file; a 2D experiment has one
    """
    ser = folder / "ser"
    if not ser.is_file():
        raise InputError(f"{ser}: no such file; a 2D experiment has one")
    files = read_files(folder, pdata)
    _check_kind(files, sampling)
    f2_nucleus, f1_nucleus, by_frequency = files.nuclei()
    if sampling is None:
        require_protons(files.acqu2s.source, (f2_nucleus, f1_nucleus), files.observed_mhz)
    mode, said = by_caller(quadrature) if quadrature else _quadrature(files)
    every_row = _rows(ser, files.acqus, files.acqu2s)
    rows, step = check_rows(every_row, ser)
    rows, t2_start, filtered = time_zero(rows, group_delay(files.acqus), ser)
    n_said = int(files.acqu2s.get("NusTD") or 0) // 2
    rows, schedule, doubts = (sampling or Sampling()).expand(rows, len(every_row), n_said, ser)
    fid, t1_start = states_pairs(rows, mode)
    f1, f2, zeros = axes(files, fid.shape[1:])
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        t1_start=t1_start,
        t2_start=t2_start,
        n_valid=f1.n,
        mixing_time_s=possible_mixing_s(delay_s(folder / "acqus", MIXING_DELAY)),
        solvent=files.acqus.text("SOLVENT"),
        pulse_program=files.acqus.text("PULPROG"),
        nucleus=f2_nucleus,
        processed_deg=files.processed_deg(),
        schedule=schedule,
        source=str(folder),
        steps=(f"Bruker folder; {step}", said, *by_frequency, *zeros, filtered, axes_step(f1, f2)),
        warnings=doubts,
    )


def _check_kind(files: BrukerFiles, sampling: Sampling | None) -> None:
    """Refuse second loops, series of 1D spectra, a schedule that the caller does not know of, and real points in t2."""
    acqus, acqu2s = files.acqus, files.acqu2s
    for name in ("acqu3s", "acqu4s"):
        loop = files.folder / name
        # The file alone makes no third dimension; a TD other than 1 does.
        if loop.is_file() and read_parameters(loop).get("TD", 1) not in (0, 1):
            raise InputError(
                f"{loop}: an experiment must have two dimensions, but TD is {read_parameters(loop).get('TD')} here: a "
                "third dimension, or a second loop such as several mixing times; give one plane (TopSpin: rser2d)"
            )
    programme = acqus.text("PULPROG") or ""
    if programme.lower().startswith(SERIES):
        raise _series(files)
    scheduled = sampling is not None and sampling.schedule is not None
    if 2 in (acqus.get("FnTYPE"), acqu2s.get("FnTYPE")) and not scheduled:
        raise InputError(
            f"{files.folder}: t1 must be sampled uniformly, FnTYPE 2 says it was not; reconstruct it first, with its "
            "`schedule` (the file nuslist)"
        )
    if acqus.get("AQ_mod") not in (1, 3):
        raise InputError(
            f"{acqus.source}: AQ_mod must be 1 or 3 (complex points in t2), got {quoted(acqus.get('AQ_mod'))}"
        )


def _series(files: BrukerFiles) -> InputError:
    lists = [name for name in LISTS if (files.folder / name).is_file()]
    by = f", {lists[0]}" if lists else ""
    return InputError(
        f"{files.folder}: is a series of 1D spectra (pulse programme {files.acqus.text('PULPROG')}{by}), such as an "
        "inversion recovery or a diffusion measurement: its rows are not steps of t1, so there is no F1; give a TOCSY"
    )


def _quadrature(files: BrukerFiles) -> tuple[str, str]:
    """How t1 was sampled, and a sentence on how that is known."""
    # FnMODE of acqus says nothing about t1. FnMODE 0 in acqu2s defers to MC2 of proc2s, whose values are one less.
    mode, key = files.acqu2s.get("FnMODE", 0), "FnMODE"
    if mode == 0 and (mc2 := files.proc2s.get("MC2", -1)) in range(6):
        mode, key = mc2 + 1, "MC2"
    if mode in (0, 1) and any((files.folder / name).is_file() for name in LISTS):
        raise _series(files)
    if mode not in MODES:
        why = REFUSED.get(
            mode, f"has FnMODE {quoted(mode)}, which must be from 0 to 6; correct it or give `quadrature`"
        )
        raise InputError(f"{files.acqu2s.source}: {why}")
    return MODES[mode], f"t1 was sampled as {MODES[mode]} ({key})."


def group_delay(acqus: Parameters) -> float:
    """Return the delay of the signal by the digital filter, in points.

    Example
    -------
    >>> group_delay(Parameters({"GRPDLY": 67.98}, "acqus"))
    67.98
    """
    # Older consoles write no GRPDLY, or -1 or 0; their delay is tabulated by firmware (DSPFVS) and DECIM.
    delay, table = acqus.get("GRPDLY", -1), nmrglue.bruker.bruker_dsp_table
    if is_number(delay) and 0 <= delay < MOST_DELAY and (delay > 0 or acqus.get("DSPFVS") not in table):
        return float(delay)
    if acqus.get("DIGMOD") == 0:
        return 0.0
    by_rate = table.get(acqus.get("DSPFVS"), {})
    if acqus.get("DECIM") not in by_rate:
        raise InputError(
            f"{acqus.source}: GRPDLY, or DECIM and DSPFVS, must give the group delay of the digital filter, got "
            f"{quoted(acqus.get('GRPDLY'))}, {quoted(acqus.get('DECIM'))} and {quoted(acqus.get('DSPFVS'))}; correct it"
        )
    return by_rate[acqus.get("DECIM")]


def _number_type(acqus: Parameters) -> np.dtype:
    """Type of the numbers in ``fid`` and ``ser``."""
    kind = {0: "i4", 2: "f8"}.get(acqus.get("DTYPA"))
    if kind is None or acqus.get("BYTORDA") not in (0, 1):
        raise InputError(
            f"{acqus.source}: DTYPA must be 0 (int32) or 2 (float64) and BYTORDA 0 or 1, got "
            f"{quoted(acqus.get('DTYPA'))} and {quoted(acqus.get('BYTORDA'))}"
        )
    return np.dtype("<>"[acqus.get("BYTORDA")] + kind)


def read_rows(ser: Path, acqus: Parameters, n_rows: int, said_by: str = "the parameters") -> np.ndarray:
    """Read the rows of a ``ser`` file; nmrglue reads its numbers.

    Arguments
    ---------
    ser : Path
        The file.
    acqus : Parameters
        Acquisition parameters of the observed dimension.
    n_rows : int
        Number of rows expected: it shows whether rows are padded.
    said_by : str
        Where that number comes from, for messages.

    Returns
    -------
    np.ndarray
        complex, (rows in the file, n_points).

    Example
    -------
    >>> path = getfixture("tmp_path") / "ser"
    >>> _ = path.write_bytes(np.arange(64, dtype="<i4").tobytes())
    >>> read_rows(path, Parameters({"TD": 32, "DTYPA": 0, "BYTORDA": 0}, "acqus"), 2)[1, 0]
    np.complex128(32+33j)
    """
    n_bytes = _number_type(acqus).itemsize
    n_real = int(acqus.number("TD", 32, 2**20)) // 2 * 2  # TD counts real numbers in t2, rows in t1
    row_bytes, size = n_real * n_bytes, ser.stat().st_size
    if size != n_rows * row_bytes:  # some converters write rows without padding
        row_bytes = -(-row_bytes // BLOCK_BYTES) * BLOCK_BYTES
    if size == 0 or size % row_bytes:
        raise InputError(
            f"{ser}: must hold rows of {row_bytes} bytes ({n_rows} by {said_by}, of {n_real // 2} points by acqus), "
            f"got {size} bytes; was the file cut off?"
        )
    shape, big_endian = (-1, row_bytes // n_bytes // 2), acqus.get("BYTORDA") == 1
    _, data = nmrglue.bruker.read_binary(str(ser), shape, True, big_endian, n_bytes == 8)
    return np.atleast_2d(data)[:, : n_real // 2]


def _rows(ser: Path, acqus: Parameters, acqu2s: Parameters) -> np.ndarray:
    """All rows of a 2D experiment, zeros where none was measured; complex, (rows, n_points)."""
    n_rows = int(acqu2s.number("TD", 2, 2**16))
    refuse_many_points(acqu2s.source, n_rows, int(acqus.number("TD", 32, 2**20)) // 2)
    data = read_rows(ser, acqus, n_rows, "acqu2s")
    if data[n_rows + 1 :].any():  # an odd TD may be rounded up to pairs
        raise InputError(
            f"{ser}: must hold the {n_rows} rows of acqu2s (TD), got {len(data)}: there is a second loop, whose file "
            "acqu3s is missing, or acqu2s is of another experiment; copy the whole folder, or give one plane"
        )
    data = data[:n_rows]
    if len(data) < n_rows:  # stopped early: zeros, which `check_rows` counts
        data = np.concatenate([data, np.zeros((n_rows - len(data), data.shape[1]))])
    return data


def read_bruker_1d(folder: Path, pdata: int | None = None) -> Experiment1D:
    """Read a Bruker 1D experiment.

    Arguments
    ---------
    folder : Path
        Folder with ``fid`` and ``acqus``.
    pdata : int | None
        Number of the processing whose reference (SF) is taken; None takes the lowest.

    Returns
    -------
    Experiment1D

    Example
    -------
    >>> read_bruker_1d(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...fid: no such file; a 1D experiment has one
    """
    path = folder / "fid"
    if not path.is_file():
        raise InputError(f"{path}: no such file; a 1D experiment has one")
    files = read_files_1d(folder, pdata)
    acqus = files.acqus
    if acqus.get("AQ_mod") not in (1, 3):
        raise InputError(f"{acqus.source}: AQ_mod must be 1 or 3 (complex points), got {quoted(acqus.get('AQ_mod'))}")
    kind, n_real = _number_type(acqus), int(acqus.number("TD", 32, 2**21)) // 2 * 2
    content = path.read_bytes()
    if len(content) < n_real * kind.itemsize:
        raise InputError(
            f"{path}: must hold {n_real * kind.itemsize} bytes (TD {n_real} of acqus), got {len(content)}; was it cut "
            "off?"
        )
    values = np.frombuffer(content, kind, n_real).astype(float)
    fid, filtered = from_time_zero(values[::2] + 1j * values[1::2], group_delay(acqus), path)
    _, axis, (zero, _) = axes(files, (len(fid), len(fid)))
    steps = (f"Bruker folder; {len(fid)} complex points.", zero, filtered)
    return Experiment1D(fid=fid, axis=axis, nucleus=files.nuclei()[0], source=str(folder), steps=steps)
