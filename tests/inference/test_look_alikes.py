"""Look-alikes, told apart by fitted shifts."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.cli import main
from nmr_speech.inference.classify import classify_spectrum
from nmr_speech.inference.detect import Detection
from nmr_speech.inference.domain_check import TrainingData
from nmr_speech.inference.look_alikes import in_question, look_alikes, tell_apart
from nmr_speech.inference.measured import Reading
from nmr_speech.score.bound import shift_prior
from nmr_speech.simulate import RESIDUES, Acquisition, Sample, tocsy
from tests.spectrometer.writers import rows_of, t1_fine, write_bruker

ACIDS = ("ASN", "ASP", "CYS")


@pytest.mark.parametrize("family", [(*ACIDS, "SER"), ("GLN", "GLU")])
def test_look_alikes_have_the_same_groups_and_overlapping_shifts(family):
    """Serine has the groups of the others, but its beta protons are apart from theirs at any pH."""
    at_ph = {name: [shift_prior(Sample("d2o", "free", ph=ph).residue(name)) for ph in range(1, 13)] for name in family}
    assert len({(priors[0].names, priors[0].protons) for priors in at_ph.values()}) == 1
    ranges = {name: np.array([one.mean_ppm for one in priors])[:, 1:] for name, priors in at_ph.items()}
    for name, beta in ranges.items():
        others = [ranges[other] for other in family if other != name]
        gap = min(max(other.min() - beta.max(), beta.min() - other.max()) for other in others)
        assert bool(gap < 0.05) is (name in look_alikes(family[0]))


def signal(residue, ph=7.4, offset_ppm=0.0):
    molecule = Sample("d2o", "free", ph=ph).residue(residue)
    return tocsy(molecule, molecule.shift_mean_ppm + offset_ppm, decay_time_t1_s=0.05, decay_time_t2_s=0.05)


def shares(fid, family, ph=None):
    return tell_apart(fid, Axis(), dict.fromkeys(family, 0.2), ph=ph)[0]


@pytest.mark.parametrize("residue", [*ACIDS, "GLN", "GLU"])
def test_at_the_shifts_of_the_tables_each_is_itself(residue):
    told = shares(signal(residue), look_alikes(residue), ph=7.4)
    assert sum(told.values()) == pytest.approx(1)
    assert max(told, key=told.get) == residue
    assert told[residue] > 0.8


def test_a_ph_makes_one_of_another():
    """Protonated, aspartic acid has about the shifts that cysteine has at pH 7.4."""
    fid = signal("ASP", ph=1.5)
    acid, neutral = (shares(fid, ACIDS, ph) for ph in (1.5, 7.4))
    assert max(acid, key=acid.get) == "ASP"
    assert max(neutral, key=neutral.get) == "CYS"
    assert neutral["ASP"] < 0.01


def test_an_opinion_counts_as_much_as_the_shifts():
    """Twice the odds of one of them are the square root of two in the odds of the answer."""
    fid, odds = signal("GLU", offset_ppm=0.05), []
    for said in ({"GLN": 0.2, "GLU": 0.2}, {"GLN": 0.2, "GLU": 0.4}):
        told, _ = tell_apart(fid, Axis(), said, ph=7.4)
        odds.append(told["GLU"] / told["GLN"])
    assert odds[1] / odds[0] == pytest.approx(2**0.5)


@pytest.mark.parametrize(
    ("gln", "glu", "val", "ranked"),
    [
        (0.6, 0.3, 0.6, 0.5),  # another residue
        (0.05, 0.05, 0.05, 0.5),  # none
        (0.0, 0.0, 0.9, 0.5),  # no look-alikes
        (0.8, 0.8, 0.0, 0.5),  # both
        (0.6, 0.3, 0.0, 0.999),  # no doubt
    ],
)
def test_nothing_is_in_question_unless_it_is_one_of_them(gln, glu, val, ranked):
    ranking = {"GLN": ranked, "GLU": 1 - ranked, "VAL": 0.0}
    assert in_question({"GLN": gln, "GLU": glu, "VAL": val}, ranking) == ()
    assert in_question({"GLN": 0.6, "GLU": 0.3, "VAL": 0.3}, ranking | {"GLN": 0.5, "GLU": 0.5}) == ("GLN", "GLU")


class Undecided:
    """A model that holds glutamate for a little more probable than glutamine, whatever it is given."""

    detects = True
    labels = SimpleNamespace(lab2ind={residue: k for k, residue in enumerate(RESIDUES)})

    def __init__(self, shift_source="free"):
        self.training = TrainingData(Sample("d2o", shift_source), Acquisition(), conditions={"ph": [1.0, 12.0]})
        self.said = torch.full((1, 20), 1e-4)
        self.said[0, RESIDUES.index("GLN")], self.said[0, RESIDUES.index("GLU")] = 0.44, 0.48

    def log_probabilities(self, wavs):
        return (self.said / self.said.sum()).log()

    def detect(self, wavs):
        return Detection(self.said, torch.ones(1, 20), torch.ones(1))


@pytest.fixture(scope="module")
def glutamine(tmp_path_factory):
    rows = rows_of(t1_fine(128, residue="GLN"), "states")
    return write_bruker(tmp_path_factory.mktemp("measured") / "gln", rows, "states")


def test_a_doubt_between_look_alikes_is_settled(glutamine):
    found = classify_spectrum(Undecided(), glutamine, 0.0, Reading(ph=7.4))
    assert found.verdict == "one"
    assert found.present[0].residue == found.ranking[0][0] == "GLN"
    assert sum(dict(found.ranking).values()) == pytest.approx(1)
    # One of them is there as certainly as before.
    presence = dict(found.presence)
    assert presence["GLN"] + presence["GLU"] == pytest.approx(1 - (1 - 0.44) * (1 - 0.48))
    assert found.steps[-1].startswith("GLN, GLU look alike; fitted shifts HA 3.")
    assert found.steps[-1].endswith("compared with the tables at pH 7.4.")


@pytest.mark.parametrize(("shift_ppm", "shift_source"), [(None, "free"), (0.0, "protein")])
def test_without_a_reference_or_a_table_the_doubt_stays(glutamine, shift_ppm, shift_source):
    found = classify_spectrum(Undecided(shift_source), glutamine, shift_ppm, Reading(ph=7.4))
    assert found.verdict == "none"
    assert [one.residue for one in found.uncertain] == ["GLU", "GLN"]
    assert any("are not referenced, so they are not compared" in step for step in found.steps) is (shift_ppm is None)


def test_a_ph_outside_the_training_is_said(glutamine):
    found = classify_spectrum(Undecided(), glutamine, 0.0, Reading(ph=13.0))
    assert "the pH was 13; the model was trained on 1 to 12" in found.warnings
    assert not found.in_range


def test_the_option(glutamine, capsys):
    main(["classify", str(glutamine), "--shift-ppm", "0", "--ph", "7.4", "--json"])
    assert json.loads(capsys.readouterr().out)["ranking"][0][0] == "GLN"
    with pytest.raises(SystemExit, match="`--ph` must be from 0 to 14"):
        main(["classify", str(glutamine), "--ph", "99"])
