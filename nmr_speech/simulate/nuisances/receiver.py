"""Effects of the receiver: baseline, noise, digitisation, and points that were never measured."""

import math

import torch

from nmr_speech.simulate.fid import digitise
from nmr_speech.simulate.nuisances.settings import Setting, draw, draw_whole, largest_magnitude, normal


def baseline(
    fid: torch.Tensor,
    generator: torch.Generator,
    largest: torch.Tensor | None = None,
    *,
    first_points_percent: Setting = 0.0,
    n_first_points: Setting = 3,
    dc_percent: Setting = 0.0,
) -> torch.Tensor:
    """Distort the baseline: through the first points of every transient, and through an offset of the receiver.

    A wrong first point adds a constant to the whole spectrum, wrong points after it add slow waves, and a constant in
    the FID adds a spike at the carrier.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    largest : torch.Tensor | None
        Magnitude that ``dc_percent`` is relative to, (..., 1, 1, 1); None takes the largest of each recording.
    first_points_percent : Setting
        Standard deviation of the gain of each of the first points, 0 to 100 percent; normal, the same in all
        transients. Uniform within a pair.
    n_first_points : Setting
        Number of these points, 0 to n_points; uniform within a pair.
    dc_percent : Setting
        Constant added to all points, 0 to 100 percent of ``largest``, with a random phase; uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = baseline(torch.ones(2, 2, 4) + 0j, torch.Generator().manual_seed(0), first_points_percent=5.0)
    >>> fid[0, 0].real != 1
    tensor([ True,  True,  True, False])
    """
    n_points = fid.shape[-1]
    deviation = draw("first_points_percent", first_points_percent, fid, generator, (0, 100, "percent", "0 to 5")) / 100
    first = _index(-1, fid) < draw_whole("n_first_points", n_first_points, fid, generator, 0, n_points)
    # Drawn for all points, so that how many are wrong does not change the draws that follow.
    gain = 1 + first * deviation * normal((*fid.shape[:-3], 1, 1, n_points), fid, generator)
    magnitude = draw("dc_percent", dc_percent, fid, generator, (0, 100, "percent", "0 to 1")) / 100
    magnitude = magnitude * (largest_magnitude(fid) if largest is None else largest)
    phase = draw("phase", [-math.pi, math.pi], fid, generator, (-math.pi, math.pi, "radians"))
    return fid * gain + torch.polar(magnitude, phase)


def white_noise(
    fid: torch.Tensor, generator: torch.Generator, largest: torch.Tensor | None = None, *, snr: Setting
) -> torch.Tensor:
    """Add white Gaussian noise.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    largest : torch.Tensor | None
        Magnitude that ``snr`` is relative to, (..., 1, 1, 1); None takes the largest of each recording.
    snr : Setting
        Signal-to-noise ratio in the time domain, 0.01 to 1e9: ``largest`` over the standard deviation of the noise in
        each real number, of which a complex point has two; log-uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> noise = white_noise(torch.ones(2, 256, 256) + 0j, torch.Generator().manual_seed(0), snr=10.0) - 1
    >>> round(noise.real.std().item(), 3), round(noise.imag.std().item(), 3)
    (0.1, 0.1)
    """
    ratio = draw("snr", snr, fid, generator, (0.01, 1e9, "(a ratio)", "10 to 1000"), log=True)
    deviation = (largest_magnitude(fid) if largest is None else largest) / ratio
    return fid + deviation * torch.view_as_complex(normal((*fid.shape, 2), fid, generator))


def digitisation(fid: torch.Tensor, generator: torch.Generator, *, bits: Setting) -> torch.Tensor:
    """Round all real numbers to the levels of an analogue-to-digital converter.

    Full scale is the largest real number of the recording, water included; see `nmr_speech.simulate.fid.digitise`.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    bits : Setting
        Bits of the converter, 2 to 24; uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = torch.tensor([1.0, 0.6, 0.4, -0.9]).expand(2, 1, 4) + 0j
    >>> digitisation(fid, torch.Generator(), bits=2)[0, 0].real.tolist()
    [1.0, 1.0, 0.0, -1.0]
    """
    return digitise(fid, draw_whole("bits", bits, fid, generator, 2, 24))


def dead_points(fid: torch.Tensor, generator: torch.Generator, *, n: Setting) -> torch.Tensor:
    """Set the first points of every transient, from before the receiver opened, to zero.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    n : Setting
        Number of complex points lost, 0 to n_points; uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> dead_points(torch.ones(2, 1, 4) + 0j, torch.Generator(), n=2)[0, 0].real.tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    return fid * (_index(-1, fid) >= draw_whole("n", n, fid, generator, 0, fid.shape[-1]))


def truncation(fid: torch.Tensor, generator: torch.Generator, *, n_transients: Setting) -> torch.Tensor:
    """Stop the experiment early: all transients after the first ``n_transients`` of each channel are zero.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    n_transients : Setting
        Points measured in t1, from 1 to all; uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points): the size does not change.

    Example
    -------
    >>> truncation(torch.ones(2, 4, 1) + 0j, torch.Generator(), n_transients=3)[0, :, 0].real.tolist()
    [1.0, 1.0, 1.0, 0.0]
    """
    measured = draw_whole("n_transients", n_transients, fid, generator, 1, fid.shape[-2])
    return fid * (_index(-2, fid)[:, None] < measured)


def _index(dim, fid):
    return torch.arange(fid.shape[dim], device=fid.device)
