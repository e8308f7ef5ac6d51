"""Weights from elsewhere: every tensor is filled or the run stops, and nothing stale is ever used."""

import hashlib
import shutil

import pytest
import torch
from huggingface_hub import constants
from speechbrain.lobes.models.ECAPA_TDNN import Classifier
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.hub.tensors import Origin, Saved, fill, find_weights
from nmr_speech.training.transfer import Pretrained
from tests.fixtures import backbone

NAME = "embedding_model.ckpt"


def speaker_model(folder, seed):
    """A small ECAPA under the file names of speechbrain/spkrec-ecapa-voxceleb."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = backbone()
    model(torch.randn(8, 50, 80))  # statistics of the batch normalisations that are not those of the start
    torch.save(model.state_dict(), folder / NAME)
    torch.save(Classifier(12, out_neurons=3).state_dict(), folder / "classifier.ckpt")
    torch.save({"count": 1}, folder / "mean_var_norm_emb.ckpt")
    (folder / "label_encoder.txt").write_text("'id1' => 0\n")
    (folder / "hyperparams.yaml").write_text("pretrained_path: somebody/else\nx: !apply:os.abort []\n")
    return folder


@pytest.fixture
def hub(lfs_hub, tmp_path):
    lfs_hub.create("model", "speech/ecapa", private=False)
    lfs_hub.first = upload(lfs_hub, tmp_path / "one", seed=1)
    return lfs_hub


def upload(hub, folder, seed, repository="speech/ecapa"):
    speaker_model(folder, seed)
    return hub.add(repository, {path.name: path.read_bytes() for path in folder.iterdir()})


def equal(module, folder):
    saved, state = torch.load(folder / NAME), module.state_dict()
    return state.keys() == saved.keys() and all(torch.equal(saved[name], state[name]) for name in state)


def test_from_a_repository_only_the_embedding_model_is_taken(hub, tmp_path):
    module = backbone()
    origin = Pretrained(module, "speech/ecapa").origin
    assert equal(module, tmp_path / "one")
    assert origin.commit == hub.first
    assert origin.sha256 == hashlib.sha256((tmp_path / "one" / NAME).read_bytes()).hexdigest()
    assert str(origin) == f"speech/ecapa (commit {hub.first}), {NAME}, sha256 {origin.sha256}"
    got = {path.rsplit("/", 1)[-1] for method, path in hub.log if method == "HEAD" and "/resolve/" in path}
    assert got == {NAME}
    assert [path.name for path in (tmp_path / "hf").rglob("*.ckpt")] == [NAME]


def test_a_moved_branch_brings_the_new_weights_and_a_commit_the_old(hub, tmp_path):
    module = backbone()
    Pretrained(module, "speech/ecapa")
    second = upload(hub, tmp_path / "two", seed=2)
    Pretrained(module, "speech/ecapa")
    assert equal(module, tmp_path / "two")
    Pretrained(module, "speech/ecapa", revision=hub.first)
    assert equal(module, tmp_path / "one")
    hub.repositories["model", "speech/ecapa"].tags["v2"] = second
    Pretrained(module, "speech/ecapa", revision="v2")
    assert equal(module, tmp_path / "two")


def test_offline_the_cache_serves(hub, tmp_path, monkeypatch):
    find_weights("speech/ecapa")
    asked = len(hub.log)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for revision in (None, hub.first):
        module = backbone()
        Pretrained(module, "speech/ecapa", revision)
        assert equal(module, tmp_path / "one")
    assert len(hub.log) == asked
    with pytest.raises(InputError, match=r"speech/other .*: the Hub cannot be reached, and the cache does not hold it"):
        find_weights("speech/other")
    next((tmp_path / "hf" / "hub").glob("models--*/snapshots/*/" + NAME)).unlink()
    with pytest.raises(InputError, match=r"speech/ecapa .*: the Hub cannot be reached, and the cache does not hold"):
        find_weights("speech/ecapa")


def test_a_server_that_is_down_is_no_matter_once_the_cache_is_warm(hub, tmp_path, monkeypatch):
    find_weights("speech/ecapa")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert find_weights("speech/ecapa").commit == hub.first
    with pytest.raises(InputError, match="the Hub cannot be reached"):
        find_weights("speech/other")


def test_a_private_repository_needs_a_login(hub, tmp_path, monkeypatch):
    hub.create("model", "user/hidden", private=True)
    upload(hub, tmp_path / "hidden", seed=3, repository="user/hidden")
    monkeypatch.setenv("HF_TOKEN", "")
    with pytest.raises(InputError, match=r"user/hidden .*: the Hub has no such repository, or a private one; .*login"):
        find_weights("user/hidden")
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    module = backbone()
    Pretrained(module, "user/hidden")
    assert equal(module, tmp_path / "hidden")


def test_what_is_not_there(hub, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"speech/none .*: the Hub has no such repository, or a private one"):
        find_weights("speech/none")
    with pytest.raises(InputError, match="the repository has no such commit, tag or branch; correct `revision`"):
        find_weights("speech/ecapa", "v9")
    hub.repositories["model", "speech/ecapa"].gated = True
    with pytest.raises(
        InputError, match=r"speech/ecapa .*: access is granted on request; ask for it on the repository"
    ):
        find_weights("speech/ecapa")
    hub.repositories["model", "speech/ecapa"].gated = False
    hub.create("model", "speech/empty", private=False)
    with pytest.raises(InputError, match=r"speech/empty: commit \w{40} holds none of embedding_model\.ckpt"):
        find_weights("speech/empty")
    with pytest.raises(InputError, match="is a local folder, which has no revisions"):
        find_weights(tmp_path, "v1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speech" / "ecapa").mkdir(parents=True)
    with pytest.raises(InputError, match=r"the folder holds none of .*if you mean the Hub repository, run in another"):
        find_weights("speech/ecapa")


def test_a_folder_whose_file_has_changed(tmp_path):
    origin = find_weights(speaker_model(tmp_path / "one", seed=1))
    assert origin.commit is None
    speaker_model(tmp_path / "one", seed=2)
    with pytest.raises(InputError, match="has changed since a model was initialised from it"):
        origin.load()
    shutil.rmtree(tmp_path / "one")
    with pytest.raises(InputError, match="does not exist any more, and a model needs it"):
        origin.load()


def renamed(change):
    return lambda weights: {change(name): tensor for name, tensor in weights.items()}


BAD = {
    "a prefix": (renamed(lambda name: f"module.{name}"), "all names begin with `module.`; save the state of the model"),
    "another prefix on some": (
        renamed(lambda name: name.replace("mfa.", "mf.")), r"it lacks mfa\.conv\.conv\.weight, .*; has unexpected mf\.",
    ),
    "a missing tensor": (
        lambda weights: {n: t for n, t in weights.items() if n != "asp_bn.norm.running_var"},
        r"it lacks asp_bn\.norm\.running_var; choose the `backbone`",
    ),
    "a tensor more": (lambda weights: weights | {"x": torch.ones(1)}, "it has unexpected x;"),
    "another shape": (
        lambda weights: weights | {"fc.conv.weight": torch.ones(13, 16, 1)},
        r"has another shape of fc\.conv\.weight \(\(13, 16, 1\) instead of \(12, 16, 1\)\)",
    ),
    "NaN": (
        lambda weights: weights | {"fc.conv.bias": torch.full((12,), torch.nan)},
        r"holds NaN or infinity in fc\.conv\.bias",
    ),
    "a list": (lambda weights: list(weights.values()), "must hold tensors by name"),
    "more than tensors": (lambda weights: nn.Linear(1, 1), "holds more than tensors, or is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_weights_that_do_not_fit_stop_the_run_and_change_nothing(kind, tmp_path):
    change, message = BAD[kind]
    path = speaker_model(tmp_path, seed=1) / NAME
    torch.save(change(torch.load(path)), path)
    module = backbone()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(InputError, match=message):
        Pretrained(module, tmp_path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_many_names_are_cut_short():
    with pytest.raises(InputError, match=r"it lacks .*, .*, .*, .*, \S+ and 2 more; has unexpected x;"):
        fill(nn.LSTM(1, 1, bidirectional=True), {"x": torch.ones(1), "weight_ih_l0": torch.ones(4, 1)}, "it")


ORIGIN = {"source": "a/b", "commit": None, "file": "c", "sha256": "d"}


@pytest.mark.parametrize("origin", [5, [1], {"source": "a"}, ORIGIN | {"file": None}, ORIGIN | {"source": "\x1b[2J"}])
def test_an_origin_of_other_types_is_refused(origin, tmp_path):
    content = {"origin": ORIGIN, "complete": True, "tensors": {"weight": torch.ones(1)}}
    torch.save(content, tmp_path / "backbone.ckpt")
    assert Saved.load(tmp_path / "backbone.ckpt").origin == Origin(**ORIGIN)
    torch.save(content | {"origin": origin}, tmp_path / "backbone.ckpt")
    with pytest.raises(InputError, match=r"backbone\.ckpt: `origin` must hold") as caught:
        Saved.load(tmp_path / "backbone.ckpt")
    assert str(caught.value).isprintable()


def test_a_plain_state_is_complete(tmp_path):
    torch.save({"weight": torch.ones(1)}, tmp_path / "backbone.ckpt")
    assert Saved.load(tmp_path / "backbone.ckpt") == Saved(None, True, {"weight": torch.ones(1)})
