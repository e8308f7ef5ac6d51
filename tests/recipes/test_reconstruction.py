"""The recipe that trains reconstruction networks, by its command line and by its main function, on a few FIDs."""

import importlib.util
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction import ist, load_modern, load_network
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.synthetic import make_fids
from nmr_speech.training.hparams import flatten_hparams, load_hparams

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "recipes" / "SyntheticFID" / "Reconstruction" / "train.py"
HPARAMS = ROOT / "hparams" / "reconstruction"
MODERN = str(HPARAMS / "modern_cpu.yaml")
TINY = [
    "--n_train_fids=40", "--n_valid_fids=6", "--n_test_fids=5", "--batch_size=8", "--number_of_epochs=3",
    "--fids={n_points: 32}", "--network={n_phases: 2, channels: 4}",
]  # fmt: skip
SMALL = {
    "modern": "{n_phases: 2, channels: 4}",
    "modern_rates": "{n_phases: 2, channels: 4}",
    "modern_fixed": "{n_phases: 2, channels: 4}",
    "dlnmr": "{n_phases: 1, n_layers: 1, growth: 2, kernel_size: 3}",
    "lstm": "{hidden_size: 4, n_layers: 1}",
}

OURS = {
    "modern_low_cpu": "{n_points: 32}",
    "modern_phases_cpu": "{n_points: 32}",
    "modern_cube_cpu": "{n_points: [10, 8]}",
}
"""Files of one size, with data of our own; and FIDs small enough for a test."""

spec = importlib.util.spec_from_file_location("train_reconstruction", SCRIPT)  # another recipe's script is called train
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


def start(command, **keywords):
    """Run a process with as many threads as this one, so that both sum in the same order."""
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, **keywords
    )


def results_of(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run from the command line, started in another folder."""
    folder = tmp_path_factory.mktemp("finished")
    arguments = [SCRIPT, MODERN, "--noprogressbar", *TINY, f"--output_folder={folder / 'out'}"]
    ended = start(arguments, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "test RLNE" in ended.stdout
    return folder / "out"


@pytest.mark.slow
def test_from_the_command_line(finished):
    """All files are written, and the figures are right."""
    results = results_of(finished)
    assert [epoch["epoch"] for epoch in results["curves"]] == [1, 2, 3]
    assert results["curves"][0].keys() == {"epoch", "lr", "train", "valid"}
    rates = [epoch["lr"] for epoch in results["curves"]]
    assert rates[2] / rates[1] == pytest.approx(rates[1] / rates[0])
    assert (results["parameters"], results["network"]) == (2 * (28 + 48 + 26), "MoDern")
    assert {"seed", "commit", "versions", "hardware", "seconds", "settings", "recordings", "fids"} <= set(results)
    assert (finished / "curves.png").read_bytes().startswith(b"\x89PNG")

    # Zeros in the place of what is missing, by hand: the energy of the echo that is missing.
    full, masks = make_fids(FIDSettings(n_points=32), 1986, range(46, 51))
    full[:, 0] = full[:, 0].real + 0j
    weight = torch.full((32,), 2.0)
    weight[0] = 1
    energy = weight * full.abs() ** 2
    expected = ((energy * ~masks).sum(dim=1) / energy.sum(dim=1)).sqrt()
    assert results["zero_filled"]["rlne"] == pytest.approx(expected.mean().item(), rel=1e-4)
    for name, filled in (
        ("test", load_modern(finished)(full * masks, masks)),
        ("ist", ist(full * masks, masks, echo="even")),
    ):
        errors = ((weight * (filled - full).abs() ** 2).sum(dim=1) / energy.sum(dim=1)).sqrt()
        assert results[name]["rlne"] == pytest.approx(errors.mean().item(), rel=1e-3)


@pytest.mark.slow
def test_a_second_run_only_evaluates(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    train.main([MODERN, "--noprogressbar", *TINY, f"--output_folder={tmp_path / 'out'}"])
    first, second = results_of(finished), results_of(tmp_path / "out")
    assert (first["resumed"], second["resumed"]) == (False, True)
    assert second["curves"] == first["curves"]
    assert second["test"] == pytest.approx(first["test"], rel=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_every_network_trains(name, tmp_path):
    settings = [setting for setting in TINY if "network" not in setting]
    path = HPARAMS / f"{name}_cpu.yaml"
    train.main([str(path), *settings, f"--network={SMALL[name]}", f"--output_folder={tmp_path}"])
    losses = [float(loss) for loss in re.findall(r"train loss: (\S+),", (tmp_path / "train_log.txt").read_text())]
    assert losses[-1] < losses[0]
    network = load_network(tmp_path)
    assert getattr(network, "settings", {}).get("adaptive", True) is (name != "modern_fixed")


@pytest.mark.parametrize("name", OURS)
def test_networks_on_data_of_our_own_train(name, tmp_path):
    settings = [setting for setting in TINY if "fids={" not in setting]
    train.main([str(HPARAMS / f"{name}.yaml"), *settings, f"--fids={OURS[name]}", f"--output_folder={tmp_path}"])
    losses = [float(loss) for loss in re.findall(r"train loss: (\S+),", (tmp_path / "train_log.txt").read_text())]
    assert losses[-1] < losses[0]
    results, network = results_of(tmp_path), load_network(tmp_path)
    assert network.settings["least_rate"] == results["fids"]["rate"][0]
    assert (network.dims, network.in_phase) == (1 + (name == "modern_cube_cpu"), name != "modern_phases_cpu")
    assert 0 < results["ist"]["rlne"] < results["zero_filled"]["rlne"]


def test_phases_of_the_table(tmp_path):
    """Each peak its own, which a virtual echo is not made for: the run tries it, and leaves the echo out of IST."""
    settings = [setting.replace("{n_points: 32}", "{n_points: 32, phase_rad: [0, 6.2832]}") for setting in TINY]
    train.main([MODERN, *settings, f"--output_folder={tmp_path}"])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["test"]["rlne"] > 0
    full, masks = make_fids(FIDSettings(n_points=32, phase_rad=(0, 6.2832)), 1986, range(46, 51))
    with pytest.raises(InputError, match="a virtual echo needs signals in phase"):
        load_modern(tmp_path)(full * masks, masks)


def test_a_base_alone_is_no_recipe():
    for name in ("base", "base_cpu"):
        with pytest.raises(InputError, match="PLACEHOLDER"):
            load_hparams(HPARAMS / f"{name}.yaml", "", train.KEYS)


def test_another_network_is_one_override():
    network = load_hparams(MODERN, "network: !include:network/lstm.yaml {hidden_size: 4}", train.KEYS)["network"]
    assert (type(network).__name__, network.settings["hidden_size"]) == ("LSTMNetwork", 4)


def test_the_sizes_of_the_paper():
    """Section S1.2 of Wang et al., and the same network and loss in both sizes of each file."""
    paper = flatten_hparams(HPARAMS / "modern.yaml", "")
    for line in (
        "n_train_fids: 36000", "n_valid_fids: 4000", "number_of_epochs: 80", "batch_size: 10", "lr: 0.001",
        "lr_decay: 0.95", "n_phases: 10", "amplitude: [0.05, 1.0]", "decay_points: [10.0, 179.2]", "noise_std: 0.0001",
    ):  # fmt: skip
        assert line in paper, line
    networks = {
        path.stem: re.search(r"^network:.*\n(?:  .*\n)*", flatten_hparams(path, ""), re.MULTILINE).group()
        for path in HPARAMS.glob("*.yaml")
        if not path.stem.startswith("base")
    }
    assert len(networks) == 2 * len(SMALL) + len(OURS)
    for name in SMALL:
        large, small = (re.sub("&id001 ", "", networks[stem]) for stem in (name, f"{name}_cpu"))
        assert large == small


def test_the_readme_counts_parameters():
    table = (SCRIPT.parents[1] / "README.md").read_text()
    for name in (*SMALL, *OURS):
        network = load_hparams(HPARAMS / f"{name}.yaml", "", train.KEYS)["network"]
        (said,) = re.findall(rf"^\| `{name}` \|.*\| ([\d,]+) \|$", table, re.MULTILINE)
        assert int(said.replace(",", "")) == sum(weight.numel() for weight in network.parameters())


KILLED_AFTER_ITS_FIRST_CHECKPOINT = """
import os, runpy, signal, sys
from nmr_speech.training.checkpoints import WholeCheckpointer

def save_and_die(self, *arguments, save=WholeCheckpointer.save_and_keep_only, **keywords):
    save(self, *arguments, **keywords)
    os.kill(os.getpid(), signal.SIGKILL)

WholeCheckpointer.save_and_keep_only = save_and_die
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_killed_and_resumed_equals_unbroken(finished, tmp_path):
    arguments = [MODERN, "--noprogressbar", *TINY, f"--output_folder={tmp_path}"]
    killed = start(["-c", KILLED_AFTER_ITS_FIRST_CHECKPOINT, str(SCRIPT), *arguments])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(tmp_path.glob("save/CKPT*/CKPT.yaml"))) == 1
    assert not (tmp_path / "results.json").exists()
    train.main(arguments)
    one, two = (load_modern(folder).state_dict() for folder in (finished, tmp_path))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert results_of(tmp_path)["curves"] == results_of(finished)["curves"]
    assert results_of(tmp_path)["resumed"]


BAD_CALLS = {
    "unknown FID setting": ("--fids={n_point: 64}", "`fids` may hold n_points, rate, .*; got n_point"),
    "rate above one": ("--fids={rate: [0.2, 2]}", "`rate` must be from 0.001 to 1 of the points, got 2"),
    "no FIDs": ("--n_train_fids=0", "`n_train_fids` must be a whole number from 1"),
    "batch of one": ("--batch_size=1", "`batch_size` must be a whole number from 2 to 40, got 1"),
    "no learning": ("--lr=0", "`lr` must be positive, got 0"),
    "unknown key": ("--learning_rate=1", "'learning_rate' not found in"),
    "other size": ("--network={n_phases: 0}", "`n_phases` must be a whole number from 1"),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_calls_stop_the_run_before_anything_is_written(kind, tmp_path):
    argument, message = BAD_CALLS[kind]
    others = [setting for setting in TINY if setting.split("=")[0] != argument.split("=")[0]]
    with pytest.raises(InputError, match=message):
        train.main([MODERN, *others, argument, f"--output_folder={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()


def test_one_process_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="this recipe trains on one process, got WORLD_SIZE above 1"):
        train.main([MODERN, *TINY, f"--output_folder={tmp_path / 'out'}"])


def test_an_error_on_the_command_line_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", [str(SCRIPT), MODERN, "--n_test_fids=-3", f"--output_folder={tmp_path / 'out'}"])
    with pytest.raises(SystemExit, match=r"^error: `n_test_fids` must be a whole number"):
        runpy.run_path(str(SCRIPT), run_name="__main__")


@pytest.mark.slow
def test_a_folder_of_another_network_is_not_resumed(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    wider = [setting.replace("channels: 4", "channels: 5") for setting in TINY]
    with pytest.raises(InputError, match=r"`network\.channels` is '4' there, '5' here; set another `output_folder`"):
        train.main([MODERN, *wider, f"--output_folder={tmp_path / 'out'}"])
