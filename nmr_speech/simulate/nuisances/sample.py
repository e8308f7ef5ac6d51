"""Effects of the sample: relaxation, and the singlets of water and of the shift reference."""

import math

import torch

from nmr_speech.simulate.acquisition import STANDARD, Acquisition
from nmr_speech.simulate.fid import relaxation
from nmr_speech.simulate.nuisances.settings import Setting, draw, largest_magnitude, times
from nmr_speech.simulate.nuisances.spectrometer import shift_frequency


def decay(
    fid: torch.Tensor,
    generator: torch.Generator,
    acquisition: Acquisition = STANDARD,
    *,
    rate_t1_per_s: Setting = 0.0,
    rate_t2_per_s: Setting = 0.0,
) -> torch.Tensor:
    """Let the signal decay as exp(-rate t) in t1 and in t2, at the same rate for all lines.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    acquisition : Acquisition
        Axes of the recording.
    rate_t1_per_s : Setting
        Apparent transverse relaxation rate in t1, 0 to 1e5 /s; uniform within a pair. The inverse of
        ``decay_time_t1_s`` of `tocsy`.
    rate_t2_per_s : Setting
        The same in t2.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = decay(torch.ones(2, 1, 3) + 0j, torch.Generator(), rate_t2_per_s=7200 * math.log(2))
    >>> fid[0, 0].real.tolist()
    [1.0, 0.5, 0.25]
    """
    limits = (0, 1e5, "per second", "2 to 15")
    rate_t1 = draw("rate_t1_per_s", rate_t1_per_s, fid, generator, limits)
    rate_t2 = draw("rate_t2_per_s", rate_t2_per_s, fid, generator, limits)
    t1, t2 = times(fid, acquisition)
    return fid * relaxation(rate_t1, t1) * relaxation(rate_t2, t2)


def residual_water(
    fid: torch.Tensor,
    generator: torch.Generator,
    acquisition: Acquisition = STANDARD,
    largest: torch.Tensor | None = None,
    *,
    amplitude: Setting,
    position_ppm: Setting = 4.75,
    decay_time_s: Setting = 0.03,
    axial_share: Setting = 0.0,
) -> torch.Tensor:
    """Add the residual water signal: a broad line on the diagonal and, optionally, an axial peak.

    Left out: exchange with the solute, cross peaks, and the line shape of radiation damping, whose width the short
    decay time represents.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    acquisition : Acquisition
        Axes of the recording.
    largest : torch.Tensor | None
        Magnitude that ``amplitude`` is relative to, (..., 1, 1, 1); None takes the largest of each recording.
    amplitude : Setting
        First point of the water, relative to ``largest``, 0 to 1000; log-uniform within a pair.
    position_ppm : Setting
        Chemical shift, -100 to 100 ppm; uniform within a pair.
    decay_time_s : Setting
        Apparent T2 in t1 and t2, 1e-4 to 100 s; log-uniform within a pair. The line is 1 / (pi T2) wide.
    axial_share : Setting
        Share of the amplitude, 0 to 1, that is not modulated in t1 and appears at the carrier in F1, the same in both
        channels: magnetisation that returned to z during t1. Uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> fid = residual_water(torch.ones(2, 4, 4) + 0j, torch.Generator(), amplitude=0.5, axial_share=0.2)
    >>> fid[:, 0, 0].tolist()  # the sine channel begins with the axial part alone
    [(1.5+0j), (1.100000023841858+0j)]
    """
    axial = draw("axial_share", axial_share, fid, generator, (0, 1, "of the amplitude", "0 to 0.2"))
    singlet = _draw_singlet(fid, generator, amplitude, position_ppm, decay_time_s)
    return fid + _singlet(fid, acquisition, largest, singlet, axial)


def reference_line(
    fid: torch.Tensor,
    generator: torch.Generator,
    acquisition: Acquisition = STANDARD,
    largest: torch.Tensor | None = None,
    *,
    amplitude: Setting,
    position_ppm: Setting = 0.0,
    decay_time_s: Setting = 0.3,
) -> torch.Tensor:
    """Add the singlet of the shift reference (DSS or TSP), on the diagonal.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    acquisition : Acquisition
        Axes of the recording.
    largest : torch.Tensor | None
        Magnitude that ``amplitude`` is relative to, (..., 1, 1, 1); None takes the largest of each recording.
    amplitude : Setting
        First point of the line, relative to ``largest``, 0 to 1000; log-uniform within a pair.
    position_ppm : Setting
        Chemical shift, -100 to 100 ppm; uniform within a pair.
    decay_time_s : Setting
        Apparent T2 in t1 and t2, 1e-4 to 100 s; log-uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> reference_line(torch.ones(2, 4, 4) + 0j, torch.Generator(), amplitude=0.5)[:, 0, 0].tolist()
    [(1.5+0j), (1+0j)]
    """
    return fid + _singlet(
        fid, acquisition, largest, _draw_singlet(fid, generator, amplitude, position_ppm, decay_time_s)
    )


def _draw_singlet(fid, generator, amplitude, position_ppm, decay_time_s):
    """Amplitude relative to the signal, position in ppm and decay time in s of each recording's singlet."""
    return (
        draw("amplitude", amplitude, fid, generator, (0, 1000, "of the largest magnitude"), log=True),
        draw("position_ppm", position_ppm, fid, generator, (-100, 100, "ppm")),
        draw("decay_time_s", decay_time_s, fid, generator, (1e-4, 100, "seconds", "0.01 to 1"), log=True),
    )


def _singlet(fid, acquisition, largest, singlet, axial=0.0):
    """The signal of one spin with an apparent decay, (..., 2, n_transients, n_points)."""
    amplitude, position_ppm, decay_time_s = singlet
    frequency = 2 * math.pi * acquisition.field_mhz * (position_ppm - acquisition.carrier_ppm)
    t1, t2 = times(fid, acquisition)
    cos_and_sin = torch.cat([torch.cos(frequency * t1), torch.sin(frequency * t1)], dim=-3)
    # Axial magnetisation passes t1 along z: neither modulated nor damped, and the same in both channels.
    modulation = (1 - axial) * cos_and_sin * torch.exp(-t1 / decay_time_s) + axial
    amplitude = amplitude * (largest_magnitude(fid) if largest is None else largest)
    return amplitude * modulation * torch.polar(torch.exp(-t2 / decay_time_s), frequency * t2)


def shim(
    fid: torch.Tensor,
    generator: torch.Generator,
    acquisition: Acquisition = STANDARD,
    *,
    share: Setting,
    offset_hz: Setting,
) -> torch.Tensor:
    """Let a part of the sample lie in another field: every line has the same shoulder, in both dimensions.

    A molecule stays where it is during an experiment, so the shoulder of a peak lies along the diagonal from it.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    acquisition : Acquisition
        Axes of the recording.
    share : Setting
        Share of the sample in the other field, 0 to 1; uniform within a pair.
    offset_hz : Setting
        Difference of the frequencies there, -1000 to 1000 Hz; uniform within a pair.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> from nmr_speech.simulate import load_residue, tocsy
    >>> glycine = load_residue("GLY", "d2o", "free")
    >>> fid = tocsy(glycine, glycine.shift_mean_ppm)
    >>> moved = shim(fid, torch.Generator(), share=1.0, offset_hz=60.0)  # all of it, by 0.1 ppm
    >>> torch.allclose(moved, tocsy(glycine, glycine.shift_mean_ppm + 0.1), atol=1e-3)
    True
    """
    part = draw("share", share, fid, generator, (0, 1, "of the sample", "0 to 0.3"))
    offset = draw("offset_hz", offset_hz, fid, generator, (-1000, 1000, "Hz", "-6 to 6"))
    return (1 - part) * fid + part * shift_frequency(fid, offset[..., 0, 0, 0], acquisition)
