"""Every recording can be had alone, and is always the same."""

import itertools

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.simulate import RESIDUES, draw_mixture, draw_recording, draw_recordings, load_residue, tocsy
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


@pytest.mark.parametrize("sequence", ["isotropic", "spin_lock"])
@pytest.mark.parametrize("n_points", [32, 31])
def test_nothing_is_computed_elsewhere_than_asked(sequence, n_points):
    """With another default device, a tensor made without naming one would meet those on the CPU and fail."""
    molecule = load_residue("THR")
    shifts = molecule.shift_mean_ppm + np.array([[0.0], [0.1]])
    settings = {"n_transients": 32, "n_points": n_points, "sequence": sequence, "decay_time_t1_s": 0.1, "adc_bits": 12}
    with torch.device("meta"):
        fid = tocsy(molecule, shifts, device="cpu", **settings)
    assert torch.equal(fid, tocsy(molecule, shifts, **settings))


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


def test_a_free_amino_acid_is_drawn_near_its_own_shifts():
    shifts = draw_recording("VAL", 0, 0, condition="d2o", shift_source="free", n_transients=1, n_points=1).shifts_ppm
    published = {"HA": 3.60, "HB": 2.27, "MG1": 1.03, "MG2": 0.98}  # BMRB bmse000860
    assert list(shifts) == list(published)
    assert all(0 < abs(shifts[name] - published[name]) < 0.2 for name in published)


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


def test_nuisances_are_drawn_for_each_recording_alone():
    settings = {"nuisances": {"white_noise": {"snr": 20.0}}, "n_transients": 16, "n_points": 16}
    noise = [
        recording.fid - draw_recording("SER", 7, recording.index, n_transients=16, n_points=16).fid
        for recording in draw_recordings("SER", 7, range(3), **settings)
    ]
    assert (noise[0] - noise[1]).abs().max() > 0.1
    alone = draw_recording("SER", 7, 2, **settings).fid - draw_recording("SER", 7, 2, n_transients=16, n_points=16).fid
    assert (alone - noise[2]).abs().max() < 1e-4
    assert draw_recording("SER", 7, 0, **settings).shifts_ppm == draw_recording("SER", 7, 0, n_points=1).shifts_ppm


def test_a_mixture_is_the_sum_of_its_parts():
    size = {"n_transients": 16, "n_points": 16, "condition": "d2o"}
    mixture = draw_mixture({"VAL": 0.5, "ALA": 2.0}, 3, 4, **size)
    expected = 0.5 * draw_recording("VAL", 3, 4, **size).fid + 2 * draw_recording("ALA", 3, 4, **size).fid
    assert torch.equal(mixture.fid, expected)
    assert mixture.labels == ("ALA", "VAL")
    assert mixture.shifts_ppm["ALA"] == draw_recording("ALA", 3, 4, **size).shifts_ppm


def test_water_is_added_once_to_a_mixture():
    size = {"n_transients": 64, "n_points": 64, "condition": "d2o"}
    water = {"residual_water": {"amplitude": 1.0, "position_ppm": 8.0, "decay_time_s": 10.0}}
    clean, wet = (
        draw_mixture({"VAL": 1.0, "ALA": 1.0}, 3, 4, nuisances=nuisances, **size).fid for nuisances in ({}, water)
    )
    assert (wet - clean)[0, 0, 0].abs().item() == pytest.approx(clean.abs().max().item(), rel=1e-3)


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ({}, "`amounts` must name residues"),
        ({"VAL": 0}, "the amount of VAL must be a positive number, got 0"),
        ({"VAX": 1.0}, "`residue` must be one of"),
        (["VAL"], "`amounts` must name residues"),
    ],
)
def test_bad_amounts_are_refused(amounts, message):
    with pytest.raises(InputError, match=message):
        draw_mixture(amounts, 0, 0)
