"""Where a spectrum lies outside what a model has been trained on."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from nmr_speech.constants import N_TRANSIENTS
from nmr_speech.corpus import unstack_fid
from nmr_speech.hub.safe_yaml import plain, read_nodes
from nmr_speech.inference.load import Classifier
from nmr_speech.simulate import spectrum
from nmr_speech.spectrometer import Experiment

LOW_SIGNAL = 30.0  # highest peak over the median; noise alone has about 4
FIELD_RATIO = 1.5  # 600 MHz hear 400 to 900; from 400 to 800 nothing is lost: benchmarks/measured
MIXING_RATIO = 1.25  # 60 ms hear 48 to 75 ms; at 45 and 80 ms 7 to 12 points are lost: the same
OTHER_SEQUENCES = ("noesy", "roesy", "cosy", "hsqc", "hmqc", "jres")
MIXING_SEQUENCES = ("tocsy", "mlev", "dipsi", "hohaha", "clean")


def training_settings(model: Classifier) -> dict:
    """What the source of a model says of the recordings that it was trained on, as plain data.

    Arguments
    ---------
    model : Classifier
        The model.

    Returns
    -------
    dict
        ``condition``, ``shift_source``, ``free_shift_std_ppm``, ``experiment`` and ``nuisances``, as far as given.
    """
    path = model.folder / "training.yaml"
    path = path if path.is_file() else model.folder / "hyperparams.yaml"
    nodes = read_nodes(path, published=False)
    keys = ("condition", "shift_source", "free_shift_std_ppm", "experiment", "nuisances", "augmentation")
    settings = {key: plain(nodes[key], path, limited=False) for key in keys if key in nodes}
    # Trainings of version 0.1 call the augmentation `nuisances`.
    return settings | ({"nuisances": settings.pop("augmentation")} if "augmentation" in settings else {})


def heard(settings: Mapping) -> str:
    """The training in a few words, for what a recording cannot say of itself.

    Example
    -------
    >>> heard({"condition": "d2o", "experiment": {"mixing_time_s": 0.06, "field_mhz": 600.0}})
    'the model was trained on a mixing time of 0.06 s, in D2O, at 600 MHz'
    """
    experiment = settings.get("experiment") or {}
    known = {
        "a mixing time of {:g} s": experiment.get("mixing_time_s"),
        "in {}": str(settings["condition"]).upper() if "condition" in settings else None,
        "at {:g} MHz": experiment.get("field_mhz"),
    }
    words = ", ".join(text.format(value) for text, value in known.items() if value is not None)
    return f"the model was trained on {words}" if words else "the model does not say what it was trained on"


def unfamiliar_experiment(experiment: Experiment, settings: Mapping) -> Iterator[str]:
    """Sentences on how an experiment was measured other than those that a model was trained on.

    Arguments
    ---------
    experiment : Experiment
        As it was read.
    settings : Mapping
        As `training_settings` gives them.

    Yields
    ------
    str
    """
    trained = settings.get("experiment") or {}
    sequence = (experiment.pulse_program or "").lower()
    if any(name in sequence for name in OTHER_SEQUENCES) and not any(name in sequence for name in MIXING_SEQUENCES):
        yield f"the pulse programme {experiment.pulse_program} is no TOCSY, which is all that the model knows"
    mixing_s = trained.get("mixing_time_s")
    if mixing_s and experiment.mixing_time_s is None:
        yield f"the file does not say the mixing time; the model was trained on {mixing_s:g} s"
    elif mixing_s and _apart(experiment.mixing_time_s, mixing_s) > MIXING_RATIO:
        yield f"the mixing time was {experiment.mixing_time_s:g} s; the model was trained on {mixing_s:g} s"
    field_mhz = trained.get("field_mhz")
    if field_mhz and _apart(experiment.f2.field_mhz, field_mhz) > FIELD_RATIO:
        yield f"measured at {experiment.f2.field_mhz:.4g} MHz; the model was trained on {field_mhz:g} MHz"
    condition, solvent = settings.get("condition"), experiment.solvent
    if condition and solvent and _condition(solvent) != condition:
        yield f"measured in {solvent}; the model was trained on {condition.upper()}"


def unfamiliar_recording(wav: torch.Tensor, settings: Mapping) -> Iterator[str]:
    """Sentences on what a recording itself shows: too few transients, too little signal.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (65536, 4).
    settings : Mapping
        As `training_settings` gives them.

    Yields
    ------
    str
    """
    fid = unstack_fid(wav)
    measured = int((fid.abs().amax((0, 2)) > 0).sum())
    truncation = (settings.get("nuisances") or {}).get("truncation") or {"n_transients": N_TRANSIENTS}
    fewest = int(np.min(truncation["n_transients"]))
    if measured < fewest:
        yield f"{measured} transients on the model's grid; it was trained on {fewest} or more"
    magnitude = spectrum(fid).abs()
    signal = (magnitude.max() / magnitude.median().clamp(min=torch.finfo(torch.float32).tiny)).item()
    if signal < LOW_SIGNAL:
        yield f"the highest peak is {signal:.0f} times the median of the spectrum, which is little signal (under 30)"


def _apart(one, other):
    return max(one, other) / min(one, other)


def _condition(solvent):
    """The solvent in the simulator's words; None for another."""
    name = solvent.upper().replace(" ", "")
    if "H2O" in name or "WATER" in name:
        return "h2o"
    return "d2o" if "D2O" in name else None
