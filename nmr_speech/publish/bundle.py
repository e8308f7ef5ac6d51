"""Make a bundle of a trained model: a folder that loads anywhere and contains nothing private."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from speechbrain.inference.classifiers import EncoderClassifier
from torch import nn

import nmr_speech
from nmr_speech.checks import InputError, quoted
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.corpus import stack_fid, write_wav
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.files import write_whole
from nmr_speech.hub.safe_yaml import arguments_of, children, is_word, plain, tag
from nmr_speech.hub.tensors import load_weights
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.inference.load import PARTS, Classifier, load_classifier
from nmr_speech.models.heads import LinearHead, MarginHead, MixtureHead
from nmr_speech.publish.card import RESULTS, read_results, write_card
from nmr_speech.publish.fit import LOCAL_PATH, own_file, refuse_link, refuse_unfit
from nmr_speech.reading import read_text
from nmr_speech.simulate import Sample, draw_recording
from nmr_speech.training.mixtures import plans_of

CPU = {"device": "cpu"}
"""Outputs are compared on the CPU, because two runs on a GPU may differ in the last digit."""

COPIED = ("results.json", "per_class.md", "train_log.txt", "confusion.png", "recording.png")
FILES = {
    "README.md", "LICENSE", "hyperparams.yaml", "training.yaml", "example.wav", "label_encoder.ckpt", *COPIED,
    *(f"{part}.{kind}" for part in PARTS for kind in ("ckpt", "safetensors")),
}  # fmt: skip
"""The only files that a bundle may hold: no optimiser, no counters, no code."""

# What decides a recording, so that the example can be simulated again.
SAMPLE = tuple(field.name for field in fields(Sample))
PLAN = ("seed", "residues", "recordings_per_residue", *SAMPLE, "experiment")

# Without `pretrained_path` or `paths`: SpeechBrain then takes the weights from where the file itself lies, also from a
# fork, a renamed repository, a tag or a local copy.
HYPERPARAMS = """\
# Made by `nmr-speech publish`; needs the package nmr_speech ({version}).
# Safe loader: nmr_speech.inference.AminoAcidClassifier.from_hparams
# SpeechBrain: speechbrain.inference.classifiers.EncoderClassifier.from_hparams
residues: {residues}
calibration: {calibration}
frontend:
  module: &frontend {frontend}
backbone:
  module: &backbone {backbone}
classifier:
  module: &classifier {classifier}
modules:
  compute_features: !new:nmr_speech.inference.modules.Features
    frontend: *frontend
  mean_var_norm: !new:nmr_speech.inference.modules.Unchanged
  embedding_model: !new:nmr_speech.inference.modules.StreamEmbedding
    backbone: *backbone
  classifier: !new:nmr_speech.inference.modules.Posterior
    head: *classifier
    temperature: {temperature}
audio_normalizer: !new:nmr_speech.inference.modules.AudioCheck
label_encoder: &label_encoder !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
  loadables:
    frontend: *frontend
    backbone: *backbone
    classifier: *classifier
    label_encoder: *label_encoder
"""


def make_bundle(results_folder: str | Path, folder: str | Path, repository: str, dataset: str | None = None) -> None:
    """Make a bundle of a results folder, and check it. Equal results give equal bytes.

    Arguments
    ---------
    results_folder : str | Path
        ``output_folder`` of a finished training.
    folder : str | Path
        Where to write; created, or emptied of an older bundle.
    repository : str
        ``user/name`` of the repository, for the card.
    dataset : str | None
        Hub data set that the model was trained on, for the card.

    Raises
    ------
    InputError
        The training has not finished, a label is not a word, or `check_bundle` refuses the result.

    Example
    -------
    >>> make_bundle(getfixture("tmp_path"), getfixture("tmp_path") / "bundle", "user/amino")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: holds no results.json; let the training recipe finish first
    """
    results_folder, folder = Path(results_folder), Path(folder)
    if not (results_folder / RESULTS).is_file():
        raise InputError(f"{results_folder}: holds no results.json; let the training recipe finish first")
    # Before anything is read: what is published must come from this folder.
    for path in (results_folder / "hyperparams.yaml", *(results_folder / name for name in FILES)):
        refuse_link(results_folder, path)
    for path in (results_folder / "save", *(results_folder / "save").rglob("*")):
        refuse_link(results_folder, path)
    read_results(results_folder)
    refuse_unfit(results_folder, [name for name in COPIED if (results_folder / name).exists()], FILES)
    model = load_classifier(str(results_folder))
    if odd := [name for name in model.labels.lab2ind if not is_word(name)]:
        raise InputError(
            f"published labels may contain only letters, digits, spaces and _ . , + -, got {quoted(odd[0])}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    _write_weights(model, folder)
    write_whole(folder / "hyperparams.yaml", _hyperparams(model, results_folder).encode())
    write_whole(folder / "training.yaml", _training_yaml(model, results_folder).encode())
    for name in COPIED:
        if (results_folder / name).exists():
            shutil.copyfile(own_file(results_folder, name), folder / name)
    write_whole(folder / "LICENSE", _license().encode())
    settings = settings_of(model, results_folder)
    _write_example(settings, folder / "example.wav")
    write_card(folder, repository, settings, dataset)
    check_bundle(folder)


def names_in(folder: Path) -> list[str]:
    """Return the paths of everything in a folder but folders; links are listed, not followed.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "link").symlink_to(folder)
    >>> names_in(folder)
    ['link']
    """
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def check_bundle(folder: Path) -> None:
    """Refuse a bundle with private content, or whose outputs depend on the loader or on the form of the weights.

    Arguments
    ---------
    folder : Path
        The bundle.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "optimizer.ckpt").write_text("")
    >>> check_bundle(folder)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: not fit to be published: optimizer.ckpt is not part of a bundle
    """
    refuse_unfit(folder, names_in(folder), FILES)
    read_results(folder)
    for part in PARTS:
        pickled, safe = (load_weights(folder / f"{part}.{kind}") for kind in ("ckpt", "safetensors"))
        if pickled.keys() != safe.keys() or not all(torch.equal(pickled[name], safe[name]) for name in safe):
            raise InputError(f"{folder}: {part}.ckpt and {part}.safetensors must hold the same weights")
    stock = EncoderClassifier.from_hparams(folder, run_opts=CPU)
    stock.hparams.label_encoder.ignore_len()
    compare(AminoAcidClassifier.from_hparams(folder, run_opts=CPU), stock, "loaded by SpeechBrain")


def compare(ours: EncoderClassifier, theirs: EncoderClassifier, what: str) -> None:
    """Refuse two models whose outputs for the same noise are not equal, bit for bit.

    Arguments
    ---------
    ours, theirs : EncoderClassifier
        The models.
    what : str
        How the second one was loaded, for the message.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(classify_batch=lambda wavs: 4 * [wavs], encode_batch=lambda wavs: wavs)
    >>> other = SimpleNamespace(classify_batch=lambda wavs: 4 * [wavs], encode_batch=lambda wavs: 2 * wavs)
    >>> compare(model, model, "loaded again")
    >>> compare(model, other, "loaded again")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the model loaded again gives other outputs than the local one; report this with the...
    """
    outputs = []
    for model in (ours, theirs):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # SpeechBrain's x-vector adds noise when it pools, also in evaluation mode
            wavs = torch.randn(1, N_SAMPLES, N_CHANNELS)
            outputs.append((*model.classify_batch(wavs)[:3], model.encode_batch(wavs)))
    if not all(torch.equal(one, other) for one, other in zip(*outputs, strict=True)):
        raise InputError(f"the model {what} gives other outputs than the local one; report this with the versions")


def settings_of(model: Classifier, results_folder: Path) -> dict[str, Any]:
    """Collect the settings of a training as plain data, for the card and the example recording.

    Arguments
    ---------
    model : Classifier
        The trained model.
    results_folder : Path
        Its results folder, for messages.

    Returns
    -------
    dict
        The keys `PLAN` and a few others of its ``hyperparams.yaml``, as far as given; ``frontend`` and ``backbone``,
        names of classes; ``labels`` and ``calibration``.
    """
    path = results_folder / "hyperparams.yaml"
    names = (
        *PLAN,
        "held_out_residues",
        "data_seed",
        "foreign",
        "skip_prep",
        "fresh_recordings_per_residue",
        "nuisances",
        "augmentation",
        "margin",
    )
    nodes = model.nodes
    settings = {name: plain(nodes[name], path, limited=False) for name in names if name in nodes}
    parts = {part: tag(children(nodes[part])["module"]).rsplit(".", 1)[-1] for part in ("frontend", "backbone")}
    return settings | parts | {"labels": list(model.labels.lab2ind), "calibration": dict(model.calibration)}


def _write_weights(model: Classifier, folder: Path) -> None:
    for part, module in zip(PARTS, (model.embedder.frontend, model.embedder.backbone, model.head), strict=True):
        weights = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
        torch.save(weights, folder / f"{part}.ckpt")  # SpeechBrain's loader reads no safetensors
        safetensors.torch.save_file(weights, folder / f"{part}.safetensors")
    model.labels.save(folder / "label_encoder.ckpt")


def _hyperparams(model: Classifier, results_folder: Path) -> str:
    path = results_folder / "hyperparams.yaml"
    nodes = {part: children(model.nodes[part])["module"] for part in ("frontend", "backbone")}
    parts = {part: _node(tag(node), arguments_of(node, path)) for part, node in nodes.items()}
    return HYPERPARAMS.format(
        version=nmr_speech.__version__,
        residues=json.dumps(list(model.labels.lab2ind)),
        calibration=json.dumps(dict(model.calibration)),
        temperature=json.dumps(model.calibration.get("temperature", 1.0)),
        classifier=_head_node(model.head),
        **parts,
    )


def _head_node(head: nn.Module) -> str:
    if isinstance(head, LinearHead | MixtureHead):
        arguments: dict[str, Any] = {"in_features": head.in_features, "out_features": head.out_features}
    elif isinstance(head, MarginHead):
        n_classes, embedding_size = head.cosine.weight.shape
        arguments = {"embedding_size": embedding_size, "n_classes": n_classes}
        arguments |= {"margin": head.margin.margin, "scale": head.scale}
    return _node(f"!new:{type(head).__module__}.{type(head).__qualname__}", arguments)


def _node(name: str, arguments: Mapping[str, Any]) -> str:
    return "\n    ".join([name, *(f"{key}: {json.dumps(value)}" for key, value in arguments.items())])


def _training_yaml(model: Classifier, results_folder: Path) -> str:
    text = read_text(results_folder / "hyperparams.yaml")
    text = re.sub(r"\A# Generated .*\n(?:# /?.*\n)?", "", text)  # date and path of the original
    for key, public in (("output_folder", "results"), ("data_folder", "data")):
        folder = str(model.nodes[key].value) if key in model.nodes else ""
        if Path(folder).is_absolute():
            text = text.replace(folder, public)
    return LOCAL_PATH.sub(lambda found: re.split(r"[\\/]", found[0])[-1], text)


def _license() -> str:
    packaged = distribution("nmr_speech").read_text("licenses/LICENSE")
    return packaged or (Path(nmr_speech.__file__).parents[1] / "LICENSE").read_text(encoding="utf-8")


def _write_example(settings: Mapping[str, Any], path: Path) -> None:
    """Simulate the first recording of the test split again; users' own recordings are not published."""
    if settings.get("skip_prep"):
        return
    given = {key: settings[key] for key in PLAN if key in settings}
    if isinstance(given.get("recordings_per_residue"), Mapping):  # of a training on mixtures: a data set for each split
        own = plans_of("test", settings)["test"]
        given |= {"seed": own.seed, "recordings_per_residue": own.recordings_per_residue}
    plan = DatasetPlan(**given)
    first = next(name for name in plan.split()["test"] if name.split("_")[0] in settings["labels"])
    residue, index = first.split("_")
    recording = draw_recording(residue, plan.seed, int(index), **plan.draw_settings)
    write_wav(path, stack_fid(recording.fid)[0])
