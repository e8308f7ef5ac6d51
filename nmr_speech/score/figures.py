"""Pictures: a confusion matrix, a recording."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from nmr_speech.constants import DURATION_S, N_POINTS, SAMPLE_RATE_HZ
from nmr_speech.corpus.pseudo_audio import unstack_fid
from nmr_speech.models.frontends import MelFrontEnd
from nmr_speech.simulate.fid import spectrum


def draw_confusion(summary: dict, path: str | Path):
    """Draw a confusion matrix as shares of each row, with the counts in the cells.

    Arguments
    ---------
    summary : dict
        As `nmr_speech.score.classification.summarise` gives it.
    path : str | Path
        PNG file to write.
    """
    confusion, labels = np.asarray(summary["confusion"]), summary["labels"]
    size = 2.2 + 0.32 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(confusion / confusion.sum(axis=1, keepdims=True).clip(min=1), cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(confusion), strict=True):
        dark = 2 * confusion[i, j] > confusion[i].sum()
        axes.text(j, i, confusion[i, j], ha="center", va="center", fontsize=8, color="white" if dark else "black")
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("named")
    axes.set_ylabel("true")
    axes.set_title(f"{summary['accuracy']:.1%} of {summary['recordings']} recordings", fontsize=10)
    figure.savefig(path, dpi=150)


def draw_recording(wav: torch.Tensor, ppm: np.ndarray, title: str, path: str | Path):
    """Draw one recording three ways: as a waveform, as a mel spectrogram, as the 2D spectrum that it is.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (4, 65536).
    ppm : np.ndarray
        Axis of the spectrum in both dimensions, rising, (256,).
    title : str
        What it is.
    path : str | Path
        PNG file to write.
    """
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1])
    _waveform(figure.add_subplot(grid[0, 0]), wav)
    _mel_spectrogram(figure.add_subplot(grid[1, 0]), wav)
    _contours(figure.add_subplot(grid[:, 1]), spectrum(unstack_fid(wav)).real.numpy(), ppm)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def _waveform(axes, wav):
    seconds = np.arange(wav.shape[1]) / SAMPLE_RATE_HZ
    axes.plot(seconds, wav[0], linewidth=0.2, color="tab:blue", rasterized=True)
    axes.set(xlim=(0, DURATION_S), ylabel="Re cos", xlabel="s")
    axes.set_title(f"pseudo-audio, first of 4 channels, {SAMPLE_RATE_HZ // 1000} kHz", fontsize=9)


def _mel_spectrogram(axes, wav):
    frontend = MelFrontEnd(
        window_ms=1000 * N_POINTS / SAMPLE_RATE_HZ, hop_ms=1000 * N_POINTS / SAMPLE_RATE_HZ, n_fft=N_POINTS
    )
    decibels = frontend.fbank(wav[:1])[0].numpy().T
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


def _contours(axes, absorption, ppm):
    levels = absorption.max() * np.geomspace(0.005, 0.9, 12)
    axes.contour(ppm, ppm, absorption, levels=levels, colors="black", linewidths=0.6)
    axes.contour(ppm, ppm, -absorption, levels=levels, colors="tab:red", linewidths=0.6)
    axes.plot(ppm, ppm, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xlim=(ppm[-1], ppm[0]), ylim=(ppm[-1], ppm[0]), xlabel="F2, 1H (ppm)", ylabel="F1, 1H (ppm)")
    axes.set_title("2D spectrum, contours from 0.5% of the maximum", fontsize=9)
    axes.set_aspect("equal")
