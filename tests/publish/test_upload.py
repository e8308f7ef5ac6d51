"""What is refused before the first byte, what a dry run leaves alone, and what an interruption costs."""

import re
from collections import Counter

import pytest
from huggingface_hub import HfApi, constants

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.hub.fetch import locate
from nmr_speech.publish import bundle, upload
from nmr_speech.publish.commands import publish_bundle, publish_model
from tests.fixtures import READER, STRANGER, files_of

CARD = b'---\nlicense: apache-2.0\n---\nrepository, revision = "user/amino", "main"\n'
FILES = {
    "README.md": CARD, "LICENSE": b"Apache", "train_log.txt": b"epoch: 1\n", "hyperparams.yaml": b"residues: [GLY]\n",
    "backbone.ckpt": bytes(range(256)), "frontend.ckpt": bytes(1000),
}  # fmt: skip
"""Small files that the Hub keeps in both of its ways, as text and as large files."""
CHANGED = FILES | {"train_log.txt": b"epoch: 2\n"}


def quiet(_):
    """Take the report and say nothing."""


def publish(files=FILES, repository="user/amino", *, dry_run=False, say=quiet, **settings):
    """Publish; what arrived is checked as for a bundle, but for the model."""

    def load_back(revision):
        folder, _ = locate(repository, revision, list(files))
        assert {name: content for name, content in files_of(folder).items() if name != "README.md"} == {
            name: content for name, content in files.items() if name != "README.md"
        }

    return upload.publish(files, upload.Target(repository, **settings), load_back, say, dry_run)


def test_a_dry_run_lists_what_would_change_and_changes_nothing(hub):
    lines = []
    publish(dry_run=True, say=lines.append)
    assert "new      frontend.ckpt" in lines
    assert re.fullmatch(r"to upload: 6 files, \d+ bytes", lines[-1])
    assert hub.writes() == []
    assert hub.repositories == {}

    publish()
    lines.clear()
    publish(dry_run=True, say=lines.append)
    assert "to upload: 0 files, 0 bytes" in lines
    hub.add("user/amino", {"notes.txt": b"by hand"})
    written = len(hub.writes())
    lines.clear()
    publish(CHANGED, dry_run=True, say=lines.append)
    assert "changed  train_log.txt" in lines
    assert "same     backbone.ckpt" in lines
    assert "stays    notes.txt (on the Hub alone)" in lines
    assert len(hub.writes()) == written


def test_a_second_run_uploads_nothing_and_a_changed_model_only_what_changed(hub):
    first = publish()
    written = len(hub.writes())
    assert publish() == first
    assert len(hub.writes()) == written
    assert publish(tag="v1.0") == first
    assert [path.split("/")[-2] for _, path in hub.writes()[written:]] == ["tag"]

    second = publish(CHANGED)
    model, card = (hub.repositories["model", "user/amino"].commits[commit] for commit in (first, second))
    assert {name for name in card if card[name] != model.get(name)} == {"train_log.txt", "README.md"}
    assert HfApi().list_repo_refs("user/amino").tags[0].target_commit == first


def test_a_repository_of_an_organisation_a_private_one_and_a_branch(lfs_hub):
    publish(repository="group/amino", private=True)
    assert lfs_hub.repositories["model", "group/amino"].private
    commit = publish(repository="group/amino", revision="next")
    assert locate("group/amino", "next", ["LICENSE"])[1] == commit
    assert lfs_hub.repositories["model", "group/amino"].branches["main"] != commit


def test_a_proposal(hub):
    hub.create("model", "other/amino", private=False)
    before = hub.repositories["model", "other/amino"].branches["main"]
    said = []
    assert publish(repository="other/amino", create_pr=True, say=said.append) is None
    assert said[-1] == f"proposed: {hub.url}/other/amino/discussions/1"
    assert hub.repositories["model", "other/amino"].branches["main"] == before
    assert files_of(locate("other/amino", "refs/pr/1", list(FILES))[0]).keys() == FILES.keys()


def test_an_interrupted_upload_is_resumed(lfs_hub):
    sent = lambda: [path.split("?")[0] for method, path in lfs_hub.log if method == "PUT"]  # noqa: E731
    lfs_hub.fail("POST", r"/commit/main", status=500, times=1)
    with pytest.raises(InputError, match=r"user/amino: the Hub's client gave up .*; files that have arrived"):
        publish(tag="v1.0")
    before = sent()
    assert before
    assert lfs_hub.repositories["model", "user/amino"].tags == {}
    publish(tag="v1.0")
    assert sent() == before  # all was there, only the commit was not
    assert "v1.0" in lfs_hub.repositories["model", "user/amino"].tags


def test_a_file_that_did_not_arrive_is_the_only_one_sent_again(lfs_hub):
    lfs_hub.fail("PUT", "", status=403, times=1)
    with pytest.raises(InputError, match=r"user/amino: the Hub's client gave up .*; files that have arrived"):
        publish()
    publish()
    puts = Counter(path.split("?")[0] for method, path in lfs_hub.log if method == "PUT")
    assert sorted(puts.values()) == [1, 2]


def test_an_upload_cut_between_commits_is_resumed(hub, monkeypatch):
    monkeypatch.setattr(upload, "FILES_PER_COMMIT", 2)
    whole = upload._commit

    def cut(files, *arguments):
        if "hyperparams.yaml" in files:
            raise ConnectionError("the line went dead")
        return whole(files, *arguments)

    monkeypatch.setattr(upload, "_commit", cut)
    with pytest.raises(InputError, match=r"gave up \(the line went dead\)"):
        publish()
    assert "README.md" not in HfApi().list_repo_files("user/amino")
    monkeypatch.setattr(upload, "_commit", whole)
    publish()
    assert {*FILES} <= {*HfApi().list_repo_files("user/amino")}


def test_interrupted_before_the_card_is_pinned_or_the_tag_is_given(lfs_hub, monkeypatch):
    for step in ("_pin_card", "_tags"):
        with monkeypatch.context() as broken:
            broken.setattr(upload, step, lambda *_: (_ for _ in ()).throw(ConnectionError("cut")))
            with pytest.raises(InputError, match="cut"):
                publish(tag="v1.0")
    commit = publish(tag="v1.0")
    assert lfs_hub.repositories["model", "user/amino"].tags == {"v1.0": commit}
    assert publish(tag="v1.0") == commit


def test_a_model_that_comes_back_changed_is_not_tagged(lfs_hub, bundled, monkeypatch):
    whole = upload._upload

    def and_then_another(files, found, target, say):
        whole(files, found, target, say)
        return lfs_hub.add("user/amino", {"train_log.txt": b"other"})

    monkeypatch.setattr(upload, "_upload", and_then_another)
    with pytest.raises(InputError, match=r"user/amino: train_log\.txt came back changed"):
        publish_bundle(bundled, upload.Target("user/amino", tag="v1.0"), say=quiet)
    assert lfs_hub.repositories["model", "user/amino"].tags == {}


def test_somebody_else_changes_the_repository_meanwhile(lfs_hub, monkeypatch):
    publish()
    whole = upload._upload

    def after_another(*arguments):
        lfs_hub.add("user/amino", {"notes.txt": b"meanwhile"})
        return whole(*arguments)

    monkeypatch.setattr(upload, "_upload", after_another)
    with pytest.raises(InputError, match="somebody else has changed the repository meanwhile; run the same command"):
        publish(CHANGED)


def test_tags_do_not_move(lfs_hub):
    commit = publish(tag="v1.0")
    written = len(lfs_hub.writes())
    with pytest.raises(InputError, match=f"the tag v1.0 exists at commit {commit} and is never moved; give another"):
        publish(CHANGED, tag="v1.0")
    assert len(lfs_hub.writes()) == written
    assert publish(CHANGED, tag="v1.1") != commit


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
def test_refused_before_the_first_byte(kind, lfs_hub, monkeypatch):
    environment, repository, settings, message = BAD[kind]
    lfs_hub.create("model", "user/there", private=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message):
        publish(repository=repository, **settings)
    assert lfs_hub.writes() == []


def test_a_card_that_the_hub_refuses(lfs_hub):
    with pytest.raises(InputError, match=r'user/amino: the Hub does not accept the card \("license" must be one of'):
        publish(FILES | {"README.md": b"---\nlicense: x\n---\n"})
    assert lfs_hub.writes() == []


def test_a_hub_without_xet(lfs_hub, bundled, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with pytest.raises(InputError, match="this Hub has no Xet storage; set HF_HUB_DISABLE_XET=1"):
        publish_bundle(bundled, upload.Target("user/amino"), say=quiet)


def test_no_hub_at_all(lfs_hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="user/amino: the Hub cannot be reached"):
        publish()


UNFIT = {
    "a secret": ("train_log.txt", "token hf_" + "a" * 30, r"train_log\.txt seems to hold a secret"),
    "a key": ("train_log.txt", "-----BEGIN OPENSSH PRIVATE KEY-----", "seems to hold a secret"),
    "a path": ("results.json", '{"where": "/home/me/data"}', r"results\.json holds the local path /home/me/data"),
    "a path of Windows": ("train_log.txt", r"C:\Users\me\data", r"the local path C:\\Users\\me\\data"),
    "a home": ("train_log.txt", "saved to ~/nmr", "the local path ~/n"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_is_not_fit_to_be_seen(kind, bundle_copy):
    name, text, message = UNFIT[kind]
    (bundle_copy / name).write_text(text)
    with pytest.raises(InputError, match=f"not fit to be published: .*{message}"):
        bundle.check_bundle(bundle_copy)


def test_an_unfit_result_is_refused_before_the_hub_is_asked(lfs_hub, results):
    (results / "train_log.txt").write_text("token hf_" + "a" * 30)
    with pytest.raises(InputError, match="not fit to be published"):
        publish_model(results, upload.Target("user/amino"), say=quiet)
    assert lfs_hub.log == []


def test_nothing_but_the_parts_of_a_bundle(bundle_copy):
    assert not any("optimizer" in path.name for path in bundle_copy.iterdir())
    for name in ("optimizer.ckpt", "custom.py", "CKPT.yaml"):
        (bundle_copy / name).write_text("")
        with pytest.raises(InputError, match=f"{name} is not part of a bundle"):
            bundle.check_bundle(bundle_copy)
        (bundle_copy / name).unlink()
    (bundle_copy / "frontend.ckpt").write_bytes((bundle_copy / "backbone.ckpt").read_bytes())
    with pytest.raises(InputError, match=r"frontend\.ckpt and frontend\.safetensors must hold the same weights"):
        bundle.check_bundle(bundle_copy)


def test_no_path_of_this_machine_is_left(bundled):
    training = (bundled / "training.yaml").read_text()
    assert "data_folder: data " in training
    assert "somebody" not in training
    for path in bundled.iterdir():
        assert str(bundled.parent).encode() not in path.read_bytes()


def test_a_results_folder_that_is_none(results, tmp_path):
    (results / "results.json").unlink()
    for folder in (results, tmp_path / "nowhere"):
        with pytest.raises(SystemExit, match=r"error: .*holds no results\.json; let the training recipe finish first"):
            main(["publish", str(folder), "user/amino"])
