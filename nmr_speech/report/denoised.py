"""Pictures of denoised spectra: before, after, what was taken away, and which peaks are doubtful."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from nmr_speech.enhancement.one_dimension import CERTAIN, Denoised1D
from nmr_speech.enhancement.two_dimensions import Denoised2D
from nmr_speech.report.spectra import DPI
from nmr_speech.spectrometer.phase import away_from_water

FIRST_LEVEL, RATIO, LEVELS = 4.0, 1.6, 14  # contours: from four standard deviations of the noise of the input
LOWEST, TALLEST = 10.0, 60.0  # standard deviations: the scale of a 1D picture is between
LEAST_SHARE = 2e-3  # of the largest point: below, ridges of t1 noise hide a spectrum that has hardly any other noise
DOUBT = f"; red: below {FIRST_LEVEL:g} standard deviations, uncertain"


def plot_denoised(result: Denoised1D | Denoised2D, title: str, path: str | Path) -> None:
    """Plot a result of either dimension; see `plot_denoised_1d` and `plot_denoised_2d`."""
    if isinstance(result, Denoised1D):
        plot_denoised_1d(result, title, path)
    else:
        plot_denoised_2d(result, title, path)


def plot_denoised_1d(result: Denoised1D, title: str, path: str | Path) -> None:
    """Plot a 1D spectrum before and after, and the difference, one below the other.

    Input and output are cut at `TALLEST` standard deviations of the noise, or at the tallest line away from the water:
    what matters is near the noise. Uncertain peaks are marked with a red triangle.

    Arguments
    ---------
    result : Denoised1D
        As `nmr_speech.enhancement.denoise_1d` returns it.
    title : str
        Above all of it.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.enhancement import denoise_1d
    >>> from nmr_speech.spectrometer.one_dimension import Experiment1D
    >>> axis = Axis(256, 6000.0, 5.0, 500.0)
    >>> path = getfixture("tmp_path") / "line.png"
    >>> result = denoise_1d(Experiment1D(fid=np.exp((3000j - 40) * axis.seconds()), axis=axis))
    >>> plot_denoised_1d(result, "a line", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    before, after = result.absorption(result.before), result.absorption(result.after)
    ppm, unit = result.axis.ppm(), max(result.noise_std, np.finfo(float).tiny)
    figure = Figure(figsize=(10, 7), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.3])
    shown = (("input", before, "0.35"), ("denoised", after, "tab:blue"), ("taken away", before - after, "tab:orange"))
    dry = away_from_water(result.axis)
    base = float(np.median(after)) / unit
    tallest = float((after[dry] if dry.any() else after).max()) / unit - base
    top = min(max(tallest, LOWEST), TALLEST)
    for axes, (name, spectrum, colour) in zip(panels, shown, strict=True):
        axes.plot(ppm, spectrum / unit, linewidth=0.6, color=colour)
        axes.set_title(name, fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
    for axes in panels[:2]:
        axes.set_ylim(base - 0.2 * top, base + 1.1 * top)
    doubtful = [peak for peak in result.peaks() if not peak["certain"]]
    if doubtful:
        label = f"uncertain: below {CERTAIN:g} standard deviations of the noise of the input"
        heights = [after[np.abs(ppm - peak["ppm"]).argmin()] / unit + 0.05 * top for peak in doubtful]
        panels[1].plot([p["ppm"] for p in doubtful], heights, "v", color="tab:red", markersize=4, label=label)
        panels[1].legend(fontsize=8, loc="upper left")
    panels[1].set_ylabel("standard deviations of the noise of the input", fontsize=8)
    panels[2].set_ylim(-6, 6)
    panels[2].set(xlim=(ppm[-1], ppm[0]), xlabel="ppm")
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def plot_denoised_2d(result: Denoised2D, title: str, path: str | Path) -> None:
    """Plot a 2D spectrum before and after, and the difference, as contours at the same levels.

    Levels begin at four standard deviations of the noise of the input. Below, the denoised spectrum has thin red
    contours: what is drawn there cannot be seen in the input and is uncertain. Where the noise is far below the
    largest point, levels begin at `LEAST_SHARE` of that, and nothing is red.

    Arguments
    ---------
    result : Denoised2D
        As `nmr_speech.enhancement.denoise_2d` returns it.
    title : str
        Above all of it.
    path : str | Path
        Picture to write.
    """
    figure = Figure(figsize=(13.5, 4.8), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    unit = max(result.noise_std, np.finfo(float).tiny)
    lowest = max(FIRST_LEVEL, LEAST_SHARE * float(np.abs(result.after).max()) / unit)
    levels, noisy = lowest * RATIO ** np.arange(LEVELS), lowest == FIRST_LEVEL
    f1, f2 = result.f1.ppm(), result.f2.ppm()
    shown = (("input", result.before), ("denoised", result.after), ("taken away", result.before - result.after))
    for axes, (name, spectrum) in zip(panels, shown, strict=True):
        for sign, colour in ((1, "tab:blue"), (-1, "tab:purple")):
            if (sign * spectrum).max() > levels[0] * unit:  # Matplotlib warns of levels that nothing reaches
                axes.contour(f2, f1, sign * spectrum / unit, levels, colors=colour, linewidths=0.5)
        if noisy and name == "denoised" and result.after.max() > unit:
            axes.contour(f2, f1, result.after / unit, [1.5, 2.5], colors="tab:red", linewidths=0.3)
        axes.set_title(name + (DOUBT if noisy and name == "denoised" else ""), fontsize=9)
        axes.set_xlabel("F2 / ppm")
    panels[0].set(xlim=(f2[-1], f2[0]), ylim=(f1[-1], f1[0]), ylabel="F1 / ppm")
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)
