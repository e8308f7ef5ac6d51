"""Bruker experiment folders: ``ser``, ``acqus``, ``acqu2s``."""

import re
from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.checks import InputError, is_number
from nmr_speech.spectrometer.experiment import (
    Experiment,
    assemble,
    axis_of,
    check_rows,
    number,
    same_nucleus,
    states_pairs,
    time_zero,
)
from nmr_speech.spectrometer.sampling import Sampling

MODES = {3: "tppi", 4: "states", 5: "states_tppi", 6: "echo_antiecho"}
REFUSED = {
    0: "does not say how t1 was sampled (FnMODE and MC2 undefined); name it as `quadrature`",
    1: "is QF, one real channel in t1: it tells no positive from negative frequencies and gives magnitudes only; "
    "measure with States-TPPI",
    2: "is QSEQ, sequential in t1, which is not read; measure with States-TPPI",
}
MIXING_DELAY = 9  # D9 is the mixing time of every TOCSY in Bruker's library
BLOCK_BYTES = 1024  # rows begin at multiples of it


def read_bruker(folder: Path, quadrature: str | None = None, sampling: Sampling | None = None) -> Experiment:
    """Read a Bruker experiment.

    Parameters are taken line by line: nmrglue's reader of whole parameter files does not end on a file that was cut
    off. The binary file is read by nmrglue.

    Arguments
    ---------
    folder : Path
        Folder with ``ser``.
    quadrature : str | None
        How t1 was sampled; None takes FnMODE of ``acqu2s`` or, where it is undefined, MC2 of ``proc2s``.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled non-uniformly or not. None: uniformly sampled protons.

    Returns
    -------
    Experiment

    Example
    -------
    >>> read_bruker(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...ser: no such file; a 2D experiment has one
    """
    ser = folder / "ser"
    if not ser.is_file():
        one = " (a file `fid` is there: a 1D experiment?)" if (folder / "fid").is_file() else ""
        raise InputError(f"{ser}: no such file; a 2D experiment has one{one}")
    acqus, acqu2s = _parameters(folder / "acqus"), _parameters(folder / "acqu2s")
    _check_kind(folder, acqus, acqu2s, sampling)
    observed = [axis_of(acqus, "SFO1", folder / "acqus", "field_mhz")]
    observed.append(axis_of(acqu2s, "SFO1", folder / "acqu2s", "field_mhz"))
    if sampling is None:
        same_nucleus(folder / "acqu2s", str(acqus.get("NUC1")), str(acqu2s.get("NUC1")), observed)
    mode, said = _quadrature(folder, acqu2s, quadrature)
    zero_mhz, reference = _zero_mhz(folder, acqus, observed[0])
    every_row = _rows(ser, acqus, acqu2s)
    rows, step = check_rows(every_row, ser)
    t2_start, filtered = time_zero(rows, _group_delay(folder / "acqus", acqus), ser)
    if sampling is not None:
        rows = sampling.expand(rows, len(every_row), int(acqu2s.get("NusTD") or 0) // 2, ser)
    fid, t1_start = states_pairs(rows, mode)
    zero_f1_mhz = _zero_f1_mhz(acqu2s, observed, zero_mhz)
    carriers = [(mhz - zero) / zero * 1e6 for mhz, zero in zip(observed, (zero_mhz, zero_f1_mhz), strict=True)]
    return assemble(
        fid,
        widths_hz=(axis_of(acqus, "SW_h", folder / "acqus", "spectral_width_hz"), _width_f1_hz(folder, acqu2s)),
        field_mhz=zero_mhz,
        carriers_ppm=carriers,
        starts=(t1_start, t2_start),
        source=str(folder),
        steps=(f"Bruker folder; {step}", said, reference, filtered),
        field_f1_mhz=None if zero_f1_mhz == zero_mhz else zero_f1_mhz,
        mixing_time_s=_delay(folder / "acqus", MIXING_DELAY),
        solvent=acqus.get("SOLVENT"),
        pulse_program=acqus.get("PULPROG"),
    )


def _parameters(path):
    """The parameters that fill one line, by name."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; copy the whole experiment folder, which has acqus, acqu2s and ser")
    parameters = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        key, equals, text = line.partition("=")
        if key.startswith("##$") and equals:
            parameters[key[3:]] = nmrglue.bruker.parse_jcamp_value(text.strip())
    return parameters


def _zero_f1_mhz(acqu2s, observed, zero_mhz):
    """The frequency of 0 ppm in F1: that of F2 for protons, and for other nuclei BF1."""
    if abs(observed[1] / observed[0] - 1) < 1e-3:
        return zero_mhz
    base = acqu2s.get("BF1")
    return float(base) if is_number(base) and abs(base / observed[1] - 1) < 1e-3 else observed[1]


def _delay(path, number):
    """A delay in seconds; None if the file does not hold so many."""
    found = re.search(r"^##\$D= *\(0\.\.\d+\)([^#$]*)", path.read_text(encoding="latin-1"), re.MULTILINE)
    delays = found[1].split() if found else []
    try:
        return float(delays[number])
    except (IndexError, ValueError):
        return None


def _check_kind(folder, acqus, acqu2s, sampling):
    third = folder / "acqu3s"
    if third.is_file() and (_parameters(third).get("TD") or 0) != 1 and "TD" in _parameters(third):
        raise InputError(f"{third}: an experiment must have two dimensions, this one has three")
    scheduled = sampling is not None and sampling.schedule is not None
    if 2 in (acqus.get("FnTYPE"), acqu2s.get("FnTYPE")) and not scheduled:
        raise InputError(f"{folder}: t1 must be sampled uniformly, FnTYPE 2 says it was not; reconstruct it first")
    if acqus.get("AQ_mod") not in (1, 3):
        raise InputError(
            f"{folder / 'acqus'}: AQ_mod must be 1 or 3 (complex points in t2), got {acqus.get('AQ_mod')!r}"
        )


def _quadrature(folder, acqu2s, given):
    if given is not None:
        return given, f"t1 was sampled as {given}, as the caller says."
    mode, key = acqu2s.get("FnMODE", 0), "FnMODE"
    processed = folder / "pdata" / "1" / "proc2s"
    if mode == 0 and processed.is_file():
        mc2 = _parameters(processed).get("MC2", -1)
        mode, key = (mc2 + 1, "MC2") if mc2 in range(6) else (0, "FnMODE")
    if mode not in MODES:
        why = REFUSED.get(mode, f"has FnMODE {mode!r}, which must be from 0 to 6; correct it or name `quadrature`")
        raise InputError(f"{folder / 'acqu2s'}: {why}")
    return MODES[mode], f"t1 was sampled as {MODES[mode]} ({key})."


def _zero_mhz(folder, acqus, observed_mhz):
    """The frequency of 0 ppm."""
    processed = folder / "pdata" / "1" / "procs"
    sf = _parameters(processed).get("SF") if processed.is_file() else None
    if is_number(sf) and abs(sf / observed_mhz - 1) < 1e-4:
        return float(sf), f"0 ppm is at {sf:.7g} MHz (SF of pdata/1/procs)."
    if "BF1" in acqus:
        zero_mhz = axis_of(acqus, "BF1", folder / "acqus", "field_mhz")
    else:
        zero_mhz = observed_mhz - 1e-6 * number(acqus, "O1", folder / "acqus", -1e6, 1e6, "Hz")
    if abs(zero_mhz / observed_mhz - 1) > 1e-4:
        raise InputError(
            f"{folder / 'acqus'}: BF1 and SFO1 must lie within 100 ppm, got {zero_mhz:.7g} and {observed_mhz:.7g} MHz"
        )
    return zero_mhz, f"0 ppm is at {zero_mhz:.7g} MHz (BF1: not referenced)."


def _width_f1_hz(folder, acqu2s):
    """The width in ppm comes first: TopSpin leaves a stale one in Hz behind."""
    if not is_number(acqu2s.get("SW")):
        return axis_of(acqu2s, "SW_h", folder / "acqu2s", "spectral_width_hz")
    width_hz = {"SW": acqu2s["SW"] * axis_of(acqu2s, "SFO1", folder / "acqu2s", "field_mhz")}
    return axis_of(width_hz, "SW", folder / "acqu2s", "spectral_width_hz")


def _group_delay(path, acqus):
    delay = acqus.get("GRPDLY", -1)
    if is_number(delay) and 0 <= delay < 1000:
        known = delay > 0 or acqus.get("DSPFVS") not in nmrglue.bruker.bruker_dsp_table
        if known:
            return float(delay)
    if acqus.get("DIGMOD") == 0:
        return 0.0
    table = nmrglue.bruker.bruker_dsp_table.get(acqus.get("DSPFVS"), {})
    if acqus.get("DECIM") not in table:
        raise InputError(
            f"{path}: GRPDLY, or DECIM and DSPFVS, must give the group delay of the digital filter, got "
            f"{acqus.get('GRPDLY')!r}, {acqus.get('DECIM')!r} and {acqus.get('DSPFVS')!r}; correct it"
        )
    return table[acqus["DECIM"]]


def _rows(ser, acqus, acqu2s):
    """The rows measured, without what fills blocks up."""
    n_bytes = {0: 4, 2: 8}.get(acqus.get("DTYPA"))
    if n_bytes is None or acqus.get("BYTORDA") not in (0, 1):
        raise InputError(
            f"{ser.parent / 'acqus'}: DTYPA must be 0 (int32) or 2 (float64) and BYTORDA 0 or 1, got "
            f"{acqus.get('DTYPA')!r} and {acqus.get('BYTORDA')!r}"
        )
    n_real = int(number(acqus, "TD", ser.parent / "acqus", 32, 2**20)) // 2 * 2
    n_rows = int(number(acqu2s, "TD", ser.parent / "acqu2s", 2, 2**16))
    row_bytes, size = n_real * n_bytes, ser.stat().st_size
    if size != n_rows * row_bytes:
        row_bytes = -(-row_bytes // BLOCK_BYTES) * BLOCK_BYTES
    if size == 0 or size % row_bytes:
        raise InputError(
            f"{ser}: must hold rows of {row_bytes} bytes ({n_rows} by acqu2s, of {n_real // 2} points by acqus), got "
            f"{size} bytes; was the file cut off?"
        )
    _, data = nmrglue.bruker.read_binary(
        str(ser), (-1, row_bytes // n_bytes // 2), True, acqus["BYTORDA"] == 1, n_bytes == 8
    )
    data = np.atleast_2d(data)[:n_rows, : n_real // 2]
    if len(data) < n_rows:  # stopped early: as rows of zeros, which `check_rows` counts
        data = np.concatenate([data, np.zeros((n_rows - len(data), data.shape[1]))])
    return data
