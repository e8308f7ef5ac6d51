"""3D experiments in files: a series of NMRPipe planes, or a Bruker folder with ``acqu3s``."""

import itertools
import re
from pathlib import Path

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number, one_of, quoted
from nmr_speech.spectrometer.bruker import MODES, group_delay, read_rows
from nmr_speech.spectrometer.bruker_files import BrukerFiles, axes, read_files, read_parameters
from nmr_speech.spectrometer.cube import COMPONENTS, CubeExperiment, place_points, sort_pairs
from nmr_speech.spectrometer.experiment import axes_step, is_same_nucleus
from nmr_speech.spectrometer.nmrpipe import ALTERNATING, axis_of, group_delay_of, is_nmrpipe, nucleus_of, read_points
from nmr_speech.spectrometer.parameters import Parameters
from nmr_speech.spectrometer.rows import QUADRATURES, time_zero

NUMBERED = re.compile(r"(.*?)(\d+)(\.[A-Za-z]\w*)$")
PATTERN = re.compile(r"(.*?)%0?(\d*)d(.*)$")
PLANE_ENDINGS = (".fid", ".dat", ".pipe", ".ft1")
MOST_PPM = 1000.0  # a carrier beyond is no shift: some converters write nonsense for the third dimension


def is_cube(path: str | Path) -> bool:
    """Whether a path holds a 3D experiment: a pattern such as name%03d.fid, a folder of planes, a Bruker 3D folder.

    Example
    -------
    >>> is_cube(getfixture("tmp_path"))
    False
    """
    path = Path(path)
    if PATTERN.match(path.name):
        return True
    if not path.is_dir():
        return False
    loop = path / "acqu3s"
    if (path / "ser").is_file() and loop.is_file():
        return read_parameters(loop).get("TD", 1) not in (0, 1)
    files = _numbered(path)
    return len(files) > 1 and is_nmrpipe(files[0]) and read_points(files[0], 2)[0].get("FDDIMCOUNT") == 3


def read_cube(
    path: str | Path,
    schedule: np.ndarray | None = None,
    grid: tuple[int, int] | None = None,
    quadrature: str | None = None,
    pdata: int | None = None,
) -> CubeExperiment:
    """Read a 3D experiment in the time domain.

    Arguments
    ---------
    path : str | Path
        NMRPipe planes, as a pattern name%03d.fid or their folder, F3 in each row and F2 from row to row; or a Bruker
        folder with ``ser`` and ``acqu3s``.
    schedule : np.ndarray | None
        Indices in t1 and t2 of the points measured, (m, 2), in the order of the measurement.
    grid : tuple[int, int] | None
        Complex points of t1 and t2 of the full grid, where the files do not give their numbers.
    quadrature : str | None
        How t1 and t2 were sampled, one word or two with a comma; None takes what the files say.
    pdata : int | None
        Number of the processing of a Bruker folder whose references are taken.

    Returns
    -------
    CubeExperiment

    Example
    -------
    >>> read_cube(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: holds no 3D experiment: NMRPipe planes such as name001.fid, or ser with acqu3s
    """
    path = Path(path)
    if not is_cube(path):
        raise InputError(f"{path}: holds no 3D experiment: NMRPipe planes such as name001.fid, or ser with acqu3s")
    given = None if quadrature is None else _two(quadrature)
    if (path / "ser").is_file():
        return _read_bruker(path, schedule, grid, given, pdata)
    return _read_planes(path, schedule, grid, given)


def _two(quadrature):
    words = [word.strip() for word in quadrature.split(",")]
    both = words * 2 if len(words) == 1 else words
    if len(both) != 2:
        raise InputError(f"`quadrature` must be one word, or two for t1 and t2 with a comma, got {quoted(quadrature)}")
    return tuple(one_of("quadrature", word, QUADRATURES) for word in both)


def _numbered(folder):
    """Return the files of a folder whose names end in a number and the ending of planes, in order."""
    found = [(match, one) for one in sorted(folder.iterdir()) if (match := NUMBERED.match(one.name))]
    found = [(match, one) for match, one in found if match[3] in PLANE_ENDINGS]
    return [one for match, one in found if match[1] == found[0][0][1] and match[3] == found[0][0][3]]


def plane_files(path: Path) -> list[Path]:
    """Return the files of all planes, from the first number to the last.

    Arguments
    ---------
    path : Path
        Pattern such as name%03d.fid, or folder.

    Returns
    -------
    list[Path]

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for k in (1, 3):
    ...     (folder / f"test00{k}.fid").touch()
    >>> plane_files(folder)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: .../test002.fid: this plane is missing between test001.fid and test003.fid; ...
    """
    if match := PATTERN.match(path.name):
        folder, pattern = path.parent, re.compile(re.escape(match[1]) + r"(\d+)" + re.escape(match[3]) + "$")
        found = [one for one in sorted(folder.glob("*")) if pattern.match(one.name)]
    else:
        found = _numbered(path)
    if not found:
        raise InputError(f"{path}: there are no such planes")
    for before, after in itertools.pairwise(found):
        stem, number, ending = NUMBERED.match(before.name).groups()  # type: ignore[union-attr]
        following = f"{stem}{int(number) + 1:0{len(number)}d}{ending}"
        if after.name != following:
            raise InputError(
                f"{before.with_name(following)}: this plane is missing between {before.name} and {after.name}; copy "
                "the whole series"
            )
    return found


def _read_planes(path, schedule, grid, given):
    files = plane_files(path)
    header, first = read_points(files[0], 2)
    if header.get("FDDIMCOUNT") != 3:
        raise InputError(f"{files[0]}: a plane of a 3D experiment must say so (FDDIMCOUNT 3)")
    if any(header.get(f"FDF{k}FTFLAG") for k in (1, 2, 3)) or header.get("FDTRANSPOSED"):
        raise InputError(f"{files[0]}: planes must be in the time domain and not transposed; give those before FT")
    planes = np.empty((len(files), *first.shape), dtype=np.complex64)
    for k, file in enumerate(files):
        points = read_points(file, 2)[1]
        if points.shape != first.shape:
            raise InputError(f"{file}: must be as large as {files[0].name}, {first.shape}, got {points.shape}")
        planes[k] = points
    rows, t3_start, filtered = time_zero(planes.reshape(-1, first.shape[-1]), group_delay_of(header), path)
    if grid is None and schedule is not None and len(rows) == COMPONENTS * len(schedule):
        grid = tuple(int(top) + 1 for top in schedule.max(axis=0))
    n_1, n_2 = grid or (len(files) // 2, first.shape[0] // 2)
    quadratures = given or (_pipe_quadrature(header, 3), _pipe_quadrature(header, 1))
    fid = sort_pairs(place_points(rows, (n_1, n_2), schedule, path), quadratures, path)
    f3 = axis_of(header, 2, fid.shape[-1], header.quantity("FDF2OBS", "field_mhz"))
    f1, doubts = _pipe_axis(header, 3, n_1, f3)
    f2, more = _pipe_axis(header, 1, n_2, f3)
    return CubeExperiment(
        fid=fid,
        f1=f1,
        f2=f2,
        f3=f3,
        t3_start=t3_start,
        schedule=schedule,
        nucleus=nucleus_of(header),
        source=str(path),
        steps=(f"{len(files)} NMRPipe planes of {first.shape[0]} rows.", *_said(quadratures, f1, f2, f3), filtered),
        warnings=(*doubts, *more),
    )


def _said(quadratures, f1, f2, f3):
    return (
        f"t1 was sampled as {quadratures[0]}, t2 as {quadratures[1]}; {f1.n} x {f2.n} complex points.",
        axes_step(f1, f3).replace("F2", "F3"),
        f"F2: {f2.width_hz:.1f} Hz at {f2.field_mhz:.3f} MHz, centre {f2.carrier_ppm:.3f} ppm.",
    )


def _pipe_quadrature(header: Parameters, dimension: int) -> str:
    if header.get(f"FDF{dimension}QUADFLAG") in (3, 4):
        return "echo_antiecho"
    return "states_tppi" if header.get(f"FDF{dimension}AQSIGN") in ALTERNATING else "states"


def _pipe_axis(header: Parameters, dimension: int, n: int, f3: Axis) -> tuple[Axis, tuple[str, ...]]:
    field_mhz = header.quantity(f"FDF{dimension}OBS", "field_mhz")
    field_mhz = f3.field_mhz if is_same_nucleus(field_mhz, f3.field_mhz) else field_mhz
    carrier = header.get(f"FDF{dimension}CAR")
    if not is_number(carrier) or abs(carrier) > MOST_PPM:
        known = f3.carrier_ppm if field_mhz == f3.field_mhz else 0.0
        axis = Axis(n, header.quantity(f"FDF{dimension}SW", "width_hz"), known, field_mhz)
        name = {3: "F1", 1: "F2"}[dimension]
        return axis, (f"the carrier of {name} in the header, {carrier:g} ppm, is no shift; {known:g} ppm is taken",)
    return axis_of(header, dimension, n, field_mhz), ()


def _read_bruker(folder, schedule, grid, given, pdata):
    files = read_files(folder, pdata)
    acqu3s = read_parameters(folder / "acqu3s")
    proc3s = Path(files.procs.source).with_name("proc3s")
    outer = BrukerFiles(
        folder,
        files.acqus,
        acqu3s,
        files.procs,
        read_parameters(proc3s) if proc3s.is_file() else Parameters({}, proc3s),
    )
    t1_faster = files.acqus.get("AQSEQ") == 1  # "312": the loop of F1 is the inner one
    sizes = tuple(int(one.get("NusTD") or one.number("TD", 2, 2**16)) // 2 for one in (acqu3s, files.acqu2s))
    n_1, n_2 = grid or sizes
    full = n_1 * n_2 * COMPONENTS
    planned = full if schedule is None else COMPONENTS * len(schedule)
    rows = read_rows(folder / "ser", files.acqus, planned)
    rows = rows[: full if len(rows) >= full else planned]  # a file that is expanded already has all
    rows, t3_start, filtered = time_zero(rows, group_delay(files.acqus), folder / "ser")
    quadratures = given or tuple(_bruker_quadrature(one) for one in (outer, files))
    placed = place_points(rows, (n_1, n_2), schedule, folder / "ser", t1_faster)
    fid = sort_pairs(placed, quadratures, folder)
    f1, f3, _ = axes(outer, (n_1, fid.shape[-1]))
    f2, _, zeros = axes(files, (n_2, fid.shape[-1]))
    return CubeExperiment(
        fid=fid,
        f1=f1,
        f2=f2,
        f3=f3,
        t3_start=t3_start,
        schedule=schedule,
        nucleus=files.nuclei()[0],
        source=str(folder),
        steps=(
            f"Bruker 3D folder, {'t1' if t1_faster else 't2'} in the inner loop.",
            *_said(quadratures, f1, f2, f3),
            *zeros,
            filtered,
        ),
    )


def _bruker_quadrature(files: BrukerFiles) -> str:
    mode = files.acqu2s.get("FnMODE", 0)
    mode = files.proc2s.get("MC2", -1) + 1 if mode == 0 else mode
    if mode not in MODES:
        raise InputError(
            f"{files.acqu2s.source}: FnMODE must be 4 (States), 5 (States-TPPI) or 6 (echo-antiecho), got "
            f"{quoted(mode)}; correct it or give `quadrature`"
        )
    return MODES[mode]
