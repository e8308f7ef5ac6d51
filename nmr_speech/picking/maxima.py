"""The classical picker: local extrema above the noise, their positions by a parabola."""

import itertools

import numpy as np
from scipy.ndimage import label
from scipy.special import log_ndtr

from nmr_speech.picking.noise import local_noise
from nmr_speech.picking.peaks import Candidates

LEAST = 4.0  # standard deviations of the noise: below, nothing is proposed
FLOOR = 1.0  # standard deviations down to which hills are uncovered: a baseline above them joins those it carries
FAINTEST = 1e-5  # share of the highest point that counts as noise where there is less: a computed spectrum has none


def find_maxima(plane: np.ndarray, noise_std: float) -> Candidates:
    """Find local extrema of both signs that noise is not likely to make.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise_std : float
        Standard deviation of the noise; rows and columns that have more, such as t1 ridges, are found here.

    Returns
    -------
    Candidates
        The probability is that no point of Gaussian noise in a plane of this size is as high. It orders peaks near the
        noise; it does not know of artefacts. Points at the border of the plane, where filters and baselines end, are
        no peaks.

    Example
    -------
    >>> spectrum = 100 / (1 + (np.arange(64) - 20.3) ** 2 / 9)
    >>> find_maxima(spectrum, 1.0).points.round(1)
    array([[20.3]])
    """
    places, score = stand_out(plane, noise_std, LEAST)
    # log P(|noise| < score) of one point, as a power of the number of points
    probability = np.exp(plane.size * np.log1p(-2 * np.exp(log_ndtr(-score))))
    return Candidates(refine(plane, places), probability)


def stand_out(plane: np.ndarray, noise_std: float, least: float, caution: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Find local extrema of both signs, higher than noise and prominent; none at the border.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise_std : float
        Standard deviation of the noise; where there is more, `nmr_speech.picking.noise.local_noise` finds it.
    least : float
        Prominence in standard deviations that a place must exceed.
    caution : float
        As for `local_noise`.

    Returns
    -------
    places : np.ndarray
        Whole numbers, (K, D).
    prominence : np.ndarray
        Of each, in standard deviations, (K,).

    Example
    -------
    >>> places, prominence = stand_out(np.array([0.0, 0, 9, 6, 8, 0, 0]), 1.0, least=1.5)
    >>> places.tolist(), prominence.tolist()
    ([[2], [4]], [9.0, 2.0])
    """
    floor = max(noise_std, FAINTEST * float(np.abs(plane).max()), np.finfo(float).tiny)
    noise = local_noise(plane, floor, caution)
    places, scores = [np.zeros((0, plane.ndim), dtype=int)], [np.zeros(0)]
    for sign in (1, -1):
        found, prominence = prominences(sign * plane, FLOOR * noise, LEAST * noise)
        places.append(found)
        scores.append(prominence)
    place = np.concatenate(places)
    at = tuple(place.T)
    score = np.concatenate(scores) / noise[at]
    chosen = (score > least) & (np.abs(plane[at]) > LEAST * noise[at])
    chosen &= ((place > 0) & (place < np.array(plane.shape) - 1)).all(axis=1)
    return place[chosen], score[chosen]


def refine(plane: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Move extrema to the vertex of the parabola through three points along each axis.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    places : np.ndarray
        Points of extrema, whole numbers, (K, D), none at the border.

    Returns
    -------
    np.ndarray
        Positions, (K, D), half a point away at most.

    Example
    -------
    >>> refine(20 - (np.arange(9.0) - 4.25) ** 2, np.array([[4]]))
    array([[4.25]])
    """
    refined = places.astype(float)
    for axis in range(plane.ndim):
        step = np.eye(plane.ndim, dtype=int)[axis]
        left, middle, right = (np.abs(plane[tuple((places + k * step).T)]) for k in (-1, 0, 1))
        curvature = left - 2 * middle + right
        bent = curvature < 0  # a plateau has none
        refined[bent, axis] += np.clip(0.5 * (left - right)[bent] / curvature[bent], -0.5, 0.5)
    return refined


def prominences(magnitude: np.ndarray, floor: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find local maxima and how far one must come down from each, on the best way, to reach a higher one.

    Points are taken by falling magnitude, as a flood uncovers hills: each joins the hill beside it, and where two hills
    meet, the lower one ends. Noise on the flank of a strong line makes maxima that are high, but not prominent.

    Arguments
    ---------
    magnitude : np.ndarray
        Real, (n,) or (n1, n2).
    floor : np.ndarray
        Magnitude at each point below which nothing is uncovered, same shape.
    least : np.ndarray
        Magnitude at each point that some point of a hill must have, same shape; other hills are passed over.

    Returns
    -------
    places : np.ndarray
        Maxima, whole numbers, (K, D).
    prominence : np.ndarray
        Of each, (K,); the height itself where no higher maximum can be reached above the floor.

    Example
    -------
    >>> places, prominence = prominences(np.array([0.0, 5.0, 3.0, 4.0, 0.0]), np.ones(5), 2 * np.ones(5))
    >>> places.tolist(), prominence.tolist()
    ([[1], [3]], [5.0, 1.0])
    """
    padded = np.ascontiguousarray(np.pad(magnitude, 1))
    hills, count = label(magnitude > floor, np.ones((3,) * magnitude.ndim))
    high = np.zeros(count + 1, dtype=bool)
    high[hills[magnitude > least]] = True
    high[0] = False  # the ground
    flat, order = padded.ravel(), np.flatnonzero(np.pad(high[hills], 1))
    order = order[np.argsort(-flat[order], kind="stable")].tolist()
    strides = [padded.strides[axis] // padded.itemsize for axis in range(padded.ndim)]
    steps = [sum(parts) for parts in itertools.product(*((-s, 0, s) for s in strides)) if any(parts)]
    hill = [-1] * padded.size  # the point below which each point hangs; a summit hangs on itself
    fallen: dict[int, float] = {}
    heights = flat.tolist()
    for point in order:
        tops = set()
        for step in steps:
            at = point + step
            if hill[at] >= 0:
                while hill[at] != at:
                    hill[at] = at = hill[hill[at]]
                tops.add(at)
        highest = max(tops, key=heights.__getitem__, default=point)
        hill[point] = highest
        fallen.setdefault(highest, heights[highest])
        for top in tops - {highest}:
            hill[top], fallen[top] = highest, heights[top] - heights[point]
    summits = np.array(list(fallen), dtype=int)
    places = np.stack(np.unravel_index(summits, padded.shape), axis=1) - 1
    return places, np.array(list(fallen.values()))
