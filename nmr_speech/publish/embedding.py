"""An embedding as files: front end and embedding model without a head, as `load_embedder` and transfer take them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from ruamel.yaml import Node

import nmr_speech
from nmr_speech.files import write_whole
from nmr_speech.hub.safe_yaml import arguments_of, children, read_nodes, tag
from nmr_speech.inference.load import load_embedder
from nmr_speech.publish.fit import own_file

HYPERPARAMS = """\
# Made by nmr_speech {version}: an embedding without a head, for --pretrained_source and `load_embedder`
frontend:
  module: {frontend}
backbone:
  module: {backbone}
"""


def write_embedding(results_folder: str | Path, folder: str | Path) -> None:
    """Write the embedding of a finished pretraining; equal results give equal bytes.

    Arguments
    ---------
    results_folder : str | Path
        ``output_folder`` of the training.
    folder : str | Path
        Where ``hyperparams.yaml``, ``frontend.safetensors``, ``backbone.safetensors`` and the report
        ``results.json`` go; it is made if it does not exist.

    Raises
    ------
    InputError
        The training has not finished.

    Example
    -------
    >>> write_embedding(getfixture("tmp_path"), getfixture("tmp_path") / "embedding")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: results.json is missing
    """
    results_folder, folder = Path(results_folder), Path(folder)
    report = own_file(results_folder, "results.json")
    embedder, path = load_embedder(str(results_folder)), results_folder / "hyperparams.yaml"
    nodes = read_nodes(path, published=False)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"frontend": embedder.frontend, "backbone": embedder.backbone}
    for part, module in parts.items():
        weights = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
        safetensors.torch.save_file(weights, folder / f"{part}.safetensors")
    described = {part: _described(children(nodes[part])["module"], path) for part in parts}
    text = HYPERPARAMS.format(version=nmr_speech.__version__, **described)
    write_whole(folder / "hyperparams.yaml", text.encode())
    shutil.copyfile(report, folder / report.name)


def _described(node: Node, path: Path) -> str:
    arguments: Mapping[str, Any] = arguments_of(node, path)
    return "\n    ".join([tag(node), *(f"{key}: {json.dumps(value)}" for key, value in arguments.items())])
