"""What the sample adds: relaxation, and the singlets of water and of the shift reference."""

import math

import torch

from nmr_speech.simulate.nuisances.settings import Setting, draw, largest_magnitude, widths_hz
from nmr_speech.simulate.parameters import CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ, axis


def decay(
    fid: torch.Tensor,
    generator: torch.Generator,
    *,
    rate_t1_per_s: Setting = 0.0,
    rate_t2_per_s: Setting = 0.0,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    spectral_width_f1_hz: float | None = None,
) -> torch.Tensor:
    """Let the signal relax: it falls as exp(-rate t) in t1 and in t2, the same for all lines.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    rate_t1_per_s : Setting
        Apparent transverse relaxation rate in t1, 0 to 1e5 /s; a pair is drawn from uniformly. The inverse of
        ``decay_time_t1_s`` of `tocsy`.
    rate_t2_per_s : Setting
        The same in t2.
    spectral_width_hz : float
        Spectral width of F2.
    spectral_width_f1_hz : float | None
        Spectral width of F1; None takes that of F2.

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
    width_f1_hz, width_f2_hz = widths_hz(spectral_width_hz, spectral_width_f1_hz)
    limits = (0, 1e5, "per second", "2 to 15")
    rate_t1 = draw("rate_t1_per_s", rate_t1_per_s, fid, generator, limits)
    rate_t2 = draw("rate_t2_per_s", rate_t2_per_s, fid, generator, limits)
    t1, t2 = _time(fid.shape[-2], width_f1_hz, fid)[:, None], _time(fid.shape[-1], width_f2_hz, fid)
    return fid * torch.exp(-rate_t1 * t1) * torch.exp(-rate_t2 * t2)


def residual_water(
    fid: torch.Tensor,
    generator: torch.Generator,
    *,
    amplitude: Setting,
    position_ppm: Setting = 4.75,
    decay_time_s: Setting = 0.03,
    axial_share: Setting = 0.0,
    largest: torch.Tensor | None = None,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    spectral_width_f1_hz: float | None = None,
) -> torch.Tensor:
    """Add what is left of the water: a broad line on the diagonal and, where wanted, its axial peak.

    Left out: exchange with the solute, its cross peaks, and the line shape of radiation damping, of which the short
    decay time stands for the width.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    amplitude : Setting
        First point of the water, relative to ``largest``, 0 to 1000; a pair is drawn from log-uniformly.
    position_ppm : Setting
        Chemical shift, -100 to 100 ppm; a pair is drawn from uniformly.
    decay_time_s : Setting
        Apparent T2 in t1 and t2, 1e-4 to 100 s; a pair is drawn from log-uniformly. The line is 1 / (pi T2) wide.
    axial_share : Setting
        Share of the amplitude, 0 to 1, that is not modulated in t1 and lies at the carrier in F1, the same in both
        channels: magnetisation that came back along z during t1. A pair is drawn from uniformly.
    largest : torch.Tensor | None
        Magnitude that ``amplitude`` is relative to, (..., 1, 1, 1); None takes the largest of each recording.
    field_mhz : float
        Proton frequency.
    carrier_ppm : float
        Transmitter position in both dimensions.
    spectral_width_hz : float
        Spectral width of F2.
    spectral_width_f1_hz : float | None
        Spectral width of F1; None takes that of F2.

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
    line = (amplitude, position_ppm, decay_time_s)
    widths = widths_hz(spectral_width_hz, spectral_width_f1_hz)
    return fid + _singlet(fid, generator, *line, axial, largest, field_mhz, carrier_ppm, *widths)


def reference_line(
    fid: torch.Tensor,
    generator: torch.Generator,
    *,
    amplitude: Setting,
    position_ppm: Setting = 0.0,
    decay_time_s: Setting = 0.3,
    largest: torch.Tensor | None = None,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    spectral_width_f1_hz: float | None = None,
) -> torch.Tensor:
    """Add the singlet of the shift reference (DSS or TSP), on the diagonal.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points).
    generator : torch.Generator
        Source of the draws, on the CPU.
    amplitude : Setting
        First point of the line, relative to ``largest``, 0 to 1000; a pair is drawn from log-uniformly.
    position_ppm : Setting
        Chemical shift, -100 to 100 ppm; a pair is drawn from uniformly.
    decay_time_s : Setting
        Apparent T2 in t1 and t2, 1e-4 to 100 s; a pair is drawn from log-uniformly.
    largest : torch.Tensor | None
        Magnitude that ``amplitude`` is relative to, (..., 1, 1, 1); None takes the largest of each recording.
    field_mhz : float
        Proton frequency.
    carrier_ppm : float
        Transmitter position in both dimensions.
    spectral_width_hz : float
        Spectral width of F2.
    spectral_width_f1_hz : float | None
        Spectral width of F1; None takes that of F2.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points).

    Example
    -------
    >>> reference_line(torch.ones(2, 4, 4) + 0j, torch.Generator(), amplitude=0.5)[:, 0, 0].tolist()
    [(1.5+0j), (1+0j)]
    """
    line = (amplitude, position_ppm, decay_time_s)
    widths = widths_hz(spectral_width_hz, spectral_width_f1_hz)
    return fid + _singlet(fid, generator, *line, 0.0, largest, field_mhz, carrier_ppm, *widths)


def _singlet(
    fid, generator, amplitude, position_ppm, decay_time_s, axial,
    largest, field_mhz, carrier_ppm, width_f1_hz, width_f2_hz,
):  # fmt: skip
    amplitude = draw("amplitude", amplitude, fid, generator, (0, 1000, "of the largest magnitude"), log=True)
    position = draw("position_ppm", position_ppm, fid, generator, (-100, 100, "ppm"))
    decay_time = draw("decay_time_s", decay_time_s, fid, generator, (1e-4, 100, "seconds", "0.01 to 1"), log=True)
    frequency = 2 * math.pi * axis("field_mhz", field_mhz) * (position - axis("carrier_ppm", carrier_ppm))
    t1, t2 = _time(fid.shape[-2], width_f1_hz, fid)[:, None], _time(fid.shape[-1], width_f2_hz, fid)
    cos_and_sin = torch.cat([torch.cos(frequency * t1), torch.sin(frequency * t1)], dim=-3)
    modulation = (1 - axial) * cos_and_sin * torch.exp(-t1 / decay_time) + axial
    amplitude = amplitude * (largest_magnitude(fid) if largest is None else largest)
    return amplitude * modulation * torch.polar(torch.exp(-t2 / decay_time), frequency * t2)


def _time(n, width_hz, fid):
    return torch.arange(n, dtype=fid.dtype.to_real(), device=fid.device) / width_hz
