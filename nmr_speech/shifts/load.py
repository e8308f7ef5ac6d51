"""Save a trained network in a folder, and load it from there or from the Hugging Face Hub.

The folder holds ``config.json``, with plain numbers, and ``model.safetensors``. Loading never executes code from it.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from nmr_speech.checks import InputError, one_of
from nmr_speech.files import write_whole
from nmr_speech.hub.build import build
from nmr_speech.hub.fetch import locate
from nmr_speech.hub.tensors import load_weights
from nmr_speech.reading import Optional, number, read_json, text
from nmr_speech.shifts.network import ShiftNetwork, StructureNetwork, WindowNetwork

CONFIG, WEIGHTS = "config.json", "model.safetensors"
LONGEST_CONFIG = 30_000  # bytes
TRAINED = Path(__file__).with_name("trained")
NETWORKS = {network.__name__: network for network in (ShiftNetwork, WindowNetwork, StructureNetwork)}
SETTINGS = {
    "channels": Optional(number), "width": Optional(number), "dilations": Optional([number]),
    "window": Optional(number), "hidden": Optional(number), "dropout": number,
}  # fmt: skip

Network = ShiftNetwork | StructureNetwork


def save_network(network: Network, folder: str | Path) -> None:
    """Write a network to a folder that `load_network` reads, with weights of 16 bits.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> save_network(WindowNetwork(window=3, hidden=2), folder)
    >>> load_network(folder).settings["window"]
    3
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    # Means of 120 ppm need their last digits; weights do not.
    weights = {name: tensor if name.startswith("scale.") else tensor.half() for name, tensor in weights.items()}
    Path(folder, CONFIG).unlink(missing_ok=True)  # a folder without it does not load: so old and new never mix
    write_whole(Path(folder, WEIGHTS), safetensors.torch.save(weights))
    config = {"network": type(network).__name__, "settings": network.settings}
    write_whole(Path(folder, CONFIG), (json.dumps(config, indent=2) + "\n").encode())


def load_network(source: str | Path, revision: str | None = None) -> Any:
    """Load a trained network.

    Arguments
    ---------
    source : str | Path
        ``output_folder`` of a finished training, another folder with its ``config.json`` and ``model.safetensors``, or
        a Hub repository ``user/name`` with both.
    revision : str | None
        Commit, tag or branch of a Hub repository.

    Returns
    -------
    ShiftNetwork | WindowNetwork | StructureNetwork
        In evaluation mode, on the CPU, without gradients, float32.
    """
    folder, _ = locate(source, revision, [CONFIG, WEIGHTS])
    hint = "`source` must be the folder of a finished training, or a copy of it"
    config = read_json(folder / CONFIG, {"network": text, "settings": SETTINGS}, LONGEST_CONFIG, hint)
    kind = one_of(f"network in {folder / CONFIG}", config["network"], tuple(NETWORKS))
    if not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder / WEIGHTS}: not there; `source` must hold it beside {CONFIG}")
    weights = {name: tensor.to(torch.float32) for name, tensor in load_weights(folder / WEIGHTS).items()}
    return build(NETWORKS[kind], config["settings"], weights, str(folder / WEIGHTS), CONFIG)


@lru_cache(maxsize=4)
def packaged(name: str) -> tuple[Any, ...]:
    """Load the networks of the package once: of "shifts" three, whose predictions are averaged; of "structure" one."""
    return tuple(load_network(config.parent) for config in sorted((TRAINED / name).rglob(CONFIG)))


def of_kind(source: str | Path | None, kind: type, name: str) -> tuple[Any, ...]:
    """Load networks and check that they do what is wanted; None for those in the package.

    Arguments
    ---------
    source : str | Path | None
        See `load_network`.
    kind : type
        `ShiftNetwork` or `StructureNetwork`.
    name : str
        Of the network in the package.

    Returns
    -------
    tuple[ShiftNetwork | StructureNetwork, ...]
        One or more.
    """
    networks = packaged(name) if source is None else (load_network(source),)
    for network in networks:
        if not isinstance(network, kind):
            found = type(network).__name__
            raise InputError(f"{source}: must be a {kind.__name__}, got a {found}; give another `source`")
    return networks
