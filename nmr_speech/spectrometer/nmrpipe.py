"""NMRPipe files in the time domain."""

import warnings
from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.checks import InputError
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

HEADER_FLOATS = 512
MAGIC = 2.345  # the third number of the header
ALTERNATING = (1, 2, 17, 18)  # of FDF1AQSIGN


def read_nmrpipe(path: Path, quadrature: str | None = None, sampling: Sampling | None = None) -> Experiment:
    """Read a 2D NMRPipe file that is not yet transformed.

    Arguments
    ---------
    path : Path
        File, as ``bruk2pipe`` or ``var2pipe`` write it.
    quadrature : str | None
        How t1 was sampled; None takes FD2DPHASE, FDF1QUADFLAG and FDF1AQSIGN of the header. nmrglue writes another
        FDF1AQSIGN for States-TPPI than NMRPipe does; `to_grid` sees by the diagonal which is meant.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled non-uniformly or not. None: uniformly sampled protons.

    Returns
    -------
    Experiment

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(bytes(100))
    >>> read_nmrpipe(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...test.fid: must begin with an NMRPipe header of 2048 bytes; ...
    """
    header, rows = _read(path)
    if header["FDDIMCOUNT"] != 2 or header["FDTRANSPOSED"] != 0:
        raise InputError(f"{path}: an experiment must have two dimensions, F2 first, got {header['FDDIMCOUNT']:g}")
    if header["FDF1FTFLAG"] != 0 or header["FDF2FTFLAG"] != 0:
        raise InputError(f"{path}: must be in the time domain, this is a spectrum; give the file before FT")
    if header["FDF2QUADFLAG"] != 0:
        raise InputError(f"{path}: points in t2 must be complex (FDF2QUADFLAG 0), got {header['FDF2QUADFLAG']:g}")
    fields = [axis_of(header, f"FDF{k}OBS", path, "field_mhz") for k in (2, 1)]
    if sampling is None:
        same_nucleus(path, "1H", "1H", fields)
    mode, said = _quadrature(path, header, quadrature)
    n_rows = len(rows)
    rows, step = check_rows(rows, path)
    delay = header["FDDMXVAL"] if header["FDDMXFLAG"] >= 0 and 0 < header["FDDMXVAL"] < 1000 else 0.0
    t2_start, filtered = time_zero(rows, delay, path)
    if sampling is not None:
        rows = sampling.expand(rows, n_rows, 0, path)
    fid, t1_start = states_pairs(rows, mode)
    return assemble(
        fid,
        widths_hz=[axis_of(header, f"FDF{k}SW", path, "spectral_width_hz") for k in (2, 1)],
        field_mhz=fields[0],
        carriers_ppm=[number(header, f"FDF{k}CAR", path, -100, 100, "ppm") for k in (2, 1)],
        starts=(t1_start, t2_start),
        source=str(path),
        steps=(f"NMRPipe file; {step}", said, "The carriers in ppm are those of the header.", filtered),
        field_f1_mhz=None if abs(fields[0] / fields[1] - 1) < 1e-3 else fields[1],
    )


def is_nmrpipe(path: Path) -> bool:
    """Whether a file begins as NMRPipe's do, in either byte order.

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(np.array([0, 0, 2.345] + 509 * [0], dtype="<f4").tobytes())
    >>> is_nmrpipe(path)
    True
    """
    with path.open("rb") as file:
        head = file.read(4 * HEADER_FLOATS)
    if len(head) < 4 * HEADER_FLOATS:
        return False
    return any(abs(float(np.frombuffer(head, order, 3)[2]) - MAGIC) < 1e-4 for order in ("<f4", ">f4"))


def _read(path):
    if not is_nmrpipe(path):
        raise InputError(f"{path}: must begin with an NMRPipe header of 2048 bytes; was the file cut off?")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header, rows = nmrglue.pipe.read(path.read_bytes())  # a name may hold a %, which nmrglue takes for a mask
    except Exception as error:
        raise InputError(f"{path}: cannot be read as NMRPipe ({error}); convert it again") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2:
        raise InputError(
            f"{path}: must hold the rows that its header tells of ({header['FDSPECNUM']:g} of {header['FDSIZE']:g} "
            "points); was the file cut off, or is it 1D?"
        )
    return header, rows


def _quadrature(path, header, given):
    if given is not None:
        return given, f"t1 was sampled as {given}, as the caller says."
    phase, flag = header["FD2DPHASE"], header["FDF1QUADFLAG"]
    if flag in (3, 4):
        mode = "echo_antiecho"
    elif phase == 1:
        mode = "tppi"
    elif phase == 2 and flag == 0:
        mode = "states_tppi" if header["FDF1AQSIGN"] in ALTERNATING else "states"
    else:
        raise InputError(
            f"{path}: t1 must have been sampled as States, States-TPPI, TPPI or echo-antiecho, got FD2DPHASE "
            f"{phase:g} and FDF1QUADFLAG {flag:g} (magnitude: positive and negative frequencies cannot be told "
            "apart); if that is wrong, name `quadrature`"
        )
    return mode, f"t1 was sampled as {mode} (FD2DPHASE, FDF1QUADFLAG, FDF1AQSIGN)."
