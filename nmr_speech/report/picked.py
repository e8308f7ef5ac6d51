"""Pictures of picked spectra: contours, or a trace, with the peaks marked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmr_speech.axis import Axis
from nmr_speech.picking.noise import noise_std
from nmr_speech.picking.peaks import Peaks
from nmr_speech.report.spectra import DPI

FIRST_LEVEL, RATIO, LEVELS = 5.0, 1.6, 14  # contours: from five standard deviations of the noise
LEAST_SHARE = 2e-3  # of the largest point: lowest contour where there is hardly any noise
MARGIN = 0.03  # of the part of an axis that holds peaks, shown around it
TALL = 20.0  # times the median height of the peaks: taller lines are cut in 1D


def plot_peaks(
    spectrum: np.ndarray,
    axes: Sequence[Axis],
    peaks: Peaks,
    title: str,
    path: str | Path,
    regions: Sequence[tuple[float, float, float]] = (),
) -> None:
    """Plot a spectrum with its peaks, as contours in two dimensions and as a trace in one.

    Marks are red for a probability of 0.9 or more, and orange below. The part that holds peaks is shown.

    Arguments
    ---------
    spectrum : np.ndarray
        Real, (n,) or (n1, n2), shifts rising.
    axes : Sequence[Axis]
        Its axes, F1 first.
    peaks : Peaks
        As `nmr_speech.picking.pick` returns them.
    title : str
        Above all of it.
    path : str | Path
        Picture to write.
    regions : Sequence[tuple[float, float, float]]
        Stretches of a 1D spectrum that hold signals: lower and upper end in ppm, probability; they are shaded.

    Example
    -------
    >>> from nmr_speech.picking import pick
    >>> axis, path = Axis(64), getfixture("tmp_path") / "peak.png"
    >>> spectrum = 1 / (1 + (np.arange(64.0) - 30) ** 2)
    >>> plot_peaks(spectrum, (axis,), pick(spectrum, axis), "a line", path, [(4.0, 5.0, 0.9)])
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(10, 4.5) if peaks.dimensions == 1 else (7.5, 7), layout="constrained")
    panel = figure.subplots()
    (_draw_trace if peaks.dimensions == 1 else _draw_plane)(panel, spectrum, axes, peaks)
    for low, high, probability in regions:
        panel.axvspan(low, high, color="tab:green", alpha=0.2 * probability, linewidth=0)
    panel.set_title(f"{len(peaks)} peaks", fontsize=9)
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def _draw_plane(panel: Axes, spectrum: np.ndarray, axes: Sequence[Axis], peaks: Peaks) -> None:
    f1, f2 = (axis.ppm() for axis in axes)
    lowest = max(FIRST_LEVEL * noise_std(spectrum), LEAST_SHARE * float(np.abs(spectrum).max()))
    for sign, colour in ((1, "tab:blue"), (-1, "tab:purple")):
        if (sign * spectrum).max() > lowest > 0:  # Matplotlib warns of levels that nothing reaches
            panel.contour(f2, f1, sign * spectrum, lowest * RATIO ** np.arange(LEVELS), colors=colour, linewidths=0.5)
    for sure, colour in ((True, "tab:red"), (False, "tab:orange")):
        shown = peaks.position_ppm[(peaks.probability >= 0.9) == sure]
        panel.plot(shown[:, 1], shown[:, 0], "+", color=colour, markersize=6, markeredgewidth=0.9)
    panel.set(xlim=_limits(f2, peaks, 1), ylim=_limits(f1, peaks, 0), xlabel="F2 / ppm", ylabel="F1 / ppm")


def _draw_trace(panel: Axes, spectrum: np.ndarray, axes: Sequence[Axis], peaks: Peaks) -> None:
    ppm = axes[0].ppm()
    panel.plot(ppm, spectrum, linewidth=0.6, color="0.3")
    limits = _limits(ppm, peaks, 0)
    if len(peaks):
        top = min(float(np.abs(peaks.height).max()), TALL * float(np.median(np.abs(peaks.height))))
        low, high = min(0.0, float(peaks.height.min())), max(0.0, float(peaks.height.max()))
        panel.set_ylim(max(low, -top) - 0.1 * top, min(high, top) + 0.15 * top)
        marks = np.clip(peaks.height, -top, top) + 0.05 * top
        for sure, colour in ((True, "tab:red"), (False, "tab:orange")):
            chosen = (peaks.probability >= 0.9) == sure
            panel.plot(peaks.position_ppm[chosen, 0], marks[chosen], "v", color=colour, markersize=3)
    panel.set(xlim=limits, xlabel="ppm")


def _limits(ppm: np.ndarray, peaks: Peaks, dim: int) -> tuple[float, float]:
    """The part of an axis that holds peaks, highest shift first; all of it where there are none."""
    shifts = peaks.position_ppm[:, dim]
    if not len(shifts):
        return float(ppm[-1]), float(ppm[0])
    margin = max(MARGIN * float(np.ptp(shifts)), 0.02 * float(np.ptp(ppm)))
    return min(float(ppm[-1]), float(shifts.max()) + margin), max(float(ppm[0]), float(shifts.min()) - margin)
