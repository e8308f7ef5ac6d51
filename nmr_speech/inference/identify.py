"""From a spectrum to the molecule in it: ranked, with probabilities, and with "none of these" among the answers."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from nmr_speech.assignment.planes import FOREIGN_PPM
from nmr_speech.checks import InputError, in_range
from nmr_speech.corpus import read_wav, unstack_fid
from nmr_speech.corpus.wav import FORMATS
from nmr_speech.inference.classify import on_grid
from nmr_speech.inference.measured import Reading, read_measured
from nmr_speech.inference.templates import (
    cached_templates,
    correlate,
    measured_length,
    measured_map,
)
from nmr_speech.simulate import Acquisition, Molecule, spectrum, tocsy

SLOPE, OFFSET = 30.1, -27.7
"""Log-odds of a molecule by its correlation, from `benchmarks.identification`; half of its spectra are of no molecule
of the gallery."""


@dataclass(frozen=True, eq=False)
class Identification:
    """What a spectrum may be of.

    Arguments
    ---------
    ranking : tuple[tuple[Molecule, float], ...]
        All molecules of the gallery with their probabilities, the most probable first.
    none_of_these : float
        Probability that it is of no molecule of the gallery.
    correlation : float
        Of the first one's template.
    offset_ppm : float
        What was added to the shifts of the spectrum to fit the first one.
    steps, warnings : tuple[str, ...]
        How the spectrum was processed, and what speaks against trusting the answer.
    wav : torch.Tensor
        The spectrum as a recording on the grid, float32, (65536, 4).
    acquisition : Acquisition
        The conditions at which the gallery was simulated.
    """

    ranking: tuple[tuple[Molecule, float], ...]
    none_of_these: float
    correlation: float
    offset_ppm: float
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    wav: torch.Tensor
    acquisition: Acquisition

    def spectra(self, most: int = 2) -> dict[str, np.ndarray]:
        """Return magnitude spectra of the recording and of the first molecules, by what they are, each (P, Q)."""
        found = {"measured": unstack_fid(self.wav)}
        for molecule, probability in self.ranking[:most]:
            fid = tocsy(molecule, molecule.shift_mean_ppm, self.acquisition)
            found[f"{molecule.name}, simulated ({probability:.2f})"] = fid
        axis = self.acquisition.f2.ppm()
        own = np.outer(*[~np.logical_or(*((low < axis) & (axis < high) for low, high in FOREIGN_PPM))] * 2)
        magnitudes = {name: spectrum(fid).abs().numpy() for name, fid in found.items()}
        # Each relative to its largest peak that is not of water or the reference.
        return {name: one / max((one * own).max(), np.finfo(np.float32).tiny) for name, one in magnitudes.items()}

    def summary(self, top: int) -> dict:
        """Return the first ``top`` molecules and the rest of the answer, ready for JSON."""
        ranking = [
            {"id": molecule.id, "name": molecule.name, "probability": probability}
            for molecule, probability in self.ranking[:top]
        ]
        return {
            "ranking": ranking, "none_of_these": self.none_of_these, "correlation": self.correlation,
            "offset_ppm": self.offset_ppm, "warnings": list(self.warnings), "steps": list(self.steps),
        }  # fmt: skip


def identify_spectrum(
    path: str | Path,
    gallery: list[Molecule],
    shift_ppm: float | None = None,
    reading: Reading | None = None,
    cache: Path | None = None,
) -> Identification:
    """Identify the molecule in a recording or an experiment of a spectrometer.

    The gallery is simulated at the field and the mixing time of the measurement, to first order; reference offsets up
    to 0.375 ppm are searched.

    Arguments
    ---------
    path : str | Path
        As for `nmr_speech.inference.classify_spectrum`.
    gallery : list[Molecule]
        From `nmr_speech.inference.gallery.load_gallery`.
    shift_ppm : float | None
        Added to all chemical shifts of an experiment, in ppm; None takes the line of DSS or TSP.
    reading : Reading | None
        What is known of the measurement beyond its files.
    cache : Path | None
        Folder that keeps the simulated gallery; None keeps nothing.

    Returns
    -------
    Identification

    Example
    -------
    >>> identify_spectrum("nowhere.wav", [])
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: nowhere.wav: no such file or folder
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if shift_ppm is not None:
        in_range("shift_ppm", shift_ppm, -20, 20, "ppm", "0.15")
    wav, acquisition, steps, warnings = _read(path, shift_ppm, reading)
    fid = unstack_fid(wav)
    templates = cached_templates(gallery, acquisition, measured_length(fid), cache)
    correlation, offset_ppm = correlate(measured_map(fid, acquisition.f2), templates, acquisition.f2)
    probability = np.exp(log_probabilities(correlation[None], SLOPE, OFFSET))[0]
    order = np.argsort(-correlation, kind="stable")
    ranking = tuple((gallery[k], float(probability[k])) for k in order)
    first = order[0]
    return Identification(
        ranking, float(probability[-1]), float(correlation[first]), float(offset_ppm[first]), steps, warnings, wav,
        acquisition,
    )  # fmt: skip


def log_probabilities(scores: np.ndarray, slope: float, offset: float) -> np.ndarray:
    """Log-probabilities of every molecule and, last, of none: a softmax of log-odds, that of none being zero.

    Arguments
    ---------
    scores : np.ndarray
        (queries, molecules).
    slope, offset : float
        Log-odds are ``slope * score + offset``.

    Returns
    -------
    np.ndarray
        (queries, molecules + 1).

    Example
    -------
    >>> np.exp(log_probabilities(np.array([[0.0, 0.0]]), 1.0, 0.0)).round(3).tolist()
    [[0.333, 0.333, 0.333]]
    """
    logits = np.concatenate([slope * scores + offset, np.zeros((len(scores), 1))], axis=1)
    highest = logits.max(axis=1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))


def _read(path, shift_ppm, reading):
    """Recording on the grid, the conditions it was measured at, steps and warnings."""
    usual = Acquisition()
    if path.suffix.lower().removeprefix(".") in FORMATS:
        step = f"Read as a recording at {usual.field_mhz:g} MHz, mixing time {1e3 * usual.mixing_time_s:g} ms."
        return read_wav(path), usual, (step,), ()
    experiment, phases = read_measured(path, reading)
    wav, steps, warnings = on_grid(experiment, usual.f2, shift_ppm, phases)
    field_mhz = round(experiment.f2.field_mhz, 1)  # for the cache: two days at one magnet differ by Hz
    conditions = {"field_mhz": field_mhz, "spectral_width_hz": usual.f2.width_ppm * field_mhz}
    if experiment.mixing_time_s is None:
        warnings = [*warnings, f"the files do not say the mixing time; {1e3 * usual.mixing_time_s:g} ms was assumed"]
    else:
        conditions["mixing_time_s"] = round(experiment.mixing_time_s, 3)
    acquisition = replace(usual, **conditions)
    known = f"{field_mhz:g} MHz and a mixing time of {1e3 * acquisition.mixing_time_s:g} ms"
    return wav, acquisition, (*steps, f"The gallery is simulated at {known}."), tuple(warnings)
