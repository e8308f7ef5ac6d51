"""Signals whose spectra are known, for the tests of reconstruction."""

import torch


def exponentials(n, lines, phase=0.0, start=0.0):
    """Sum amplitude x exp(2 pi i f t) exp(-t / tau) over (amplitude, f in cycles a point, tau in points)."""
    t = torch.arange(n, dtype=torch.float64) + start
    signal = sum(a * torch.exp(2j * torch.pi * f * t - t / tau) for a, f, tau in lines)
    return signal * torch.exp(torch.tensor(1j * phase, dtype=torch.complex128))


def noise(*shape, seed=0):
    """Complex noise, double precision."""
    return torch.randn(*shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))
