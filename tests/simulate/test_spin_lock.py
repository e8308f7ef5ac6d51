"""The continuous lock against Spinguin, closed forms and the ideal mixing."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.simulate import SpinSystem, load_residue, tocsy
from nmr_speech.testing.data import reference_data

SINGLE = SpinSystem({"H": 1}, {})


@pytest.mark.parametrize("residue", ["GLY", "SER", "ASN", "ALA"])
def test_spinguin(residue):
    """Spinguin starts from the full trace and along y: a factor of i 2^(n - 2) for n spins."""
    reference = np.load(reference_data(f"spinguin/{residue}.npz"))
    system, shifts = spinguin_system(reference)
    fid = tocsy(
        system,
        shifts,
        sequence="spin_lock",
        lock_hz=reference["lamp_hz"].item(),
        mixing_time_s=reference["tmix_s"].item(),
        field_mhz=reference["mhz"].item(),
        carrier_ppm=reference["offset_hz"].item() / reference["mhz"].item(),
        spectral_width_hz=reference["sweep_hz"][0].item(),
        n_transients=64,
        n_points=64,
        tolerance=0,
    )
    expected = np.stack([reference["cos"].T, reference["sin"].T])
    assert np.abs(1j * 2.0 ** (system.n_protons - 2) * fid.numpy() - expected).max() < 1e-6 * np.abs(expected).max()


def spinguin_system(reference):
    groups = json.loads(reference["groups"].item())
    group_of = {spin: name for name, spins in groups.items() for spin in spins}
    couplings = {}
    for pair, j_hz in json.loads(reference["J_hz"].item()).items():
        a, b = (group_of[int(spin)] for spin in pair.split("-"))
        if a != b:
            couplings[a, b] = j_hz
    shifts = {name: reference["shifts_ppm"][spins[0]] for name, spins in groups.items()}
    return SpinSystem({name: len(spins) for name, spins in groups.items()}, couplings), shifts


@settings(max_examples=20, deadline=None)
@given(ppm=st.floats(0, 10), lock_hz=st.floats(100, 20000), mixing_time_s=st.floats(0, 0.1))
def test_one_spin_turns_about_the_effective_field(ppm, lock_hz, mixing_time_s):
    """Rotation of a vector about the axis (lock, 0, offset), by Rodrigues' formula."""
    offset_hz = 600.0 * (ppm - 5.0)
    t = np.arange(8) / 7200.0
    angle = 2 * np.pi * np.hypot(lock_hz, offset_hz) * mixing_time_s
    fid = tocsy(
        SINGLE, [ppm], sequence="spin_lock", lock_hz=lock_hz, mixing_time_s=mixing_time_s, n_transients=8, n_points=8
    ).numpy()
    # In units where the ideal P signal is exp(i w (t1 + t2)), the magnetisation before the lock is exp(i w t1): x + iy.
    before = np.exp(2j * np.pi * offset_hz * t)
    detected = np.exp(2j * np.pi * offset_hz * t)
    # The start is along y for the first channel, so that a lock along x is perpendicular to it.
    for channel, axis in ((0, (0.0, 1.0)), (1, (1.0, 0.0))):
        n = np.array([lock_hz * axis[0], lock_hz * axis[1], offset_hz]) / np.hypot(lock_hz, offset_hz)
        v = np.stack([before.real, before.imag, np.zeros(8)], 1)
        along = (v @ n)[:, None] * n
        turned = along + (v - along) * np.cos(angle) + np.cross(n, v) * np.sin(angle)
        expected = (turned[:, 0] + 1j * turned[:, 1])[:, None] * detected
        assert np.abs(fid[channel] - expected).max() < 2e-5 * (1 + angle / 100)


@pytest.mark.parametrize("residue", ["ALA", "SER", "VAL"])
def test_a_strong_lock_is_the_ideal_mixing(residue):
    """With a whole number of turns what inverts its order vanishes, what keeps it becomes the ideal P signal.

    Off resonance there are offset^2 / (2 lock) turns a second more: at 100 MHz a twentieth of one at the weakest lock.
    """
    molecule = load_residue(residue, "d2o")
    shifts = molecule.shift_mean_ppm.tolist()
    size = {"n_transients": 24, "n_points": 24, "mixing_time_s": 0.05, "tolerance": 1e-5}
    size |= {"carrier_ppm": (min(shifts) + max(shifts)) / 2, "field_mhz": 100.0}
    ideal = tocsy(molecule, shifts, **size)
    deviations = []
    for lock_hz in (1e4, 1e5, 1e6):
        first, second = tocsy(molecule, shifts, sequence="spin_lock", lock_hz=lock_hz, **size)
        deviations.append(((first + second) / 2 - (ideal[0] + 1j * ideal[1])).abs().max().item())
        if lock_hz == 1e6:
            assert (first - second).abs().max() < 0.02 * molecule.system.n_protons
    assert deviations[0] > deviations[1] > deviations[2]
    assert deviations[2] < 0.01 * molecule.system.n_protons


def test_on_resonance_with_whole_turns_both_channels_are_one():
    first, second = tocsy(SINGLE, [5.0], sequence="spin_lock", lock_hz=1e4, mixing_time_s=0.06, n_points=4)
    assert (first - second).abs().max() < 1e-4
    assert abs(first[0, 0].item() - 1) < 1e-4


def test_without_a_lock_the_mixing_is_free_precession():
    """No lock, no turn: t1, the mixing time and t2 add up, in both channels."""
    pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    mixing_time_s = 100 / 7200.0
    channels = tocsy(
        pair, [4.0, 2.0], sequence="spin_lock", lock_hz=0, mixing_time_s=mixing_time_s, n_transients=8, n_points=8
    )
    without = tocsy(pair, [4.0, 2.0], mixing_time_s=0.0, n_transients=108, n_points=8)
    expected = (without[0] + 1j * without[1])[100:]
    for channel in channels:
        assert (channel - expected).abs().max() < 1e-4


def test_echo_and_anti_echo_are_the_sums_of_the_states_pair():
    pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    size = {"n_transients": 32, "n_points": 32}
    echo, anti_echo = tocsy(pair, [4.0, 2.0], mixing_time_s=0.0, quadrature="echo_antiecho", **size)
    one = tocsy(pair, [4.0, 2.0], n_transients=1, n_points=64)[0, 0]  # before t1 there is nothing for mixing to do
    later = torch.stack([one[k : k + 32] for k in range(32)])
    assert (anti_echo - later).abs().max() < 1e-4  # a function of t1 + t2
    both_ways = torch.cat([one[1:32].flip(0).conj(), one[:32]])  # from -31 to 31 dwell times
    refocused = torch.stack([both_ways[31 - k : 63 - k] for k in range(32)])
    assert (echo - refocused).abs().max() < 1e-4  # a function of t2 - t1: refocused where both are equal
