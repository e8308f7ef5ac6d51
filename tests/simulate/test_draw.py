"""Every recording can be had alone, and is always the same."""

import itertools

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.simulate import RESIDUES, draw_recording, draw_recordings, load_residue, tocsy
from nmr_speech.simulate.batches import in_batches
from nmr_speech.simulate.draw import draw_shifts, generator


@pytest.mark.parametrize("residue", ["GLY", "TYR", "VAL", "GLN"])
def test_company_does_not_matter(residue):
    together = draw_recordings(residue, 1986, range(4), n_transients=32, n_points=24)
    for recording in together:
        alone = draw_recording(residue, 1986, recording.index, n_transients=32, n_points=24)
        assert alone.shifts_ppm == recording.shifts_ppm
        assert (alone.fid - recording.fid).abs().max() <= 2e-6 * alone.fid.abs().max()


@pytest.mark.parametrize("sequence", ["isotropic", "spin_lock"])
def test_neither_memory_nor_company_matters_for_explicit_shifts(sequence):
    molecule = load_residue("ASN")
    shifts = molecule.shift_mean_ppm + np.linspace(0, 0.2, 5)[:, None]
    size = {"n_transients": 20, "n_points": 16, "sequence": sequence}
    together = tocsy(molecule, shifts, memory_gb=1.0, **size)
    for row, fid in zip(shifts, tocsy(molecule, shifts, memory_gb=0.0, **size), strict=True):
        assert (tocsy(molecule, row, **size) - fid).abs().max() == 0
    assert (together - tocsy(molecule, shifts, memory_gb=0.0, **size)).abs().max() < 1e-5


def test_a_batch_that_does_not_fit_is_halved():
    sizes = []

    def signal(offsets):
        sizes.append(len(offsets))
        if len(offsets) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return offsets * 2

    offsets = torch.arange(20.0)[:, None]
    assert torch.equal(in_batches(signal, offsets, bytes_each=1e8, memory_gb=1.0), offsets * 2)
    assert sizes == [10, 5, *[2] * 10]


def test_one_recording_that_does_not_fit_is_an_error():
    def signal(offsets):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        in_batches(signal, torch.zeros(2, 1), bytes_each=1.0, memory_gb=1.0)


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
