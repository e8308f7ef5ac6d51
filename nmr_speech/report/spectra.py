"""Pictures of recordings and spectra.

``plot_*`` writes a picture; its ending says of what kind. ``draw_*`` draws on axes that the caller has made. Shifts
rise to the left and downwards, as spectroscopists draw them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmr_speech.axis import Axis
from nmr_speech.constants import DURATION_S, N_POINTS, SAMPLE_RATE_HZ
from nmr_speech.corpus.pseudo_audio import unstack_fid
from nmr_speech.models.frontends import MelFrontEnd
from nmr_speech.simulate.fid import spectrum

DPI = 150


def plot_recording(wav: torch.Tensor, title: str, path: str | Path, f2: Axis, f1: Axis | None = None) -> None:
    """Plot a recording three ways: as a waveform, as a mel spectrogram, as the 2D spectrum that it is.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (65536, 4).
    title : str
        Above all of them.
    path : str | Path
        Picture to write.
    f2 : Axis
        Axis of F2.
    f1 : Axis | None
        Axis of F1; None for that of F2.

    Example
    -------
    >>> path = getfixture("tmp_path") / "recording.png"
    >>> plot_recording(torch.ones(65536, 4), "a line at the carrier", path, Axis())
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1])
    _draw_waveform(figure.add_subplot(grid[0, 0]), wav)
    draw_mel_spectrogram(figure.add_subplot(grid[1, 0]), wav)
    draw_contours(figure.add_subplot(grid[:, 1]), _absorption(wav), f2, f1)
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def plot_reconstruction(spectra: Mapping[str, np.ndarray], f1: Axis, f2: Axis, title: str, path: str | Path) -> None:
    """Plot spectra side by side, as contours at the same levels: positive blue, negative red.

    Arguments
    ---------
    spectra : Mapping[str, np.ndarray]
        Real spectra by what they are, (f1.n, f2.n); the first one sets the levels.
    f1, f2 : Axis
        Their axes.
    title : str
        Above all of them.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> path, axis = getfixture("tmp_path") / "spectra.png", Axis(16)
    >>> plot_reconstruction({"reference": np.eye(16), "half": np.eye(16) / 2}, axis, axis, "diagonal", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(0.8 + 4.6 * len(spectra), 4.8), layout="constrained")
    many = figure.subplots(1, len(spectra), sharex=True, sharey=True, squeeze=False)[0]
    # Twelve levels, each 1.5 times the one before, from 1% of the first spectrum's largest magnitude.
    levels = np.abs(next(iter(spectra.values()))).max() * 0.01 * 1.5 ** np.arange(12)
    for axes, (name, one) in zip(many, spectra.items(), strict=True):
        _contours(axes, one, f1, f2, levels)
        axes.set_title(name, fontsize=10, parse_math=False)
        axes.set_xlabel("F2 / ppm")
    many[0].set(xlim=(f2.ppm().max(), f2.ppm().min()), ylim=(f1.ppm().max(), f1.ppm().min()), ylabel="F1 / ppm")
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def _contours(axes, spectrum, f1, f2, levels):
    for sign, colour in ((1, "tab:blue"), (-1, "tab:red")):
        if (sign * spectrum).max() > levels[0]:  # Matplotlib warns of levels that nothing reaches
            axes.contour(f2.ppm(), f1.ppm(), sign * spectrum, levels, colors=colour, linewidths=0.5)


def plot_projections(spectra: Mapping[str, np.ndarray], every: Sequence[Axis], title: str, path: str | Path) -> None:
    """Plot the projections of 3D spectra on F1 and F3 and on F2 and F3, as contours: positive blue, negative red.

    Arguments
    ---------
    spectra : Mapping[str, np.ndarray]
        Real spectra by what they are, (f1.n, f2.n, f3.n); the first one sets the levels. Of each line that is
        projected, the point of largest magnitude is taken.
    every : Sequence[Axis]
        F1, F2 and F3.
    title : str
        Above all of them.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> path = getfixture("tmp_path") / "cube.png"
    >>> plot_projections({"reference": np.random.default_rng(1).random((8, 8, 16))}, [Axis(8), Axis(8), Axis(16)],
    ...                  "noise", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(0.8 + 4.6 * len(spectra), 8.8), layout="constrained")
    many = figure.subplots(2, len(spectra), sharex=True, sharey="row", squeeze=False)
    levels = np.abs(next(iter(spectra.values()))).max() * 0.02 * 1.5 ** np.arange(10)
    f3 = every[2]
    for column, (name, one) in zip(many.T, spectra.items(), strict=True):
        for k, axes in enumerate(column):  # F1 and F3 are left when F2 is projected, and the other way round
            other = 1 - k
            at = np.abs(one).argmax(axis=other)
            shadow = np.take_along_axis(one, np.expand_dims(at, other), other).squeeze(other)
            _contours(axes, shadow, every[k], f3, levels)
            high, low = every[k].ppm().max(), every[k].ppm().min()
            axes.set(xlim=(f3.ppm().max(), f3.ppm().min()), ylim=(high, low), ylabel=f"F{k + 1} / ppm")
        column[0].set_title(name, fontsize=10, parse_math=False)
        column[1].set_xlabel("F3 / ppm")
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def plot_classification(wav: torch.Tensor, axis: Axis, drops: np.ndarray, title: str, path: str | Path) -> None:
    """Plot a spectrum with its occlusion map: how much less probable the prediction is without each band.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (65536, 4).
    axis : Axis
        Axis of both dimensions.
    drops : np.ndarray
        Drop of the log-probability without each band of F2 and of F1, (2, bands), shifts rising; see
        `nmr_speech.inference.classify.occlusion`.
    title : str
        Above all of it.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> path = getfixture("tmp_path") / "map.png"
    >>> plot_classification(torch.ones(65536, 4), Axis(), np.ones((2, 64)), "a line at the carrier", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(6.4, 6.8), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[4, 1], height_ratios=[1, 4])
    axes = figure.add_subplot(grid[1, 0])
    draw_contours(axes, _absorption(wav), axis)
    axes.set_aspect("auto")
    ppm, n_bands = axis.ppm(), drops.shape[1]
    width = (ppm[-1] - ppm[0]) / n_bands
    centres = ppm[0] + (np.arange(n_bands) + 0.5) * width
    above = figure.add_subplot(grid[0, 0], sharex=axes)
    above.bar(centres, drops[0], width, color="tab:orange")
    above.set_ylabel("drop of the\nlog-probability", fontsize=8)
    aside = figure.add_subplot(grid[1, 1], sharey=axes)
    aside.barh(centres, drops[1], width, color="tab:orange")
    for part in (above, aside):
        part.tick_params(labelsize=7)
    above.set_title("without a band of F2 (above), of F1 (right)", fontsize=8)
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def draw_mel_spectrogram(axes: Axes, wav: torch.Tensor) -> None:
    """Draw the mel spectrogram of the first channel, one frame a transient.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    wav : torch.Tensor
        Waveform, (65536, C); the first channel is used.

    Example
    -------
    >>> axes = Figure().subplots()
    >>> draw_mel_spectrogram(axes, torch.randn(65536, 1))
    >>> axes.images[0].get_array().shape  # mel bands, frames
    (80, 257)
    """
    transient_ms = 1000 * N_POINTS / SAMPLE_RATE_HZ
    frontend = MelFrontEnd(window_ms=transient_ms, hop_ms=transient_ms, n_fft=N_POINTS)
    # The filterbank itself: the front end would subtract each band's mean over time.
    decibels = frontend.fbank(wav[None, :, 0])[0].numpy().T
    extent = (0, DURATION_S, 0, len(decibels))
    axes.imshow(decibels, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=decibels.max() - 60)
    axes.set(xlabel="s", ylabel="mel band")
    axes.set_title("mel spectrogram, one frame a transient, 60 dB", fontsize=9)


def draw_contours(axes: Axes, absorption: np.ndarray, f2: Axis, f1: Axis | None = None) -> None:
    """Draw a 2D spectrum as contours, negative ones red, with its diagonal.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    absorption : np.ndarray
        Real part of the spectrum, (f1.n, f2.n).
    f2 : Axis
        Axis of F2.
    f1 : Axis | None
        Axis of F1; None for that of F2.

    Example
    -------
    >>> axes = Figure().subplots()
    >>> draw_contours(axes, np.eye(4), Axis(n=4, width_hz=2400.0))
    >>> axes.get_xlim()
    (np.float64(6.0), np.float64(3.0))
    """
    ppm_f2, ppm_f1 = f2.ppm(), (f1 or f2).ppm()
    levels = absorption.max() * np.geomspace(0.005, 0.9, 12)
    axes.contour(ppm_f2, ppm_f1, absorption, levels=levels, colors="black", linewidths=0.6)
    axes.contour(ppm_f2, ppm_f1, -absorption, levels=levels, colors="tab:red", linewidths=0.6)
    axes.plot(ppm_f2, ppm_f2, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xlim=ppm_f2[[-1, 0]], ylim=ppm_f1[[-1, 0]], xlabel="F2, 1H (ppm)", ylabel="F1, 1H (ppm)")
    axes.set_title("2D spectrum, contours from 0.5% of the maximum", fontsize=9)
    axes.set_aspect("equal")


def _draw_waveform(axes: Axes, wav: torch.Tensor) -> None:
    seconds = np.arange(len(wav)) / SAMPLE_RATE_HZ
    axes.plot(seconds, wav[:, 0], linewidth=0.2, color="tab:blue", rasterized=True)
    axes.set(xlim=(0, DURATION_S), ylabel="Re cos", xlabel="s")
    axes.set_title(f"pseudo-audio, first of 4 channels, {SAMPLE_RATE_HZ // 1000} kHz", fontsize=9)


def _absorption(wav: torch.Tensor) -> np.ndarray:
    """Real part of the spectrum of a waveform, (256, 256)."""
    return spectrum(unstack_fid(wav)).real.numpy()
