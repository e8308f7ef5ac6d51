"""Synthetic FIDs to train reconstruction networks: sums of decaying exponentials, each with its own schedule.

Equation S1-1 and Table S1-1 of Wang et al., Accelerated NMR Spectroscopy: Merge Optimization with Deep Learning, arXiv
2012.14830. FID i and its schedule depend only on (seed, i): nothing is stored, and each can be made again alone.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.schedule import poisson_gap

AT_ONCE = 1000  # FIDs made together: 20 MB of exponentials
DRAWN = ("amplitude", "frequency", "decay_points", "phase_rad")


@dataclass(frozen=True, eq=False)
class Peaks:
    """Parameters of the peaks of B FIDs with at most J peaks.

    Arguments
    ---------
    amplitude, frequency, decay_points, phase_rad : torch.Tensor
        float64, (B, J). Peaks that an FID does not have get amplitude zero, negative peaks a negative amplitude.
    splitting : torch.Tensor | float
        float64, (B, J): distance of the two lines of a doublet, zero for a singlet.
    """

    amplitude: torch.Tensor
    frequency: torch.Tensor
    decay_points: torch.Tensor
    phase_rad: torch.Tensor
    splitting: torch.Tensor | float = 0.0


def draw_peaks(settings: FIDSettings, seed: int, indices: Iterable[int], dimension: int = 1) -> Peaks:
    """Draw the peaks of some FIDs.

    Arguments
    ---------
    settings : FIDSettings
        Distributions to draw from.
    seed : int
        Seed of the data set.
    indices : Iterable[int]
        Indices of the FIDs.
    dimension : int
        The dimension sampled, 1 or 2, whose frequencies, decays and phases are meant; amplitudes are those of 1.

    Returns
    -------
    Peaks

    Example
    -------
    >>> both, second = draw_peaks(FIDSettings(), 1, [0, 1]), draw_peaks(FIDSettings(), 1, [1])
    >>> torch.equal(both.frequency[1], second.frequency[0])
    True
    """
    fewest, most = settings.peaks
    # One generator per FID: neither order nor batch matters. The first number gives the number of peaks, the last row
    # says which are negative.
    shape = (len(DRAWN) + 1, most + 1)
    stream = () if dimension == 1 else (3, dimension)
    uniform = torch.from_numpy(np.stack([_generator(seed, i, *stream).random(shape) for i in indices]))
    count = fewest + (uniform[:, 0, 0] * (most - fewest + 1)).floor()
    drawn = {name: settings.between(name, uniform[:, row, 1:]) for row, name in enumerate(DRAWN)}
    drawn["amplitude"] = torch.where(torch.arange(most) < count[:, None], drawn["amplitude"], 0.0)
    drawn["amplitude"] *= torch.where(uniform[:, -1, 1:] < settings.negative_share, -1.0, 1.0)
    if settings.doublet_share:
        split, distance = np.stack([_generator(seed, i, 5, dimension).random((2, most)) for i in indices], axis=1)
        drawn["splitting"] = torch.from_numpy(
            settings.between("splitting", distance) * (split < settings.doublet_share)
        )
    return Peaks(**drawn)


def exponentials(peaks: Peaks, n_points: int) -> torch.Tensor:
    """Equation S1-1: ``r(t) = sum_j a_j exp(i phi_j) exp(-t / tau_j) exp(2 pi i f_j t)`` at t = 0, 1, 2, ... points.

    The paper counts from t = 1; a virtual echo needs time zero. A doublet is modulated by ``cos(pi s_j t)`` besides.

    Arguments
    ---------
    peaks : Peaks
        Peaks of B FIDs.
    n_points : int
        Number of points n.

    Returns
    -------
    torch.Tensor
        complex64, (B, n).

    Example
    -------
    >>> peak = Peaks(*(torch.tensor([[value]], dtype=torch.float64) for value in (1.0, 0.25, 1e9, 0.0)))
    >>> exponentials(peak, 4).numpy().round(6) + 0
    array([[ 1.+0.j,  0.+1.j, -1.+0.j,  0.-1.j]], dtype=complex64)
    """
    return ((peaks.amplitude[:, None] + 0j) @ _powers(peaks, n_points)).squeeze(1).to(torch.complex64)


def exponential_pairs(first: Peaks, second: Peaks, n_points: tuple[int, int]) -> torch.Tensor:
    """Products of exponentials in two times, as the pathways of `nmr_speech.reconstruction.hypercomplex`.

    Arguments
    ---------
    first, second : Peaks
        Peaks of B signals in both dimensions; amplitudes are those of the first.
    n_points : tuple[int, int]
        Number of points n_1 and n_2.

    Returns
    -------
    torch.Tensor
        complex64, (B, 2, n_1, n_2).

    Example
    -------
    >>> peak = Peaks(*(torch.tensor([[value]], dtype=torch.float64) for value in (1.0, 0.25, 1e9, 0.0)))
    >>> exponential_pairs(peak, peak, (2, 2))[0, :, 1, 1].numpy().round(6) + 0
    array([-1.+0.j,  1.+0.j], dtype=complex64)
    """
    rows = first.amplitude[..., None] * _powers(first, n_points[0])
    columns = _powers(second, n_points[1])
    pair = [rows.transpose(1, 2) @ side for side in (columns, columns.conj())]
    return torch.stack(pair, dim=1).to(torch.complex64)


def _powers(peaks, n_points):
    """Every exponential alone, with its phase, complex128, (B, J, n)."""
    rate = torch.complex(-1 / peaks.decay_points, 2 * torch.pi * peaks.frequency)
    start = torch.polar(torch.ones_like(peaks.phase_rad), peaks.phase_rad)
    times = torch.arange(n_points)
    modulation = torch.cos(torch.pi * torch.as_tensor(peaks.splitting, dtype=torch.float64)[..., None] * times)
    return start[..., None] * torch.exp(rate[:, :, None] * times) * modulation


def make_fids(settings: FIDSettings, seed: int, indices: Collection[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Make FIDs with noise, and their Poisson-gap schedules.

    Arguments
    ---------
    settings : FIDSettings
        Distributions to draw from.
    seed : int
        Seed of the data set.
    indices : Collection[int]
        Indices of the FIDs.

    Returns
    -------
    fids : torch.Tensor
        Fully sampled, complex64, (B, n); of two dimensions (B, 2, n_1, n_2).
    masks : torch.Tensor
        Points measured of each, bool, (B, n) or (B, n_1, n_2).

    Example
    -------
    >>> fids, masks = make_fids(FIDSettings(n_points=64), seed=1, indices=range(3))
    >>> fids.shape, masks.sum(dim=1)
    (torch.Size([3, 64]), tensor([13, 13, 13]))
    """
    grid, indices = settings.grid, list(indices)
    clean = torch.cat([_clean(settings, seed, indices[i : i + AT_ONCE]) for i in range(0, len(indices), AT_ONCE)])
    shape = (*clean.shape[1:], 2)
    noise = np.stack([_generator(seed, i, 1).standard_normal(shape, dtype=np.float32) for i in indices])
    masks = torch.zeros(len(indices), *grid, dtype=torch.bool)
    for mask, i in zip(masks, indices, strict=True):
        rate = settings.between("rate", _generator(seed, i, 2).random())
        points = poisson_gap(
            (grid[0], grid[1]) if len(grid) > 1 else grid[0], max(1, round(rate * mask.numel())), (seed, i)
        )
        mask[tuple(torch.from_numpy(points).reshape(-1, len(grid)).T)] = True
    levels = np.array([settings.between("noise_std", _generator(seed, i, 4).random()) for i in indices], np.float32)
    noise *= levels.reshape(-1, *[1] * len(shape))
    fids = clean + torch.view_as_complex(torch.from_numpy(noise))
    return (_windowed(fids, settings, seed, indices) if settings.windowed_share else fids), masks


def _windowed(fids, settings, seed, indices):
    """Put a window on some of the FIDs, along each of their dimensions."""
    chosen, squared = np.array([_generator(seed, i, 6).random(2) for i in indices]).T
    powers = torch.from_numpy((chosen < settings.windowed_share) * np.where(squared < 0.5, 2.0, 1.0))
    for dimension, n in enumerate(settings.grid, start=-len(settings.grid)):
        window = torch.cos(torch.pi / 2 * torch.arange(n, dtype=torch.float64) / n) ** powers[:, None]
        fids = fids * window.float().reshape(len(fids), *[1] * (fids.ndim + dimension - 1), n, *[1] * (-dimension - 1))
    return fids


def _clean(settings, seed, indices):
    first = draw_peaks(settings, seed, indices)
    if len(settings.grid) == 1:
        return exponentials(first, *settings.grid)
    return exponential_pairs(first, draw_peaks(settings, seed, indices, 2), settings.grid)


class SyntheticFIDs(torch.utils.data.Dataset):
    """FIDs made once and kept in memory: 40,000 of 256 points are 92 MB.

    Arguments
    ---------
    settings : FIDSettings
        Distributions to draw from.
    seed : int
        Seed of the data set.
    indices : Collection[int]
        Indices of the FIDs.

    Example
    -------
    >>> data = SyntheticFIDs(FIDSettings(n_points=64), seed=1, indices=range(5))
    >>> fids, masks = data[[3, 0]]
    >>> torch.equal(fids[1], data[0][0])
    True
    """

    def __init__(self, settings: FIDSettings, seed: int, indices: Collection[int]) -> None:
        self.fids, self.masks = make_fids(settings, seed, indices)

    def __len__(self) -> int:
        return len(self.fids)

    def __getitem__(self, i: int | list[int] | torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.fids[i], self.masks[i]

    __getitems__ = __getitem__  # a DataLoader then takes a batch at once; its ``collate_fn`` must pass it on unchanged


def _generator(seed: int, *numbers: int) -> np.random.Generator:
    return np.random.default_rng((seed, *numbers, len(numbers)))  # not the stream of the schedule, (seed, i)
