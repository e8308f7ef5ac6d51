"""Fits of residues to a spectrum: shifts, amounts, and what is left over."""

import numpy as np
import pytest
import torch

from nmr_speech.assignment.explain import explain
from nmr_speech.assignment.nnls import nnls_amounts
from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.simulate import Sample, tocsy

DECAY = {"decay_time_t1_s": 0.07, "decay_time_t2_s": 0.07}
POINT_PPM = Axis().width_ppm / Axis().n


def residue(name):
    return Sample("d2o", "free").residue(name)


def measured(amounts, moved_ppm=0.0):
    fids = [
        amount * tocsy(residue(name), residue(name).shift_mean_ppm + moved_ppm, **DECAY)
        for name, amount in amounts.items()
    ]
    fid = sum(fids)
    noise = torch.randn(*fid.shape, 2, generator=torch.Generator().manual_seed(0))
    return fid + 0.01 * fid.abs().max() * torch.view_as_complex(noise)


@pytest.mark.parametrize("name", ["THR", "SER", "ALA"])
def test_moved_shifts_are_found_to_a_point(name):
    """As far from the tables as shifts between samples are: beyond that the prior holds a lone proton back."""
    rng = np.random.default_rng(1)
    moved = residue(name).shift_mean_ppm + rng.uniform(-0.1, 0.1, len(residue(name).shift_mean_ppm))
    why = explain(tocsy(residue(name), moved, **DECAY), Axis(), [name])
    found = list(why.shifts_ppm[name].values())
    assert np.abs(np.sort(found) - np.sort(moved)).max() < POINT_PPM
    assert why.explained > 0.95


@pytest.mark.parametrize("ph", [2.0, 7.0])
@pytest.mark.parametrize("name", ["ILE", "MET", "ARG", "TYR", "TRP"])
def test_no_group_is_taken_to_the_peaks_of_another(name, ph):
    """Weak peaks beside strong ones, such as the HG of methionine beside its methyl group, at any pH."""
    there = Sample("d2o", "free", 0.03, ph=ph).residue(name)
    moved = there.draw_shifts(np.random.default_rng(2), 1)[0]
    for known in (None, ph):
        found = list(explain(tocsy(there, moved, **DECAY), Axis(), [name], ph=known).shifts_ppm[name].values())
        assert np.abs(np.sort(found) - np.sort(moved)).max() < 1.5 * POINT_PPM


def test_a_common_offset_is_found():
    why = explain(measured({"THR": 1.0, "GLY": 1.0}, moved_ppm=0.3), Axis(), ["THR", "GLY"])
    assert why.offset_ppm == pytest.approx(0.3, abs=1.5 * POINT_PPM)


def test_amounts_are_those_of_the_molecules():
    why = explain(measured({"THR": 1.0, "GLU": 0.3}), Axis(), ["THR", "GLU"])
    assert why.amounts["THR"] == 1
    assert why.amounts["GLU"] == pytest.approx(0.3, rel=0.2)


def test_a_residue_that_is_left_out_is_left_over():
    fid = measured({"THR": 1.0, "GLU": 1.0})
    both, one = (explain(fid, Axis(), names) for names in (["THR", "GLU"], ["THR"]))
    assert both.explained > one.explained + 0.2
    assert both.residual.sum() < one.residual.sum()


def test_the_scale_changes_nothing():
    fid = measured({"THR": 1.0})
    one, other = explain(fid, Axis(), ["THR"]), explain(1e-3 * fid, Axis(), ["THR"])
    assert one.shifts_ppm == other.shifts_ppm
    assert one.explained == pytest.approx(other.explained, abs=1e-4)


def test_every_peak_of_the_residue_is_found_and_none_of_another():
    fid = measured({"THR": 1.0})
    peaks = explain(fid, Axis(), ["THR"]).peaks
    assert {(peak.group_f1, peak.group_f2) for peak in peaks} >= {("HB", "MG2"), ("HA", "MG2"), ("HA", "HA")}
    assert all(peak.found for peak in peaks)
    assert not any(peak.found for peak in explain(fid, Axis(), ["TYR"]).peaks if peak.f1_ppm > 6)


def test_the_rival_finds_what_lies_at_the_shifts_of_the_tables():
    amounts = nnls_amounts(measured({"THR": 1.0, "GLU": 0.5}, moved_ppm=2 * POINT_PPM), Axis())
    assert amounts["THR"] == 1
    assert amounts["GLU"] == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(
    ("residues", "message"),
    [
        ([], "`residues` must name at least one"),
        (["XYZ"], "`residues` must be one of"),
        (["GLY", "GLY"], "each residue once"),
    ],
)
def test_residues_that_cannot_be_fitted(residues, message):
    with pytest.raises(InputError, match=message):
        explain(measured({"THR": 1.0}), Axis(), residues)
