"""Out-of-distribution warnings: where a spectrum differs from the training data of a model."""

from collections.abc import Iterator, Mapping
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
    "spectrum: it ranks with certainty and often wrongly, so no probabilities are given; train a model for measured "
    "spectra with hparams/experimental.yaml and use that"
)
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

    Example
    -------
    >>> print(TrainingData(Sample("d2o"), Acquisition(mixing_time_s=0.06)))
    the model was trained on a mixing time of 0.06 s, in D2O, at 600 MHz
    >>> print(TrainingData())
    the model does not say what it was trained on
    """

    sample: Sample | None = None
    acquisition: Acquisition | None = None
    nuisances: Mapping[str, Mapping] = field(default_factory=dict)

    def __str__(self) -> str:
        known = []
        if self.acquisition:
            known.append(f"a mixing time of {self.acquisition.mixing_time_s:g} s")
        if self.sample:
            known.append(f"in {self.sample.condition.upper()}")
        if self.acquisition:
            known.append(f"at {self.acquisition.field_mhz:g} MHz")
        return (
            f"the model was trained on {', '.join(known)}" if known else "the model does not say what it was trained on"
        )

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
    TrainingData(sample=None, acquisition=None, nuisances={})
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
        return TrainingData(
            Sample(**sample) if sample else None, _acquisition(experiment) if experiment else None, nuisances
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
        trained = f"the model was trained on {acquisition.mixing_time_s:g} s"
        if experiment.mixing_time_s is None:
            yield f"the file does not say the mixing time; {trained}"
        elif _ratio(experiment.mixing_time_s, acquisition.mixing_time_s) > MIXING_RATIO:
            yield f"the mixing time was {experiment.mixing_time_s:g} s; {trained}"
    if acquisition and _ratio(experiment.f2.field_mhz, acquisition.field_mhz) > FIELD_RATIO:
        yield f"measured at {experiment.f2.field_mhz:.4g} MHz; the model was trained on {acquisition.field_mhz:g} MHz"
    if sample and solvent and _condition(solvent) != sample.condition:
        yield f"measured in {solvent}; the model was trained on {sample.condition.upper()}"


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


def _acquisition(experiment: Any) -> Acquisition:
    if not isinstance(experiment, Mapping):
        raise InputError(f"`experiment` must be a mapping, got {quoted(experiment)}")
    for name in experiment:
        one_of("experiment", name, _names(Acquisition))
    acquisition = Acquisition(**experiment)
    if (acquisition.n_transients, acquisition.n_points) != (N_TRANSIENTS, N_POINTS):
        raise InputError(f"`experiment` must have {N_TRANSIENTS} transients of {N_POINTS} points, as recordings have")
    return acquisition


def _ratio(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _condition(solvent: str) -> str | None:
    """Return the simulator's name of a solvent; None for any other solvent."""
    name = solvent.upper().replace(" ", "")
    if "H2O" in name or "WATER" in name:
        return "h2o"
    return "d2o" if "D2O" in name else None
