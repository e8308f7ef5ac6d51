"""Loading a trained model: strict, and without running anything that it brings."""

import shutil

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

from nmr_speech.checks import InputError
from nmr_speech.models import load
from nmr_speech.models.frontends import QuadratureFrontEnd
from nmr_speech.models.load import load_embedder

YAML = """
seed: 1
__evil: !apply:os.system [touch {marker}]
residues: [GLY, SER, VAL]
held_out_residues: [SER]
frontend:
    module: !new:nmr_speech.models.frontends.QuadratureFrontEnd
        learning_rate_scale: 0.01
backbone:
    embedding_size: 12
    module: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
        input_size: 80
        channels: [8, 8, 8, 8, 8]
        kernel_sizes: [5, 3, 3, 3, 1]
        dilations: [1, 2, 3, 4, 1]
        attention_channels: 8
        se_channels: 8
        res2net_scale: 4
        lin_neurons: 12
"""


def backbone():
    return ECAPA_TDNN(80, channels=[8] * 5, attention_channels=8, se_channels=8, res2net_scale=4, lin_neurons=12)


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(YAML.format(marker=tmp_path / "executed"))
    torch.manual_seed(0)
    torch.save(QuadratureFrontEnd().state_dict(), folder / "frontend.ckpt")
    torch.save(backbone().state_dict(), folder / "backbone.ckpt")
    return folder


def test_a_bundle_is_loaded_and_nothing_in_it_is_run(bundle):
    embedder = load_embedder(str(bundle))
    assert embedder.speakers == ("GLY", "VAL")
    assert not embedder.backbone.training
    saved = torch.load(bundle / "backbone.ckpt")
    assert all(torch.equal(tensor, saved[name]) for name, tensor in embedder.backbone.state_dict().items())
    assert embedder(torch.randn(2, 65536, 4)).shape == (2, 12)
    assert not (bundle.parent / "executed").exists()


def test_a_hub_repository_is_fetched_and_loaded_the_same_way(bundle, monkeypatch):
    asked = {}

    def fetch(source, revision, **_):
        asked.update(source=source, revision=revision)
        return bundle

    monkeypatch.setattr(load, "snapshot_download", fetch)
    embedder = load_embedder("user/repo", revision="v1.0")
    assert asked == {"source": "user/repo", "revision": "v1.0"}
    assert embedder.speakers == ("GLY", "VAL")


def test_what_the_hub_does_not_give_out(monkeypatch):
    def refuse(*_, **__):
        raise LocalEntryNotFoundError("no network and nothing in the cache")

    monkeypatch.setattr(load, "snapshot_download", refuse)
    with pytest.raises(InputError, match=r"user/repo: neither a folder here nor .* gives out .*no network"):
        load_embedder("user/repo")


SCALE = "learning_rate_scale: 0.01"
PAYLOADS = {
    "another class": (
        "nmr_speech.models.frontends.QuadratureFrontEnd",
        "subprocess.Popen",
        "`frontend` must be one of",
    ),
    "another tag": ("!new:nmr_speech", "!apply:nmr_speech", "`frontend` must be one of"),
    "a call in an argument": (SCALE, "learning_rate_scale: !apply:os.getpid []", "could not determine"),
    "an object in an argument": (SCALE, "floor: !!python/object/apply:os.getpid []", "could not determine"),
    "an unknown argument": (SCALE, "filters: 3", "frontend cannot be built from"),
    "text that HyperPyYAML evaluates": (
        SCALE,
        "n_filters: (!!python/object/apply:os.getpid [])",
        "cannot be built from|could not determine",  # in a fresh process, and once HyperPyYAML was used
    ),
    "no YAML": ("seed: 1", "seed: [1", "not valid YAML"),
}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_payloads_are_refused(kind, bundle):
    old, new, message = PAYLOADS[kind]
    path = bundle / "hyperparams.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        load_embedder(str(bundle))


def test_a_pickle_is_not_unpickled(bundle):
    class Payload:
        def __reduce__(self):
            return (open, (str(bundle / "executed"), "w"))

    torch.save(Payload(), bundle / "frontend.ckpt")
    with pytest.raises(InputError, match=r"frontend\.ckpt: does not fit the frontend .*Weights only load failed"):
        load_embedder(str(bundle))
    assert not (bundle / "executed").exists()


def test_weights_must_fit(bundle):
    shutil.copy(bundle / "frontend.ckpt", bundle / "backbone.ckpt")
    with pytest.raises(
        InputError, match=r"backbone\.ckpt: does not fit the backbone of hyperparams\.yaml .*Missing key"
    ):
        load_embedder(str(bundle))
    (bundle / "backbone.ckpt").unlink()
    with pytest.raises(InputError, match=r"backbone\.ckpt: not there"):
        load_embedder(str(bundle))
    (bundle / "hyperparams.yaml").unlink()
    with pytest.raises(InputError, match=r"hyperparams\.yaml: not there; `source` must be"):
        load_embedder(str(bundle))


def test_a_results_folder_without_a_checkpoint(bundle):
    (bundle / "save").mkdir()
    with pytest.raises(InputError, match="holds no checkpoint"):
        load_embedder(str(bundle))
