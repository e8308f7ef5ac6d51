"""Rows and planes of Voigt lines whose places are known exactly, with what goes wrong in real spectra."""

from dataclasses import dataclass

import numpy as np
from scipy.special import wofz

from nmr_speech.enhancement.signals import log_uniform
from nmr_speech.picking.rows import NONE, REACH, STRONG, WEAK
from nmr_speech.picking.voigt import STD_PER_FWHM

LENGTH = 384  # points of a row
MOST_LINES = 9
WIDTH_POINTS = (5.0, 24.0)
SNR = (5.0, 500.0)
AMPLITUDES = 30.0  # largest over smallest line of a row
CLOSEST = 0.3  # of the mean width: lines that are nearer are one
SEEN, DOUBTFUL = 4.0, 2.5  # standard deviations: above, a line must be found; between, it may be
IGNORED = -1


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with what a network should say of each point.

    Arguments
    ---------
    values : np.ndarray
        float64, (B, L).
    noise_std : np.ndarray
        Of the noise of each row, (B,).
    classes : np.ndarray
        `NONE`, `STRONG` or `WEAK`; -1 where either answer is right, (B, L).
    lines : np.ndarray
        Centre in points, amplitude, full width and its Lorentzian part in points, of the line that a point belongs to,
        (B, 4, L).
    """

    values: np.ndarray
    noise_std: np.ndarray
    classes: np.ndarray
    lines: np.ndarray


def voigt_lines(x: np.ndarray, centre: np.ndarray, width: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Voigt lines of height 1, of given full widths and shares of the Lorentzian.

    Arguments
    ---------
    x : np.ndarray
        Points, broadcast against the other arguments.
    centre, width, share : np.ndarray
        Centre and full width at half height in points; Lorentzian width over full width, 0 to 1.

    Returns
    -------
    np.ndarray

    Example
    -------
    >>> voigt_lines(np.array([10.0, 13.0]), np.array(10.0), np.array(6.0), np.array(0.4)).round(3)
    array([1. , 0.5])
    """
    lorentzian = share * width
    # Olivero and Longbothum (see `voigt.full_width`), solved for the Gaussian part.
    gaussian = np.sqrt(np.maximum((width - 0.5346 * lorentzian) ** 2 - 0.2166 * lorentzian**2, 1e-4))
    root = gaussian * STD_PER_FWHM * np.sqrt(2)
    y = lorentzian / 2 / root
    return wofz((x - centre) / root + 1j * y).real / wofz(1j * y).real


def draw_rows(rng: np.random.Generator, count: int, length: int = LENGTH) -> Rows:
    """Draw rows of one to nine lines, many of which overlap, with noise, wiggles and some negative lines.

    Arguments
    ---------
    rng : np.random.Generator
        Source of the draws.
    count : int
        Number of rows.
    length : int
        Points of each.

    Returns
    -------
    Rows

    Example
    -------
    >>> rows = draw_rows(np.random.default_rng(0), 4)
    >>> rows.values.shape, rows.lines.shape
    ((4, 384), (4, 4, 384))
    """
    width = log_uniform(rng, WIDTH_POINTS, (count, 1)) * np.exp(rng.normal(0, 0.2, (count, MOST_LINES)))
    share = rng.uniform(0, 1, (count, MOST_LINES))
    there = np.arange(MOST_LINES) < rng.integers(0, MOST_LINES + 1, (count, 1))
    centre = _centres(rng, width, length)
    amplitude = there * np.exp(rng.uniform(-np.log(AMPLITUDES), 0, (count, MOST_LINES)))
    amplitude *= np.where(rng.uniform(size=amplitude.shape) < 0.08, -1, 1)
    x = np.arange(length)
    parts = amplitude[..., None] * voigt_lines(x, *(one[..., None] for one in (centre, width, share)))
    clean = _wiggled(rng, parts.sum(1))
    largest = np.maximum(np.abs(amplitude).max(1), 1e-3)
    noise_std = np.where(there.any(1), largest / log_uniform(rng, SNR, count), 1.0)
    noisy = clean + noise_std[:, None] * _noise(rng, (count, length))
    classes, lines = _labels(parts, clean, centre, amplitude, width, share, noise_std)
    return Rows(noisy, noise_std, classes, lines)


def _centres(rng, width, length):
    """Half of the lines stand near the one before: 0.3 to 2 widths away."""
    centre = rng.uniform(0, length, width.shape)
    near = rng.uniform(size=width.shape) < 0.5
    for k in range(1, width.shape[1]):
        beside = (
            centre[:, k - 1] + rng.choice([-1, 1], len(width)) * rng.uniform(CLOSEST, 2.0, len(width)) * width[:, k]
        )
        centre[:, k] = np.where(near[:, k], beside, centre[:, k])
    return centre


def _wiggled(rng, rows, share=0.25):
    """Cut the time signal of some rows short, as acquisition does: each line gets wiggles."""
    time = np.fft.rfft(rows, axis=-1)
    envelope = np.maximum.accumulate(np.abs(time)[:, ::-1], axis=-1)[:, ::-1]
    level = np.exp(rng.uniform(np.log(0.005), np.log(0.08), (len(rows), 1)))
    cut = (envelope < level * envelope[:, :1]) & (rng.uniform(size=(len(rows), 1)) < share)
    return np.fft.irfft(np.where(cut, 0, time), rows.shape[-1], axis=-1)


def _noise(rng, shape):
    """Noise of unit variance, of some rows smooth over a few points, as windows and zero filling make it."""
    noise = rng.normal(size=shape)
    frequency = np.arange(shape[-1] // 2 + 1) / (shape[-1] / 2)
    cut = np.where(rng.uniform(size=(shape[0], 1)) < 0.5, rng.uniform(0.2, 1.0, (shape[0], 1)), 2.0)
    smooth = np.fft.irfft(np.fft.rfft(noise, axis=-1) * np.exp(-((frequency / cut) ** 2)), shape[-1], axis=-1)
    return smooth / smooth.std(axis=-1, keepdims=True)


def _labels(parts, clean, centre, amplitude, width, share, noise_std):
    count, n_lines, length = parts.shape
    x = np.arange(length)
    classes = np.full((count, length), NONE)
    lines = np.zeros((count, 4, length))
    taken = np.full((count, length), np.inf)  # distance of the line that a point belongs to
    ratio = amplitude / noise_std[:, None]
    # Of two lines that are nearer than can be told apart, the smaller one is no line of its own.
    for one in range(n_lines):
        for other in range(n_lines):
            if one != other:
                near = np.abs(centre[:, one] - centre[:, other]) < CLOSEST * (width[:, one] + width[:, other]) / 2
                smaller = (amplitude[:, one] < amplitude[:, other]) | (
                    (amplitude[:, one] == amplitude[:, other]) & (one > other)
                )
                ratio[:, one] = np.where(near & smaller & (amplitude[:, other] > 0), 0.0, ratio[:, one])
    maxima = np.zeros(clean.shape, bool)
    maxima[:, 1:-1] = (clean[:, 1:-1] > clean[:, :-2]) & (clean[:, 1:-1] >= clean[:, 2:])
    for k in range(n_lines):
        distance = np.abs(x - centre[:, k : k + 1])
        own = (distance <= REACH) & (distance < taken)
        row, point = np.nonzero(own & (ratio[:, k : k + 1] > DOUBTFUL))
        # A shoulder is no maximum of the sum; a line that is a hundredth of what stands there cannot be seen.
        beside = np.array(
            [
                maxima[r, max(0, round(c) - 1) : round(c) + 2].any()
                for r, c in enumerate(np.clip(centre[:, k], 0, length - 1))
            ]
        )
        at = np.clip(np.rint(centre[:, k]), 0, length - 1).astype(int)
        visible = amplitude[:, k] > 0.1 * clean[np.arange(count), at]
        kind = np.where(~visible | (ratio[:, k] < SEEN), IGNORED, np.where(beside, STRONG, WEAK))
        classes[row, point] = kind[row]
        taken[row, point] = distance[row, point]
        lines[row, :, point] = np.stack(
            [centre[row, k], amplitude[row, k], width[row, k], share[row, k] * width[row, k]], 1
        )
    return classes, lines
