"""First order against the exact simulation, where both must agree, and the sum rules of the transfer."""

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.simulate import Acquisition, SpinSystem, draw_molecule, tocsy
from nmr_speech.simulate.first_order import first_order

PAIR = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 9.0})


def both(system, shifts, **settings):
    """FIDs of first order and of the exact simulation, relative to the first point."""
    acquisition = Acquisition(tolerance=0.0, **settings)
    lines = first_order([system], [np.array([shifts])], acquisition)
    return lines.fid()[0] / system.n_protons, tocsy(system, shifts, acquisition) / system.n_protons


@pytest.mark.parametrize("mixing_time_s", [0.0, 0.02, 0.06, 0.111])
def test_two_weakly_coupled_spins_are_exact(mixing_time_s):
    # The error of first order is J / (difference of shifts): 9 Hz in 4800 and 9600.
    errors = []
    for field_mhz in (600.0, 1200.0):
        one, exact = both(PAIR, [9.0, 1.0], mixing_time_s=mixing_time_s, field_mhz=field_mhz)
        errors.append((one - exact).abs().max().item())
    assert errors[0] < 2 * 9.0 / 4800
    assert errors[1] < 0.6 * errors[0]


def test_protons_without_couplings_are_exact():
    system = SpinSystem({"A": 1, "B": 3, "C": 9}, {})
    one, exact = both(system, [8.1, 1.2, 4.0], n_transients=32, n_points=64, decay_time_t1_s=0.02, decay_time_t2_s=0.1)
    assert (one - exact).abs().max() < 1e-5


def test_without_mixing_a_group_stays_on_the_diagonal():
    system = SpinSystem({"A": 1, "M": 3}, {("A", "M"): 7.0})
    lines = first_order([system], [np.array([[4.0, 1.0]])], Acquisition(mixing_time_s=0.0))
    assert torch.allclose(lines.transfer[0], torch.diag(torch.tensor([1.0, 3.0])).to(torch.complex64), atol=1e-6)


def test_a_multiplet_has_the_splittings_of_its_partners():
    # In t2 a proton beside a methyl group and another proton is a doublet of quartets.
    system = SpinSystem({"A": 1, "B": 1, "M": 3}, {("A", "B"): 5.0, ("A", "M"): 7.0, ("B", "M"): 1.0})
    line = first_order([system], [np.array([[5.0, 3.0, 1.0]])]).t2[0, 0]
    t = torch.arange(256) / 7200
    quartet = sum(weight * torch.cos(torch.pi * j * t) for weight, j in ((1 / 4, 21.0), (3 / 4, 7.0)))
    assert torch.allclose(line, (quartet * torch.cos(torch.pi * 5 * t)).to(torch.complex64), atol=1e-5)


def test_the_mixing_keeps_the_magnetisation_of_every_molecule():
    molecules = [draw_molecule(seed) for seed in range(30)]
    lines = first_order(molecules, [molecule.shift_mean_ppm[None] for molecule in molecules])
    for transfer, molecule in zip(lines.transfer, molecules, strict=True):
        assert transfer.sum().real.item() == pytest.approx(molecule.system.n_protons, rel=1e-5)
        assert abs(transfer.sum().imag.item()) < 1e-5
        assert torch.allclose(transfer, transfer.T, atol=1e-6)


def test_molecules_together_are_what_they_are_alone():
    molecules, rng = [draw_molecule(seed) for seed in (1, 2, 3)], np.random.default_rng(0)
    shifts = [molecule.draw_shifts(rng, 2) for molecule in molecules]
    together = first_order(molecules, shifts).fid()
    alone = torch.cat([first_order([m], [s]).fid() for m, s in zip(molecules, shifts, strict=True)])
    assert torch.allclose(together, alone, atol=1e-4)


def test_other_axes_in_t1():
    one, exact = both(PAIR, [8.0, 2.0], n_transients=64, spectral_width_f1_hz=3600.0)
    assert one.shape == exact.shape
    assert (one - exact).abs().max() < 0.01


@pytest.mark.parametrize("settings", [{"sequence": "spin_lock"}, {"quadrature": "echo_antiecho"}, {"adc_bits": 12}])
def test_what_first_order_does_not_know(settings):
    with pytest.raises(InputError, match="use `tocsy`"):
        first_order([PAIR], [np.array([[8.0, 2.0]])], Acquisition(**settings))
