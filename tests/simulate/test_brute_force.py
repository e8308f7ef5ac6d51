"""The simulator against full density-matrix propagation."""

import numpy as np
import pytest

from nmr_speech.simulate import SpinSystem, load_residue, pulse_acquire, tocsy
from nmr_speech.testing import brute_force

GLU_COUPLINGS_HZ = {
    ("HA", "HB2"): 7.3, ("HA", "HB3"): 4.7, ("HB2", "HB3"): -14.8, ("HB2", "HG2"): 6.4,
    ("HB2", "HG3"): 8.4, ("HB3", "HG2"): 8.5, ("HB3", "HG3"): 6.9, ("HG2", "HG3"): -15.9,
}  # fmt: skip
RING_COUPLINGS_HZ = {
    ("D1", "D2"): 2.5, ("E1", "E2"): 2.4, ("D1", "E1"): 8.3, ("D2", "E2"): 8.3, ("D1", "E2"): 0.4, ("D2", "E1"): 0.4,
}  # fmt: skip
SYSTEMS = {
    "two spins, strong coupling": ({"A": 1, "B": 1}, {("A", "B"): 15.0}, {"A": 4.02, "B": 4.0}),
    "three spins (SER side chain)": (
        {"HA": 1, "HB2": 1, "HB3": 1},
        {("HA", "HB2"): 5.8, ("HA", "HB3"): 3.6, ("HB2", "HB3"): -12.1},
        {"HA": 4.47, "HB2": 3.9, "HB3": 3.85},
    ),
    "four spins, ring pairs of equal shifts (AA'BB')": (
        {"D1": 1, "D2": 1, "E1": 1, "E2": 1},
        RING_COUPLINGS_HZ,
        {"D1": 7.1, "D2": 7.1, "E1": 6.8, "E2": 6.8},
    ),
    "five spins with a methyl group (ALA with NH)": (
        {"HA": 1, "MB": 3, "H": 1},
        {("HA", "MB"): 7.2, ("H", "HA"): 7.0},
        {"HA": 4.2, "MB": 1.4, "H": 8.2},
    ),
    "two pairs of equivalent spins": ({"A": 2, "B": 2}, {("A", "B"): 6.5}, {"A": 3.1, "B": 2.9}),
    "five spins (GLU side chain)": (
        {"HA": 1, "HB2": 1, "HB3": 1, "HG2": 1, "HG3": 1},
        GLU_COUPLINGS_HZ,
        {"HA": 4.25, "HB2": 2.05, "HB3": 2.0, "HG2": 2.3, "HG3": 2.27},
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("mixing_time_s", [0.0, 0.017, 0.06])
def test_tocsy(name, mixing_time_s):
    groups, couplings, shifts = SYSTEMS[name]
    size = {
        "n_transients": 12,
        "n_points": 14,
        "spectral_width_hz": 1500.0,
    }  # coarse steps: every line makes many turns
    expected = brute_force.signal_2d(groups, couplings, shifts, mixing_time_s=mixing_time_s, **size)
    fid = tocsy(SpinSystem(groups, couplings), shifts, mixing_time_s=mixing_time_s, tolerance=1e-6, **size)
    assert np.abs(fid.numpy() - expected).max() < 1e-5 * sum(groups.values())


@pytest.mark.parametrize("name", SYSTEMS)
def test_pulse_acquire(name):
    groups, couplings, shifts = SYSTEMS[name]
    expected = brute_force.signal_1d(groups, couplings, shifts, n_points=64, spectral_width_hz=1500.0)
    fid = pulse_acquire(SpinSystem(groups, couplings), shifts, n_points=64, spectral_width_hz=1500.0, tolerance=1e-6)
    assert np.abs(fid.numpy() - expected).max() < 1e-5 * sum(groups.values())


def test_other_field_carrier_and_widths():
    groups, couplings, shifts = SYSTEMS["three spins (SER side chain)"]
    settings = {"field_mhz": 500.0, "carrier_ppm": 4.7, "mixing_time_s": 0.03, "n_transients": 9, "n_points": 11}
    expected = brute_force.signal_2d(groups, couplings, shifts, spectral_width_hz=2000.0, **settings)
    fid = tocsy(SpinSystem(groups, couplings), shifts, spectral_width_hz=2000.0, tolerance=1e-6, **settings)
    assert np.abs(fid.numpy() - expected).max() < 1e-5 * sum(groups.values())
    half = tocsy(
        SpinSystem(groups, couplings),
        shifts,
        spectral_width_hz=2000.0,
        spectral_width_f1_hz=4000.0,
        tolerance=1e-6,
        **settings,
    )
    assert np.abs(half.numpy()[:, ::2] - expected[:, :5]).max() < 1e-5 * sum(groups.values())


@pytest.mark.parametrize("residue", ["GLY", "SER", "GLN", "HIS", "PHE", "VAL", "LYS"])
def test_the_default_tolerance_costs_less_than_a_ten_thousandth(residue):
    molecule = load_residue(residue)
    shifts = np.random.default_rng(1).normal(molecule.shift_mean_ppm, molecule.shift_std_ppm).tolist()
    fid, exact = (tocsy(molecule, shifts, tolerance=tolerance) for tolerance in (1e-3, 1e-6))
    assert (fid - exact).abs().max() < 1e-4 * molecule.system.n_protons
