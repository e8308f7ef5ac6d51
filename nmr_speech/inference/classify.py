"""A name for somebody's spectrum: from a file or a spectrometer's folder to ranked residues, and what decided."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError
from nmr_speech.corpus import read_wav, stack_fid, unstack_fid
from nmr_speech.corpus.wav import FORMATS
from nmr_speech.inference.domain_check import heard, training_settings, unfamiliar_experiment, unfamiliar_recording
from nmr_speech.inference.load import Classifier
from nmr_speech.simulate.parameters import CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ
from nmr_speech.spectrometer import find_reference, read_experiment, to_grid

GRID = {"field_mhz": FIELD_MHZ, "carrier_ppm": CARRIER_PPM, "spectral_width_hz": SPECTRAL_WIDTH_HZ}
LOW_PROBABILITY = 0.5
BANDS = 64


@dataclass(frozen=True, eq=False)
class Naming:
    """What a model says of one spectrum.

    Arguments
    ---------
    ranking : tuple[tuple[str, float], ...]
        Residues and their calibrated probabilities, the most probable first.
    warnings : tuple[str, ...]
        Where the spectrum lies outside what the model has seen.
    steps : tuple[str, ...]
        What was done to it.
    wav : torch.Tensor
        What the model heard, float32, (65536, 4).
    grid : dict[str, float]
        ``field_mhz``, ``carrier_ppm`` and ``spectral_width_hz`` of the model's recordings.
    """

    ranking: tuple[tuple[str, float], ...]
    warnings: tuple[str, ...]
    steps: tuple[str, ...]
    wav: torch.Tensor
    grid: dict[str, float]


def name_spectrum(model: Classifier, path: str | Path, shift_ppm: float | None = None) -> Naming:
    """Name the amino acid in a recording or in an experiment of a spectrometer.

    Arguments
    ---------
    model : Classifier
        As `nmr_speech.inference.load.load_classifier` gives it.
    path : str | Path
        WAV or FLAC file of 4 channels; Bruker folder, Varian or Agilent folder, NMRPipe file, or ZIP with one of these.
    shift_ppm : float | None
        What is added to all shifts of an experiment; None looks for the line of DSS or TSP, and takes the file's
        reference where there is none.

    Returns
    -------
    Naming
    """
    settings = training_settings(model)
    grid = {name: settings.get("experiment", {}).get(name, default) for name, default in GRID.items()}
    warnings = []
    if Path(path).suffix.removeprefix(".") in FORMATS:
        told = f"Read as a recording on the model's grid. How it was measured it cannot say; {heard(settings)}."
        wav, steps = read_wav(path), (told,)
    else:
        experiment = read_experiment(path)
        warnings += unfamiliar_experiment(experiment, settings)
        wav, steps = _on_grid(experiment, shift_ppm, grid, warnings)
    warnings += unfamiliar_recording(wav, settings)
    probabilities = log_probabilities(model, wav[None])[0].exp().tolist()
    ranking = sorted(zip(model.labels.lab2ind, probabilities, strict=True), key=lambda pair: -pair[1])
    if ranking[0][1] < LOW_PROBABILITY:
        warnings.append(f"no residue stands out: the first has a probability of {ranking[0][1]:.2f}")
    return Naming(tuple(ranking), tuple(warnings), steps, wav, grid)


@torch.inference_mode()
def log_probabilities(model: Classifier, wavs: torch.Tensor) -> torch.Tensor:
    """Calibrated log-probabilities (B, S) of waveforms (B, T, 4)."""
    return torch.log_softmax(model.head(model.embedder(wavs)) / model.calibration.get("temperature", 1.0), dim=-1)


def occlusion(model: Classifier, wav: torch.Tensor, residue: str) -> np.ndarray:
    """How much less probable a residue becomes when a band of the spectrum is taken away.

    Arguments
    ---------
    model : Classifier
        The model.
    wav : torch.Tensor
        Waveform, (65536, 4).
    residue : str
        Whose probability.

    Returns
    -------
    np.ndarray
        Fall of the log-probability without each of 64 bands of F2, and of F1, (2, 64), shifts rising.
    """
    fid, target = unstack_fid(wav), model.labels.encode_label(residue)
    falls = []
    for dimension in ("f2", "f1"):
        occluded = torch.stack([stack_fid(_without(fid, dimension, band))[0] for band in range(BANDS)])
        falls.append(torch.cat([log_probabilities(model, part)[:, target] for part in occluded.split(16)]))
    return (log_probabilities(model, wav[None])[0, target] - torch.stack(falls)).numpy()


def _without(fid, dimension, band):
    """An FID without one of equal bands of F2 or F1, by the Fourier transform."""
    cos, sin = fid
    if dimension == "f2":
        rows = torch.fft.fftshift(torch.fft.fft(fid, dim=-1), dim=-1)
        rows[..., _band(band, rows.shape[-1])] = 0
        return torch.fft.ifft(torch.fft.ifftshift(rows, dim=-1), dim=-1)
    # The echo signal turns backwards in t1, so there the band lies at the negative frequency.
    anti_echo, echo = cos + 1j * sin, cos - 1j * sin
    kept = []
    for signal, sign in ((anti_echo, 1), (echo, -1)):
        columns = torch.fft.fft(signal, dim=0)
        frequency = torch.remainder(sign * torch.fft.fftfreq(len(columns)) + 0.5, 1) - 0.5
        low = band / BANDS - 0.5
        columns[(frequency >= low) & (frequency < low + 1 / BANDS)] = 0
        kept.append(torch.fft.ifft(columns, dim=0))
    anti_echo, echo = kept
    return torch.stack([(anti_echo + echo) / 2, (anti_echo - echo) / 2j])


def _band(band, n):
    return slice(band * n // BANDS, (band + 1) * n // BANDS)


def _on_grid(experiment, shift_ppm, grid, warnings):
    if shift_ppm is None:
        try:
            shift_ppm = find_reference(experiment)
        except InputError:
            shift_ppm = 0.0
            warnings.append("no line of DSS or TSP stands out, so the file's own reference is taken")
    gridded = to_grid(experiment, **grid, shift_ppm=shift_ppm)
    return stack_fid(gridded.fid)[0], gridded.steps
