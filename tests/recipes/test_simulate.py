"""Data sets of any size, made by one process or by many."""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "recipes" / "AminoAcidTOCSY"))
SCRIPT, DATASET = ROOT / "recipes" / "AminoAcidTOCSY" / "simulate.py", ROOT / "hparams" / "dataset.yaml"
SMALL = ("--residues=[GLY,SER,ALA]", "--recordings_per_residue=60")
LAST_LINE = r"(\d+) recordings in ([\d.]+) s: ([\d.]+) recordings/s"


@pytest.fixture(scope="module")
def simulate():
    import simulate  # noqa: PLC0415 - found through the path set above

    return simulate


@pytest.fixture(scope="module")
def alone(simulate, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "data"
    simulate.main([str(DATASET), *SMALL, "--simulation_workers=0", f"--data_folder={folder}"])
    return folder


def contents(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


def torchrun(n, folder, *overrides):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={n}", SCRIPT, DATASET]
    return [*command, *SMALL, "--simulation_workers=0", f"--data_folder={folder}", *overrides]


def test_many_processes_make_the_same_files(alone, tmp_path):
    done = subprocess.run(torchrun(3, tmp_path / "data"), capture_output=True, text=True, check=True)
    assert contents(tmp_path / "data") == contents(alone)
    assert re.fullmatch(LAST_LINE, done.stdout.splitlines()[-1]).group(1) == "180"


def test_killed_processes_go_on_in_another_number(alone, tmp_path):
    folder = tmp_path / "data"
    process = subprocess.Popen(torchrun(2, folder), stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(list(folder.glob("parts/*.csv"))) < 2:
        time.sleep(0.005)
    subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)  # the launcher and its processes
    process.wait()
    assert not (folder / "dataset.json").exists()
    done = subprocess.run(torchrun(1, folder), capture_output=True, text=True, check=True)
    assert contents(folder) == contents(alone)
    assert int(re.fullmatch(LAST_LINE, done.stdout.splitlines()[-1]).group(1)) <= 180 - 50


def test_a_refusal_is_said_once_and_ends_all_processes(alone):
    before = contents(alone)
    done = subprocess.run(torchrun(2, alone, "--condition=d2o"), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert "the folder was written with other parameters: `condition` is 'h2o' there, 'd2o' here" in said[0]
    assert contents(alone) == before


def test_the_last_line_gives_recordings_seconds_and_rate(simulate, tmp_path, capsys):
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
        ("--shift_source=free", "`shift_source` 'free' needs `condition` 'd2o'"),
        ("--colour=blue", "'colour' not found in"),
    ],
)
def test_bad_settings_are_named_and_leave_nothing(simulate, tmp_path, override, message, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(Exception, match=re.escape(message)) as error:
        simulate.main([str(DATASET), f"--data_folder={tmp_path / 'data'}", override])
    assert type(error.value).__name__ == "InputError"
    assert not (tmp_path / "data").exists()
