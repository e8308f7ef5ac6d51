"""Load a trained model, from a results folder, a bundle or the Hugging Face Hub.

Nothing that the source brings is executed: its YAML is read as `nmr_speech.hub.safe_yaml` says, and weights are
loaded as tensors alone, from safetensors where there are any.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from speechbrain.dataio.encoder import CategoricalEncoder
from torch import nn

from nmr_speech.checks import InputError, is_number
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.hub.allow_list import CLASSES
from nmr_speech.hub.build import build
from nmr_speech.hub.fetch import REPOSITORY, fetch, one_sentence
from nmr_speech.hub.safe_yaml import arguments_of, children, plain, read_nodes, tag
from nmr_speech.hub.tensors import Saved, load_weights
from nmr_speech.models.embed import embed
from nmr_speech.models.heads import LinearHead, MarginHead
from nmr_speech.training.checkpoints import WholeCheckpointer
from nmr_speech.training.dataio import encoder_of

MAKE_HEAD = "!apply:nmr_speech.models.heads.make_head"  # in results folders of version 0.1
COUNT = "!apply:builtins.len"  # the number of speakers, which is not plain data


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
        The residues that it was trained on, if the source says so.
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
    """A trained model whole, in evaluation mode.

    Arguments
    ---------
    embedder : Embedder
        Front end and embedding model.
    head : nn.Module
        See `nmr_speech.models.heads`.
    labels : CategoricalEncoder
        Between residues and numbers.
    calibration : Mapping[str, float]
        ``temperature`` of the logits and ``threshold`` of the cosine between two embeddings, as far as the source
        holds them; see `nmr_speech.score.calibration`.
    nodes : Mapping
        The YAML of the source; see `nmr_speech.hub.safe_yaml.plain`.
    folder : Path
        Where it was loaded from; called after the commit if that was the Hub.
    """

    embedder: Embedder
    head: nn.Module
    labels: CategoricalEncoder
    calibration: Mapping[str, float]
    nodes: Mapping
    folder: Path


def load_embedder(source: str, revision: str | None = None) -> Embedder:
    """Load the embedding part of a trained model.

    Arguments
    ---------
    source : str
        An ``output_folder`` of the training recipe, of which the checkpoint with the smallest validation error counts;
        a bundle, as `nmr_speech.publish.bundle.make_bundle` writes it; or a Hub repository ``user/name`` with one.
    revision : str | None
        Commit, tag or branch of a Hub repository.

    Returns
    -------
    Embedder
    """
    return _Source(source, revision).embedder()


def load_classifier(source: str, revision: str | None = None) -> Classifier:
    """Load a trained model with its head; arguments as for `load_embedder`."""
    return _Source(source, revision).classifier()


class _Source:
    """A folder with a description and weights: of a training, or published."""

    def __init__(self, source, revision):
        folder = Path(source)
        self.folder = folder if folder.is_dir() else _download(source, revision)
        self.published = not (self.folder / "save").is_dir()
        self.yaml = self.folder / "hyperparams.yaml"
        if not self.yaml.is_file() and REPOSITORY.fullmatch(str(source)):
            raise InputError(
                f"{source}: holds no hyperparams.yaml, so it is no model; if the Hub's repository is meant, "
                f"work in another folder than {Path.cwd()}, which has a folder of that name"
                if folder.is_dir()
                else f"{source}: the repository holds no hyperparams.yaml, so it is no model; check name and `revision`"
            )
        self.nodes = read_nodes(self.yaml, self.published)
        self.weights_folder = self.folder if self.published else _best_checkpoint(self.folder)

    def embedder(self):
        return Embedder(self.module("frontend"), self.module("backbone"), self.speakers())

    def classifier(self):
        names = self.speakers()
        if not names:
            raise InputError(f"{self.yaml}: the key `residues` is missing; it must list what the model can name")
        labels = encoder_of(names)
        head = self.module("classifier") if self.published else self.trained_head(len(names))
        if self.published:
            _refuse_other_labels(self.folder / "label_encoder.ckpt", labels)
        embedder = self.embedder()
        self.refuse_misfit(embedder, head, len(names))
        return Classifier(embedder, head, labels, self.calibration(), self.nodes, self.folder)

    @torch.inference_mode()
    def refuse_misfit(self, embedder, head, n_classes):
        noise = torch.randn(1, N_SAMPLES, N_CHANNELS, generator=torch.Generator().manual_seed(0))
        try:
            logits = head(embedder(noise))
        except (RuntimeError, ValueError, IndexError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(f"{self.yaml}: the parts of the model do not fit together ({reason})") from error
        if logits.shape != (1, n_classes):
            raise InputError(f"{self.yaml}: {n_classes} `residues`, but the classifier tells {logits.shape[-1]} apart")
        if not logits.isfinite().all():
            raise InputError(f"{self.folder}: the model is broken, it gives NaN or infinity; its weights are damaged")

    def module(self, part):
        node = children(self.nodes.get(part)).get("module")
        name = tag(node).removeprefix("!new:")
        if name not in CLASSES:
            raise InputError(f"{self.folder}: `{part}` must be one of {', '.join(CLASSES)}, got {name or 'nothing'}")
        return build(CLASSES[name], arguments_of(node, self.yaml), *self.weights(part))

    def trained_head(self, n_classes):
        """The head of a results folder, whose number of classes is an expression in its YAML."""
        node = self.nodes.get("classifier")
        if tag(node) == MAKE_HEAD:
            settings = {key: plain(value, self.yaml) for key, value in children(node).items() if key != "n_classes"}
            sizes = (settings.pop("embedding_size"), n_classes)
            if settings.get("margin") is None:
                return build(lambda: LinearHead(*sizes), {}, *self.weights("classifier"))
            return build(lambda **margin: MarginHead(*sizes, **margin), settings, *self.weights("classifier"))
        name = tag(node).removeprefix("!new:")
        if CLASSES.get(name) not in (LinearHead, MarginHead):
            raise InputError(f"{self.yaml}: `classifier` must be LinearHead or MarginHead, got {name or 'nothing'}")
        arguments = {
            key: n_classes if tag(value) == COUNT else plain(value, self.yaml) for key, value in children(node).items()
        }
        return build(CLASSES[name], arguments, *self.weights("classifier"))

    def weights(self, part):
        paths = [self.weights_folder / f"{part}.{kind}" for kind in ("safetensors", "ckpt")]
        for path in paths:
            if path.is_file():
                # What a bundle holds must be all of it: no file of others says from where more is loaded.
                return load_weights(path) if self.published else Saved.load(path).state(), str(path)
        raise InputError(f"{paths[1]}: not there; `source` must be a results folder, a bundle or a Hub repository")

    def speakers(self):
        if "residues" not in self.nodes:
            return None
        names = plain(self.nodes["residues"], self.yaml)
        held_out = plain(self.nodes["held_out_residues"], self.yaml) if "held_out_residues" in self.nodes else []
        lists = (names, held_out)
        if not all(isinstance(some, list) and all(isinstance(name, str) for name in some) for some in lists):
            raise InputError(f"{self.yaml}: `residues` must be a list of names, got {names!r} without {held_out!r}")
        if len(set(names)) < len(names):
            raise InputError(f"{self.yaml}: `residues` must name each residue once, got {names}")
        return tuple(name for name in names if name not in held_out)

    def calibration(self):
        if self.published:
            found = plain(self.nodes["calibration"], self.yaml) if "calibration" in self.nodes else {}
            found = found if isinstance(found, dict) else {"temperature": found}
        else:
            path = self.folder / "results.json"
            found = json.loads(path.read_text()).get("calibration", {}) if path.is_file() else {}
        found = {key: found[key] for key in ("temperature", "threshold") if key in found} if found else {}
        if not all(is_number(figure) for figure in found.values()):
            raise InputError(f"{self.folder}: `calibration` must hold numbers, got {found}")
        return {key: float(figure) for key, figure in found.items()}


def _download(source, revision):
    if not REPOSITORY.fullmatch(source):
        raise InputError(f"`source` must be a folder or a Hub repository user/name, got {source!r}")
    with one_sentence(f"{source} (no folder here)"):
        folder = fetch(source, revision, ["hyperparams.yaml", "label_encoder.ckpt", "*.safetensors"])
        if not all((folder / f"{part}.safetensors").is_file() for part in ("frontend", "backbone", "classifier")):
            folder = fetch(source, folder.name, ["*.ckpt"])
    return folder


def _best_checkpoint(folder):
    best = WholeCheckpointer(folder / "save").find_checkpoint(min_key="error")
    if best is None:
        raise InputError(f"{folder}: holds no checkpoint; train the model to the end of an epoch first")
    return best.path


def _refuse_other_labels(path, labels):
    # Not by its own `load`, which evaluates Python literals of any depth.
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = text.partition("\n====")[0]
    saved = {name: int(number) for name, number in re.findall(r"^'([^'\\\n]+)' => (\d{1,6})$", lines, re.MULTILINE)}
    if saved != labels.lab2ind:
        raise InputError(
            f"{path}: must number the `residues` of hyperparams.yaml by the alphabet, in SpeechBrain's format"
        )
