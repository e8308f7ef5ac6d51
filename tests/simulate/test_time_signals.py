"""The time signals that a recording is expanded in."""

import math

import pytest
import torch

from nmr_speech.simulate.coherences import Coherences
from nmr_speech.simulate.time_signals import coefficients, phases, time_basis

TIMES, DWELL_S, TOLERANCE = 256, 1e-4, 1e-3
# How many coherences, and how much of the spectral width they cover: a QR decomposition, few principal components, and
# more of them than the sketch has dimensions.
CASES = {"few": (40, 1.0), "narrow": (400, 0.1), "wide": (400, 1.0)}


@pytest.fixture(params=CASES)
def coherences(request):
    generator = torch.Generator().manual_seed(1)
    n, share = CASES[request.param]
    frequency = 2 * math.pi / DWELL_S * share * (torch.rand(2, n, dtype=torch.float64, generator=generator) - 0.5)
    where = torch.zeros(2, n, dtype=torch.long)
    return Coherences(where, where, torch.rand(2, n, generator=generator) + 0.1, frequency, 1.0, n)


def test_the_basis_holds_the_power_of_all_signals(coherences):
    basis = time_basis([coherences], TIMES, DWELL_S, TOLERANCE)
    signals = phases(coherences.frequency, TIMES, DWELL_S)
    outside = signals - coefficients(coherences.frequency, basis, DWELL_S) @ basis.mT
    power = coherences.amplitude.square()
    share = (power * outside.abs().square().mean(-1)).sum(1) / power.sum(1)
    assert share.max() < 2 * (TOLERANCE / 10) ** 2  # twice, for the rounding of single precision


def test_the_basis_is_orthonormal_and_mirrors_itself(coherences):
    basis = time_basis([coherences], TIMES, DWELL_S, TOLERANCE)
    norms = (basis.mH @ basis).diagonal(dim1=1, dim2=2).real
    used = (norms > 0.5).float()  # columns of zeros where a recording needs fewer
    assert torch.allclose(basis.mH @ basis, torch.diag_embed(used).to(basis.dtype), atol=1e-5)
    assert torch.equal(basis.flip(1).conj(), basis)
