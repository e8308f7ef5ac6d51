"""The standard deviation of white noise in spectra, whatever else is in them."""

import math

import torch

TINY = torch.finfo(torch.float32).tiny
FOURTH = (1.0, -4.0, 6.0, -4.0, 1.0)  # differences: what varies slowly from point to point drops out
TAIL = 8  # the last eighth of an FID


def noise_std(spectrum: torch.Tensor) -> torch.Tensor:
    """Estimate the standard deviation of the noise in the real part of each spectrum.

    The smaller of two estimates, each of which signals can only raise. One is the median of fourth differences along
    the spectrum: of lines that are few, or broad, it sees little. The other is the root mean square of the end of the
    FID, where signals have decayed. Both follow a change of scale, of phase, and a shift by whole points.

    Arguments
    ---------
    spectrum : torch.Tensor
        Fourier transform of FIDs, not apodised and not zero-filled, complex, (..., n), n at least 16.

    Returns
    -------
    torch.Tensor
        Real, (..., 1).

    Example
    -------
    >>> noise = torch.randn(4096, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))  # of variance 1
    >>> noise[100:120] += 1000
    >>> round(noise_std(noise).item() * 2**0.5, 1)
    1.0
    """
    n = spectrum.shape[-1]
    differences = torch.stack([c * spectrum.roll(k, -1) for k, c in enumerate(FOURTH)]).sum(0)
    variance = sum(c * c for c in FOURTH)
    # The median magnitude of complex noise of standard deviation s in each part is s sqrt(2 ln 2).
    by_spectrum = differences.abs().median(dim=-1, keepdim=True).values / math.sqrt(2 * math.log(2) * variance)
    tail = torch.fft.ifft(spectrum, dim=-1, norm="ortho")[..., n - n // TAIL :]
    by_tail = (tail.abs().square().mean(-1, keepdim=True) / 2).sqrt()
    return torch.minimum(by_spectrum, by_tail)
