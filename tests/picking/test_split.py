"""Peaks that are two: found where two lines explain the points, and nowhere else."""

import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.picking import pick
from nmr_speech.picking.voigt import full_width, voigt

N = 96
AXES = (Axis(N, 2000.0, 118.0, 60.0), Axis(N, 1500.0, 8.0, 600.0))
PARTS = (5.0, 3.0)  # Gaussian and Lorentzian width, in points
WIDTH, _ = full_width(*PARTS)


def plane_of(points, heights, snr, seed=0, parts=PARTS):
    """Peaks of one shape with white noise; the highest is 1."""
    x = np.arange(N)
    clean = sum(h * np.outer(*(voigt(x - place, *parts) for place in p)) for p, h in zip(points, heights, strict=True))
    return clean + np.random.default_rng(seed).normal(size=(N, N)) / snr


def pair(distance, axis):
    """Two places, so many widths apart along an axis."""
    points = np.full((2, 2), N / 2 + 0.3)
    points[:, axis] += np.array([-0.5, 0.5]) * distance * WIDTH
    return points


def picked(plane, axes=AXES, **settings):
    """Positions and heights of what local maxima propose and is no noise, by place, and standard errors in points."""
    peaks = pick(plane, axes, "maxima", **settings)
    order = np.argsort(peaks.position_points.sum(axis=1))
    order = order[np.abs(peaks.height[order]) > 0.3]
    stds = peaks.position_std_ppm[order] * [axis.n / axis.width_ppm for axis in axes]
    return peaks.position_points[order], peaks.height[order], stds


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("heights", [(1.0, 1.0), (-1.0, -0.4)])
def test_two_lines_nearer_than_a_width_are_found_by_their_shape(axis, heights):
    points = pair(0.6, axis)
    plane = plane_of(points, heights, snr=50)
    assert len(picked(plane, split=False)[0]) == 1
    found, found_heights, _ = picked(plane, split=True)
    assert found == pytest.approx(points, abs=0.15 * WIDTH)
    assert found_heights == pytest.approx(heights, abs=0.2)


def test_without_noise_they_are_exact():
    points = pair(0.5, 0)
    found, heights, _ = picked(plane_of(points, (1.0, 0.6), snr=1e9), split=True)
    assert found == pytest.approx(points, abs=1e-2)
    assert heights == pytest.approx([1.0, 0.6], rel=1e-2)


@pytest.mark.parametrize("parts", [PARTS, (8.0, 0.01), (0.1, 7.0)])
@pytest.mark.parametrize("snr", [10, 50, 1000])
def test_a_single_line_stays_one(parts, snr):
    for seed in range(5):
        plane = plane_of([(48.2, 47.7)], [1.0], snr, seed, parts)
        assert len(picked(plane, split=True)[0]) == len(picked(plane, split=False)[0])


def test_a_single_line_of_another_shape_stays_one_in_smooth_noise():
    # A window and zero filling: no Voigt line, and noise that neighbours share.
    rng = np.random.default_rng(3)
    time = np.exp(2j * np.pi * 12.3 * np.arange(64) / 64)
    fid = np.outer(time, time) + (rng.normal(size=(64, 64)) + 1j * rng.normal(size=(64, 64))) / 5
    window = np.cos(np.pi / 2 * np.arange(64) / 64)
    plane = np.fft.fft2(fid * np.outer(window, window), (2 * N, 2 * N)).real
    axes = (Axis(2 * N, 2000.0, 118.0, 60.0), Axis(2 * N, 1500.0, 8.0, 600.0))
    assert len(picked(plane, axes, split=True)[0]) == len(picked(plane, axes, split=False)[0])


def test_the_standard_errors_of_both_are_those_of_many_draws():
    points, z = pair(0.8, 1), []
    for seed in range(30):
        found, _, stds = picked(plane_of(points, (1.0, 0.7), 50, seed), split=True)
        z.append((found - points)[:, 1] / stds[:, 1])
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.5  # 1 with a standard deviation of 0.09


def test_shoulders_of_one_dimension():
    x, axis = np.arange(256), Axis(256, 2560.0, 5.0, 500.0)
    spectrum = voigt(x - 100, 6, 3) + 0.7 * voigt(x - 107, 6, 3) + np.random.default_rng(1).normal(size=256) / 200
    assert len(pick(spectrum, axis, "maxima", split=False)) == 1
    peaks = pick(spectrum, axis, "maxima", split=True)
    assert np.sort(peaks.position_points[:, 0]) == pytest.approx([100, 107], abs=0.5)


def test_deep_picker_splits_unless_told_otherwise():
    plane = plane_of(pair(0.6, 1), (1.0, 1.0), snr=50)
    counts = [len(pick(plane, AXES, "deep_picker", split=split)) for split in (None, True, False)]
    assert counts[0] == counts[1] == counts[2] + 1


def test_a_split_that_is_no_truth_value_is_refused():
    with pytest.raises(InputError, match="`split` must be one of"):
        pick(np.eye(N), AXES, split="yes")
