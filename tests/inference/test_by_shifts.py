"""What a model says, weighed by the shifts of the residue that seems to be there alone."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from nmr_speech.assignment.explain import explain
from nmr_speech.axis import Axis
from nmr_speech.inference.by_shifts import weigh_by_shifts
from nmr_speech.inference.shift_tables import FIT_PPM, MOST_DOUBT, USUAL, doubt, log_density
from nmr_speech.score.bound import shift_prior
from nmr_speech.simulate import RESIDUES, Sample, load_molecule, tocsy

DECAY = {"decay_time_t1_s": 0.05, "decay_time_t2_s": 0.05}


def table(residue, ph=7.0, spread_ppm=0.0):
    return Sample("d2o", "free", spread_ppm, ph=ph).residue(residue)


def said(**presence):
    return dict.fromkeys(RESIDUES, 0.001) | presence


def presence(fid, ph=None, **of):
    return weigh_by_shifts(fid, Axis(), said(**of), said(**of), ph=ph)


def test_the_density_of_two_groups_is_that_of_two_gaussians():
    """Alanine: a methyl group and one proton cannot be exchanged. Over the pH, which is uncertain by 0.2, they hardly
    move at pH 7."""
    prior = shift_prior(table("ALA", spread_ppm=0.04))
    shifts = {"HA": 3.85, "MB": 1.40}
    closed = norm.logpdf([shifts[name] for name in prior.names], prior.mean_ppm, np.hypot(prior.std_ppm, FIT_PPM))
    assert log_density("ALA", shifts, ph=7.0) == pytest.approx(closed.sum(), abs=0.02)


def test_which_of_two_beta_protons_is_which_does_not_matter():
    one = {"HA": 3.9, "HB2": 3.0, "HB3": 3.2}
    assert log_density("ASP", one) == pytest.approx(log_density("ASP", one | {"HB2": 3.2, "HB3": 3.0}))


@pytest.mark.parametrize("residue", RESIDUES)
def test_amino_acids_are_not_doubted_at_the_shifts_of_their_tables(residue):
    for ph in (2.0, 7.0, 11.0):
        shifts = dict(zip(table(residue).system.names, table(residue, ph).shift_mean_ppm, strict=True))
        assert doubt(residue, shifts) == 0
        assert doubt(residue, shifts, ph) == 0


@pytest.mark.parametrize("residue", ["GLY", "VAL", "MET", "TYR"])
def test_what_is_there_stays(residue):
    there = table(residue, spread_ppm=0.04)
    fid = tocsy(there, there.draw_shifts(np.random.default_rng(1), 1)[0], **DECAY)
    weighed = presence(fid, 7.0, **{residue: 0.8})
    assert weighed.presence == said(**{residue: 0.8})
    assert weighed.steps == ()


def test_trimethylamine_oxide_is_no_glycine_where_the_ph_is_known():
    """One line at 3.25 ppm: glycine has it there at a high pH, and at 3.55 at pH 7."""
    stranger = load_molecule("bmse000426_simulation_1")
    fid = tocsy(stranger, stranger.shift_mean_ppm, **DECAY)
    assert presence(fid, GLY=0.9).presence["GLY"] == 0.9
    assert presence(fid, 11.5, GLY=0.9).presence["GLY"] == 0.9
    weighed = presence(fid, 7.0, GLY=0.9)
    assert weighed.presence["GLY"] < 0.25
    assert weighed.steps[-1].startswith("GLY: fitted shifts HA2 3.2")
    assert weighed.steps[-1].endswith("are unusual at pH 7, so it is less probable than the model says.")


def test_the_odds_fall_by_what_the_density_of_the_fitted_shifts_lacks():
    stranger = load_molecule("bmse000224_simulation_1")  # trimethylamine: one line at 2.9 ppm
    for ph in (9.8, 10.0):
        fid = tocsy(stranger, stranger.shift_mean_ppm, **DECAY)
        fitted = explain(fid, Axis(), ["GLY"], ph=ph).shifts_ppm["GLY"]
        lacking = log_density("GLY", fitted, ph=ph) - 2 * USUAL
        fallen = logit(presence(fid, ph, GLY=0.9).presence["GLY"]) - logit(0.9)
        assert fallen == pytest.approx(max(-MOST_DOUBT, lacking))
        assert fallen < -1


def test_what_is_certain_is_not_ruled_out_by_a_fit():
    """Which may be wrong: trimethylamine for glycine at pH 4, where their lines are almost a ppm apart."""
    stranger = load_molecule("bmse000224_simulation_1")
    fid = tocsy(stranger, stranger.shift_mean_ppm, **DECAY)
    assert presence(fid, 4.0, GLY=0.9).presence["GLY"] == pytest.approx(expit(logit(0.9) - MOST_DOUBT))
    assert presence(fid, 4.0, GLY=0.99).presence["GLY"] > 0.5


def test_mixtures_stay_as_they_are():
    fid = tocsy(table("ALA"), table("ALA").shift_mean_ppm + 0.3, **DECAY)
    assert presence(fid, 7.0, ALA=0.9, GLY=0.8).presence == said(ALA=0.9, GLY=0.8)
