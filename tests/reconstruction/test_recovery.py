"""Figures of a reconstruction, where they are known beforehand."""

import numpy as np
import pytest

from nmr_speech.checks import InputError
from nmr_speech.reconstruction.recovery import pick, recovery, rlne, spread, threshold_of


@pytest.fixture
def reference():
    """Sixteen peaks of known heights, eight of them weak, on noise of one."""
    spectrum = np.random.default_rng(3).normal(size=(64, 64))
    heights = np.concatenate([np.linspace(1000, 100, 8), np.linspace(38, 30, 8)]).reshape(4, 4)
    spectrum[8::16, 8::16] = heights
    return spectrum


def test_a_perfect_reconstruction(reference):
    found = recovery(reference, reference)
    expected = {"rlne": 0, "peaks": 16, "weak_peaks": 8, "slope": 1, "weak_recall": 1, "false_peaks": 0}
    assert found.items() >= expected.items()
    assert found["peak_r2"] == pytest.approx(1)
    assert found["weak_peak_r2"] == pytest.approx(1)


def test_a_scale_shows_in_the_slope_alone(reference):
    found = recovery(0.8 * reference, reference)
    assert found["slope"] == pytest.approx(0.8)
    assert found["rlne"] == pytest.approx(0.2)
    assert found["peak_r2"] == pytest.approx(1)


def test_what_is_lost_and_what_is_invented_is_counted(reference):
    ours = reference.copy()
    ours[40, 8] = ours[40, 24] = 0.0
    ours[16, 16] = 60.0
    ours[48, 33] = -60.0
    found = recovery(ours, reference)
    assert found["weak_recall"] == 6 / 8
    assert found["false_peaks"] == 2
    assert found["weak_peak_r2"] < 0.5
    assert found["peak_r2"] > 0.99


def test_a_peak_may_move_by_two_points(reference):
    ours = reference.copy()
    ours[40, 8], ours[42, 10] = 0.0, reference[40, 8]
    assert recovery(ours, reference)["weak_recall"] == 1
    ours[42, 10], ours[43, 11] = 0.0, reference[40, 8]
    assert recovery(ours, reference)["weak_recall"] == 7 / 8


def test_empty_rows_do_not_hide_the_noise(reference):
    padded = np.concatenate([reference, np.zeros((640, 64))])
    assert threshold_of(padded) == pytest.approx(threshold_of(reference))
    assert threshold_of(reference) == pytest.approx(8, rel=0.2)  # peaks raise the median a little


def test_peaks_are_joined_around_the_edge():
    spectrum = np.zeros(32)
    spectrum[[0, 31]] = 5.0, 6.0
    assert pick(spectrum, 1.0).nonzero()[0].tolist() == [31]


def test_spread_marks_what_one_schedule_alone_shows(reference):
    rng = np.random.default_rng(0)
    spectra = reference + rng.normal(size=(10, 64, 64))
    spectra[3, 16, 16] += 300
    agreed = spread(spectra)
    by_place = dict(zip(map(tuple, agreed["peaks"]), agreed["relative_std"], strict=True))
    assert by_place[16, 16] > 1
    assert by_place[8, 8] < 0.01
    assert np.median(agreed["std"]) == pytest.approx(1, rel=0.1)


def test_what_cannot_be_compared_is_named():
    with pytest.raises(InputError, match=r"shape of the spectrum .* got \(4,\) for \(3,\)"):
        rlne(np.ones(3), np.ones(4))
    with pytest.raises(InputError, match="must not be zero"):
        rlne(np.ones(3), np.zeros(3))
    with pytest.raises(InputError, match="two schedules or more, got 1"):
        spread(np.ones((1, 4, 4)))
