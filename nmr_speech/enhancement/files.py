"""1D spectra and FIDs as NMRPipe files, complex, through nmrglue."""

import tempfile
import warnings
from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.files import write_whole

ENDINGS = (".fid", ".ft1")


def write_1d(path: str | Path, fid: np.ndarray, axis: Axis, label: str = "1H") -> None:
    """Write an FID, or its complex spectrum, not phased; the ending of the name chooses.

    Arguments
    ---------
    path : str | Path
        ``.fid`` for the time domain, ``.ft1`` for the spectrum.
    fid : np.ndarray
        complex, (n,), from time zero; signals evolve as exp(+2 pi i (shift - carrier) field t).
    axis : Axis
        Frequencies, with n points.
    label : str
        Nucleus.

    Example
    -------
    >>> from nmr_speech.spectrometer import read_1d
    >>> path, axis = getfixture("tmp_path") / "one.ft1", Axis(128, 1000.0, 4.7, 500.0)
    >>> fid = np.exp((600j - 20) * axis.seconds())
    >>> write_1d(path, fid, axis)
    >>> found = read_1d(path)
    >>> bool(abs(found.fid - fid).max() < 1e-5), round(found.axis.carrier_ppm, 3)
    (True, 4.7)
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise InputError(f"{path}: the name must end in .fid (NMRPipe, time) or .ft1 (NMRPipe, complex spectrum)")
    frequency = kind == ".ft1"
    # NMRPipe transforms with the other sign of the exponent: the highest shift comes first, the carrier at n // 2.
    points = np.fft.fftshift(np.fft.ifft(fid) * len(fid)) if frequency else fid
    parameters = {
        "size": axis.n,
        "complex": True,
        "encoding": "direct",
        "sw": axis.width_hz,
        "obs": axis.field_mhz,
        "car": axis.carrier_ppm * axis.field_mhz,
        "label": label,
        "time": not frequency,
        "freq": frequency,
    }
    converter = nmrglue.convert.converter()
    converter.from_universal({"ndim": 1, 0: parameters}, points.astype(np.complex64))
    # nmrglue writes to a name, and a file must be whole or absent: so through a temporary folder.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        temporary = Path(folder, "one.fid")
        nmrglue.pipe.write(str(temporary), *converter.to_pipe())
        write_whole(path, temporary.read_bytes())
