"""Pictures: a confusion matrix, a recording."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.stats import norm

from nmr_speech.constants import DURATION_S, N_POINTS, SAMPLE_RATE_HZ
from nmr_speech.corpus.pseudo_audio import unstack_fid
from nmr_speech.models.frontends import MelFrontEnd
from nmr_speech.simulate.fid import spectrum


def plot_confusion(summary: dict, path: str | Path):
    """Draw a confusion matrix as shares of each row, with the counts in the cells.

    Arguments
    ---------
    summary : dict
        As `nmr_speech.score.classification.summarise` gives it.
    path : str | Path
        PNG file to write.
    """
    size = 2.2 + 0.32 * len(summary["labels"])
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    draw_confusion(axes, summary)
    axes.set_title(f"{summary['accuracy']:.1%} of {summary['recordings']} recordings", fontsize=10)
    figure.savefig(path, dpi=150)


def draw_confusion(axes, summary: dict):
    """Draw a confusion matrix as `plot_confusion` does.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    summary : dict
        As `nmr_speech.score.classification.summarise` gives it.
    """
    confusion, labels = np.asarray(summary["confusion"]), summary["labels"]
    axes.imshow(confusion / confusion.sum(axis=1, keepdims=True).clip(min=1), cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(confusion), strict=True):
        dark = 2 * confusion[i, j] > confusion[i].sum()
        axes.text(j, i, confusion[i, j], ha="center", va="center", fontsize=8, color="white" if dark else "black")
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("named")
    axes.set_ylabel("true")


def plot_recording(
    wav: torch.Tensor, title: str, path: str | Path, ppm_f2: np.ndarray, ppm_f1: np.ndarray | None = None
):
    """Draw one recording three ways: as a waveform, as a mel spectrogram, as the 2D spectrum that it is.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (65536, 4).
    title : str
        What it is.
    path : str | Path
        Picture to write; its ending says of what kind.
    ppm_f2 : np.ndarray
        Axis of F2, rising, (256,).
    ppm_f1 : np.ndarray | None
        Axis of F1; None for that of F2.
    """
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1])
    _waveform(figure.add_subplot(grid[0, 0]), wav)
    draw_mel_spectrogram(figure.add_subplot(grid[1, 0]), wav)
    draw_contours(figure.add_subplot(grid[:, 1]), spectrum(unstack_fid(wav)).real.numpy(), ppm_f2, ppm_f1)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def plot_reconstruction(
    spectra: dict[str, np.ndarray], ppm_f1: np.ndarray, ppm_f2: np.ndarray, title: str, path: str | Path
):
    """Draw spectra side by side, as contours at the same levels: positive blue, negative red.

    Arguments
    ---------
    spectra : dict[str, np.ndarray]
        Real spectra (points in F1, points in F2) by what they are.
    ppm_f1, ppm_f2 : np.ndarray
        Their axes.
    title : str
        Above all of them.
    path : str | Path
        Picture to write; its ending says of what kind.
    """
    figure = Figure(figsize=(0.8 + 4.6 * len(spectra), 4.8), layout="constrained")
    many = figure.subplots(1, len(spectra), sharex=True, sharey=True, squeeze=False)[0]
    levels = np.abs(next(iter(spectra.values()))).max() * 0.01 * 1.5 ** np.arange(12)
    for axes, (name, one) in zip(many, spectra.items(), strict=True):
        for sign, colour in ((1, "tab:blue"), (-1, "tab:red")):
            if (sign * one).max() > levels[0]:
                axes.contour(ppm_f2, ppm_f1, sign * one, levels, colors=colour, linewidths=0.5)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("F2 / ppm")
    many[0].set(xlim=(ppm_f2.max(), ppm_f2.min()), ylim=(ppm_f1.max(), ppm_f1.min()), ylabel="F1 / ppm")
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def _waveform(axes, wav):
    seconds = np.arange(len(wav)) / SAMPLE_RATE_HZ
    axes.plot(seconds, wav[:, 0], linewidth=0.2, color="tab:blue", rasterized=True)
    axes.set(xlim=(0, DURATION_S), ylabel="Re cos", xlabel="s")
    axes.set_title(f"pseudo-audio, first of 4 channels, {SAMPLE_RATE_HZ // 1000} kHz", fontsize=9)


def plot_naming(wav: torch.Tensor, ppm: np.ndarray, falls: np.ndarray, title: str, path: str | Path):
    """Draw a spectrum with what a model's choice hangs on: the bands without which its name is less probable.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (65536, 4).
    ppm : np.ndarray
        Axis of both dimensions, rising, (256,).
    falls : np.ndarray
        Fall of the log-probability without each band of F2 and of F1, (2, bands), shifts rising.
    title : str
        What was named how.
    path : str | Path
        Picture to write; its ending says of what kind.
    """
    figure = Figure(figsize=(6.4, 6.8), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[4, 1], height_ratios=[1, 4])
    axes = figure.add_subplot(grid[1, 0])
    draw_contours(axes, spectrum(unstack_fid(wav)).real.numpy(), ppm)
    axes.set_aspect("auto")
    centres = ppm[0] + (np.arange(falls.shape[1]) + 0.5) * (ppm[-1] - ppm[0]) / falls.shape[1]
    width = centres[1] - centres[0]
    above = figure.add_subplot(grid[0, 0], sharex=axes)
    above.bar(centres, falls[0], width, color="tab:orange")
    above.set_ylabel("fall of the\nlog-probability", fontsize=8)
    aside = figure.add_subplot(grid[1, 1], sharey=axes)
    aside.barh(centres, falls[1], width, color="tab:orange")
    for part in (above, aside):
        part.tick_params(labelsize=7)
    above.set_title("without a band of F2 (above), of F1 (right)", fontsize=8)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def draw_mel_spectrogram(axes, wav: torch.Tensor):
    """Draw the mel spectrogram of the first channel, one frame a transient.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    wav : torch.Tensor
        Waveform, (65536, C).
    """
    frontend = MelFrontEnd(
        window_ms=1000 * N_POINTS / SAMPLE_RATE_HZ, hop_ms=1000 * N_POINTS / SAMPLE_RATE_HZ, n_fft=N_POINTS
    )
    decibels = frontend.fbank(wav[None, :, 0])[0].numpy().T
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, DURATION_S, 0, len(decibels)),
        vmin=decibels.max() - 60,
    )
    axes.set(xlabel="s", ylabel="mel band")
    axes.set_title("mel spectrogram, one frame a transient, 60 dB", fontsize=9)


def draw_contours(axes, absorption: np.ndarray, ppm_f2: np.ndarray, ppm_f1: np.ndarray | None = None):
    """Draw a 2D spectrum as a spectroscopist does: contours, shifts rising to the left and downwards.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    absorption : np.ndarray
        Real part of the spectrum, (n1, n2).
    ppm_f2 : np.ndarray
        Axis of F2, rising, (n2,).
    ppm_f1 : np.ndarray | None
        Axis of F1; None for that of F2.
    """
    ppm_f1 = ppm_f2 if ppm_f1 is None else ppm_f1
    levels = absorption.max() * np.geomspace(0.005, 0.9, 12)
    axes.contour(ppm_f2, ppm_f1, absorption, levels=levels, colors="black", linewidths=0.6)
    axes.contour(ppm_f2, ppm_f1, -absorption, levels=levels, colors="tab:red", linewidths=0.6)
    axes.plot(ppm_f2, ppm_f2, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xlim=(ppm_f2[-1], ppm_f2[0]), ylim=(ppm_f1[-1], ppm_f1[0]), xlabel="F2, 1H (ppm)", ylabel="F1, 1H (ppm)")
    axes.set_title("2D spectrum, contours from 0.5% of the maximum", fontsize=9)
    axes.set_aspect("equal")


def plot_det(curve, path: str | Path):
    """Draw a detection error trade-off curve on normal-deviate axes.

    Arguments
    ---------
    curve : nmr_speech.score.detection.DetCurve
        Error rates at all thresholds.
    path : str | Path
        PNG file to write.
    """
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    ticks = np.array([0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
    inside = (curve.p_miss > 0) & (curve.p_fa > 0) & (curve.p_miss < 1) & (curve.p_fa < 1)
    axes.plot(norm.ppf(curve.p_fa[inside]), norm.ppf(curve.p_miss[inside]), drawstyle="steps-post")
    limits = norm.ppf(ticks[[0, -1]])
    axes.plot(limits, limits, color="0.8", linewidth=0.8, zorder=0)
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(norm.ppf(ticks), [f"{100 * tick:g}" for tick in ticks])
    axes.set(
        xlim=limits, ylim=limits, xlabel="false alarms (%)", ylabel="misses (%)", title="detection error trade-off"
    )
    axes.grid(color="0.92")
    axes.set_aspect("equal")
    figure.savefig(path, dpi=150)


def plot_histogram(target, nontarget, threshold: float, path: str | Path):
    """Draw the distributions of target and non-target scores.

    Arguments
    ---------
    target : np.ndarray
        Log-likelihood ratios of target trials.
    nontarget : np.ndarray
        Those of non-target trials.
    threshold : float
        Where misses and false alarms are equally frequent.
    path : str | Path
        PNG file to write.
    """
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(*np.percentile(np.concatenate([target, nontarget]), [0, 100]), 61)
    for scores, name, colour in ((nontarget, "different residues", "tab:red"), (target, "same residue", "tab:blue")):
        axes.hist(scores, bins, density=True, alpha=0.6, label=f"{name} ({len(scores)} trials)", color=colour)
    axes.axvline(threshold, color="black", linewidth=0.8, linestyle="--", label="equal error")
    axes.set(xlabel="log-likelihood ratio (natural)", ylabel="density")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def plot_curves(epochs: list[dict], figure_name: str, label: str, path: str | Path):
    """Draw how a figure fell from epoch to epoch, on the training and on the validation split.

    Arguments
    ---------
    epochs : list[dict]
        ``epoch``, and the figures of ``train`` and ``valid`` by name.
    figure_name : str
        Which to draw.
    label : str
        What to write beside the axis.
    path : str | Path
        PNG file to write.
    """
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    numbers = [epoch["epoch"] for epoch in epochs]
    for split, style in (("train", "o-"), ("valid", "s--")):
        axes.semilogy(numbers, [epoch[split][figure_name] for epoch in epochs], style, markersize=3, label=split)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.grid(which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
