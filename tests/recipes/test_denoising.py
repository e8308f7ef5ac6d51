"""The recipe that trains denoisers, by its main function, on a few spectra."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.enhancement import load_denoiser
from nmr_speech.enhancement.load import TRAINED

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "recipes" / "SimulatedSpectra" / "Denoising" / "train.py"
HPARAMS = ROOT / "hparams" / "denoising"
TINY = [
    "--train_spectra=4", "--valid_spectra=2", "--batch_spectra=2", "--windows_per_spectrum=2", "--window=256",
    "--margin=16", "--pairs={points: [1024], fields_mhz: [600.0], drawn_systems: 4}", "--noprogressbar",
    "--network={channels: [4, 6], width: 3, blocks: 1}",
]  # fmt: skip

spec = importlib.util.spec_from_file_location("train_denoising", SCRIPT)  # other recipes' scripts are called train too
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


def run(folder, *more, task="denoise"):
    given = [one for one in TINY if not any(other.startswith(one.partition("=")[0] + "=") for other in more)]
    train.main([str(HPARAMS / f"{task}.yaml"), *given, f"--output_folder={folder}", *more])
    return json.loads((folder / "results.json").read_text())


@pytest.mark.slow
def test_a_training_is_resumed_where_it_stopped(tmp_path, monkeypatch):
    whole = run(tmp_path / "whole", "--number_of_epochs=2")
    assert [epoch["epoch"] for epoch in whole["curves"]] == [1, 2]
    assert (whole["recordings"]["train"], whole["resumed"]) == (8, False)
    assert 0 < whole["valid"]["error"] < 10
    ended = train.DenoisingBrain.on_stage_end

    def interrupt(brain, stage, stage_loss, epoch=None):
        if epoch == 2:
            raise KeyboardInterrupt
        ended(brain, stage, stage_loss, epoch)

    monkeypatch.setattr(train.DenoisingBrain, "on_stage_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", "--number_of_epochs=2")
    monkeypatch.setattr(train.DenoisingBrain, "on_stage_end", ended)
    assert run(tmp_path / "parts", "--number_of_epochs=2")["resumed"]
    assert load_denoiser(tmp_path / "whole").settings["channels"] == [4, 6]
    weights = [load_denoiser(tmp_path / name).state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_task_of_lee_and_kim(tmp_path):
    pairs = "--pairs={drawn_systems: 4, fields_mhz: [123.2]}"  # merged with those of the file
    results = run(tmp_path, "--number_of_epochs=1", pairs, task="narrow")
    assert results["pairs"]["narrow_hz"] == 4.0
    assert results["settings"]["most_removed"] == 1e6


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--beta=2", "`beta` must be from 0 to 1"),
        ("--window=4096", "`window` must be a whole number from 2 to 1024, got 4096"),
        ("--pairs={with_hz: [1, 2]}", "`pairs` may hold .*; got with_hz"),
    ],
)
def test_refusals(override, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(tmp_path, override)


def test_the_report_in_the_package_is_of_its_network():
    report = json.loads((TRAINED / "results.json").read_text())
    network = load_denoiser()
    assert report["settings"] == network.settings
    assert report["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert (TRAINED / "model.safetensors").stat().st_size < 1_000_000
