"""Pictures of figures of merit: confusion matrices, detection errors, score distributions, learning curves.

``plot_*`` writes a picture; its ending says of what kind. ``draw_*`` draws on axes that the caller has made.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.metrics import ConfusionMatrixDisplay, DetCurveDisplay

from nmr_speech.score.detection import DetCurve

DPI = 150


def plot_confusion(summary: Mapping, path: str | Path) -> None:
    """Plot a confusion matrix; see `draw_confusion`.

    Arguments
    ---------
    summary : Mapping
        As `nmr_speech.score.classification.summarise` gives it; counts of recordings, (classes, classes).
    path : str | Path
        Picture to write.

    Example
    -------
    >>> from nmr_speech.score.classification import summarise
    >>> path = getfixture("tmp_path") / "confusion.png"
    >>> plot_confusion(summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"]), path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    size = 2.2 + 0.32 * len(summary["labels"])
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    draw_confusion(axes, summary)
    axes.set_title(f"{summary['accuracy']:.1%} of {summary['recordings']} recordings", fontsize=10)
    figure.savefig(path, dpi=DPI)


def draw_confusion(axes: Axes, summary: Mapping) -> None:
    """Draw a confusion matrix: colours are shares of a row, cells hold counts.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    summary : Mapping
        As `nmr_speech.score.classification.summarise` gives it; counts of recordings, (classes, classes).

    Example
    -------
    >>> from nmr_speech.score.classification import summarise
    >>> axes = Figure().subplots()
    >>> draw_confusion(axes, summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"]))
    >>> [cell.get_text() for cell in axes.texts]
    ['1', '1', '2']
    """
    confusion = np.asarray(summary["confusion"])
    shares = confusion / confusion.sum(axis=1, keepdims=True).clip(min=1)
    # scikit-learn writes a number into every cell, also where it is zero; with twenty residues that hides the rest.
    ConfusionMatrixDisplay(shares, display_labels=summary["labels"]).plot(
        ax=axes,
        cmap="Blues",
        include_values=False,
        colorbar=False,
        xticks_rotation="vertical",
        im_kw={"vmin": 0, "vmax": 1},
    )
    for i, j in zip(*np.nonzero(confusion), strict=True):
        colour = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, str(confusion[i, j]), ha="center", va="center", fontsize=8, color=colour)
    axes.set(xlabel="predicted", ylabel="true")


def plot_det(curve: DetCurve, path: str | Path) -> None:
    """Plot a detection error trade-off curve on normal-deviate axes.

    Martin et al. 1997, doi 10.21437/Eurospeech.1997-504.

    Arguments
    ---------
    curve : DetCurve
        Error rates at all thresholds, shares from 0 to 1.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> from nmr_speech.score.detection import det_curve
    >>> path = getfixture("tmp_path") / "det.png"
    >>> plot_det(det_curve([1.0, 2.0, 4.0], [0.0, 1.5, 3.0]), path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    # Rates of 0 and 1 lie at infinity on these axes.
    inside = (curve.p_miss > 0) & (curve.p_fa > 0) & (curve.p_miss < 1) & (curve.p_fa < 1)
    display = DetCurveDisplay(fpr=curve.p_fa[inside], fnr=curve.p_miss[inside])
    display.plot(ax=axes, drawstyle="steps-post")
    ticks = np.array([0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
    limits = norm.ppf(ticks[[0, -1]])
    axes.plot(limits, limits, color="0.8", linewidth=0.8, zorder=0)
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(norm.ppf(ticks), [f"{100 * tick:g}" for tick in ticks])
    axes.set(xlim=limits, ylim=limits, xlabel="false alarms (%)", ylabel="misses (%)")
    axes.set_title("detection error trade-off")
    axes.grid(color="0.92")
    axes.set_aspect("equal")
    figure.savefig(path, dpi=DPI)


def plot_histogram(target: np.ndarray, nontarget: np.ndarray, threshold: float, path: str | Path) -> None:
    """Plot the distributions of target and non-target scores.

    Arguments
    ---------
    target : np.ndarray
        Log-likelihood ratios of target trials, (targets,).
    nontarget : np.ndarray
        Those of non-target trials, (non-targets,).
    threshold : float
        Log-likelihood ratio at which misses and false alarms are equally frequent.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> path = getfixture("tmp_path") / "histogram.png"
    >>> plot_histogram(np.array([1.0, 2.0]), np.array([-1.0, 0.5]), 0.75, path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    # The same bins for both, or their heights could not be compared.
    bins = np.histogram_bin_edges(np.concatenate([target, nontarget]), 60).tolist()
    for scores, name, colour in ((nontarget, "different residues", "tab:red"), (target, "same residue", "tab:blue")):
        label = f"{name} ({len(scores)} trials)"
        axes.hist(scores, bins, density=True, histtype="stepfilled", alpha=0.6, label=label, color=colour)
    axes.axvline(threshold, color="black", linewidth=0.8, linestyle="--", label="equal error")
    axes.set(xlabel="log-likelihood ratio (natural)", ylabel="density")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=DPI)


def plot_reliability(bins: Sequence[Mapping], path: str | Path) -> None:
    """Plot how often what a model says is true, against the probability with which it says it.

    Arguments
    ---------
    bins : Sequence[Mapping]
        As `nmr_speech.score.calibration.reliability` gives them: mean probability, share that was true, count.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> path = getfixture("tmp_path") / "reliability.png"
    >>> plot_reliability([{"probability": 0.1, "share": 0.12, "count": 900}], path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(4.4, 4.4), layout="constrained")
    axes = figure.subplots()
    said, true, count = (np.array([row[key] for row in bins]) for key in ("probability", "share", "count"))
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8, zorder=0)
    # Two standard errors of a share of so many.
    axes.errorbar(said, true, 2 * np.sqrt(true * (1 - true) / count), fmt="o-", color="tab:blue", capsize=2)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="share that is true", aspect="equal")
    figure.savefig(path, dpi=DPI)


def plot_curves(epochs: Sequence[Mapping], name: str, label: str, path: str | Path) -> None:
    """Plot a figure of merit over the epochs, for the training and the validation split.

    Arguments
    ---------
    epochs : Sequence[Mapping]
        ``epoch``, its number, and the figures of ``train`` and ``valid`` by name.
    name : str
        Which figure to plot.
    label : str
        Label of its axis.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> path = getfixture("tmp_path") / "curves.png"
    >>> plot_curves([{"epoch": 1, "train": {"rlne": 0.3}, "valid": {"rlne": 0.4}}], "rlne", "RLNE", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    numbers = [epoch["epoch"] for epoch in epochs]
    for split, style in (("train", "o-"), ("valid", "s--")):
        axes.semilogy(numbers, [epoch[split][name] for epoch in epochs], style, markersize=3, label=split)
    axes.set(xlabel="epoch", ylabel=label)
    axes.grid(which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=DPI)
