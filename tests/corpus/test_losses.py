"""What a data set has lost since it was written."""

import shutil
from pathlib import Path

import pytest

from nmr_speech.checks import InputError
from nmr_speech.corpus import dataset
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.manifest import audio_path, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from tests.corpus.folders import PLAN, contents


def half_made(tmp_path, monkeypatch):
    """A data set that was stopped when all batches were made, but no manifest."""
    monkeypatch.setattr(dataset, "BATCH", {"cpu": 5})
    with monkeypatch.context() as stopped:
        stopped.setattr(dataset, "_complete", lambda *_: None)
        build_dataset(tmp_path / "again", PLAN)
    return tmp_path / "again"


def lose_a_row(part):
    part.write_text("".join(part.read_text().splitlines(keepends=True)[:-1]))


LOSSES = {
    "a row": lambda part, _: lose_a_row(part),
    "all rows": lambda part, _: part.write_text(part.read_text().splitlines()[0] + "\n"),
    "half a part": lambda part, _: part.write_bytes(part.read_bytes()[:200]),
    "bytes that are no text": lambda part, _: part.write_bytes(bytes(range(256))),
    "a recording": lambda _, audio: audio.unlink(),
    "half a recording": lambda _, audio: audio.write_bytes(audio.read_bytes()[:1000]),
    "the content of a recording": lambda _, audio: audio.write_bytes(b""),
    "another's rows": lambda part, _: part.write_text(part.read_text().replace("GLY", "SER")),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_what_a_half_made_data_set_has_lost_is_made_again(kind, built, tmp_path, monkeypatch):
    folder = half_made(tmp_path, monkeypatch)
    part = min((folder / "parts").glob("GLY*.csv"))
    LOSSES[kind](part, Path(audio_path(read_manifest(part)[1].wav, folder)))
    assert build_dataset(folder, PLAN) == 5
    assert contents(folder).keys() == contents(built).keys()


def test_what_is_lost_while_it_is_completed_is_refused(tmp_path, monkeypatch):
    complete = dataset._complete

    def lose(batches, share):
        lose_a_row(batches.part(0))
        complete(batches, share)

    monkeypatch.setattr(dataset, "_complete", lose)
    with pytest.raises(InputError, match=r"parts/GLY_00000_10\.csv: lacks recordings, .*; rerun the command"):
        build_dataset(tmp_path / "d", PLAN)
    assert not (tmp_path / "d" / "dataset.json").exists()
    monkeypatch.undo()
    assert build_dataset(tmp_path / "d", PLAN) == 10


@pytest.mark.parametrize("audio_format", ["wav", "flac"])
def test_what_a_complete_data_set_has_lost_is_named(audio_format, tmp_path):
    plan = DatasetPlan(5, ["GLY"], 5, audio_format=audio_format)
    folder = tmp_path / "d"
    build_dataset(folder, plan)
    row = read_manifest(folder / "train.csv")[1]
    audio, content = Path(audio_path(row.wav, folder)), (folder / "train.csv").read_text()
    before = audio.read_bytes()
    audio.write_bytes(before[: len(before) // 2] if audio_format == "wav" else b"")
    with pytest.raises(InputError, match=rf"train\.csv, row 3 \({row.ID}\): .*; remove .* and rerun the command"):
        build_dataset(folder, plan)
    audio.write_bytes(before)
    lose_a_row(folder / "train.csv")
    with pytest.raises(InputError, match=r"train\.csv: lacks 1 of 3 recordings, such as GLY_\d+; remove"):
        build_dataset(folder, plan)
    (folder / "train.csv").write_text(content + content.splitlines()[1].replace("GLY_", "GLX_", 1) + "\n")
    with pytest.raises(InputError, match=r"train\.csv: lists 4 recordings instead of 3"):
        build_dataset(folder, plan)


def test_a_kill_after_the_last_file_leaves_nothing_behind(built, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(built, folder)
    (folder / "parts").mkdir()
    (folder / "parts" / "GLY_00000_10.csv").write_text("")
    (folder / "parts" / ".GLY_00000_10.csv.x3k.unfinished").write_text("")
    shutil.copy(folder / "dataset.json", folder / "dataset.under_way.json")
    assert build_dataset(folder, PLAN) == 0
    assert contents(folder) == contents(built)
