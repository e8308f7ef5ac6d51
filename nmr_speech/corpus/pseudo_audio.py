"""FIDs as 4-channel waveforms and back, exactly."""

import math

import numpy as np
import torch

from nmr_speech.checks import InputError, positive
from nmr_speech.constants import N_CHANNELS, N_POINTS, N_SAMPLES, N_TRANSIENTS


def stack_fid(fid: torch.Tensor | np.ndarray) -> tuple[torch.Tensor, float]:
    """Stack the transients of an FID one after another into real channels.

    The channels are the real and imaginary part of the cosine channel, then those of the sine channel. The scale is a
    power of two, so dividing by it is exact: `unstack_fid` returns the same single-precision numbers.

    Arguments
    ---------
    fid : torch.Tensor | np.ndarray
        Complex, (2, 256, 256): cosine and sine channel.

    Returns
    -------
    wav : torch.Tensor
        float32, (65536, 4); the largest magnitude is from 1/2 to 1.
    scale : float
        Divisor of the waveform; 1 for a recording of zeros.

    Example
    -------
    >>> fid = torch.full((2, 256, 256), 3 + 1j)
    >>> wav, scale = stack_fid(fid)
    >>> wav.shape, scale, bool((unstack_fid(wav, scale) == fid).all())
    (torch.Size([65536, 4]), 4.0, True)
    """
    fid = torch.as_tensor(fid)
    if tuple(fid.shape) != (2, N_TRANSIENTS, N_POINTS) or not fid.is_complex():
        raise InputError(
            f"`fid` must be complex with shape (2, {N_TRANSIENTS}, {N_POINTS}), got {fid.dtype} {tuple(fid.shape)}"
        )
    channels = to_channels(fid.to(torch.complex64))
    peak = channels.abs().max().item()
    if not math.isfinite(peak):
        raise InputError("`fid` must hold finite numbers only, got NaN or infinity")
    # A clean recording peaks at its number of protons. Without the margin, rounding would decide between 4 and 8 for 4.
    scale = 2.0 ** math.ceil(math.log2(peak * (1 + 1e-5))) if peak > 0 else 1.0
    return (channels / scale).contiguous(), scale


def to_channels(fid: torch.Tensor) -> torch.Tensor:
    """Stack transients without scaling, real before imaginary part; `unstack_fid` with a scale of 1 is the inverse.

    Arguments
    ---------
    fid : torch.Tensor
        Complex, (..., 2, 256, 256): cosine and sine channel.

    Returns
    -------
    torch.Tensor
        Real, (..., 65536, 4).

    Example
    -------
    >>> to_channels(torch.zeros(3, 2, 256, 256, dtype=torch.complex64)).shape
    torch.Size([3, 65536, 4])
    """
    return torch.view_as_real(fid.flatten(-2).resolve_conj()).movedim(-3, -2).flatten(-2)


def unstack_fid(wav: torch.Tensor | np.ndarray, scale: float = 1.0) -> torch.Tensor:
    """Restore the cosine and the sine channel from a waveform: the inverse of `stack_fid`.

    Arguments
    ---------
    wav : torch.Tensor | np.ndarray
        Real, (..., 65536, 4); or (..., 4, 65536), as earlier versions made it.
    scale : float
        Divisor of the waveform.

    Returns
    -------
    torch.Tensor
        complex64, (..., 2, 256, 256).

    Example
    -------
    >>> unstack_fid(torch.zeros(65536, 4)).shape
    torch.Size([2, 256, 256])
    """
    channels = _checked(wav)
    if scale != 1:
        channels = channels * positive("scale", scale, "the divisor of the waveform")
    pairs = channels.unflatten(-1, (2, 2)).movedim(-3, -2).contiguous()
    return torch.view_as_complex(pairs).unflatten(-1, (N_TRANSIENTS, N_POINTS))


def unstack_anti_echo(wav: torch.Tensor) -> torch.Tensor:
    """Restore the anti-echo signal, cosine + i sine, from a waveform: quicker than by `unstack_fid`.

    Arguments
    ---------
    wav : torch.Tensor
        Real, (..., 65536, 4).

    Returns
    -------
    torch.Tensor
        complex64, (..., 256, 256).

    Example
    -------
    >>> wav, scale = stack_fid(torch.stack([torch.full((256, 256), 3 + 1j), torch.full((256, 256), 2 - 1j)]))
    >>> scale * unstack_anti_echo(wav)[0, 0]
    tensor(4.+3.j)
    """
    cos_real, cos_imaginary, sin_real, sin_imaginary = _checked(wav).unbind(-1)
    anti_echo = torch.complex(cos_real - sin_imaginary, cos_imaginary + sin_real)
    return anti_echo.unflatten(-1, (N_TRANSIENTS, N_POINTS))


def _checked(wav):
    wav = torch.as_tensor(wav)
    if tuple(wav.shape[-2:]) == (N_CHANNELS, N_SAMPLES):  # of earlier versions
        wav = wav.mT
    if tuple(wav.shape[-2:]) != (N_SAMPLES, N_CHANNELS) or wav.is_complex():
        raise InputError(
            f"`wav` must be real with shape (..., {N_SAMPLES}, {N_CHANNELS}), got {wav.dtype} {tuple(wav.shape)}"
        )
    return wav.float()
