"""Virtual echo: a signal continued to negative times as its conjugate, so that its spectrum is real.

From Mayzel, Kazimierczuk and Orekhov, Chem. Commun. 50, 8947 (2014), doi 10.1039/C4CC03047H. Knowing the phase halves
the number of unknowns: lines are absorptive, without the wide feet of dispersion, and so sparser. The phase must be
right: a signal that begins at time zero begins with a real point.

Forms, for n points:

- ``"even"``, 2n points: the signal, a zero at the one point without partner, then the conjugate signal in reverse. The
  points known are those measured, their mirror images, and that zero.
- ``"odd"``, 2n - 1 points: the same without the zero.
- ``"half_dwell"``, 2n points: for signals whose first point was taken half a dwell time late, so that no point is its
  own mirror image. The spectrum is real but for the shift by half a dwell time, ``exp(i pi k / 2n)``.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch

from nmr_speech.checks import InputError, one_of

Transform: TypeAlias = Callable[[torch.Tensor], torch.Tensor]

FORMS = ("even", "odd", "half_dwell")
WRONG_PHASE = 0.3  # largest imaginary share of the first points: sine of 17 degrees; noise alone may reach it
AGREED = 0.5  # least length of the mean of unit vectors in the directions of the phases
RAYLEIGH = 6.0  # their number times that length squared: random directions exceed it with probability exp(-6)


def virtual_echo(fid: torch.Tensor, form: str = "even") -> torch.Tensor:
    """Continue signals to negative times.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n).
    form : str
        One of `FORMS`.

    Returns
    -------
    torch.Tensor
        complex, (..., 2 n) or (..., 2 n - 1); negative times at the end, as in a discrete Fourier transform. The
        forms "even" and "odd" drop the imaginary part of the first point, which is its own mirror image.

    Example
    -------
    >>> virtual_echo(torch.tensor([3.0, 2 + 1j])).tolist()
    [(3+0j), (2+1j), 0j, (2-1j)]
    >>> virtual_echo(torch.tensor([3.0, 2 + 1j]), "odd").tolist()
    [(3+0j), (2+1j), (2-1j)]
    >>> virtual_echo(torch.tensor([3.0, 2 + 1j]), "half_dwell").tolist()
    [(3+0j), (2+1j), (2-1j), (3-0j)]
    """
    return join_echo(fid, fid.conj(), form)


def join_echo(positive: torch.Tensor, negative: torch.Tensor, form: str) -> torch.Tensor:
    """Join what is known at positive and at negative times along the last axis.

    Arguments
    ---------
    positive, negative : torch.Tensor
        complex or bool, (..., n): values at times 0, 1, 2, ... and 0, -1, -2, ...; with half a dwell time more for the
        form "half_dwell". Point 0 is in both: of numbers the mean is taken.
    form : str
        One of `FORMS`.

    Returns
    -------
    torch.Tensor
        (..., 2 n) or (..., 2 n - 1), negative times at the end. The point without partner is zero, and known.

    Example
    -------
    >>> join_echo(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), "even").tolist()
    [2.0, 2.0, 0.0, 4.0]
    """
    if one_of("form", form, FORMS) == "half_dwell":
        return torch.cat([positive, negative.flip(-1)], dim=-1)
    first = positive[..., :1]
    is_mask = positive.dtype == torch.bool
    if not is_mask:
        first = (first + negative[..., :1]) / 2
    middle = [torch.full_like(first, is_mask)] if form == "even" else []
    return torch.cat([first, positive[..., 1:], *middle, negative[..., 1:].flip(-1)], dim=-1)


def from_virtual_echo(echo: torch.Tensor, form: str = "even") -> torch.Tensor:
    """Take signals (..., n) out of their echoes: the inverse of `virtual_echo` if they begin with a real point.

    Example
    -------
    >>> from_virtual_echo(virtual_echo(torch.tensor([3.0, 2 + 1j]), "odd"), "odd").tolist()
    [(3+0j), (2+1j)]
    """
    n = (echo.shape[-1] + (one_of("form", form, FORMS) == "odd")) // 2
    return echo[..., :n]


def echo_mask(mask: torch.Tensor, form: str = "even") -> torch.Tensor:
    """Return which points of the echo are known.

    Arguments
    ---------
    mask : torch.Tensor
        bool, (..., n): points measured.
    form : str
        One of `FORMS`.

    Returns
    -------
    torch.Tensor
        bool, (..., 2 n) or (..., 2 n - 1), as the echo.

    Example
    -------
    >>> echo_mask(torch.tensor([True, False, True])).int()
    tensor([1, 0, 1, 1, 1, 0], dtype=torch.int32)
    """
    return join_echo(mask, mask, form)


def half_dwell_phase(size: int, like: torch.Tensor) -> torch.Tensor:
    """Return the phase along the spectrum that takes a shift by half a dwell time away.

    Arguments
    ---------
    size : int
        Number of points of the spectrum, zero frequency first.
    like : torch.Tensor
        Sets precision and device.

    Returns
    -------
    torch.Tensor
        complex, (size,): ``exp(-i pi f)`` at frequency f in units of the spectral width.

    Example
    -------
    >>> half_dwell_phase(2, torch.zeros(1)).numpy().round(3) + 0  # at f = 0 and f = -1/2
    array([1.+0.j, 0.+1.j], dtype=complex64)
    """
    frequency = torch.fft.fftfreq(size, dtype=like.real.dtype, device=like.device)
    return torch.polar(torch.ones_like(frequency), -torch.pi * frequency)


def echo_transform(n: int, form: str = "even") -> tuple[Transform, Transform]:
    """Return the transform of signals straight to the real spectra of their echoes, and its inverse.

    It is as exact as a complex transform of the echo and takes half the time.

    Arguments
    ---------
    n : int
        Number of points of a signal.
    form : str
        One of `FORMS`. The form "even" includes the point without partner, as point n: where a signal was cut off
        before it had decayed, this point is as unknown as any other that was not measured.

    Returns
    -------
    forward : Transform
        complex, (..., n), in the form "even" also (..., n + 1), to real, (..., 2 n) or (..., 2 n - 1).
    inverse : Transform
        Back to complex, (..., n); in the form "even" (..., n + 1).

    Example
    -------
    >>> forward, inverse = echo_transform(3)
    >>> spectrum = forward(torch.tensor([3.0, 2 + 1j, 0]))
    >>> spectrum.dtype, spectrum.shape
    (torch.float32, torch.Size([6]))
    >>> (inverse(spectrum) - torch.tensor([3.0, 2 + 1j, 0, 0])).abs().max() < 1e-6
    tensor(True)
    """
    size = 2 * n - (one_of("form", form, FORMS) == "odd")
    if form != "half_dwell":  # hfft takes the conjugate signal at negative times for granted
        return (
            lambda fid: torch.fft.hfft(fid, size, norm="ortho"),
            lambda spectrum: torch.fft.ihfft(spectrum, norm="ortho"),
        )
    # The spectrum of signal and mirror image is twice the real part of that of the signal.
    return (
        lambda fid: 2 * (torch.fft.fft(fid, size, norm="ortho") * half_dwell_phase(size, fid)).real,
        lambda spectrum: torch.fft.ifft(spectrum * half_dwell_phase(size, spectrum).conj(), norm="ortho")[..., :n],
    )


def check_phase(fid: torch.Tensor, mask: torch.Tensor, form: str = "even") -> None:
    """Refuse signals that are not in phase at time zero: a virtual echo would spoil them.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n).
    mask : torch.Tensor
        bool, (n,) or (..., n): points measured. Signals whose first points were not measured are ignored.
    form : str
        One of `FORMS`. For "half_dwell" the phase at time zero is extrapolated from the first two points, which is
        exact for signals of one line each. Where many lines or few signals make it uncertain, nothing is refused.

    Example
    -------
    >>> fid = torch.exp(1j * (0.8 + torch.arange(8)))
    >>> check_phase(fid, torch.ones(8, dtype=torch.bool))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: a virtual echo needs signals in phase: the first points must be real, got an ...
    """
    if one_of("form", form, FORMS) == "half_dwell":
        _check_half_dwell(fid, mask)
        return
    first = torch.where(mask[..., 0], fid[..., 0], 0)
    total = first.abs().square().sum().sqrt().item()
    share = first.imag.square().sum().sqrt().item() / total if total else 0.0
    if share > WRONG_PHASE:
        raise InputError(
            f"a virtual echo needs signals in phase: the first points must be real, got an imaginary share of "
            f"{share:.2f}, {_phases(first.square().sum())}; correct it, "
            "set `echo` to half_dwell if they were taken half a dwell time late, or to none"
        )


def _check_half_dwell(fid, mask):
    first, second = (torch.where(mask[..., 0] & mask[..., 1], fid[..., k], 0).flatten() for k in (0, 1))
    energy = first.abs().square()
    zero = first * (first / second).sqrt()  # half a dwell time back: a frequency is less than half the spectral width
    zero = torch.where(zero.isfinite() & (energy > 0), zero, 0)
    squares = zero.square() / zero.abs().square().clamp_min(torch.finfo(energy.dtype).tiny)
    mean = (energy * squares).sum() / energy.sum()  # of twice the phase, as signs do not matter
    signals = energy.sum().square() / energy.square().sum()
    sure = mean.abs() > AGREED and signals * mean.abs().square() > RAYLEIGH
    if sure and abs(math.sin(mean.angle().item() / 2)) > WRONG_PHASE:
        raise InputError(
            f"a virtual echo needs signals in phase: at time zero, half a dwell time before the first points, they "
            f"must be real, got {_phases(mean)}; correct it, or set `echo` to even or none"
        )


def _phases(square):
    """Both phases, half a turn apart, whose double is that of a square."""
    degrees = math.degrees(square.angle().item() / 2)
    return f"a phase of {degrees:.0f} or {degrees - math.copysign(180, degrees):.0f} degrees"
