"""The table of peaks: closed forms of Voigt lines, what follows a shift, a scale and a transpose, messages."""

import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.picking import Candidates, pick
from nmr_speech.picking.fit import fit_peaks
from nmr_speech.picking.maxima import find_maxima
from nmr_speech.picking.noise import noise_std
from nmr_speech.picking.voigt import area, full_width, voigt, voigt_and_slopes

N1, N2 = 96, 128
F1, F2 = Axis(N1, 2000.0, 118.0, 60.0), Axis(N2, 1500.0, 8.0, 600.0)
LINES = (  # height; centre, Gaussian and Lorentzian width in points, of F1 and of F2
    (100.0, 20.3, 5.0, 2.0, 30.6, 6.0, 4.0),
    (-60.0, 60.8, 4.0, 3.0, 90.2, 5.0, 3.0),
    (40.0, 62.0, 4.0, 3.0, 30.0, 5.0, 3.0),
)


def plane_of(lines, shape=(N1, N2)):
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    return sum(h * np.outer(voigt(rows - a, g, w), voigt(columns - b, k, v)) for h, a, g, w, b, k, v in lines)


def noise(seed, shape=(N1, N2)):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("gaussian", "lorentzian"), [(3.0, 0.0), (2.0, 2.0), (0.02, 3.0)])
def test_a_voigt_line_has_its_area_and_half_its_height_at_half_its_width(gaussian, lorentzian):
    x = np.linspace(-3000, 3000, 600001)
    tails = 2 * (lorentzian / 2) ** 2 / 3000 * (area(gaussian, lorentzian)[0] * 2 / (np.pi * max(lorentzian, 1e-9)))
    numeric = voigt(x, gaussian, lorentzian).sum() * 0.01 + (tails if lorentzian else 0)
    assert numeric == pytest.approx(area(gaussian, lorentzian)[0], rel=1e-4)
    width = full_width(gaussian, lorentzian)[0]
    assert voigt(np.array([width / 2]), gaussian, lorentzian)[0] == pytest.approx(0.5, abs=3e-4)


def test_the_slopes_are_those_of_the_line():
    x, step = np.linspace(-4, 4, 9), 1e-6
    slopes = voigt_and_slopes(x, 2.0, 1.5)[1:]
    assert slopes[0] == pytest.approx((voigt(x + step, 2.0, 1.5) - voigt(x - step, 2.0, 1.5)) / 2 / step, abs=1e-8)
    for row, (dg, dl) in ((1, (step, 0)), (2, (0, step))):
        difference = voigt(x, 2.0 + dg, 1.5 + dl) - voigt(x, 2.0 - dg, 1.5 - dl)
        assert slopes[row] == pytest.approx(difference / 2 / step, abs=1e-8)
        for of in (area, full_width):
            value = (of(2.0 + dg, 1.5 + dl)[0] - of(2.0 - dg, 1.5 - dl)[0]) / 2 / step
            assert of(2.0, 1.5)[1][row - 1] == pytest.approx(value, rel=1e-5)


def test_lines_are_found_and_fitted_exactly():
    peaks = pick(plane_of(LINES), (F1, F2), method="maxima")
    order = [np.abs(peaks.height - line[0]).argmin() for line in LINES]
    for k, (h, a, g, w, b, q, v) in zip(order, LINES, strict=True):
        assert peaks.position_points[k] == pytest.approx([a, b], abs=1e-3)
        assert peaks.position_ppm[k] == pytest.approx(
            [np.interp(a, np.arange(N1), F1.ppm()), np.interp(b, np.arange(N2), F2.ppm())], abs=1e-4
        )
        assert peaks.height[k] == pytest.approx(h, rel=1e-3)
        assert peaks.volume[k] == pytest.approx(h * area(g, w)[0] * area(q, v)[0], rel=2e-3)
        widths = full_width(g, w)[0] * 2000 / N1, full_width(q, v)[0] * 1500 / N2
        assert peaks.width_hz[k] == pytest.approx(widths, rel=2e-3)
    assert len(peaks) == len(LINES)


def test_scale_shift_and_transpose():
    plane = plane_of(LINES) + noise(1)
    peaks = pick(plane, (F1, F2), method="maxima")
    scaled = pick(1e6 * plane, (F1, F2), method="maxima")
    assert scaled.position_points == pytest.approx(peaks.position_points, abs=1e-4)
    assert scaled.height == pytest.approx(1e6 * peaks.height, rel=1e-4)
    assert scaled.volume == pytest.approx(1e6 * peaks.volume, rel=1e-3)
    turned = pick(plane.T, (F2, F1), method="maxima")
    assert turned.position_ppm[:, ::-1] == pytest.approx(peaks.position_ppm, abs=1e-4)
    assert turned.height == pytest.approx(peaks.height, rel=1e-4)
    moved = pick(np.roll(plane, (3, -5), axis=(0, 1)), (F1, F2), method="maxima")
    assert moved.position_points - [3, -5] == pytest.approx(peaks.position_points, abs=1e-3)


def test_one_dimension():
    axis = Axis(512, 5000.0, 4.7, 500.0)
    x = np.arange(512)
    spectrum = 50 * voigt(x - 100.4, 4, 2) - 20 * voigt(x - 300.7, 3, 3) + noise(2, 512)
    peaks = pick(spectrum, (axis,), method="maxima")
    assert peaks.position_points[:, 0] == pytest.approx([100.4, 300.7], abs=0.5)
    assert peaks.height == pytest.approx([50, -20], abs=4)
    assert list(peaks.rows()[0])[:2] == ["f2_ppm", "f2_std_ppm"]


@pytest.mark.parametrize("shape", [(N1, N2), (512,)])
def test_nothing_is_picked_where_there_is_nothing(shape):
    axes = tuple(Axis(n, 1000.0, 5.0, 500.0) for n in shape)
    for plane in (np.zeros(shape), np.full(shape, 3.0)):
        assert len(pick(plane, axes, method="maxima")) == 0
    false = [len(pick(noise(seed, shape), axes, method="maxima", fit=False)) for seed in range(5)]
    assert sum(false) <= 3


def test_a_ridge_of_noise_is_no_row_of_peaks():
    plane = noise(3)
    plane[:, 40] *= 30
    assert len(pick(plane, (F1, F2), method="maxima", fit=False)) <= 1


def test_noise_is_estimated_where_most_is_blank_or_signals_are_many():
    plane = noise(4, (256, 256))
    plane[:, :200] *= 1e-6
    assert noise_std(plane) == pytest.approx(1, rel=0.1)
    crowded = noise(5, (256, 256))
    for k in range(40):
        rng = np.random.default_rng(k)
        crowded += plane_of([(100, rng.uniform(0, 256), 4, 2, rng.uniform(0, 256), 4, 2)], (256, 256))
    assert noise_std(crowded) == pytest.approx(1, rel=0.6)


def test_a_shoulder_that_is_given_is_fitted_with_its_neighbour():
    lines = ((100.0, 40.0, 4.0, 2.0, 60.0, 5.0, 2.0), (50.0, 40.0, 4.0, 2.0, 65.0, 5.0, 2.0))
    found = Candidates(np.array([[40.2, 59.8], [40.1, 65.5]]), np.ones(2))
    peaks = fit_peaks(plane_of(lines), (F1, F2), found, 0.0)
    assert peaks.height == pytest.approx([100, 50], rel=1e-2)
    assert peaks.position_points[:, 1] == pytest.approx([60, 65], abs=1e-2)


def test_the_standard_errors_are_those_of_many_draws():
    line = (20.0, 20.0, 4.0, 3.0, 20.0, 5.0, 2.0)
    axes = (Axis(40, 1000.0, 5.0, 500.0), Axis(40, 1000.0, 5.0, 500.0))
    clean, found = plane_of([line], (40, 40)), Candidates(np.array([[20.0, 20.0]]), np.ones(1))
    draws = [fit_peaks(clean + noise(seed, (40, 40)), axes, found, 1.0) for seed in range(60)]
    truth = {"height": 20.0, "position_ppm": 5.0, "volume": 20 * area(4, 3)[0] * area(5, 2)[0]}
    for name, error in (("height", "height_std"), ("position_ppm", "position_std_ppm"), ("volume", "volume_std")):
        z = np.array([(getattr(one, name) - truth[name]) / getattr(one, error) for one in draws]).ravel()
        chi_square = (z**2).sum() / z.size  # 1 with a standard deviation of sqrt(2 / 60) = 0.18
        assert 0.5 < chi_square < 1.6, (name, chi_square)


def test_a_fit_that_fails_leaves_the_candidate():
    found = Candidates(np.array([[50.0, 64.0]]), np.array([0.7]))
    peaks = fit_peaks(noise(6), (F1, F2), found, 1.0)
    assert len(peaks) == 1
    assert np.isfinite(peaks.position_ppm).all()


def test_the_border_has_no_peaks():
    plane = noise(7)
    plane[0], plane[:, -1] = 100, 100
    points = find_maxima(plane, 1.0).points
    assert ((points > 0.4) & (points < np.array([N1, N2]) - 1.4)).all()


@pytest.mark.parametrize(
    ("spectrum", "axes", "settings", "message"),
    [
        (np.zeros((4, 4, 4)), (F1, F2), {}, "must be 1D or 2D for the method 'maxima', got 3D"),
        (np.full((N1, N2), np.nan), (F1, F2), {}, "must hold finite numbers, got NaN"),
        (np.zeros((N1, N2), complex), (F1, F2), {}, "must be real, got complex128"),
        (np.zeros((N2, N1)), (F1, F2), {}, r"must have the points of the spectrum, \(128, 96\), got 96 x 128"),
        (np.zeros(N1), (np.arange(N1),), {}, "they say which point has which ppm"),
        (np.zeros((N1, N2)), (F1, F2), {"method": "minima"}, "must be one of .*did you mean 'maxima'"),
        (np.zeros((N1, N2)), (F1, F2), {"threshold": 2}, "`threshold` must be from 0 to 1 as a probability, got 2"),
    ],
)
def test_messages(spectrum, axes, settings, message):
    with pytest.raises(InputError, match=message):
        pick(spectrum, axes, **{"method": "maxima"} | settings)
