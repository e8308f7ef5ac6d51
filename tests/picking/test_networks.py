"""The pickers' networks: their size, closed forms on single lines, and what follows a shift, a scale, a transpose."""

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.enhancement.pairs import Pairs, PairSettings
from nmr_speech.picking import find_regions, pick
from nmr_speech.picking.load import TRAINED, load_picker
from nmr_speech.picking.patches import PatchNetwork, extrema, hilltops, usual_widths
from nmr_speech.picking.planes import draw_plane, matches
from nmr_speech.picking.rows import STRONG, WEAK, RowNetwork, dots
from nmr_speech.picking.synthetic import draw_rows, voigt_lines
from nmr_speech.picking.training import RegionItems, RowItems, near_a_line, row_losses
from nmr_speech.picking.voigt import voigt

F1, F2 = Axis(96, 2000.0, 118.0, 60.0), Axis(128, 1500.0, 8.0, 600.0)
CENTRES = ((25.3, 30.6), (60.8, 90.2), (62.0, 34.0))


def plane_of(centres=CENTRES, heights=(100.0, -60.0, 40.0), shape=(96, 128), seed=0):
    x = [np.arange(n) for n in shape]
    clean = sum(
        height * np.outer(voigt(x[0] - a, 6.0, 3.0), voigt(x[1] - b, 7.0, 3.0))
        for height, (a, b) in zip(heights, centres, strict=True)
    )
    return clean + np.random.default_rng(seed).normal(size=shape)


def test_parameters_are_as_many_as_in_the_original():
    assert sum(weight.numel() for weight in RowNetwork().parameters()) == 8037


@pytest.mark.parametrize("method", ["deep_picker", "nmr_net"])
def test_single_peaks_are_found_where_they_are(method):
    peaks = pick(plane_of(), (F1, F2), method=method)
    assert len(peaks) == 3
    order = [int(np.abs(peaks.position_points - centre).max(axis=1).argmin()) for centre in CENTRES]
    assert sorted(order) == [0, 1, 2]
    assert np.abs(peaks.position_points[order] - CENTRES).max() < 0.3
    assert peaks.height[order] == pytest.approx([100, -60, 40], rel=0.15)


@pytest.mark.parametrize("method", ["deep_picker", "nmr_net"])
def test_scaling_changes_heights_alone(method):
    plane = plane_of()
    peaks, scaled = (pick(one, (F1, F2), method=method) for one in (plane, 1e5 * plane))
    assert np.allclose(peaks.position_points, scaled.position_points, atol=1e-3)
    assert np.allclose(1e5 * peaks.height, scaled.height, rtol=1e-3)
    assert np.allclose(peaks.probability, scaled.probability, atol=1e-3)


@pytest.mark.parametrize("method", ["deep_picker", "nmr_net"])
def test_transposing_exchanges_the_columns(method):
    plane = plane_of()
    peaks, turned = pick(plane, (F1, F2), method=method), pick(plane.T, (F2, F1), method=method)
    assert len(peaks) == len(turned)
    for centre in peaks.position_points:
        assert np.abs(turned.position_points[:, ::-1] - centre).max(axis=1).min() < 0.05


def test_shifting_the_plane_shifts_the_peaks():
    plane = plane_of()
    peaks = pick(plane, (F1, F2), method="deep_picker")
    moved = pick(np.roll(plane, (3, -5), axis=(0, 1)), (F1, F2), method="deep_picker")
    assert len(peaks) == len(moved)
    for centre in peaks.position_points:
        assert np.abs(moved.position_points - centre - (3, -5)).max(axis=1).min() < 0.05


@pytest.mark.parametrize("method", ["deep_picker", "nmr_net"])
def test_an_empty_and_a_constant_plane_have_no_peaks(method):
    for plane in (np.zeros((96, 128)), np.full((96, 128), 7.0)):
        assert len(pick(plane, (F1, F2), method=method)) == 0


@pytest.mark.parametrize("method", ["deep_picker", "nmr_net"])
def test_noise_alone_has_hardly_any(method):
    counts = [
        len(pick(np.random.default_rng(seed).normal(size=(96, 128)), (F1, F2), method=method)) for seed in range(5)
    ]
    assert sum(counts) <= 1


def test_a_shoulder_is_found_that_is_no_maximum():
    x = np.arange(128.0)
    row = voigt(x - 58.0, 8.0, 2.0) + 0.7 * voigt(x - 65.5, 8.0, 2.0)
    assert np.sum((row[1:-1] > row[:-2]) & (row[1:-1] > row[2:])) == 1  # one maximum, two lines
    columns = [voigt(np.arange(96.0) - centre, 8.0, 2.0) for centre in (30.0, 70.0)]
    alone = voigt(x - 30.0, 8.0, 2.0) + voigt(x - 100.0, 8.0, 2.0)
    plane = 100 * (np.outer(columns[0], row) + np.outer(columns[1], alone))
    plane += np.random.default_rng(0).normal(size=(96, 128))
    peaks = pick(plane, (F1, F2), method="deep_picker")
    assert len(pick(plane, (F1, F2), method="maxima")) == 3
    assert len(peaks) == 4
    beside = peaks.position_points[np.abs(peaks.position_points[:, 0] - 30) < 5]
    assert np.sort(beside[:, 1]) == pytest.approx([58.0, 65.5], abs=0.7)


def test_narrow_lines_are_resampled():
    x = np.arange(256.0)
    spectrum = 50 * sum(voigt(x - centre, 2.0, 0.5) for centre in (60.0, 63.5, 150.0))
    spectrum += np.random.default_rng(0).normal(size=256)
    peaks = pick(spectrum, Axis(256, 1500.0, 8.0, 600.0), method="deep_picker")
    assert np.sort(peaks.position_points[:, 0]) == pytest.approx([60.0, 63.5, 150.0], abs=0.3)


def test_nmr_net_wants_a_plane():
    with pytest.raises(InputError, match="`spectrum` must be 2D for the method 'nmr_net', got 1D"):
        pick(np.zeros(256), Axis(256), method="nmr_net")


@pytest.mark.parametrize("height", [200, 20_000])  # relative to the noise: spectra of small molecules reach both
@pytest.mark.parametrize("n", [8192, 65536])
def test_regions_hold_the_lines_and_not_the_noise(height, n):
    axis = Axis(n, 7200.0, 5.0, 600.0)
    hz = axis.hz()
    spectrum = np.random.default_rng(0).normal(size=n)
    for centre in (-2000.0, -1993.0, 1500.0):
        spectrum += height / (1 + ((hz - centre) / 1.0) ** 2)
    regions = find_regions(spectrum, axis)
    ppm = [(centre / 600.0) + 5.0 for centre in (-1996.5, 1500.0)]
    assert len(regions) == 2
    for region, shift in zip(regions, ppm, strict=True):
        assert region["low_ppm"] < shift < region["high_ppm"]
        assert region["high_ppm"] - region["low_ppm"] < 0.2
    assert find_regions(np.random.default_rng(1).normal(size=n), axis) == []
    assert find_regions(np.zeros(n), axis) == []


def test_regions_want_one_finite_dimension():
    with pytest.raises(InputError, match="`spectrum` must be real and finite, with the 64 points of its axis"):
        find_regions(np.full(64, np.nan), Axis(64))


def test_dots_stand_on_the_centres_that_a_perfect_network_gives():
    """Votes of the points beside a centre meet at it."""

    class Perfect(torch.nn.Module):
        def forward(self, rows):
            point = torch.arange(rows.shape[1])
            offset = (point - 40.25 + 1.5) / 3
            near = (offset >= 0) & (offset <= 1)
            logits = torch.full((len(rows), 3, rows.shape[1]), -20.0)
            logits[:, 0] = 0.0
            logits[:, STRONG, near] = 20.0
            return logits, offset.expand(len(rows), 2, 4, -1)

    found = dots(np.zeros((1, 100)), Perfect())
    assert np.flatnonzero(found.weight[0]).tolist() == [40]
    assert found.centre[0, 40] == pytest.approx(40.25, abs=1e-4)
    assert found.weight[0, 40] == 1.0


def test_rows_mark_maxima_and_shoulders():
    rows = draw_rows(np.random.default_rng(0), 400)
    clean = rows.noise_std < np.abs(rows.values).max(axis=1) / 200
    strong = rows.classes == STRONG
    padded = np.pad(rows.values, ((0, 0), (2, 2)), constant_values=-np.inf)
    highest = np.max([padded[:, k : k + rows.values.shape[1]] for k in range(5)], axis=0)
    at_top = np.isclose(rows.values, highest)
    near_top = at_top | np.roll(at_top, 1, 1) | np.roll(at_top, -1, 1) | np.roll(at_top, 2, 1) | np.roll(at_top, -2, 1)
    assert near_top[clean][strong[clean]].mean() > 0.97
    assert (rows.classes == WEAK).any()
    assert np.abs(rows.lines[:, 0] - np.arange(384))[rows.classes > 0].max() <= 1.5


def test_a_perfect_answer_costs_nothing():
    rows, classes, lines = RowItems(seed=3, split="train", items=1)[0]
    logits = torch.nn.functional.one_hot(classes.clamp(min=0), 3).transpose(1, 2) * 100.0
    losses = row_losses(logits, lines[:, None].expand(-1, 2, -1, -1), classes, lines)
    assert losses.classes.item() == pytest.approx(0.0, abs=1e-6)
    assert losses.lines.item() == 0.0
    assert rows.min() >= 0
    assert rows.max() <= 1


def test_voigt_lines_have_their_width():
    x = np.linspace(-20, 20, 40_001)
    for share in (0.0, 0.3, 1.0):
        line = voigt_lines(x, np.array(0.0), np.array(6.0), np.array(share))
        half = x[line > 0.5]
        assert half[-1] - half[0] == pytest.approx(6.0, rel=2e-3)


def test_drawn_planes_have_their_peaks():
    for seed in range(5):
        plane = draw_plane(np.random.default_rng(seed), nuisances=False)
        lone = [
            k
            for k, point in enumerate(plane.points)
            if np.sort(np.abs(plane.points - point).max(axis=1))[1:2].min(initial=99) > 60
            and abs(plane.height[k]) > 20 * plane.noise_std
        ]
        for k in lone:
            at = tuple(np.rint(plane.points[k]).astype(int))
            assert plane.values[at] == pytest.approx(plane.height[k], rel=0.25)


def test_peaks_are_paired_once():
    found = np.array([[10.0, 10.0], [10.4, 10.0], [50.0, 50.0]])
    assert matches(found, np.array([[10.2, 10.0]]), np.array([[2.0, 2.0]])).tolist() == [0, -1, -1]
    assert matches(found, np.zeros((0, 2)), np.zeros((0, 2))).tolist() == [-1, -1, -1]


def test_hills_are_climbed_to_their_top():
    plane = plane_of(seed=1) - plane_of(heights=(0.0, 0.0, 0.0), seed=1)
    tops = hilltops(plane, np.array([[28.0, 34.0], [58.0, 88.0]]))
    assert tops.tolist() == [[25, 31], [61, 90]]
    assert usual_widths(plane, extrema(plane, 1.0)) == pytest.approx([7.7, 8.7], abs=0.5)


def test_points_within_three_widths_of_a_line_are_near_it():
    settings = PairSettings(points=[4096], fields_mhz=[600.0], drawn_systems=5, snr=(50.0, 100.0), water_share=0.0)
    pair = Pairs(settings, 1, "valid").draw(0)
    apart = np.abs(np.arange(4096)[:, None] - np.concatenate(pair.centres))
    apart = np.minimum(apart, 4096 - apart).min(axis=1)  # the spectrum is periodic
    widths = apart * pair.axis.width_hz / 4096 / pair.width_hz
    near = near_a_line(pair)
    assert near[apart <= 3].all()
    assert near[widths < 2.9].all()
    assert not near[(widths > 3.1) & (apart > 4)].any()


def test_labels_are_points_above_the_noise_and_few():
    spectra, labels = RegionItems(seed=1, split="valid", items=2, drawn_systems=5)[1]
    marked = labels.bool()
    assert 0 < marked.float().mean() < 0.5
    # Twice the noise in the clean spectrum; with noise on top, nearly all of them stand out.
    assert spectra[:, 0].abs()[marked].median() > 2 * spectra[:, 0].abs()[~marked].median()


@pytest.mark.parametrize("name", ["deep_picker", "nmr_net", "regions"])
def test_networks_of_the_package_load(name):
    network = load_picker(TRAINED / name)
    assert not any(weight.requires_grad for weight in network.parameters())


def test_an_unknown_network_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"network": "Transformer"}')
    with pytest.raises(InputError, match="must be one of RowNetwork, PatchNetwork, RegionNetwork"):
        load_picker(tmp_path)


def test_the_patch_network_has_its_size():
    assert sum(weight.numel() for weight in PatchNetwork().parameters()) == 10065
