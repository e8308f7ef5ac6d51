"""The pickers whose networks are in the package, as functions of a plane and its noise."""

import numpy as np
import scipy.signal

from nmr_speech.axis import Axis
from nmr_speech.picking.load import packaged
from nmr_speech.picking.maxima import LEAST, refine
from nmr_speech.picking.noise import local_noise, noise_std
from nmr_speech.picking.patches import extrema, hilltops, judge, proposals, usual_widths
from nmr_speech.picking.peaks import Candidates
from nmr_speech.picking.regions import marked_regions
from nmr_speech.picking.rows import apart, find_crossings, find_lines

FINEST, COARSEST = 5.0, 24.0  # points of a usual line in the training: an axis with others is resampled
USUAL = 7.0
MOST_POINTS = 2**21  # of a resampled plane


def find_deep_picker(plane: np.ndarray, noise: float) -> Candidates:
    """Find the lines of a spectrum, or the peaks of a plane, by DEEP Picker's network; shoulders too.

    Rows and columns alone cannot tell a peak from a ridge, or from the lobe of a peak out of phase. So in a plane the
    hill that a peak stands on is judged by NMR-Net, and the root of its probability is a factor.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise : float
        Standard deviation of its noise.

    Returns
    -------
    Candidates

    Example
    -------
    >>> rng, x = np.random.default_rng(0), np.arange(96)
    >>> line = np.exp(-(((x - 40.3) / 5) ** 2))
    >>> find_deep_picker(100 * np.outer(line, line) + rng.normal(size=(96, 96)), 1.0).points.round(0)
    array([[40., 40.]])
    """
    resampled, factors = to_usual_width(plane, noise)
    level = noise if (factors == 1).all() else noise_std(resampled)
    find = find_lines if plane.ndim == 1 else find_crossings
    width = np.maximum(usual_widths(resampled, extrema(resampled, level)), FINEST)
    found = apart(find(resampled, level, packaged("deep_picker")), width)
    points, probability = np.clip(found.points / factors, 0, np.array(plane.shape) - 1), found.probability
    if plane.ndim == 1:
        seen = stands_out(plane, points, noise)
        return Candidates(points[seen], probability[seen])
    # Of development planes, this found more than either alone, and more than the plain product on TOCSY spectra.
    return Candidates(points, probability * np.sqrt(judge(plane, hilltops(plane, points), noise, packaged("nmr_net"))))


def find_nmr_net(plane: np.ndarray, noise: float) -> Candidates:
    """Judge the extrema of a plane (n1, n2) by NMR-Net's network; arguments as for `find_deep_picker`."""
    places = proposals(plane, noise)
    return Candidates(refine(plane, places), judge(plane, places, noise, packaged("nmr_net")))


def stands_out(spectrum: np.ndarray, points: np.ndarray, noise: float) -> np.ndarray:
    """Tell which points of a 1D spectrum are above the noise that there is near them, wiggles included; bool, (K,)."""
    at = np.rint(points[:, 0]).astype(int)
    return np.abs(spectrum[at]) > LEAST * local_noise(spectrum, noise)[at]


def find_regions(spectrum: np.ndarray, axis: Axis, threshold: float = 0.5) -> list[dict[str, float]]:
    """Find the stretches of a 1D spectrum (n,) that hold signal; see `nmr_speech.picking.regions.marked_regions`.

    Example
    -------
    >>> find_regions(np.zeros(256), Axis(256))
    []
    """
    return marked_regions(spectrum, axis, packaged("regions"), threshold)


def to_usual_width(plane: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Resample a spectrum along each axis on which its lines are much narrower or wider than in the training.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise : float
        Standard deviation of its noise.

    Returns
    -------
    resampled : np.ndarray
        By Fourier interpolation: the ends of an axis are joined, as a spectrometer has them.
    factors : np.ndarray
        Points of the result for each point of the plane, along each axis, (D,).

    Example
    -------
    >>> line = np.exp(-(((np.arange(64) - 30) / 1.5) ** 2))  # 2.5 points wide
    >>> resampled, factors = to_usual_width(line, 0.0)
    >>> factors, len(resampled), round(float(resampled[3 * 30]), 3)
    (array([3.]), 192, 1.0)
    """
    widths = usual_widths(plane, extrema(plane, noise))
    factors = np.ones(plane.ndim)
    for axis, width in enumerate(widths):
        if width < FINEST and plane.size * factors.prod() * np.ceil(USUAL / width) <= MOST_POINTS:
            factors[axis] = np.ceil(USUAL / width)
        elif width > COARSEST:
            factors[axis] = max(1, round(plane.shape[axis] * USUAL / width)) / plane.shape[axis]
    for axis in np.flatnonzero(factors != 1).tolist():
        plane = scipy.signal.resample(plane, round(plane.shape[axis] * factors[axis]), axis=axis)
    return plane, factors
