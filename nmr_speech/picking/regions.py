"""Which stretches of a 1D spectrum hold signal: the task of Bruker's region finder.

Its authors tell of two million simulated spectra and no layers; the network here is ours: five dilated convolutions.
"""

import numpy as np
import torch
from torch import nn

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.picking.noise import noise_std

CHANNELS, KERNEL = 24, 9
DILATIONS = (1, 3, 9, 27, 1)
SCALE = 6.0
SPACING_HZ = 1.0
"""Points of a spectrum are averaged to about this distance: the network knows one scale, whatever the zero filling."""
LEAST_POINTS = 3  # of a region
GAP_POINTS = 6  # between two regions: less, and they are one


class RegionNetwork(nn.Module):
    """Five dilated convolutions over the points of a spectrum, each with the sum of what came in.

    Example
    -------
    >>> RegionNetwork().eval()(torch.rand(2, 1, 256)).shape
    torch.Size([2, 256])
    """

    settings: dict = {}  # noqa: RUF012 - there are none

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, CHANNELS, KERNEL, padding="same")
        self.blocks = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, KERNEL, padding="same", dilation=step) for step in DILATIONS
        )
        self.last = nn.Conv1d(CHANNELS, 1, 1)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """Logits (B, n) of signal at each point of spectra (B, 1, n), as `prepared` gives them."""
        x = self.first(spectra)
        for block in self.blocks:
            x = x + nn.functional.relu(block(nn.functional.relu(x)))
        return self.last(x)[:, 0]


def prepared(spectrum: np.ndarray, noise: float) -> torch.Tensor:
    """Scale a real spectrum (..., n) by its noise, and bend it: signals span six decades; float32, (..., 1, n).

    Example
    -------
    >>> prepared(np.array([0.0, 2.0]), 2.0).round(decimals=3)
    tensor([[0.0000, 0.1470]])
    """
    return torch.from_numpy(np.arcsinh(spectrum / max(noise, np.finfo(float).tiny)) / SCALE).float()[..., None, :]


def points_each(axis: Axis) -> int:
    """Count the points that are averaged to one of those that the network sees.

    Example
    -------
    >>> points_each(Axis(65536, width_hz=7200.0))
    9
    """
    return max(1, round(SPACING_HZ * axis.n / axis.width_hz))


def averaged(values: np.ndarray, size: int) -> np.ndarray:
    """Average runs of ``size`` points of a spectrum (n,); the last run may be shorter.

    Example
    -------
    >>> averaged(np.array([1.0, 3.0, 5.0]), 2)
    array([2., 5.])
    """
    starts = np.arange(0, len(values), size)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def marked_regions(
    spectrum: np.ndarray, axis: Axis, network: RegionNetwork, threshold: float
) -> list[dict[str, float]]:
    """Find the stretches of a spectrum that hold signal.

    Arguments
    ---------
    spectrum : np.ndarray
        Real and phased, (n,), shifts rising.
    axis : Axis
        Its axis.
    network : RegionNetwork
        Trained.
    threshold : float
        Probability above which a point belongs to a region.

    Returns
    -------
    list[dict[str, float]]
        ``low_ppm``, ``high_ppm`` and ``probability``, the largest of its points, by rising shift.
    """
    values = np.asarray(spectrum, dtype=float)
    if values.shape != (axis.n,) or not np.isfinite(values).all():
        raise InputError(f"`spectrum` must be real and finite, with the {axis.n} points of its axis")
    if values.min() == values.max():
        return []
    size = points_each(axis)
    reduced = averaged(values - np.median(values), size)
    with torch.inference_mode():
        seen = network(prepared(reduced, noise_std(reduced))[None])[0].sigmoid().double().numpy()
    probability = seen.repeat(size)[: axis.n]
    marked = np.flatnonzero(probability > threshold)
    groups = np.split(marked, np.flatnonzero(np.diff(marked) > GAP_POINTS * size) + 1)
    ppm = axis.ppm()
    return [
        {"low_ppm": float(ppm[own[0]]), "high_ppm": float(ppm[own[-1]]), "probability": float(probability[own].max())}
        for own in groups
        if len(own) >= LEAST_POINTS * size
    ]
