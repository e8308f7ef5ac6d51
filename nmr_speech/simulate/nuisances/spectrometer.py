"""Effects of the spectrometer on frequencies, phases and the stability of transients."""

import math

import torch

from nmr_speech.simulate.acquisition import STANDARD, Acquisition
from nmr_speech.simulate.nuisances.settings import Setting, draw, normal


def shift_frequency(
    fid: torch.Tensor,
    shift_hz: torch.Tensor | float,
    acquisition: Acquisition = STANDARD,
) -> torch.Tensor:
    """Shift a whole spectrum by the same frequency in F1 and F2, as another reference or carrier would.

    In t2 this is a phase factor; in t1 it rotates the cosine and sine channels into one another. Lines that leave the
    spectral width fold.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    shift_hz : torch.Tensor | float
        Shift in Hz: one number, or one for each recording, (...).
    acquisition : Acquisition
        Axes of the recording.

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
    shift_hz = torch.as_tensor(shift_hz, device=fid.device)[..., None, None, None]
    turn_f1, turn_f2 = (2 * math.pi / axis.width_hz * shift_hz for axis in (acquisition.f1, acquisition.f2))
    turned = _turn_f1(fid, turn_f1 * torch.arange(n_transients, device=fid.device)[:, None])
    return _turn_f2(turned, turn_f2 * torch.arange(n_points, device=fid.device))


def reference_offset(
    fid: torch.Tensor,
    generator: torch.Generator,
    acquisition: Acquisition = STANDARD,
    *,
    offset_ppm: Setting,
) -> torch.Tensor:
    """Shift all lines by the same amount in F1 and F2, as a wrong or missing chemical-shift reference does.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    acquisition : Acquisition
        Axes of the recording.
    offset_ppm : Setting
        Added to all shifts, -100 to 100 ppm; uniform within a pair. Lines that leave the window fold.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = reference_offset(torch.ones(2, 4, 4) + 0j, torch.Generator(), offset_ppm=3.0)  # a quarter turn a point
    >>> fid[0, 0].imag.round().int()
    tensor([ 0,  1,  0, -1], dtype=torch.int32)
    """
    offset = draw("offset_ppm", offset_ppm, fid, generator, (-100, 100, "ppm", "-0.2 to 0.2"))
    return shift_frequency(fid, acquisition.field_mhz * offset[..., 0, 0, 0], acquisition)


def phase_error(
    fid: torch.Tensor,
    generator: torch.Generator,
    *,
    zero_order_f1_deg: Setting = 0.0,
    first_order_f1_deg: Setting = 0.0,
    zero_order_f2_deg: Setting = 0.0,
    first_order_f2_deg: Setting = 0.0,
) -> torch.Tensor:
    """Add phase errors to both dimensions: the phase of a line is zero_order + first_order x offset / spectral width.

    The offset is measured from the carrier. In F1 the channels become cos(w t1 + phase) and sin(w t1 + phase); in F2
    the signal is multiplied by exp(i phase). A first-order error is a time shift: the recording is sampled
    ``first_order / 360`` dwell times later.

    The time shift is applied to the Fourier transform. That is circular: the end of the recording would enter at its
    beginning. So each dimension is first continued to negative times as lines in phase at time zero continue: in t1 the
    cosine channel is even and the sine channel odd, in t2 the signal becomes its conjugate. What remains is ringing in
    the last points of a signal that has not decayed.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points), in phase at time zero.
    generator : torch.Generator
        Source of the draws, on the CPU.
    zero_order_f1_deg : Setting
        Phase at the carrier in F1, -360 to 360 degrees; draws within a pair are uniform, here and below.
    first_order_f1_deg : Setting
        Change of phase across the spectral width of F1, -720 to 720 degrees.
    zero_order_f2_deg : Setting
        Phase at the carrier in F2, -360 to 360 degrees.
    first_order_f2_deg : Setting
        Change of phase across the spectral width of F2, -720 to 720 degrees.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> line = torch.ones(2, 4, 4) + 0j
    >>> line[1] = 0  # at the carrier: cos(0), sin(0)
    >>> phase_error(line, torch.Generator(), zero_order_f1_deg=30.0)[:, 0, 0].real
    tensor([0.8660, 0.5000])
    """
    zero, first = (-360, 360, "degrees", "-25 to 25"), (-720, 720, "degrees", "-30 to 30")
    zero_f1 = draw("zero_order_f1_deg", zero_order_f1_deg, fid, generator, zero)
    first_f1 = draw("first_order_f1_deg", first_order_f1_deg, fid, generator, first)
    zero_f2 = draw("zero_order_f2_deg", zero_order_f2_deg, fid, generator, zero)
    first_f2 = draw("first_order_f2_deg", first_order_f2_deg, fid, generator, first)
    # Before the zeroth order, which breaks the symmetry about time zero.
    if first_order_f1_deg != 0:
        signs = torch.tensor([1, -1], device=fid.device)[:, None, None]
        fid = _advance(fid, signs * fid, first_f1 / 360, dim=-2)
    if first_order_f2_deg != 0:
        fid = _advance(fid, fid.conj(), first_f2 / 360, dim=-1)
    return _turn_f2(_turn_f1(fid, torch.deg2rad(zero_f1)), torch.deg2rad(zero_f2))


def imbalance(
    fid: torch.Tensor, generator: torch.Generator, *, gain_percent: Setting = 0.0, phase_deg: Setting = 0.0
) -> torch.Tensor:
    """Record the sine channel with another gain, and not quite a quarter turn from the cosine: images in F1.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    gain_percent : Setting
        Gain of the sine channel less 100, -100 to 100 percent; uniform within a pair.
    phase_deg : Setting
        Its angle to the cosine less 90, -90 to 90 degrees; uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = torch.stack([torch.ones(1, 1), torch.zeros(1, 1)]) + 0j
    >>> imbalance(fid, torch.Generator(), phase_deg=90.0).real.flatten()  # both channels are the cosine
    tensor([1., 1.])
    """
    gain = 1 + draw("gain_percent", gain_percent, fid, generator, (-100, 100, "percent", "-5 to 5")) / 100
    angle = torch.deg2rad(draw("phase_deg", phase_deg, fid, generator, (-90, 90, "degrees", "-5 to 5")))
    cos, sin = fid.split(1, dim=-3)
    return torch.cat([cos, gain * (sin * angle.cos() + cos * angle.sin())], dim=-3)


def t1_noise(fid: torch.Tensor, generator: torch.Generator, *, percent: Setting) -> torch.Tensor:
    """Let gain and phase fluctuate from transient to transient, which makes ridges along F1 at the strong lines.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    percent : Setting
        Standard deviation of the gain in percent, and of the phase in hundredths of a radian, 0 to 100; normal and
        independent in all transients of both channels. Log-uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = t1_noise(torch.ones(2, 4, 8) + 0j, torch.Generator().manual_seed(0), percent=1.0)
    >>> bool((fid == fid[..., :1]).all()), bool((fid[0, 0, 0] == fid[1, 0, 0]).all())
    (True, False)
    """
    deviation = draw("percent", percent, fid, generator, (0, 100, "percent", "0.3 to 3"), log=True) / 100
    gain = 1 + deviation * normal((*fid.shape[:-1], 1), fid, generator)
    phase = deviation * normal((*fid.shape[:-1], 1), fid, generator)
    return fid * (gain * torch.polar(torch.ones_like(phase), phase))


def _turn_f1(fid, angle):
    """Add an angle to the argument of the cosine and the sine that t1 modulates with."""
    cos, sin = fid.split(1, dim=-3)
    return torch.cat([cos * angle.cos() - sin * angle.sin(), cos * angle.sin() + sin * angle.cos()], dim=-3)


def _turn_f2(fid, angle):
    return fid * torch.polar(torch.ones_like(angle), angle)


def _advance(fid, mirrored, dwells, dim):
    """Sample a dimension ``dwells`` dwell times later; ``mirrored`` is the signal at the negative of each time."""
    n = fid.shape[dim]
    last, mirrored_last = fid.narrow(dim, n - 1, 1), mirrored.narrow(dim, n - 1, 1)
    before = mirrored.narrow(dim, 1, n - 1).flip(dim)
    # The point between the ends is the mean of both, as in the Fourier series of a jump.
    both = torch.cat([fid, (last + mirrored_last) / 2, before], dim)
    cycles = dwells * torch.fft.fftfreq(2 * n, device=fid.device, dtype=dwells.dtype).reshape(-1, *[1] * (-1 - dim))
    return torch.fft.ifft(_turn_f2(torch.fft.fft(both, dim=dim), 2 * math.pi * cycles), dim=dim).narrow(dim, 0, n)
