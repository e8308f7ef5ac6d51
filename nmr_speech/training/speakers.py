"""What the recipes that train speaker models share: the keys they read, checks, loaders, predictions and outputs."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import speechbrain as sb
import torch
from torch.utils.data import Dataset

from nmr_speech.checks import InputError, in_range, one_of, quoted, whole
from nmr_speech.corpus.plan import MAX_RECORDINGS, DatasetPlan
from nmr_speech.score.calibration import calibrate
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.training.dataio import Batch
from nmr_speech.training.launch import process_count, refuse_batch_norm
from nmr_speech.training.objects import check_objects
from nmr_speech.training.transfer import Pretrained

PLAN = tuple(field.name for field in fields(DatasetPlan) if field.name != "nuisances")
"""Keys that decide what is simulated; the written recordings are clean, and nuisances come with the augmentation."""

KEYS = (
    *PLAN,
    *("data_folder", "output_folder", "simulation_workers", "skip_prep", "speakers", "held_out_residues"),
    *("frontend", "backbone", "head", "pretrained", "modules"),
    *("number_of_epochs", "batch_size", "lr", "warmup_share", "loader_workers", "fresh_recordings_per_residue"),
    *("augmentation", "augment", "clean_share", "evaluation_nuisances", "evaluation_augment"),
    *("opt_class", "epoch_counter", "train_logger", "checkpointer"),
)
"""Keys of ``hparams/base.yaml`` that the recipes read."""


def plan_of(hparams: Mapping[str, Any]) -> DatasetPlan | None:
    """Make the plan of the recordings to simulate; None for a data set that the user brings.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        The recipe's hyperparameters.

    Returns
    -------
    DatasetPlan | None

    Example
    -------
    >>> plan_of({"skip_prep": True, "fresh_recordings_per_residue": 0}) is None
    True
    """
    if hparams["skip_prep"] and not hparams["fresh_recordings_per_residue"]:
        return None  # its labels may be any names
    return DatasetPlan(**{key: hparams[key] for key in PLAN})


def check_training(hparams: Mapping[str, Any], device: str | torch.device) -> None:
    """Refuse settings that a training cannot use.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        The recipe's hyperparameters.
    device : str | torch.device
        Where the model is trained.

    Example
    -------
    >>> check_training({"number_of_epochs": 0}, "cpu")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `number_of_epochs` must be a whole number from 1 to 1000000, got 0
    """
    whole("number_of_epochs", hparams["number_of_epochs"], 1, 10**6)
    check_objects(hparams)
    one_of("skip_prep", hparams["skip_prep"], (True, False))
    if len(hparams["speakers"]) < 2:
        raise InputError(f"a classifier needs two residues or more to train on, got {quoted(hparams['speakers'])}")
    whole("batch_size", hparams["batch_size"], 1, 10**6)
    if hparams["warmup_share"] is not None:
        in_range("warmup_share", hparams["warmup_share"], 0, 1, "of all steps", "0.3, null for a constant rate")
    whole("fresh_recordings_per_residue", hparams["fresh_recordings_per_residue"], 0, MAX_RECORDINGS)
    whole("loader_workers", hparams["loader_workers"], 0, 1024)
    if hparams["pretrained"] is not None:
        if not isinstance(hparams["pretrained"], Pretrained):
            raise InputError(f"`pretrained` must be null or as in transfer.yaml, got {quoted(hparams['pretrained'])}")
        if hparams["pretrained"].expects_centred and not hparams["modules"]["frontend"].removes_mean:
            raise InputError(
                "a pretrained speech model expects features with the mean over the frames removed; set another "
                "`frontend`, such as frontend/conv_centred.yaml or frontend/spectral_centred.yaml"
            )
        hparams["pretrained"].check(hparams["number_of_epochs"], process_count())
    refuse_batch_norm(hparams["modules"], device)


def refuse_lone_recording(recordings: int, hparams: Mapping[str, Any]) -> None:
    """Refuse to train batch normalisation on a last batch that is one recording and one stream: it has no variance.

    Arguments
    ---------
    recordings : int
        Number of training recordings per epoch.
    hparams : Mapping[str, Any]
        ``modules`` and ``batch_size``.

    Example
    -------
    >>> from nmr_speech.models.frontends import SpectralFrontEnd
    >>> modules = {"frontend": SpectralFrontEnd(), "backbone": torch.nn.BatchNorm1d(80)}
    >>> refuse_lone_recording(41, {"modules": modules, "batch_size": 20})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `batch_size` 20 leaves a last batch of one of 41 recordings, too few for this model...
    """
    modules, size = hparams["modules"], hparams["batch_size"]
    each = math.ceil(recordings / process_count())
    norms = [part for part in modules["backbone"].modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    trained = any(weight.requires_grad for norm in norms for weight in norm.parameters())
    lone = size == 1 or each % size == 1
    if lone and trained and getattr(modules["frontend"], "n_streams", 0) == 1:
        better = next((other for other in range(size + 1, each) if each % other != 1), each)
        raise InputError(
            f"`batch_size` {size} leaves a last batch of one of {each} recordings, too few for this model to train on; "
            f"set another, such as {better}"
        )


def loader_options(hparams: Mapping[str, Any], device: str | torch.device) -> dict[str, Any]:
    """Return the keywords of a data loader.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        ``batch_size`` and ``loader_workers``.
    device : str | torch.device
        Where the batches go.

    Returns
    -------
    dict[str, Any]

    Example
    -------
    >>> options = loader_options({"batch_size": 20, "loader_workers": 0}, "cpu")
    >>> options["batch_size"], options["pin_memory"]
    (20, False)
    """
    return {
        "batch_size": hparams["batch_size"],
        "collate_fn": Batch.stack,
        "num_workers": hparams["loader_workers"],
        "pin_memory": str(device).startswith("cuda"),
    }


def count_steps(recordings: int, hparams: Mapping[str, Any], grad_accumulation_factor: int = 1) -> int:
    """Count the optimiser steps of a whole training.

    Arguments
    ---------
    recordings : int
        Number of training recordings per epoch.
    hparams : Mapping[str, Any]
        ``batch_size`` and ``number_of_epochs``.
    grad_accumulation_factor : int
        Batches per optimiser step.

    Returns
    -------
    int

    Example
    -------
    >>> count_steps(1680, {"batch_size": 20, "number_of_epochs": 12})
    1008
    """
    steps_per_epoch = math.ceil(recordings / (hparams["batch_size"] * process_count()))
    return hparams["number_of_epochs"] * steps_per_epoch // grad_accumulation_factor


class Predictions:
    """Labels and predictions of a stage, collected batch after batch.

    Arguments
    ---------
    n_classes : int
        Number of classes.

    Example
    -------
    >>> predictions = Predictions(2)
    >>> predictions.add(torch.tensor([0, 1, 1]), torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]]))
    >>> predictions.confusion().tolist(), round(predictions.error(), 3)
    ([[1, 0], [1, 1]], 0.333)
    """

    def __init__(self, n_classes: int):
        self.n_classes = n_classes
        self.true: list[torch.Tensor] = []
        self.predicted: list[torch.Tensor] = []

    def add(self, labels: torch.Tensor, logits: torch.Tensor) -> None:
        """Add a batch: labels (B,) and logits (B, S)."""
        self.true.append(labels)
        self.predicted.append(logits.argmax(dim=1))

    def confusion(self) -> np.ndarray:
        """Count predictions by true class: (S, S)."""
        return count_confusion(torch.cat(self.true).cpu(), torch.cat(self.predicted).cpu(), self.n_classes)

    def error(self) -> float:
        """Return the share of wrong predictions, 0 to 1."""
        confusion = self.confusion()
        return 1 - float(confusion.trace() / confusion.sum())


@torch.inference_mode()
def model_outputs(brain: sb.Brain, dataset: Dataset, loader: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Apply a trained model to all recordings of a data set.

    Arguments
    ---------
    brain : sb.Brain
        With a method ``embed`` and a module ``classifier``, and the weights to use.
    dataset : Dataset
        Items of a `nmr_speech.training.dataio.Batch`.
    loader : Mapping[str, Any]
        Keywords of the data loader; see `loader_options`.

    Returns
    -------
    dict[str, np.ndarray]
        ``embeddings`` (recordings, D), ``logits`` (recordings, S) and ``labels`` (recordings,).
    """
    brain.modules.eval()  # outside fit and evaluate, nobody else sets the mode
    parts: dict[str, list[torch.Tensor]] = {"embeddings": [], "logits": [], "labels": []}
    for batch in brain.make_dataloader(dataset, stage=sb.Stage.TEST, **loader):
        embeddings = brain.embed(batch.sig.to(brain.device))
        parts["embeddings"].append(embeddings)
        parts["logits"].append(brain.modules.classifier(embeddings))
        parts["labels"].append(batch.spk_id_encoded)
    return {name: torch.cat(tensors).cpu().numpy() for name, tensors in parts.items()}


def embed_dataset(brain: sb.Brain, dataset: Dataset, loader: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Replace the waveforms of a data set by their embeddings, which a head alone can be trained on.

    Arguments
    ---------
    brain, dataset, loader
        As for `model_outputs`.

    Returns
    -------
    list[dict[str, Any]]
        Items of a `nmr_speech.training.dataio.Batch` whose ``sig`` is an embedding (D,).
    """
    outputs = model_outputs(brain, dataset, loader)
    # A list, not a tensor: SpeechBrain's loaders shuffle and batch items.
    items = zip(torch.from_numpy(outputs["embeddings"]), outputs["labels"].tolist(), strict=True)
    return [{"id": str(i), "sig": embedding, "spk_id_encoded": label} for i, (embedding, label) in enumerate(items)]


def evaluate(
    brain: sb.Brain, datasets: Mapping[str, Dataset], loader: Mapping[str, Any], labels: list[str]
) -> dict[str, dict]:
    """Score the best checkpoint on the test split, and fit the calibration to the validation split.

    Arguments
    ---------
    brain : sb.Brain
        The trained model; it keeps its `Predictions`.
    datasets : Mapping[str, Dataset]
        ``valid``, ``test`` and, if there is one, ``clean``: the test split without nuisances.
    loader : Mapping[str, Any]
        Keywords of the data loader; see `loader_options`.
    labels : list[str]
        Names of the classes, in order.

    Returns
    -------
    dict[str, dict]
        ``test``, ``calibration`` and, with ``clean``, ``test_clean``; ready for JSON.
    """
    brain.evaluate(datasets["test"], min_key="error", test_loader_kwargs=dict(loader))
    scores = {
        "test": summarise(brain.predictions.confusion(), labels),
        "calibration": calibrate(*(model_outputs(brain, datasets[split], loader) for split in ("valid", "test"))),
    }
    if "clean" in datasets:
        clean = model_outputs(brain, datasets["clean"], loader)
        confusion = count_confusion(clean["labels"], clean["logits"].argmax(axis=1), len(labels))
        scores["test_clean"] = summarise(confusion, labels)
    return scores
