"""What a real spectrometer adds: pure functions of an FID."""

import math

import torch

from nmr_speech.simulate.parameters import SPECTRAL_WIDTH_HZ


def shift_frequency(
    fid: torch.Tensor, shift_hz: torch.Tensor | float, spectral_width_hz: float = SPECTRAL_WIDTH_HZ
) -> torch.Tensor:
    """Move a whole spectrum by the same frequency in F1 and F2, as another reference or carrier would.

    In t2 that is a phase factor; in t1 it turns the cosine and the sine channel into one another. Lines that leave
    the window fold.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    shift_hz : torch.Tensor | float
        Shift of each recording, (...) or a number.
    spectral_width_hz : float
        Spectral width of both dimensions.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> shift_frequency(torch.ones(2, 4, 4, dtype=torch.complex64), 1800.0)[0, 0].imag.round().int()
    tensor([ 0,  1,  0, -1], dtype=torch.int32)
    """
    n_transients, n_points = fid.shape[-2:]
    turn = 2 * math.pi / spectral_width_hz * torch.as_tensor(shift_hz, device=fid.device)[..., None, None]
    angle_t1 = turn * torch.arange(n_transients, device=fid.device)[:, None]
    angle_t2 = turn * torch.arange(n_points, device=fid.device)
    cos, sin = fid.unbind(-3)
    turned = torch.stack(
        [cos * angle_t1.cos() - sin * angle_t1.sin(), cos * angle_t1.sin() + sin * angle_t1.cos()], dim=-3
    )
    return turned * torch.polar(torch.ones_like(angle_t2), angle_t2)[..., None, :, :]
