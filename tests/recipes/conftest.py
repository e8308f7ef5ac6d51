"""A tiny data set and a model trained on it, shared by the tests of all recipes."""

import sys
from pathlib import Path

import pytest

from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.report import results
from tests.recipes.launch import leave_out_pictures

ROOT = Path(__file__).parents[2]
for folder in ("AminoAcidTOCSY", "AminoAcidTOCSY/SpeakerRec"):
    sys.path.insert(0, str(ROOT / "recipes" / folder))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Recipes that run in this process draw no pictures; those that run as commands do."""
    leave_out_pictures(results, monkeypatch.setattr)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Five recordings each of three residues."""
    folder = tmp_path_factory.mktemp("tiny") / "data"
    build_dataset(folder, DatasetPlan(1986, ["GLY", "SER", "ALA"], 5))
    return folder


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """Twenty recordings each of four residues: enough for trials in every split."""
    folder = tmp_path_factory.mktemp("many") / "data"
    build_dataset(folder, DatasetPlan(1986, ["GLY", "SER", "ALA", "THR"], 20))
    return folder


@pytest.fixture(scope="session")
def trained(many, tmp_path_factory):
    """The results folder of a short training without THR."""
    import train  # noqa: PLC0415 - found through the path set above

    out = tmp_path_factory.mktemp("trained") / "out"
    train.main([
        str(ROOT / "hparams" / "quickstart.yaml"), "--residues=[GLY,SER,ALA,THR]", "--held_out_residues=[THR]",
        "--recordings_per_residue=20", "--number_of_epochs=3", f"--data_folder={many}", f"--output_folder={out}",
    ])  # fmt: skip
    return out
