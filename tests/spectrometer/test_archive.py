"""Uploaded archives: read like the folder in them, or refused; nothing is written where the archive says."""

import io
import shutil
import stat
import zipfile

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.spectrometer import archive, read_experiment
from nmr_speech.spectrometer.archive import unpack
from tests.spectrometer.writers import WRITERS, damage, rows_of, t1_fine, write_bruker


@pytest.fixture(scope="module")
def rows():
    return rows_of(t1_fine(12, n_points=64), "states")


@pytest.fixture(scope="module")
def bruker(rows, tmp_path_factory):
    return write_bruker(tmp_path_factory.mktemp("bruker") / "2", rows, "states")


def pack(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def members_of(folder, prefix=""):
    return [(f"{prefix}{file.relative_to(folder)}", file.read_bytes()) for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("depth", ["", "valine/", "data/nmr/valine/2/"])
@pytest.mark.parametrize("form", WRITERS)
def test_an_archive_reads_as_what_was_packed(form, depth, rows, tmp_path):
    path = WRITERS[form](tmp_path / "one", rows, "states")
    members = [(f"{depth}one", path.read_bytes())] if path.is_file() else members_of(path, depth)
    packed = pack(tmp_path / "one.zip", [*members, (f"{depth}.DS_Store", b"x"), (f"__MACOSX/{depth}._ser", b"x")])
    experiment, expected = read_experiment(packed), read_experiment(path)
    assert torch.equal(experiment.fid, expected.fid)
    assert experiment.steps == expected.steps
    assert experiment.source == str(packed)


@pytest.mark.parametrize("prefix", ["../../", "/", "C:\\", "a/../../", "..\\..\\"])
def test_no_path_of_the_archive_is_followed(prefix, bruker, tmp_path):
    packed = pack(tmp_path / "a.zip", [*members_of(bruker, prefix), (f"{prefix}evil", b"x"), ("pdata/evil", b"x")])
    out = tmp_path / "deep" / "out"
    before = set(tmp_path.rglob("*"))
    assert unpack(packed, out) == out
    written = set(tmp_path.rglob("*")) - before - {out, out.parent}
    assert written == {out / name for name in ("ser", "acqus", "acqu2s")}


def bomb(bruker):
    return [(name, content if name != "ser" else bytes(2**21)) for name, content in members_of(bruker)]


def linked(path, bruker):
    pack(path, [one for one in members_of(bruker) if one[0] != "ser"])
    with zipfile.ZipFile(path, "a") as packed:
        link = zipfile.ZipInfo("ser")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")


def encrypted(path, bruker):
    content = pack(path, members_of(bruker)).read_bytes()
    spoiled = bytearray(content)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (found := content.find(mark, start)) >= 0:
            spoiled[found + at] |= 1
            start = found + 4
    path.write_bytes(bytes(spoiled))


def twice(path, bruker):
    pack(path, members_of(bruker, "1/") + members_of(bruker, "2/"))


def two_files(path, _):
    header = np.array([0, 0, 2.345] + 509 * [0], dtype="<f4").tobytes()
    pack(path, [("b.fid", header), ("a.fid", header), ("notes.txt", b"x")])


BAD = {
    "unpacks to more than 1 MiB": lambda path, bruker: pack(path, bomb(bruker)),
    "'ser' is a link": linked,
    "without a password": encrypted,
    "must hold one 2D experiment, got 1/, 2/": twice,
    "must hold one 2D experiment, got a.fid, b.fid": two_files,
    "at most 40 files, got 41": lambda path, _: pack(path, [(f"{n}", b"") for n in range(41)]),
    "holds no 2D experiment": lambda path, _: pack(path, [("fid", b"1" * 4000), ("acqus", b"##END=")]),
    "at most 1 MiB; pack": lambda path, _: path.write_bytes(bytes(2**20 + 1)),
    "cannot be unpacked": lambda path, _: path.write_bytes(b"PK\x03\x04 no archive"),
    "zip/acqu2s: no such file": lambda path, bruker: pack(path, [m for m in members_of(bruker) if m[0] != "acqu2s"]),
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_refused(message, bruker, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 2**20)
    monkeypatch.setattr(archive, "MOST_MEMBERS", 40)
    BAD[message](tmp_path / "a.zip", bruker)
    with pytest.raises(InputError, match=message):
        read_experiment(tmp_path / "a.zip")


def test_what_an_archive_says_of_its_sizes_is_not_believed(bruker, tmp_path, monkeypatch):
    """The directory says that the file is small; the budget counts what comes."""
    monkeypatch.setattr(archive, "MOST_BYTES", 2**20)
    content = bytearray(pack(tmp_path / "a.zip", bomb(bruker)).read_bytes())
    at = content.find((2**21).to_bytes(4, "little"))
    while at >= 0:
        content[at : at + 4] = (100).to_bytes(4, "little")
        at = content.find((2**21).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_experiment(tmp_path / "a.zip")


def test_damaged_archives_are_refused_or_read_but_never_crash(bruker, tmp_path):
    whole = pack(tmp_path / "whole.zip", members_of(bruker)).read_bytes()
    rng, outcomes = np.random.default_rng(0), {"refused": 0, "read": 0}
    for _ in range(100):
        (tmp_path / "a.zip").write_bytes(damage(whole, rng))
        try:
            read_experiment(tmp_path / "a.zip")
            outcomes["read"] += 1
        except InputError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 20
    assert zipfile.is_zipfile(io.BytesIO(whole))


def test_nothing_is_left_behind(bruker, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    packed = pack(tmp_path / "a.zip", members_of(bruker))
    read_experiment(packed)
    shutil.copy(packed, tmp_path / "b.zip")
    (tmp_path / "b.zip").write_bytes(packed.read_bytes()[:300])
    with pytest.raises(InputError):
        read_experiment(tmp_path / "b.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip"]
