"""Weights: tensors by name, where they come from, and strictly into a model."""

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.hub.fetch import REPOSITORY, fetch, one_sentence

FILES = ("embedding_model.ckpt", "backbone.safetensors")
"""Where an embedding model's weights lie: in SpeechBrain's repositories, and in bundles of this project."""

NAMED = 5
"""Tensors that a message names."""


@dataclass(frozen=True)
class Origin:
    """The file that weights come from, so exactly that it can be had again.

    Arguments
    ---------
    source : str
        Hub repository ``user/name``, or a folder.
    commit : str | None
        Commit of the repository; None for a folder.
    file : str
        Name of the file.
    sha256 : str
        Of its content, hexadecimal.
    """

    source: str
    commit: str | None
    file: str
    sha256: str

    def __str__(self):
        where = f"commit {self.commit}" if self.commit else "a folder"
        return f"{self.source} ({where}), {self.file}, sha256 {self.sha256}"

    def load(self) -> dict[str, torch.Tensor]:
        """Load the tensors, from the Hub or its cache if need be; another content than the hash says is refused."""
        folder = Path(self.source)
        if self.commit:
            with one_sentence(f"{self.source} at commit {self.commit}"):
                folder = fetch(self.source, self.commit, [self.file])
        path = folder / self.file
        if not path.is_file():
            raise InputError(f"{path}: not there any more, and a model needs it; bring it back")
        if (found := _sha256(path)) != self.sha256:
            raise InputError(f"{path}: has changed since a model was made of it (sha256 {found}, was {self.sha256})")
        return load_weights(path)


def find_weights(source: str | Path, revision: str | None = None) -> Origin:
    """Find the weights of an embedding model.

    Nothing is copied: files of the Hub stay in its cache, one folder a commit, so that a model never meets the weights
    of another source or revision.

    Arguments
    ---------
    source : str | Path
        Hub repository ``user/name``, or a folder, with one of `FILES`: as `speechbrain/spkrec-ecapa-voxceleb` has it,
        or a bundle of this project.
    revision : str | None
        Commit, tag or branch of a repository; None for the main branch.

    Returns
    -------
    Origin
        Refused with one sentence: no such repository, revision or file, no permission, no network.

    Example
    -------
    >>> find_weights("speechbrain")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the source of weights must be a folder or a Hub repository user/name, got 'sp...
    """
    folder, commit = Path(source), None
    if folder.is_dir() and revision is not None:
        raise InputError(f"{source}: is a folder here, which has no revisions; leave `revision` out, or work elsewhere")
    if not folder.is_dir():
        if not REPOSITORY.fullmatch(str(source)):
            raise InputError(f"the source of weights must be a folder or a Hub repository user/name, got {source!r}")
        with one_sentence(f"{source} (no folder here)"):
            folder = fetch(str(source), revision, FILES)
        commit = folder.name
    for name in FILES:
        if (folder / name).is_file():
            return Origin(str(source) if commit else str(folder.resolve()), commit, name, _sha256(folder / name))
    if commit:
        raise InputError(f"{source}: commit {commit} holds none of {', '.join(FILES)}")
    hint = "; if the Hub's repository is meant, work in another folder" if REPOSITORY.fullmatch(str(source)) else ""
    raise InputError(f"{source}: the folder holds none of {', '.join(FILES)}{hint}")


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Load tensors by name, and nothing but tensors.

    Arguments
    ---------
    path : Path
        A ``.safetensors`` file, or one that `torch.save` has written.

    Returns
    -------
    dict[str, torch.Tensor]

    Example
    -------
    >>> path = getfixture("tmp_path") / "model.ckpt"
    >>> torch.save(object, path)
    >>> load_weights(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...model.ckpt: holds more than tensors, or is damaged (Weights only load failed...
    """
    weights = _read(path)
    if not _is_state(weights):
        raise InputError(f"{path}: must hold tensors by name, as `state_dict()` gives them")
    return weights


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds of a model that began with weights from elsewhere.

    Arguments
    ---------
    origin : Origin | None
        Where it began; None if nowhere.
    complete : bool
        Whether the tensors are all; else the rest is that of the origin.
    tensors : Mapping[str, torch.Tensor]
        By name.
    """

    origin: Origin | None
    complete: bool
    tensors: Mapping[str, torch.Tensor]

    def save(self, path: str | Path):
        """Save as plain data and tensors."""
        origin = vars(self.origin) if self.origin else None
        torch.save({"origin": origin, "complete": self.complete, "tensors": dict(self.tensors)}, path)

    @classmethod
    def load(cls, path: Path) -> "Saved":
        """Load what `save` has written, or the plain state of a model."""
        content = _read(path)
        if not isinstance(content, dict) or content.keys() != {"origin", "complete", "tensors"}:
            return cls(None, True, load_weights(path))
        origin, tensors = content["origin"], content["tensors"]
        if not _is_state(tensors):
            raise InputError(f"{path}: must hold tensors by name, as `state_dict()` gives them")
        return cls(Origin(**origin) if origin else None, content["complete"], tensors)

    def state(self) -> dict[str, torch.Tensor]:
        """All tensors; those that are not here are loaded from the origin."""
        return ({} if self.complete else self.origin.load()) | self.tensors


def fill(module: nn.Module, weights: Mapping[str, torch.Tensor], where: str):
    """Fill every tensor of a model, or say which do not fit.

    Arguments
    ---------
    module : nn.Module
        Changed in place, or not at all.
    weights : Mapping[str, torch.Tensor]
        Its state.
    where : str
        Where they come from, for messages.

    Example
    -------
    >>> fill(nn.Linear(2, 1), {"module.weight": torch.ones(1, 2), "module.bias": torch.ones(1)}, "the file")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the file: all names begin with `module.`; save the state of the model itself ...
    """
    wanted = module.state_dict()
    missing, odd = [name for name in wanted if name not in weights], [name for name in weights if name not in wanted]
    shapes = [
        f"{name} ({tuple(weights[name].shape)} instead of {tuple(wanted[name].shape)})"
        for name in wanted
        if name in weights and weights[name].shape != wanted[name].shape
    ]
    if missing and (prefix := _prefix(wanted, weights)):
        raise InputError(f"{where}: all names begin with `{prefix}`; save the state of the model itself without it")
    faults = {"lacks": missing, "holds besides": odd, "holds in another shape": shapes}
    if any(faults.values()):
        said = "; ".join(f"{fault} {_some(names)}" for fault, names in faults.items() if names)
        raise InputError(f"{where}: not the weights of this model: it {said}; choose the `backbone` that they are of")
    if broken := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise InputError(f"{where}: holds NaN or infinity in {_some(broken)}; fetch or train it again")
    module.load_state_dict(dict(weights))


def _read(path):
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (
        RuntimeError, ValueError, OSError, EOFError, LookupError, AttributeError, TypeError,
        pickle.UnpicklingError, safetensors.SafetensorError,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: holds more than tensors, or is damaged ({reason})") from error


def _is_state(weights):
    return isinstance(weights, dict) and all(isinstance(tensor, torch.Tensor) for tensor in weights.values())


def _prefix(wanted, weights):
    """What stands before all names that would otherwise fit."""
    first = next(iter(wanted))
    found = next((name.removesuffix(first) for name in weights if name.endswith("." + first)), None)
    return found if found and weights.keys() == {found + name for name in wanted} else None


def _some(names):
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
