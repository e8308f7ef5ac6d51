"""Load a trained model from a results folder, a bundle or the Hugging Face Hub.

Loading never executes code from the source: its YAML is read by `nmr_speech.hub.safe_yaml`, and weights are loaded as
tensors only, from safetensors files where there are any.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import Node
from speechbrain.dataio.encoder import CategoricalEncoder
from torch import nn

from nmr_speech.checks import InputError, in_range, printable, quoted
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.hub.allow_list import CLASSES, current_name
from nmr_speech.hub.build import build
from nmr_speech.hub.fetch import REPOSITORY, locate
from nmr_speech.hub.safe_yaml import arguments_of, children, plain, read_nodes, tag
from nmr_speech.hub.tensors import Saved, load_weights
from nmr_speech.inference.detect import Detection, detect
from nmr_speech.inference.domain_check import TrainingData, read_training
from nmr_speech.inference.modules import Posterior
from nmr_speech.models.embed import embed
from nmr_speech.models.heads import LinearHead, MarginHead, MixtureHead
from nmr_speech.reading import Optional, read_bytes, read_json
from nmr_speech.training.checkpoints import WholeCheckpointer
from nmr_speech.training.dataio import encoder_of

PARTS = ("frontend", "backbone", "classifier")
SETTINGS = "training.yaml"
"""File of a bundle with the settings of its training: what its recordings were like."""
# By name: a repository may hold any number of other files, of any size.
DOWNLOADED = ("hyperparams.yaml", SETTINGS, "label_encoder.ckpt", *(f"{part}.safetensors" for part in PARTS))
PICKLED = tuple(f"{part}.ckpt" for part in PARTS)
RESULTS = "results.json"
LONGEST_LABELS = 2**20  # bytes
CALIBRATION = {
    "temperature": (1e-3, 1e3, "logits", "1"),
    "threshold": (-1, 1, "(a cosine)", "0.5"),
    **{f"{name}_slope": (-1e3, 1e3, "(a ratio of log-odds)", "1") for name in ("presence", "experiment")},
    **{f"{name}_offset": (-100, 100, "(log-odds)", "0") for name in ("presence", "experiment")},
}
"""Range, unit and usual value of each figure of a calibration."""
HEADS = (LinearHead, MarginHead, MixtureHead)
OLD_HEAD = "!apply:nmr_speech.models.heads.make_head"
"""How results folders of earlier versions describe both heads; ``margin: null`` is the linear one."""
OLD_SCALE = 30.0


@dataclass(frozen=True, eq=False)
class Embedder:
    """A trained front end and embedding model, in evaluation mode.

    Arguments
    ---------
    frontend : nn.Module
        See `nmr_speech.models.frontends`.
    backbone : nn.Module
        SpeechBrain embedding model.
    speakers : tuple[str, ...] | None
        The residues of the training data, if the source lists them.
    """

    frontend: nn.Module
    backbone: nn.Module
    speakers: tuple[str, ...] | None

    @torch.inference_mode()
    def __call__(self, wavs: torch.Tensor) -> torch.Tensor:
        """Embed waveforms (B, T, 4): embeddings (B, D)."""
        return embed(self.frontend, self.backbone, wavs)

    def to(self, device: str) -> "Embedder":
        """Move both parts to a device."""
        return Embedder(self.frontend.to(device), self.backbone.to(device), self.speakers)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A complete trained model, in evaluation mode.

    Arguments
    ---------
    embedder : Embedder
        Front end and embedding model.
    head : nn.Module
        See `nmr_speech.models.heads`.
    labels : CategoricalEncoder
        Maps residues to class indices.
    calibration : Mapping[str, float]
        ``temperature`` of the logits, ``threshold`` of the cosine between two embeddings, and what
        `nmr_speech.inference.detect.detect` takes, if the source has them; see `nmr_speech.score.calibration`.
    nodes : Mapping[str, Node]
        The YAML of the source; see `nmr_speech.hub.safe_yaml.plain`.
    folder : Path
        The folder of its files.
    commit : str | None
        Commit of the Hub repository; None for a local folder.
    training : TrainingData
        What its recordings were like.
    """

    embedder: Embedder
    head: nn.Module
    labels: CategoricalEncoder
    calibration: Mapping[str, float]
    nodes: Mapping[str, Node]
    folder: Path
    commit: str | None
    training: TrainingData

    @functools.cached_property
    def posterior(self) -> Posterior:
        """The head with its calibration."""
        return Posterior(self.head, self.calibration.get("temperature", 1.0))

    @torch.inference_mode()
    def log_probabilities(self, wavs: torch.Tensor) -> torch.Tensor:
        """Classify waveforms (B, T, 4): calibrated log-probabilities (B, S)."""
        return self.posterior(self.embedder(wavs).unsqueeze(1)).squeeze(1)

    @property
    def detects(self) -> bool:
        """Whether the model detects several residues, or none."""
        return isinstance(self.head, MixtureHead)

    @torch.inference_mode()
    def detect(self, wavs: torch.Tensor) -> Detection:
        """Detect the residues in waveforms (B, T, 4)."""
        return detect(self.head, self.embedder(wavs), self.calibration)


def load_embedder(source: str | Path, revision: str | None = None) -> Embedder:
    """Load the embedding part of a trained model.

    Arguments
    ---------
    source : str | Path
        ``output_folder`` of the training recipe, of which the checkpoint with the smallest validation error is loaded;
        bundle, as `nmr_speech.publish.bundle.make_bundle` writes it; or Hub repository ``user/name`` of a bundle.
    revision : str | None
        Commit, tag or branch of a Hub repository; None for the main branch.

    Returns
    -------
    Embedder
        On the CPU, without gradients.

    Example
    -------
    >>> load_embedder("nowhere")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `source` must be a folder or a Hub repository user/name, got 'nowhere'
    """
    return _Source(source, revision).embedder()


def load_classifier(source: str | Path, revision: str | None = None) -> Classifier:
    """Load a trained model with its head; arguments as for `load_embedder`.

    Example
    -------
    >>> load_classifier(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...hyperparams.yaml: not there; `source` must be a results folder, a bundle or...
    """
    return _Source(source, revision).classifier()


class _Source:
    """A folder with a description and weights: the results of a training, or a published bundle."""

    def __init__(self, source: str | Path, revision: str | None):
        self.folder, self.commit = locate(source, revision, DOWNLOADED)
        # Pickles are downloaded only if safetensors files are missing: they hold the same tensors again.
        if self.commit and not all((self.folder / f"{part}.safetensors").is_file() for part in PARTS):
            self.folder, _ = locate(source, self.commit, PICKLED)
        # Only a training has checkpoints; its YAML calls functions, so that only some keys of it can be read.
        self.published = not (self.folder / "save").is_dir()
        self.yaml = self.folder / "hyperparams.yaml"
        if not self.yaml.is_file() and REPOSITORY.fullmatch(str(source)):
            raise InputError(
                f"{source}: the repository has no hyperparams.yaml, so it is not a model; check name and `revision`"
                if self.commit
                else f"{source}: the folder has no hyperparams.yaml, so it is not a model; if you mean the Hub "
                f"repository, run in another folder than {Path.cwd()}, which has a folder of that name"
            )
        self.nodes = read_nodes(self.yaml, self.published)
        self.weights_folder = self.folder if self.published else _best_checkpoint(self.folder)

    def embedder(self) -> Embedder:
        return Embedder(self.module("frontend"), self.module("backbone"), self.speakers())

    def classifier(self) -> Classifier:
        names = self.speakers()
        if not names:
            raise InputError(f"{self.yaml}: the key `residues` is missing; it must list the classes of the model")
        labels = encoder_of(names)
        head = self.module("classifier") if self.published else self.trained_head()
        if self.published:
            _refuse_other_labels(self.folder / "label_encoder.ckpt", labels)
        embedder, calibration, training = self.embedder(), self.calibration(), self.training()
        self.refuse_misfit(embedder, head, len(names))
        return Classifier(embedder, head, labels, calibration, self.nodes, self.folder, self.commit, training)

    def training(self) -> TrainingData:
        """Read the settings of the training; those of a bundle must be there, and belong to this model."""
        if not self.published:
            return read_training(self.nodes, self.yaml)
        path = self.folder / SETTINGS
        if not path.is_file():
            raise InputError(
                f"{path}: not there; without the settings of its training a model would take every spectrum for one "
                "on the usual grid; publish the model again with this version"
            )
        nodes = read_nodes(path, published=False)
        for part in ("frontend", "backbone"):
            here, there = (children(some.get(part)).get("module") for some in (self.nodes, nodes))
            if there is None or _described(here, self.yaml) != _described(there, path):
                raise InputError(f"{path}: `{part}` is not that of hyperparams.yaml; publish the model again")
        if set(_speakers(nodes, path) or ()) != set(self.speakers() or ()):
            raise InputError(f"{path}: `residues` are not those of hyperparams.yaml; publish the model again")
        return read_training(nodes, path)

    @torch.inference_mode()
    def refuse_misfit(self, embedder: Embedder, head: nn.Module, n_classes: int) -> None:
        # Each part fits its own weights, but only a forward pass shows whether the parts fit one another.
        noise = torch.randn(1, N_SAMPLES, N_CHANNELS, generator=torch.Generator().manual_seed(0))
        try:
            logits = head(embedder(noise))
        except (RuntimeError, ValueError, IndexError) as error:
            raise InputError(f"{self.yaml}: the parts of the model do not fit together ({printable(error)})") from error
        if logits.shape != (1, n_classes):
            raise InputError(f"{self.yaml}: {n_classes} `residues`, but the classifier has {logits.shape[-1]} classes")
        if not logits.isfinite().all():
            raise InputError(f"{self.folder}: the model gives NaN or infinity; its weights are damaged")

    def module(self, part: str) -> nn.Module:
        node = children(self.nodes.get(part)).get("module")
        name = current_name(tag(node).removeprefix("!new:"))
        if node is None or name not in CLASSES:
            raise InputError(f"{self.folder}: `{part}` must be one of {', '.join(CLASSES)}, got {name or 'nothing'}")
        return build(CLASSES[name], arguments_of(node, self.yaml), *self.weights(part))

    def trained_head(self) -> nn.Module:
        node = self.nodes.get("classifier")
        node = children(node).get("module", node)
        given = children(node)
        settings: dict[str, Any] = {key: plain(given[key], self.yaml) for key in ("margin", "scale") if key in given}
        head = CLASSES.get(tag(node).removeprefix("!new:"))
        if tag(node) == OLD_HEAD:
            head = LinearHead if settings.get("margin") is None else MarginHead
            settings.setdefault("scale", OLD_SCALE)
        if head not in HEADS:
            names = " or ".join(f"!new:{cls.__module__}.{cls.__qualname__}" for cls in HEADS)
            raise InputError(f"{self.yaml}: `classifier` must be {names}, got {tag(node) or 'nothing'}")
        weights, where = self.weights("classifier")
        # The number of classes is a function call in the YAML of a training, so both sizes are taken from the weights.
        n_classes, embedding_size = next((tensor.shape for tensor in weights.values() if tensor.ndim == 2), (0, 0))
        make = functools.partial(head, embedding_size, n_classes)
        return build(make, settings if head is MarginHead else {}, weights, where)

    def weights(self, part: str) -> tuple[dict[str, torch.Tensor], str]:
        paths = [self.weights_folder / f"{part}.{kind}" for kind in ("safetensors", "ckpt")]
        for path in paths:
            if path.is_file():
                # A bundle must be complete: no file in it may refer to weights of another source.
                return load_weights(path) if self.published else Saved.load(path).state(), str(path)
        raise InputError(f"{paths[1]}: not there; `source` must be a results folder, a bundle or a Hub repository")

    def speakers(self) -> tuple[str, ...] | None:
        return _speakers(self.nodes, self.yaml)

    def calibration(self) -> dict[str, float]:
        if self.published:
            found = plain(self.nodes["calibration"], self.yaml) if "calibration" in self.nodes else {}
            if not isinstance(found, dict):
                raise InputError(f"{self.yaml}: `calibration` must be a mapping, got {quoted(found)}")
        else:
            path = self.folder / RESULTS
            shape = {"calibration": Optional({})}
            found = (read_json(path, shape).get("calibration") if path.is_file() else None) or {}
        return {
            key: in_range(f"calibration.{key}", found[key], *CALIBRATION[key]) for key in CALIBRATION if key in found
        }


def _speakers(nodes: Mapping[str, Node], path: Path) -> tuple[str, ...] | None:
    if "residues" not in nodes:
        return None
    names = plain(nodes["residues"], path)
    held_out = plain(nodes["held_out_residues"], path) if "held_out_residues" in nodes else []
    if not all(isinstance(some, list) and all(isinstance(name, str) for name in some) for some in (names, held_out)):
        raise InputError(f"{path}: `residues` must be a list of names, got {quoted(names)} without {quoted(held_out)}")
    if len(set(names)) < len(names):
        raise InputError(f"{path}: `residues` must name each residue once, got {quoted(names)}")
    return tuple(name for name in names if name not in held_out)


def _described(node: Node | None, path: Path) -> tuple[str, dict[str, Any]]:
    """Class and arguments of a part."""
    return current_name(tag(node).removeprefix("!new:")), {} if node is None else arguments_of(node, path)


def _best_checkpoint(folder: Path) -> Path:
    try:
        saved = WholeCheckpointer(folder / "save")
        # The measure of a pretraining on molecules is an EER; others classify.
        best = saved.find_checkpoint(min_key="error") or saved.find_checkpoint(min_key="eer")
    except Exception as error:  # a damaged CKPT.yaml makes SpeechBrain and the YAML library raise anything
        raise InputError(
            f"{folder / 'save'}: a CKPT.yaml in it is damaged ({printable(error)}); remove its folder"
        ) from error
    if best is None:
        raise InputError(f"{folder}: holds no checkpoint; train the model to the end of an epoch first")
    return best.path


def _refuse_other_labels(path: Path, labels: CategoricalEncoder) -> None:
    # Not by SpeechBrain's own `load`, which evaluates Python literals of any depth.
    text = read_bytes(path, LONGEST_LABELS).decode(errors="replace") if path.is_file() else ""
    lines = text.partition("\n====")[0]
    saved = {name: int(number) for name, number in re.findall(r"^'([^'\\\n]+)' => (\d{1,6})$", lines, re.MULTILINE)}
    if saved != labels.lab2ind:
        raise InputError(
            f"{path}: must number the `residues` of hyperparams.yaml in alphabetical order, in SpeechBrain's format"
        )
