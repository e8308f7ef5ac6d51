"""Which peaks of a spectrum are found, and which are found that are not there."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

LEAST_TRUE = 0.05  # of the noise: a maximum of the truth that is fainter may be called false


@dataclass(frozen=True, eq=False)
class Found:
    """What a method found in one spectrum, in its own units.

    Arguments
    ---------
    false : np.ndarray
        Scores of the peaks that are not there, (false,).
    true : np.ndarray
        Score of the best peak found for each signal of the truth, 0 for none, (signals,).
    heights : np.ndarray
        True height of each signal over the standard deviation of the noise, (signals,).
    """

    false: np.ndarray
    true: np.ndarray
    heights: np.ndarray


def peaks(absorption: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the positive local maxima of an absorption spectrum.

    Arguments
    ---------
    absorption : np.ndarray
        Real, (n,).

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Their points, and their scores: the prominence, but not more than the height. By height alone every ripple on
        the flank of a strong line would be a peak.

    Example
    -------
    >>> place, score = peaks(np.array([0.0, 3.0, 1.0, 2.0, -1.0]))
    >>> place.tolist(), score.tolist()
    ([1, 3], [3.0, 1.0])
    """
    place, properties = find_peaks(absorption, height=0, prominence=0)
    return place, np.minimum(properties["peak_heights"], properties["prominences"])


def compare(
    absorption: np.ndarray, truth: np.ndarray, width: float, keep: np.ndarray | None = None, least: float = LEAST_TRUE
) -> Found:
    """Compare the peaks of a spectrum with those of the truth.

    Maxima of the truth that are closer than two line widths count as one signal, because a window that broadens lines
    may join them.

    Arguments
    ---------
    absorption : np.ndarray
        Spectrum of the method, real, (n,).
    truth : np.ndarray
        True spectrum in units of the noise, real, (n,).
    width : float
        Line width in points.
    keep : np.ndarray | None
        Points that count, bool, (n,); None for all.
    least : float
        Smallest score of a true maximum.

    Returns
    -------
    Found

    Example
    -------
    >>> truth = np.zeros(64)
    >>> truth[[20, 40]] = 5.0, 3.0
    >>> seen = np.zeros(64)
    >>> seen[[21, 60]] = 4.0, 2.0
    >>> found = compare(seen, truth, width=1.0)
    >>> found.false.tolist(), found.true.tolist(), found.heights.tolist()
    ([2.0], [4.0, 0.0], [5.0, 3.0])
    """
    tolerance = max(2.0, width / 2)
    place, score = peaks(absorption)
    true_place, true_score = peaks(truth)
    true_place, true_score = true_place[true_score >= least], true_score[true_score >= least]
    if keep is not None:
        place, score = place[keep[place]], score[keep[place]]
        true_place, true_score = true_place[keep[true_place]], true_score[keep[true_place]]
    signal = np.cumsum(np.diff(true_place, prepend=true_place[:1]) > 2 * max(width, 1.0))
    n_signals = int(signal[-1]) + 1 if len(signal) else 0
    best, heights = np.zeros(n_signals), np.zeros(n_signals)
    np.maximum.at(heights, signal, true_score)
    near = np.zeros(len(place), dtype=bool)
    for index in range(n_signals):
        members = true_place[signal == index]
        hit = (place >= members[0] - tolerance) & (place <= members[-1] + tolerance)
        best[index] = score[hit].max(initial=0.0)
        near |= hit
    return Found(score[~near], best, heights)


def threshold(found: list[Found], false_peaks: float = 1.0) -> float:
    """Return the smallest threshold above which there are at most so many false peaks a spectrum.

    Example
    -------
    >>> one = Found(np.array([5.0, 2.0, 1.0]), np.array([]), np.array([]))
    >>> round(threshold([one, one], false_peaks=1.0), 6)
    2.0
    """
    scores = np.sort(np.concatenate([one.false for one in found]))[::-1]
    allowed = int(false_peaks * len(found))
    return float(np.nextafter(scores[allowed], np.inf)) if allowed < len(scores) else 0.0


def recall(found: list[Found], at: float, heights: tuple[float, float]) -> tuple[int, int]:
    """Count the signals of a range of true heights that score at least ``at``: found, and all.

    Example
    -------
    >>> one = Found(np.array([]), np.array([4.0, 0.0]), np.array([5.0, 3.0]))
    >>> recall([one], 2.0, (1.0, 10.0))
    (1, 2)
    """
    scores = np.concatenate([one.true for one in found])
    true = np.concatenate([one.heights for one in found])
    chosen = (true >= heights[0]) & (true < heights[1])
    return int((scores[chosen] >= at).sum()), int(chosen.sum())
