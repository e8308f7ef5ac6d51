"""Out-of-distribution warnings: where a spectrum differs from the training data of a model."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ruamel.yaml import Node

from nmr_speech.checks import InputError, one_of, printable, quoted
from nmr_speech.constants import N_POINTS, N_TRANSIENTS
from nmr_speech.corpus import unstack_fid
from nmr_speech.hub.safe_yaml import plain
from nmr_speech.simulate import Acquisition, Sample, spectrum
from nmr_speech.simulate.conditions import WIDTH_PPM, check_conditions, is_drawn
from nmr_speech.simulate.draw import sample_and_acquisition
from nmr_speech.simulate.nuisances.disturb import check_settings
from nmr_speech.spectrometer import Experiment

if TYPE_CHECKING:
    from nmr_speech.inference.load import Classifier

LOW_SIGNAL = 30.0  # highest peak over the median of the spectrum; noise alone has about 4
# Where accuracy begins to fall, measured by benchmarks/measured.
FIELD_RATIO = 1.5  # a model of 600 MHz loses nothing from 400 to 800 MHz
MIXING_RATIO = 1.25  # a model of 60 ms loses 7 to 12 points at 45 and 80 ms
IDEAL = (
    "the model was trained on ideal recordings, without decay, phase errors or noise, and never saw a measured "
    "spectrum: it ranks with certainty and often wrongly, so no probabilities are given; use the packaged model, or "
    "train one for measured spectra with hparams/measured.yaml"
)
UNKNOWN = "the file does not say"
DISTURBING = {"decay", "phase_error", "white_noise", "t1_noise"}  # without all of them a recording is ideal
OTHER_SEQUENCES = ("noesy", "roesy", "cosy", "hsqc", "hmqc", "jres")
MIXING_SEQUENCES = ("tocsy", "mlev", "dipsi", "hohaha", "clean")


@dataclass(frozen=True)
class TrainingData:
    """The recordings that a model was trained on, as far as its source describes them.

    Arguments
    ---------
    sample : Sample | None
        Solvent and chemical shifts; None if unknown.
    acquisition : Acquisition | None
        The experiment; None if unknown.
    nuisances : Mapping[str, Mapping]
        What was added to the signal; see `nmr_speech.simulate.nuisances.disturb`.
    conditions : Mapping[str, Sequence]
        What was drawn for each recording: pairs [low, high] or lists of names, by parameter of the sample or of the
        experiment. There, ``sample`` and ``acquisition`` hold the first of each list and the middle of each pair.

    Example
    -------
    >>> print(TrainingData(Sample("d2o"), Acquisition(mixing_time_s=0.06)))
    the model was trained on residues of proteins, with a mixing time of 0.06 s, in D2O, at 600 MHz
    >>> print(TrainingData())
    the model does not say what it was trained on
    """

    sample: Sample | None = None
    acquisition: Acquisition | None = None
    nuisances: Mapping[str, Mapping] = field(default_factory=dict)
    conditions: Mapping[str, Sequence] = field(default_factory=dict)

    def __str__(self) -> str:
        known = []
        if self.sample:
            known.append("free amino acids" if self.sample.shift_source == "free" else "residues of proteins")
        if self.acquisition:
            known.append(f"with a mixing time of {self.told('mixing_time_s', self.acquisition.mixing_time_s)} s")
        if self.sample:
            known.append(f"in {self.told('condition', self.sample.condition).upper().replace(' OR ', ' or ')}")
        if self.acquisition:
            known.append(f"at {self.told('field_mhz', self.acquisition.field_mhz)} MHz")
        if "ph" in self.conditions:
            known.append(f"at pH {self.told('ph', 0)}")
        return (
            f"the model was trained on {', '.join(known)}" if known else "the model does not say what it was trained on"
        )

    def told(self, name: str, usual: Any) -> str:
        """Say what a parameter was in the training: its range, its choices, or ``usual`` where it was not drawn."""
        setting = self.conditions.get(name, usual)
        if not is_drawn(setting):
            return setting if isinstance(setting, str) else f"{setting:g}"
        return " or ".join(dict.fromkeys(setting)) if isinstance(setting[0], str) else "{:g} to {:g}".format(*setting)

    def covers(self, name: str, value: Any) -> bool | None:
        """Whether a value was drawn in the training; None where the parameter was not drawn."""
        if name not in self.conditions:
            return None
        setting = self.conditions[name]
        return value in setting if isinstance(setting[0], str) else setting[0] <= value <= setting[1]

    @property
    def is_ideal(self) -> bool:
        """Whether recordings had neither decay, phase errors nor noise, so that no measured spectrum is like them."""
        one = self.acquisition
        decays = one is None or min(one.decay_time_t1_s, one.decay_time_t2_s) < float("inf")
        return not decays and not DISTURBING & self.nuisances.keys()

    @property
    def fewest_transients(self) -> int:
        """The smallest number of transients of a training recording; the rest of its grid was zero."""
        truncation = self.nuisances.get("truncation") or {"n_transients": N_TRANSIENTS}
        return int(np.min(truncation["n_transients"]))


def training_data(model: "Classifier") -> TrainingData:
    """Return what the source of a model says of its training data; it was read with the model.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> training_data(SimpleNamespace(training=TrainingData(Sample("d2o")))).sample.condition
    'd2o'
    """
    return model.training


def read_training(nodes: Mapping[str, Node], path: Path) -> TrainingData:
    """Read and check what the YAML of a training says of its recordings.

    Arguments
    ---------
    nodes : Mapping[str, Node]
        From `nmr_speech.hub.safe_yaml.read_nodes`.
    path : Path
        The file: ``hyperparams.yaml`` of a results folder, ``training.yaml`` of a bundle.

    Returns
    -------
    TrainingData

    Example
    -------
    >>> read_training({}, Path("hyperparams.yaml"))
    TrainingData(sample=None, acquisition=None, nuisances={}, conditions={})
    """
    values = {
        key: plain(nodes[key], path, limited=False)
        for key in (*_names(Sample), "experiment", "nuisances", "augmentation")
        if key in nodes
    }
    sample = {key: values[key] for key in _names(Sample) if key in values}
    if sample.get("shift_source") == "predicted":  # its table lies where the training was; residues of proteins, too
        sample |= {"shift_source": "protein", "shift_table": None}
    # Trainings of version 0.1 call the augmentation `nuisances`.
    experiment, nuisances = values.get("experiment"), values.get("augmentation", values.get("nuisances")) or {}
    try:
        check_settings(nuisances)
        settings = sample | _experiment(experiment)
        return TrainingData(
            *_typical(sample, experiment), nuisances, {name: one for name, one in settings.items() if is_drawn(one)}
        )
    except (InputError, TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"{path}: the settings of the training cannot be used: {printable(error, 600)}") from error


def experiment_warnings(experiment: Experiment, training: TrainingData) -> Iterator[str]:
    """Compare how a spectrum was measured with the training data of a model.

    Arguments
    ---------
    experiment : Experiment
        The measurement as it was read.
    training : TrainingData
        From `training_data`.

    Yields
    ------
    str
        One sentence for each of pulse programme, mixing time in s, field in MHz and solvent that differs.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> measured = SimpleNamespace(f2=Acquisition().f2, mixing_time_s=0.06, pulse_program="dipsi2", solvent="DMSO")
    >>> list(experiment_warnings(measured, TrainingData(Sample("d2o"), Acquisition(mixing_time_s=0.12))))
    ['the mixing time was 0.06 s; the model was trained on 0.12 s', 'measured in DMSO; the model was trained on D2O']
    """
    acquisition, sample, solvent = training.acquisition, training.sample, experiment.solvent
    sequence = (experiment.pulse_program or "").lower()
    if any(name in sequence for name in OTHER_SEQUENCES) and not any(name in sequence for name in MIXING_SEQUENCES):
        yield f"the pulse programme {experiment.pulse_program} is not a TOCSY; the model was trained on TOCSY only"
    if acquisition and acquisition.mixing_time_s > 0:
        trained = f"the model was trained on {training.told('mixing_time_s', acquisition.mixing_time_s)} s"
        time_s = experiment.mixing_time_s
        if time_s is None:
            yield f"{UNKNOWN} the mixing time; {trained}"
        elif not _covered(training, "mixing_time_s", time_s, acquisition.mixing_time_s, MIXING_RATIO):
            yield f"the mixing time was {time_s:g} s; {trained}"
    field_mhz = experiment.f2.field_mhz
    if acquisition and not _covered(training, "field_mhz", field_mhz, acquisition.field_mhz, FIELD_RATIO):
        trained = training.told("field_mhz", acquisition.field_mhz)
        yield f"measured at {field_mhz:.4g} MHz; the model was trained on {trained} MHz"
    if sample and solvent and _condition(solvent) not in training.conditions.get("condition", [sample.condition]):
        trained = training.told("condition", sample.condition).upper().replace(" OR ", " or ")
        yield f"measured in {solvent}; the model was trained on {trained}"


def ph_warnings(ph: float | None, training: TrainingData) -> Iterator[str]:
    """Compare the pH, if it is known, with those of the training data of a model: at most one sentence.

    Example
    -------
    >>> list(ph_warnings(13.0, TrainingData(conditions={"ph": [1.0, 12.0]})))
    ['the pH was 13; the model was trained on 1 to 12']
    >>> list(ph_warnings(None, TrainingData(conditions={"ph": [1.0, 12.0]})))
    []
    """
    low, high = training.conditions.get("ph", (-math.inf, math.inf))
    if ph is not None and not low <= ph <= high:
        yield f"the pH was {ph:g}; the model was trained on {low:g} to {high:g}"


def recording_warnings(wav: torch.Tensor, training: TrainingData) -> Iterator[str]:
    """Compare the signal itself with the training data of a model.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (65536, 4).
    training : TrainingData
        From `training_data`.

    Yields
    ------
    str
        One sentence each for too few transients and for too little signal.

    Example
    -------
    >>> next(recording_warnings(torch.randn(65536, 4), TrainingData()))
    'the highest peak is ... times the median of the spectrum (low signal: under 30)'
    """
    fid = unstack_fid(wav)
    measured = int((fid.abs().amax((0, 2)) > 0).sum())
    if measured < training.fewest_transients:
        yield f"{measured} transients on the model's grid; it was trained on {training.fewest_transients} or more"
    magnitude = spectrum(fid).abs()
    signal = (magnitude.max() / magnitude.median().clamp(min=torch.finfo(torch.float32).tiny)).item()
    if signal < LOW_SIGNAL:
        yield (f"the highest peak is {signal:.0f} times the median of the spectrum (low signal: under {LOW_SIGNAL:g})")


def _names(cls: type) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in fields(cls))


def _experiment(experiment: Any) -> dict[str, Any]:
    if experiment is None:
        return {}
    if not isinstance(experiment, Mapping):
        raise InputError(f"`experiment` must be a mapping, got {quoted(experiment)}")
    for name in experiment:
        one_of("experiment", name, (*_names(Acquisition), WIDTH_PPM))
    sizes = {"n_transients": N_TRANSIENTS, "n_points": N_POINTS}
    if any(experiment.get(name, size) != size for name, size in sizes.items()):
        raise InputError(f"`experiment` must have {N_TRANSIENTS} transients of {N_POINTS} points, as recordings have")
    return dict(experiment)


def _typical(sample: Mapping[str, Any], experiment: Any) -> tuple[Sample | None, Acquisition | None]:
    """Sample and acquisition in the middle of all that is drawn."""
    check_conditions({**sample, **_experiment(experiment)})
    middle = {name: _middle(setting) for name, setting in {**sample, **_experiment(experiment)}.items()}
    if WIDTH_PPM in middle:
        middle["spectral_width_hz"] = middle.pop(WIDTH_PPM) * middle.get("field_mhz", Acquisition().field_mhz)
    typical_sample, acquisition = sample_and_acquisition(middle)
    return typical_sample if sample else None, acquisition if experiment else None


def _middle(setting: Any) -> Any:
    if not is_drawn(setting):
        return setting
    return setting[0] if isinstance(setting[0], str) else (setting[0] + setting[1]) / 2


def _covered(training: TrainingData, name: str, value: float, usual: float, ratio: float) -> bool:
    covered = training.covers(name, value)
    return _ratio(value, usual) <= ratio if covered is None else covered


def _ratio(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _condition(solvent: str) -> str | None:
    """Return the simulator's name of a solvent; None for any other solvent."""
    name = solvent.upper().replace(" ", "")
    if "H2O" in name or "WATER" in name:
        return "h2o"
    return "d2o" if "D2O" in name else None
