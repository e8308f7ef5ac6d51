"""Varian and Agilent folders: ``fid``, ``procpar``."""

import warnings
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
    possible_mixing_s,
    require_protons,
    single_precision,
)
from nmr_speech.spectrometer.parameters import Parameters
from nmr_speech.spectrometer.rows import by_caller, check_rows, states_pairs

FILE_HEADER_BYTES, BLOCK_HEADER_BYTES = 32, 28


def read_varian(folder: Path, quadrature: str | None = None) -> Experiment:
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
    procpar = _parameters(folder / "procpar")
    rows, step = check_rows(_rows(folder / "fid").conj(), folder / "fid")
    mode, said = by_caller(quadrature) if quadrature else _quadrature(procpar)
    observed_mhz = procpar.quantity("sfrq", "field_mhz")
    _check_nuclei(procpar, observed_mhz)
    width_hz, width_f1_hz = procpar.quantity("sw", "width_hz"), procpar.quantity("sw1", "width_hz")
    zero_mhz, reference = _zero_mhz(procpar, observed_mhz, width_hz)
    carrier_ppm = (observed_mhz - zero_mhz) / zero_mhz * 1e6
    fid, t1_start = states_pairs(rows, mode)
    fid[1] *= -1
    f1 = Axis(fid.shape[1], width_f1_hz, carrier_ppm, zero_mhz)
    f2 = Axis(fid.shape[2], width_hz, carrier_ppm, zero_mhz)
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        t1_start=t1_start,
        n_valid=f1.n,
        mixing_time_s=possible_mixing_s(procpar.get("mix")),
        solvent=procpar.text("solvent"),
        pulse_program=procpar.text("seqfil"),
        source=str(folder),
        steps=(f"Varian folder; {step}", said, reference, axes_step(f1, f2)),
    )


def _parameters(path: Path) -> Parameters:
    """The first value of each parameter, and all of ``phase``."""
    try:
        procpar = nmrglue.varian.read_procpar(str(path))
    except Exception as error:  # whatever nmrglue trips over in a damaged file
        raise InputError(f"{path}: cannot be read as procpar ({error}); copy it again") from error
    values = {key: _value(entry["values"][0]) for key, entry in procpar.items() if entry["values"]}
    phase = [_value(text) for text in procpar.get("phase", {"values": []})["values"]]
    return Parameters(values | {"phase": phase}, path)


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


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
    if len(coefficients) == 8 and _number(coefficients[0]) and _number(coefficients[2]):
        return "echo_antiecho", "t1 was sampled as echo_antiecho (f1coef mixes both rows)."
    return "states", "t1 was sampled as states (phase 1, 2)."


def _number(value: Any, otherwise: float = 0.0) -> float:
    value = _value(value) if isinstance(value, str) else value
    return value if is_number(value) else otherwise


def _check_nuclei(procpar: Parameters, observed_mhz: float) -> None:
    """Refuse what is not proton against proton; ``refsource1`` names the channel of F1."""
    f2 = str(procpar.get("tn", "H1"))
    channel = procpar.get("refsource1", "sfrq")
    f1_mhz = observed_mhz if channel == "sfrq" else _number(procpar.get(channel), 1.0)
    if is_number(procpar.get("reffrq1")) and procpar.get("reffrq1") > 0:
        f1_mhz = procpar.get("reffrq1")
    f1 = "1H" if channel == "sfrq" else str(procpar.get("dn", channel))
    require_protons(procpar.source, ("1H" if f2 == "H1" else f2, f1), (observed_mhz, f1_mhz))


def _zero_mhz(procpar: Parameters, observed_mhz: float, width_hz: float) -> tuple[float, str]:
    """Frequency of 0 ppm, and a sentence on where it comes from."""
    reffrq = procpar.get("reffrq")
    if is_number(reffrq) and abs(reffrq / observed_mhz - 1) < MOST_CARRIER:
        return reffrq, f"0 ppm is at {reffrq:.7g} MHz (reffrq)."
    # rfl is the distance of the reference line from the low-frequency edge, rfp its shift, both in Hz.
    if is_number(procpar.get("rfl")):
        carrier_hz = width_hz / 2 - procpar.get("rfl") + _number(procpar.get("rfp", 0.0))
        if abs(carrier_hz) < MOST_CARRIER * observed_mhz * 1e6:
            return observed_mhz - carrier_hz * 1e-6, f"The carrier is {carrier_hz:.6g} Hz above 0 ppm (rfl, rfp)."
    raise InputError(
        f"{procpar.source}: reffrq, or rfl and rfp, must say where 0 ppm is; set the reference in VnmrJ and save"
    )


def _rows(path: Path) -> np.ndarray:
    """All rows as VnmrJ wrote them; complex, (rows, n_points)."""
    with path.open("rb") as file:
        head = file.read(FILE_HEADER_BYTES)
    if len(head) < FILE_HEADER_BYTES:
        raise InputError(f"{path}: must begin with a header of 32 bytes, got {len(head)}; was the file cut off?")
    # Big-endian on every platform: six 32-bit numbers, then the status. nmrglue trusts them, so they are checked here.
    words = [int.from_bytes(head[at : at + 4], "big", signed=True) for at in range(0, 24, 4)]
    n_blocks, n_traces, n_real, n_bytes, trace_bytes, block_bytes = words
    sound = (
        min(words) > 0
        and trace_bytes == n_real * n_bytes
        and block_bytes == n_traces * trace_bytes + BLOCK_HEADER_BYTES
    )
    size = path.stat().st_size
    if not sound or size != FILE_HEADER_BYTES + n_blocks * block_bytes:
        raise InputError(
            f"{path}: the header must fit the file, got {n_blocks} blocks of {block_bytes} bytes in a file of {size}; "
            "was it cut off?"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, rows = nmrglue.varian.read_fid(str(path), as_2d=True)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as a Varian fid ({error}); copy it again") from error
    return rows.reshape(-1, rows.shape[-1])
