"""Varian and Agilent folders: ``fid``, ``procpar``."""

import warnings
from pathlib import Path

import nmrglue

from nmr_speech.checks import InputError, is_number
from nmr_speech.spectrometer.experiment import (
    Experiment,
    assemble,
    axis_of,
    check_rows,
    same_nucleus,
    states_pairs,
)

FILE_HEADER_BYTES = 32


def read_varian(folder: Path, quadrature: str | None = None) -> Experiment:
    """Read a Varian or Agilent experiment.

    VnmrJ's signals turn the other way round than Bruker's in both dimensions, so points are conjugated and sine rows
    negated.

    Arguments
    ---------
    folder : Path
        Folder with ``fid`` and ``procpar``.
    quadrature : str | None
        How t1 was sampled; None takes ``phase`` of ``procpar`` (1 and 2 for States, 3 for TPPI) and ``f1coef``, which
        tells echo-antiecho by mixing both rows.

    Returns
    -------
    Experiment

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
    procpar = folder / "procpar"
    parameters = _parameters(procpar)
    rows, step = check_rows(_rows(folder / "fid").conj(), folder / "fid")
    mode, said = _quadrature(procpar, parameters, quadrature)
    field_mhz = axis_of(parameters, "sfrq", procpar, "field_mhz")
    _check_nuclei(procpar, parameters, field_mhz)
    width_hz, width_f1_hz = (axis_of(parameters, key, procpar, "spectral_width_hz") for key in ("sw", "sw1"))
    zero_mhz, reference = _zero_mhz(procpar, parameters, field_mhz, width_hz)
    carrier_ppm = (field_mhz - zero_mhz) / zero_mhz * 1e6
    fid, t1_start = states_pairs(rows, mode)
    fid[1] *= -1
    return assemble(
        fid,
        widths_hz=(width_hz, width_f1_hz),
        field_mhz=zero_mhz,
        carriers_ppm=(carrier_ppm, carrier_ppm),
        starts=(t1_start, 0.0),
        source=str(folder),
        steps=(f"Varian folder; {step}", said, reference),
        mixing_time_s=parameters.get("mix"),
        solvent=parameters.get("solvent"),
        pulse_program=parameters.get("seqfil"),
    )


def _parameters(path):
    """The first value of each parameter, and all of ``phase``."""
    try:
        procpar = nmrglue.varian.read_procpar(str(path))
    except Exception as error:  # nmrglue raises what a damaged file happens to trip over
        raise InputError(f"{path}: cannot be read as procpar ({error}); copy it again") from error
    parameters = {key: _value(entry["values"][0]) for key, entry in procpar.items() if entry["values"]}
    return parameters | {"phase": [_value(text) for text in procpar.get("phase", {"values": []})["values"]]}


def _value(text):
    try:
        return float(text)
    except ValueError:
        return text


def _quadrature(path, parameters, given):
    if given is not None:
        return given, f"t1 was sampled as {given}, as the caller says."
    coefficients = str(parameters.get("f1coef", "")).split()
    if parameters["phase"] == [3]:
        return "tppi", "t1 was sampled as tppi (phase 3)."
    if parameters["phase"] != [1, 2]:
        phases = ", ".join(str(phase) for phase in parameters["phase"]) or "none"
        raise InputError(
            f"{path}: phase must be 1,2 (States) or 3 (TPPI), got {phases}; with one real channel in t1 positive and "
            "negative frequencies cannot be told apart. If t1 was sampled otherwise, name it as `quadrature`"
        )
    if len(coefficients) == 8 and _float_or(coefficients[0]) and _float_or(coefficients[2]):
        return "echo_antiecho", "t1 was sampled as echo_antiecho (f1coef mixes both rows)."
    return "states", "t1 was sampled as states (phase 1, 2)."


def _float_or(text, otherwise=0.0):
    value = _value(text) if isinstance(text, str) else text
    return value if is_number(value) else otherwise


def _check_nuclei(path, parameters, field_mhz):
    f2 = str(parameters.get("tn", "H1"))
    other = parameters.get("refsource1", "sfrq")
    f1_mhz = field_mhz if other == "sfrq" else _float_or(parameters.get(other), 1.0)
    if is_number(parameters.get("reffrq1")) and parameters["reffrq1"] > 0:
        f1_mhz = parameters["reffrq1"]
    same_nucleus(
        path,
        "1H" if f2 == "H1" else f2,
        "1H" if other == "sfrq" else str(parameters.get("dn", other)),
        (field_mhz, f1_mhz),
    )


def _zero_mhz(path, parameters, field_mhz, width_hz):
    """The frequency of 0 ppm."""
    reffrq = parameters.get("reffrq")
    if is_number(reffrq) and abs(reffrq / field_mhz - 1) < 1e-4:
        return reffrq, f"0 ppm is at {reffrq:.7g} MHz (reffrq)."
    if is_number(parameters.get("rfl")):
        carrier_hz = width_hz / 2 - parameters["rfl"] + _float_or(parameters.get("rfp", 0.0))
        if abs(carrier_hz) < 1e-4 * field_mhz * 1e6:
            return field_mhz - carrier_hz * 1e-6, f"The carrier is {carrier_hz:.6g} Hz above 0 ppm (rfl, rfp)."
    raise InputError(f"{path}: reffrq, or rfl and rfp, must say where 0 ppm is; set the reference in VnmrJ and save")


def _rows(path):
    with path.open("rb") as file:
        head = file.read(FILE_HEADER_BYTES)
    if len(head) < FILE_HEADER_BYTES:
        raise InputError(f"{path}: must begin with a header of 32 bytes, got {len(head)}; was the file cut off?")
    words = [int.from_bytes(head[at : at + 4], "big", signed=True) for at in range(0, 24, 4)]
    n_blocks, n_traces, n_real, n_bytes, trace_bytes, block_bytes = words
    sound = min(words) > 0 and trace_bytes == n_real * n_bytes and block_bytes == n_traces * trace_bytes + 28
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
