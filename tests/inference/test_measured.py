"""Measured spectra of every form become uniformly sampled experiments; the options by which they are read."""

import json
import zipfile

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.inference import Reading, classify_spectrum, read_measured
from nmr_speech.inference.domain_check import TrainingData
from nmr_speech.reconstruction import poisson_gap
from nmr_speech.simulate import Acquisition
from nmr_speech.spectrometer import to_grid
from tests.reconstruction.test_processed import processed, sine_squared, write_2rr
from tests.spectrometer.test_to_grid import SMALL_GRID
from tests.spectrometer.writers import (
    FIELD_MHZ,
    edit_procpar,
    likeness,
    rows_of,
    simulated,
    t1_fine,
    write_bruker,
    write_varian,
)

SCHEDULE = poisson_gap(128, 64, seed=1)


@pytest.fixture(scope="module")
def fine():
    return t1_fine(128)


@pytest.fixture(scope="module")
def expected():
    return simulated(carrier_ppm=5.0, width_hz=12 * FIELD_MHZ, n_transients=128, n_points=128)


@pytest.fixture(scope="module")
def picked(fine):
    return rows_of(fine, "states").reshape(128, 2, -1)[SCHEDULE].reshape(2 * len(SCHEDULE), -1)


@pytest.fixture
def scheduled(picked, tmp_path):
    return write_bruker(tmp_path / "nus", picked, "states", acqus={"FnTYPE": 2}, acqu2s={"NusTD": 256})


@pytest.mark.parametrize("own", [True, False])
def test_a_schedule_is_filled_in_and_classified_as_a_full_experiment(own, scheduled, expected, tmp_path):
    file = scheduled / "nuslist" if own else tmp_path / "schedule.txt"
    file.write_text("\n".join(map(str, SCHEDULE)))
    with pytest.raises(InputError, match="reconstruct it first, with its `schedule`"):
        read_measured(scheduled)
    experiment, phases = read_measured(scheduled, Reading(schedule=None if own else file, method="ist"))
    assert experiment.steps[-1] == "64 of 128 transients were measured; the others are filled in by ist."
    assert phases.start is None
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.97


def test_varian_with_its_own_schedule(picked, expected, tmp_path):
    folder = edit_procpar(write_varian(tmp_path / "one", picked, "states"), sampling="sparse", ni=[128])
    (folder / "sampling.sch").write_text("\n".join(map(str, SCHEDULE)))
    experiment, _ = read_measured(folder, Reading(method="ist"))
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.97


def test_what_reconstruct_wrote_is_classified(scheduled, expected, tmp_path):
    (scheduled / "nuslist").write_text("\n".join(map(str, SCHEDULE)))
    main(["reconstruct", str(scheduled), "--method=ist", f"--out={tmp_path / 'one.ft2'}"])
    experiment, _ = read_measured(tmp_path / "one.ft2")
    assert experiment.warnings == ()
    assert experiment.fid.shape == (2, 128, 256)
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.97


def test_what_cannot_be_filled_in(scheduled):
    with pytest.raises(InputError, match=r"holds no schedule \(nuslist, sampling.sch\); give `schedule`"):
        read_measured(scheduled, Reading(method="ist"))
    with pytest.raises(InputError, match="`method` must be one of ist, hankel, modern"):
        Reading(method="cs")
    with pytest.raises(InputError, match="`echo` must be one of auto, none, even, half_dwell"):
        Reading(echo="odd")


def test_a_processed_spectrum_in_an_archive(fine, expected, tmp_path):
    folder = tmp_path / "one"
    write_2rr(folder, processed(fine, sine_squared(128), sine_squared(256)), WDW=4, SSB=2)
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, f"valine/{file.relative_to(folder)}")
    experiment, _ = read_measured(tmp_path / "one.zip")
    assert experiment.source == str(tmp_path / "one.zip")
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.97
    (tmp_path / "bad.zip").write_bytes((tmp_path / "one.zip").read_bytes()[:-30])
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_measured(tmp_path / "bad.zip")


def test_quadrature_phases_and_start_are_handed_on(fine, expected, tmp_path):
    rows = rows_of(fine, "states", late=1) * np.exp(0.6j)
    folder = write_bruker(tmp_path / "one", rows, 0)
    with pytest.raises(InputError, match="give it as `quadrature`"):
        read_measured(folder)
    experiment, phases = read_measured(
        folder, Reading(quadrature="states", echo="half_dwell", phase_f2_deg=(34.4, 0.0))
    )
    gridded = to_grid(experiment, SMALL_GRID, phase_f2_deg=phases.f2_deg, t1_start=phases.t1_start)
    assert likeness(gridded, expected) > 0.98
    assert any("34.4 degrees at the carrier and 0.0 across the width (as given" in step for step in gridded.steps)


def test_recordings_without_decay_phases_and_noise_are_ideal():
    ideal = TrainingData(acquisition=Acquisition(), nuisances={"reference_offset": {"offset_ppm": [-0.2, 0.2]}})
    assert ideal.is_ideal
    assert not TrainingData().is_ideal  # nothing is known
    assert not TrainingData(acquisition=Acquisition(decay_time_t1_s=0.02)).is_ideal
    assert not TrainingData(acquisition=Acquisition(), nuisances={"white_noise": {"snr": 50.0}}).is_ideal


def test_a_model_of_ideal_recordings_gives_no_probability_of_a_measured_spectrum(bundled, fine, tmp_path, capsys):
    from nmr_speech.corpus import stack_fid, write_wav  # noqa: PLC0415
    from nmr_speech.inference import load_classifier  # noqa: PLC0415

    folder = write_bruker(tmp_path / "one", rows_of(fine, "states"), "states")
    found = classify_spectrum(load_classifier(bundled), folder)
    assert not found.meaningful
    assert "ideal recordings" in found.warnings[0]
    assert "hparams/measured.yaml" in found.warnings[0]
    main(["classify", str(folder), f"--model={bundled}", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert {probability for _, probability in said["ranking"]} == {None}
    main(["classify", str(folder), f"--model={bundled}"])
    assert "0." not in capsys.readouterr().out.splitlines()[-1]
    write_wav(tmp_path / "GLY.WAV", stack_fid(torch.randn(2, 256, 256) + 0j)[0])
    assert classify_spectrum(load_classifier(bundled), tmp_path / "GLY.WAV").meaningful


def test_one_command_reconstructs_and_classifies(bundled, scheduled, tmp_path, capsys):
    (tmp_path / "list.txt").write_text(" ".join(map(str, SCHEDULE)))
    command = ["classify", str(scheduled), f"--model={bundled}"]
    with pytest.raises(SystemExit, match="FnTYPE 2 says it was not; reconstruct it first, with its `--schedule`"):
        main(command)
    main([*command, f"--schedule={tmp_path / 'list.txt'}", "--method=modern"])
    said = capsys.readouterr().out
    assert "64 points in the schedule, counted from 0: 0 occurs." in said
    assert "the others are filled in by modern." in said
    assert said.splitlines()[-1] in ("ALA", "GLY", "SER", "VAL")


def test_both_commands_have_the_same_options(capsys):
    helps = []
    for command in ("classify", "reconstruct"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        helps.append(capsys.readouterr().out)
    for option in (
        "--quadrature",
        "--phase-f1",
        "--phase-f2",
        "--echo",
        "--pdata",
        "--schedule",
        "--method",
        "--first",
    ):
        assert all(option in text for text in helps), option
