"""Magnitude planes of recordings, and where in them a molecule can have signals."""

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.simulate.fid import cosine_window, states_to_echo

FOREIGN_PPM = ((4.55, 4.95), (-0.45, 0.45))
"""Where water and the reference line lie, whatever the reference."""


def magnitude(fid: torch.Tensor) -> np.ndarray:
    """Magnitude of the anti-echo spectrum of a States pair, complex, (2, P, Q), with squared cosines; (P, Q).

    Example
    -------
    >>> magnitude(torch.ones(2, 4, 4) + 0j).shape
    (4, 4)
    """
    _, anti_echo = states_to_echo(*fid)
    p, q = (cosine_window(n, first_halved=False, dtype=torch.float32) for n in anti_echo.shape)
    weighted = anti_echo.numpy() * np.outer(p, q)
    return np.abs(np.fft.fftshift(np.fft.fft2(weighted, norm="ortho"))).astype(np.float32)


def own_signals(axis: Axis) -> torch.Tensor:
    """1 where only the molecule can have signals, 0 where water and the reference line lie, float32, (P, Q).

    Example
    -------
    >>> plane, ppm = own_signals(Axis()), Axis().ppm()
    >>> plane[abs(ppm - 4.75).argmin()].any(), plane[abs(ppm - 2.0).argmin(), abs(ppm - 3.0).argmin()]
    (tensor(False), tensor(1.))
    """
    foreign = [(low < axis.ppm()) & (axis.ppm() < high) for low, high in FOREIGN_PPM]
    counts = torch.from_numpy(~np.logical_or(*foreign)).float()
    return torch.outer(counts, counts)
