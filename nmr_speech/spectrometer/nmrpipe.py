"""NMRPipe files in the time domain."""

import warnings
from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.spectrometer.experiment import (
    FREQUENCIES,
    Experiment,
    axes_step,
    is_same_nucleus,
    require_protons,
    single_precision,
)
from nmr_speech.spectrometer.one_dimension import FEWEST, Experiment1D, from_time_zero
from nmr_speech.spectrometer.parameters import Parameters
from nmr_speech.spectrometer.rows import MOST_DELAY, by_caller, check_rows, states_pairs, time_zero
from nmr_speech.spectrometer.sampling import Sampling

HEADER_BYTES = 2048  # 512 numbers of float32
MAGIC = 2.345  # the third number of the header
ALTERNATING = (1, 2, 17, 18)  # values of FDF1AQSIGN for which the sign alternates from pair to pair


def read_nmrpipe(path: Path, quadrature: str | None = None, sampling: Sampling | None = None) -> Experiment:
    """Read a 2D NMRPipe file that is not yet transformed.

    Arguments
    ---------
    path : Path
        File, as ``bruk2pipe`` or ``var2pipe`` write it.
    quadrature : str | None
        How t1 was sampled; None takes FD2DPHASE, FDF1QUADFLAG and FDF1AQSIGN of the header. For States-TPPI, nmrglue
        writes another FDF1AQSIGN than NMRPipe; `to_grid` tells which is meant by the diagonal.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled uniformly or not. None: uniformly sampled protons.

    Returns
    -------
    Experiment
        Rows as States pairs, (2, n_transients, n_points).

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(bytes(100))
    >>> read_nmrpipe(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...test.fid: must begin with an NMRPipe header of 2048 bytes; ...
    """
    header, every_row = read_points(path, 2)
    _check_kind(header)
    fields_mhz = header.quantity("FDF2OBS", "field_mhz"), header.quantity("FDF1OBS", "field_mhz")
    if sampling is None:
        require_protons(path, ("1H", "1H"), fields_mhz)  # headers name the axes freely: "1H", "HN", "Y"
    mode, said = by_caller(quadrature) if quadrature else _quadrature(header)
    if (
        sampling is None or sampling.schedule is None
    ):  # expanded to its grid, a file keeps the number of points measured
        _check_loop(header, len(every_row))
    rows, step = check_rows(every_row, path)
    rows, t2_start, filtered = time_zero(rows, group_delay_of(header), path)
    rows, schedule, doubts = (sampling or Sampling()).expand(rows, len(every_row), 0, path)
    fid, t1_start = states_pairs(rows, mode)
    f1 = axis_of(header, 1, fid.shape[1], fields_mhz[0] if is_same_nucleus(*fields_mhz) else fields_mhz[1])
    f2 = axis_of(header, 2, fid.shape[2], fields_mhz[0])
    carriers = "The carriers in ppm are those of the header."
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        t1_start=t1_start,
        t2_start=t2_start,
        n_valid=f1.n,
        nucleus=nucleus_of(header),
        schedule=schedule,
        source=str(path),
        steps=(f"NMRPipe file; {step}", said, carriers, filtered, axes_step(f1, f2)),
        warnings=doubts,
    )


def read_nmrpipe_1d(path: Path) -> Experiment1D:
    """Read a 1D NMRPipe file: an FID, or its complex spectrum, taken back to time.

    Arguments
    ---------
    path : Path
        File with complex points. A spectrum must not have been apodised; zero filling is undone.

    Returns
    -------
    Experiment1D

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(bytes(100))
    >>> read_nmrpipe_1d(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...test.fid: must begin with an NMRPipe header of 2048 bytes; ...
    """
    header, points = read_points(path, 1)
    if not np.iscomplexobj(points):
        raise InputError(
            f"{path}: points must be complex, these are real: the imaginary part was deleted; process again"
        )
    kind = "FID"
    if header.get("FDF2FTFLAG"):
        if header.get("FDF2APODCODE"):
            raise InputError(
                f"{path}: a spectrum must not be apodised, this one was: its noise is no longer white; give the FID"
            )
        # NMRPipe stores the highest shift first and the carrier at point n // 2; all that is a shift and a reversal.
        points = np.fft.fft(np.fft.ifftshift(points)) / len(points)
        measured = int(header.get("FDF2TDSIZE") or 0)
        points = points[:measured] if FEWEST <= measured < len(points) else points
        kind = "spectrum, taken back to time"
    fid, filtered = from_time_zero(points, 0.0 if header.get("FDF2FTFLAG") else group_delay_of(header), path)
    field_mhz = header.quantity("FDF2OBS", "field_mhz")
    axis = axis_of(header, 2, len(fid), field_mhz)
    steps = (f"NMRPipe {kind}; {len(fid)} complex points.", "The carrier in ppm is that of the header.", filtered)
    return Experiment1D(fid=fid, axis=axis, nucleus=nucleus_of(header), source=str(path), steps=steps)


def _check_kind(header: Parameters) -> None:
    """Refuse what is not 2D, is transposed, transformed, or real in t2."""
    source, dimensions = header.source, header.get("FDDIMCOUNT")
    if dimensions != 2:
        what = "a 1D spectrum" if dimensions == 1 else f"an experiment of {dimensions:g} dimensions"
        raise InputError(f"{source}: an experiment must have two dimensions, this is {what}; give a 2D TOCSY")
    if header.get("FDTRANSPOSED") != 0:
        raise InputError(f"{source}: F2 must come first, this file is transposed; turn it by `nmrPipe -fn TP`")
    if header.get("FDF1FTFLAG") != 0 or header.get("FDF2FTFLAG") != 0:
        raise InputError(
            f"{source}: must be in the time domain, this is a spectrum; give the file before FT, or, if it is real and "
            "phased in both dimensions, a name that ends in .ft2"
        )
    if header.get("FDF2QUADFLAG") != 0:
        raise InputError(f"{source}: points in t2 must be complex (FDF2QUADFLAG 0), got {header.get('FDF2QUADFLAG'):g}")


def _check_loop(header: Parameters, n_rows: int) -> None:
    """Refuse a second loop: rows of several planes in one file of two dimensions."""
    announced, planes = header.get("FDF1TDSIZE"), header.get("FDF3SIZE")
    if planes > 1 or 8 <= announced < (n_rows - 1) // 2:
        raise InputError(
            f"{header.source}: rows must be those of one plane, got {n_rows} of {planes:g} plane(s) for FDF1TDSIZE "
            f"{announced:g}, two for each: there is a second loop such as several mixing times; convert one plane"
        )


def nucleus_of(header: Parameters) -> str:
    """Return the nucleus of F2: the label where it names one, else protons, which are all but always observed.

    Example
    -------
    >>> nucleus_of(Parameters({"FDF2LABEL": "HN"}, "test.fid"))
    '1H'
    """
    label = str(header.get("FDF2LABEL", "")).strip()
    return label if label in FREQUENCIES else "1H"


def axis_of(header: Parameters, dimension: int, n: int, field_mhz: float) -> Axis:
    """Return the axis of n points of a dimension of the header, 1 to 3, at a field in MHz.

    Example
    -------
    >>> axis_of(Parameters({"FDF1SW": 2000.0, "FDF1CAR": 118.0}, "test.fid"), 1, 64, 60.8).carrier_ppm
    118.0
    """
    width_hz = header.quantity(f"FDF{dimension}SW", "width_hz")
    return Axis(n, width_hz, header.quantity(f"FDF{dimension}CAR", "carrier_ppm"), field_mhz)


def group_delay_of(header: Parameters) -> float:
    """Return the delay by the digital filter, in points; FDDMXFLAG is negative once it has been removed.

    Example
    -------
    >>> group_delay_of(Parameters({"FDDMXVAL": 67.98, "FDDMXFLAG": 1.0}, "test.fid"))
    67.98
    """
    delay = header.get("FDDMXVAL")
    return delay if header.get("FDDMXFLAG") >= 0 and 0 < delay < MOST_DELAY else 0.0


def is_nmrpipe(path: Path) -> bool:
    """Whether a file begins with an NMRPipe header, in either byte order.

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(np.array([0, 0, 2.345] + 509 * [0], dtype="<f4").tobytes())
    >>> is_nmrpipe(path)
    True
    """
    with path.open("rb") as file:
        return is_header(file.read(HEADER_BYTES))


def is_nmrpipe_1d(path: Path) -> bool:
    """Whether the header of an NMRPipe file says that it has one dimension.

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(np.array([0, 0, 2.345] + 6 * [0] + [1] + 502 * [0], dtype="<f4").tobytes())
    >>> is_nmrpipe_1d(path)
    True
    """
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    order = "<f4" if abs(float(np.frombuffer(head, "<f4", 3)[2]) - MAGIC) < 1e-4 else ">f4"
    return float(np.frombuffer(head, order, 10)[9]) == 1  # FDDIMCOUNT


def is_header(head: bytes) -> bool:
    """Whether bytes are those of an NMRPipe header, 2048 of them, in either byte order.

    Example
    -------
    >>> is_header(np.array([0, 0, 2.345] + 509 * [0], dtype=">f4").tobytes()), is_header(bytes(2048))
    (True, False)
    """
    if len(head) < HEADER_BYTES:
        return False
    # The number was chosen so that its bytes tell the order in which the others are to be read.
    return any(abs(float(np.frombuffer(head, order, 3)[2]) - MAGIC) < 1e-4 for order in ("<f4", ">f4"))


def read_points(path: Path, ndim: int) -> tuple[Parameters, np.ndarray]:
    """Read the header and the points of a file of one dimension, or of one plane.

    Arguments
    ---------
    path : Path
        The file.
    ndim : int
        1 for an FID, 2 for rows.

    Returns
    -------
    header : Parameters
        By the names of NMRPipe.
    points : np.ndarray
        complex, or real where the file is, (n_points,) or (rows, n_points).

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.fid"
    >>> _ = path.write_bytes(bytes(100))
    >>> read_points(path, 2)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...test.fid: must begin with an NMRPipe header of 2048 bytes; was the file cut off?
    """
    if not is_nmrpipe(path):
        raise InputError(f"{path}: must begin with an NMRPipe header of {HEADER_BYTES} bytes; was the file cut off?")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header, rows = nmrglue.pipe.read(path.read_bytes())  # a name may hold a %, which nmrglue takes for a mask
    except Exception as error:  # whatever nmrglue trips over in a damaged file
        raise InputError(f"{path}: cannot be read as NMRPipe ({error}); convert it again") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != ndim:
        if ndim == 1:
            raise InputError(f"{path}: must hold the {header['FDSIZE']:g} points of one FID; was the file cut off?")
        raise InputError(
            f"{path}: must hold the rows that its header announces ({header['FDSPECNUM']:g} of {header['FDSIZE']:g} "
            "points); was the file cut off, or is it 1D?"
        )
    return Parameters(header, path), rows


def _quadrature(header: Parameters) -> tuple[str, str]:
    """How t1 was sampled, and a sentence on how that is known."""
    phase, flag = header.get("FD2DPHASE"), header.get("FDF1QUADFLAG")
    if flag in (3, 4):
        mode = "echo_antiecho"
    elif phase == 1:
        mode = "tppi"
    elif phase == 2 and flag == 0:
        mode = "states_tppi" if header.get("FDF1AQSIGN") in ALTERNATING else "states"
    else:
        raise InputError(
            f"{header.source}: t1 must have been sampled as States, States-TPPI, TPPI or echo-antiecho, got FD2DPHASE "
            f"{phase:g} and FDF1QUADFLAG {flag:g} (magnitude: positive and negative frequencies cannot be "
            "distinguished); if that is wrong, give `quadrature`"
        )
    return mode, f"t1 was sampled as {mode} (FD2DPHASE, FDF1QUADFLAG, FDF1AQSIGN)."
