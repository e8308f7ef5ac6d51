"""Weights: tensors by name, their origin, and strict loading into a model."""

import hashlib
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.hub.fetch import REPOSITORY, fetch, locate
from nmr_speech.hub.packaged import GE2E_FILE, NAMES, packaged

BUNDLED = "backbone.safetensors"
FILES = ("embedding_model.ckpt", BUNDLED)
"""File of an embedding model's weights: in SpeechBrain's repositories, and in bundles of this project."""

LISTED = 5  # tensor names in a message
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)
WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
LARGEST_WEIGHT = 1e8  # statistics of a batch normalisation reach a few thousand; squares of this still fit a float32


@dataclass(frozen=True)
class Origin:
    """The file that weights come from, identified so that exactly it can be loaded again.

    Arguments
    ---------
    source : str
        Hub repository ``user/name``, name of a packaged model, or a folder.
    commit : str | None
        Commit of the repository; None for the others.
    file : str
        Name of the file.
    sha256 : str
        Hash of its content, hexadecimal.

    Example
    -------
    >>> print(Origin("user/voices", "c0ffee", "embedding_model.ckpt", "1234"))
    user/voices (commit c0ffee), embedding_model.ckpt, sha256 1234
    """

    source: str
    commit: str | None
    file: str
    sha256: str

    def __str__(self) -> str:
        where = f"commit {self.commit}" if self.commit else "packaged" if self.source in NAMES else "a folder"
        return f"{self.source} ({where}), {self.file}, sha256 {self.sha256}"

    def load(self) -> dict[str, torch.Tensor]:
        """Load the tensors by name, from the Hub if needed; a file whose hash has changed is refused."""
        folder = packaged(self.source) or Path(self.source)
        if self.commit:
            folder = fetch(self.source, self.commit, [self.file], description=f"{self.source} at commit {self.commit}")
        path = folder / self.file
        if not path.is_file():
            raise InputError(f"{path}: does not exist any more, and a model needs it; restore it")
        if (found := _sha256(path)) != self.sha256:
            raise InputError(
                f"{path}: has changed since a model was initialised from it (sha256 {found}, was {self.sha256})"
            )
        return load_weights(path)


def find_weights(source: str | Path, revision: str | None = None) -> Origin:
    """Find the weights of an embedding model.

    Files of the Hub stay in its cache, one folder for each commit, and nothing is copied. A model can therefore never
    receive the weights of another source or revision.

    Arguments
    ---------
    source : str | Path
        Hub repository ``user/name`` or folder that holds one of `FILES`, such as `speechbrain/spkrec-ecapa-voxceleb`
        or a bundle of this project; or the name of a packaged model.
    revision : str | None
        Commit, tag or branch of a repository; None for the main branch.

    Returns
    -------
    Origin

    Raises
    ------
    InputError
        See `nmr_speech.hub.fetch.locate`; or the source holds none of `FILES`.

    Example
    -------
    >>> find_weights(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: the folder holds none of embedding_model.ckpt, backbone.safetensors
    """
    folder, commit = locate(source, revision, FILES)
    shown = str(source) if commit or source in NAMES else str(folder.resolve())
    for name in (GE2E_FILE,) if source == "ge2e" else FILES:
        if (folder / name).is_file():
            return Origin(shown, commit, name, _sha256(folder / name))
    if commit:
        raise InputError(f"{source}: commit {commit} holds none of {', '.join(FILES)}")
    hint = "; if you mean the Hub repository, run in another folder" if REPOSITORY.fullmatch(str(source)) else ""
    raise InputError(f"{source}: the folder holds none of {', '.join(FILES)}{hint}")


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Load tensors by name; a file that holds anything else is refused, and nothing in it is executed.

    Arguments
    ---------
    path : Path
        A ``.safetensors`` file, or a file written by `torch.save`.

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
    nmr_speech.checks.InputError: ...model.ckpt: holds more than tensors, or is damaged; it names object; nothing...
    """
    weights = _read(path)
    if isinstance(weights, dict) and isinstance(state := weights.get("model_state"), dict):
        # The checkpoint of GE2E, which holds the optimiser too, and the scale of the loss beside the encoder.
        weights = {name: tensor for name, tensor in state.items() if not str(name).startswith("similarity_")}
    if not _is_state(weights):
        raise InputError(f"{path}: must hold tensors by name, as `state_dict()` gives them")
    _refuse_huge(path, weights)
    return weights


@dataclass(frozen=True)
class Saved:
    """The part of a checkpoint that describes a model initialised from pretrained weights.

    Arguments
    ---------
    origin : Origin | None
        Source of the initial weights; None if they were drawn at random.
    complete : bool
        Whether ``tensors`` holds every tensor of the model; if not, the others are those of the origin.
    tensors : Mapping[str, torch.Tensor]
        Tensors by name.

    Example
    -------
    >>> path = getfixture("tmp_path") / "backbone.ckpt"
    >>> Saved(None, True, {"bias": torch.ones(2)}).save(path)
    >>> Saved.load(path).state()
    {'bias': tensor([1., 1.])}
    """

    origin: Origin | None
    complete: bool
    tensors: Mapping[str, torch.Tensor]

    def save(self, path: str | Path) -> None:
        """Save as plain data and tensors, which `torch.load` reads with ``weights_only=True``."""
        origin = vars(self.origin) if self.origin else None
        torch.save({"origin": origin, "complete": self.complete, "tensors": dict(self.tensors)}, path)

    @classmethod
    def load(cls, path: Path) -> "Saved":
        """Load a file written by `save`, or the plain state of a model."""
        content = _read(path)
        if not isinstance(content, dict) or content.keys() != {"origin", "complete", "tensors"}:
            return cls(None, True, load_weights(path))
        origin, tensors = content["origin"], content["tensors"]
        if not _is_state(tensors):
            raise InputError(f"{path}: must hold tensors by name, as `state_dict()` gives them")
        _refuse_huge(path, tensors)
        names = {field.name for field in fields(Origin)}
        if origin and not (isinstance(origin, dict) and origin.keys() == names):
            raise InputError(f"{path}: `origin` must hold {', '.join(sorted(names))}")
        for name, value in (origin or {}).items():
            if not (value is None and name == "commit") and not (isinstance(value, str) and value.isprintable()):
                raise InputError(f"{path}: `origin` must hold printable texts, got {quoted(origin)}")
        return cls(Origin(**origin) if origin else None, bool(content["complete"]), tensors)

    def state(self) -> dict[str, torch.Tensor]:
        """Return every tensor of the model by name; those not in ``tensors`` are loaded from the origin."""
        return ({} if self.complete or self.origin is None else self.origin.load()) | dict(self.tensors)


def fill(module: nn.Module, weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Load every tensor of a model, or report which ones do not fit.

    Arguments
    ---------
    module : nn.Module
        The model; changed in place, or not at all.
    weights : Mapping[str, torch.Tensor]
        Its state; names and shapes must be those of the model, values finite.
    where : str
        Origin of the weights, for messages.

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
    faults = {"lacks": missing, "has unexpected": odd, "has another shape of": shapes}
    if any(faults.values()):
        listed = "; ".join(f"{fault} {_some(names)}" for fault, names in faults.items() if names)
        raise InputError(f"{where}: not the weights of this model: it {listed}; choose the `backbone` they belong to")
    if broken := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise InputError(f"{where}: holds NaN or infinity in {_some(broken)}; fetch or train it again")
    module.load_state_dict(dict(weights))


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _refuse_packed(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # of a damaged pickle torch raises anything, down to struct.error
        raise InputError(f"{path}: holds more than tensors, or is damaged{_detail(error)}") from error


def _refuse_packed(path: Path) -> None:
    """Refuse an archive that unpacks to more than its own size: `torch.save` does not compress."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
        if total > path.stat().st_size:
            raise InputError(f"{path}: unpacks to {total} bytes, more than it has; save it again by `torch.save`")


def _detail(error: BaseException) -> str:
    """What a library says of a file, without its advice to load it unsafely."""
    text = str(error)
    if "weights" in text.lower() and "only" in text.lower():
        found = re.search(r"GLOBAL ([\w.]+)", text)
        named = f"it names {printable(found[1], 60)}; " if found else ""
        return f"; {named}nothing in it was executed, ask its author for safetensors"
    return f" ({printable(text)})"


def _is_state(weights: object) -> bool:
    return isinstance(weights, dict) and all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in weights.items()
    )


def _refuse_huge(path: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Refuse weights that no training gives: their products would overflow and the answers would mean nothing."""
    for name, tensor in weights.items():
        if tensor.device.type != "cpu" or tensor.layout != torch.strided or tensor.is_quantized:
            raise InputError(f"{path}: must hold plain tensors, {printable(name)} is not one")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            # A few bytes that are repeated along an axis would take any amount of memory when they are copied.
            raise InputError(f"{path}: {printable(name)} is larger than its values in the file")
        if tensor.dtype in WHOLE or not tensor.numel():
            continue
        if tensor.dtype not in FLOATS:
            raise InputError(f"{path}: weights must have 16 to 64 bits, {printable(name)} is {tensor.dtype}")
        if not tensor.isfinite().all():
            raise InputError(f"{path}: holds NaN or infinity in {printable(name)}; fetch or train it again")
        if (largest := tensor.abs().max().item()) > LARGEST_WEIGHT:
            raise InputError(
                f"{path}: weights must be below {LARGEST_WEIGHT:g}, got {largest:g} in {printable(name)}; the file is "
                "damaged, or its training diverged"
            )


def _prefix(wanted: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]) -> str | None:
    """Return the prefix without which all names would fit; None if there is no such prefix."""
    first = next(iter(wanted))
    found = next((name.removesuffix(first) for name in weights if name.endswith("." + first)), None)
    return found if found and weights.keys() == {found + name for name in wanted} else None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
