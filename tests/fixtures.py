"""A results folder and a bundle made without training, and the genuine Hub client pointed at the loopback interface."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from ruamel.yaml import YAML
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

from nmr_speech.models.frontends import QuadratureFrontEnd
from nmr_speech.models.heads import LinearHead, MarginHead
from nmr_speech.report.provenance import provenance
from nmr_speech.score.classification import summarise
from tests.loopback_hub import loopback_hub

WRITER, READER, STRANGER = "hf_writer", "hf_reader", "hf_stranger"
TRAINING = """\
# Generated 2026-11-21 from:
# /home/somebody/nmr/hparams/quickstart.yaml
# yamllint disable
seed: 1986
__set_seed: !apply:speechbrain.utils.seed_everything [1986]
data_folder: {folder}/data # 2.5 GB
output_folder: {folder}/results
save_folder: {folder}/results/save
skip_prep: false
residues: &id001 [GLY, SER, ALA]
recordings_per_residue: 5
held_out_residues: &id002 [SER]
speakers: &id003 !apply:nmr_speech.training.dataio.training_speakers [*id001, *id002]
condition: h2o
shift_source: protein
free_shift_std_ppm: 0.03
experiment: {{field_mhz: 600.0, carrier_ppm: 5.0, spectral_width_hz: 7200.0, mixing_time_s: 0.06}}
frontend:
  module: &id004 !new:nmr_speech.models.frontends.QuadratureFrontEnd
    learning_rate_scale: 0.01
    floor: 1e-05
backbone:
  embedding_size: 12
  module: &id005 !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: 80
    channels: [8, 8, 8, 8, 8]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 8
    se_channels: 8
    res2net_scale: 4
    lin_neurons: 12
{head}
augmentation:
  reference_offset: {{offset_ppm: [-0.2, 0.2]}}
fresh_recordings_per_residue: 0
checkpointer: !name:nmr_speech.training.checkpoints.WholeCheckpointer
  checkpoints_dir: {folder}/results/save
"""


HEADS = {
    "linear": """\
head:
  n_classes: &id006 !apply:builtins.len [*id003]
  module: &id007 !new:nmr_speech.models.heads.LinearHead
    in_features: 12
    out_features: *id006
classifier: *id007""",
    "margin": """\
head:
  n_classes: &id006 !apply:builtins.len [*id003]
  module: &id007 !new:nmr_speech.models.heads.MarginHead
    embedding_size: 12
    n_classes: *id006
    margin: 0.2
    scale: 30.0
classifier: *id007""",
}
OLD_HEAD = """\
classifier: &id006 !apply:nmr_speech.models.heads.make_head
  embedding_size: 12
  n_classes: !apply:builtins.len [*id003]
  margin: """
OLD_HEADS = {"linear": OLD_HEAD + "null", "margin": OLD_HEAD + "0.2"}
"""How trainings of version 0.1 described their heads."""


def backbone():
    return ECAPA_TDNN(80, channels=[8] * 5, attention_channels=8, se_channels=8, res2net_scale=4, lin_neurons=12)


def write_results(folder, head="linear", seed=0):
    """Write what a training without SER leaves, with weights drawn at random."""
    results = folder / "results"
    checkpoint = results / "save" / "CKPT+1"
    checkpoint.mkdir(parents=True)
    (results / "hyperparams.yaml").write_text(TRAINING.format(folder=folder, head=HEADS[head]))
    torch.manual_seed(seed)
    parts = {"frontend": QuadratureFrontEnd(), "backbone": backbone()}
    parts["classifier"] = LinearHead(12, 2) if head == "linear" else MarginHead(12, 2)
    for name, module in parts.items():
        torch.save(module.state_dict(), checkpoint / f"{name}.ckpt")
    torch.save({"state": {}}, checkpoint / "optimizer.ckpt")
    meta = {"error": 0.1, "end-of-epoch": True, "unixtime": 1.0, "recoverables": [*parts, "optimizer"]}
    YAML().dump(meta, checkpoint / "CKPT.yaml")
    figures = summarise(np.array([[9, 1], [2, 8]]), ["ALA", "GLY"])
    content = {
        "test": figures,
        "baseline": {"name": "linear", "test": figures},
        "calibration": {
            "temperature": 1.7, "threshold": 0.4, "recordings": 20,
            "test_cross_entropy_before": 0.5, "test_cross_entropy": 0.4,
        },
        "recordings": {"train": 70, "valid": 20, "test": 20},
        "parameters": 12345,
        "seed": 1986,
        **provenance(),
    }  # fmt: skip
    (results / "results.json").write_text(json.dumps(content))
    (results / "train_log.txt").write_text("epoch: 1, lr: 1e-03 - train loss: 2.1\n")
    return results


@pytest.fixture
def results(tmp_path):
    return write_results(tmp_path)


@pytest.fixture(scope="session")
def bundled(tmp_path_factory):
    """The bundle of a results folder, which lies beside it. Shared by all tests, so none may change it."""
    from nmr_speech.publish.bundle import make_bundle  # noqa: PLC0415 - only some tests need it

    folder = tmp_path_factory.mktemp("bundled")
    make_bundle(write_results(folder), folder / "bundle", "user/amino")
    return folder / "bundle"


@pytest.fixture
def bundle_copy(bundled, tmp_path):
    return Path(shutil.copytree(bundled, tmp_path / "copy"))


@pytest.fixture(params=["lfs", "xet"])
def hub(request, client):
    """Let the Hub's client, in both of its ways to upload, talk to the loopback interface alone."""
    with client(xet=request.param == "xet") as served:
        yield served


@pytest.fixture
def lfs_hub(client):
    with client(xet=False) as served:
        yield served


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Makes a Hub and points this process's client to it."""

    def make(xet):
        people = {WRITER: ("user", "write"), READER: ("user", "read"), STRANGER: ("stranger", "write")}
        return point(loopback_hub(tokens=people, xet=xet), tmp_path / "hf", monkeypatch, xet)

    return make


class point:
    """Enter a Hub and set what the client has read from its environment when it was imported."""

    def __init__(self, served, home, monkeypatch, xet):
        self.served, self.home, self.monkeypatch, self.xet = served, home, monkeypatch, xet

    def __enter__(self):
        hub = self.served.__enter__()
        settings = {
            "ENDPOINT": hub.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HOME": str(self.home),
            "HF_HUB_CACHE": str(self.home / "hub"),
            "HF_XET_CACHE": str(self.home / "xet"),
            "HF_TOKEN_PATH": str(self.home / "token"),
            "HF_HUB_DISABLE_XET": not self.xet,
            "HF_HUB_DISABLE_TELEMETRY": True,
            "HF_HUB_DISABLE_PROGRESS_BARS": True,
        }
        for name, value in settings.items():
            self.monkeypatch.setattr(constants, name, value)
        self.monkeypatch.setenv("HF_TOKEN", WRITER)
        self.monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        return hub

    def __exit__(self, *error):
        return self.served.__exit__(*error)


def files_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}
