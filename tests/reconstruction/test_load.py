"""Keeping and loading networks: exact, strict, and without running anything that a source brings."""

import json
import pickle
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction import load_modern, load_network
from nmr_speech.reconstruction.dlnmr import DLNMR
from nmr_speech.reconstruction.load import save_network
from nmr_speech.reconstruction.lstm import LSTMNetwork
from nmr_speech.reconstruction.modern import MoDern
from tests.fixtures import WRITER, point
from tests.loopback_hub import loopback_hub

NETWORKS = {
    "modern": lambda: MoDern(n_phases=2, channels=4),
    "fixed": lambda: MoDern(n_phases=2, channels=4, adaptive=False),
    "3D": lambda: MoDern(n_phases=2, channels=4, dims=2),
    "dlnmr": lambda: DLNMR(n_phases=1, n_layers=1, growth=2, kernel_size=3),
    "lstm": lambda: LSTMNetwork(hidden_size=4, n_layers=1),
}


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(1)
    save_network(NETWORKS["modern"](), tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_saved_is_what_is_loaded(kind, tmp_path):
    network = NETWORKS[kind]()
    save_network(network, tmp_path)
    loaded = load_network(tmp_path)
    assert type(loaded) is type(network)
    assert loaded.settings == network.settings
    assert loaded.state_dict().keys() == network.state_dict().keys()
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())
    fid = torch.ones(2, *[16] * network.dims, dtype=torch.complex64)
    mask = torch.ones(fid.shape[1:], dtype=torch.bool)
    mask[..., 3] = False
    network.eval().requires_grad_(False)  # PyTorch rounds an LSTM otherwise with gradients
    torch.testing.assert_close(loaded(fid * mask, mask), network(fid * mask, mask))


def test_a_hub_repository_is_a_folder(folder, tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("hf")
    with point(loopback_hub({"user/modern": folder}, {WRITER: ("user", "write")}), home, monkeypatch, False):
        loaded = load_modern("user/modern")
        with pytest.raises(InputError, match=r"user/none .*: the Hub has no such repository"):
            load_modern("user/none")
    saved = load_network(folder).state_dict()
    assert all(torch.equal(tensor, saved[name]) for name, tensor in loaded.state_dict().items())


def test_modern_alone_where_modern_is_asked_for(tmp_path):
    save_network(NETWORKS["dlnmr"](), tmp_path)
    with pytest.raises(InputError, match="holds a DLNMR, not a MoDern; use `load_network`"):
        load_modern(tmp_path)


def configure(**changes):
    def change(folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return change


def weigh(change):
    def rewrite(folder):
        weights = safetensors.torch.load_file(folder / "model.safetensors")
        change(weights)
        safetensors.torch.save_file(weights, folder / "model.safetensors")

    return rewrite


class Evil:
    def __reduce__(self):
        return (open, ("executed", "w"))


NAME = "blocks.0.widen.weight"
SPOILT = {
    "foreign class": (
        configure(network="os.system"),
        "`network` must be one of MoDern, DLNMR, LSTMNetwork, got",
    ),
    "no name": (configure(network=["MoDern"]), "`network` must be a printable text"),
    "text setting": (configure(settings={"n_phases": "2"}), "`settings.n_phases` must be a finite number, got '2'"),
    "NaN setting": (configure(settings={"n_phases": float("nan")}), "`settings.n_phases` must be a finite"),
    "unknown setting": (configure(settings={"depth": 2}), r"cannot be built from {'depth': 2}"),
    "large setting": (configure(settings={"channels": 10**9}), r"cannot be built .*`channels` must be a whole number"),
    "other sizes": (configure(settings={"n_phases": 2, "channels": 5}), r"weights do not fit config\.json"),
    "other network": (configure(network="LSTMNetwork", settings={}), r"weights do not fit config\.json"),
    "a list": (lambda folder: (folder / "config.json").write_text("[]"), "must be a mapping"),
    "no JSON": (lambda folder: (folder / "config.json").write_text("{"), r"config\.json: not valid JSON"),
    "deep JSON": (lambda folder: (folder / "config.json").write_text("[" * 20_000), r"config\.json: not valid JSON"),
    "long JSON": (lambda folder: (folder / "config.json").write_text(" " * 99_999), "must have at most 30000 bytes"),
    "no config": (lambda folder: (folder / "config.json").unlink(), r"config\.json: not there; .* finished training"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), r"model\.safetensors: not there"),
    "pickle": (lambda folder: (folder / "model.safetensors").write_bytes(pickle.dumps(Evil())), "holds more than tens"),
    "truncated": (lambda folder: (folder / "model.safetensors").write_bytes(b"\x08"), "holds more than tensors, or is"),
    "missing tensor": (weigh(lambda weights: weights.pop(NAME)), r"weights do not fit config\.json \(.*Missing key"),
    "NaN weight": (weigh(lambda weights: weights[NAME].fill_(float("nan"))), f"holds NaN or infinity in {NAME}"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_source_that_cannot_be_used(kind, folder, monkeypatch):
    monkeypatch.chdir(folder)
    change, message = SPOILT[kind]
    change(folder)
    with pytest.raises(InputError, match=message):
        load_modern(folder)
    assert not (folder / "executed").exists()


def test_a_source_that_is_nothing(tmp_path):
    with pytest.raises(InputError, match=r"`source` must be a folder or a Hub repository user/name, got '.*/none'"):
        load_network(tmp_path / "none")


def test_reconstruction_loads_no_speechbrain():
    """SpeechBrain takes seconds to import, and nothing here needs it."""
    code = "import sys; from nmr_speech.reconstruction import run; sys.exit('speechbrain' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_network_of_another_class_is_not_saved(tmp_path):
    class Mine(MoDern):
        pass

    with pytest.raises(InputError, match="`network` must be one of MoDern, DLNMR, LSTMNetwork; got 'Mine'"):
        save_network(Mine(n_phases=1), tmp_path)
    assert not list(tmp_path.iterdir())
