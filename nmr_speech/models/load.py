"""Load the embedding part of a trained model, from a results folder, a bundle or the Hugging Face Hub.

Nothing that the source brings is executed: of its YAML only the two nodes that describe the front end and the embedding
model are read, as plain data under one of the class names in `CLASSES`, and weights are loaded as tensors alone.
"""

import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from ruamel.yaml import YAML, MappingNode, ScalarNode
from ruamel.yaml.error import YAMLError
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector
from torch import nn

from nmr_speech.checkpoints import WholeCheckpointer
from nmr_speech.checks import InputError
from nmr_speech.models.deep_picker import DeepPicker
from nmr_speech.models.embed import embed
from nmr_speech.models.frontends import ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd

CLASSES = {
    f"{cls.__module__}.{cls.__qualname__}": cls
    for cls in (ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd, ECAPA_TDNN, Xvector, DeepPicker)
}
"""What a source may be built of."""


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


def load_embedder(source: str, revision: str | None = None) -> Embedder:
    """Load a trained model.

    Arguments
    ---------
    source : str
        An ``output_folder`` of the training recipe, of which the checkpoint with the smallest validation error counts;
        a bundle (``hyperparams.yaml``, ``frontend.ckpt``, ``backbone.ckpt`` in one folder); or a Hub repository
        ``user/name`` that holds a bundle.
    revision : str | None
        Commit, tag or branch of a Hub repository.

    Returns
    -------
    Embedder
    """
    folder = Path(source)
    if not folder.is_dir():
        folder = _download(source, revision)
    description = _describe(folder / "hyperparams.yaml")
    weights = _weights(folder)
    modules = {}
    for part in ("frontend", "backbone"):
        module = _build(description, part, folder)
        try:
            module.load_state_dict(torch.load(weights[part], map_location="cpu", weights_only=True))
        except (RuntimeError, ValueError, OSError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(
                f"{weights[part]}: does not fit the {part} of hyperparams.yaml ({' '.join(str(error).split())})"
            ) from error
        modules[part] = module.eval().requires_grad_(False)
    speakers = description.get("residues")
    if speakers is not None:
        held_out = _plain(description["held_out_residues"]) if "held_out_residues" in description else []
        speakers = tuple(name for name in _plain(speakers) if name not in held_out)
    return Embedder(**modules, speakers=speakers)


def _download(source, revision):
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        raise InputError(f"`source` must be a folder or a Hub repository user/name, got {source!r}")
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=["hyperparams.yaml", "*.ckpt"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        sentence = str(error).strip().splitlines()[0]
        raise InputError(
            f"{source}: neither a folder here nor a repository that the Hub gives out ({sentence})"
        ) from error


def _describe(path):
    """The top-level keys of a YAML file, as nodes: nothing is constructed."""
    if not path.is_file():
        raise InputError(f"{path}: not there; `source` must be a results folder, a bundle or a Hub repository")
    try:
        root = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(root, MappingNode):
        raise InputError(f"{path}: must hold keys and values")
    return {key.value: value for key, value in root.value if isinstance(key, ScalarNode)}


def _build(description, part, folder):
    node = {
        key.value: value for key, value in getattr(description.get(part), "value", ()) if isinstance(key, ScalarNode)
    }.get("module")
    name = str(node.tag).removeprefix("!new:") if node is not None else None
    if name not in CLASSES:
        raise InputError(f"{folder}: `{part}` must be one of {', '.join(CLASSES)}, got {name}")
    arguments = _plain(MappingNode("tag:yaml.org,2002:map", node.value)) if node.value else {}
    try:
        return CLASSES[name](**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"{folder}: {part} cannot be built from {arguments} ({error})") from error


def _plain(node):
    """Plain data of a node; any other tag inside it is refused."""
    try:
        return YAML(typ="safe", pure=True).constructor.construct_document(node)
    except YAMLError as error:
        raise InputError(f"hyperparams.yaml: {' '.join(str(error).split())}") from error


def _weights(folder):
    if (folder / "save").is_dir():
        best = WholeCheckpointer(folder / "save").find_checkpoint(min_key="error")
        if best is None:
            raise InputError(f"{folder}: holds no checkpoint; train the model to the end of an epoch first")
        folder = best.path
    paths = {part: folder / f"{part}.ckpt" for part in ("frontend", "backbone")}
    for path in paths.values():
        if not path.is_file():
            raise InputError(f"{path}: not there; `source` must be a results folder, a bundle or a Hub repository")
    return paths
