"""What must hold for any denoiser by construction, and what the trained one must not do."""

import math

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.enhancement import Denoiser, denoise, load_denoiser, noise_std
from nmr_speech.enhancement.network import ComplexConv, beside
from nmr_speech.enhancement.objective import objective

N = 1500  # no multiple of the network's 16


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def white(*shape, seed=0):
    return torch.view_as_complex(torch.randn(*shape, 2, dtype=torch.float64, generator=generator(seed)))


def lines(n=N, width=0.01):
    """An FID of five lines of different heights."""
    times = torch.arange(n, dtype=torch.float64)[:, None]
    frequency = torch.tensor([0.3, -1.2, 1.23, 2.5, -2.8])
    return (torch.exp((1j * frequency - width) * times) * torch.tensor([9.0, 3.0, 2.0, 1.0, 0.5])).sum(1)


def network(seed=0):
    """Any weights: what is tested does not depend on them."""
    torch.manual_seed(seed)
    made = Denoiser(channels=(4, 6, 8), width=3, blocks=1)
    torch.nn.init.normal_(made.removed.real)
    torch.nn.init.normal_(made.removed.imaginary)
    return made.eval()


NOISY = torch.fft.fft(lines() + white(N), norm="ortho")


@pytest.mark.parametrize("factor", [1e-6, 1e9, 1j, -1, 3 * complex(math.cos(0.7), math.sin(0.7))])
@pytest.mark.parametrize("domain", ["fid", "spectrum"])
def test_scale_and_phase_carry_over(factor, domain):
    estimate, std = denoise(NOISY, domain=domain, network=network())
    scaled, scaled_std = denoise(factor * NOISY, domain=domain, network=network())
    assert (scaled / factor - estimate).abs().max() < 1e-4 * (NOISY - estimate).abs().max()
    assert torch.allclose(scaled_std / abs(factor), std, rtol=1e-3)


@pytest.mark.parametrize("points", [1, 7, 640, -3])
def test_a_shift_by_whole_points_carries_over(points):
    estimate, std = denoise(NOISY, domain="spectrum", network=network())
    shifted, shifted_std = denoise(NOISY.roll(points), domain="spectrum", network=network())
    assert torch.allclose(shifted, estimate.roll(points), atol=1e-4)
    assert torch.allclose(shifted_std, std.roll(points), rtol=1e-3)


def test_batches_equal_one_by_one():
    many = torch.stack([NOISY, 5j * NOISY.flip(0).conj(), white(N, seed=3)]).view(1, 3, N)
    estimate, std = denoise(many, domain="spectrum", network=network())
    assert (estimate.shape, std.shape) == (many.shape, many.shape)
    for row, one, its_std in zip(many[0], estimate[0], std[0], strict=True):
        alone, alone_std = denoise(row, domain="spectrum", network=network())
        assert torch.allclose(one, alone, atol=1e-4)
        assert torch.allclose(its_std, alone_std, rtol=1e-3)


def test_a_row_of_zeros_stays_beside_others():
    estimate, std = denoise(torch.stack([NOISY, torch.zeros_like(NOISY)]), domain="spectrum", network=network())
    assert not estimate[1].any()
    assert not std[1].any()
    assert estimate[0].any()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("domain", ["fid", "spectrum"])
def test_zeros_stay_zeros(domain, dtype):
    estimate, std = denoise(torch.zeros(2, 256, dtype=dtype), domain=domain)
    assert estimate.dtype == dtype
    assert not estimate.any()
    assert not std.any()


def test_fid_and_spectrum_are_the_same_signal():
    fid = torch.fft.ifft(NOISY, norm="ortho")
    in_time, std = denoise(fid, network=network())
    in_frequency, its_std = denoise(NOISY, domain="spectrum", network=network())
    assert torch.allclose(torch.fft.fft(in_time, norm="ortho"), in_frequency, atol=1e-4)
    assert torch.allclose(std, its_std, rtol=1e-3)


def test_zeros_at_the_end_of_an_fid_are_left_alone():
    fid = torch.fft.ifft(NOISY, norm="ortho")
    filled, std = denoise(torch.cat([fid, torch.zeros_like(fid)]), network=network())
    assert torch.allclose(filled[:N], denoise(fid, network=network())[0], atol=1e-6)
    assert not filled[N:].any()
    assert std.shape == (2 * N,)


def test_no_point_changes_by_more_than_five_standard_deviations():
    estimate, _ = denoise(NOISY, domain="spectrum", network=network(4))
    assert (NOISY - estimate).abs().max() <= 5.0001 * noise_std(NOISY).item()


@pytest.mark.parametrize("width", [0.003, 0.01, 0.1])
def test_a_spectrum_without_noise_comes_back(width):
    clean = torch.fft.fft(lines(8192, width), norm="ortho")
    estimate, _ = denoise(clean, domain="spectrum")
    assert (estimate - clean).norm() < 1e-2 * clean.norm()


def test_noise_alone_is_taken_away():
    noise = white(8192, seed=5)
    estimate, _ = denoise(noise, domain="spectrum")
    assert estimate.norm() < 0.3 * noise.norm()


def test_signals_stay_and_the_error_is_as_large_as_it_says():
    fid = lines(8192, 0.003)
    estimate, std = denoise(fid + white(8192, seed=6))
    error = torch.fft.fft(estimate - fid, norm="ortho")
    assert error.norm() < 0.35 * white(8192, seed=6).norm()
    assert 0.3 < (error.real / std).square().mean().sqrt() < 3


def test_a_given_noise_replaces_the_estimate():
    estimated = denoise(NOISY, domain="spectrum", network=network())
    given = denoise(NOISY, domain="spectrum", network=network(), noise_std=noise_std(NOISY))
    assert torch.equal(given[0], estimated[0])
    untouched, std = denoise(NOISY, domain="spectrum", network=network(), noise_std=0.0)
    assert torch.equal(untouched, NOISY)
    assert not std.any()


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (torch.full((256,), math.nan) + 0j, "`signal` must be finite, got NaN or infinity"),
        (torch.full((256,), math.inf) + 0j, "`signal` must be finite"),
        (torch.zeros(256, dtype=torch.int64), "`signal` must be complex, got torch.int64"),
        (torch.zeros(256), "a real spectrum has lost its phase"),
        (torch.zeros(16) + 0j, r"from 64 to 1048576 points in its last dimension, got shape \(16,\)"),
        (torch.zeros(()) + 0j, "points in its last dimension"),
        (torch.zeros(0, 256) + 0j, "points in its last dimension"),
        (NOISY.numpy(), "must be a torch.Tensor, got ndarray; use torch.from_numpy"),
    ],
)
def test_bad_signals(signal, message):
    with pytest.raises(InputError, match=message):
        denoise(signal)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domain": "time"}, "`domain` must be one of fid, spectrum; got 'time'"),
        ({"noise_std": -1.0}, "`noise_std` must be zero or more, got -1.0"),
        ({"noise_std": math.nan}, "`noise_std` must be zero or more"),
        ({"noise_std": torch.ones(3, 1)}, r"`noise_std` must be a number or have shape \(1,\), got \(3, 1\)"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        denoise(NOISY, **settings)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_noise_is_estimated_beside_signals(scale):
    noise = white(16384, seed=1)
    with_lines = torch.fft.fft(lines(16384, 0.002) * 20, norm="ortho") + noise
    assert noise_std(scale * with_lines).item() == pytest.approx(scale, rel=0.05)
    assert noise_std(scale * noise).item() == pytest.approx(scale, rel=0.05)


def test_complex_convolution_against_numbers_multiplied_by_hand():
    conv = ComplexConv(2, 1, 3)
    x = white(2, 8, seed=2).to(torch.complex64)
    kernel = torch.complex(conv.real, conv.imaginary)[0]
    by_hand = sum((kernel[:, k, None] * x.roll(1 - k, -1)).sum(0) for k in range(3))
    real, imaginary = conv(torch.cat([x.real, x.imag])[None])[0]
    assert torch.allclose(torch.complex(real, imaginary), by_hand, atol=1e-6)


def test_points_beside_another():
    x = white(1, 40, seed=3).to(torch.complex64)
    by_hand = sum(x.roll(k, -1) for k in range(-4, 5) if k) / 8
    assert torch.allclose(beside(x, 4), by_hand, atol=1e-6)


def test_the_loss_is_least_at_the_true_variance():
    error, zero = white(1, 4000, seed=7), torch.zeros(1, 4000) + 0j
    losses = {
        scale: objective(zero, scale * torch.ones(1, 4000), 10 + error, error, beta=0.0)[0].item()
        for scale in (0.8, 1.0, 1.25)
    }
    assert min(losses, key=losses.get) == 1.0


def test_the_network_in_the_package():
    trained = load_denoiser()
    assert 200_000 <= sum(weight.numel() for weight in trained.parameters()) <= 300_000
    assert not any(weight.requires_grad for weight in trained.parameters())
