"""A processed spectrum taken back to signals in t1, to try schedules on what was kept as a spectrum alone."""

from pathlib import Path

import nmrglue
import numpy as np
import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction.plane import Axis, Plane
from nmr_speech.reconstruction.spectrum_files import read_spectrum
from nmr_speech.spectrometer.nmrpipe import is_nmrpipe

SINE = 1  # FDF1APODCODE of the window SP


def spectrum_to_plane(path: str | Path) -> Plane:
    """Undo the processing of F1 in an NMRPipe spectrum that is real and phased in both dimensions.

    The transform of a real spectrum is a signal and its mirror image; they do not overlap if the signal was filled with
    zeros to twice its length. The window is divided out as the header has it: SP, or none.

    Arguments
    ---------
    path : str | Path
        NMRPipe file after processing, F1 from time zero and without first-order phase.

    Returns
    -------
    Plane
        As `nmr_speech.reconstruction.plane.to_plane` gives it, highest shift first in F2.

    Example
    -------
    >>> from nmr_speech.reconstruction.spectrum_files import write_spectrum
    >>> path = getfixture("tmp_path") / "one.ft2"
    >>> write_spectrum(path, np.eye(32), *[Axis(32, 3200.0, 600.0, 5.0)] * 2)
    >>> spectrum_to_plane(path).fid.shape
    torch.Size([32, 16])
    """
    path = Path(path)
    spectrum, f1, f2 = read_spectrum(path)
    header = nmrglue.pipe.read(path.read_bytes())[0] if is_nmrpipe(path) else {}
    size, n = f1.size, int(header.get("FDF1TDSIZE") or 0)
    n = n if 8 <= n <= size // 2 else size // 2
    if header.get("FDF1P1") or header.get("FDF1FTSIZE", size) not in (0, size):
        raise InputError(
            f"{path}: F1 must be whole, from time zero and without first-order phase, to be taken back to the time "
            "domain; give the experiment before processing"
        )
    rising = np.roll(spectrum.T, -1, axis=1)[:, ::-1]
    signal = np.fft.ifft(np.fft.ifftshift(rising, axes=1))[:, :n] * 2
    window, said = _window(path, header, n)
    fid = torch.from_numpy((signal / window).astype(np.complex64))
    steps = f"Spectrum; F1 is taken back to {n} complex points in t1, {said}."
    return Plane(fid, 0.0, Axis(size, f1.width_hz, f1.frequency_mhz, f1.carrier_ppm), f2, (steps,))


def _window(path, header, n):
    """What the signal was multiplied by, and the factor of the first point, half of which its mirror image has."""
    code = header.get("FDF1APODCODE", 0)
    first = np.ones(n)
    first[0] = 2 * (1 + (header.get("FDF1C1") or 0))  # NMRPipe keeps the factor less one
    if code == 0:
        return first, "without a window"
    if code != SINE:
        raise InputError(f"{path}: the window in F1 must be SP or none to be divided out, got code {code:g}")
    begin, end, power = (header[f"FDF1APODQ{k}"] for k in (1, 2, 3))
    window = np.sin(np.pi * (begin + (end - begin) * np.arange(n) / (n - 1))) ** power
    return window * first, f"the window SP from {begin:.2f} to {end:.2f} divided out"
