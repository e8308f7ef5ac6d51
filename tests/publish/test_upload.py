"""What is refused before the first byte, what a dry run leaves alone, and what an interruption costs."""

import json
import re
from collections import Counter

import pytest
from huggingface_hub import HfApi, constants

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.publish import bundle, commands, upload
from tests.fixtures import READER, STRANGER, WRITER
from tests.publish.test_roundtrip import publish


def test_a_dry_run_lists_what_would_change_and_changes_nothing(hub, results, capsys):
    main(["publish", str(results), "user/amino", "--dry-run"])
    said = capsys.readouterr().out
    assert "new      frontend.safetensors" in said
    assert re.search(r"to upload: \d+ files, \d+ bytes", said)
    assert hub.writes() == []
    assert hub.repositories == {}

    publish(results)
    main(["publish", str(results), "user/amino", "--dry-run"])
    assert "to upload: 0 files, 0 bytes" in capsys.readouterr().out
    hub.add("user/amino", {"notes.txt": b"by hand"})
    (results / "train_log.txt").write_text("epoch: 2\n")
    written = len(hub.writes())
    main(["publish", str(results), "user/amino", "--dry-run"])
    said = capsys.readouterr().out
    assert "changed  train_log.txt" in said
    assert "same     backbone.ckpt" in said
    assert "stays    notes.txt (on the Hub alone)" in said
    assert len(hub.writes()) == written


def test_an_interrupted_upload_goes_on(lfs_hub, results):
    sent = lambda: [path.split("?")[0] for method, path in lfs_hub.log if method == "PUT"]  # noqa: E731
    lfs_hub.fail("POST", r"/commit/main", status=500, times=1)
    with pytest.raises(
        InputError, match=r"user/amino: the Hub's client gave up .*; files that have arrived are not sent twice"
    ):
        publish(results, tag="v1.0")
    before = sent()
    assert before
    assert lfs_hub.repositories["model", "user/amino"].tags == {}
    publish(results, tag="v1.0")
    assert sent() == before  # all was there, only the commit was not
    assert "v1.0" in lfs_hub.repositories["model", "user/amino"].tags


def test_a_file_that_did_not_arrive_is_the_only_one_sent_again(lfs_hub, results):
    lfs_hub.fail("PUT", "", status=403, times=1)
    with pytest.raises(
        InputError, match=r"user/amino: the Hub's client gave up .*; files that have arrived are not sent twice"
    ):
        publish(results)
    publish(results)
    puts = Counter(path.split("?")[0] for method, path in lfs_hub.log if method == "PUT")
    assert sorted(puts.values()) == [1, 1, 1, 1, 1, 1, 1, 2]


def test_an_upload_cut_between_commits_goes_on(hub, results, monkeypatch):
    monkeypatch.setattr(upload, "FILES_PER_COMMIT", 4)
    whole = upload._commit

    def cut(files, *arguments):
        if "hyperparams.yaml" in files:
            raise ConnectionError("the line went dead")
        return whole(files, *arguments)

    monkeypatch.setattr(upload, "_commit", cut)
    with pytest.raises(InputError, match=r"gave up \(the line went dead\)"):
        publish(results)
    monkeypatch.setattr(upload, "_commit", whole)
    publish(results)
    titles = HfApi().list_repo_files("user/amino")
    assert "README.md" in titles
    assert AminoAcidClassifier.from_hparams("user/amino").labels == ["ALA", "GLY"]


def test_interrupted_before_the_card_is_pinned_or_the_tag_is_given(lfs_hub, results, monkeypatch):
    for step in ("_pin_card", "_tags"):
        with monkeypatch.context() as broken:
            broken.setattr(upload, step, lambda *_: (_ for _ in ()).throw(ConnectionError("cut")))
            with pytest.raises(InputError, match="cut"):
                publish(results, tag="v1.0")
    commit = publish(results, tag="v1.0")
    assert lfs_hub.repositories["model", "user/amino"].tags == {"v1.0": commit}
    assert publish(results, tag="v1.0") == commit


def test_a_model_that_comes_back_changed_is_not_tagged(lfs_hub, results, monkeypatch):
    whole = upload._upload

    def and_then_another(files, found, target, say):
        whole(files, found, target, say)
        return lfs_hub.add("user/amino", {"train_log.txt": b"other"})

    monkeypatch.setattr(upload, "_upload", and_then_another)
    with pytest.raises(InputError, match=r"user/amino: train_log\.txt came back changed"):
        publish(results, tag="v1.0")
    assert lfs_hub.repositories["model", "user/amino"].tags == {}


def test_somebody_else_changes_the_repository_meanwhile(lfs_hub, results, monkeypatch):
    publish(results)
    (results / "train_log.txt").write_text("epoch: 2\n")
    whole = upload._upload

    def after_another(*arguments):
        lfs_hub.add("user/amino", {"notes.txt": b"meanwhile"})
        return whole(*arguments)

    monkeypatch.setattr(upload, "_upload", after_another)
    with pytest.raises(InputError, match="somebody else has changed the repository meanwhile; run the same command"):
        publish(results)


def test_tags_do_not_move(lfs_hub, results):
    commit = publish(results, tag="v1.0")
    (results / "train_log.txt").write_text("epoch: 2\n")
    written = len(lfs_hub.writes())
    with pytest.raises(InputError, match=f"the tag v1.0 exists at commit {commit} and is never moved; give another"):
        publish(results, tag="v1.0")
    assert len(lfs_hub.writes()) == written
    assert publish(results, tag="v1.1") != commit


BAD = {
    "not logged in": ({"HF_TOKEN": ""}, "user/amino", {}, "user/amino: not logged in; run `hf auth login`"),
    "a wrong token": ({"HF_TOKEN": "hf_wrong"}, "user/amino", {}, "user/amino: the Hub refuses the token"),
    "a token that reads": ({"HF_TOKEN": READER}, "user/amino", {}, "the token of user may only read"),
    "another's name": (
        {}, "other/amino", {}, "other/amino: user may create repositories of user and group, not of other",
    ),
    "another's repository": (
        {"HF_TOKEN": STRANGER}, "user/there", {}, "user/there: the token may not do this; create one with write access",
    ),
    "a public repository": ({}, "user/there", {"private": True}, "user/there: is public and stays public"),
    "a proposal to nobody": ({}, "user/none", {"create_pr": True}, "a proposal needs an existing repository"),
    "a tagged proposal": ({}, "user/there", {"create_pr": True, "tag": "v1"}, "a proposal cannot be tagged"),
    "no name": ({}, "amino", {}, "the repository must be user/name, got 'amino'"),
    "a forbidden name": ({}, "user/a..b", {}, "user/a..b: a repository is called user/name"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_refused_before_the_first_byte(kind, lfs_hub, results, monkeypatch):
    environment, repository, settings, message = BAD[kind]
    lfs_hub.create("model", "user/there", private=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message):
        publish(results, repository, **settings)
    assert lfs_hub.writes() == []


def test_a_card_that_the_hub_refuses(lfs_hub, results, monkeypatch):
    monkeypatch.setattr(
        bundle, "write_card", lambda folder, *_: (folder / "README.md").write_text("---\nlicense: x\n---\n")
    )
    with pytest.raises(InputError, match=r'user/amino: the Hub does not accept the card \("license" must be one of'):
        publish(results)
    assert lfs_hub.writes() == []


def test_a_hub_without_xet(lfs_hub, results, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with pytest.raises(InputError, match="this Hub has no Xet storage; set HF_HUB_DISABLE_XET=1"):
        publish(results)


def test_no_hub_at_all(lfs_hub, results, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="user/amino: the Hub cannot be reached"):
        publish(results)


UNFIT = {
    "a secret": ("train_log.txt", "token hf_" + "a" * 30, r"train_log\.txt seems to hold a secret"),
    "a key": ("train_log.txt", "-----BEGIN OPENSSH PRIVATE KEY-----", "seems to hold a secret"),
    "a path": ("results.json", None, r"results\.json holds the local path /home/me/data"),
    "a path of Windows": ("train_log.txt", r"C:\Users\me\data", r"the local path C:\\Users\\me\\data"),
    "a home": ("train_log.txt", "saved to ~/nmr", "the local path ~/n"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_is_not_fit_to_be_seen(kind, lfs_hub, results):
    name, text, message = UNFIT[kind]
    if text is None:
        text = json.dumps(json.loads((results / name).read_text()) | {"where": "/home/me/data"})
    (results / name).write_text(text)
    with pytest.raises(InputError, match=f"not fit to be published: .*{message}"):
        publish(results)
    assert lfs_hub.log == []


def test_nothing_but_the_parts_of_a_bundle(results, tmp_path):
    folder = tmp_path / "bundle"
    bundle.make_bundle(results, folder, "user/amino")
    assert not any("optimizer" in path.name for path in folder.iterdir())
    for name in ("optimizer.ckpt", "custom.py", "CKPT.yaml"):
        (folder / name).write_text("")
        with pytest.raises(InputError, match=f"{name} is not part of a bundle"):
            bundle.check_bundle(folder)
        (folder / name).unlink()
    (folder / "frontend.ckpt").write_bytes((folder / "backbone.ckpt").read_bytes())
    with pytest.raises(InputError, match=r"frontend\.ckpt and frontend\.safetensors must hold the same weights"):
        bundle.check_bundle(folder)


def test_no_path_of_this_machine_is_left(results, tmp_path):
    bundle.make_bundle(results, tmp_path / "bundle", "user/amino")
    training = (tmp_path / "bundle" / "training.yaml").read_text()
    assert "data_folder: data " in training
    assert "somebody" not in training
    for path in (tmp_path / "bundle").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()


def test_a_results_folder_that_is_none(results, tmp_path):
    (results / "results.json").unlink()
    with pytest.raises(InputError, match=r"holds no results\.json; let the training recipe finish first"):
        publish(results)
    with pytest.raises(SystemExit, match=r"error: .*nowhere: holds no results\.json"):
        main(["publish", str(tmp_path / "nowhere"), "user/amino"])


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


def test_revisions_offline_and_a_folder_in_the_way(lfs_hub, results, tmp_path, monkeypatch):
    commit = publish(results, private=True)
    with pytest.raises(InputError, match="the repository has no such commit, tag or branch; correct `revision`"):
        AminoAcidClassifier.from_hparams("user/amino", revision="v9")
    AminoAcidClassifier.from_hparams("user/amino", revision="main")
    asked = len(lfs_hub.log)
    AminoAcidClassifier.from_hparams("user/amino", revision=commit)
    assert len(lfs_hub.log) == asked  # a commit in the cache is not asked for again
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    AminoAcidClassifier.from_hparams("user/amino")
    with pytest.raises(InputError, match="the Hub cannot be reached, and the cache does not hold it"):
        AminoAcidClassifier.from_hparams("user/other")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user" / "amino").mkdir(parents=True)
    with pytest.raises(InputError, match=r"has no hyperparams\.yaml.*run in another folder than"):
        AminoAcidClassifier.from_hparams("user/amino")


def test_a_hub_that_is_down(lfs_hub, results, monkeypatch):
    commit = publish(results)
    AminoAcidClassifier.from_hparams("user/amino", revision=commit)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    AminoAcidClassifier.from_hparams("user/amino", revision=commit)  # the cache has it
    with pytest.raises(InputError, match=r"user/other \(no folder here\): the Hub cannot be reached"):
        AminoAcidClassifier.from_hparams("user/other")


def test_a_repository_that_lacks_weights(lfs_hub, results, tmp_path, monkeypatch):
    publish(results)
    there = lfs_hub.repositories["model", "user/amino"]
    pickled = there.commits[there.branches["main"]].pop("backbone.ckpt")
    del there.commits[there.branches["main"]]["backbone.safetensors"]
    with pytest.raises(InputError, match=r"backbone\.ckpt: not there"):
        AminoAcidClassifier.from_hparams("user/amino")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another"))
    there.commits[there.branches["main"]]["backbone.ckpt"] = pickled
    AminoAcidClassifier.from_hparams("user/amino")  # the pickled tensors serve
    assert commands.publish_model(results, upload.Target("user/amino"), say=lambda _: None)  # and it is repaired
    assert WRITER not in json.dumps(lfs_hub.log)
