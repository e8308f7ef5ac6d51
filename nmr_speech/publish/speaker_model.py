"""Publish a model trained on voices like SpeechBrain's speaker models, with the file names of its VoxCeleb ECAPA."""

import json
from pathlib import Path

import torch
from speechbrain.inference.classifiers import EncoderClassifier

from nmr_speech.checks import InputError
from nmr_speech.constants import SAMPLE_RATE_HZ
from nmr_speech.files import write_whole
from nmr_speech.hub.safe_yaml import arguments_of, children
from nmr_speech.hub.tensors import find_weights
from nmr_speech.inference.load import load_classifier
from nmr_speech.models.frontends import N_FEATURES, MelFrontEnd
from nmr_speech.models.heads import MarginHead
from nmr_speech.publish.bundle import names_in
from nmr_speech.publish.fit import own_file, refuse_unfit
from nmr_speech.publish.upload import CARD, Say, Target, publish
from nmr_speech.reading import count, number, read_json, text

HYPERPARAMS = """\
# A speaker model for mono audio at {rate} Hz, with the keys of speechbrain/spkrec-ecapa-voxceleb
compute_features: !new:speechbrain.lobes.features.Fbank
  sample_rate: {rate}
  n_mels: {features}
  n_fft: {n_fft}
  win_length: {window_ms}
  hop_length: {hop_ms}
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
  norm_type: sentence
  std_norm: false
embedding_model: &embedding_model !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
  {backbone}
classifier: &classifier !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
  input_size: {size}
  out_neurons: {voices}
modules:
  compute_features: !ref <compute_features>
  mean_var_norm: !ref <mean_var_norm>
  embedding_model: *embedding_model
  classifier: *classifier
audio_normalizer: !new:speechbrain.dataio.preprocess.AudioNormalizer
  sample_rate: {rate}
label_encoder: &label_encoder !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
  loadables:
    embedding_model: *embedding_model
    classifier: *classifier
    label_encoder: *label_encoder
"""
FILES = {
    "hyperparams.yaml", "embedding_model.ckpt", "classifier.ckpt", "label_encoder.ckpt", "label_encoder.txt", CARD,
}  # fmt: skip
README = """\
---
library_name: speechbrain
license: apache-2.0
tags: [speechbrain, speaker-verification, ECAPA-TDNN]
---
# Speaker embeddings of synthetic voices

An ECAPA-TDNN trained to classify {voices} voices of espeak-ng ({accuracy:.1%} of {recordings} test recordings correct)
by `recipes/SyntheticVoices/SpeakerRec` of the Python package nmr_speech, commit {commit}. It serves experiments on
transfer from speech; no human voice was used.

```python
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.fetching import FetchConfig

repository, revision = "{repository}", "main"
model = EncoderClassifier.from_hparams(repository, fetch_config=FetchConfig(revision=revision, token=None))
embedding = model.encode_batch(waveform)  # mono, {rate} Hz, (1, samples)
```
"""


def make_speaker_model(results_folder: str | Path, folder: str | Path, repository: str) -> None:
    """Write the files of a speaker model.

    Arguments
    ---------
    results_folder : str | Path
        ``output_folder`` of `recipes/SyntheticVoices/SpeakerRec/train.py`.
    folder : str | Path
        Where to write: ``hyperparams.yaml``, ``embedding_model.ckpt``, ``classifier.ckpt``, ``label_encoder.ckpt`` and
        ``.txt``, ``README.md``. Equal results give equal files.
    repository : str
        ``user/name`` of the repository, for the card.

    Example
    -------
    >>> make_speaker_model(getfixture("tmp_path"), getfixture("tmp_path") / "model", "user/voices")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: holds no results.json; let the training finish first
    """
    results_folder, folder = Path(results_folder), Path(folder)
    if not (results_folder / "results.json").is_file():
        raise InputError(f"{results_folder}: holds no results.json; let the training finish first")
    model, path = load_classifier(results_folder), results_folder / "hyperparams.yaml"
    if not isinstance(model.embedder.frontend, MelFrontEnd) or not isinstance(model.head, MarginHead):
        raise InputError(f"{path}: a speaker model must be trained with `margin` and a mel front end")
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.embedder.backbone.state_dict(), folder / "embedding_model.ckpt")
    torch.save(model.head.cosine.state_dict(), folder / "classifier.ckpt")
    for kind in ("ckpt", "txt"):
        model.labels.save(folder / f"label_encoder.{kind}")
    node = {part: arguments_of(children(model.nodes[part])["module"], path) for part in ("frontend", "backbone")}
    voices, size = model.head.cosine.weight.shape
    sizes = {"rate": SAMPLE_RATE_HZ, "features": N_FEATURES, "voices": voices, "size": size}
    backbone = "\n  ".join(f"{key}: {json.dumps(value)}" for key, value in node["backbone"].items())
    hyperparams = HYPERPARAMS.format(**sizes, **node["frontend"], backbone=backbone)
    write_whole(folder / "hyperparams.yaml", hyperparams.encode())
    shape = {"test": {"accuracy": number, "recordings": count}, "commit": text}
    results = read_json(results_folder / "results.json", shape)
    figures = {key: results["test"][key] for key in ("accuracy", "recordings")}
    card = README.format(**sizes, **figures, commit=results["commit"], repository=repository)
    write_whole(folder / CARD, card.encode())
    EncoderClassifier.from_hparams(folder, run_opts={"device": "cpu"})  # refuses what does not load


def publish_speaker_model(
    results_folder: str | Path, folder: str | Path, target: Target, say: Say = print
) -> str | None:
    """Write a speaker model, publish it on the Hub, and check that its weights load back unchanged.

    Arguments
    ---------
    results_folder, folder : str | Path
        See `make_speaker_model`.
    target : Target
        Where to publish.
    say : Callable[[str], Any]
        Receives the report, line by line.

    Returns
    -------
    str
        The commit.
    """
    make_speaker_model(results_folder, folder, target.repository)
    folder = Path(folder)
    refuse_unfit(folder, names_in(folder), FILES)
    files: dict[str, Path | bytes] = {name: own_file(folder, name) for name in names_in(folder)}

    def load_back(revision: str) -> None:
        there, here = find_weights(target.repository, revision), find_weights(folder)
        if there.sha256 != here.sha256:
            raise InputError(f"{target.repository}: {there.file} came back changed")

    return publish(files | {CARD: (folder / CARD).read_bytes()}, target, load_back, say)
