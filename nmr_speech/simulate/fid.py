"""The hypercomplex FID: its quadrature, apodisation and Fourier transform, and what the receiver does to it."""

from typing import TypeVar

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError

Signal = TypeVar("Signal", np.ndarray, torch.Tensor)


def cosine_window(
    n: int, power: float = 2, *, first_halved: bool = True, start: float = 0.0, dtype: torch.dtype = torch.float64
) -> np.ndarray:
    """Apodisation that falls from one to zero at the end of the signal, as a power of a cosine.

    Arguments
    ---------
    n : int
        Number of points.
    power : float
        1 for a cosine, 2 for its square.
    first_halved : bool
        Whether to halve the first point. A Fourier sum counts the point at time zero in full, the integral that it
        stands for by half; without this a constant lies under the whole spectrum.
    start : float
        Time of the first point in dwell times. The window is 1 up to time zero, and zero at ``n + start``.
    dtype : torch.dtype
        Real type to compute in.

    Returns
    -------
    np.ndarray
        Of that type, (n,).

    Example
    -------
    >>> cosine_window(4).round(3)
    array([0.5  , 0.854, 0.5  , 0.146])
    >>> cosine_window(2, power=1, first_halved=False).round(3)
    array([1.   , 0.707])
    """
    times = (torch.arange(n, dtype=dtype) + start).clamp(min=0)
    window = torch.cos(times * (torch.pi / (2 * (n + start)))) ** power
    if first_halved:
        window[0] *= 0.5
    return window.numpy()


def states_to_echo(cos: Signal, sin: Signal) -> tuple[Signal, Signal]:
    """Combine a States pair, complex arrays or tensors of any one shape, to the echo (N) and the anti-echo (P) signal.

    Example
    -------
    >>> states_to_echo(np.array([1 + 0j]), np.array([2 + 0j]))
    (array([1.-2.j]), array([1.+2.j]))
    """
    return cos - 1j * sin, cos + 1j * sin


def echo_to_states(echo: Signal, anti_echo: Signal) -> tuple[Signal, Signal]:
    """Combine the echo (N) and the anti-echo (P) signal, of any one shape, to the States pair: cosine and sine.

    Example
    -------
    >>> echo_to_states(np.array([1 - 2j]), np.array([1 + 2j]))
    (array([1.+0.j]), array([2.+0.j]))
    """
    return (anti_echo + echo) / 2, (echo - anti_echo) * 0.5j


def spectrum(fid: torch.Tensor) -> torch.Tensor:
    """Transform States data: absorption in both dimensions in the real part.

    Both dimensions are apodised with a squared cosine, without which sharp lines would ring, and their first points
    are halved; see `cosine_window`.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).

    Returns
    -------
    torch.Tensor
        complex, (..., n_transients, n_points), with frequencies that rise along both axes as those of
        `nmr_speech.axis.Axis`. The imaginary part is dispersive in F1.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> peak = spectrum(tocsy(SpinSystem({"H": 1}, {}), [6.5])).real.argmax().item()
    >>> Axis().ppm()[[peak // 256, peak % 256]]
    array([6.5, 6.5])
    """
    check_fid(fid)
    n_transients, n_points = fid.shape[-2:]
    # In the signal's own precision: the fourth root of the linear baseline makes digits of rounding count.
    windows = (cosine_window(n, dtype=fid.real.dtype) for n in (n_transients, n_points))
    in_t1, in_t2 = (torch.from_numpy(window).to(fid.device) for window in windows)
    fid = fid * in_t1[:, None] * in_t2
    rows = torch.fft.fft(fid, dim=-1)
    # The real parts are absorptive in F2; joining them as cos + i sin tells positive from negative frequencies in F1.
    amplitude_modulated = torch.complex(rows[..., 0, :, :].real, rows[..., 1, :, :].real)
    return torch.fft.fftshift(torch.fft.fft(amplitude_modulated, dim=-2), dim=(-2, -1))


def check_fid(fid: torch.Tensor) -> None:
    """Refuse an array that cannot be the cosine and sine channels of recordings.

    Example
    -------
    >>> check_fid(torch.zeros(2, 8, 8))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `fid` must be complex with shape (..., 2, transients, points), got torch.float32 ...
    """
    if fid.ndim < 3 or fid.shape[-3] != 2 or not fid.is_complex():
        raise InputError(
            f"`fid` must be complex with shape (..., 2, transients, points), got {fid.dtype} {tuple(fid.shape)}"
        )


def times_s(n: int, width_hz: float, dtype: torch.dtype, device: torch.device | str = "cpu") -> torch.Tensor:
    """Times of ``n`` points sampled at ``width_hz``, in seconds from zero; (n,).

    Example
    -------
    >>> times_s(3, 4.0, torch.float32)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return torch.arange(n, dtype=dtype, device=device) / width_hz


def relaxation(rate_per_s: torch.Tensor | float, times: torch.Tensor) -> torch.Tensor:
    """Apparent relaxation exp(-rate t), of a rate in 1/s and times in seconds that broadcast to one shape.

    Example
    -------
    >>> relaxation(10.0, torch.tensor([0.0, 0.1, 0.2]))
    tensor([1.0000, 0.3679, 0.1353])
    """
    return torch.exp(-rate_per_s * times)


def envelope(axis: Axis, decay_time_s: float, device: torch.device | str = "cpu") -> torch.Tensor:
    """Apparent relaxation along an axis, exp(-t / decay_time_s); float32, (n,).

    Example
    -------
    >>> envelope(Axis(3, width_hz=4.0), 0.25)
    tensor([1.0000, 0.3679, 0.1353])
    """
    return relaxation(1 / decay_time_s, times_s(axis.n, axis.width_hz, torch.float64, device)).float()


def digitise(fid: torch.Tensor, bits: torch.Tensor | int) -> torch.Tensor:
    """Round all real numbers to the levels of an analogue-to-digital converter.

    The largest real number of each recording is the highest level. There are 2^bits - 1 evenly spaced levels,
    symmetric about zero, which is one of them.

    Arguments
    ---------
    fid : torch.Tensor
        Complex, (..., 2, n_transients, n_points).
    bits : torch.Tensor | int
        Bits of the converter: one number, or one for each recording, (..., 1, 1, 1).

    Returns
    -------
    torch.Tensor
        Complex, of the same shape.

    Example
    -------
    >>> digitise(torch.tensor([[[1.0 + 0.4j]], [[0.6 + 0j]]]), bits=2).flatten()
    tensor([1.+0.j, 1.+0.j])
    """
    full_scale = torch.maximum(fid.real.abs(), fid.imag.abs()).amax((-3, -2, -1), keepdim=True)
    step = full_scale / (2.0 ** (bits - 1) - 1)  # one bit is the sign; zero is a level
    step = step.clamp_min(torch.finfo(full_scale.dtype).tiny)  # a recording may be all zeros
    return torch.complex(torch.round(fid.real / step) * step, torch.round(fid.imag / step) * step)
