"""Recordings that are computed together: as many as fit into a stated memory."""

from collections.abc import Callable

import torch

from nmr_speech.checks import in_range
from nmr_speech.simulate.mixing import Mixing
from nmr_speech.simulate.spin_system import SpinSystem, networks

MEMORY_GB = {"cpu": 0.06, "cuda": 16.0}  # on a CPU, larger batches of large residues leave the caches


def recording_bytes(system: SpinSystem, mixing: Mixing, n_transients: int, n_points: int) -> float:
    """Estimate the working memory of one recording, in bytes.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> from nmr_speech.simulate.mixing import IsotropicMixing, SpinLock
    >>> lysine, ideal, lock = load_residue("LYS").system, IsotropicMixing(0.06), SpinLock(0.06, 6e4)
    >>> recording_bytes(lysine, ideal, 256, 256) < recording_bytes(lysine, lock, 256, 256)  # a lock joins all blocks
    True
    """
    largest = 0.0
    for network in networks(system):
        states = sum(sum(m_z.shape[1] ** 2 for m_z in sector.m_z) for sector in network.sectors)
        mixed = max(mixing.elements(sector) for sector in network.sectors)
        pairs = max((raising.numel() for sector in network.sectors for raising in sector.raising), default=0)
        # Hamiltonians and their eigenvectors; propagators; three signals of 128 numbers for a tenth of all coherences.
        largest = max(largest, 28 * states + 40 * mixed + 24 * (1000 + pairs // 10) * 128)
    basis = 8 * 6 * max(n_transients, n_points) ** 2
    return largest + basis + 4 * 16 * n_transients * n_points


def in_batches(
    signal: Callable[[torch.Tensor], torch.Tensor], offsets: torch.Tensor, bytes_each: float, memory_gb: float | None
) -> torch.Tensor:
    """Compute signals in batches that fit into memory; a batch that runs out of memory all the same is halved.

    Arguments
    ---------
    signal : Callable[[torch.Tensor], torch.Tensor]
        Makes signals (R, ...) of offsets (R, groups).
    offsets : torch.Tensor
        Offsets of all recordings in rad/s, (R, groups).
    bytes_each : float
        Estimate for one recording, in bytes.
    memory_gb : float | None
        Memory to stay within, in GB; None for 0.06 on a CPU and 16 on a GPU. A batch has at least one recording.

    Returns
    -------
    torch.Tensor
        Signals of all recordings, (R, ...).

    Example
    -------
    >>> in_batches(lambda part: part * len(part), torch.ones(3, 1), bytes_each=4e8, memory_gb=1.0).flatten()
    tensor([2., 2., 1.])
    """
    if memory_gb is None:
        memory_gb = MEMORY_GB.get(offsets.device.type, MEMORY_GB["cpu"])
    size = max(1, int(in_range("memory_gb", memory_gb, 0, 1e6, "GB", "0.06 on a CPU, 16 on a GPU") * 1e9 / bytes_each))
    result, start = offsets.new_empty(0), 0
    while start < len(offsets):
        try:
            part = signal(offsets[start : start + size])
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2
            continue
        if start == 0:  # filled in place: joining the parts would hold all of them twice
            result = part if len(part) == len(offsets) else part.new_empty(len(offsets), *part.shape[1:])
        result[start : start + size] = part
        start += size
    return result
