"""Voigt lines fitted to a spectrum, group by group.

A peak of a plane is the product of a Voigt line along each axis. Peaks that overlap are fitted together, the others are
subtracted with what is known of them; a few rounds of this settle all.
"""

from collections.abc import Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult, least_squares
from scipy.spatial import cKDTree

from nmr_speech.picking.voigt import full_width, voigt, voigt_and_slopes

REACH = 1.25  # widths from a peak to the end of the points that it is fitted to
FEWEST = 3.0  # points, should that be less
TAIL = 20.0  # widths up to which a peak is subtracted from others
TOGETHER = 4  # peaks that are fitted at a time
ROUNDS = 3
SETTLED = 0.05  # standard deviations of the noise: smaller changes of what surrounds a group are not followed
NARROWEST = 1e-2  # points: width of the Gaussian part of a line that is all Lorentzian
SPLIT = 0.6  # share of the full width that both parts have at the start: together they have it all
MOVED = 0.5  # widths that a peak may move
GROWN = 3.0  # times its width, or its height, that a peak may grow, and its height may shrink


Covariance: TypeAlias = np.ndarray | None
"""Of the parameters of a line, (1 + 3 D, 1 + 3 D); None where the fit failed."""


def measure(plane: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Read heights and widths off the points of a plane.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    points : np.ndarray
        Positions, (K, D).

    Returns
    -------
    np.ndarray
        (K, 1 + 3 D): height; then position, Gaussian and Lorentzian width in points, for each axis.

    Example
    -------
    >>> line = measure(voigt(np.arange(40.0) - 20, 1e-2, 6.0), np.array([[20.0]]))[0]
    >>> line.round(2).tolist()  # both parts 0.6 of the full width of 6 points
    [1.0, 20.0, 3.6, 3.6]
    """
    lines = np.zeros((len(points), 1 + 3 * plane.ndim))
    for line, point in zip(lines, points, strict=True):
        place = np.clip(np.rint(point).astype(int), 0, np.array(plane.shape) - 1)
        line[0] = plane[tuple(place)]
        for axis in range(plane.ndim):
            row = plane[tuple(slice(None) if k == axis else place[k] for k in range(plane.ndim))]
            width = _half_width(row * np.sign(line[0] or 1.0), int(place[axis])) * 2
            line[1 + 3 * axis : 4 + 3 * axis] = point[axis], SPLIT * width, SPLIT * width
    return lines


def _half_width(row: np.ndarray, place: int) -> float:
    """Distance to half the height, on the side where that is less: the other may hold a neighbour."""
    half, distances = row[place] / 2, []
    for side in (row[place:], row[place::-1]):
        below = np.flatnonzero(side < half)
        if len(below):
            k = int(below[0])
            distances.append(k - (half - side[k]) / (side[k - 1] - side[k]))
    return max(min(distances, default=1.0), 0.75)


def fit_lines(plane: np.ndarray, start: np.ndarray, noise_std: float) -> tuple[np.ndarray, list[Covariance]]:
    """Fit group by group until what surrounds each is settled; lines (K, 1 + 3 D) and their covariances."""
    lines, groups = start.copy(), _groups(start)
    covariances: list[Covariance] = [None] * len(lines)
    settled = SETTLED * max(noise_std, 1e-5 * float(np.abs(plane).max()))
    whole = np.zeros(plane.shape)
    seen: dict[int, np.ndarray] = {}
    for line in lines:
        add_line(whole, line, 1)
    for _ in range(ROUNDS):
        for number, group in enumerate(groups):
            box = box_of(plane.shape, start[group], REACH, FEWEST)
            for line in lines[group]:
                add_line(whole, line, -1)
            around = whole[box].copy()
            if number not in seen or np.abs(around - seen[number]).max() > settled:
                seen[number] = around
                fitted = fit_group(plane[box] - around, box, lines[group], start[group], noise_std)
                for k, (line, covariance) in zip(group, fitted, strict=True):
                    lines[k], covariances[k] = line, covariance
            for line in lines[group]:
                add_line(whole, line, 1)
    return lines, covariances


def _groups(lines: np.ndarray) -> list[np.ndarray]:
    """Join peaks whose points overlap, the closest first, up to `TOGETHER`; indices of each group."""
    centres, widths = centres_and_widths(lines)
    scaled = np.max(widths, axis=0)
    pairs = cKDTree(centres / scaled).query_pairs(2 * REACH, p=np.inf, output_type="ndarray")
    apart = np.abs(centres[pairs[:, 0]] - centres[pairs[:, 1]]) / (widths[pairs[:, 0]] + widths[pairs[:, 1]])
    apart = apart.max(axis=1, initial=0.0)
    group_of = {k: [k] for k in range(len(lines))}
    for first, second in pairs[np.argsort(apart)][np.sort(apart) < REACH / 2]:
        one, other = group_of[first], group_of[second]
        if one is not other and len(one) + len(other) <= TOGETHER:
            one += other
            group_of |= dict.fromkeys(other, one)
    return [np.array(group) for k, group in group_of.items() if group[0] == k]


def centres_and_widths(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and full widths in points, (K, D) each."""
    widths = [[full_width(*line[k + 1 : k + 3])[0] for k in range(1, len(line), 3)] for line in lines]
    return lines[:, 1::3], np.array(widths)


def box_of(shape: tuple[int, ...], lines: np.ndarray, reach: float, fewest: float = 0.0) -> tuple[slice, ...]:
    """The part of a plane within so many widths, or points, of any of the lines."""
    centres, widths = centres_and_widths(lines)
    margin = np.maximum(reach * widths, fewest)
    low, high = (centres - margin).min(axis=0), (centres + margin).max(axis=0)
    return tuple(slice(max(0, int(a)), min(n, int(b) + 2)) for a, b, n in zip(low, high, shape, strict=True))


def add_line(whole: np.ndarray, line: np.ndarray, sign: int) -> None:
    """Add a line (1 + 3 D,) to a plane, or subtract it, in place.

    Example
    -------
    >>> plane = np.zeros(5)
    >>> add_line(plane, np.array([2.0, 2.0, 2.0, 0.0]), 1)
    >>> plane.round(2)
    array([0.13, 1.  , 2.  , 1.  , 0.13])
    """
    box = box_of(whole.shape, line[None], TAIL)
    whole[box] += sign * line[0] * shape_of([np.arange(part.start, part.stop) for part in box], line)


def shape_of(grids: Sequence[np.ndarray], line: np.ndarray) -> np.ndarray:
    """Return a line of height 1 on a grid, (n,) or (n1, n2).

    Example
    -------
    >>> shape_of([np.arange(5)], np.array([7.0, 2.0, 2.0, 0.0])).round(3)
    array([0.063, 0.5  , 1.   , 0.5  , 0.063])
    """
    return reduce(
        np.multiply.outer,
        [voigt(grid - line[k], *line[k + 1 : k + 3]) for grid, k in zip(grids, range(1, len(line), 3), strict=True)],
    )


def fit_group(
    target: np.ndarray, box: tuple[slice, ...], lines: np.ndarray, start: np.ndarray, noise_std: float
) -> list[tuple[np.ndarray, Covariance]]:
    """Fit lines to a part of a plane; each with its covariance, or as it was at the start and None."""
    failed: list[tuple[np.ndarray, Covariance]] = [(line, None) for line in start]
    per, size = lines.shape[1], np.abs(start[:, 0]).max()
    scale = np.ones(lines.shape)
    scale[:, 0] = size  # so that the fit sees numbers near one, whatever the units of the spectrum
    _, widths = centres_and_widths(start)
    low, high = _walls(start / scale, widths)
    grids = [np.arange(part.start, part.stop) for part in box]
    if target.size <= lines.size:
        return failed
    model = LineModel(grids, target / size, per)
    inside = np.clip(lines / scale, low + 1e-9, high - 1e-9)
    result = least_squares(
        model.residual,
        inside.ravel(),
        model.jacobian,
        (low.ravel(), high.ravel()),
        method="dogbox",
        ftol=1e-6,
        max_nfev=60,
    )
    fitted, at_wall = result.x.reshape(lines.shape), result.active_mask.reshape(lines.shape)
    covariance = covariance_of(result, noise_std / size)
    outcome: list[tuple[np.ndarray, Covariance]] = []
    for k, line in enumerate(fitted):
        # A part of the width may vanish; a peak at any other wall has run away, mostly onto another one.
        ran = at_wall[k, [0, *range(1, per, 3)]].any() or (at_wall[k] > 0).any()
        own = slice(k * per, (k + 1) * per)
        bad = ran or not covariance[own, own][0, 0] <= line[0] ** 2  # the height is not determined
        outcome.append(failed[k] if bad else (line * scale[k], covariance[own, own] * np.outer(scale[k], scale[k])))
    return outcome


def _walls(start: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest values of all parameters, (K, 1 + 3 D) each."""
    low, high = start.copy(), start.copy()
    low[:, 0], high[:, 0] = np.sort([start[:, 0] / GROWN, start[:, 0] * GROWN], axis=0)
    low[:, 1::3], high[:, 1::3] = start[:, 1::3] - MOVED * widths, start[:, 1::3] + MOVED * widths
    low[:, 2::3], low[:, 3::3] = NARROWEST, 0.0
    high[:, 2::3] = high[:, 3::3] = GROWN * widths
    return low, high


def covariance_of(result: OptimizeResult, noise_std: float) -> np.ndarray:
    """Inverse of the information; a part of a width at its wall has none, and takes no share."""
    n, m = result.jac.shape
    variance = max(noise_std**2, 2 * result.cost / (n - m))
    return np.linalg.pinv(result.jac.T @ result.jac, rcond=1e-12, hermitian=True) * variance


class LineModel:
    """Sum of lines on a grid less a target, and its derivatives."""

    def __init__(self, grids: list[np.ndarray], target: np.ndarray, per: int):
        self.grids, self.target, self.per = grids, target.ravel(), per
        self.at, self.slopes = np.zeros(0), np.zeros((0, 0))

    def residual(self, parameters: np.ndarray) -> np.ndarray:
        """Return what the lines are beyond the target, (points,)."""
        lines = parameters.reshape(-1, self.per)
        parts = np.stack([self._line(line) for line in lines])  # (lines, 1 + 3 D, points)
        total = lines[:, 0] @ parts[:, 0] - self.target
        parts[:, 1:] *= lines[:, :1, None]
        self.at, self.slopes = parameters.copy(), parts.reshape(-1, len(self.target)).T
        return total

    def jacobian(self, parameters: np.ndarray) -> np.ndarray:
        """Return its derivatives by all parameters, (points, parameters)."""
        if not np.array_equal(self.at, parameters):  # the last step was refused
            self.residual(parameters)
        return self.slopes

    def _line(self, line: np.ndarray) -> np.ndarray:
        """A line of height 1, and its derivatives by position and both widths along each axis, (1 + 3 D, points)."""
        shapes = []
        for grid, k in zip(self.grids, range(1, self.per, 3), strict=True):
            shape = voigt_and_slopes(grid - line[k], *line[k + 1 : k + 3])
            shape[1] *= -1  # a line moves up as the distance to its centre falls
            shapes.append(shape)
        if len(shapes) == 1:
            return shapes[0]
        first, second = shapes
        along_first = first[:, :, None] * second[0]
        along_second = first[0][:, None] * second[1:, None, :]
        return np.concatenate([along_first, along_second]).reshape(self.per, -1)
