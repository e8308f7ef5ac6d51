"""Synthetic FIDs against closed forms, and their draws against the ranges of Table S1-1."""

import cmath
from dataclasses import replace

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.synthetic import (
    Peaks,
    SyntheticFIDs,
    draw_peaks,
    exponentials,
    make_fids,
)

TABLE = {"amplitude": (0.05, 1.0), "frequency": (0.01, 0.99), "decay_points": (10.0, 179.2)}


def peaks(*rows):
    """Peaks of one FID, each amplitude, frequency, decay, phase."""
    return Peaks(*torch.tensor(rows, dtype=torch.float64).T[:, None])


def test_one_peak_decays_and_turns_exactly():
    n, tau, frequency, phase = 64, 17.0, 0.13, 0.7
    fid = exponentials(peaks((0.8, frequency, tau, phase)), n)[0]
    t = np.arange(n)
    assert np.allclose(fid.abs(), 0.8 * np.exp(-t / tau), rtol=1e-6)
    assert fid[17].abs() == pytest.approx(0.8 / np.e, rel=1e-6)  # after tau points, 1/e
    assert fid[0].angle() == pytest.approx(phase, rel=1e-6)
    assert np.allclose((fid[1:] / fid[:-1]).angle(), 2 * np.pi * frequency, atol=1e-6)


def test_the_spectrum_is_a_geometric_series():
    """At frequency k/n the transform is sum_j a_j (1 - z_j^n) / (1 - z_j exp(-2 pi i k / n)), z_j a step of peak j."""
    rows, n = [(1.0, 0.2, 12.0, 0.0), (0.3, 0.71, 90.0, 1.1), (0.05, 0.5, 179.2, 5.0)], 96
    expected = np.zeros(n, dtype=complex)
    for amplitude, frequency, tau, phase in rows:
        z = cmath.exp(-1 / tau + 2j * cmath.pi * frequency)
        for k in range(n):
            w = cmath.exp(-2j * cmath.pi * k / n)
            expected[k] += amplitude * cmath.exp(1j * phase) * (1 - z**n) / (1 - z * w)
    assert np.allclose(np.fft.fft(exponentials(peaks(*rows), n)[0].numpy()), expected, atol=2e-5)


def test_draws_fill_the_ranges_of_the_table():
    drawn = draw_peaks(FIDSettings(), 7, range(4000))
    there = drawn.amplitude != 0
    for name, (low, high) in TABLE.items():
        values = getattr(drawn, name)[there].abs()
        assert values.min() >= low
        assert values.max() <= high
        # The extremes of 20,000 uniform draws lie closer to the ends than 0.1% but for one case in 10^8; so the mean.
        assert (values.min() - low) / (high - low) < 1e-3
        assert (high - values.max()) / (high - low) < 1e-3
        assert values.mean() == pytest.approx((low + high) / 2, abs=5 * (high - low) / np.sqrt(12 * len(values)))
    assert (drawn.phase_rad == 0).all()
    counts = torch.bincount(there.sum(dim=1), minlength=11)
    assert counts[0] == 0
    assert (abs(counts[1:] - 400) < 5 * np.sqrt(400 * 0.9)).all()  # five standard deviations


def test_a_doublet_is_two_lines_of_half_its_height():
    one, two = peaks((1.0, 0.25, 40.0, 0.3)), peaks((0.5, 0.24, 40.0, 0.3), (0.5, 0.26, 40.0, 0.3))
    doublet = exponentials(replace(one, splitting=torch.tensor([[0.02]])), 64)
    torch.testing.assert_close(doublet, exponentials(two, 64), atol=1e-6, rtol=0)


def test_doublets_are_drawn_beside_everything_else():
    """A share of all peaks, split by distances that fill their span; what was drawn before stays as it was."""
    settings = FIDSettings(doublet_share=0.3, splitting=(0.01, 0.03))
    drawn, singlets = draw_peaks(settings, 7, range(2000)), draw_peaks(FIDSettings(), 7, range(2000))
    assert torch.equal(drawn.frequency, singlets.frequency)
    assert torch.equal(drawn.amplitude, singlets.amplitude)
    split = drawn.splitting > 0
    n = split.numel()
    assert abs(split.sum().item() - 0.3 * n) <= 5 * np.sqrt(n * 0.3 * 0.7)  # five standard deviations
    distances = drawn.splitting[split]
    assert (distances.min(), distances.max()) == (pytest.approx(0.01, abs=1e-4), pytest.approx(0.03, abs=1e-4))


def test_windows_are_half_a_cosine_or_its_square():
    """Of FIDs that a window would leave alone otherwise: each is one of three, in the shares asked for."""
    settings = {"n_points": 32, "peaks": (1, 1), "noise_std": 0.1}
    plain, _ = make_fids(FIDSettings(**settings), 3, range(2000))
    fids, _ = make_fids(FIDSettings(**settings, windowed_share=0.6), 3, range(2000))
    window = torch.cos(torch.pi * torch.arange(32) / 64)
    counts = [
        int(torch.isclose(fids, plain * window**power, rtol=1e-4, atol=1e-6).all(dim=1).sum()) for power in range(3)
    ]
    assert sum(counts) == 2000
    for count, share in zip(counts, (0.4, 0.3, 0.3), strict=True):
        assert abs(count - 2000 * share) <= 5 * np.sqrt(2000 * share * (1 - share))  # five standard deviations


def test_a_window_of_two_dimensions_is_a_product():
    settings = {"n_points": (8, 16), "peaks": (1, 1)}
    plain, _ = make_fids(FIDSettings(**settings), 3, range(8))
    fids, _ = make_fids(FIDSettings(**settings, windowed_share=1.0), 3, range(8))
    first, second = (torch.cos(torch.pi * torch.arange(n) / (2 * n)) for n in (8, 16))
    product = first[:, None] * second
    either = [
        torch.isclose(fids, plain * product**power, rtol=1e-4, atol=1e-7).all(-1).all(-1).all(-1) for power in (1, 2)
    ]
    assert (either[0] ^ either[1]).all()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_signs_are_drawn_beside_everything_else(share):
    """A share of all peaks, whatever else they are: what is drawn without signs stays as it is."""
    drawn, positive = (draw_peaks(FIDSettings(negative_share=of), 7, range(2000)) for of in (share, 0.0))
    assert torch.equal(drawn.amplitude.abs(), positive.amplitude)
    assert torch.equal(drawn.frequency, positive.frequency)
    there = positive.amplitude > 0
    n = there.sum().item()
    negative = (drawn.amplitude < 0).sum().item()
    assert abs(negative - share * n) <= 5 * np.sqrt(n * share * (1 - share))  # five standard deviations
    if 0 < share < 1:
        correlation = np.corrcoef(drawn.amplitude[there] < 0, positive.frequency[there])[0, 1]
        assert abs(correlation) < 5 / np.sqrt(n)


def test_phases_where_they_are_asked_for():
    drawn = draw_peaks(FIDSettings(phase_rad=(0, 6.2832)), 7, range(500))
    assert drawn.phase_rad.min() < 0.1
    assert drawn.phase_rad.max() > 6.2
    begin = exponentials(drawn, 1)[:, 0]
    expected = (drawn.amplitude * torch.exp(1j * drawn.phase_rad)).sum(dim=1)
    assert torch.allclose(begin, expected.to(torch.complex64), atol=1e-6)


def test_noise_is_white_and_of_the_size_given():
    """Alone, where there are no peaks: 2 x 64,000 numbers, so a standard deviation is known to 0.2%."""
    fids, _ = make_fids(FIDSettings(n_points=64, peaks=(0, 0), noise_std=0.3), 3, range(1000))
    numbers = torch.view_as_real(fids)
    assert numbers.std().item() == pytest.approx(0.3, rel=0.02)
    assert abs(numbers.mean()) < 5 * 0.3 / np.sqrt(numbers.numel())
    power = fids.abs().square().mean().item()
    for other in (fids[:, 1:] * fids[:, :-1].conj(), fids**2, fids[1:] * fids[:-1].conj()):
        assert other.mean().abs() < 5 * power / np.sqrt(other.numel())  # neighbours, parts and FIDs are independent


def test_an_fid_depends_on_seed_and_index_alone():
    settings = FIDSettings(n_points=32, rate=(0.1, 0.5))
    fids, masks = make_fids(settings, 5, range(6))
    for i in (4, 0):
        one, mask = make_fids(settings, 5, [i])
        torch.testing.assert_close(one[0], fids[i])
        assert torch.equal(mask[0], masks[i])
    other, other_masks = make_fids(settings, 6, range(6))
    assert not torch.isclose(other, fids).all(dim=1).any()
    assert not torch.equal(masks, other_masks)
    assert len({tuple(fid.abs().tolist()) for fid in fids}) == 6


def test_every_fid_has_a_schedule_of_its_own():
    _, masks = make_fids(FIDSettings(n_points=64, rate=(0.25, 0.25)), 1, range(50))
    assert (masks.sum(dim=1) == 16).all()
    assert masks[:, 0].all()
    assert len({tuple(mask.tolist()) for mask in masks}) == 50
    _, masks = make_fids(FIDSettings(n_points=64, rate=(0.1, 0.25)), 1, range(200))
    counts = masks.sum(dim=1)
    assert (counts.min(), counts.max()) == (6, 16)


def test_a_batch_is_its_fids():
    data = SyntheticFIDs(FIDSettings(n_points=16), 1, range(10, 20))
    assert len(data) == 10
    fids, masks = data.__getitems__([7, 2])  # what a DataLoader asks for
    assert torch.equal(fids[0], data[7][0])
    assert torch.equal(masks[1], data[2][1])
    torch.testing.assert_close(data[0][0], make_fids(FIDSettings(n_points=16), 1, [10])[0][0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_points": 2.5}, "`n_points` must be a whole number from 8 to 65536, got 2.5"),
        ({"rate": (0.2, 1.5)}, "`rate` must be from 0.001 to 1 of the points, got 1.5"),
        ({"rate": 0.2}, "`rate` must be two numbers, the least and the largest, got 0.2"),
        ({"amplitude": (1.0, 0.05)}, "`amplitude` must be two numbers, .* got 1.0 before 0.05"),
        ({"decay_points": (0, 10)}, "`decay_points` must be from 0.001 to 1e\\+09 points, got 0"),
        ({"frequency": (float("nan"), 1)}, "`frequency` must be .* got nan"),
        ({"peaks": (1.5, 3)}, "`peaks` must be a whole number from 0 to 1000, got 1.5"),
        ({"negative_share": 1.5}, "`negative_share` must be from 0 to 1 of the peaks, got 1.5"),
        ({"windowed_share": 2}, "`windowed_share` must be from 0 to 1 of the FIDs, got 2"),
        ({"splitting": (0, 2)}, "`splitting` must be from 0 to 1 of the spectral width, got 2"),
        ({"noise_std": -1}, "`noise_std` must be from 0 to 1e\\+06 arbitrary units, got -1"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(InputError, match=message):
        FIDSettings(**settings)
