"""A data set is simulated once, resumed after a kill, and never mixed with another."""

import errno
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nmr_speech.checks import InputError
from nmr_speech.corpus import dataset, read_wav, unstack_fid
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.manifest import audio_path, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.simulate import draw_recording, draw_recordings
from tests.corpus.folders import PLAN, contents, stop_after


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
def test_workers_make_the_same_files(built, tmp_path, workers):
    build_dataset(tmp_path / "again", PLAN, workers=workers)
    assert contents(tmp_path / "again") == contents(built)


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "BATCH", {"cpu": 2})
    build_dataset(tmp_path / "whole", PLAN)
    made = stop_after(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        build_dataset(tmp_path / "again", PLAN)
    assert not (tmp_path / "again" / "dataset.json").exists()
    made.clear()
    monkeypatch.setattr(dataset, "draw_recordings", lambda *a, **k: made.append(a) or draw_recordings(*a, **k))
    assert build_dataset(tmp_path / "again", PLAN) == 20 - 6
    assert len(made) == 10 - 3  # three batches were whole
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_batches_of_another_size_make_the_same_recordings(built, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "BATCH", {"cpu": 3})
    build_dataset(tmp_path / "again", PLAN)
    for row, again in zip(
        *(read_manifest(folder / "train.csv") for folder in (built, tmp_path / "again")), strict=True
    ):
        assert row == again
        wavs = [read_wav(audio_path(row.wav, folder)) for folder in (built, tmp_path / "again")]
        assert (wavs[0] - wavs[1]).abs().max() < 1e-6


def test_a_half_made_folder_goes_on_with_batches_of_another_size(built, tmp_path, monkeypatch):
    """As when a GPU resumes a run that a CPU has started."""
    monkeypatch.setattr(dataset, "BATCH", {"cpu": 3})
    stop_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        build_dataset(tmp_path / "again", PLAN)
    monkeypatch.undo()
    assert build_dataset(tmp_path / "again", PLAN) == 20
    assert contents(tmp_path / "again") == contents(built)


def test_a_killed_process_goes_on(built, tmp_path):
    folder = tmp_path / "again"
    program = (
        "from nmr_speech.corpus import dataset\ndataset.BATCH = {'cpu': 1}\n"
        f"dataset.build_dataset({str(folder)!r}, dataset.DatasetPlan(5, ['GLY', 'SER'], 10), workers=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(folder.glob("parts/*.csv"))) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cut_off = (
        folder / "wav" / "GLY" / "0000" / ".GLY_00009.wav.x3k.unfinished"
    )  # what a kill in the middle of a file leaves
    cut_off.parent.mkdir(exist_ok=True, parents=True)
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

    monkeypatch.setattr(dataset, "write_wav", stop)
    with pytest.raises(KeyboardInterrupt):
        build_dataset(tmp_path / "half", PLAN)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"under_way\.json: .*`recordings_per_residue` is 10 there, 20 here"):
        build_dataset(tmp_path / "half", DatasetPlan(5, ["GLY", "SER"], 20))


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(
        InputError, match=r"holds files but no dataset\.json; set `data_folder` to an empty or new folder"
    ):
        build_dataset(tmp_path, PLAN)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/data: cannot be written \(Not a directory\); set another"):
        build_dataset(tmp_path / "file" / "data", PLAN)


def test_damage_is_named(tmp_path):
    plan = DatasetPlan(5, ["GLY"], 3)
    build_dataset(tmp_path / "d", plan)
    row = read_manifest(tmp_path / "d" / "test.csv")[0]
    (tmp_path / "d" / "wav" / "GLY" / "0000" / f"{row.ID}.wav").unlink()
    with pytest.raises(InputError, match=rf"test\.csv, row 2 \({row.ID}\): .* is missing; remove"):
        build_dataset(tmp_path / "d", plan)
    (tmp_path / "d" / "dataset.json").write_text("{")
    with pytest.raises(InputError, match=r"dataset\.json: cannot be read"):
        build_dataset(tmp_path / "d", plan)


def test_a_complete_data_set_on_a_read_only_medium_is_used(built, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("nmr_speech.files.filelock.FileLock.acquire", refuse)
    monkeypatch.setattr("nmr_speech.files.tempfile.mkstemp", refuse)
    assert build_dataset(built, PLAN) == 0
    with pytest.raises(InputError, match=r"cannot be written \(Read-only file system\); set another `data_folder`"):
        build_dataset(tmp_path / "new", PLAN)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"residues": ["VAL", "XXX"]}, "`residues` must be one of ALA.*got 'XXX'"),
        ({"residues": "VAL"}, r"`residues` must be a list such as \[VAL, GLY\]"),
        ({"residues": []}, "`residues` must be a list"),
        ({"residues": ["VAL", "VAL"]}, "each residue once"),
        ({"recordings_per_residue": 2}, "`recordings_per_residue` must be a whole number from 3"),
        ({"ph": [6, 15]}, "`ph` must be from 0 to 14"),
        ({"audio_format": "mp3"}, "`audio_format` must be one of wav, flac"),
        ({"nuisances": {"noise": {}}}, "`nuisance` must be one of decay"),
        ({"nuisances": {"white_noise": {"snr": -1}}}, "white_noise: `snr` must be"),
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


def test_parts_made_apart_add_up(tmp_path, monkeypatch):
    """Shares on several machines: manifests concatenated and folders put together give the whole."""
    monkeypatch.setattr(dataset, "SHARD", 6)
    monkeypatch.setattr("nmr_speech.corpus.plan.SHARD", 6)
    monkeypatch.setattr(dataset, "BATCH", {"cpu": 3})
    plan = DatasetPlan(5, ["GLY", "SER"], 36)
    assert build_dataset(tmp_path / "whole", plan) == 72
    assert sum(build_dataset(tmp_path / f"part{k}", plan, share=f"{k}/3") for k in (1, 2, 3)) == 72
    whole = contents(tmp_path / "whole")
    audio = [{k: v for k, v in contents(tmp_path / f"part{k}").items() if k.startswith("wav/")} for k in (1, 2, 3)]
    assert sum(map(len, audio)) == 72
    assert audio[0] | audio[1] | audio[2] == {k: v for k, v in whole.items() if k.startswith("wav/")}
    for split in ("train", "valid", "test"):
        rows = [row for k in (1, 2, 3) for row in read_manifest(tmp_path / f"part{k}" / f"{split}.csv")]
        expected = read_manifest(tmp_path / "whole" / f"{split}.csv")
        assert sorted(rows, key=lambda row: row.ID) == sorted(expected, key=lambda row: row.ID)
    with pytest.raises(InputError, match="`share` is '1/3' there, '2/3' here"):
        build_dataset(tmp_path / "part1", plan, share="2/3")
    with pytest.raises(InputError, match="`share` must leave recordings of each split, got none of"):
        build_dataset(tmp_path / "none", plan, share="19/19")
    assert not (tmp_path / "none").exists()


def test_folders_stay_small(built):
    plan = DatasetPlan(5, ["GLY"], 2500)
    assert plan.audio_path("GLY", 999) == "$data_root/wav/GLY/0000/GLY_00999.wav"
    assert plan.audio_path("GLY", 1000) == "$data_root/wav/GLY/0001/GLY_01000.wav"


def test_a_second_run_at_the_same_time_is_refused(tmp_path, monkeypatch):
    refused = []

    def run_again(*arguments, **keywords):
        with pytest.raises(InputError, match="another run is writing to this folder; wait for it"):
            build_dataset(tmp_path / "d", PLAN)
        refused.append(True)
        return draw_recordings(*arguments, **keywords)

    monkeypatch.setattr(dataset, "draw_recordings", run_again)
    assert build_dataset(tmp_path / "d", PLAN) == 20
    assert refused


def test_flac_is_smaller_and_within_half_a_step(built, tmp_path):
    plan = DatasetPlan(5, ["GLY", "SER"], 10, audio_format="flac")
    build_dataset(tmp_path / "flac", plan)
    for row, exact in zip(*(read_manifest(f / "test.csv") for f in (tmp_path / "flac", built)), strict=True):
        paths = [audio_path(r.wav, folder) for r, folder in ((row, tmp_path / "flac"), (exact, built))]
        assert (row.ID, row.scale) == (exact.ID, exact.scale)
        assert paths[0].endswith(".flac")
        wavs = [read_wav(path) for path in paths]
        assert (wavs[0] - wavs[1]).abs().max() <= 2**-15  # full scale itself is one step short
        assert Path(paths[0]).stat().st_size < 0.5 * Path(paths[1]).stat().st_size


def test_nuisances_are_part_of_the_plan(tmp_path):
    noisy = DatasetPlan(5, ["GLY"], 3, nuisances={"white_noise": {"snr": 20.0}})
    assert noisy.content_hash != DatasetPlan(5, ["GLY"], 3).content_hash
    build_dataset(tmp_path / "noisy", noisy)
    row = read_manifest(tmp_path / "noisy" / "test.csv")[0]
    fid = unstack_fid(read_wav(audio_path(row.wav, tmp_path / "noisy")), row.scale)
    clean = draw_recording("GLY", 5, int(row.ID.split("_")[1])).fid
    assert (fid - clean).real.std().item() == pytest.approx(clean.abs().max().item() / 20, rel=0.02)


def test_the_quickstart_data_set_of_version_0_1_is_still_accepted():
    """Its hash, as version 0.1 wrote it: a change to it needs a higher `SIMULATION`."""
    experiment = {"field_mhz": 600.0, "carrier_ppm": 5.0, "spectral_width_hz": 7200.0, "mixing_time_s": 0.06}
    plan = DatasetPlan(1986, recordings_per_residue=120, experiment=experiment)
    assert plan.content_hash == "d0eaf3e66bcde9627701fec5a19d8d459310c25bca1d867038da151b785fa269"
