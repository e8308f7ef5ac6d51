"""Draw the pictures of the READMEs: a recording, the paper's Figures 1, 4 and 5, what the front ends have learned.

> python -m benchmarks.pictures.run

Figure 1 has a voice where espeak-ng is installed. Figure 4 and the filters are those of benchmarks/accuracy at the
small scale. The GB1 HSQC is fetched, and left out where it cannot be.
"""

import shutil
import subprocess
import tempfile

import numpy as np
import soundfile
import torch
import torchaudio
from matplotlib.figure import Figure

from benchmarks.accuracy.table import paper, pooled
from benchmarks.common import FOLDER as BENCHMARKS
from benchmarks.common import load
from benchmarks.reconstruction.table import rows_of
from nmr_speech.axis import CARRIER_PPM, Axis
from nmr_speech.checks import InputError
from nmr_speech.constants import N_POINTS, N_SAMPLES, N_TRANSIENTS, SAMPLE_RATE_HZ
from nmr_speech.corpus import stack_fid
from nmr_speech.enhancement import denoise_1d
from nmr_speech.models.frontends import ConvFrontEnd, QuadratureFrontEnd
from nmr_speech.reconstruction.methods import method_of
from nmr_speech.reconstruction.run import reconstruct
from nmr_speech.report.denoised import plot_denoised_1d
from nmr_speech.report.figures import draw_confusion
from nmr_speech.report.spectra import draw_contours, draw_mel_spectrogram, plot_reconstruction, plot_recording
from nmr_speech.simulate import draw_recording, load_residue, pulse_acquire, spectrum
from nmr_speech.spectrometer import Experiment1D
from nmr_speech.testing.data import reference_data

FOLDER = BENCHMARKS / "pictures"
SEED = 1986
RLNE_TICKS = (0.12, 0.15, 0.2, 0.25, 0.3)
TEXT = (
    "Protons in a magnetic field turn like tops, each at a pitch of its own. A pulse tips them over, and they sing "
    "until they are at rest again. Wait a little, pulse again, and listen: what one has heard, its neighbours repeat."
)


def main():
    """Draw all of them."""
    leucine = draw_recording("LEU", SEED, 0)
    wav, _ = stack_fid(leucine.fid)
    plot_recording(wav, "leucine, simulated TOCSY", FOLDER / "recording.png", Axis())
    compare_with_speech(FOLDER / "figure1.png")
    compare_isomers(FOLDER / "figure5.png")
    show_confusions(FOLDER / "figure4.png")
    show_filters(FOLDER / "filters.png")
    show_ablation(FOLDER / "reconstruction_curves.png")
    show_mistakes(FOLDER / "mistakes.png")
    show_denoising(FOLDER / "denoising.png")
    try:
        compare_reconstructions(reference_data("gb1_hsqc.ft2"), FOLDER / "reconstruction.png")
    except InputError as error:
        print(error)


def compare_with_speech(path):
    """Figure 1: mel spectrogram and 2D Fourier transform of noise, of a voice, and of a TOCSY recording."""
    noise = torch.randn(N_SAMPLES, 1, generator=torch.Generator().manual_seed(SEED))
    sounds = {"white noise": noise}
    if shutil.which("espeak-ng"):
        sounds["a voice (espeak-ng)"] = speak()
    sounds["valine, simulated TOCSY"] = stack_fid(draw_recording("VAL", SEED, 0).fid)[0][:, :1]
    figure = Figure(figsize=(3.4 * len(sounds), 6), layout="constrained")
    axes = figure.subplots(2, len(sounds))
    for (above, below), (name, wav) in zip(axes.T, sounds.items(), strict=True):
        draw_mel_spectrogram(above, wav)
        above.set_title(name, fontsize=10)
        transform = torch.fft.fftshift(torch.fft.fft2(wav[:, 0].reshape(N_TRANSIENTS, N_POINTS))).abs()
        decibels = 20 * np.log10(transform.numpy() / transform.max().item() + 1e-9)
        half = SAMPLE_RATE_HZ / 2000
        slow = SAMPLE_RATE_HZ / N_POINTS / 2
        below.imshow(decibels, cmap="magma", vmin=-60, aspect="auto", extent=(-half, half, slow, -slow))
        below.set(xlabel="within a transient (kHz)", ylabel="from transient to transient (Hz)")
    axes[1, 0].set_title("2D Fourier transform, magnitude, 60 dB", fontsize=9)
    figure.savefig(path, dpi=75)


def speak():
    """Eight seconds of a synthetic voice at 8 kHz, (65536, 1)."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["espeak-ng", "-v", "en", "-s", "150", "-w", f"{folder}/voice.wav", TEXT], check=True)
        samples, rate_hz = soundfile.read(f"{folder}/voice.wav", dtype="float32")
    wav = torchaudio.functional.resample(torch.from_numpy(samples)[None], rate_hz, SAMPLE_RATE_HZ)
    return wav[:, :N_SAMPLES].T / wav.abs().max()


def compare_isomers(path):
    """Figure 5: isoleucine beside leucine, which differ in where one methyl group sits."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axis = Axis()
    for axes, (residue, name) in zip(figure.subplots(1, 2), (("ILE", "isoleucine"), ("LEU", "leucine")), strict=True):
        recording = draw_recording(residue, SEED, 0)
        draw_contours(axes, spectrum(recording.fid).real.numpy(), axis)
        axes.set_title(name, fontsize=10, pad=52)
        for shift, groups in merged(recording.shifts_ppm, 0.25):
            label = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 7, "color": "tab:blue"}
            axes.text(shift, axis.ppm()[0] - 0.15, " ".join(groups), **label)
    figure.savefig(path, dpi=110)


def merged(shifts_ppm, apart):
    """Shifts with the groups that lie there; what lies closer than ``apart`` shares a label."""
    labels = []
    for group, shift in sorted(shifts_ppm.items(), key=lambda item: item[1]):
        if labels and shift - labels[-1][0] < apart:
            labels[-1][1].append(group)
        else:
            labels.append((shift, [group]))
    return labels


def show_confusions(path):
    """Figure 4: confusion of the three models of Table III, behind Conv1d, all seeds together."""
    cells = pooled("small")
    models = [model for model in paper()["table_3"]["columns"] if f"conv {model}" in cells]
    if not models:
        return
    figure = Figure(figsize=(7.6 * len(models), 7.8), layout="constrained")
    for axes, model in zip(np.atleast_1d(figure.subplots(1, len(models))), models, strict=True):
        summary = cells[f"conv {model}"]
        draw_confusion(axes, summary)
        axes.set_title(f"{model}: {summary['accuracy']:.1%} of {summary['recordings']:,}", fontsize=14)
    figure.savefig(path, dpi=55)


def show_ablation(path):
    """Figure S1-3 of Wang et al.: RLNE of held-out FIDs from epoch to epoch, thresholds adaptive and fixed."""
    found = rows_of("trainings")
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for suffix, rate, colour in (("", "20%", "tab:blue"), ("_15", "15%", "tab:orange")):
        for name, style in (("MoDern", "-"), ("MoDern, fixed thresholds", "--")):
            if name + suffix in found:
                curve = [epoch["valid"]["rlne"] for epoch in found[name + suffix]["curves"]]
                axes.semilogy(range(1, len(curve) + 1), curve, style, color=colour, label=f"{name}, {rate}")
    axes.set(xlabel="epoch", ylabel="RLNE, held-out FIDs")
    axes.set_yticks(RLNE_TICKS, [f"{tick:g}" for tick in RLNE_TICKS])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def compare_reconstructions(spectrum_file, path):
    """Draw the GB1 HSQC in full, and from the same 20% of its transients by three methods."""
    methods = {
        "IST": method_of("ist", echo="none"),
        "IST, virtual echo": method_of("ist"),
        "MoDern": method_of("modern"),
    }
    runs = {name: reconstruct(spectrum_file, method, rate=0.2) for name, method in methods.items()}
    first = runs["IST"]
    spectra = {"fully sampled": first.reference} | {name: run.spectra[0] for name, run in runs.items()}
    title = "GB1 HSQC from 20% of its transients, contours from 1% of the highest point"
    plot_reconstruction(spectra, first.plane.f1, first.plane.f2, title, path)


def show_denoising(path):
    """A mixture of three amino acids, one of them hardly above the noise, before and after the denoiser."""
    axis = Axis(16384, 7200.0, 4.7, 600.0)
    fid = np.zeros(axis.n, complex)
    for name, amount in (("THR", 1.0), ("VAL", 0.3), ("PHE", 0.1)):
        residue = load_residue(name, "d2o", "free")
        settings = {"n_points": axis.n, "spectral_width_hz": axis.width_hz, "carrier_ppm": axis.carrier_ppm}
        one = pulse_acquire(residue, residue.shift_mean_ppm, decay_time_t2_s=0.25, **settings)
        fid += amount * one.numpy()
    std = np.abs(np.fft.fft(fid, norm="ortho")).max() / 60
    fid += std * (np.random.default_rng(SEED).normal(size=(axis.n, 2)) @ (1, 1j))
    result = denoise_1d(Experiment1D(fid=fid, axis=axis), phase_deg=(0.0, 0.0))
    plot_denoised_1d(result, "threonine, valine (0.3) and phenylalanine (0.1), simulated", path)


def show_mistakes(path):
    """Recordings that the most accurate model takes for another residue, each above what it looks like."""
    mistakes = load("accuracy", "best").get("1986 best", {}).get("mistakes", [])
    if not mistakes:
        return
    figure = Figure(figsize=(2.6 * len(mistakes), 6), layout="constrained")
    axis = Axis()
    for (above, below), one in zip(figure.subplots(2, len(mistakes), squeeze=False).T, mistakes, strict=True):
        pair = (
            draw_recording(one["residue"], one["seed"], one["index"]),
            draw_recording(one["predicted"], SEED, one["nearest"]),
        )
        titles = (
            f"{one['residue']}, taken for {one['predicted']}: {one['probability']:.0%}",
            f"{one['predicted']} of the training",
        )
        for axes, recording, title in zip((above, below), pair, titles, strict=True):
            draw_contours(axes, spectrum(recording.fid).real.numpy(), axis)
            axes.set_title(title, fontsize=9)
    figure.savefig(path, dpi=75)


def show_filters(path):
    """Draw what filters pass after training: each for itself, sorted by where it is strongest, and all in the mean."""
    start = {"conv": ConvFrontEnd().conv.weight[:, 0], "quadrature": QuadratureFrontEnd().filters()}
    found = {name: BENCHMARKS / "accuracy" / f"filters_small_{SEED}_{name}_ECAPA-TDNN-L.npy" for name in start}
    found = {name: file for name, file in found.items() if file.exists()}
    if not found:
        return
    figure = Figure(figsize=(9.5, 3.4 * len(found)), layout="constrained")
    names = {"conv": "Conv1d, one real channel at a time", "quadrature": "quadrature, complex"}
    ppm = Axis(2 * N_POINTS).ppm()
    for (one_by_one, mean), (name, file) in zip(
        figure.subplots(len(found), 2, squeeze=False), found.items(), strict=True
    ):
        trained = np.load(file)
        draw_filters(one_by_one, trained, ppm)
        one_by_one.set_title(f"{names[name]}: each filter, trained, 20 dB", fontsize=9)
        begun = start[name].detach().numpy()
        # Quadrature filters begin at frequencies of their own, and what they learn is small; Conv1d's begin at random.
        lines = (
            {"start": begun, "trained": trained} if np.isrealobj(trained) else {"trained less start": trained - begun}
        )
        for label, filters in lines.items():
            gain = np.sqrt((passed(filters, len(ppm)) ** 2).mean(axis=0))
            mean.plot(
                ppm, 20 * np.log10(gain), label=label, linewidth=0.9, color="0.6" if label == "start" else "tab:blue"
            )
        mean.set(xlim=(ppm[-1], ppm[0]), xlabel="F2, 1H (ppm)", ylabel="gain, mean of all filters (dB)")
        mean.set_title(f"{names[name]}: all filters", fontsize=9)
        mean.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=75)


def draw_filters(axes, filters, ppm):
    """Draw the magnitude of each filter's spectrum, down from its own maximum, as a row."""
    spectra = passed(filters, len(ppm))
    decibels = 20 * np.log10(spectra / spectra.max(axis=1, keepdims=True) + 1e-9)
    strongest = ppm[spectra.argmax(axis=1)]
    order = np.argsort(np.abs(strongest - CARRIER_PPM) if np.isrealobj(filters) else strongest)
    axes.imshow(decibels[order], cmap="magma", vmin=-20, vmax=0, aspect="auto", extent=(ppm[0], ppm[-1], len(order), 0))
    axes.set(xlim=(ppm[-1], ppm[0]), xlabel="F2, 1H (ppm)", ylabel="filter")


def passed(filters, n):
    """Gain of each filter for a line at each shift, (filters, n)."""
    return np.abs(np.fft.fftshift(np.fft.fft(filters.conj(), n), axes=1))


if __name__ == "__main__":
    main()
