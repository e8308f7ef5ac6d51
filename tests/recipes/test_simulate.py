"""Data sets of any size, made by one process or by many."""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import simulate

from nmr_speech.checks import InputError
from tests.recipes.launch import run, start

DATASET = Path(__file__).parents[2] / "hparams" / "dataset.yaml"
SMALL = ("--residues=[GLY,SER]", "--recordings_per_residue=60", "--simulation_workers=0")  # 6 batches
LAST_LINE = r"(\d+) recordings in ([\d.]+) s: ([\d.]+) recordings/s"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "data"
    simulate.main([str(DATASET), *SMALL, f"--data_folder={folder}"])
    return folder


def contents(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


def command(folder, *overrides):
    return [DATASET, *SMALL, f"--data_folder={folder}", *overrides]


def test_many_processes_make_the_same_files(alone, tmp_path):
    done = run("simulate", command(tmp_path / "data"), tmp_path, n=3)
    assert done.wait() == 0, done.stderr
    assert contents(tmp_path / "data") == contents(alone)
    assert re.fullmatch(LAST_LINE, done.stdout.splitlines()[-1]).group(1) == "120"


def test_killed_processes_are_resumed_by_another_number(alone, tmp_path):
    folder = tmp_path / "data"
    killed = start("simulate", command(folder), tmp_path, n=2)
    while killed.running() and not list(folder.glob("parts/*.csv")):
        time.sleep(0.002)
    killed.kill()
    assert not (folder / "dataset.json").exists()
    done = run("simulate", command(folder), tmp_path)
    assert contents(folder) == contents(alone)
    assert int(re.fullmatch(LAST_LINE, done.stdout.splitlines()[-1]).group(1)) <= 120 - 10


def test_a_refusal_is_said_once_and_ends_all_processes(alone, tmp_path):
    before = contents(alone)
    done = run("simulate", command(alone, "--condition=d2o"), tmp_path, n=2)
    assert [process.exitcode for process in done.processes] == [1, 1]
    said = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert "the folder was written with other parameters: `condition` is 'h2o' there, 'd2o' here" in said[0]
    assert contents(alone) == before


@pytest.mark.slow
def test_by_torchrun(alone, tmp_path):
    """The processes of the other tests get their environment from the tests; these from the launcher."""
    script = DATASET.parents[1] / "recipes" / "AminoAcidTOCSY" / "simulate.py"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", script]
    made = subprocess.run([*launcher, *command(tmp_path / "data")], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert contents(tmp_path / "data") == contents(alone)
    refused = subprocess.run(
        [*launcher, *command(alone, "--condition=d2o")], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert len([line for line in refused.stderr.splitlines() if line.startswith("error:")]) == 1


def test_the_last_line_gives_recordings_seconds_and_rate(tmp_path, capsys):
    arguments = [str(DATASET), "--residues=[GLY]", "--recordings_per_residue=3", f"--data_folder={tmp_path / 'data'}"]
    for expected in ("3", "0"):
        simulate.main([*arguments, "--simulation_workers=0", "--device=cpu"])
        recordings, seconds, rate = re.fullmatch(LAST_LINE, capsys.readouterr().out.splitlines()[-1]).groups()
        assert recordings == expected
        assert float(seconds) >= 0
        assert float(rate) >= 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--device=cuda", "`device` 'cuda' is not available; use --device=cpu"),
        ("--device=quantum", "`device` must be cpu or cuda, got 'quantum'"),
        ("--share=3/2", "`share` must be such as 2/8"),
        ("--recordings_per_residue=2", "`recordings_per_residue` must be a whole number from 3"),
        ("--simulation_workers=-1", "`simulation_workers` must be a whole number"),
        ("--memory_gb=-1", "`memory_gb` must be from 0"),
        ("--ph=15", "`ph` must be from 0 to 14 (a pH), got 15"),
        ("--colour=blue", "'colour' not found in"),
    ],
)
def test_bad_settings_are_named_and_leave_nothing(tmp_path, override, message, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match=re.escape(message)):
        simulate.main([str(DATASET), f"--data_folder={tmp_path / 'data'}", override])
    assert not (tmp_path / "data").exists()
