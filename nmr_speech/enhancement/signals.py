"""What the spectra to train on are made of: lines of any shape, bad shims, water; each from a generator."""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from nmr_speech.axis import Axis

FINE = 4  # steps of the grid of lines in one point of the spectrum


def fourier(fid: torch.Tensor) -> torch.Tensor:
    """Transform FIDs (..., n) to spectra, unitary: white noise stays as it is. Frequency zero stands first."""
    return torch.fft.fft(fid, norm="ortho")


def undamped(frequency_hz: np.ndarray, intensity: np.ndarray, axis: Axis) -> torch.Tensor:
    """Sum lines without decay, each at the nearest quarter of a point; complex64, (axis.n,).

    Example
    -------
    >>> undamped(np.array([25.0]), np.array([2.0]), Axis(4, 100.0)).numpy().round(3) + 0
    array([ 2.+0.j,  0.+2.j, -2.+0.j,  0.-2.j], dtype=complex64)
    """
    fine = FINE * axis.n
    place = np.round(np.asarray(frequency_hz, float) / axis.width_hz * fine).astype(int) % fine
    grid = np.bincount(place, weights=intensity, minlength=fine).astype(np.complex64)
    return torch.fft.ifft(torch.from_numpy(grid), norm="forward")[: axis.n]


def decay(axis: Axis, lorentz_hz: float, gauss_hz: float) -> np.ndarray:
    """Envelope of a Voigt line whose two parts have these full widths at half height; complex64, (axis.n,).

    Example
    -------
    >>> abs(decay(Axis(2, 1.0), 1 / np.pi, 0.0)).round(3)  # Lorentz: exp(-pi w t)
    array([1.   , 0.368], dtype=float32)
    """
    t = axis.seconds()
    exponent = np.pi * lorentz_hz * t + (np.pi * gauss_hz * t) ** 2 / (4 * np.log(2))
    return np.exp(-exponent).astype(np.complex64)


def log_uniform(rng: np.random.Generator, ends: Collection[float], shape: int | tuple[int, ...] | None = None) -> Any:
    """Draw a number, or an array of a given shape, whose logarithm is uniform; its ends may be equal.

    Example
    -------
    >>> log_uniform(np.random.default_rng(0), (2.0, 2.0)), log_uniform(np.random.default_rng(0), (1, 9), 5).shape
    (2.0, (5,))
    """
    low, high = ends
    if shape is not None:
        return np.exp(rng.uniform(np.log(low), np.log(high), shape))
    return float(low if low == high else np.exp(rng.uniform(np.log(low), np.log(high))))


def voigt_widths(rng: np.random.Generator, width_hz: float) -> tuple[float, float]:
    """Draw the Lorentz and Gauss parts of a line of a given full width, in Hz, by Olivero and Longbothum's formula.

    Four in ten lines are of Lorentz shape, two of Gauss shape, the others of Voigt shape.

    Example
    -------
    >>> lorentz_hz, gauss_hz = voigt_widths(np.random.default_rng(0), 2.0)
    >>> round(0.5346 * lorentz_hz + (0.2166 * lorentz_hz**2 + gauss_hz**2) ** 0.5, 6)
    2.0
    """
    kind = rng.random()
    lorentz = width_hz * (1.0 if kind < 0.4 else 0.0 if kind < 0.6 else rng.uniform(0.2, 0.95))
    return lorentz, math.sqrt(max(0.0, (width_hz - 0.5346 * lorentz) ** 2 - 0.2166 * lorentz**2))


def bad_shim(rng: np.random.Generator, axis: Axis, width_hz: float) -> np.ndarray:
    """Draw a few places of the sample with other fields: the same pattern on every line; complex64, (axis.n,).

    Example
    -------
    >>> abs(bad_shim(np.random.default_rng(0), Axis(4, 100.0), 2.0)[0]).round(3)
    np.float32(1.0)
    """
    weight = rng.dirichlet(np.full(4, 0.7))
    offset_hz = rng.normal(0, width_hz, 4)
    offset_hz -= weight @ offset_hz
    return (weight @ np.exp(2j * np.pi * np.outer(offset_hz, axis.seconds()))).astype(np.complex64)


def water_line(rng: np.random.Generator, axis: Axis, height: float) -> torch.Tensor:
    """Draw what is left of a suppressed line: of any phase, near the carrier, 2 to 20 Hz wide; complex64, (axis.n,).

    Example
    -------
    >>> round(float(fourier(water_line(np.random.default_rng(0), Axis(256, 1000.0), 7.0)).abs().max()), 3)
    7.0
    """
    t = axis.seconds()
    shape = decay(axis, *voigt_widths(rng, log_uniform(rng, (2.0, 20.0))))
    turning = np.exp(2j * np.pi * rng.normal(0, 5) * t) * np.exp(2j * np.pi * rng.random())
    line = torch.from_numpy((shape * turning).astype(np.complex64))
    return line * (height / float(fourier(line).abs().max()))
