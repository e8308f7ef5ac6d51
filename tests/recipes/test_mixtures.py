"""The recipe for measured spectra, in the small: simulate, train, calibrate, load, detect."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.inference import AminoAcidClassifier, load_classifier
from nmr_speech.inference.domain_check import training_data
from nmr_speech.publish.bundle import make_bundle

ROOT = Path(__file__).parents[2]
MEASURED = str(ROOT / "hparams" / "measured.yaml")
SMALL = (
    "--residues=[GLY, SER, VAL]",
    "--recordings_per_residue={train: 4, valid: 3, calibration: 3, test: 3}",
    "--evaluation_steps={valid: 3, calibration: 6, test: 6}",
    *("--steps_per_epoch=4", "--number_of_epochs=2", "--batch_size=8", "--loader_workers=0", "--simulation_workers=0"),
    "--baseline_steps=8",
)

script = ROOT / "recipes" / "AminoAcidTOCSY" / "Mixtures" / "train.py"
spec = importlib.util.spec_from_file_location("train_mixtures", script)  # other recipes' scripts are called train
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The results folder of a short training."""
    folder = tmp_path_factory.mktemp("measured")
    train.main([MEASURED, *SMALL, f"--data_folder={folder / 'data'}", f"--output_folder={folder / 'out'}"])
    return folder / "out"


def test_the_report_names_what_was_measured(measured):
    results = json.loads((measured / "results.json").read_text())
    assert results["recordings"] == {"train": 2 * 4 * 8, "valid": 24, "calibration": 48, "test": 48}
    assert 0 <= results["mixtures"]["average_precision"] <= 1
    assert results["mixtures"]["pure"] == results["test"]["recordings"] == results["baseline"]["test"]["recordings"]
    assert sum(row["count"] for row in results["mixtures"]["reliability"]) % 3 == 0  # of three residues in each tube


def test_its_model_detects_with_the_calibration_of_the_report(measured):
    model, interface = load_classifier(measured), AminoAcidClassifier.from_hparams(measured)
    wavs = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(0))
    calibration = json.loads((measured / "results.json").read_text())["calibration"]
    outputs = model.head.detect(model.embedder(wavs))
    expected = torch.sigmoid(calibration["presence_slope"] * outputs + calibration["presence_offset"])
    assert torch.allclose(model.detect(wavs).probability, expected)
    assert torch.allclose(interface.detect_batch(wavs), expected)
    assert interface.classify_batch(wavs)[0].shape == (2, 3)


def test_its_ranges_are_known_after_loading(measured):
    training = training_data(load_classifier(measured))
    assert str(training) == (
        "the model was trained on free amino acids, with a mixing time of 0.015 to 0.15 s, in D2O or H2O, "
        "at 300 to 1000 MHz, at pH 1 to 12"
    )
    assert training.covers("mixing_time_s", 0.1)
    assert not training.covers("mixing_time_s", 0.2)
    assert training.acquisition.f2.width_ppm == pytest.approx(12)


def test_a_bundle_of_it_detects_the_same(measured, tmp_path):
    make_bundle(measured, tmp_path / "bundle", "user/measured")
    wavs = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(0))
    here, there = (load_classifier(folder).detect(wavs) for folder in (measured, tmp_path / "bundle"))
    assert torch.equal(here.probability, there.probability)
    assert torch.equal(here.is_tocsy, there.is_tocsy)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--recordings_per_residue=5", "`recordings_per_residue` must hold train, valid, calibration, test; got 5"),
        ("--weights={pitch: 1.0}", "`weights` must hold presence, ranking, amount, experiment; got presence, .*pitch"),
        ("--ph=[6, 15]", r"`ph` must be from 0 to 14"),
        ("--experiment={mixing_time_s: [0.2, 0.1]}", r"`mixing_time_s` must be a pair \[low, high\] that rises"),
        ("--frontend={module: {learning_rate_scale: 0.01}}", "`frontend` must have fixed filters"),
        ("--uses=1001", "`uses` must be a whole number from 1 to 1000"),
        ("--shares={pure: 2.0}", "`shares.pure` must be from 0 to 1"),
    ],
)
def test_bad_settings_are_named_and_leave_nothing(override, message, tmp_path):
    others = [option for option in SMALL if option.split("=")[0] != override.split("=")[0]]
    with pytest.raises(InputError, match=message):
        train.main([MEASURED, *others, f"--data_folder={tmp_path / 'data'}", f"--output_folder={tmp_path}", override])
    assert not (tmp_path / "data").exists()
