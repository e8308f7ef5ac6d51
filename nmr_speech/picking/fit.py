"""Positions, heights, widths and volumes of peaks by a least-squares fit of Voigt lines, with standard errors."""

from collections.abc import Sequence

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.picking.lines import Covariance, fit_lines, measure
from nmr_speech.picking.peaks import Candidates, Peaks, to_ppm
from nmr_speech.picking.split import split_lines
from nmr_speech.picking.voigt import area, full_width


def fit_peaks(
    plane: np.ndarray,
    axes: Sequence[Axis],
    found: Candidates,
    noise_std: float,
    refine: bool = True,
    split: bool = False,
) -> Peaks:
    """Measure candidates, and refine what is measured by a fit.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2), finite.
    axes : Sequence[Axis]
        Its axes.
    found : Candidates
        Where peaks may be.
    noise_std : float
        Standard deviation of the noise. Where points miss the fit by more, the standard errors grow by as much.
    refine : bool
        Whether to fit.
    split : bool
        Whether a fitted peak becomes two where two lines explain its points; see `nmr_speech.picking.split`.

    Returns
    -------
    Peaks
        In the order of the candidates, both lines of one that was split in its place. A peak whose fit fails, or runs
        away, is left as its candidate, with NaN for standard errors.

    Example
    -------
    >>> from nmr_speech.picking.voigt import voigt
    >>> x = np.arange(64.0)
    >>> plane = 5 * np.outer(voigt(x - 30.25, 4.0, 3.0), voigt(x - 20.5, 6.0, 1.0))
    >>> axes = [Axis(64, 6400.0, 5.0, 500.0)] * 2
    >>> peaks = fit_peaks(plane, axes, Candidates(np.array([[30.0, 21.0]]), np.ones(1)), 0.0)
    >>> peaks.position_points.round(3), peaks.height.round(3)
    (array([[30.25, 20.5 ]]), array([5.]))
    """
    lines = measure(plane, found.points)
    covariances: list[Covariance] = [None] * len(lines)
    if refine and len(lines):
        lines, covariances = fit_lines(plane, lines, noise_std)
    parents = np.arange(len(lines))
    if refine and split and len(lines):
        lines, covariances, parents = split_lines(plane, lines, covariances, noise_std)
    return _table(plane.ndim, axes, lines, covariances, found.probability[parents])


def _table(dimensions, axes, lines, covariances, probability) -> Peaks:
    """Turn lines in points into a table in ppm and Hz; errors by the derivatives of what is told."""
    per_point = np.array([[axis.width_ppm / axis.n, axis.width_hz / axis.n] for axis in axes]).T
    table: dict[str, np.ndarray] = {
        "position_points": lines[:, 1::3],
        "position_ppm": to_ppm(lines[:, 1::3], axes),
        "height": lines[:, 0],
        "probability": probability,
    }
    told = [_widths_and_volume(line) for line in lines]
    count = len(lines)
    values = np.array([value for value, _ in told]).reshape(count, dimensions + 1)
    stds = np.full((count, 2 + 2 * dimensions), np.nan)
    for k, (_, slopes) in enumerate(told):
        if covariances[k] is not None:
            own = np.concatenate([np.eye(len(lines[k]))[[0, *range(1, len(lines[k]), 3)]], slopes])
            stds[k] = np.sqrt(np.clip(np.einsum("ij,jk,ik->i", own, covariances[k], own), 0, None))
    table |= {
        "width_hz": values[:, :-1] * per_point[1],
        "volume": values[:, -1],
        "height_std": stds[:, 0],
        "position_std_ppm": stds[:, 1 : 1 + dimensions] * per_point[0],
        "width_std_hz": stds[:, 1 + dimensions : -1] * per_point[1],
        "volume_std": stds[:, -1],
    }
    return Peaks(**table)


def _widths_and_volume(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Full widths along each axis and the volume, (D + 1,), with their derivatives by all parameters."""
    axes = range(1, len(line), 3)
    areas = [area(*line[k + 1 : k + 3]) for k in axes]
    volume = line[0] * np.prod([value for value, _ in areas])
    values, slopes = [], np.zeros((len(areas) + 1, len(line)))
    for row, k in enumerate(axes):
        width, slopes[row, k + 1 : k + 3] = full_width(*line[k + 1 : k + 3])
        values.append(width)
        slopes[-1, k + 1 : k + 3] = volume * areas[row][1] / areas[row][0]
    slopes[-1, 0] = np.prod([value for value, _ in areas])
    return np.array([*values, volume]), slopes
