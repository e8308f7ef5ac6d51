"""Pulse trains against brute force, closed forms and the ideal mixing."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

from nmr_speech.checks import InputError
from nmr_speech.simulate import Acquisition, SpinSystem, tocsy
from nmr_speech.simulate.mixing import mixing_of
from nmr_speech.simulate.trains import TRAINS
from nmr_speech.testing.brute_force import hamiltonians

PAIR = {"A": 1, "X": 2}, {("A", "X"): 7.0}
SHIFTS = {"A": 4.1, "X": 2.3}
LOCK_HZ = 9000.0
DIPSI_2 = "320 -410 290 -285 30 -245 375 -265 370"
MLEV_16 = "ABBA BBAA BAAB AABB"


def pulses(sequence):
    """Flip angle and direction in the transverse plane of each pulse of a cycle, from the papers' notation."""
    if sequence == "dipsi2":
        element = [(abs(int(text)), 0.0 if int(text) > 0 else math.pi) for text in DIPSI_2.split()]
        inverse = [(degrees, direction + math.pi) for degrees, direction in element]
        return element + inverse + inverse + element
    element = [(90, math.pi / 2), (180, 0.0), (90, math.pi / 2)]
    inverse = [(degrees, direction + math.pi) for degrees, direction in element]
    letters = MLEV_16.replace(" ", "")
    return [pulse for letter in letters for pulse in (element if letter == "A" else inverse)] + [(60, 0.0)]


def brute_force(sequence, n_cycles, n, trim_s, width_hz=7200.0):
    """First and second channel: magnetisation along y, free precession, trim, train, trim along x or y, detection."""
    groups, couplings = PAIR
    hamiltonian, _, lowering = hamiltonians(groups, couplings, SHIFTS, 600.0, 5.0)
    raising = lowering.conj().T
    x, y = (lowering + raising) / 2, (raising - lowering) / 2j
    step = expm(-1j * hamiltonian / width_hz)
    channels = []
    for axis in (0.0, math.pi / 2):
        cycle = np.eye(len(x))
        for degrees, direction in pulses(sequence):
            field = 2 * math.pi * LOCK_HZ * (math.cos(direction + axis) * x + math.sin(direction + axis) * y)
            cycle = expm(-1j * (hamiltonian + field) * math.radians(degrees) / (2 * math.pi * LOCK_HZ)) @ cycle
        field = 2 * math.pi * LOCK_HZ * (math.cos(axis) * x + math.sin(axis) * y)
        trim = expm(-1j * (hamiltonian + field) * trim_s)
        train = trim @ np.linalg.matrix_power(cycle, n_cycles) @ trim
        before, rows = lowering - raising, []
        for _ in range(n):
            rho, row = train @ before @ train.conj().T, []
            for _ in range(n):
                row.append(np.trace(raising @ rho))
                rho = step @ rho @ step.conj().T
            rows.append(row)
            before = step @ before @ step.conj().T
        channels.append(np.array(rows))
    return np.stack(channels) * 3 / np.trace(raising @ lowering)


@pytest.mark.parametrize("sequence", TRAINS)
@pytest.mark.parametrize("trim_s", [0.0, 0.00213])
def test_a_train_is_what_brute_force_gives(sequence, trim_s):
    acquisition = Acquisition(sequence, 0.03, LOCK_HZ, n_transients=6, n_points=6, tolerance=0, trim_s=trim_s)
    n_cycles = mixing_of(acquisition).n_cycles
    expected = brute_force(sequence, n_cycles, 6, trim_s)
    fid = tocsy(SpinSystem(*PAIR), SHIFTS, acquisition).numpy()
    assert n_cycles > 5
    np.testing.assert_allclose(fid, expected, atol=3e-4)


def test_a_cycle_lasts_as_long_as_its_pulses():
    """DIPSI-2 turns by 4 x 2590 degrees, MLEV-17 by 16 x 360 + 60."""
    turns = {name: sum(degrees for degrees, _ in cycle) / 360 for name, cycle in TRAINS.items()}
    assert turns == pytest.approx({"dipsi2": 4 * 2590 / 360, "mlev17": 16 + 1 / 6})
    train = mixing_of(Acquisition("dipsi2", 0.06, 10_000.0))
    assert train.n_cycles == round(0.06 / train.cycle_s) == 21


def test_dipsi_2_is_close_to_ideal_mixing_at_the_same_time():
    """In the middle of its bandwidth DIPSI-2 transfers as ideal mixing of the time that was applied does."""
    settings = {"n_transients": 32, "n_points": 32, "tolerance": 0}
    acquisition = Acquisition("dipsi2", 0.04, 20_000.0, **settings)
    train = mixing_of(acquisition)
    shifts = {"A": 5.3, "X": 4.7}
    fid = tocsy(SpinSystem(*PAIR), shifts, acquisition)
    ideal = tocsy(SpinSystem(*PAIR), shifts, mixing_time_s=train.n_cycles * train.cycle_s, **settings)
    # A lock detects cos + i sin of the ideal pair as its second channel at t1 = 0.
    transferred, expected = fid.mean(0)[0], ideal[0, 0]
    assert abs(transferred - expected).max() < 0.1 * abs(expected).max()


def test_a_train_needs_pulses():
    with pytest.raises(InputError, match=r"`lock_hz` must be from 100 to 1e\+06 Hz for dipsi2, got 0"):
        Acquisition("dipsi2", lock_hz=0)


@pytest.mark.parametrize("sequence", TRAINS)
def test_trim_pulses_of_several_lengths_purge_what_is_not_along_the_lock(sequence):
    """On resonance, magnetisation across the lock turns with every trim pulse: over a turn, its mean is zero."""
    n, settings = 16, {"n_transients": 1, "n_points": 1, "tolerance": 0}
    trims_s = [0.001 + k / n / (2 * LOCK_HZ) for k in range(n)]  # both pulses together turn once more
    acquisitions = [Acquisition(sequence, 0.03, LOCK_HZ, trim_s=trim_s, **settings) for trim_s in trims_s]
    channels = np.stack([tocsy(SpinSystem({"H": 1}, {}), [5.0], one).numpy().ravel() for one in acquisitions])
    assert abs(channels[:, 0]).max() > 0.9  # one alone leaves it
    np.testing.assert_allclose(channels.mean(axis=0), [0, 1], atol=1e-3)
