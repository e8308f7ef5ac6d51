"""Save a trained denoiser in a folder, and load it from there or from the Hugging Face Hub.

The folder holds ``config.json``, with plain numbers, and ``model.safetensors``. Loading never executes code from it.
"""

import json
from functools import lru_cache
from pathlib import Path

import safetensors.torch

from nmr_speech.checks import InputError
from nmr_speech.enhancement.network import Denoiser
from nmr_speech.files import write_whole
from nmr_speech.hub.build import build
from nmr_speech.hub.fetch import locate
from nmr_speech.hub.tensors import load_weights
from nmr_speech.reading import number, read_json

CONFIG, WEIGHTS = "config.json", "model.safetensors"
LONGEST_CONFIG = 30_000  # bytes
TRAINED = Path(__file__).with_name("trained") / "denoise"
"""The network in the package; its README says how it was trained."""


def save_denoiser(network: Denoiser, folder: str | Path) -> None:
    """Write a network to a folder that `load_denoiser` reads. Uploaded unchanged, the folder is a Hub repository.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> save_denoiser(Denoiser(channels=(4, 8)), folder)
    >>> load_denoiser(folder).settings["channels"]
    [4, 8]
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    Path(folder, CONFIG).unlink(missing_ok=True)  # a folder without it does not load: so old and new never mix
    write_whole(Path(folder, WEIGHTS), safetensors.torch.save(weights))
    write_whole(Path(folder, CONFIG), (json.dumps({"settings": network.settings}, indent=2) + "\n").encode())


def load_denoiser(source: str | Path = TRAINED, revision: str | None = None) -> Denoiser:
    """Load a trained denoiser, by default the one in the package.

    Arguments
    ---------
    source : str | Path
        ``output_folder`` of a finished training, another folder with its ``config.json`` and ``model.safetensors``, or
        a Hub repository ``user/name`` with both.
    revision : str | None
        Commit, tag or branch of a Hub repository.

    Returns
    -------
    Denoiser
        In evaluation mode, on the CPU, without gradients.

    Example
    -------
    >>> sum(weight.numel() for weight in load_denoiser().parameters())
    246617
    """
    folder, _ = locate(source, revision, [CONFIG, WEIGHTS])
    hint = "`source` must be the folder of a finished training, or a copy of it"
    numbers = {"channels": [number], "width": number, "blocks": number, "most_removed": number}
    settings = read_json(folder / CONFIG, {"settings": numbers}, LONGEST_CONFIG, hint)["settings"]
    if not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder / WEIGHTS}: not there; `source` must hold it beside {CONFIG}")
    return build(Denoiser, settings, load_weights(folder / WEIGHTS), str(folder / WEIGHTS), CONFIG)


@lru_cache(maxsize=1)
def packaged() -> Denoiser:
    """Load the network in the package once."""
    return load_denoiser()
