"""A processed spectrum taken back to signals in t1, to try schedules where only a spectrum was kept."""

from dataclasses import replace
from pathlib import Path

import nmrglue
import numpy as np
import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction.plane import Plane
from nmr_speech.reconstruction.spectrum_files import read_spectrum
from nmr_speech.spectrometer.nmrpipe import is_nmrpipe

SINE = 1  # FDF1APODCODE of the window SP


def spectrum_to_plane(path: str | Path) -> Plane:
    """Undo the processing of F1 in an NMRPipe spectrum that is real and phased in both dimensions.

    The transform of a real spectrum is a signal and its mirror image. They do not overlap if the signal was zero-filled
    to twice its length. The window that the header gives is divided out: SP, or none.

    Arguments
    ---------
    path : str | Path
        Processed NMRPipe file, F1 from time zero and without first-order phase.

    Returns
    -------
    Plane
        As `nmr_speech.reconstruction.plane.to_plane` returns it.

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.reconstruction.spectrum_files import write_spectrum
    >>> path = getfixture("tmp_path") / "one.ft2"
    >>> write_spectrum(path, np.eye(32), *[Axis(32, 3200.0, 5.0, 600.0)] * 2)
    >>> spectrum_to_plane(path).fid.shape
    torch.Size([32, 16])
    """
    path = Path(path)
    spectrum, f1, f2 = read_spectrum(path)
    header = nmrglue.pipe.read(path.read_bytes())[0] if is_nmrpipe(path) else {}
    n = int(header.get("FDF1TDSIZE") or 0)
    n = n if 8 <= n <= f1.n // 2 else f1.n // 2
    if header.get("FDF1P1") or header.get("FDF1FTSIZE", f1.n) not in (0, f1.n):
        raise InputError(
            f"{path}: F1 must be whole, from time zero and without first-order phase, to be taken back to the time "
            "domain; give the experiment before processing"
        )
    zero = f1.n - 1 - f1.n // 2  # NMRPipe has zero frequency at point n // 2 too, but from the highest shift on
    turned = np.roll(spectrum.T, f1.n // 2 - zero, axis=1)
    # The real part halved the signal, the other half is its mirror image.
    signal = np.fft.ifft(np.fft.ifftshift(turned, axes=1))[:, :n] * 2
    window, found = _window(path, header, n)
    fid = torch.from_numpy((signal / window).astype(np.complex64))
    step = f"Spectrum; F1 is taken back to {n} complex points in t1, {found}."
    return Plane(fid, 0.0, replace(f1, carrier_ppm=float(f1.ppm()[zero])), f2, (step,))


def _window(path, header, n):
    """Return what the signal was multiplied by, and a phrase for it."""
    code = header.get("FDF1APODCODE", 0)
    first = np.ones(n)
    first[0] = 2 * (1 + (header.get("FDF1C1") or 0))  # NMRPipe keeps the factor less one; the mirror image has half
    if code == 0:
        return first, "without a window"
    if code != SINE:
        raise InputError(f"{path}: the window in F1 must be SP or none to be divided out, got code {code:g}")
    begin, end, power = (header[f"FDF1APODQ{k}"] for k in (1, 2, 3))
    window = np.sin(np.pi * (begin + (end - begin) * np.arange(n) / (n - 1))) ** power
    return window * first, f"the window SP from {begin:.2f} to {end:.2f} divided out"
