"""Sampling and the unitary Fourier transform, with their adjoints; data consistency.

Signals are complex, (..., n), time zero first; ``dims`` last dimensions are those sampled non-uniformly.
"""

import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction.schedule import sampling_mask


def fourier(fid: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Transform to the spectrum, F: unitary, so that its adjoint is its inverse; zero frequency first.

    Example
    -------
    >>> fourier(torch.ones(4, dtype=torch.complex64)).real
    tensor([2., 0., 0., 0.])
    """
    return torch.fft.fftn(fid, dim=tuple(range(-dims, 0)), norm="ortho")


def inverse_fourier(spectrum: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Transform back to the time domain, F^H.

    Example
    -------
    >>> inverse_fourier(fourier(torch.arange(3) + 0j)).real.round()
    tensor([0., 1., 2.])
    """
    return torch.fft.ifftn(spectrum, dim=tuple(range(-dims, 0)), norm="ortho")


def sample(fid: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Keep the points measured, U.

    Arguments
    ---------
    fid : torch.Tensor
        (..., n), or more dimensions, as many as ``mask`` has.
    mask : torch.Tensor
        bool, (n,), with m points set; see `nmr_speech.reconstruction.schedule.sampling_mask`.

    Returns
    -------
    torch.Tensor
        (..., m).

    Example
    -------
    >>> sample(torch.tensor([1, 2, 3]), torch.tensor([True, False, True]))
    tensor([1, 3])
    """
    return fid[..., mask]


def fill(samples: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Put zeros where nothing was measured, U^T: the adjoint of `sample`.

    Example
    -------
    >>> fill(torch.tensor([1, 3]), torch.tensor([True, False, True]))
    tensor([1, 0, 3])
    """
    full = samples.new_zeros(*samples.shape[:-1], *mask.shape)
    full[..., mask] = samples
    return full


def data_consistency(spectrum: torch.Tensor, measured: torch.Tensor, mask: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Replace what was measured: ``x + F U^T (y - U F^H x)``, equation 1a of Wang et al. (MoDern).

    Arguments
    ---------
    spectrum : torch.Tensor
        x, complex, (..., n).
    measured : torch.Tensor
        U^T y: the time signal with zeros where nothing was measured, complex, (..., n).
    mask : torch.Tensor
        bool, (n,) or (..., n).
    dims : int
        Dimensions sampled.

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


def check_measured(fid: torch.Tensor, schedule, dims: int = 1) -> torch.Tensor:
    """Refuse signals that cannot be reconstructed; return the mask of their schedule.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n): finite, zero where nothing was measured.
    schedule : Sequence | np.ndarray | torch.Tensor
        As for `nmr_speech.reconstruction.schedule.sampling_mask`.
    dims : int
        Dimensions sampled.

    Returns
    -------
    torch.Tensor
        bool, (n,) or (..., n), where ``fid`` is.

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
    except RuntimeError as error:
        raise InputError(
            f"a mask must be one for all signals or one for each, {tuple(fid.shape)}, got {tuple(mask.shape)}"
        ) from error
    if stray.any():
        at = stray.nonzero()[0][-dims:].tolist()
        value = stray[stray != 0][0].abs().item()
        raise InputError(
            f"`fid` must be zero where nothing was measured, got {value:.3g} at point {', '.join(map(str, at))}, which "
            "the schedule does not hold; is it the schedule of this signal? (multiply by its mask to try one)"
        )
    return mask
