"""Warnings where a spectrum was measured in another way than the training data of the model."""

import json
import shutil

import pytest

from nmr_speech.cli import main
from nmr_speech.inference.domain_check import TrainingData, experiment_warnings, training_data
from nmr_speech.inference.load import load_classifier
from nmr_speech.simulate import Acquisition, Sample
from nmr_speech.spectrometer import read_experiment
from nmr_speech.testing.data import reference_data
from tests.spectrometer.writers import rows_of, t1_fine, write_bruker, write_nmrpipe, write_varian

TRAINING = TrainingData(Sample("d2o"), Acquisition(mixing_time_s=0.06, field_mhz=600.0))


def delays(mixing_s):
    return {"D": [0.0] * 9 + [mixing_s] + [0.0] * 22}


@pytest.fixture(scope="module")
def rows():
    return rows_of(t1_fine(12, n_points=64), "states")


BRUKER = {
    "as trained": (delays(0.06) | {"SOLVENT": "D2O", "PULPROG": "dipsi2ph"}, []),
    "much the same": (delays(0.07) | {"SOLVENT": "D2O"}, []),
    "long mixing": (
        delays(0.12) | {"SOLVENT": "D2O"},
        ["the mixing time was 0.12 s; the model was trained on 0.06 s"],
    ),
    "water": (delays(0.06) | {"SOLVENT": "H2O+D2O"}, ["measured in H2O+D2O; the model was trained on D2O"]),
    "DMSO": (delays(0.06) | {"SOLVENT": "DMSO"}, ["measured in DMSO; the model was trained on D2O"]),
    "no delays": ({"SOLVENT": "D2O"}, ["the file does not say the mixing time; the model was trained on 0.06 s"]),
    "NOESY": (
        delays(0.06) | {"PULPROG": "noesyphpr"},
        ["the pulse programme noesyphpr is not a TOCSY; the model was trained on TOCSY only"],
    ),
    "cut off within the delays": (
        {"D": [0.0] * 5, "SOLVENT": "D2O"},
        ["the file does not say the mixing time; the model was trained on 0.06 s"],
    ),
}


@pytest.mark.parametrize("case", BRUKER)
def test_what_a_bruker_folder_tells(case, rows, tmp_path):
    acqus, expected = BRUKER[case]
    experiment = read_experiment(write_bruker(tmp_path / "one", rows, "states", acqus=acqus))
    assert list(experiment_warnings(experiment, TRAINING)) == expected


def test_what_the_other_forms_tell(rows, tmp_path):
    varian = write_varian(tmp_path / "varian", rows, "states", mix=0.03, solvent="D2O", seqfil="gNOESY")
    assert list(experiment_warnings(read_experiment(varian), TRAINING)) == [
        "the pulse programme gNOESY is not a TOCSY; the model was trained on TOCSY only",
        "the mixing time was 0.03 s; the model was trained on 0.06 s",
    ]
    low = write_nmrpipe(tmp_path / "one.fid", rows, "states", FDF2OBS=300.0, FDF1OBS=300.0)
    assert list(experiment_warnings(read_experiment(low), TRAINING)) == [
        "the file does not say the mixing time; the model was trained on 0.06 s",
        "measured at 300 MHz; the model was trained on 600 MHz",
    ]
    assert not list(experiment_warnings(read_experiment(low), TrainingData()))


def test_a_bundle_says_what_its_results_folder_says(bundled):
    trained, published = (training_data(load_classifier(folder)) for folder in (bundled.parent / "results", bundled))
    assert trained == published
    assert trained.sample == Sample("h2o")
    assert trained.acquisition == Acquisition(mixing_time_s=0.06)
    assert trained.nuisances == {"reference_offset": {"offset_ppm": [-0.2, 0.2]}}


def test_the_real_valine_is_out_of_distribution_for_a_model_of_h2o(results, tmp_path, capsys):
    packed = shutil.make_archive(str(tmp_path / "valine"), "zip", reference_data("valine").parent, "valine")
    main(["classify", packed, "--model", str(results), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert "measured in D2O; the model was trained on H2O" in said["warnings"]
    assert "118 transients on the model's grid; it was trained on 256 or more" in said["warnings"]
    assert not [warning for warning in said["warnings"] if "mixing" in warning]
    assert "group delay of 67.9856" in " ".join(said["steps"])
