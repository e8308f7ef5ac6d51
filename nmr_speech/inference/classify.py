"""From a file or a spectrometer's folder to ranked residues, and what the prediction depends on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nmr_speech.assignment.explain import Explanation, explain
from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range
from nmr_speech.corpus import read_wav, stack_fid, unstack_fid
from nmr_speech.corpus.wav import FORMATS
from nmr_speech.inference.by_shifts import Weighed, weigh_by_shifts
from nmr_speech.inference.detect import MIXTURE, NONE, ONE, PRESENT, Detection, Found, findings
from nmr_speech.inference.domain_check import (
    IDEAL,
    UNKNOWN,
    TrainingData,
    experiment_warnings,
    ph_warnings,
    recording_warnings,
    training_data,
)
from nmr_speech.inference.load import Classifier
from nmr_speech.inference.look_alikes import in_question
from nmr_speech.inference.measured import Reading, read_measured
from nmr_speech.simulate import Acquisition, Sample
from nmr_speech.simulate.fid import echo_to_states, states_to_echo
from nmr_speech.spectrometer import Experiment, find_reference, to_grid
from nmr_speech.spectrometer.phase import Phases

LOW_PROBABILITY = 0.5
VERDICTS = {ONE: "one amino acid", MIXTURE: "a mixture", NONE: "no amino acid known to the model"}
NO_TOCSY = "the spectrum does not look like a TOCSY (probability {:.2f}), so nothing is named"
UNREFERENCED = "no line of DSS or TSP stands out, so the file's own reference is used"
NOT_COMPARED = "{} look alike; the shifts are not referenced, so they are not compared with the tables."
BANDS = 64


@dataclass(frozen=True, eq=False)
class Classification:
    """What a model predicts for one spectrum.

    Arguments
    ---------
    ranking : tuple[tuple[str, float], ...]
        Residues and their calibrated probabilities, as if there were one and nothing else; the most probable first.
    warnings : tuple[str, ...]
        Where the spectrum differs from the training data of the model.
    steps : tuple[str, ...]
        How the spectrum was processed.
    wav : torch.Tensor
        Input of the model, float32, (65536, 4).
    axis : Axis
        Both axes of the input's spectrum, at the field of the measurement.
    meaningful : bool
        Whether the probabilities mean something: not for a measured spectrum and a model trained on ideal ones.
    verdict : str
        "one", "mixture" or "none": how many residues are present.
    present, uncertain : tuple[Found, ...]
        Residues that are present, and that may be; see `nmr_speech.inference.detect.findings`.
    presence : tuple[tuple[str, float], ...]
        Calibrated probability that each residue is present, in the order of the model; empty if it does not detect.
    in_range : bool
        Whether the spectrum was measured as the training data were, as far as that can be told.
    mixing_time_s : float | None
        Mixing time in s, if the file says it.
    ph : float | None
        pH of the sample, if it was said.
    """

    ranking: tuple[tuple[str, float], ...]
    warnings: tuple[str, ...]
    steps: tuple[str, ...]
    wav: torch.Tensor
    axis: Axis
    meaningful: bool = True
    verdict: str = ONE
    present: tuple[Found, ...] = ()
    uncertain: tuple[Found, ...] = ()
    presence: tuple[tuple[str, float], ...] = ()
    in_range: bool = True
    mixing_time_s: float | None = None
    ph: float | None = None

    def explain(self) -> Explanation:
        """Fit the residues that are present to the spectrum, or the first of the ranking where none is."""
        residues = [one.residue for one in self.present] or [self.surest]
        known = Acquisition().mixing_time_s if self.mixing_time_s is None else self.mixing_time_s
        return explain(unstack_fid(self.wav), self.axis, residues, Acquisition(mixing_time_s=known), self.ph)

    def summary(self) -> dict[str, Any]:
        """Return the answer ready for JSON."""
        found = {name: [vars(one) for one in getattr(self, name)] for name in ("present", "uncertain")}
        return {"verdict": self.verdict, **found, "ranking": self.shown(), "in_training_range": self.in_range}

    @property
    def surest(self) -> str:
        """The residue that is the most certainly present, or the first of the ranking."""
        return next((one.residue for one in (*self.present, *self.uncertain)), self.ranking[0][0])

    def headline(self) -> str:
        """Return the answer in a few words."""
        if self.verdict == NONE:
            return VERDICTS[NONE]
        if self.present:
            return ", ".join(f"{one.residue} {one.probability:.2f}" for one in self.present)
        residue, probability = self.shown()[0]
        return residue if probability is None else f"{residue}, probability {probability:.2f}"

    def told(self, most: int = 5) -> list[str]:
        """Return the answer in lines to print: what is present and uncertain, or a ranking of ``most`` residues."""
        if not self.present and not self.uncertain and self.verdict != NONE:
            return [name if value is None else f"{name}  {value:.3f}" for name, value in self.shown()[:most]]
        doubt = "" if self.in_range else "  (outside the training's range)"
        lines = [VERDICTS[self.verdict]]
        lines += [f"{one.residue}  {one.probability:.3f}  amount {one.amount:.2f}{doubt}" for one in self.present]
        return [*lines, *(f"{one.residue}  {one.probability:.3f}  uncertain" for one in self.uncertain)]

    def shown(self) -> list[tuple[str, float | None]]:
        """Return the ranking for display: None instead of each probability that means nothing."""
        return [(residue, probability if self.meaningful else None) for residue, probability in self.ranking]


def classify_spectrum(
    model: Classifier, path: str | Path, shift_ppm: float | None = None, reading: Reading | None = None
) -> Classification:
    """Classify a recording or an experiment of a spectrometer.

    Where the shifts are referenced and one residue is there alone, they are fitted and compared with the tables; see
    `nmr_speech.inference.by_shifts`.

    Arguments
    ---------
    model : Classifier
        From `nmr_speech.inference.load_classifier`.
    path : str | Path
        WAV or FLAC file of 4 channels; Bruker, Varian or Agilent folder, NMRPipe or JEOL file, processed spectrum
        (2rr, ``.ft2``, ``.ucsf``), or ZIP file of these.
    shift_ppm : float | None
        Added to all chemical shifts of an experiment, in ppm. None references the spectrum to the line of DSS or TSP,
        or keeps the reference of the file if there is no such line.
    reading : Reading | None
        What is known of the measurement beyond its files, and how a schedule is filled in.

    Returns
    -------
    Classification

    Example
    -------
    >>> classify_spectrum(None, "nowhere.wav")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: nowhere.wav: no such file or folder
    """
    path, reading = Path(path), reading or Reading()
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if shift_ppm is not None:
        in_range("shift_ppm", shift_ppm, -20, 20, "ppm", "0.15")
    training = training_data(model)
    read = _read(path, training, shift_ppm, reading)
    probabilities = model.log_probabilities(read.wav[None])[0].exp().tolist()
    ranking, warnings = dict(zip(model.labels.lab2ind, probabilities, strict=True)), [*read.warnings]
    is_inside = not [warning for warning in read.outside if UNKNOWN not in warning]
    if not model.detects:
        highest = max(probabilities)
        if read.meaningful and highest < LOW_PROBABILITY:
            warnings.append(f"no residue stands out: the first has a probability of {highest:.2f}")
        return Classification(
            *(_ranked(ranking), tuple(warnings), read.steps, read.wav, read.axis, read.meaningful),
            in_range=is_inside,
            mixing_time_s=read.mixing_time_s,
        )
    detection = model.detect(read.wav[None])
    if (is_tocsy := float(detection.is_tocsy[0])) < PRESENT:
        warnings.append(NO_TOCSY.format(is_tocsy))
    weighed = _by_shifts(read, ranking, detection, training, reading.ph)
    presence = weighed.presence
    detection = replace(detection, probability=torch.tensor([[*presence.values()]]))
    return Classification(
        *(_ranked(weighed.ranking), tuple(warnings), read.steps + weighed.steps, read.wav, read.axis, read.meaningful),
        *findings(detection, list(presence)),
        presence=tuple(presence.items()),
        in_range=is_inside,
        mixing_time_s=read.mixing_time_s,
        ph=reading.ph,
    )


def _ranked(ranking):
    return tuple(sorted(ranking.items(), key=lambda pair: -pair[1]))


@dataclass(frozen=True, eq=False)
class _Read:
    """A spectrum on the grid of a model, and what is known of it; ``outside`` says where it leaves the training."""

    wav: torch.Tensor
    axis: Axis
    steps: tuple[str, ...]
    warnings: list[str]
    outside: list[str]
    meaningful: bool = True
    mixing_time_s: float | None = None
    is_referenced: bool = False


def _read(path: Path, training: TrainingData, shift_ppm: float | None, reading: Reading) -> _Read:
    axis, outside = (training.acquisition or Acquisition()).f2, list(ph_warnings(reading.ph, training))
    if path.suffix.lower().removeprefix(".") in FORMATS:
        step = f"Read as a recording on the model's grid. The file does not say how it was measured; {training}."
        wav = read_wav(path)
        outside += recording_warnings(wav, training)
        return _Read(wav, axis, (step,), outside, outside)
    experiment, phases = read_measured(path, reading)
    field_mhz = experiment.f2.field_mhz
    measured_axis = replace(axis, width_hz=axis.width_ppm * field_mhz, field_mhz=field_mhz)
    # A model that was trained on many fields has no field of its own to name in the steps.
    grid = measured_axis if "field_mhz" in training.conditions else axis
    wav, steps, warnings = on_grid(experiment, grid, shift_ppm, phases)
    of_experiment, of_recording = experiment_warnings(experiment, training), recording_warnings(wav, training)
    outside += [*of_experiment, *of_recording]
    ideal = [IDEAL] if training.is_ideal else []
    return _Read(
        *(wav, measured_axis, steps, [*ideal, *outside, *warnings], outside, not training.is_ideal),
        mixing_time_s=experiment.mixing_time_s,
        is_referenced=UNREFERENCED not in warnings,
    )


def _by_shifts(
    read: _Read, ranking: dict[str, float], detection: Detection, training: TrainingData, ph: float | None
) -> Weighed:
    """Ranking and presence, weighed anew by the shifts where these are referenced; and what was done."""
    presence = dict(zip(ranking, detection.probability[0].tolist(), strict=True))
    sample = training.sample or Sample()
    if sample.shift_source != "free" or detection.is_tocsy[0] < PRESENT:
        return Weighed(ranking, presence)
    if not read.is_referenced:
        family = in_question(presence, ranking)
        return Weighed(ranking, presence, (NOT_COMPARED.format(", ".join(family)),) if family else ())
    acquisition = Acquisition(mixing_time_s=read.mixing_time_s or Acquisition().mixing_time_s)
    low, high = training.conditions.get("ph", (sample.ph, sample.ph))
    return weigh_by_shifts(unstack_fid(read.wav), read.axis, ranking, presence, acquisition, ph, (low, high))


def occlusion(model: Classifier, wav: torch.Tensor, residue: str) -> np.ndarray:
    """Compute an occlusion map: how much less probable a residue becomes without a band of the spectrum.

    After Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53.

    Arguments
    ---------
    model : Classifier
        The model.
    wav : torch.Tensor
        Waveform, (65536, 4).
    residue : str
        The residue whose probability is followed.

    Returns
    -------
    np.ndarray
        Drop of the log-probability without each of 64 bands of F2, and of F1, (2, 64), shifts rising.

    Example
    -------
    A model that ignores its input depends on no band.

    >>> from types import SimpleNamespace
    >>> labels = SimpleNamespace(encode_label=lambda _: 0)
    >>> model = SimpleNamespace(labels=labels, log_probabilities=lambda wavs: torch.zeros(len(wavs), 1))
    >>> drops = occlusion(model, torch.rand(65536, 4), "GLY")
    >>> drops.shape, abs(drops).max().item()
    ((2, 64), 0.0)
    """
    fid, target = unstack_fid(wav), model.labels.encode_label(residue)
    log_probabilities = _log_presence(model) if getattr(model, "detects", False) else model.log_probabilities
    without = []
    for dimension in ("f2", "f1"):
        occluded = torch.stack([stack_fid(_without(fid, dimension, band))[0] for band in range(BANDS)])
        # In batches of 16: features of all 64 bands together would take gigabytes.
        without.append(torch.cat([log_probabilities(part)[:, target] for part in occluded.split(16)]))
    return (log_probabilities(wav[None])[0, target] - torch.stack(without)).numpy()


def _log_presence(model):
    return lambda wavs: model.detect(wavs).probability.clamp(min=1e-12).log()


def _without(fid: torch.Tensor, dimension: str, band: int) -> torch.Tensor:
    """Remove one of equal bands of F2 or F1 from an FID, by the Fourier transform."""
    if dimension == "f2":
        return _filtered(fid, -1, band, 1)
    # The echo signal precesses backwards in t1, so its band lies at negative frequencies.
    echo, anti_echo = states_to_echo(*fid)
    return torch.stack(echo_to_states(_filtered(echo, 0, band, -1), _filtered(anti_echo, 0, band, 1)))


def _filtered(signal: torch.Tensor, dim: int, band: int, sign: int) -> torch.Tensor:
    transformed = torch.fft.fft(signal, dim=dim)
    frequency = torch.remainder(sign * torch.fft.fftfreq(signal.shape[dim]) + 0.5, 1) - 0.5
    low = band / BANDS - 0.5
    kept = (frequency < low) | (frequency >= low + 1 / BANDS)
    return torch.fft.ifft(transformed * (kept if dim == -1 else kept[:, None]), dim=dim)


def on_grid(
    experiment: Experiment, axis: Axis, shift_ppm: float | None, phases: Phases
) -> tuple[torch.Tensor, tuple[str, ...], list[str]]:
    """Bring an experiment to the grid of the model: the waveform, the steps taken, and warnings."""
    warnings = []
    if shift_ppm is None:
        try:
            shift_ppm = find_reference(experiment)
        except InputError:
            shift_ppm = 0.0
            warnings.append(UNREFERENCED)
    gridded = to_grid(
        experiment,
        axis,
        shift_ppm=shift_ppm,
        phase_f1_deg=phases.f1_deg,
        phase_f2_deg=phases.f2_deg,
        t1_start=phases.t1_start,
    )
    return stack_fid(gridded.fid)[0], gridded.steps, [*warnings, *gridded.warnings]
