"""Save a trained reconstruction network in a folder, and load it from there or from the Hugging Face Hub.

The folder holds ``config.json``, with the name of a class in `NETWORKS` and its arguments, plain numbers, and
``model.safetensors``, its weights. Loading never executes code from the folder or repository.
"""

import json
from pathlib import Path
from typing import Any

import safetensors.torch

from nmr_speech.checks import InputError, in_range, one_of, quoted, whole
from nmr_speech.files import write_whole
from nmr_speech.hub.build import build
from nmr_speech.hub.fetch import locate
from nmr_speech.hub.tensors import load_weights
from nmr_speech.reading import number, read_json, text
from nmr_speech.reconstruction.dlnmr import DLNMR
from nmr_speech.reconstruction.lstm import LSTMNetwork
from nmr_speech.reconstruction.modern import MoDern
from nmr_speech.reconstruction.network import ReconstructionNetwork

NETWORKS = {network.__name__: network for network in (MoDern, DLNMR, LSTMNetwork)}
"""Classes that may be loaded, by name."""

CONFIG, WEIGHTS = "config.json", "model.safetensors"
LONGEST_CONFIG = 30_000  # bytes
LOW_RATE = 0.1  # least share of the points on which the network for usual rates was trained
TRAINED = {
    name: Path(__file__).with_name("trained") / name
    for name in ("modern", "modern_low", "modern_phases", "modern_cube")
}
"""The networks in the package by name; their README says how they were trained."""


def save_network(network: ReconstructionNetwork, folder: str | Path) -> None:
    """Write a network to a folder that `load_network` reads. Uploaded unchanged, the folder is a Hub repository.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> save_network(MoDern(n_phases=2), folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['config.json', 'model.safetensors']
    >>> load_modern(folder).settings["n_phases"]
    2
    """
    config = {"network": one_of("network", type(network).__name__, NETWORKS), "settings": network.settings}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    Path(folder, CONFIG).unlink(missing_ok=True)  # a folder without it does not load: so old and new never mix
    write_whole(Path(folder, WEIGHTS), safetensors.torch.save(weights))
    write_whole(Path(folder, CONFIG), (json.dumps(config, indent=2) + "\n").encode())


def load_network(source: str | Path, revision: str | None = None) -> ReconstructionNetwork:
    """Load a trained reconstruction network.

    Arguments
    ---------
    source : str | Path
        ``output_folder`` of a finished training, another folder with its ``config.json`` and ``model.safetensors``, or
        a Hub repository ``user/name`` with both.
    revision : str | None
        Commit, tag or branch of a Hub repository.

    Returns
    -------
    ReconstructionNetwork
        In evaluation mode, on the CPU, without gradients; see its `forward`.

    Example
    -------
    >>> network = load_network(TRAINED["modern"])
    >>> type(network).__name__, network.settings["n_phases"], network.training
    ('MoDern', 10, False)
    """
    folder, _ = locate(source, revision, [CONFIG, WEIGHTS])
    name, settings = _read_config(folder / CONFIG)
    if not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder / WEIGHTS}: not there; `source` must hold it beside {CONFIG}")
    weights = load_weights(folder / WEIGHTS)
    return build(NETWORKS[name], settings, weights, str(folder / WEIGHTS), CONFIG)


def load_modern(
    path_or_repo: str | Path | None = None, revision: str | None = None, *, dims: int = 1, rate: float = 1.0
) -> MoDern:
    """Load a trained MoDern, adaptive or not.

    Arguments
    ---------
    path_or_repo : str | Path | None
        As for `load_network`; None takes a network in the package.
    revision : str | None
        Commit, tag or branch of a Hub repository.
    dims : int
        Number of dimensions sampled, 1 or 2, of the network in the package.
    rate : float
        Share of the points that are measured: of one dimension, another network is taken below a tenth.

    Returns
    -------
    MoDern

    Example
    -------
    >>> import torch
    >>> line = torch.exp((2j * torch.pi * 0.25 - 0.02) * torch.arange(64))
    >>> schedule = [0, 1, 2, 4, 7, 12, 13, 20, 26, 33, 38, 45, 51, 58]
    >>> measured = torch.zeros_like(line)
    >>> measured[schedule] = line[schedule]
    >>> filled = load_modern()(measured, schedule)
    >>> (filled - line).norm() < 0.1 * line.norm()
    tensor(True)
    """
    if path_or_repo is None:
        flat = "modern" if in_range("rate", rate, 0, 1, "of the points", "0.2") >= LOW_RATE else "modern_low"
        path_or_repo = TRAINED[flat if whole("dims", dims, 1, 2) == 1 else "modern_cube"]
    network = load_network(path_or_repo, revision)
    if not isinstance(network, MoDern):
        raise InputError(f"{path_or_repo}: holds a {type(network).__name__}, not a MoDern; use `load_network`")
    return network


def _read_config(path: Path) -> tuple[str, dict[str, Any]]:
    hint = "`source` must be the folder of a finished training, or a copy of it"
    config = read_json(path, {"network": text, "settings": {str: _setting}}, LONGEST_CONFIG, hint)
    name, settings = config["network"], config["settings"]
    if name not in NETWORKS:
        raise InputError(f"{path}: `network` must be one of {', '.join(NETWORKS)}, got {quoted(name)}")
    return name, settings


def _setting(value: Any) -> str | None:
    return None if isinstance(value, bool) else number(value)
