"""TOCSY planes: peaks stand where the shifts say, and only where mixing brings signal."""

import numpy as np
import pytest

from nmr_speech.picking import pick
from nmr_speech.picking.planes import matches
from nmr_speech.picking.tocsy_planes import REACH, draw_tocsy_plane, plane_of
from nmr_speech.simulate import Acquisition, SpinSystem, load_residue, tocsy

ACQUISITION = Acquisition(n_transients=128, n_points=128, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
AXIS = ACQUISITION.f2
PAIR = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})


def signal(shifts, system=PAIR, **settings):
    return tocsy(system, shifts, ACQUISITION, **settings), np.array(shifts)


def points_of(ppm):
    """Points of a plane of 256, from the closed form: the carrier is in the middle."""
    return 128 + (np.array(ppm) - AXIS.carrier_ppm) * AXIS.field_mhz / AXIS.width_hz * 256


def test_a_coupled_pair_has_four_peaks():
    plane = plane_of([signal([6.1, 3.3])], AXIS, 0.0)
    a, x = points_of([6.1, 3.3])
    assert plane.points == pytest.approx(np.array([[a, a], [a, x], [x, a], [x, x]]))
    assert (plane.height > 0).all()
    tops = [plane.values[round(i) - 2 : round(i) + 3, round(j) - 2 : round(j) + 3].max() for i, j in plane.points]
    assert plane.height == pytest.approx(tops)


def test_without_mixing_the_diagonal_is_all_there_is():
    plane = plane_of([signal([6.1, 3.3], mixing_time_s=0.0)], AXIS, 0.0)
    assert (plane.height != 0).tolist() == [True, False, False, True]


def test_what_lies_outside_has_no_place():
    low = AXIS.ppm()[0]
    plane = plane_of([signal([low - 0.5, 3.3])], AXIS, 0.0)
    assert plane.points == pytest.approx(np.tile(points_of([3.3]), (1, 2)))


def test_of_peaks_too_near_the_higher_one_must_be_found():
    step = AXIS.width_ppm / 256
    first, second = signal([6.1, 3.3]), signal([6.1 + step, 2.0])
    plane = plane_of([(2 * first[0], first[1]), second], AXIS, 0.0)
    diagonal = np.abs(plane.points - points_of([6.1])).max(axis=1) < REACH
    assert (plane.height[diagonal] != 0).tolist() == [True, False]


def test_drawn_planes_have_their_highest_points_at_peaks():
    for seed in range(6):
        plane = draw_tocsy_plane(np.random.default_rng(seed), 64)
        must = plane.height != 0
        assert must.any()
        assert np.abs(plane.height).max() > 0.5 * np.abs(plane.values).max()
        assert (np.abs(plane.height[must]) >= 1e-3 * np.abs(plane.height).max()).all()


@pytest.mark.parametrize("names", [("VAL", "SER"), ("THR", "ALA", "PHE")])
def test_the_default_finds_the_peaks_of_amino_acids(names):
    rng, residues = np.random.default_rng(1), [load_residue(name, "d2o") for name in names]
    signals = [signal(residue.shift_mean_ppm, residue) for residue in residues]
    plane = plane_of(signals, AXIS, rng.normal(size=(256, 256)) / 400)
    fine = AXIS.resized(256)
    found = pick(plane.values, (fine, fine), fit=False).position_points
    partner = matches(found, plane.points, np.maximum(plane.width / 2, 1.0))
    must = np.abs(plane.height) > 8 * plane.noise_std
    recall, precision = np.isin(np.flatnonzero(must), partner).mean(), (partner >= 0).mean()
    assert recall > 0.8
    assert precision > 0.8
