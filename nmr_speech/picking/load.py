"""Save a trained picker in a folder, and load it from there or from the package.

The folder holds ``config.json``, with the name of the network, and ``model.safetensors``. Loading never executes code
from it.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors.torch

from nmr_speech.checks import one_of
from nmr_speech.files import write_whole
from nmr_speech.hub.build import build
from nmr_speech.hub.fetch import locate
from nmr_speech.hub.tensors import load_weights
from nmr_speech.picking.patches import PatchNetwork
from nmr_speech.picking.regions import RegionNetwork
from nmr_speech.picking.rows import RowNetwork
from nmr_speech.reading import read_json, text

CONFIG, WEIGHTS = "config.json", "model.safetensors"
LONGEST_CONFIG = 30_000  # bytes
TRAINED = Path(__file__).with_name("trained")
NETWORKS = {network.__name__: network for network in (RowNetwork, PatchNetwork, RegionNetwork)}


def save_picker(network: RowNetwork | PatchNetwork | RegionNetwork, folder: str | Path) -> None:
    """Write a network to a folder that `load_picker` reads.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> save_picker(RowNetwork(), folder)
    >>> type(load_picker(folder)).__name__
    'RowNetwork'
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    Path(folder, CONFIG).unlink(missing_ok=True)  # a folder without it does not load: so old and new never mix
    write_whole(Path(folder, WEIGHTS), safetensors.torch.save(weights))
    write_whole(Path(folder, CONFIG), (json.dumps({"network": type(network).__name__}, indent=2) + "\n").encode())


def load_picker(source: str | Path, revision: str | None = None) -> Any:
    """Load a trained network: a results folder, a copy of it, or a Hub repository ``user/name``.

    Arguments
    ---------
    source : str | Path
        Where ``config.json`` and ``model.safetensors`` are.
    revision : str | None
        Commit, tag or branch of a Hub repository.

    Returns
    -------
    RowNetwork | PatchNetwork | RegionNetwork
        In evaluation mode, on the CPU, without gradients.
    """
    folder, _ = locate(source, revision, [CONFIG, WEIGHTS])
    hint = "`source` must be the folder of a finished training, or a copy of it"
    kind = read_json(folder / CONFIG, {"network": text}, LONGEST_CONFIG, hint)["network"]
    one_of(f"network in {folder / CONFIG}", kind, tuple(NETWORKS))
    return build(NETWORKS[kind], {}, load_weights(folder / WEIGHTS), str(folder / WEIGHTS), CONFIG)


@lru_cache(maxsize=4)
def packaged(name: str) -> Any:
    """Load a network of the package once: "deep_picker", "nmr_net" or "regions"."""
    return load_picker(TRAINED / name)
