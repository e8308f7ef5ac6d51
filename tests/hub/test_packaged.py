"""Models that have a name: where they lie, and what of them is loaded."""

import importlib.util
import shutil

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.hub import packaged as places
from nmr_speech.hub.fetch import locate
from nmr_speech.hub.tensors import Origin, Saved, find_weights
from nmr_speech.models.ge2e import GE2E
from nmr_speech.training.transfer import Pretrained
from tests.fixtures import backbone

SMALL = {"hidden_size": 5, "n_layers": 2, "embedding_size": 7}


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """Tensors of a stand-in for the installed package, which must not be imported."""
    package = tmp_path / "site" / "resemblyzer"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('librosa is not there')\n")
    torch.manual_seed(3)
    state = GE2E(**SMALL).state_dict()
    beside = {"similarity_weight": torch.ones(1), "similarity_bias": torch.ones(1)}
    checkpoint = {
        "step": 7,
        "model_state": beside | state,
        "optimizer_state": {"state": {0: {"exp_avg": torch.ones(2)}}},
    }
    torch.save(checkpoint, package / "pretrained.pt")
    monkeypatch.syspath_prepend(package.parent)
    return state


def test_the_voice_encoder_is_loaded_whole_without_importing_its_package(encoder):
    model = Pretrained(GE2E(**SMALL), "ge2e")
    assert model.always_frozen
    assert model.expects_centred
    assert (model.origin.source, model.origin.commit, model.origin.file) == ("ge2e", None, "pretrained.pt")
    assert str(model.origin).startswith("ge2e (packaged), pretrained.pt, sha256 ")
    state = model.module.state_dict()
    assert state.keys() == encoder.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in encoder.items())
    assert model.report()["origin"]["source"] == "ge2e"


def test_another_size_is_refused_with_the_tensors_that_do_not_fit(encoder):
    with pytest.raises(InputError, match=r"ge2e: pretrained\.pt: not the weights of this model: .*lstm\.weight_ih_l0"):
        Pretrained(GE2E(**SMALL | {"hidden_size": 6}), "ge2e")


def test_what_is_not_installed_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"`ge2e` .* not installed: run pip install --no-deps Resemblyzer"):
        find_weights("ge2e")


@pytest.mark.skipif(importlib.util.find_spec("resemblyzer") is None, reason="needs the extra `speech`")
def test_the_voice_encoder_of_resemblyzer_fits_the_part():
    model = Pretrained(GE2E(), "ge2e")
    assert model.origin.sha256 == "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
    with torch.no_grad():
        embedding = model(torch.randn(1, 256, 80))
    assert embedding.norm().item() == pytest.approx(1, abs=1e-5)


@pytest.fixture
def molecules(tmp_path, monkeypatch):
    folder = tmp_path / "installed" / "molecules"
    folder.mkdir(parents=True)
    torch.manual_seed(4)
    save_file(backbone().state_dict(), folder / "backbone.safetensors")
    monkeypatch.setattr(places, "TRAINED", folder.parent)
    return folder


def test_the_embedding_of_this_package_may_follow_any_front_end(molecules):
    model = Pretrained(backbone(), "molecules")
    assert not model.expects_centred
    assert not Pretrained(backbone(), None).expects_centred
    assert (model.origin.source, model.origin.file) == ("molecules", "backbone.safetensors")


def test_a_name_comes_before_a_folder_of_that_name(molecules, tmp_path, monkeypatch):
    here = tmp_path / "here" / "molecules"
    here.mkdir(parents=True)
    monkeypatch.chdir(here.parent)
    assert locate("molecules", None, []) == (molecules, None)
    assert locate("./molecules", None, [])[0].resolve() == here
    assert locate("molecules", None, [], kind="dataset")[0].resolve() == here
    with pytest.raises(InputError, match="molecules: comes with an installed package and has no revisions"):
        locate("molecules", "main", [])


def test_a_checkpoint_finds_the_package_wherever_it_is_installed(molecules, tmp_path, monkeypatch):
    """The origin is kept by name: the folder of another installation has another path."""
    model = Pretrained(backbone(), "molecules")
    Saved(model.origin, False, {}).save(tmp_path / "backbone.ckpt")
    moved = tmp_path / "elsewhere" / "molecules"
    shutil.move(molecules.parent, moved.parent)
    monkeypatch.setattr(places, "TRAINED", moved.parent)
    state = Saved.load(tmp_path / "backbone.ckpt").state()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.module.state_dict().items())
    save_file(nn.Linear(1, 1).state_dict(), moved / "backbone.safetensors")
    with pytest.raises(InputError, match="has changed since a model was initialised from it"):
        Origin.load(model.origin)
