"""Varian and Agilent folders: ``fid``, ``procpar``."""

import struct
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, is_number
from nmr_speech.spectrometer.experiment import Experiment, axes_step, possible_mixing_s, single_precision
from nmr_speech.spectrometer.one_dimension import Experiment1D, from_time_zero
from nmr_speech.spectrometer.parameters import Parameters
from nmr_speech.spectrometer.rows import by_caller, check_rows, states_pairs, time_zero
from nmr_speech.spectrometer.sampling import Sampling
from nmr_speech.spectrometer.varian_files import axes, nuclei, number, read_procpar, refuse_other_nuclei

FILE_HEADER_BYTES, BLOCK_HEADER_BYTES = 32, 28
IS_32_BITS, IS_FLOAT = 0x4, 0x8  # bits of the status


def read_varian(folder: Path, quadrature: str | None = None, sampling: Sampling | None = None) -> Experiment:
    """Read a Varian or Agilent experiment.

    VnmrJ's signals rotate in the opposite sense to Bruker's in both dimensions, so points are conjugated and sine rows
    negated.

    Arguments
    ---------
    folder : Path
        Folder with ``fid`` and ``procpar``.
    quadrature : str | None
        How t1 was sampled; None takes ``phase`` of ``procpar`` (1 and 2 for States, 3 for TPPI) and ``f1coef``, whose
        coefficients mix both rows in echo-antiecho.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled uniformly or not. None: uniformly sampled protons.

    Returns
    -------
    Experiment
        Rows as States pairs, (2, n_transients, n_points).

    Example
    -------
    >>> read_varian(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...procpar: no such file; copy the whole folder, which has fid and procpar
    """
    for name in ("procpar", "fid"):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; copy the whole folder, which has fid and procpar")
    procpar = read_procpar(folder / "procpar")
    every_row = _rows(folder / "fid").conj()
    _check_kind(procpar, len(every_row), sampling)
    if sampling is None:
        refuse_other_nuclei(procpar)
    rows, step = check_rows(every_row, folder / "fid")
    mode, said = by_caller(quadrature) if quadrature else _quadrature(procpar)
    rows, t2_start, filtered = time_zero(rows, 0.0, folder / "fid")
    n_said = int(number(procpar.get("ni"))) if _is_sparse(procpar) else 0
    rows, schedule, doubts = (sampling or Sampling()).expand(rows, len(every_row), n_said, folder / "fid")
    fid, t1_start = states_pairs(rows, mode)
    fid[1] *= -1
    f1, f2, zeros = axes(procpar, fid.shape[1:])
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        t1_start=t1_start,
        t2_start=t2_start,
        n_valid=f1.n,
        mixing_time_s=possible_mixing_s(procpar.get("mixT")) or possible_mixing_s(procpar.get("mix")),
        solvent=procpar.text("solvent"),
        pulse_program=procpar.text("seqfil"),
        nucleus=nuclei(procpar)[0],
        schedule=schedule,
        source=str(folder),
        steps=(f"Varian folder; {step}", said, *zeros, filtered, axes_step(f1, f2)),
        warnings=doubts,
    )


def _is_sparse(procpar: Parameters) -> bool:
    # VnmrJ writes sampling="sparse"; BioPack's pulse sequences have SPARSE="y".
    return procpar.get("sampling") == "sparse" or str(procpar.get("SPARSE", "n")).startswith("y")


def _check_kind(procpar: Parameters, n_rows: int, sampling: Sampling | None) -> None:
    """Refuse a second loop, 1D spectra and series of them, and a schedule that the caller does not know of."""
    others = [name for name in procpar.get("array_names") if name != "phase"]
    n_transients, n_planes = procpar.get("ni"), number(procpar.get("ni2"))
    is_2d = not is_number(n_transients) or n_transients > 1
    if others and is_2d:
        raise InputError(
            f"{procpar.source}: array must hold the phase alone, got {', '.join(procpar.get('array_names'))}: rows of "
            f"several values of {others[0]} follow one another; give one value of {others[0]} alone"
        )
    if others:
        raise InputError(
            f"{procpar.source}: is a series of 1D spectra, arrayed over {others[0]} (ni {n_transients:g}), such as an "
            "inversion recovery: its rows are not steps of t1; give a 2D TOCSY"
        )
    if n_planes > 1:
        raise InputError(f"{procpar.source}: an experiment must have two dimensions, ni2 of {n_planes:g} makes three")
    if not is_2d and n_rows < 3:
        raise InputError(f"{procpar.source}: is a 1D experiment (ni {n_transients:g}); give a 2D TOCSY")
    if is_2d and is_number(n_transients) and n_rows > 2 * n_transients:
        raise InputError(
            f"{procpar.source}: ni must fit the rows, got {n_transients:g} for {n_rows} rows of fid, two for each: "
            "there is a second loop, or procpar is of another experiment; copy the whole folder, or give one plane"
        )
    if _is_sparse(procpar) and (sampling is None or sampling.schedule is None):
        raise InputError(
            f"{procpar.source}: t1 must be sampled uniformly, sampling 'sparse' says it was not; reconstruct it first, "
            "with its `schedule` (the file sampling.sch)"
        )


def _quadrature(procpar: Parameters) -> tuple[str, str]:
    """How t1 was sampled, and a sentence on how that is known."""
    coefficients = str(procpar.get("f1coef", "")).split()
    phase = procpar.get("phase")
    if phase == [3]:
        return "tppi", "t1 was sampled as tppi (phase 3)."
    if phase != [1, 2]:
        phases = ", ".join(str(one) for one in phase) or "none"
        raise InputError(
            f"{procpar.source}: phase must be 1,2 (States) or 3 (TPPI), got {phases}; one real channel in t1 "
            "cannot distinguish positive from negative frequencies. If t1 was sampled otherwise, give `quadrature`"
        )
    # Gradient-selected experiments have phase 1,2 too; what distinguishes them are coefficients that use both rows.
    if len(coefficients) == 8 and number(coefficients[0]) and number(coefficients[2]):
        return "echo_antiecho", "t1 was sampled as echo_antiecho (f1coef mixes both rows)."
    return "states", "t1 was sampled as states (phase 1, 2)."


def _rows(path: Path) -> np.ndarray:
    """All rows as VnmrJ wrote them, zeros where none was measured; complex, (rows, n_points)."""
    content = path.read_bytes()
    if len(content) < FILE_HEADER_BYTES:
        raise InputError(f"{path}: must begin with a header of 32 bytes, got {len(content)}; was the file cut off?")
    # Big-endian on every platform: six 32-bit numbers, a version, then the status.
    n_blocks, n_traces, n_real, n_bytes, trace_bytes, block_bytes, _, status = struct.unpack(">6i2h", content[:28])
    sound = (
        min(n_blocks, n_traces, n_real) > 0
        and n_real % 2 == 0
        and trace_bytes == n_real * n_bytes
        and block_bytes == n_traces * trace_bytes + BLOCK_HEADER_BYTES
        and n_bytes == (2 if not status & (IS_FLOAT | IS_32_BITS) else 4)
    )
    size = len(content) - FILE_HEADER_BYTES
    # A measurement that was stopped may end with its last block.
    if not sound or size % block_bytes or not 0 < size <= n_blocks * block_bytes:
        raise InputError(
            f"{path}: the header must fit the file, got {n_blocks} blocks of {block_bytes} bytes in a file of "
            f"{len(content)}; was it cut off?"
        )
    blocks = np.frombuffer(content, np.uint8, offset=FILE_HEADER_BYTES).reshape(-1, block_bytes)
    kind = ">f4" if status & IS_FLOAT else f">i{n_bytes}"
    values = np.ascontiguousarray(blocks[:, BLOCK_HEADER_BYTES:]).view(kind).astype(float)
    if not status & IS_FLOAT:  # integers of a block are divided by a power of two, which begins its header
        values *= 2.0 ** np.ascontiguousarray(blocks[:, :2]).view(">i2")
    rows = np.zeros((n_blocks * n_traces, n_real // 2), dtype=complex)
    rows[: len(blocks) * n_traces] = values.reshape(len(blocks) * n_traces, n_real).view(complex)
    return rows


def read_varian_1d(folder: Path) -> Experiment1D:
    """Read a Varian or Agilent 1D experiment.

    Arguments
    ---------
    folder : Path
        Folder with ``fid`` and ``procpar``.

    Returns
    -------
    Experiment1D

    Example
    -------
    >>> read_varian_1d(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...procpar: no such file; copy the whole folder, which has fid and procpar
    """
    for name in ("procpar", "fid"):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; copy the whole folder, which has fid and procpar")
    procpar, rows = read_procpar(folder / "procpar"), _rows(folder / "fid").conj()
    if len(rows) != 1:
        raise InputError(f"{folder / 'fid'}: a 1D experiment must hold one row, got {len(rows)}: a series; give one")
    fid, filtered = from_time_zero(rows[0], 0.0, folder / "fid")
    one = Parameters({**procpar.values, "sw1": procpar.get("sw"), "refsource1": "sfrq"}, procpar.source)
    _, axis, (zero, _) = axes(one, (len(fid), len(fid)))
    steps = (f"Varian folder; {len(fid)} complex points.", zero, filtered)
    return Experiment1D(fid=fid, axis=axis, nucleus=nuclei(one)[0], source=str(folder), steps=steps)
