"""The unitary Fourier transform, data consistency, and the check of signals before reconstruction.

Signals are complex, (..., n), time zero first. The last ``dims`` dimensions are those sampled non-uniformly.
"""

import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction.schedule import Schedule, sampling_mask


def fourier(fid: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Transform signals (..., n) to spectra, F: unitary, so its adjoint is its inverse; zero frequency first.

    Example
    -------
    >>> fourier(torch.ones(4, dtype=torch.complex64)).real
    tensor([2., 0., 0., 0.])
    """
    return torch.fft.fftn(fid, dim=tuple(range(-dims, 0)), norm="ortho")


def inverse_fourier(spectrum: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Transform spectra (..., n) back to the time domain, F^H.

    Example
    -------
    >>> inverse_fourier(fourier(torch.arange(3) + 0j)).real.round()
    tensor([0., 1., 2.])
    """
    return torch.fft.ifftn(spectrum, dim=tuple(range(-dims, 0)), norm="ortho")


def data_consistency(spectrum: torch.Tensor, measured: torch.Tensor, mask: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Replace what was measured: ``x + F U^T (y - U F^H x)``, equation 1a of Wang et al. (arXiv 2012.14830).

    Arguments
    ---------
    spectrum : torch.Tensor
        x, complex, (..., n).
    measured : torch.Tensor
        U^T y: the time signal with zeros where nothing was measured, complex, (..., n).
    mask : torch.Tensor
        bool, (n,) or (..., n).
    dims : int
        Number of dimensions sampled.

    Returns
    -------
    torch.Tensor
        complex, (..., n): a spectrum whose time signal is ``measured`` at the points measured.

    Example
    -------
    >>> mask, measured = torch.tensor([True, False]), torch.tensor([3.0 + 0j, 0.0])
    >>> inverse_fourier(data_consistency(fourier(torch.tensor([5.0 + 0j, 7.0])), measured, mask)).real
    tensor([3.0000, 7.0000])
    """
    return fourier(torch.where(mask, measured, inverse_fourier(spectrum, dims)), dims)


def check_measured(fid: torch.Tensor, schedule: Schedule, dims: int = 1) -> torch.Tensor:
    """Refuse signals that cannot be reconstructed; return the mask of their schedule.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n): finite, zero where nothing was measured.
    schedule : Schedule
        Indices or a mask, as for `nmr_speech.reconstruction.schedule.sampling_mask`.
    dims : int
        Number of dimensions sampled.

    Returns
    -------
    torch.Tensor
        bool, (n,) or (..., n), on the device of ``fid``.

    Example
    -------
    >>> check_measured(torch.tensor([1 + 0j, 2, 3]), [0, 2])
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `fid` must be zero where nothing was measured, got 2 at point 1, which ...
    """
    if not isinstance(fid, torch.Tensor) or not fid.is_complex() or fid.ndim < dims:
        came = f"{fid.dtype}, {tuple(fid.shape)}" if isinstance(fid, torch.Tensor) else type(fid).__name__
        raise InputError(f"`fid` must be a complex tensor (..., n) of {dims} dimension(s) or more, got {came}")
    if not torch.isfinite(fid).all():
        bad = (~torch.isfinite(fid)).nonzero()[0].tolist()
        raise InputError(f"`fid` must be finite, got NaN or infinity, first at {tuple(bad)}; leave such signals out")
    shape = tuple(fid.shape[-dims:])
    mask = sampling_mask(schedule, shape if dims > 1 else shape[0]).to(fid.device)
    try:
        stray = torch.where(mask, 0, fid)
    except RuntimeError as error:  # shapes that do not broadcast
        raise InputError(
            f"a mask must be one for all signals or one for each, {tuple(fid.shape)}, got {tuple(mask.shape)}"
        ) from error
    if stray.any():
        at = stray.nonzero()[0][-dims:].tolist()
        value = stray[stray != 0][0].abs().item()
        raise InputError(
            f"`fid` must be zero where nothing was measured, got {value:.3g} at point {', '.join(map(str, at))}, which "
            "the schedule does not hold; is it the schedule of this signal? To try a schedule, multiply by its mask"
        )
    return mask
