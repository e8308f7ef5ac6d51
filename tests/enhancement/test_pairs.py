"""The spectra to train on: the lines of the exact simulation, noise of the stated size, molecules kept apart."""

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.enhancement.detection import Found, compare, recall, threshold
from nmr_speech.enhancement.molecules import NOT_TRAINED, SPLITS, molecules_of
from nmr_speech.enhancement.pairs import Pairs, PairSettings, windows
from nmr_speech.enhancement.signals import decay, fourier, undamped
from nmr_speech.simulate import RESIDUES, load_molecule, load_residue, molecule_ids, pulse_acquire
from nmr_speech.simulate.lines import lines

SMALL = {"points": [2048], "fields_mhz": [600.0], "drawn_systems": 6}
PLAIN = SMALL | {"water_share": 0.0, "baseline_share": 0.0, "filter_share": 0.0, "first_order_share": 0.0,
                 "shim_share": 0.0}  # fmt: skip


@pytest.mark.parametrize("name", ["GLU", "SER", "PRO"])
def test_lines_are_those_of_the_simulation(name):
    residue = load_residue(name, "d2o", "free")
    frequency_hz, intensity = lines(residue, residue.shift_mean_ppm, carrier_ppm=4.7, field_mhz=600.0)
    seconds = Axis(1024, 6000.0).seconds()
    summed = np.exp(2j * np.pi * np.outer(seconds, frequency_hz)) @ intensity
    settings = {"n_points": 1024, "spectral_width_hz": 6000.0, "carrier_ppm": 4.7, "field_mhz": 600.0}
    exact = pulse_acquire(residue, residue.shift_mean_ppm, **settings).numpy()
    assert abs(summed - exact).max() < 3e-3 * abs(exact[0])


def test_one_transform_sums_all_lines_to_an_eighth_of_a_point():
    axis = Axis(512, 5120.0, 4.7, 600.0)
    frequency_hz, intensity = np.array([-1001.3, 37.7, 412.2]), np.array([1.0, 2.0, 0.5])
    on_grid = np.round(frequency_hz / 2.5) * 2.5  # a quarter of the 10 Hz between points
    exact = np.exp(2j * np.pi * np.outer(axis.seconds(), on_grid)) @ intensity
    assert abs(undamped(frequency_hz, intensity, axis).numpy() - exact).max() < 1e-4
    assert abs(on_grid - frequency_hz).max() <= 1.25


@pytest.mark.parametrize(("lorentz_hz", "gauss_hz"), [(4.0, 0.0), (0.0, 4.0)])
def test_lines_have_the_width_that_is_asked_for(lorentz_hz, gauss_hz):
    axis = Axis(2**15, 2000.0)
    line = fourier(torch.from_numpy(decay(axis, lorentz_hz, gauss_hz))).real.numpy()
    line = np.fft.fftshift(line - line.min())
    above = np.flatnonzero(line > line.max() / 2)
    assert (above[-1] - above[0] + 1) * axis.width_hz / axis.n == pytest.approx(4.0, abs=0.13)


def test_noise_and_height_have_the_ratio_that_is_asked_for():
    pairs = Pairs(PairSettings(**PLAIN | {"snr": (20.0, 20.0)}), 1, "valid")
    for index in range(3):
        pair = pairs.draw(index)
        assert pair.clean.abs().max() / pair.noise_std == pytest.approx(20.0, rel=1e-3)
        assert pair.noise.real.std() / pair.noise_std == pytest.approx(1.0, rel=0.1)


def test_the_phase_makes_absorption():
    pair = Pairs(PairSettings(**PLAIN | {"width_hz": (6.0, 8.0)}), 1, "valid").draw(1)
    real = (pair.clean * np.conj(pair.phase)).real
    assert real.max() > 10 * -real.min()


def test_a_molecule_that_is_left_out_is_all_that_is_missing():
    pairs = Pairs(PairSettings(**PLAIN | {"systems": (2, 2)}), 1, "valid")
    whole, first, second = pairs.draw(3), pairs.draw(3, leave_out=0), pairs.draw(3, leave_out=1)
    # The noise and the phase are drawn alike; the height, to which the noise is set, is not.
    assert torch.allclose(first.clean + second.clean, whole.clean, atol=1e-4 * float(whole.clean.abs().max()))


def test_a_narrow_target_has_no_water_and_narrow_lines():
    narrow = Pairs(PairSettings(**SMALL | {"narrow_hz": 2.0, "water_share": 1.0, "width_hz": (15.0, 20.0)}), 1, "valid")
    broad = Pairs(PairSettings(**SMALL | {"water_share": 1.0, "width_hz": (15.0, 20.0)}), 1, "valid")
    a, b = narrow.draw(0), broad.draw(0)
    assert torch.allclose(a.clean + a.noise, b.clean + b.noise, atol=1e-3 * float(b.clean.abs().max()))
    assert (a.noise - b.noise).norm() > 0.1 * b.clean.norm()


def test_windows_are_in_units_of_the_noise_and_depend_on_their_number_alone():
    pairs = Pairs(PairSettings(**PLAIN), 5, "valid")
    noisy, noise = windows(pairs.draw(2), np.random.default_rng(0), 3, 512)
    assert noisy.shape == noise.shape == (3, 512)
    assert noise.real.std().item() == pytest.approx(1.0, rel=0.1)
    again, _ = windows(Pairs(PairSettings(**PLAIN), 5, "valid").draw(2), np.random.default_rng(0), 3, 512)
    assert torch.equal(again, noisy)


def test_no_molecule_is_in_two_splits_and_what_is_tested_is_not_trained():
    by_split = {split: set(molecules_of(split)) for split in SPLITS}
    assert sum(map(len, by_split.values())) == len(set.union(*by_split.values())) == len(molecule_ids()) + len(RESIDUES)
    assert set(RESIDUES) <= by_split["test"]
    names = {split: {load_molecule(one).name.lower() for one in ids} for split, ids in by_split.items()}
    assert not names["train"] & (names["valid"] | names["test"])
    assert not any(word in name for name in names["train"] for word in NOT_TRAINED)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width_hz": 3.0}, "`width_hz` must be two numbers, the least and the largest, got 3.0"),
        ({"snr": (30, 3)}, "`snr` must be two numbers, the least and the largest, got 30 before 3"),
        ({"points": [1000]}, "`points` must be powers of two, got 1000"),
        ({"water_share": 2}, "`water_share` must be from 0 to 1 of the spectra, got 2"),
        ({"fields_mhz": [6e5]}, "`fields_mhz` must be from 40 to 1300 MHz"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        PairSettings(**settings)


def test_peaks_that_a_window_joins_count_once():
    truth = np.zeros(200)
    truth[[50, 53, 120]] = 4.0, 5.0, 3.0
    joined = np.zeros(200)
    joined[[51, 121, 180]] = 4.0, 2.5, 1.0
    found = compare(joined, truth, width=2.0)
    assert (found.true.tolist(), found.heights.tolist(), found.false.tolist()) == ([4.0, 2.5], [5.0, 3.0], [1.0])


def test_the_threshold_leaves_one_false_peak_a_spectrum():
    rng = np.random.default_rng(0)
    found = [Found(rng.exponential(size=40), np.array([2.0]), np.array([1.5])) for _ in range(50)]
    at = threshold(found, 1.0)
    assert sum(int((one.false >= at).sum()) for one in found) == 50
    assert recall(found, 1.9, (1.0, 2.0)) == (50, 50)
