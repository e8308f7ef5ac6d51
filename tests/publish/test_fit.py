"""Nothing but the files of a folder itself is published: no links, no other places, no secrets, no damaged files."""

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.publish.bundle import make_bundle
from nmr_speech.publish.card import SHAPE, read_results, write_card
from nmr_speech.publish.commands import publish_bundle, publish_data
from nmr_speech.publish.fit import own_file, refuse_unfit
from nmr_speech.publish.speaker_model import FILES as SPEAKER_MODEL
from nmr_speech.publish.upload import Target, publish
from nmr_speech.reading import read_json

TARGET = Target("user/spectra", kind="dataset")
TOKEN = "hf_" + 34 * "a"  # of no account


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "data"
    build_dataset(folder, DatasetPlan(1986, ["GLY"], 3))
    return folder


@pytest.fixture
def data(made, tmp_path):
    (tmp_path / "secret.txt").write_text("PASSWORD=correcthorse")
    shutil.copy(next(made.rglob("*.wav")), tmp_path / "other.wav")
    return Path(shutil.copytree(made, tmp_path / "data"))


def first(data):
    """Return the recording that test.csv lists."""
    return next(path for path in data.rglob("*.wav") if path.stem in (data / "test.csv").read_text())


def linked(path, target):
    path.unlink()
    path.symlink_to(target)


def list_as(name):
    """Let the manifest list another path."""

    def change(data):
        wav = f"$data_root/{first(data).relative_to(data).as_posix()}"
        manifest = data / "test.csv"
        manifest.write_text(manifest.read_text().replace(wav, name))

    return change


def link_folder(data):
    shutil.move(data / "wav", data.parent / "wav")
    (data / "wav").symlink_to(data.parent / "wav")


def put(name, content):
    def change(data):
        path = first(data) if name == "wav" else data / name
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return change


def pipe(data):
    path = first(data)
    path.unlink()
    os.mkfifo(path)


OUTSIDE = {
    "a link to a secret": (lambda data: linked(first(data), data.parent / "secret.txt"), "is a link"),
    "a link to a recording": (lambda data: linked(first(data), data.parent / "other.wav"), "is a link"),
    "a link inside": (
        lambda data: linked(first(data), max(data.rglob("*.wav"), key=lambda path: path != first(data))), "is a link",
    ),
    "a dead link": (lambda data: linked(first(data), "nowhere"), "is missing"),
    "a linked folder": (link_folder, "wav is a link"),
    "a linked manifest": (lambda data: linked(data / "test.csv", data.parent / "secret.txt"), r"test\.csv is a link"),
    "a linked description": (lambda data: linked(data / "dataset.json", data.parent / "other.wav"), r"json is a link"),
    "a hidden file": (list_as("$data_root/.env"), "is missing"),
    "up and out": (list_as("$data_root/../secret.txt"), "lie in this folder"),
    "down, up and out": (list_as("$data_root/wav/../../secret.txt"), "lie in this folder"),
    "nothing between": (list_as("$data_root//etc/hostname"), "'/etc/hostname' does not lie in this folder"),
    "a dot": (list_as("$data_root/./dataset.json"), "does not lie in this folder"),
    "backslashes": (list_as("$data_root/wav\\..\\secret.txt"), "is missing"),
    "no root": (list_as("wav/GLY.wav"), r"must begin with \$data_root"),
    "the description as a recording": (list_as("$data_root/dataset.json"), "'dataset.json' is not a recording"),
    "a text as a recording": (put("wav", b"machine example.com"), "cannot be read as audio"),
    "a secret after the sound": (put("wav", lambda content: content + TOKEN.encode()), "seems to hold a secret"),
    "a pipe": (pipe, "must be a file"),
    "a secret in a manifest": (
        put("test.csv", lambda content: content.replace(b"GLY,", TOKEN.encode() + b",")), "csv seems to hold a secret",
    ),
    "a secret in the description": (
        put("dataset.json", lambda content: content.replace(b"{", b'{"api_key": "abcdefgh1234",', 1)), "hold a secret",
    ),
    "a description of nothing": (put("dataset.json", b""), r"dataset\.json: not valid JSON"),
    "a description that is a list": (put("dataset.json", b"[]"), r"dataset\.json: the file must be a mapping"),
    "a description without keys": (put("dataset.json", b"{}"), r"dataset\.json: the key `parameters` is missing"),
    "a description of 400 digits": (
        put("dataset.json", lambda content: content.replace(b"1986", b"1" + 400 * b"0")), "number of 401 digits",
    ),
    "a description with escapes": (
        put("dataset.json", lambda content: content.replace(b'"h2o"', b'"\\u001b[2J"')), "`condition` must be one of",
    ),
    "a description in Latin-1": (put("dataset.json", b'{"a": "\xe9"}'), "must be text in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("kind", OUTSIDE)
def test_a_data_set_is_published_from_its_folder_alone(kind, data, lfs_hub):
    change, message = OUTSIDE[kind]
    change(data)
    with pytest.raises(InputError, match=message) as caught:
        publish_data(data, TARGET, say=lambda _: None)
    assert lfs_hub.log == []
    assert "correcthorse" not in str(caught.value)


def test_a_link_to_the_data_folder_itself_is_no_matter(data, lfs_hub):
    (data.parent / "link").symlink_to(data)
    (data / ".env").write_text("PASSWORD=correcthorse")
    (data / "notes.txt").write_text("not mine to show")
    assert publish_data(data.parent / "link", TARGET, say=lambda _: None)
    repository = lfs_hub.repositories["dataset", "user/spectra"]
    names = set(repository.commits[repository.branches["main"]])
    assert not names & {".env", "notes.txt"}
    assert sum(name.endswith(".wav") for name in names) == 3


MODEL = {
    "a linked picture": (lambda at: (at / "confusion.png").symlink_to("/etc/hostname"), r"confusion\.png is a link"),
    "a text as a picture": (lambda at: (at / "confusion.png").write_text("machine"), r"confusion\.png is not a PNG"),
    "a linked log": (lambda at: linked(at / "train_log.txt", "/etc/hostname"), r"train_log\.txt is a link"),
    "a folder as a log": (
        lambda at: ((at / "train_log.txt").unlink(), (at / "train_log.txt").mkdir()), r"train_log\.txt must be a file",
    ),
    "linked results": (lambda at: linked(at / "results.json", at.parent / "r.json"), r"results\.json is a link"),
    "linked settings": (lambda at: linked(at / "hyperparams.yaml", at.parent / "h.yaml"), r"params\.yaml is a link"),
    "linked weights": (
        lambda at: linked(next(at.rglob("backbone.ckpt")), at.parent / "w.ckpt"), r"1/backbone\.ckpt is a link",
    ),
    "linked checkpoints": (
        lambda at: (shutil.move(at / "save", at.parent / "save"), (at / "save").symlink_to(at.parent / "save")),
        "save is a link",
    ),
    "a secret in the log": (lambda at: (at / "train_log.txt").write_text(f"token {TOKEN}"), "seems to hold a secret"),
    "a password in a table": (lambda at: (at / "per_class.md").write_text("db_password: hunter2hunter2"), "a secret"),
    "a netrc": (lambda at: (at / "per_class.md").write_text("machine a.org login me password x"), "hold a secret"),
    "a log that is no text": (lambda at: (at / "train_log.txt").write_bytes(b"\xff\xfe"), r"must be text in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODEL)
def test_a_model_is_published_from_its_folder_alone(kind, results):
    for name, source in (
        ("r.json", "results.json"),
        ("h.yaml", "hyperparams.yaml"),
        ("w.ckpt", "save/CKPT+1/backbone.ckpt"),
    ):
        shutil.copy(results / source, results.parent / name)
    change, message = MODEL[kind]
    change(results)
    with pytest.raises(InputError, match=message):
        make_bundle(results, results.parent / "bundle", "user/amino")


@pytest.mark.parametrize("name", ["README.md", "code.py", "sub/weights.ckpt", "confusion.png"])
def test_a_bundle_with_a_link_is_not_published(name, bundle_copy, lfs_hub):
    (bundle_copy / name).parent.mkdir(exist_ok=True)
    (bundle_copy / name).unlink(missing_ok=True)
    (bundle_copy / name).symlink_to("/etc/hostname")
    with pytest.raises(InputError, match=rf"{name} is a link"):
        publish_bundle(bundle_copy, Target("user/amino"), say=lambda _: None)
    (bundle_copy / name).unlink()
    (bundle_copy / "code.py").write_text("")
    with pytest.raises(InputError, match=r"code\.py is not part of a bundle"):
        publish_bundle(bundle_copy, Target("user/amino"), say=lambda _: None)
    assert lfs_hub.log == []


def test_no_upload_at_all_follows_a_link(tmp_path, lfs_hub):
    (tmp_path / "LICENSE").symlink_to("/etc/hostname")
    with pytest.raises(InputError, match="must be a file, not a link"):
        publish({"LICENSE": tmp_path / "LICENSE", "README.md": b""}, Target("user/amino"), lambda _: None)
    assert lfs_hub.log == []


def test_a_speaker_model_consists_of_its_files_alone(tmp_path):
    (tmp_path / ".netrc").write_text("")
    with pytest.raises(InputError, match=r"\.netrc is not part of a bundle"):
        refuse_unfit(tmp_path, [".netrc"], SPEAKER_MODEL)


RESULTS = {
    "nothing": b"", "a list": b"[]", "half": b'{"test": {', "not UTF-8": b"\xff{}", "nested": b"[" * 10**5,
    "null": b"null", "no keys": b"{}", "a number": b"5", "a number of 400 digits": b'{"seed": 1' + 400 * b"0" + b"}",
    "a huge number": b'{"seed": 1e999}',
}  # fmt: skip


@pytest.mark.parametrize("kind", RESULTS)
def test_results_that_cannot_be_read(kind, results):
    (results / "results.json").write_bytes(RESULTS[kind])
    with pytest.raises(InputError, match=r"results\.json: ") as caught:
        make_bundle(results, results.parent / "bundle", "user/amino")
    assert len(str(caught.value)) < 500


def paths_of(content, path=()):
    if isinstance(content, dict):
        for key, value in content.items():
            yield (*path, key)
            yield from paths_of(value, (*path, key))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_any_change_of_the_results_gives_a_card_or_one_sentence(draw, bundled, tmp_path):
    """Also a key that is gone, and any value in place of another."""
    content = json.loads((bundled / "results.json").read_text())
    *way, last = draw.draw(st.sampled_from(sorted(paths_of(content))))
    inner = content
    for key in way:
        inner = inner[key]
    if draw.draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = draw.draw(JSON)
    (tmp_path / "results.json").write_text(json.dumps(content))
    model = {"labels": ["ALA", "GLY"], "frontend": "MelFrontEnd", "backbone": "ECAPA_TDNN"}
    if one_sentence(lambda: read_results(tmp_path)):
        write_card(tmp_path, "user/amino", model)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_results_or_one_sentence(content, tmp_path):
    (tmp_path / "results.json").write_bytes(content)
    one_sentence(lambda: read_json(tmp_path / "results.json", SHAPE))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=20) | st.lists(st.sampled_from(["..", ".", "", "wav", "a.wav", "/"])).map("/".join))
def test_no_name_leads_out_of_the_folder(name, tmp_path):
    (tmp_path / "in" / "wav").mkdir(parents=True, exist_ok=True)
    for place in (tmp_path, tmp_path / "in", tmp_path / "in" / "wav"):
        (place / "a.wav").write_bytes(b"")
    if found := one_sentence(lambda: own_file(tmp_path / "in", name)):
        assert found.resolve().is_relative_to(tmp_path / "in")


def one_sentence(call):
    try:
        return call()
    except InputError as error:
        sentence = str(error)
    assert sentence.isprintable()
    assert len(sentence) < 700
    return None
