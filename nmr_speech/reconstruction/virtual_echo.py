"""Virtual echo: a signal continued to negative times as its conjugate, so that its spectrum is real.

From Mayzel, Kazimierczuk and Orekhov, Chem. Commun. 50, 8947 (2014). What is known of the phase halves what is unknown:
lines are absorptive, without the wide feet of dispersion, and so sparser. The phase must be right: a signal that
begins at time zero begins with a real point.

Forms, for n points:

- ``"even"``, 2n points: the signal, a zero at the one point without partner, its conjugate from the end. Known points
  are those measured, their mirror images, and that zero.
- ``"odd"``, 2n - 1 points: without the zero.
- ``"half_dwell"``, 2n points, for signals whose first point was taken half a dwell time late: no point is shared. Its
  spectrum is real but for the shift by half a dwell time, ``exp(i pi k / 2n)``.
"""

import math
from collections.abc import Callable

import torch

from nmr_speech.checks import InputError, one_of
from nmr_speech.reconstruction.operators import fourier

FORMS = ("even", "odd", "half_dwell")
WRONG_PHASE = 0.3  # imaginary share of the first points: sine of 17 degrees, or noise as large as the signal
AGREED = 0.5  # length of the mean of unit vectors that point in the directions of phases
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
        complex, (..., 2 n) or (..., 2 n - 1); negative times at the end, as in a discrete Fourier transform. In the
        first two forms the imaginary part of the first point, which is its own mirror image, is dropped.

    Example
    -------
    >>> virtual_echo(torch.tensor([3.0, 2 + 1j])).tolist()
    [(3+0j), (2+1j), 0j, (2-1j)]
    >>> virtual_echo(torch.tensor([3.0, 2 + 1j]), "odd").tolist()
    [(3+0j), (2+1j), (2-1j)]
    >>> virtual_echo(torch.tensor([3.0, 2 + 1j]), "half_dwell").tolist()
    [(3+0j), (2+1j), (2-1j), (3-0j)]
    """
    if one_of("form", form, FORMS) == "half_dwell":
        return torch.cat([fid, fid.conj().flip(-1)], dim=-1)
    first, rest = fid[..., :1].real.to(fid.dtype), fid[..., 1:]
    middle = [torch.zeros_like(first)] if form == "even" else []
    return torch.cat([first, rest, *middle, rest.conj().flip(-1)], dim=-1)


def from_virtual_echo(echo: torch.Tensor, form: str = "even") -> torch.Tensor:
    """Take the signal out of its echo: the inverse of `virtual_echo` for a signal that begins with a real point.

    Example
    -------
    >>> from_virtual_echo(virtual_echo(torch.tensor([3.0, 2 + 1j]), "odd"), "odd").tolist()
    [(3+0j), (2+1j)]
    """
    n = (echo.shape[-1] + (one_of("form", form, FORMS) == "odd")) // 2
    return echo[..., :n]


def echo_mask(mask: torch.Tensor, form: str = "even") -> torch.Tensor:
    """Say which points of the echo are known.

    Arguments
    ---------
    mask : torch.Tensor
        bool, (..., n): points measured.
    form : str
        One of `FORMS`.

    Returns
    -------
    torch.Tensor
        bool, as many points as the echo has.

    Example
    -------
    >>> echo_mask(torch.tensor([True, False, True])).int()
    tensor([1, 0, 1, 1, 1, 0], dtype=torch.int32)
    """
    if one_of("form", form, FORMS) == "half_dwell":
        return torch.cat([mask, mask.flip(-1)], dim=-1)
    middle = [torch.ones_like(mask[..., :1])] if form == "even" else []
    return torch.cat([mask, *middle, mask[..., 1:].flip(-1)], dim=-1)


def absorption(echo: torch.Tensor, form: str = "even") -> torch.Tensor:
    """Transform an echo to its spectrum, real but for rounding.

    Arguments
    ---------
    echo : torch.Tensor
        complex, as `virtual_echo` gives it.
    form : str
        One of `FORMS`.

    Returns
    -------
    torch.Tensor
        complex, zero frequency first, unitary. In the form ``"half_dwell"`` the shift of time is taken away.

    Example
    -------
    >>> abs(absorption(virtual_echo(torch.exp(1j * torch.arange(8))), "even").imag).max() < 1e-6
    tensor(True)
    """
    spectrum = fourier(echo)
    if one_of("form", form, FORMS) != "half_dwell":
        return spectrum
    frequency = torch.fft.fftfreq(echo.shape[-1], dtype=echo.real.dtype, device=echo.device)
    return spectrum * torch.exp(-1j * math.pi * frequency)


def echo_transform(n: int, form: str = "even") -> tuple[Callable, Callable]:
    """Transform signals straight to the real spectra of their echoes, and back: as exact, in half the time.

    Arguments
    ---------
    n : int
        Points of a signal.
    form : str
        One of `FORMS`. The form ``"even"`` gives the point without partner too, as point n: where a signal was cut off
        before it ended, it is as unknown as any other that was not measured.

    Returns
    -------
    forward : Callable
        complex (..., n or n + 1) to real, as `absorption`, in one order or another of the frequencies.
    inverse : Callable
        Back to complex (..., n); in the form ``"even"`` (..., n + 1).

    Example
    -------
    >>> forward, inverse = echo_transform(3)
    >>> forward(torch.tensor([3.0, 2 + 1j, 0])).dtype
    torch.float32
    >>> abs(inverse(forward(torch.tensor([3.0, 2 + 1j, 0]))) - torch.tensor([3.0, 2 + 1j, 0, 0])).max() < 1e-6
    tensor(True)
    """
    size = 2 * n - (one_of("form", form, FORMS) == "odd")
    if form != "half_dwell":
        return (
            lambda fid: torch.fft.hfft(fid, size, norm="ortho"),
            lambda spectrum: torch.fft.ihfft(spectrum, norm="ortho"),
        )

    def twist(like):
        return torch.exp(-1j * math.pi / size * torch.arange(size, dtype=like.real.dtype, device=like.device))

    return (
        lambda fid: 2 * (torch.fft.fft(fid, size, norm="ortho") * twist(fid)).real,
        lambda spectrum: torch.fft.ifft(spectrum * twist(spectrum).conj(), norm="ortho")[..., :n],
    )


def check_phase(fid: torch.Tensor, mask: torch.Tensor, form: str = "even"):
    """Refuse signals that are not in phase at time zero, for which a virtual echo would be wrong.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n).
    mask : torch.Tensor
        bool, (n,) or (..., n): points measured. Signals whose first points were not measured are not looked at.
    form : str
        One of `FORMS`. In the form ``"half_dwell"`` the phase at time zero is extrapolated from the first two points,
        exact for signals of one line each; where many lines or few signals make it uncertain, nothing is refused.

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
            "name the form `half_dwell` if they were taken half a dwell time late, or do without the echo"
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
            f"must be real, got {_phases(mean)}; correct it, name another form of the echo, or do without"
        )


def _phases(square):
    degrees = math.degrees(square.angle().item() / 2)
    return f"a phase of {degrees:.0f} or {degrees - math.copysign(180, degrees):.0f} degrees"
