"""Spectra as files that other programs open: NMRPipe (``.ft2``) and Sparky (``.ucsf``), through nmrglue."""

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.checks import InputError
from nmr_speech.files import write_whole
from nmr_speech.reconstruction.plane import Axis

ENDINGS = (".ft2", ".ucsf")


def write_spectrum(path: str | Path, spectrum: np.ndarray, f1: Axis, f2: Axis):
    """Write a spectrum; the ending of the name says of what kind.

    Arguments
    ---------
    path : str | Path
        ``.ft2`` for NMRPipe, ``.ucsf`` for Sparky.
    spectrum : np.ndarray
        Real, (points in F1, points in F2), highest shift first.
    f1, f2 : Axis
        Its axes.

    Example
    -------
    >>> path = getfixture("tmp_path") / "one.ucsf"
    >>> axis = Axis(32, 3200.0, 600.0, 5.0)
    >>> write_spectrum(path, np.eye(32), axis, axis)
    >>> found, _, f2 = read_spectrum(path)
    >>> bool((found == np.eye(32)).all()), bool(abs(f2.ppm() - axis.ppm()).max() < 1e-4)
    (True, True)
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise InputError(f"{path}: a spectrum's file must end in {' or '.join(ENDINGS)}")
    if path.suffix == ".ucsf":
        f1, f2 = _centred(f1), _centred(f2)
    axes = {0: _udic(f1, "F1" if f1.frequency_mhz != f2.frequency_mhz else "1H"), 1: _udic(f2, "1H")}
    converter = nmrglue.convert.converter()
    converter.from_universal({"ndim": 2, **axes}, spectrum.astype(np.float32))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        temporary = Path(folder, "spectrum" + path.suffix)
        if path.suffix == ".ft2":
            nmrglue.pipe.write(str(temporary), *converter.to_pipe())
        else:
            nmrglue.sparky.write(str(temporary), *converter.to_sparky())
        write_whole(path, temporary.read_bytes())


def _centred(axis):
    """Sparky's centre lies between two points where their number is odd."""
    step_ppm = axis.width_hz / axis.size / axis.frequency_mhz
    return replace(axis, carrier_ppm=axis.carrier_ppm - axis.size % 2 * step_ppm / 2)


def _udic(axis, label):
    return {
        "size": axis.size,
        "complex": False,
        "encoding": "states",
        "sw": axis.width_hz,
        "obs": axis.frequency_mhz,
        "car": axis.carrier_ppm * axis.frequency_mhz,
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
        float32, (points in F1, points in F2), highest shift first.
    f1, f2 : Axis
        Its axes.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content.startswith(b"UCSF NMR"):
            parameters, spectrum = nmrglue.sparky.read(str(path))
            udic = nmrglue.sparky.guess_udic(parameters, spectrum)
        else:
            parameters, spectrum = nmrglue.pipe.read(content)
            udic = nmrglue.pipe.guess_udic(parameters, spectrum)
    except Exception as error:  # nmrglue raises what a damaged file happens to trip over
        raise InputError(f"{path}: cannot be read as a spectrum of NMRPipe or Sparky ({error})") from error
    if spectrum.ndim != 2 or np.iscomplexobj(spectrum) or not all(udic[k]["freq"] for k in (0, 1)):
        raise InputError(f"{path}: must be a real 2D spectrum, transformed and phased in both dimensions")
    if not np.isfinite(spectrum).all():
        raise InputError(f"{path}: points must be finite numbers, got NaN or infinity")
    module = nmrglue.sparky if content.startswith(b"UCSF NMR") else nmrglue.pipe
    return np.asarray(spectrum), *(
        _axis(module.make_uc(parameters, spectrum, dim=k), spectrum.shape[k]) for k in (0, 1)
    )


def _axis(converter, size):
    """What nmrglue takes from the header, the origin of a part that was cut out included."""
    ppm = converter.ppm_scale()
    frequency_mhz = (converter.hz(0) - converter.hz(1)) / (ppm[0] - ppm[1])
    return Axis(size, float((ppm[0] - ppm[1]) * size * frequency_mhz), float(frequency_mhz), float(ppm[size // 2]))
