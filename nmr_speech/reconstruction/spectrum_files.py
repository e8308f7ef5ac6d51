"""Spectra as files that other programs open: NMRPipe (``.ft2``) and Sparky (``.ucsf``), through nmrglue.

Both store the highest shift first. Here, at the border, spectra are turned: inside, shifts rise.
"""

import re
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nmrglue
import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.files import write_whole
from nmr_speech.spectrometer.experiment import FREQUENCIES, nucleus_of

ENDINGS = (".ft2", ".ucsf")
CUBE_ENDINGS = (".ft3", ".ucsf")


def write_spectrum(
    path: str | Path,
    spectrum: np.ndarray,
    f1: Axis,
    f2: Axis,
    cosines: tuple[int, int] | None = None,
    whole: tuple[bool, bool] = (False, False),
) -> None:
    """Write a spectrum; the ending of the name chooses the format.

    Arguments
    ---------
    path : str | Path
        ``.ft2`` for NMRPipe, ``.ucsf`` for Sparky.
    spectrum : np.ndarray
        Real, (f1.n, f2.n), shifts rising along both axes.
    f1, f2 : Axis
        Its axes.
    cosines : tuple[int, int] | None
        Points of F1 and F2 before zero filling, where a cosine with the first point halved was the window; the header
        of NMRPipe then says so.
    whole : tuple[bool, bool]
        Whether F1 and F2 span the spectral width, as a Fourier transform gives them. The two ends of the band are then
        one point, which NMRPipe keeps at the high end, so that point n // 2 of its order is the carrier.

    Example
    -------
    >>> path = getfixture("tmp_path") / "one.ucsf"
    >>> axis = Axis(32, width_hz=3200.0, carrier_ppm=5.0, field_mhz=600.0)
    >>> write_spectrum(path, np.eye(32), axis, axis)
    >>> found, _, f2 = read_spectrum(path)
    >>> bool((found == np.eye(32)).all()), bool(abs(f2.ppm() - axis.ppm()).max() < 1e-4)
    (True, True)
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path}: the name of a spectrum must end in {' or '.join(ENDINGS)}")
    for dim in np.flatnonzero(whole):
        spectrum = np.roll(spectrum, -1, axis=dim)
    f1, f2 = (
        replace(axis, carrier_ppm=axis.carrier_ppm + axis.width_ppm / axis.n) if moved else axis
        for axis, moved in zip((f1, f2), whole, strict=True)
    )
    label = "1H" if f1.field_mhz == f2.field_mhz else "F1"
    between = path.suffix.lower() == ".ucsf"
    axes = {0: _parameters(f1, label, between), 1: _parameters(f2, "1H", between)}
    converter = nmrglue.convert.converter()
    falling = np.ascontiguousarray(spectrum[::-1, ::-1], dtype=np.float32)
    converter.from_universal({"ndim": 2} | axes, falling)
    # nmrglue writes to a name, and a file must be whole or absent: so through a temporary folder.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        temporary = Path(folder, "spectrum" + path.suffix.lower())
        if path.suffix.lower() == ".ft2":
            header, data = converter.to_pipe()
            nmrglue.pipe.write(str(temporary), header | _cosine_header(cosines), data)
        else:
            nmrglue.sparky.write(str(temporary), *converter.to_sparky())
        write_whole(path, temporary.read_bytes())


def write_cube(path: str | Path, spectrum: np.ndarray, axes: Sequence[Axis]) -> None:
    """Write a 3D spectrum; the ending of the name chooses the format.

    Arguments
    ---------
    path : str | Path
        ``name%03d.ft3`` for NMRPipe, one plane of F2 and F3 in a file; ``.ucsf`` for Sparky.
    spectrum : np.ndarray
        Real, (f1.n, f2.n, f3.n), shifts rising along all axes.
    axes : Sequence[Axis]
        F1, F2 and F3.

    Example
    -------
    >>> path = getfixture("tmp_path") / "one%03d.ft3"
    >>> write_cube(path, np.ones((4, 8, 16)), [Axis(n, 1000.0, 5.0, 500.0) for n in (4, 8, 16)])
    >>> sorted(one.name for one in path.parent.iterdir())
    ['one001.ft3', 'one002.ft3', 'one003.ft3', 'one004.ft3']
    """
    path = check_cube_name(path)
    between = path.suffix.lower() == ".ucsf"
    labels = [nucleus_of(axis.field_mhz, axes[-1].field_mhz) for axis in axes]
    named = [label if label in FREQUENCIES else f"F{k + 1}" for k, label in enumerate(labels)]
    universal = {k: _parameters(axis, named[k], between) for k, axis in enumerate(axes)}
    converter = nmrglue.convert.converter()
    converter.from_universal({"ndim": 3} | universal, np.ascontiguousarray(spectrum[::-1, ::-1, ::-1], np.float32))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if between:
            nmrglue.sparky.write(str(Path(folder, "cube.ucsf")), *converter.to_sparky())
            write_whole(path, Path(folder, "cube.ucsf").read_bytes())
            return
        nmrglue.pipe.write(str(Path(folder, "plane%05d.ft3")), *converter.to_pipe())
        for k, plane in enumerate(sorted(Path(folder).iterdir())):
            write_whole(path.with_name(path.name % (k + 1)), plane.read_bytes())


def check_cube_name(path: str | Path) -> Path:
    """Refuse a name under which no cube can be written.

    Example
    -------
    >>> check_cube_name("cube.ft3")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: cube.ft3: NMRPipe keeps a plane a file, so the name must hold one %03d: name%03d.ft3
    """
    path = Path(path)
    if path.suffix.lower() not in CUBE_ENDINGS:
        raise InputError(f"{path}: the name of a 3D spectrum must end in {' or '.join(CUBE_ENDINGS)}")
    if path.suffix.lower() == ".ft3" and not re.fullmatch(r"[^%]*%0?\d*d[^%]*", path.name):
        raise InputError(f"{path}: NMRPipe keeps a plane a file, so the name must hold one %03d: name%03d.ft3")
    return path


def _cosine_header(points: tuple[int, int] | None) -> dict[str, float]:
    """Return what a header says of the window SP -off 0.5 -end (its last point) -c 0.5 in both dimensions."""
    header: dict[str, float] = {}
    for name, n in zip(("FDF1", "FDF2"), points or (), strict=False):
        window = {"TDSIZE": n, "APOD": n, "APODCODE": 1, "APODQ1": 0.5, "APODQ2": 0.5 + 0.5 * (n - 1) / n, "APODQ3": 1}
        header |= {f"{name}{key}": float(value) for key, value in (window | {"C1": -0.5}).items()}
    return header


def _parameters(axis: Axis, label: str, between_points: bool) -> dict[str, object]:
    """Return what nmrglue needs of an axis that is stored highest shift first.

    Its carrier is at point n // 2 of that order; Sparky's lies between two points where n is odd.
    """
    carrier_ppm = axis.ppm()[::-1][axis.n // 2]
    if between_points:
        carrier_ppm -= axis.n % 2 * axis.width_ppm / axis.n / 2
    return {
        "size": axis.n,
        "complex": False,
        "encoding": "states",
        "sw": axis.width_hz,
        "obs": axis.field_mhz,
        "car": carrier_ppm * axis.field_mhz,
        "label": label,
        "time": False,
        "freq": True,
    }


def read_spectrum(path: str | Path) -> tuple[np.ndarray, Axis, Axis]:
    """Read a 2D spectrum that is real and phased: an NMRPipe file after FT, or a Sparky file.

    Arguments
    ---------
    path : str | Path
        The file.

    Returns
    -------
    spectrum : np.ndarray
        float32, (f1.n, f2.n), shifts rising along both axes.
    f1, f2 : Axis
        Its axes.

    Example
    -------
    >>> path = getfixture("tmp_path") / "one.ft2"
    >>> axis = Axis(16, width_hz=1600.0, carrier_ppm=5.0, field_mhz=600.0)
    >>> write_spectrum(path, np.eye(16)[:, 3:4] * np.ones(16), axis, axis)
    >>> read_spectrum(path)[0].argmax(axis=0).tolist() == [3] * 16
    True
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content.startswith(b"UCSF NMR"):
            module, (parameters, spectrum) = nmrglue.sparky, nmrglue.sparky.read(str(path))
        else:
            module, (parameters, spectrum) = nmrglue.pipe, nmrglue.pipe.read(content)
        universal = module.guess_udic(parameters, spectrum)
    except Exception as error:  # nmrglue raises what a damaged file happens to trip over
        raise InputError(f"{path}: cannot be read as a spectrum of NMRPipe or Sparky ({error})") from error
    real_2d = spectrum.ndim == 2 and min(spectrum.shape) > 1 and not np.iscomplexobj(spectrum)
    if not real_2d or not all(universal[k]["freq"] for k in (0, 1)):
        raise InputError(f"{path}: must be a real 2D spectrum, transformed and phased in both dimensions")
    if not np.isfinite(spectrum).all():
        raise InputError(f"{path}: points must be finite numbers, got NaN or infinity")
    f1, f2 = (axis_of(module.make_uc(parameters, spectrum, dim=k), spectrum.shape[k]) for k in (0, 1))
    return np.ascontiguousarray(spectrum[::-1, ::-1]), f1, f2


def axis_of(converter: Any, n: int) -> Axis:
    """Return the axis of n points of nmrglue's unit converter, which knows the origin of a part that was cut out.

    Example
    -------
    >>> converter = nmrglue.fileiobase.unit_conversion(4, False, 4000.0, 500.0, 2500.0)
    >>> axis_of(converter, 4).ppm().round(6)
    array([3., 5., 7., 9.])
    """
    rising = converter.ppm_scale()[::-1]
    field_mhz = (converter.hz(0) - converter.hz(1)) / (rising[1] - rising[0])
    return Axis(n, float((rising[1] - rising[0]) * n * field_mhz), float(rising[n // 2]), float(field_mhz))
