"""Bruker experiment folders: ``ser``, ``acqus``, ``acqu2s``."""

import re
from pathlib import Path
from typing import Any

import nmrglue
import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number
from nmr_speech.spectrometer.experiment import (
    MOST_CARRIER,
    Experiment,
    axes_step,
    is_same_nucleus,
    possible_mixing_s,
    require_protons,
    single_precision,
)
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
MIXING_DELAY = 9  # D9 is the mixing time of every TOCSY in Bruker's library
BLOCK_BYTES = 1024  # rows begin at multiples of it


def read_bruker(folder: Path, quadrature: str | None = None, sampling: Sampling | None = None) -> Experiment:
    """Read a Bruker experiment.

    nmrglue reads the binary file. Parameter files are read line by line here, because nmrglue's reader does not
    terminate on a truncated one.

    Arguments
    ---------
    folder : Path
        Folder with ``ser``.
    quadrature : str | None
        How t1 was sampled; None takes FnMODE of ``acqu2s`` or, where it is undefined, MC2 of ``proc2s``.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled uniformly or not. None: uniformly sampled protons.

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
        one = " (a file `fid` is there: a 1D experiment?)" if (folder / "fid").is_file() else ""
        raise InputError(f"{ser}: no such file; a 2D experiment has one{one}")
    acqus, acqu2s = _parameters(folder / "acqus"), _parameters(folder / "acqu2s")
    _check_kind(folder, acqus, acqu2s, sampling)
    observed_mhz = acqus.quantity("SFO1", "field_mhz"), acqu2s.quantity("SFO1", "field_mhz")
    if sampling is None:
        require_protons(acqu2s.source, (str(acqus.get("NUC1")), str(acqu2s.get("NUC1"))), observed_mhz)
    mode, said = by_caller(quadrature) if quadrature else _quadrature(folder, acqu2s)
    zero_mhz, reference = _zero_mhz(folder, acqus, observed_mhz[0])
    every_row = _rows(ser, acqus, acqu2s)
    rows, step = check_rows(every_row, ser)
    t2_start, filtered = time_zero(rows, _group_delay(acqus), ser)
    if sampling is not None:
        rows = sampling.expand(rows, len(every_row), int(acqu2s.get("NusTD") or 0) // 2, ser)
    fid, t1_start = states_pairs(rows, mode)
    f1 = _axis(fid.shape[1], _width_f1_hz(acqu2s), observed_mhz[1], _zero_f1_mhz(acqu2s, observed_mhz, zero_mhz))
    f2 = _axis(fid.shape[2], acqus.quantity("SW_h", "width_hz"), observed_mhz[0], zero_mhz)
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        t1_start=t1_start,
        t2_start=t2_start,
        n_valid=f1.n,
        mixing_time_s=possible_mixing_s(_delay(folder / "acqus", MIXING_DELAY)),
        solvent=acqus.text("SOLVENT"),
        pulse_program=acqus.text("PULPROG"),
        source=str(folder),
        steps=(f"Bruker folder; {step}", said, reference, filtered, axes_step(f1, f2)),
    )


def _axis(n: int, width_hz: float, observed_mhz: float, zero_mhz: float) -> Axis:
    """Axis with the carrier at the observed frequency."""
    return Axis(n, width_hz, (observed_mhz - zero_mhz) / zero_mhz * 1e6, zero_mhz)


def _parameters(path: Path) -> Parameters:
    """Parameters that fit on one line, by name."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; copy the whole experiment folder, which has acqus, acqu2s and ser")
    values = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        key, equals, text = line.partition("=")
        if key.startswith("##$") and equals:
            values[key[3:]] = nmrglue.bruker.parse_jcamp_value(text.strip())
    return Parameters(values, path)


def _zero_f1_mhz(acqu2s: Parameters, observed_mhz: tuple[float, float], zero_mhz: float) -> float:
    """Frequency of 0 ppm in F1: that of F2 for the same nucleus, BF1 for another one."""
    if is_same_nucleus(*observed_mhz):
        return zero_mhz
    base = acqu2s.get("BF1")
    return float(base) if is_number(base) and is_same_nucleus(base, observed_mhz[1]) else observed_mhz[1]


def _delay(path: Path, number: int) -> float | None:
    """Delay D[number] in seconds; None if the file does not hold it. Its values stand on the lines after ``##$D=``."""
    found = re.search(r"^##\$D= *\(0\.\.\d+\)([^#$]*)", path.read_text(encoding="latin-1"), re.MULTILINE)
    delays = found[1].split() if found else []
    try:
        return float(delays[number])
    except (IndexError, ValueError):
        return None


def _check_kind(folder: Path, acqus: Parameters, acqu2s: Parameters, sampling: Sampling | None) -> None:
    """Refuse three dimensions, a schedule that the caller does not know of, and real points in t2."""
    third = folder / "acqu3s"
    # The file alone makes no third dimension; a TD other than 1 does.
    if third.is_file() and _parameters(third).get("TD", 1) != 1:
        raise InputError(f"{third}: an experiment must have two dimensions, this one has three")
    scheduled = sampling is not None and sampling.schedule is not None
    if 2 in (acqus.get("FnTYPE"), acqu2s.get("FnTYPE")) and not scheduled:
        raise InputError(f"{folder}: t1 must be sampled uniformly, FnTYPE 2 says it was not; reconstruct it first")
    if acqus.get("AQ_mod") not in (1, 3):
        raise InputError(f"{acqus.source}: AQ_mod must be 1 or 3 (complex points in t2), got {acqus.get('AQ_mod')!r}")


def _quadrature(folder: Path, acqu2s: Parameters) -> tuple[str, str]:
    """How t1 was sampled, and a sentence on how that is known."""
    # FnMODE of acqus says nothing about t1. FnMODE 0 in acqu2s defers to MC2 of proc2s, whose values are one less.
    mode, key = acqu2s.get("FnMODE", 0), "FnMODE"
    processed = folder / "pdata" / "1" / "proc2s"
    if mode == 0 and processed.is_file():
        mc2 = _parameters(processed).get("MC2", -1)
        mode, key = (mc2 + 1, "MC2") if mc2 in range(6) else (0, "FnMODE")
    if mode not in MODES:
        why = REFUSED.get(mode, f"has FnMODE {mode!r}, which must be from 0 to 6; correct it or give `quadrature`")
        raise InputError(f"{acqu2s.source}: {why}")
    return MODES[mode], f"t1 was sampled as {MODES[mode]} ({key})."


def _zero_mhz(folder: Path, acqus: Parameters, observed_mhz: float) -> tuple[float, str]:
    """Frequency of 0 ppm, and a sentence on where it comes from."""
    processed = folder / "pdata" / "1" / "procs"
    # SF of procs is set when the spectrum is referenced; BF1 is the spectrometer's own, often 0.1 ppm off.
    sf: Any = _parameters(processed).get("SF") if processed.is_file() else None
    if is_number(sf) and abs(sf / observed_mhz - 1) < MOST_CARRIER:
        return float(sf), f"0 ppm is at {sf:.7g} MHz (SF of pdata/1/procs)."
    if acqus.get("BF1") is not None:
        zero_mhz = acqus.quantity("BF1", "field_mhz")
    else:
        zero_mhz = observed_mhz - 1e-6 * acqus.number("O1", -1e6, 1e6, "Hz")
    if abs(zero_mhz / observed_mhz - 1) > MOST_CARRIER:
        raise InputError(
            f"{acqus.source}: BF1 and SFO1 must lie within 100 ppm, got {zero_mhz:.7g} and {observed_mhz:.7g} MHz"
        )
    return zero_mhz, f"0 ppm is at {zero_mhz:.7g} MHz (BF1: not referenced)."


def _width_f1_hz(acqu2s: Parameters) -> float:
    """Width of F1; the one in ppm has precedence, because TopSpin may leave a stale one in Hz behind."""
    if not is_number(acqu2s.get("SW")):
        return acqu2s.quantity("SW_h", "width_hz")
    width_hz = acqu2s.get("SW") * acqu2s.quantity("SFO1", "field_mhz")
    return Parameters({"SW": width_hz}, acqu2s.source).quantity("SW", "width_hz")


def _group_delay(acqus: Parameters) -> float:
    """Delay of the signal by the digital filter, in points."""
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
            f"{acqus.get('GRPDLY')!r}, {acqus.get('DECIM')!r} and {acqus.get('DSPFVS')!r}; correct it"
        )
    return by_rate[acqus.get("DECIM")]


def _rows(ser: Path, acqus: Parameters, acqu2s: Parameters) -> np.ndarray:
    """All rows of the file, zeros where none was measured; complex, (rows, n_points)."""
    n_bytes = {0: 4, 2: 8}.get(acqus.get("DTYPA"))
    if n_bytes is None or acqus.get("BYTORDA") not in (0, 1):
        raise InputError(
            f"{acqus.source}: DTYPA must be 0 (int32) or 2 (float64) and BYTORDA 0 or 1, got "
            f"{acqus.get('DTYPA')!r} and {acqus.get('BYTORDA')!r}"
        )
    n_real = int(acqus.number("TD", 32, 2**20)) // 2 * 2  # TD counts real numbers in t2, rows in t1
    n_rows = int(acqu2s.number("TD", 2, 2**16))
    row_bytes, size = n_real * n_bytes, ser.stat().st_size
    if size != n_rows * row_bytes:  # some converters write rows without padding
        row_bytes = -(-row_bytes // BLOCK_BYTES) * BLOCK_BYTES
    if size == 0 or size % row_bytes:
        raise InputError(
            f"{ser}: must hold rows of {row_bytes} bytes ({n_rows} by acqu2s, of {n_real // 2} points by acqus), got "
            f"{size} bytes; was the file cut off?"
        )
    shape, big_endian = (-1, row_bytes // n_bytes // 2), acqus.get("BYTORDA") == 1
    _, data = nmrglue.bruker.read_binary(str(ser), shape, True, big_endian, n_bytes == 8)
    data = np.atleast_2d(data)[:n_rows, : n_real // 2]
    if len(data) < n_rows:  # stopped early: zeros, which `check_rows` counts
        data = np.concatenate([data, np.zeros((n_rows - len(data), data.shape[1]))])
    return data
