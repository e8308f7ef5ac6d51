"""The simulator against formulas; derivations in tests/README.md."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.axis import Axis
from nmr_speech.simulate import RESIDUES, SpinSystem, load_residue, pulse_acquire, spectrum, tocsy
from nmr_speech.simulate.coherences import diagonalise, single_quantum
from nmr_speech.simulate.mixing import IsotropicMixing, SpinLock
from nmr_speech.simulate.nuisances import shift_frequency
from nmr_speech.simulate.spin_system import networks

WIDTH_HZ, FIELD_MHZ, CARRIER_PPM = 7200.0, 600.0, 5.0
PPM = Axis(256, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ).ppm()
SINGLE = SpinSystem({"H": 1}, {})
PAIR = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})


def times(n):
    return np.arange(n) / WIDTH_HZ


def offset(ppm):
    return 2 * np.pi * FIELD_MHZ * (ppm - CARRIER_PPM)


@settings(max_examples=20, deadline=None)
@given(ppm=st.floats(-1, 11))
def test_one_spin_is_one_line(ppm):
    t = times(64)
    line = np.exp(1j * offset(ppm) * t)
    fid = tocsy(SINGLE, [ppm], n_transients=64, n_points=64).numpy()
    assert np.abs(fid[0] - np.cos(offset(ppm) * t)[:, None] * line).max() < 1e-5
    assert np.abs(fid[1] - np.sin(offset(ppm) * t)[:, None] * line).max() < 1e-5
    assert np.abs(pulse_acquire(SINGLE, [ppm], n_points=64).numpy() - line).max() < 1e-5


def test_a_higher_shift_is_a_higher_frequency_in_both_dimensions():
    peak = spectrum(tocsy(SINGLE, [8.0])).real.argmax().item()
    assert PPM[peak // 256] == pytest.approx(8.0, abs=12 / 256)
    assert PPM[peak % 256] == pytest.approx(8.0, abs=12 / 256)


def test_the_spectrum_of_a_line_is_absorptive_in_both_dimensions():
    absorption = spectrum(tocsy(SINGLE, [6.5])).real
    assert absorption.min() > -0.02 * absorption.max()


def test_ax_doublet():
    t = times(256)
    fid = pulse_acquire(PAIR, [6.0, 4.0], n_points=256).numpy()
    quartet = ab_quartet(offset(6.0), offset(4.0), 7.0, t)
    assert np.abs(fid - quartet).max() < 1e-5
    weak = np.cos(np.pi * 7.0 * t) * (np.exp(1j * offset(6.0) * t) + np.exp(1j * offset(4.0) * t))
    assert np.abs(quartet - weak).max() < 0.02


@settings(max_examples=20, deadline=None)
@given(separation_hz=st.floats(0.5, 100), j_hz=st.floats(-20, 20))
def test_ab_quartet(separation_hz, j_hz):
    t = times(256)
    system = SpinSystem({"A": 1, "B": 1}, {("A", "B"): j_hz})
    a, b = 4.0, 4.0 - separation_hz / FIELD_MHZ
    fid = pulse_acquire(system, [a, b], n_points=256, tolerance=0).numpy()
    assert np.abs(fid - ab_quartet(offset(a), offset(b), j_hz, t)).max() < 1e-5


def ab_quartet(w_a, w_b, j_hz, t):
    j = 2 * np.pi * j_hz
    d = np.hypot(w_a - w_b, j)
    signal = 0
    for side in (1, -1):
        for branch in (1, -1):  # the inner lines are those whose J shift opposes their side
            intensity = (1 - side * branch * j / d) / 2
            signal = signal + intensity * np.exp(1j * ((w_a + w_b) / 2 + side * d / 2 + branch * j / 2) * t)
    return signal


@settings(max_examples=15, deadline=None)
@given(mixing_time_s=st.floats(0, 0.3), j_hz=st.floats(-20, 20))
def test_isotropic_transfer_of_two_spins(mixing_time_s, j_hz):
    """Of A at t1, the share (1 - cos(2 pi J t)) / 2 is detected as X: the integrals of the multiplets."""
    system = SpinSystem({"A": 1, "X": 1}, {("A", "X"): j_hz})
    cross, diagonal = cross_and_diagonal(tocsy(system, [8.0, 2.0], mixing_time_s=mixing_time_s))
    expected = (1 - math.cos(2 * math.pi * j_hz * mixing_time_s)) / 2
    assert cross == pytest.approx(expected, abs=0.01)
    assert diagonal == pytest.approx(1 - expected, abs=0.01)


def cross_and_diagonal(fid):
    absorption = spectrum(fid).real.double()
    near = [np.abs(PPM - shift) < 1.5 for shift in (8.0, 2.0)]
    integral = [[absorption[f1][:, f2].sum().item() for f2 in near] for f1 in near]
    total = sum(map(sum, integral))
    return (integral[0][1] + integral[1][0]) / total, (integral[0][0] + integral[1][1]) / total


@pytest.mark.parametrize("residue", RESIDUES)
def test_the_first_point_is_the_number_of_protons(residue):
    molecule = load_residue(residue)
    fid = tocsy(molecule, molecule.shift_mean_ppm.tolist(), n_transients=2, n_points=2)
    assert abs(fid[0, 0, 0].item() - molecule.system.n_protons) < 1e-4
    assert fid[1, 0].abs().max() < 1e-6 * molecule.system.n_protons  # rounding


@pytest.mark.parametrize("residue", ["ALA", "GLU", "TYR", "VAL", "ILE"])
def test_detection_at_zero_sees_no_mixing(residue):
    """Total spin commutes with the mixing, so the first row and the first column are the 1D signal."""
    molecule = load_residue(residue)
    shifts = molecule.shift_mean_ppm.tolist()
    fid = tocsy(molecule, shifts, n_transients=64, n_points=64, tolerance=1e-5)
    one = pulse_acquire(molecule, shifts, n_points=64, tolerance=1e-5)
    n = molecule.system.n_protons
    assert (fid[0, 0] - one).abs().max() < 2e-5 * n
    assert (fid[0, :, 0] + 1j * fid[1, :, 0] - one).abs().max() < 2e-5 * n


def test_without_mixing_there_is_only_the_diagonal():
    molecule = load_residue("LEU")
    shifts = dict(zip(molecule.system.names, molecule.shift_mean_ppm.tolist(), strict=True)) | {"HA": 4.3, "HG": 1.2}
    absorption = spectrum(tocsy(molecule, shifts, mixing_time_s=0.0)).real
    f1, f2 = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    off_diagonal = absorption[(f1 - f2).abs() > 8].abs().max()
    assert off_diagonal < 1e-3 * absorption.max()
    mixed = spectrum(tocsy(molecule, shifts, mixing_time_s=0.06)).real
    assert mixed[(f1 - f2).abs() > 8].abs().max() > 0.05 * mixed.max()


@settings(max_examples=10, deadline=None)
@given(
    residue=st.sampled_from(["SER", "THR", "GLU", "VAL", "PHE"]),
    mixing_time_s=st.floats(0, 0.3),
    seed=st.integers(0, 99),
)
def test_no_point_exceeds_the_first(residue, mixing_time_s, seed):
    molecule = load_residue(residue)
    shifts = np.random.default_rng(seed).normal(molecule.shift_mean_ppm, molecule.shift_std_ppm).tolist()
    fid = tocsy(molecule, shifts, mixing_time_s=mixing_time_s, n_transients=32, n_points=32)
    assert (fid[0] + 1j * fid[1]).abs().max() <= molecule.system.n_protons * (1 + 1e-4)


@pytest.mark.parametrize("residue", ["SER", "GLU", "VAL"])
def test_isotropic_mixing_keeps_norms_and_angles(residue):
    """Between two blocks the mixing is a unitary map of the coherences, where none is left out."""
    checked = 0
    for elements, line, transfer in all_transfers(residue, IsotropicMixing(0.06)):
        if line.upper.shape[1] < elements:
            continue  # an amplitude of exactly zero is left out even at no tolerance
        signal = torch.randn(2, line.upper.shape[1], 3, dtype=torch.complex64, generator=torch.manual_seed(0))
        kept, inverted = transfer(signal)
        assert torch.equal(kept, inverted)
        assert (kept.mH @ kept - signal.mH @ signal).abs().max() < 1e-5 * signal.shape[1]
        checked += 1
    assert checked >= 4


def test_a_lock_makes_no_signal():
    """Of single-quantum coherences, what stays single-quantum is a part, whether or not its order is inverted."""
    for _, line, transfer in all_transfers("GLU", SpinLock(0.06, 2 * math.pi * 5000.0)):
        signal = torch.randn(2, line.upper.shape[1], 3, dtype=torch.complex64, generator=torch.manual_seed(0))
        kept, inverted = transfer(signal)
        norms = [part.abs().square().sum(1) for part in (signal, kept, inverted)]
        assert (norms[1] + norms[2] < norms[0]).all()
        assert (norms[1] + norms[2] > 0.2 * norms[0]).all()


def all_transfers(residue, mixing):
    molecule = load_residue(residue)
    offsets = torch.from_numpy(offset(molecule.shift_mean_ppm + np.array([[0.0], [0.3]])))
    for network in networks(molecule.system):
        part = offsets[:, list(network.group_indices)]
        for sector in network.sectors:
            eigenstates = diagonalise(sector, part)
            lines = single_quantum(eigenstates, 0.0)
            pathways = mixing.transfers(eigenstates, lines)
            for raising, (line, transfer) in zip(sector.raising, pathways, strict=False):
                yield raising.numel(), line, transfer


@settings(max_examples=10, deadline=None)
@given(shift_hz=st.floats(-500, 500))
def test_moving_all_shifts_is_moving_the_recording(shift_hz):
    molecule = load_residue("THR")
    shifts = molecule.shift_mean_ppm
    moved = tocsy(molecule, (shifts + shift_hz / FIELD_MHZ).tolist(), n_transients=64, n_points=64, tolerance=0)
    still = tocsy(molecule, shifts.tolist(), n_transients=64, n_points=64, tolerance=0)
    assert (shift_frequency(still, shift_hz) - moved).abs().max() < 1e-4


def test_decay_is_a_factor_in_each_dimension():
    clean = tocsy(PAIR, [4.0, 2.0], n_transients=16, n_points=16)
    damped = tocsy(PAIR, [4.0, 2.0], n_transients=16, n_points=16, decay_time_t1_s=0.01, decay_time_t2_s=0.02)
    t = torch.from_numpy(times(16)).float()
    factor = torch.exp(-t / 0.01)[:, None] * torch.exp(-t / 0.02)
    assert (damped - clean * factor).abs().max() < 1e-6


def test_lines_outside_the_window_fold():
    inside = tocsy(SINGLE, [4.0], n_transients=16, n_points=16)
    folded = tocsy(SINGLE, [16.0], n_transients=16, n_points=16)  # one spectral width of 12 ppm further
    assert (inside - folded).abs().max() < 1e-5


def test_uncoupled_parts_add_up():
    both = SpinSystem({"A": 1, "B": 1, "C": 3}, {("A", "B"): 7.0})
    fid = tocsy(both, [4.0, 2.0, 1.0], n_transients=16, n_points=16)
    parts = tocsy(SpinSystem({"A": 1, "B": 1}, {("A", "B"): 7.0}), [4.0, 2.0], n_transients=16, n_points=16)
    parts = parts + tocsy(SpinSystem({"C": 3}, {}), [1.0], n_transients=16, n_points=16)
    assert (fid - parts).abs().max() < 1e-5
