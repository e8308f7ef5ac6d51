"""Take the noise out of FIDs and spectra of any length."""

import torch

from nmr_speech.checks import InputError, is_number, one_of, quoted
from nmr_speech.enhancement.load import packaged
from nmr_speech.enhancement.network import Denoiser
from nmr_speech.enhancement.noise import noise_std as estimate_noise
from nmr_speech.enhancement.signals import fourier

DOMAINS = ("fid", "spectrum")
LEAST, MOST = 64, 2**20  # points
POINTS_AT_ONCE = 2**17  # whose feature maps take 100 MB


@torch.no_grad()
def denoise(
    signal: torch.Tensor,
    *,
    domain: str = "fid",
    noise_std: float | torch.Tensor | None = None,
    network: Denoiser | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Take white noise out of FIDs, or of spectra of FIDs that were neither apodised nor zero-filled.

    At no point of the spectrum is more than five standard deviations of the noise taken away. Scale, phase and a shift
    by whole points of the spectrum carry over from the input to the estimate, and each row is treated alone.

    Arguments
    ---------
    signal : torch.Tensor
        complex64 or complex128, (..., n), n from 64 to 1,048,576.
    domain : str
        "fid": in time, from time zero; zeros at the end that all rows share are left alone. "spectrum": its Fourier
        transform, with frequencies that rise, of any scale; where the first point stands does not matter.
    noise_std : float | torch.Tensor | None
        Standard deviation of the noise in the real part of a point, in units of the signal: a number, or one for each
        row, (..., 1). None estimates that of each row.
    network : Denoiser | None
        Another network than the one in the package; see `nmr_speech.enhancement.load_denoiser`.

    Returns
    -------
    tuple[torch.Tensor, torch.Tensor]
        The estimate, as ``signal``; and the standard deviation of the real and of the imaginary part of its error at
        every point of the spectrum, (..., n) in float32 or float64. For an FID these are points of
        ``torch.fft.fft(fid, norm="ortho")``.

    Raises
    ------
    InputError
        Not complex, too short or too long, not finite, or a standard deviation that cannot be one.

    Example
    -------
    >>> fid = torch.exp((0.5j - 0.02) * torch.arange(1024)) * 5
    >>> noise = torch.randn(1024, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    >>> estimate, std = denoise(fid + noise)
    >>> (estimate - fid).norm() < 0.4 * noise.norm(), std.shape
    (tensor(True), torch.Size([1024]))
    """
    check_signal(signal)
    one_of("domain", domain, DOMAINS)
    network = packaged() if network is None else network
    rows = signal.reshape(-1, signal.shape[-1])
    known = last_measured(rows) if domain == "fid" else rows.shape[-1]
    if known < LEAST:  # hardly anything was measured, or all is zero
        return signal.clone(), signal.real.new_zeros(signal.shape)
    spectra = fourier(rows[:, :known]) if domain == "fid" else rows
    sigma = _sigma(noise_std, signal, spectra)
    at_once = max(1, POINTS_AT_ONCE // known)
    parts = [_rows(*part, network) for part in zip(spectra.split(at_once), sigma.split(at_once), strict=True)]
    removed, std = (torch.cat(part) for part in zip(*parts, strict=True))
    if domain == "fid":
        estimate = rows.clone()
        estimate[:, :known] -= torch.fft.ifft(removed, norm="ortho").to(rows.dtype)
        if known < rows.shape[-1]:  # the spectrum has more points than were measured
            std = _stretch(std, rows.shape[-1])
    else:
        estimate = rows - removed.to(rows.dtype)
    return estimate.view(signal.shape), std.to(signal.real.dtype).view(signal.shape)


def check_signal(signal: torch.Tensor) -> None:
    """Refuse what `denoise` cannot use.

    Example
    -------
    >>> check_signal(torch.zeros(256))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `signal` must be complex, got torch.float32: a real spectrum has lost its phase; ...
    """
    if not isinstance(signal, torch.Tensor):
        raise InputError(f"`signal` must be a torch.Tensor, got {type(signal).__name__}; use torch.from_numpy")
    if signal.dtype not in (torch.complex64, torch.complex128):
        raise InputError(
            f"`signal` must be complex, got {signal.dtype}: a real spectrum has lost its phase; give the FID, or the "
            "spectrum with its imaginary part, as complex64 or complex128"
        )
    if signal.ndim == 0 or not LEAST <= signal.shape[-1] <= MOST or signal.numel() == 0:
        raise InputError(
            f"`signal` must have from {LEAST} to {MOST} points in its last dimension, got shape {tuple(signal.shape)}"
        )
    if not torch.isfinite(torch.view_as_real(signal)).all():
        raise InputError("`signal` must be finite, got NaN or infinity; set points that were not measured to zero")


def last_measured(rows: torch.Tensor) -> int:
    """Count the points up to the last that is not zero in every row, (B, n).

    Example
    -------
    >>> last_measured(torch.tensor([[1, 0, 0, 0], [0, 2, 0, 0]]))
    2
    """
    (measured,) = (rows != 0).any(0).nonzero(as_tuple=True)
    return int(measured[-1]) + 1 if len(measured) else 0


def _sigma(noise_std, signal, spectra):
    """Standard deviation of the noise of each row, (B, 1)."""
    if noise_std is None:
        return estimate_noise(spectra)
    given = torch.as_tensor(noise_std, dtype=spectra.real.dtype)
    wanted = (*signal.shape[:-1], 1)
    if (given.ndim == 0 and not is_number(float(given))) or not (torch.isfinite(given) & (given >= 0)).all():
        raise InputError(f"`noise_std` must be zero or more, got {quoted(noise_std)}")
    if given.ndim and given.shape != wanted:
        raise InputError(f"`noise_std` must be a number or have shape {wanted}, got {tuple(given.shape)}")
    return given.expand(wanted).reshape(-1, 1)


def _rows(spectra, sigma, network):
    """Noise of spectra (B, n), and its standard deviation, in their units."""
    n = spectra.shape[-1]
    silent = sigma <= torch.finfo(spectra.real.dtype).tiny
    scaled = (spectra / torch.where(silent, 1, sigma)).to(torch.complex64)
    # The network halves the points a few times, so it knows even from odd ones. Where its grid begins is tied to the
    # largest point of the spectrum: a shifted spectrum is the same to it.
    begin = (scaled.abs().argmax(-1, keepdim=True) - n // 2) % n
    padded = -(-n // network.stride) * network.stride
    points = (torch.arange(padded, device=scaled.device) + begin) % n
    removed, std = network(scaled.gather(-1, points))
    back = (torch.arange(n, device=scaled.device) - begin) % n
    sigma = torch.where(silent, 0, sigma)
    return removed.gather(-1, back) * sigma, std.gather(-1, back) * sigma


def _stretch(std, n):
    """Standard deviations at the points of a zero-filled spectrum: those of the nearest points."""
    nearest = (torch.arange(n, device=std.device) * std.shape[-1] / n).round().long() % std.shape[-1]
    return std[:, nearest] * (std.shape[-1] / n) ** 0.5
