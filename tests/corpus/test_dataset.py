"""A data set is made once, goes on after a kill, and is never mixed with another."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from nmr_speech.checks import InputError
from nmr_speech.corpus import dataset, read_wav, unstack_fid
from nmr_speech.corpus.dataset import DatasetPlan, build_dataset
from nmr_speech.corpus.manifest import audio_path, read_manifest
from nmr_speech.simulate import draw_recording

PLAN = DatasetPlan(seed=5, residues=["GLY", "SER"], recordings_per_residue=10)


def contents(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "built"
    assert build_dataset(folder, PLAN)
    return folder


def test_layout(built):
    assert {p.name for p in built.iterdir()} == {"wav", "train.csv", "valid.csv", "test.csv", "dataset.json"}
    assert [len(read_manifest(built / f"{split}.csv")) for split in ("train", "valid", "test")] == [14, 4, 2]
    description = json.loads((built / "dataset.json").read_text())
    assert description["parameters"]["experiment"]["mixing_time_s"] == 0.06
    assert description["parameters"]["residues"] == ["GLY", "SER"]
    assert len(description["content_hash"]) == 64


def test_every_recording_can_be_drawn_again(built):
    for row in read_manifest(built / "test.csv"):
        residue, index = row.ID.split("_")
        fid = unstack_fid(read_wav(audio_path(row.wav, built)), row.scale)
        again = draw_recording(residue, PLAN.seed, int(index)).fid
        assert (fid - again).abs().max() <= 1e-6 * again.abs().max()


def test_a_second_run_finds_it_done(built):
    before = {p: p.stat().st_mtime_ns for p in built.rglob("*")}
    assert not build_dataset(built, PLAN)
    assert {p: p.stat().st_mtime_ns for p in built.rglob("*")} == before


def test_a_folder_may_be_moved(built, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(built, moved)
    assert not build_dataset(moved, PLAN)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_and_batches_make_the_same_files(built, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(dataset, "BATCH", 3)
    build_dataset(tmp_path / "again", PLAN, workers=workers)
    assert contents(tmp_path / "again") == contents(built)


def test_an_interrupted_run_goes_on(built, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "BATCH", 2)
    made = []

    def stop_after_seven(*arguments, **keywords):
        if len(made) == 7:
            raise KeyboardInterrupt
        made.append(arguments)
        return draw_recording(*arguments, **keywords)

    monkeypatch.setattr(dataset, "draw_recording", stop_after_seven)
    with pytest.raises(KeyboardInterrupt):
        build_dataset(tmp_path / "again", PLAN)
    assert not (tmp_path / "again" / "dataset.json").exists()
    made.clear()
    monkeypatch.setattr(dataset, "draw_recording", lambda *a, **k: made.append(a) or draw_recording(*a, **k))
    build_dataset(tmp_path / "again", PLAN)
    assert len(made) == 20 - 6  # six were in whole batches
    assert contents(tmp_path / "again") == contents(built)


def test_a_killed_process_goes_on(built, tmp_path):
    folder = tmp_path / "again"
    program = (
        "from nmr_speech.corpus import dataset\ndataset.BATCH = 1\n"
        f"dataset.build_dataset({str(folder)!r}, dataset.DatasetPlan(5, ['GLY', 'SER'], 10), workers=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(folder.glob("parts/*.csv"))) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cut_off = folder / "wav" / "GLY" / ".GLY_00009.wav.x3k.unfinished"  # what a kill in the middle of a file leaves
    cut_off.parent.mkdir(exist_ok=True)
    cut_off.write_bytes(b"RIFF")
    build_dataset(folder, PLAN)
    assert contents(folder) == contents(built)


def test_another_plan_is_refused_and_nothing_touched(built, tmp_path):
    before = contents(built)
    other = DatasetPlan(seed=6, residues=["GLY", "SER"], recordings_per_residue=10, experiment={"mixing_time_s": 0.03})
    message = (
        r"dataset\.json: .*other parameters: `seed` is 5 there, 6 here; `experiment` is .*0.06.* there, .*0.03.* here"
    )
    with pytest.raises(InputError, match=message):
        build_dataset(built, other)
    assert contents(built) == before


def test_another_plan_is_refused_half_way(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "draw_recording", stop)
    with pytest.raises(KeyboardInterrupt):
        DatasetPlan(seed=5, residues=["GLY"])
    monkeypatch.undo()
    monkeypatch.setattr(dataset, "write_wav", stop)
    with pytest.raises(KeyboardInterrupt):
        build_dataset(tmp_path / "half", PLAN)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"under_way\.json: .*`recordings_per_residue` is 10 there, 20 here"):
        build_dataset(tmp_path / "half", DatasetPlan(5, ["GLY", "SER"], 20))


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(
        InputError, match=r"holds files but no dataset\.json; give `data_folder` an empty or new folder"
    ):
        build_dataset(tmp_path, PLAN)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_damage_is_named(tmp_path):
    plan = DatasetPlan(5, ["GLY"], 3)
    build_dataset(tmp_path / "d", plan)
    row = read_manifest(tmp_path / "d" / "test.csv")[0]
    (tmp_path / "d" / "wav" / "GLY" / f"{row.ID}.wav").unlink()
    with pytest.raises(InputError, match=rf"test\.csv, row 2 \({row.ID}\): .* is missing; remove"):
        build_dataset(tmp_path / "d", plan)
    (tmp_path / "d" / "dataset.json").write_text("{")
    with pytest.raises(InputError, match=r"dataset\.json: cannot be read"):
        build_dataset(tmp_path / "d", plan)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"residues": ["VAL", "XXX"]}, "`residues` must be one of ALA.*got 'XXX'"),
        ({"residues": "VAL"}, r"`residues` must be a list such as \[VAL, GLY\]"),
        ({"residues": []}, "`residues` must be a list"),
        ({"residues": ["VAL", "VAL"]}, "each residue once"),
        ({"recordings_per_residue": 2}, "`recordings_per_residue` must be a whole number from 3"),
        ({"condition": "dmso"}, "`condition` must be one of h2o, d2o; got 'dmso'"),
        ({"experiment": {"mixing_time_s": -0.1}}, "`mixing_time_s` must be from 0 to 0.3 seconds, got -0.1"),
        (
            {"experiment": {"mixing_time": 0.1}},
            "`experiment` must be one of .*got 'mixing_time', did you mean 'mixing_time_s'",
        ),
        ({"experiment": {"n_points": 128}}, "`experiment` must be one of"),
        ({"seed": -1}, "`seed` must be a whole number"),
    ],
)
def test_bad_plans(arguments, message):
    with pytest.raises(InputError, match=message):
        DatasetPlan(**({"seed": 1} | arguments))


def test_the_hash_follows_content_alone():
    assert DatasetPlan(1, ["VAL", "GLY"]).content_hash == DatasetPlan(1, ("GLY", "VAL")).content_hash
    assert DatasetPlan(1, experiment={"mixing_time_s": 0.06}).content_hash == DatasetPlan(1).content_hash
    different = [
        DatasetPlan(2),
        DatasetPlan(1, ["VAL"]),
        DatasetPlan(1, condition="d2o"),
        DatasetPlan(1, experiment={"field_mhz": 500}),
    ]
    assert len({plan.content_hash for plan in [DatasetPlan(1), *different]}) == 5
