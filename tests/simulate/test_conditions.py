"""Conditions drawn by recording, and what pH does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.simulate import RESIDUES, Sample, draw_mixture, draw_recording, draw_recordings, tocsy
from nmr_speech.simulate.conditions import check_conditions, draw_conditions
from nmr_speech.simulate.nuisances import imbalance, shim
from nmr_speech.simulate.titration import TABLE_PH, movement_ppm

RANGES = {
    "condition": ["d2o", "h2o"], "shift_source": "free", "ph": [6.0, 8.0], "field_mhz": [400.0, 800.0],
    "mixing_time_s": [0.02, 0.1], "spectral_width_ppm": 12.0, "sequence": ["isotropic", "dipsi2"],
}  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**40), index=st.integers(0, 10**6))
def test_draws_lie_within_their_ranges(seed, index):
    drawn = draw_conditions(RANGES, seed, index)
    assert 6 <= drawn["ph"] <= 8
    assert 400 <= drawn["field_mhz"] <= 800
    assert drawn["condition"] in RANGES["condition"]
    assert drawn["spectral_width_hz"] == pytest.approx(12 * drawn["field_mhz"])
    assert drawn == draw_conditions(RANGES, seed, index)


def test_a_setting_that_is_fixed_changes_no_other_draw():
    fixed = draw_conditions(RANGES | {"ph": 7.0}, 1986, 5)
    assert fixed | {"ph": 0} == draw_conditions(RANGES, 1986, 5) | {"ph": 0}


def test_recordings_of_equal_number_share_their_conditions_and_a_mixture_is_linear():
    small = RANGES | {"n_transients": 16, "n_points": 16, "tolerance": 0}
    amounts = {"GLY": 0.3, "SER": 1.0}
    parts = {name: draw_recording(name, 7, 2, **small) for name in amounts}
    expected = sum(amounts[name] * part.fid for name, part in parts.items())
    assert torch.allclose(draw_mixture(amounts, 7, 2, **small).fid, expected)


def test_a_recording_does_not_depend_on_those_drawn_with_it():
    small = RANGES | {"n_transients": 16, "n_points": 16}
    together = draw_recordings("SER", 7, [0, 1], **small)
    assert torch.equal(together[1].fid, draw_recording("SER", 7, 1, **small).fid)
    assert not torch.equal(together[0].fid, together[1].fid)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"ph": [8.0, 6.0]}, r"`ph` must be a pair \[low, high\] that rises"),
        ({"ph": [6.0, 15.0]}, "`ph` must be from 0 to 14"),
        ({"field_mhz": [300.0, 400.0, 500.0]}, "`field_mhz` must be one value, a pair"),
        ({"sequence": ["isotropic", "waltz"]}, "`sequence` must be one of"),
        ({"n_points": [16, 32]}, "`n_points` must be one value for all recordings"),
        ({"field": 600.0}, "`setting` must be one of .*field_mhz"),
        ({"spectral_width_ppm": 12.0, "spectral_width_hz": 7200.0}, "takes the place of"),
    ],
)
def test_ranges_that_cannot_be_drawn(ranges, message):
    with pytest.raises(InputError, match=message):
        check_conditions(ranges)


@pytest.mark.parametrize(
    ("residue", "group", "pka"), [("HIS", "HE1", 6.0), ("ASP", "HB2", 3.65), ("TYR", "HE1", 10.07)]
)
def test_a_shift_is_half_way_where_the_ph_is_the_pka(residue, group, pka):
    """Other sites of the residue are more than a unit and a half away: they add less than 4% of their own movement."""
    low, half, high = (movement_ppm(residue, (group,), ph)[0] for ph in (pka - 1.3, pka, pka + 1.3))
    assert half == pytest.approx((low + high) / 2, abs=0.04)
    assert abs(high - low) > 0.1


@pytest.mark.parametrize("residue", RESIDUES)
def test_nothing_moves_at_the_ph_of_the_tables_and_acid_moves_alpha_protons_downfield(residue):
    molecule = Sample("d2o", "free").residue(residue)
    names = molecule.system.names
    assert np.abs(movement_ppm(residue, names, TABLE_PH)).max() == 0
    acid, base = (Sample("d2o", "free", ph=ph).residue(residue).shift_mean_ppm for ph in (1.0, 12.5))
    assert acid[0] - molecule.shift_mean_ppm[0] > 0.25
    assert base[0] - molecule.shift_mean_ppm[0] < -0.25


def test_free_amino_acids_in_water_show_side_chain_but_no_amino_protons():
    asparagine = Sample("h2o", "free").residue("ASN").system.names
    assert asparagine == ("HA", "HB2", "HB3", "HD21", "HD22")
    assert "H" not in Sample("h2o", "free").residue("VAL").system.names


def test_a_balanced_receiver_changes_nothing_and_a_quarter_turn_makes_both_channels_equal():
    fid = tocsy("GLY", [4.0, 3.9, 8.3], n_transients=8, n_points=8)
    assert torch.equal(imbalance(fid, torch.Generator()), fid)
    turned = imbalance(fid, torch.Generator(), phase_deg=90.0)
    assert torch.allclose(turned[0], turned[1], atol=1e-5)


def test_a_shim_moves_both_dimensions_of_its_share():
    fid = tocsy("GLY", [4.0, 3.9, 8.3], n_transients=16, n_points=16)
    moved = tocsy("GLY", [4.1, 4.0, 8.4], n_transients=16, n_points=16)
    shimmed = shim(fid, torch.Generator(), share=0.25, offset_hz=60.0)
    assert torch.allclose(shimmed, 0.75 * fid + 0.25 * moved, atol=2e-3)
