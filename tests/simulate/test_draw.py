"""Every recording can be had alone, and is always the same."""

import itertools

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.simulate import RESIDUES, draw_recording, load_residue
from nmr_speech.simulate.draw import draw_shifts, generator


@pytest.mark.parametrize("residue", ["GLY", "TYR", "VAL"])
def test_a_recording_alone_is_the_one_of_the_row(residue):
    row = [draw_recording(residue, 1986, index, n_transients=16, n_points=16) for index in range(4)]
    alone = draw_recording(residue, 1986, 2, n_transients=16, n_points=16)
    assert alone.shifts_ppm == row[2].shifts_ppm
    assert (alone.fid - row[2].fid).abs().max() <= 1e-6 * alone.fid.abs().max()


def test_the_number_of_threads_does_not_matter():
    threads = torch.get_num_threads()
    signals = []
    for n in (1, 2):
        torch.set_num_threads(n)
        signals.append(draw_recording("ILE", 3, 1).fid)
    torch.set_num_threads(threads)
    assert (signals[0] - signals[1]).abs().max() <= 1e-6 * signals[0].abs().max()


def test_streams_differ_between_seeds_residues_and_indices():
    draws = {
        generator(residue, seed, index).normal()
        for residue, seed, index in itertools.product(RESIDUES, (0, 1), (0, 1, 2))
    }
    assert len(draws) == 20 * 2 * 3


def test_shifts_follow_their_gaussians():
    molecule = load_residue("GLU")
    rng = np.random.default_rng(0)
    shifts = np.stack([draw_shifts(molecule, rng) for _ in range(4000)])
    error = molecule.shift_std_ppm / np.sqrt(4000)
    assert (np.abs(shifts.mean(0) - molecule.shift_mean_ppm) < 5 * error).all()
    assert (np.abs(shifts.std(0) / molecule.shift_std_ppm - 1) < 0.06).all()
    correlation = np.corrcoef(shifts.T) - np.eye(shifts.shape[1])
    assert np.abs(correlation).max() < 0.08


def test_ring_partners_are_drawn_once():
    shifts = draw_recording("TYR", 0, 0, n_transients=1, n_points=1).shifts_ppm
    assert shifts["HD1"] == shifts["HD2"]
    assert shifts["HE1"] == shifts["HE2"]
    assert shifts["HD1"] != shifts["HE1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("XYZ", 0, 0), "`residue` must be one of ALA"),
        (("VAL", -1, 0), "`seed` must be a whole number"),
        (("VAL", 0, 1.5), "`index` must be a whole number"),
    ],
)
def test_bad_identities_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        draw_recording(*arguments)
