"""Laws of the operators, and of the virtual echo."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.reconstruction import data_consistency, fourier, inverse_fourier, ist, poisson_gap, sampling_mask
from nmr_speech.reconstruction.network import Measurement
from nmr_speech.reconstruction.operators import check_measured
from nmr_speech.reconstruction.virtual_echo import (
    FORMS,
    check_phase,
    echo_mask,
    from_virtual_echo,
    virtual_echo,
)
from tests.reconstruction.signals import exponentials, noise

LINES = [(1.0, 0.12, 40.0), (0.5, -0.31, 15.0), (0.2, 0.44, 80.0)]
START = {"even": 0.0, "odd": 0.0, "half_dwell": 0.5}


def echo_spectrum(fid, form):
    """Spectrum of the echo of one signal that is known in full."""
    return Measurement.of(fid[None], torch.ones(1, len(fid), dtype=torch.bool), echo=form).echo_spectrum(fid[None])[0]


def inner(a, b):
    return torch.vdot(a.flatten(), b.flatten())


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 65), st.integers(0, 2**16), st.sampled_from([1, 2]))
def test_fourier_is_unitary(n, seed, dims):
    shape = (3, n) if dims == 1 else (3, n, n + 1)
    x, y = noise(*shape, seed=seed), noise(*shape, seed=seed + 1)
    torch.testing.assert_close(inverse_fourier(fourier(x, dims), dims), x)
    torch.testing.assert_close(fourier(x, dims).norm(), x.norm())
    torch.testing.assert_close(inner(fourier(x, dims), y), inner(x, inverse_fourier(y, dims)))


def test_data_consistency_is_the_papers_equation():
    """Written out with matrices: x + F U^T (y - U F^H x)."""
    n, points = 16, [0, 1, 4, 9, 15]
    grid = torch.arange(n, dtype=torch.float64)
    transform = torch.exp(-2j * torch.pi * torch.outer(grid, grid) / n) / n**0.5
    pick = torch.eye(n, dtype=torch.complex128)[points]
    x, y = noise(n), noise(len(points), seed=1)
    written_out = x + transform @ pick.mH @ (y - pick @ transform.mH @ x)
    ours = data_consistency(x, pick.mH @ y, sampling_mask(points, n))
    torch.testing.assert_close(ours, written_out)


@pytest.mark.parametrize("form", FORMS)
def test_the_spectrum_of_an_echo_is_real_to_rounding(form):
    fid = exponentials(48, LINES, start=START[form])
    spectrum = echo_spectrum(fid, form)
    assert spectrum.imag.abs().max() < 1e-13 * spectrum.real.abs().max()
    assert spectrum.real.max() > 10 * -spectrum.real.min()


@pytest.mark.parametrize("form", FORMS)
def test_an_echo_gives_the_signal_back(form):
    fid = exponentials(48, LINES, start=START[form])
    assert torch.equal(from_virtual_echo(virtual_echo(fid, form), form), fid)


@pytest.mark.parametrize("form", FORMS)
def test_lines_of_an_echo_are_absorptive(form):
    """A decaying line that starts in phase becomes a Lorentzian: 2 r / (r^2 + w^2)."""
    n, tau, k = 512, 20.0, 37
    size = 2 * n - (form == "odd")
    fid = exponentials(n, [(1.0, k / size, tau)], start=START[form])
    spectrum = echo_spectrum(fid, form).real * size**0.5
    w = 2 * torch.pi * (torch.arange(size, dtype=torch.float64) - k) / size
    lorentzian = 2 / tau / (tau**-2 + w.square())
    near = w.abs() < 0.3
    torch.testing.assert_close(spectrum[near], lorentzian[near], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("form", FORMS)
def test_points_known_of_an_echo_are_those_that_do_not_change(form):
    mask = sampling_mask(poisson_gap(24, 8, 0), 24)
    fid, other = (exponentials(24, [line]) for line in LINES[:2])
    changed = torch.where(mask, fid, other)
    same = virtual_echo(fid, form) == virtual_echo(changed, form)
    assert torch.equal(same, echo_mask(mask, form))


@pytest.mark.parametrize("degrees", [30, -75, 120])
def test_a_wrong_phase_is_named(degrees):
    fid = exponentials(64, LINES, phase=torch.pi * degrees / 180)
    with pytest.raises(InputError, match=rf"a phase of .*{degrees} .*correct it"):
        check_phase(fid, torch.ones(64, dtype=torch.bool))


def test_a_right_phase_and_its_opposite_pass():
    everything = torch.ones(64, dtype=torch.bool)
    for phase in (0.0, 0.1, torch.pi):
        check_phase(exponentials(64, LINES, phase=phase), everything)


def half_a_dwell_late(degrees, lines=1):
    """Forty signals of so many lines of random frequencies and signs, first point half a dwell time after zero."""
    rng = np.random.default_rng(lines)
    drawn = rng.uniform([0.3, -0.49, 8], [1, 0.49, 90], (40, lines, 3))
    drawn[..., 0] *= rng.choice([-1, 1], (40, lines))
    return torch.stack([exponentials(32, signal, torch.pi * degrees / 180, 0.5) for signal in drawn])


@pytest.mark.parametrize("degrees", [25, -60, 90])
@pytest.mark.parametrize("kind", [torch.complex64, torch.complex128])
def test_a_wrong_phase_is_extrapolated_from_half_a_dwell_time(degrees, kind):
    """One line a signal: the phase at time zero is exact, whatever frequencies, decays and signs are."""
    fid, schedule = half_a_dwell_late(degrees).to(kind), [0, 1, 3, 8, 20]
    mask = sampling_mask(schedule, 32)
    with pytest.raises(InputError, match=rf"needs signals in phase: at time zero.* (a phase of|or) {degrees} "):
        check_phase(fid, mask, "half_dwell")
    with pytest.raises(InputError, match="needs signals in phase"):
        ist(fid * mask, schedule, echo="half_dwell")


def test_half_a_dwell_time_late_in_phase_or_uncertain_passes():
    everything = torch.ones(32, dtype=torch.bool)
    for degrees in (0, 10, 180):
        check_phase(half_a_dwell_late(degrees), everything, "half_dwell")
    check_phase(half_a_dwell_late(0, lines=5), everything, "half_dwell")
    check_phase(half_a_dwell_late(90)[:3], everything, "half_dwell")  # three signals say little
    check_phase(half_a_dwell_late(90), sampling_mask([0, 2, 3], 32), "half_dwell")  # nothing to extrapolate from
    check_phase(torch.zeros(40, 32) + 0j, everything, "half_dwell")


@pytest.mark.parametrize(
    ("fid", "schedule", "message"),
    [
        (torch.ones(8), [0], "must be a complex tensor"),
        ([1j, 2], [0], "must be a complex tensor .* got list"),
        (torch.full((2, 8), complex("nan")), [0], r"finite, got NaN or infinity, first at \(0, 0\)"),
        (torch.ones(8) + 0j, [0, 1], "got 1 at point 2, which the schedule does not hold"),
        (torch.zeros(2, 8) + 0j, torch.ones(3, 8, dtype=torch.bool), r"one for each, \(2, 8\), got \(3, 8\)"),
    ],
)
def test_what_cannot_be_reconstructed_is_named(fid, schedule, message):
    with pytest.raises(InputError, match=message):
        check_measured(fid, schedule)


def test_one_nan_in_a_plane_is_named_by_its_place():
    plane = noise(5, 7, 16)
    plane[3, 2, 9] = complex(0, float("inf"))
    with pytest.raises(InputError, match=r"first at \(3, 2, 9\)"):
        check_measured(plane, list(range(16)))
