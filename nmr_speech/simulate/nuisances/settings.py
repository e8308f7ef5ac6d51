"""A setting of a nuisance: one number for all recordings, or a pair [low, high] within which each draws its own.

All draws are made on the CPU and moved afterwards, so that they do not depend on the device.
"""

from collections.abc import Sequence

import torch

from nmr_speech.checks import InputError, in_range, quoted, whole
from nmr_speech.simulate.acquisition import Acquisition
from nmr_speech.simulate.fid import times_s

Setting = float | list[float] | tuple[float, float]


def draw(
    name: str,
    setting: Setting,
    fid: torch.Tensor,
    generator: torch.Generator,
    limits: tuple,
    log: bool = False,
) -> torch.Tensor:
    """Draw a setting for each recording: uniformly, or log-uniformly where it spans decades.

    Arguments
    ---------
    name : str
        Name of the setting, for messages.
    setting : Setting
        A number, or a pair [low, high].
    fid : torch.Tensor
        complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU; a single number draws nothing.
    limits : tuple
        Smallest and largest value allowed, unit and, optionally, typical values.
    log : bool
        Whether the logarithm is uniform; the low end of a pair must then be above zero.

    Returns
    -------
    torch.Tensor
        Real, on the device of ``fid``, (..., 1, 1, 1).

    Example
    -------
    >>> draw("snr", [10, 1000], torch.zeros(3, 2, 8, 8) + 0j, torch.Generator().manual_seed(0), (1, 1e6, "")).shape
    torch.Size([3, 1, 1, 1])
    """
    low, high = _ends(name, setting, lambda end: in_range(name, end, *limits))
    shape = (*fid.shape[:-3], 1, 1, 1)
    if low == high:
        value = torch.full(shape, low, dtype=torch.float64)
    elif log and low <= 0:
        raise InputError(f"`{name}` is drawn log-uniformly, so a pair must lie above 0, got {quoted(setting)}")
    else:
        share = torch.rand(shape, generator=generator, dtype=torch.float64)  # equal draws in every precision
        value = low * (high / low) ** share if log else low + (high - low) * share
    return value.to(fid.dtype.to_real()).to(fid.device)


def draw_whole(
    name: str, setting: Setting, fid: torch.Tensor, generator: torch.Generator, low: int, high: int
) -> torch.Tensor:
    """Draw a whole number for each recording, with both ends of a pair included.

    Arguments
    ---------
    name : str
        Name of the setting, for messages.
    setting : Setting
        A whole number, or a pair [low, high] of them.
    fid : torch.Tensor
        complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    low : int
        Smallest value allowed.
    high : int
        Largest value allowed.

    Returns
    -------
    torch.Tensor
        int64, on the device of ``fid``, (..., 1, 1, 1).

    Example
    -------
    >>> draw_whole("n", 3, torch.zeros(2, 8, 8) + 0j, torch.Generator(), 0, 8).tolist()
    [[[3]]]
    """
    first, last = _ends(name, setting, lambda end: whole(name, end, low, high))
    return torch.randint(first, last + 1, (*fid.shape[:-3], 1, 1, 1), generator=generator).to(fid.device)


def normal(shape: Sequence[int], fid: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Standard normal numbers, (*shape), in the precision and on the device of ``fid``.

    Example
    -------
    >>> normal((5, 2), torch.zeros(2, 8, 8) + 0j, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 2])
    """
    return torch.randn(shape, generator=generator, dtype=fid.dtype.to_real()).to(fid.device)


def largest_magnitude(fid: torch.Tensor) -> torch.Tensor:
    """Largest magnitude of each recording over both channels, (..., 1, 1, 1).

    Example
    -------
    >>> largest_magnitude(torch.full((2, 8, 8), 3 + 4j)).tolist()
    [[[5.0]]]
    """
    return fid.abs().amax((-3, -2, -1), keepdim=True)


def times(fid: torch.Tensor, acquisition: Acquisition) -> tuple[torch.Tensor, torch.Tensor]:
    """Times of the points of a recording in seconds, (n_transients, 1) for t1 and (n_points,) for t2.

    Example
    -------
    >>> t1, t2 = times(torch.zeros(2, 3, 4) + 0j, Acquisition(spectral_width_hz=4.0, spectral_width_f1_hz=2.0))
    >>> t1.flatten().tolist(), t2.tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.25, 0.5, 0.75])
    """
    t1, t2 = (
        times_s(fid.shape[dim], axis.width_hz, fid.dtype.to_real(), fid.device)
        for dim, axis in ((-2, acquisition.f1), (-1, acquisition.f2))
    )
    return t1[:, None], t2


def _ends(name, setting, check):
    if not isinstance(setting, list | tuple):
        return check(setting), check(setting)
    if len(setting) != 2:
        raise InputError(f"`{name}` must be a number or a pair [low, high], got {quoted(setting)}")
    low, high = map(check, setting)
    if low > high:
        raise InputError(f"`{name}` must be a pair [low, high] that rises, got {quoted(setting)}")
    return low, high
