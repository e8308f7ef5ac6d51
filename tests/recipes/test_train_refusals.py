"""What stops a training before its first step."""

import shutil

import pytest
import soundfile
import torch
import train

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import read_manifest
from tests.recipes.test_train import QUICKSTART, TINY, rewrite, tiny_but


def spoil(data, tmp_path):
    """A data folder of its own to spoil, the test manifest, and the WAV of its first row."""
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    row = read_manifest(folder / "test.csv")[0]
    return folder, folder / "test.csv", folder / row.wav.replace("$data_root/", "")


def wav(path, channels=4, rate_hz=8000, value=0.0):
    soundfile.write(path, torch.full((65536, channels), value).numpy(), rate_hz, subtype="FLOAT")


HEADER = "ID,duration,wav,start,stop,spk_id,scale\n"
BAD_DATA = {
    "two channels": (lambda _, audio: wav(audio, channels=2), r"test\.csv, row 2 \(ALA_\d+\): .* has 4 channels"),
    "16 kHz": (lambda _, audio: wav(audio, rate_hz=16000), r"test\.csv, row 2 .*rate must be 8000 Hz, got 16000"),
    "truncated": (lambda _, audio: audio.write_bytes(audio.read_bytes()[:9999]), r"test\.csv, row 2 .*truncated\?"),
    "NaN": (lambda _, audio: wav(audio, value=float("nan")), r"test\.csv, row 2 .*samples must be finite"),
    "missing WAV": (lambda _, audio: audio.unlink(), r"test\.csv, row 2 .* is missing; remove"),
    "empty manifest": (lambda csv, _: csv.write_text(HEADER), r"test\.csv: the manifest lists no recordings"),
    "missing column": (lambda csv, _: rewrite(csv, "spk_id", "speaker"), r"test\.csv: .*lacks the column spk_id"),
    "unknown label": (lambda csv, _: rewrite(csv, ",SER,", ",XXX,"), r"test\.csv, row \d: spk_id 'XXX' is not one of"),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_bad_data_stop_the_run_before_training(kind, data, tmp_path):
    folder, csv, audio = spoil(data, tmp_path)
    damage, message = BAD_DATA[kind]
    damage(csv, audio)
    with pytest.raises(InputError, match=message):
        train.main([QUICKSTART, *TINY, f"--data_folder={folder}", f"--output_folder={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()


BAD_CALLS = {
    "unknown residue": ("--residues=[GLY,XXX]", "`residues` must be one of ALA, .*; got 'XXX'"),
    "negative mixing time": ("--mixing_time_s=-0.1", "`mixing_time_s` must be from 0 to 0.3 seconds, got -0.1"),
    "other parameters": (
        "--mixing_time_s=0.03",
        r"dataset\.json: the folder was written with other parameters: `experiment` is",
    ),
    "other seed": ("--seed=7", r"dataset\.json: .*`seed` is 1986 there, 7 here"),
    "unknown key": ("--learning_rate=0.1", "'learning_rate' not found in"),
    "unknown part": ("--frontend=!include:frontend/none.yaml", r"includes .*none\.yaml, which does not exist"),
    "all residues held out": (
        "--held_out_residues=[GLY,SER,ALA]",
        "`held_out_residues` must leave some of GLY, SER, ALA",
    ),
    "unknown held-out residue": (
        "--held_out_residues=[TRP]",
        "`held_out_residues` must be one of GLY, SER, ALA; got 'TRP'",
    ),
    "too long a warm-up": ("--warmup_share=2", "`warmup_share` must be from 0 to 1 of all steps, got 2"),
    "unknown logger": ("--logger=wandb", "`logger` must be one of file, tensorboard; got 'wandb'"),
    "no epochs": ("--number_of_epochs=0", "`number_of_epochs` must be a whole number from 1"),
    "no learning": ("--lr=0", "`lr` must be positive, got 0"),
    "half a batch": ("--batch_size=0.5", "`batch_size` must be a whole number from 1"),
    "too few recordings": ("--recordings_per_residue=2", "`recordings_per_residue` must be a whole number from 3"),
    "unknown condition": ("--condition=dmso", "`condition` must be one of h2o, d2o; got 'dmso'"),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_calls_stop_the_run_before_anything_is_written(kind, data, tmp_path):
    argument, message = BAD_CALLS[kind]
    before = sorted(data.rglob("*"))
    with pytest.raises(InputError, match=message):
        train.main([QUICKSTART, *tiny_but(argument), f"--data_folder={data}", f"--output_folder={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()
    assert sorted(data.rglob("*")) == before


def test_a_last_batch_of_one_recording_is_refused_where_it_cannot_be_trained_on(data, tmp_path):
    n = len(read_manifest(data / "train.csv"))
    settings = tiny_but(f"--batch_size={n - 1}", "--frontend=!include:frontend/spectral.yaml")
    with pytest.raises(InputError, match=rf"`batch_size` {n - 1} leaves a last batch of one of \d+ recordings"):
        train.main([QUICKSTART, *settings, f"--data_folder={data}", f"--output_folder={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()
