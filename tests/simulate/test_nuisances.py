"""Each nuisance against closed forms; derivations in tests/README.md."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.axis import Axis
from nmr_speech.simulate import Acquisition, nuisances, spectrum, tocsy
from nmr_speech.simulate.nuisances import disturb
from tests.simulate.recordings import CARRIER_PPM, DRAWN, FIELD_MHZ, PPM, SINGLE, TRIPLE, WIDTH_HZ, recordings, seeded


def line(ppm, phase_f1=0.0, phase_f2=0.0, late_t1=0.0, late_t2=0.0, n_transients=64, n_points=64, rate_per_s=0.0):
    """One spin, with phases in radians and sampled late by so many dwell times."""
    turn = 2 * math.pi * FIELD_MHZ * (ppm - CARRIER_PPM) / WIDTH_HZ
    n1 = torch.arange(n_transients, dtype=torch.float64)[:, None] + late_t1
    n2 = torch.arange(n_points, dtype=torch.float64) + late_t2
    t1_signal = torch.stack([torch.cos(turn * n1 + phase_f1), torch.sin(turn * n1 + phase_f1)])
    return t1_signal * torch.exp(1j * (turn * n2 + phase_f2)) * torch.exp(-rate_per_s * (n1 + n2) / WIDTH_HZ)


@settings(max_examples=20, deadline=None)
@given(ppm=st.floats(-1, 11), f1_deg=st.floats(-360, 360), f2_deg=st.floats(-360, 360))
def test_a_zeroth_order_phase_is_added_to_every_argument(ppm, f1_deg, f2_deg):
    turned = nuisances.phase_error(
        line(ppm).to(torch.complex64), seeded(), zero_order_f1_deg=f1_deg, zero_order_f2_deg=f2_deg
    )
    assert (turned - line(ppm, math.radians(f1_deg), math.radians(f2_deg))).abs().max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(ppm=st.floats(1, 9), f1_deg=st.floats(-120, 120), f2_deg=st.floats(-120, 120))
def test_a_first_order_phase_is_proportional_to_the_offset(ppm, f1_deg, f2_deg):
    """For lines away from the edge of the window, up to the last points, and from the very first point on."""
    share = (ppm - CARRIER_PPM) * FIELD_MHZ / WIDTH_HZ
    clean = line(ppm, n_transients=256, n_points=256)
    turned = nuisances.phase_error(clean, seeded(), first_order_f1_deg=f1_deg, first_order_f2_deg=f2_deg)
    phases = math.radians(f1_deg) * share, math.radians(f2_deg) * share
    expected = line(ppm, *phases, n_transients=256, n_points=256)
    assert (turned - expected)[:, :192, :192].abs().max() < 0.02


@pytest.mark.parametrize("first_order_deg", [-90.0, 45.0, 360.0])
def test_a_first_order_phase_is_the_signal_sampled_late(first_order_deg):
    clean = sum(line(ppm, n_transients=256, n_points=256, rate_per_s=30.0) for ppm in (1.2, 4.4, 8.3))
    late = first_order_deg / 360
    for dimension in ("1", "2"):
        expected = sum(
            line(ppm, **{f"late_t{dimension}": late}, n_transients=256, n_points=256, rate_per_s=30.0)
            for ppm in (1.2, 4.4, 8.3)
        )
        sampled = nuisances.phase_error(clean, seeded(), **{f"first_order_f{dimension}_deg": first_order_deg})
        assert (sampled - expected)[:, :192, :192].abs().max() < 0.01 * 3


def test_a_first_order_phase_of_a_coupled_system_is_the_shifted_time():
    """Four times as fine a recording holds the points in between; its antiphase lines bend at time zero."""
    shifts, late = [7.3, 3.1, 2.0], 0.25
    fine = tocsy(TRIPLE, shifts, spectral_width_hz=4 * WIDTH_HZ, n_transients=1024, n_points=1024, tolerance=0)
    clean = fine[:, ::4, ::4]
    f1 = nuisances.phase_error(clean, seeded(), first_order_f1_deg=360 * late)
    f2 = nuisances.phase_error(clean, seeded(), first_order_f2_deg=360 * late)
    assert (f1 - fine[:, 1::4, ::4])[:, :192].abs().max() < 0.02 * 4
    assert (f2 - fine[:, ::4, 1::4])[..., :192].abs().max() < 0.02 * 4


@pytest.mark.parametrize("setting", ["zero_order_f1_deg", "zero_order_f2_deg"])
@pytest.mark.parametrize("phase_deg", [0.0, 60.0, 90.0, 180.0])
def test_the_absorption_of_a_line_falls_with_the_cosine_of_its_phase(setting, phase_deg):
    clean = tocsy(SINGLE, [6.5])  # on the grid of the spectrum
    peak = spectrum(clean).real.argmax().item()
    turned = nuisances.phase_error(clean, seeded(), **{setting: phase_deg})
    share = spectrum(turned).real.flatten()[peak] / spectrum(clean).real.flatten()[peak]
    assert share.item() == pytest.approx(math.cos(math.radians(phase_deg)), abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(snr=st.floats(0.5, 1e4), seed=st.integers(0, 99))
def test_noise_has_the_snr_that_was_asked_for(snr, seed):
    clean = recordings(2, 64) * torch.tensor([1.0, 50.0])[:, None, None, None]
    noise = nuisances.white_noise(clean.to(torch.complex128), seeded(seed), snr=snr) - clean
    for largest, own in zip((4.0, 200.0), noise, strict=True):
        parts = torch.stack([own[0].real, own[0].imag, own[1].real, own[1].imag]).flatten(1) * snr / largest
        assert (parts.mean(1).abs() < 5 / 64).all()
        assert ((parts.std(1) - 1).abs() < 5 / 64 / math.sqrt(2)).all()
        assert (torch.corrcoef(parts) - torch.eye(4)).abs().max() < 5 / 64
    assert torch.corrcoef(noise.flatten(1).abs())[0, 1].abs() < 0.1


def test_noise_is_white():
    noise = nuisances.white_noise(torch.ones(2, 128, 128) + 0j, seeded(), snr=1.0) - 1
    power = torch.fft.fft2(noise).abs().square() / noise[0].numel()
    quarters = torch.stack([q.mean() for half in power.chunk(2, -1) for q in half.chunk(2, -2)])
    assert ((quarters - 2).abs() < 0.1).all()


def test_noise_does_not_grow_with_the_water():
    clean = recordings(1, 64)
    water = {"residual_water": {"amplitude": 100.0}}
    noisy = disturb(clean, seeded(), water | {"white_noise": {"snr": 10.0}})
    noise = noisy - disturb(clean, seeded(), water)
    assert noise.real.std().item() == pytest.approx(0.4, rel=0.03)
    alone = nuisances.white_noise(disturb(clean, seeded(), water), seeded(), snr=10.0)
    assert (alone - disturb(clean, seeded(), water)).real.std().item() == pytest.approx(40, rel=0.03)


def test_t1_noise_is_one_factor_for_each_transient():
    clean = torch.ones(4, 2, 256, 3, dtype=torch.complex128)
    factor = nuisances.t1_noise(clean, seeded(), percent=2.0)
    assert torch.equal(factor, factor[..., :1].expand_as(factor))
    factor = factor[..., 0]
    assert (factor.abs() - 1).std().item() == pytest.approx(0.02, rel=0.1)
    assert factor.angle().std().item() == pytest.approx(0.02, rel=0.1)
    assert factor.abs().unique().numel() == factor.numel()
    assert torch.corrcoef(factor.abs().flatten(0, 1) - 1).fill_diagonal_(0).abs().max() < 5 / 16


def test_t1_noise_makes_ridges_along_f1():
    clean = tocsy(SINGLE, [7.0], decay_time_t1_s=0.02, decay_time_t2_s=0.02)
    ridge = (spectrum(nuisances.t1_noise(clean, seeded(), percent=3.0)) - spectrum(clean)).abs()
    column = np.abs(PPM - 7.0) < 0.2
    far = np.abs(PPM - 7.0) > 2
    assert ridge[far][:, column].mean() > 10 * ridge[far][:, far].mean()


@settings(max_examples=15, deadline=None)
@given(ppm=st.floats(-0.9, 10.9), carrier_ppm=st.floats(4, 6), widths=st.tuples(st.just(7200.0), st.floats(6e3, 9e3)))
def test_water_lies_at_its_shift(ppm, carrier_ppm, widths):
    axes = {"carrier_ppm": carrier_ppm, "spectral_width_hz": widths[0], "spectral_width_f1_hz": widths[1]}
    nothing = torch.zeros(2, 128, 128, dtype=torch.complex64)
    wet = nuisances.residual_water(
        nothing, seeded(), amplitude=1.0, position_ppm=ppm, largest=torch.ones(1, 1, 1), acquisition=Acquisition(**axes)
    )
    spin = tocsy(SINGLE, [ppm], n_transients=128, n_points=128, decay_time_t1_s=0.03, decay_time_t2_s=0.03, **axes)
    assert (wet - spin).abs().max() < 2e-4


@pytest.mark.parametrize(
    ("nuisance", "ppm"), [(nuisances.residual_water, 4.75), (nuisances.reference_line, 0.0)], ids=["water", "reference"]
)
def test_singlets_peak_at_their_default_shift(nuisance, ppm):
    peak = spectrum(nuisance(tocsy(SINGLE, [8.0]), seeded(), amplitude=20.0)).real.argmax().item()
    assert PPM[peak // 256] == pytest.approx(ppm, abs=12 / 256)
    assert PPM[peak % 256] == pytest.approx(ppm, abs=12 / 256)


def test_the_axial_peak_of_water_lies_at_the_carrier_in_f1():
    wet = nuisances.residual_water(tocsy(SINGLE, [8.0]), seeded(), amplitude=9.0, position_ppm=3.0, axial_share=1.0)
    peak = (spectrum(wet) - spectrum(tocsy(SINGLE, [8.0]))).abs().argmax().item()
    assert PPM[peak // 256] == CARRIER_PPM
    assert PPM[peak % 256] == pytest.approx(3.0, abs=12 / 256)


def test_axial_magnetisation_is_missing_from_the_diagonal():
    nothing = torch.zeros(2, 64, 64, dtype=torch.complex64)
    parts = [
        nuisances.residual_water(nothing, seeded(), amplitude=1.0, axial_share=share, largest=torch.ones(1, 1, 1))
        for share in (0.0, 0.25, 1.0)
    ]
    assert torch.equal(parts[2], parts[2][:1, :1].expand_as(parts[2]))  # t1 does nothing
    assert (parts[1] - 0.75 * parts[0] - 0.25 * parts[2]).abs().max() < 1e-6


def test_decay_is_that_of_the_simulator():
    widths = {"spectral_width_hz": WIDTH_HZ, "spectral_width_f1_hz": 5000.0}
    clean = tocsy(TRIPLE, [4.3, 2.1, 1.0], n_transients=48, n_points=64, **widths)
    slow = tocsy(
        TRIPLE, [4.3, 2.1, 1.0], n_transients=48, n_points=64, decay_time_t1_s=0.01, decay_time_t2_s=0.04, **widths
    )
    assert (
        nuisances.decay(clean, seeded(), rate_t1_per_s=100, rate_t2_per_s=25, acquisition=Acquisition(**widths)) - slow
    ).abs().max() < 1e-5


@settings(max_examples=10, deadline=None)
@given(offset_ppm=st.floats(-1, 1), width_f1_hz=st.one_of(st.none(), st.floats(5e3, 9e3)))
def test_a_reference_offset_moves_all_shifts(offset_ppm, width_f1_hz):
    shifts = torch.tensor([7.3, 3.1, 2.0])
    axes = {"field_mhz": 500.0, "spectral_width_hz": 6000.0, "spectral_width_f1_hz": width_f1_hz}
    still, moved = (
        tocsy(TRIPLE, position.tolist(), n_transients=48, n_points=48, tolerance=0, **axes)
        for position in (shifts, shifts + offset_ppm)
    )
    assert (
        nuisances.reference_offset(still, seeded(), offset_ppm=offset_ppm, acquisition=Acquisition(**axes)) - moved
    ).abs().max() < 2e-4


def test_baseline_changes_the_first_points_alike_in_all_transients():
    clean = torch.ones(500, 2, 4, 8) + 0j
    gain = nuisances.baseline(clean, seeded(), first_points_percent=5.0, n_first_points=2).real
    assert torch.equal(gain, gain[:, :1, :1].expand_as(gain))
    assert (gain[..., 2:] == 1).all()
    assert ((gain[:, 0, 0, :2].std(0) - 0.05).abs() < 0.01).all()
    assert ((gain[:, 0, 0, :2].mean(0) - 1).abs() < 0.01).all()


def test_a_receiver_offset_is_a_peak_at_the_carrier():
    clean = recordings(20, 32)
    added = nuisances.baseline(clean, seeded(), dc_percent=0.5) - clean
    assert (added.abs() - 0.005 * 4).abs().max() < 1e-5
    assert (added - added[:, :1, :1, :1]).abs().max() < 1e-5
    assert added[:, 0, 0, 0].angle().std() > 1
    transform = torch.fft.fftshift(torch.fft.fft(added[0, 0, 0])).abs()
    assert Axis(32).ppm()[transform.argmax()] == CARRIER_PPM


@settings(max_examples=20, deadline=None)
@given(bits=st.integers(2, 16), scale=st.floats(1e-6, 1e6), seed=st.integers(0, 99))
def test_digitisation_errs_by_half_a_step_at_most(bits, scale, seed):
    clean = scale * torch.randn(2, 16, 16, dtype=torch.complex128, generator=seeded(seed))
    numbers = torch.view_as_real(clean)
    step = numbers.abs().max() / (2 ** (bits - 1) - 1)
    read = torch.view_as_real(nuisances.digitisation(clean, seeded(), bits=bits))
    assert (read - numbers).abs().max() <= step / 2 * (1 + 1e-9)
    assert (read / step - (read / step).round()).abs().max() < 1e-6
    assert read.unique().numel() <= 2**bits - 1
    assert torch.equal(nuisances.digitisation(-clean, seeded(), bits=bits), -torch.view_as_complex(read))


@pytest.mark.parametrize("exponent", [-40, -10, 20])
def test_the_full_scale_follows_the_recording(exponent):
    fid = recordings(1)
    louder = nuisances.digitisation(fid * 2.0**exponent, seeded(), bits=12)
    assert torch.equal(louder, nuisances.digitisation(fid, seeded(), bits=12) * 2.0**exponent)


def test_few_bits_lose_weak_signals_beside_strong_water():
    clean = recordings(1)
    read = {
        bits: disturb(clean, seeded(), {"residual_water": {"amplitude": 1e3}, "digitisation": {"bits": bits}})
        for bits in (8, 20)
    }
    wet = disturb(clean, seeded(), {"residual_water": {"amplitude": 1e3}})
    assert (read[8] - wet).abs().max() > 4 > 100 * (read[20] - wet).abs().max()


def test_dead_points_and_transients_not_measured_are_zero_and_the_others_as_they_were():
    clean = recordings()
    dead = nuisances.dead_points(clean, seeded(), n=3)
    assert (dead[..., :3] == 0).all()
    assert torch.equal(dead[..., 3:], clean[..., 3:])
    short = nuisances.truncation(clean, seeded(), n_transients=20)
    assert (short[..., 20:, :] == 0).all()
    assert torch.equal(short[..., :20, :], clean[..., :20, :])


def test_what_was_not_measured_holds_no_noise():
    fid = disturb(recordings(8), seeded(), DRAWN)
    for own in fid:
        n_dead = (own == 0).all(-2)[0].int().argmin().item()
        n_measured = (own != 0).any(-1)[0].sum().item()
        assert 1 <= n_dead <= 3
        assert 20 <= n_measured <= 30
        assert (own[:, :n_measured, n_dead:] != 0).float().mean() > 0.9
        assert (own[:, n_measured:] == 0).all()
