"""Planes of Voigt peaks whose places are known, with ridges, water, wiggles and artefacts of sparse sampling."""

from dataclasses import dataclass

import numpy as np
import scipy.signal
import torch

from nmr_speech.enhancement.signals import log_uniform
from nmr_speech.picking.synthetic import voigt_lines
from nmr_speech.reconstruction import ist, poisson_gap

SIZES = (128, 256)
PEAKS = (3, 80)
WIDTH_POINTS = (3.0, 16.0)
SNR = (8.0, 500.0)
AMPLITUDES = 50.0
RATES = (0.2, 0.5)  # of planes with 64 or 128 transients
MOST_WATER = 0.03  # noise of the water, of the highest peak
ITERATIONS = 100
BORDER = 4  # points without a peak's centre


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane and its peaks.

    Arguments
    ---------
    values : np.ndarray
        (n1, n2).
    noise_std : float
        Of the white noise in it.
    points : np.ndarray
        Centres in points, (K, 2).
    height : np.ndarray
        (K,), of either sign.
    width : np.ndarray
        Full widths at half height in points, (K, 2).
    """

    values: np.ndarray
    noise_std: float
    points: np.ndarray
    height: np.ndarray
    width: np.ndarray


def draw_plane(
    rng: np.random.Generator,
    *,
    nuisances: bool = True,
    size: int | None = None,
    close_share: float = 0.3,
    snr: tuple[float, float] = SNR,
) -> Plane:
    """Draw a plane.

    Arguments
    ---------
    rng : np.random.Generator
        Source of the draws.
    nuisances : bool
        Whether there may be more than white noise in it.
    size : int | None
        Points of both axes; None to draw them.
    close_share : float
        Share of the peaks that stand 0.4 to 2 widths beside another.
    snr : tuple[float, float]
        Height of the highest peak over the standard deviation of the noise, from and to.

    Returns
    -------
    Plane

    Example
    -------
    >>> plane = draw_plane(np.random.default_rng(0), size=128)
    >>> plane.values.shape, plane.points.shape == plane.width.shape
    ((128, 128), True)
    """
    n = np.array([size, size] if size else rng.choice(SIZES, 2))
    count = int(log_uniform(rng, PEAKS))
    usual = log_uniform(rng, WIDTH_POINTS, 2)
    width = usual * np.exp(rng.normal(0, 0.15, (count, 2)))
    points = rng.uniform(BORDER, n - 1 - BORDER, (count, 2))
    for k in range(1, count):
        if rng.uniform() < close_share:
            angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
            beside = points[rng.integers(k)] + rng.uniform(0.4, 2.0) * width[k] * [np.cos(angle), np.sin(angle)]
            points[k] = np.clip(beside, BORDER, n - 1 - BORDER)
    height = np.exp(rng.uniform(-np.log(AMPLITUDES), 0, count))
    if rng.uniform() < 0.4:
        height *= np.where(rng.uniform(size=count) < rng.uniform(0.05, 0.5), -1, 1)
    share = rng.uniform(0, 1, (count, 2))
    lines = [
        voigt_lines(np.arange(n[a]), points[:, a : a + 1], width[:, a : a + 1], share[:, a : a + 1]) for a in range(2)
    ]
    clean = np.einsum("k,ki,kj->ij", height, *lines)
    noise_std = np.abs(height).max() / log_uniform(rng, snr)
    values = clean + noise_std * rng.normal(size=clean.shape)
    if nuisances:
        values = spoilt(rng, values, clean, noise_std)
    return Plane(values, float(noise_std), points, height, width)


def spoilt(rng: np.random.Generator, values: np.ndarray, clean: np.ndarray, noise_std: float) -> np.ndarray:
    """Add some of what goes wrong in real spectra: phases, sparse sampling, wiggles, t1 noise, water.

    Arguments
    ---------
    rng : np.random.Generator
        Source of the draws.
    values, clean : np.ndarray
        Plane with white noise and without, (n1, n2).
    noise_std : float
        Standard deviation of that noise.

    Returns
    -------
    np.ndarray
        (n1, n2).

    Example
    -------
    >>> clean = np.outer(np.hanning(64), np.hanning(64))
    >>> spoilt(np.random.default_rng(3), clean, clean, 0.01).shape
    (64, 64)
    """
    for axis in (0, 1):
        if rng.uniform() < 0.4:
            values = _out_of_phase(rng, values, axis)
    if rng.uniform() < 0.3:
        values = sparsely_sampled(rng, values, rng.uniform(*RATES))
    if rng.uniform() < 0.3:
        values = values + _wiggles(rng, clean)
    if rng.uniform() < 0.5:  # t1 noise: along F1, in proportion to the strongest signal of each column
        strength = np.exp(rng.uniform(np.log(0.003), np.log(0.05)))
        values = values + strength * np.abs(clean).max(axis=0) * rng.normal(size=clean.shape)
    if rng.uniform() < 0.25:  # water: a broad column of noise, and its tails
        column = rng.uniform(0, clean.shape[1])
        tail = 1 / (1 + ((np.arange(clean.shape[1]) - column) / rng.uniform(1, 6)) ** 2)
        noise = rng.normal(size=clean.shape) + rng.normal() * np.ones((len(clean), 1))
        strongest = max(100 * noise_std, MOST_WATER * np.abs(clean).max())
        values = values + log_uniform(rng, (2 * noise_std, strongest)) * tail * noise
    return values


def _out_of_phase(rng, values, axis):
    """Turn the phase by up to some 30 degrees, differently at the ends of the axis: negative lobes beside peaks."""
    n = values.shape[axis]
    degrees = rng.normal(0, 10) + rng.normal(0, 10) * np.linspace(-1, 1, n)
    turn = np.exp(1j * np.deg2rad(degrees))
    return (scipy.signal.hilbert(values, axis=axis) * (turn if axis else turn[:, None])).real


def sparsely_sampled(rng: np.random.Generator, values: np.ndarray, rate: float) -> np.ndarray:
    """Keep a part of the transients, and fill in the others by iterative soft thresholding.

    Arguments
    ---------
    rng : np.random.Generator
        Source of the schedule.
    values : np.ndarray
        Plane, (n1, n2), zero filled once in F1.
    rate : float
        Share of the transients that is kept.

    Returns
    -------
    np.ndarray
        (n1, n2).
    """
    n1 = len(values)
    half = n1 // 2  # zero filled once
    time = np.fft.ifft(np.fft.ifftshift(values, axes=0), axis=0)[:half]
    schedule = poisson_gap(half, max(2, int(half * rate)), seed=int(rng.integers(2**31)))
    signal = np.zeros((values.shape[1], half), np.complex64)
    signal[:, schedule] = time.T[:, schedule]
    found = ist(torch.from_numpy(signal), schedule, n_iterations=ITERATIONS, decay=0.95)
    return 2 * np.fft.fftshift(np.fft.fft(found.numpy().T, n1, axis=0), axes=0).real


def _wiggles(rng, clean):
    """What is missing where the last part of t1 is cut off."""
    time = np.fft.rfft(clean, axis=0)
    envelope = np.abs(time).max(axis=1)
    envelope = np.maximum.accumulate(envelope[::-1])[::-1]
    cut = envelope < np.exp(rng.uniform(np.log(0.01), np.log(0.1))) * envelope[0]
    return -np.fft.irfft(np.where(cut[:, None], time, 0), len(clean), axis=0)


def matches(found: np.ndarray, true: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Pair found with true peaks, the surest first; each true peak is found once.

    Arguments
    ---------
    found : np.ndarray
        Positions, the surest first, (F, D).
    true : np.ndarray
        Positions, (K, D).
    tolerance : np.ndarray
        Largest distance along each axis, (K, D): half a line width, as a rule.

    Returns
    -------
    np.ndarray
        The true peak of each found one, -1 for none, (F,).

    Example
    -------
    >>> matches(np.array([[5.2], [5.0]]), np.array([[5.0]]), np.array([[0.5]]))
    array([ 0, -1])
    """
    taken = np.zeros(len(true), bool)
    partner = np.full(len(found), -1)
    for k, one in enumerate(found):
        distance = np.abs(true - one) / np.maximum(tolerance, 1e-9)
        distance = np.where(taken, np.inf, distance.max(axis=1, initial=0.0))
        if len(true) and distance.min() <= 1:
            partner[k] = distance.argmin()
            taken[partner[k]] = True
    return partner
