"""Which peaks of a reference another spectrum has lost, and which it has that the reference has not."""

from collections.abc import Sequence

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.picking.peaks import Peaks
from nmr_speech.picking.pick import DEFAULT, METHODS, pick
from nmr_speech.reconstruction.recovery import threshold_of

NEAR = 2.0  # points within which two peaks are one, as in `nmr_speech.reconstruction.recovery`


def compare_picked(
    spectrum: np.ndarray, reference: np.ndarray, axes: Sequence[Axis], method: str = DEFAULT
) -> dict[str, int]:
    """Pick two spectra on the same axes and count the peaks that only one of them has.

    Arguments
    ---------
    spectrum : np.ndarray
        Such as a reconstruction, real, (n1, n2).
    reference : np.ndarray
        Fully sampled, same shape.
    axes : Sequence[Axis]
        Their axes, F1 first.
    method : str
        One of `nmr_speech.picking.METHODS`.

    Returns
    -------
    dict[str, int]
        ``picked_peaks``: those of the reference. ``picked_lost``: those of them without a peak of the spectrum within
        two points or half a line width. ``picked_false``: peaks of the spectrum without one of the reference there. The
        other may have half the probability that makes a peak, so that none near the threshold counts. As for the other
        figures of a reconstruction, peaks below `nmr_speech.reconstruction.recovery.threshold_of` the reference do not
        count: the ghosts of a line that is far above the noise are many.

    Example
    -------
    >>> axis, line = Axis(64), np.exp(-(((np.arange(64) - 30) / 3) ** 2))
    >>> compare_picked(np.outer(line, line), np.outer(line, np.roll(line, 15)), (axis, axis), "maxima")
    {'picked_peaks': 1, 'picked_lost': 1, 'picked_false': 1}
    """
    least, floor = METHODS[method].threshold, threshold_of(reference)
    ours, theirs = (pick(one, tuple(axes), method, least / 2, fit=False) for one in (spectrum, reference))
    sure, true = (one.take((one.probability >= least) & (np.abs(one.height) > floor)) for one in (ours, theirs))
    return {
        "picked_peaks": len(true),
        "picked_lost": int((~_has_near(true, ours, axes)).sum()),
        "picked_false": int((~_has_near(sure, theirs, axes)).sum()),
    }


def _has_near(peaks: Peaks, others: Peaks, axes: Sequence[Axis]) -> np.ndarray:
    """Whether each peak has one of the others near it, bool (K,)."""
    widths = peaks.width_hz / [axis.width_hz / axis.n for axis in axes]
    apart = np.abs(peaks.position_points[:, None] - others.position_points[None])
    return (apart <= np.maximum(NEAR, widths / 2)[:, None]).all(axis=2).any(axis=1)
