"""Models from the Hub: revisions, permissions, offline work, and repositories that lack something."""

import json

import pytest
from huggingface_hub import constants

from nmr_speech.checks import InputError
from nmr_speech.inference import AminoAcidClassifier, load_classifier
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import DOWNLOADED, PICKLED
from nmr_speech.publish import upload
from nmr_speech.publish.commands import publish_bundle
from tests.fixtures import STRANGER, WRITER, files_of

LOADING = {
    "missing": ("user/none", {}, r"user/none \(no folder here\): the Hub has no such repository"),
    "private": ("user/hidden", {"HF_TOKEN": ""}, "or a private one; check the name, or run `hf auth login`"),
    "gated": ("user/gated", {"HF_TOKEN": STRANGER}, "access is granted on request; ask for it"),
    "a wrong token": ("user/hidden", {"HF_TOKEN": "hf_wrong"}, "the Hub refuses the token"),
    "a wrong token for what is public": ("user/empty", {"HF_TOKEN": "hf_wrong"}, "the Hub refuses the token"),
    "no model": ("user/empty", {}, r"user/empty: the repository has no hyperparams\.yaml, so it is not a model"),
    "no name": ("amino", {}, "`source` must be a folder or a Hub repository user/name, got 'amino'"),
}


@pytest.mark.parametrize("kind", LOADING)
def test_what_cannot_be_loaded(kind, lfs_hub, monkeypatch):
    source, environment, message = LOADING[kind]
    lfs_hub.create("model", "user/hidden", private=True)
    lfs_hub.create("model", "user/gated", private=False)
    lfs_hub.repositories["model", "user/gated"].gated = True
    lfs_hub.create("model", "user/empty", private=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message):
        AminoAcidClassifier.from_hparams(source)


@pytest.fixture
def repository(lfs_hub, bundled):
    """A Hub with a model."""
    lfs_hub.create("model", "user/amino", private=True)
    lfs_hub.commit = lfs_hub.add("user/amino", files_of(bundled))
    return lfs_hub


def test_a_model_of_the_hub_brings_its_training_data(repository, bundled):
    model = load_classifier("user/amino")
    assert model.commit == repository.commit
    assert training_data(model) == training_data(load_classifier(bundled))
    assert "mixing time of 0.06 s" in str(training_data(model))


def test_only_the_files_of_a_model_are_fetched(repository, bundled):
    """A hostile repository may hold any number of other files, of any size."""
    odd = {"huge.safetensors": b"1", "sub/frontend.safetensors": b"2", "model.ckpt": b"3", "code.py": b"4"}
    repository.add("user/amino", odd)
    model = load_classifier("user/amino")
    assert sorted(path.name for path in model.folder.iterdir()) == sorted(DOWNLOADED)
    there = repository.repositories["model", "user/amino"]
    del there.commits[there.branches["main"]]["frontend.safetensors"]
    repository.add("user/amino", {"other.ckpt": b"5"})
    found = {path.name for path in load_classifier("user/amino").folder.iterdir()}
    assert found == {*DOWNLOADED, *PICKLED} - {"frontend.safetensors"}


def test_a_model_of_the_hub_without_its_settings_is_refused(repository):
    there = repository.repositories["model", "user/amino"]
    del there.commits[there.branches["main"]]["training.yaml"]
    with pytest.raises(InputError, match=r"training\.yaml: not there; .*publish the model again"):
        load_classifier("user/amino")


def test_revisions_offline_and_a_folder_in_the_way(repository, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="the repository has no such commit, tag or branch; correct `revision`"):
        AminoAcidClassifier.from_hparams("user/amino", revision="v9")
    AminoAcidClassifier.from_hparams("user/amino", revision="main")
    asked = len(repository.log)
    AminoAcidClassifier.from_hparams("user/amino", revision=repository.commit)
    assert len(repository.log) == asked  # a commit in the cache is not asked for again
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    AminoAcidClassifier.from_hparams("user/amino")
    with pytest.raises(InputError, match="the Hub cannot be reached, and the cache does not hold it"):
        AminoAcidClassifier.from_hparams("user/other")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user" / "amino").mkdir(parents=True)
    with pytest.raises(InputError, match=r"has no hyperparams\.yaml.*run in another folder than"):
        AminoAcidClassifier.from_hparams("user/amino")


def test_a_hub_that_is_down(repository, monkeypatch):
    AminoAcidClassifier.from_hparams("user/amino", revision=repository.commit)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    AminoAcidClassifier.from_hparams("user/amino", revision=repository.commit)  # the cache has it
    with pytest.raises(InputError, match=r"user/other \(no folder here\): the Hub cannot be reached"):
        AminoAcidClassifier.from_hparams("user/other")


def test_a_repository_that_lacks_weights(repository, bundled, tmp_path, monkeypatch):
    there = repository.repositories["model", "user/amino"]
    pickled = there.commits[there.branches["main"]].pop("backbone.ckpt")
    del there.commits[there.branches["main"]]["backbone.safetensors"]
    with pytest.raises(InputError, match=r"backbone\.ckpt: not there"):
        AminoAcidClassifier.from_hparams("user/amino")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another"))
    there.commits[there.branches["main"]]["backbone.ckpt"] = pickled
    AminoAcidClassifier.from_hparams("user/amino")  # the pickled tensors serve
    assert publish_bundle(bundled, upload.Target("user/amino"), say=lambda _: None)  # and it is repaired
    assert "backbone.safetensors" in there.commits[there.branches["main"]]
    assert WRITER not in json.dumps(repository.log)
