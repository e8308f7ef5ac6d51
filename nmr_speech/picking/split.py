"""Peaks that are two: where a single line misses its points, and two lines of one shape explain them.

Two lines nearer than about a width have one maximum, so neither local maxima nor their surroundings tell them from one.
A broader line does not either: the top of the sum is too flat, its flanks are too steep.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from nmr_speech.picking.lines import (
    FEWEST,
    NARROWEST,
    REACH,
    Covariance,
    LineModel,
    add_line,
    box_of,
    centres_and_widths,
    covariance_of,
    shape_of,
)

LEAST = 40.0  # gain in chi squared: noise alone reaches it once in a million draws, of three or four more parameters
HOPEFUL = 20.0  # the same, below which other starts are not tried
NEAREST = 0.3  # widths: nearer lines cannot be told apart
FAINTEST = 0.1  # height of the smaller line over that of the larger
APART = 0.6  # widths between both lines at the start
NARROWER = 0.75  # width of both at the start, of that of the single line
HEIGHTS = ((0.6, 0.6), (0.8, 0.3), (0.3, 0.8))  # of both at the start, of that of the single line
LAGS = 8  # points over which noise may be correlated


@dataclass(frozen=True, eq=False)
class Pair:
    """Two lines in place of one.

    Arguments
    ---------
    lines : np.ndarray
        (2, 1 + 3 D), as `nmr_speech.picking.lines.measure` gives them.
    covariance : np.ndarray
        Of all their parameters, (2 + 6 D, 2 + 6 D).
    gain : float
        Fall of chi squared.
    """

    lines: np.ndarray
    covariance: np.ndarray
    gain: float


def split_lines(
    plane: np.ndarray, lines: np.ndarray, covariances: list[Covariance], noise_std: float
) -> tuple[np.ndarray, list[Covariance], np.ndarray]:
    """Put two lines in the place of each that they explain better.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    lines : np.ndarray
        As `nmr_speech.picking.lines.fit_lines` fitted them, (K, 1 + 3 D).
    covariances : list[np.ndarray | None]
        Of each; a line without one, whose fit failed, stays.
    noise_std : float
        Standard deviation of the noise.

    Returns
    -------
    lines : np.ndarray
        (K' >= K, 1 + 3 D); both lines of a pair have the same widths.
    covariances : list[np.ndarray | None]
        Of each.
    parents : np.ndarray
        Index of the line that each comes from, (K',).

    Example
    -------
    >>> from nmr_speech.picking.lines import fit_lines, measure
    >>> from nmr_speech.picking.voigt import voigt
    >>> x, rng = np.arange(64.0), np.random.default_rng(0)
    >>> spectrum = voigt(x - 27.0, 10.0, 2.0) + voigt(x - 35.0, 10.0, 2.0) + rng.normal(size=64) / 200
    >>> single = fit_lines(spectrum, measure(spectrum, np.array([[31.0]])), 1 / 200)
    >>> lines, _, parents = split_lines(spectrum, *single, 1 / 200)
    >>> np.sort(lines[:, 1]).round(0), parents
    (array([27., 35.]), array([0, 0]))
    """
    level = max(noise_std, 1e-5 * float(np.abs(plane).max(initial=0.0)))
    rest = plane - sum_of(plane.shape, lines)
    shared = points_in_one(rest, level)
    kept, errors, parents = [], [], []
    for k, (line, covariance) in enumerate(zip(lines, covariances, strict=True)):
        pair = None if covariance is None else best_pair(rest, line, level, shared)
        size = len(line)
        for row in range(1 if pair is None else 2):
            kept.append(line if pair is None else pair.lines[row])
            own = slice(row * size, (row + 1) * size)
            errors.append(covariance if pair is None else pair.covariance[own, own])
            parents.append(k)
    return np.array(kept).reshape(-1, lines.shape[1]), errors, np.array(parents, dtype=int)


def best_pair(rest: np.ndarray, line: np.ndarray, noise_std: float, shared: float) -> Pair | None:
    """Fit two lines in place of one, beside each other along either axis; None where one is enough.

    Arguments
    ---------
    rest : np.ndarray
        Plane less all lines.
    line : np.ndarray
        The one, (1 + 3 D,).
    noise_std : float
        Standard deviation of the noise.
    shared : float
        Points that share their noise; see `points_in_one`.

    Returns
    -------
    Pair | None
    """
    box = box_of(rest.shape, line[None], REACH, FEWEST)
    grids = [np.arange(part.start, part.stop) for part in box]
    target, missed = rest[box] + line[0] * shape_of(grids, line), float((rest[box] ** 2).sum())
    if missed < target.size * noise_std**2:
        return None
    best, gain = None, 0.0
    for heights in HEIGHTS:
        for axis in range(rest.ndim):
            lines, covariance, left = _fit_pair(target, grids, line, axis, heights, noise_std)
            own = (missed - left) / max(noise_std**2, left / target.size) / shared
            if own > gain:
                best, gain = Pair(lines, covariance, own), own
        if gain < HOPEFUL:
            return None
    return best if best is not None and gain > LEAST and _told_apart(best.lines) else None


def sum_of(shape: tuple[int, ...], lines: np.ndarray) -> np.ndarray:
    """Return the sum of lines (K, 1 + 3 D) on a grid.

    Example
    -------
    >>> sum_of((5,), np.array([[2.0, 2.0, 2.0, 0.0]])).round(2)
    array([0.13, 1.  , 2.  , 1.  , 0.13])
    """
    whole = np.zeros(shape)
    for line in lines:
        add_line(whole, line, 1)
    return whole


def points_in_one(plane: np.ndarray, noise_std: float) -> float:
    """Estimate how many points share their noise, as windows and zero filling make them.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise_std : float
        Standard deviation of the noise.

    Returns
    -------
    float
        1 or more: the sum of the correlations of a point with those around it.

    Example
    -------
    >>> noise = np.random.default_rng(0).normal(size=(256, 256))
    >>> mean_of_four = noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))
    >>> round(points_in_one(noise, 1.0)), round(points_in_one(mean_of_four, 2.0))
    (1, 4)
    """
    noise = np.where(np.abs(plane) < 3 * noise_std, plane, 0.0)
    total, power = 1.0, float((noise**2).sum())
    for axis in range(plane.ndim if power else 0):
        turned = np.moveaxis(noise, axis, 0)
        correlation = [float((turned[:-lag] * turned[lag:]).sum()) / power for lag in range(1, LAGS)]
        first_below = next((k for k, one in enumerate(correlation) if one < 0.05), len(correlation))
        total *= 1 + 2 * sum(correlation[:first_below])
    return total


def _fit_pair(target, grids, line, axis, heights, noise_std):
    """Lines (2, 1 + 3 D), their covariance, and the sum of squares that they leave."""
    per, size = len(line), abs(line[0])
    together = _tied(per)
    _, widths = centres_and_widths(line[None])
    start, low, high = _start(line / np.r_[size, np.ones(per - 1)], widths[0], axis, heights)
    model = LineModel(grids, target / size, per)
    result = least_squares(
        lambda parameters: model.residual(together @ parameters),
        start,
        lambda parameters: model.jacobian(together @ parameters) @ together,
        (low, high),
        method="dogbox",
        ftol=1e-6,
        max_nfev=60,
    )
    scale = np.tile(np.r_[size, np.ones(per - 1)], 2)
    covariance = together @ covariance_of(result, noise_std / size) @ together.T
    lines = (together @ result.x * scale).reshape(2, per)
    return lines, covariance * np.outer(scale, scale), 2 * result.cost * size**2


def _tied(per: int) -> np.ndarray:
    """Parameters of two lines (2 per) from those of a pair: both heights; for each axis both places and two widths."""
    dimensions = (per - 1) // 3
    together = np.zeros((2 * per, 2 + 4 * dimensions))
    for row in (0, 1):
        together[row * per, row] = 1
        for axis in range(dimensions):
            at, own = row * per + 1 + 3 * axis, 2 + 4 * axis
            together[at, own + row] = together[at + 1, own + 2] = together[at + 2, own + 3] = 1
    return together


def _start(line, widths, axis, heights):
    """Parameters of a pair to begin with, and their least and largest values."""
    start, low, high = [*(share * line[0] for share in heights)], [], []
    low += [min(0.0, 1.5 * line[0])] * 2
    high += [max(0.0, 1.5 * line[0])] * 2
    for k, width in enumerate(widths):
        place, parts = line[1 + 3 * k], line[2 + 3 * k : 4 + 3 * k]
        apart, narrower = (APART / 2 * width, NARROWER) if k == axis else (0.0, 1.0)
        start += [place - apart, place + apart, *np.maximum(narrower * parts, [2 * NARROWEST, 1e-3])]
        low += [place - width, place - width, NARROWEST, 0.0]
        high += [place + width, place + width, 1.5 * width, 1.5 * width]
    return np.clip(start, np.array(low) + 1e-9, np.array(high) - 1e-9), low, high


def _told_apart(lines: np.ndarray) -> bool:
    """Whether both lines are lines of their own: far enough from each other, and none a sliver of the other."""
    centres, widths = centres_and_widths(lines)
    small, large = np.sort(np.abs(lines[:, 0]))
    return bool((np.abs(centres[0] - centres[1]) > NEAREST * widths[0]).any() and small > FAINTEST * large)
