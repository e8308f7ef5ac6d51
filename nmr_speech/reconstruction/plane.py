"""From an experiment to signals in t1, one for each point of F2, and from reconstructed signals to a spectrum."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from nmr_speech.checks import InputError
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase import find_phases
from nmr_speech.spectrometer.resample import resample_t2


@dataclass(frozen=True, eq=False)
class Axis:
    """One dimension of a spectrum: size, width, carrier; first point at the highest shift, as spectra are drawn.

    Example
    -------
    >>> Axis(4, 400.0, 100.0, 5.0).ppm()
    array([7., 6., 5., 4.])
    """

    size: int
    width_hz: float
    frequency_mhz: float
    carrier_ppm: float

    def ppm(self) -> np.ndarray:
        """Shifts, falling, (size,); the carrier is at point size // 2."""
        return self.carrier_ppm + (self.size // 2 - np.arange(self.size)) * self._step()

    def cut(self, low: int, high: int) -> "Axis":
        """Return the part from point ``low`` up to ``high``, ``high`` not included."""
        centre = self.carrier_ppm + (self.size // 2 - low - (high - low) // 2) * self._step()
        return Axis(high - low, self.width_hz * (high - low) / self.size, self.frequency_mhz, centre)

    def _step(self):
        return self.width_hz / self.size / self.frequency_mhz


@dataclass(frozen=True, eq=False)
class Plane:
    """Signals in t1 of a 2D experiment whose F2 is a phased spectrum already.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (points in F2, n): cosine + i sine channel.
    start : float
        Time of the first point in dwell times, 0 or 0.5.
    f1, f2 : Axis
        Of the spectrum; ``f1.size`` is that of `spectrum`.
    steps : tuple[str, ...]
        What was found and done.
    """

    fid: torch.Tensor
    start: float
    f1: Axis
    f2: Axis
    steps: tuple[str, ...]

    @property
    def echo(self):
        """Form of the virtual echo for such signals."""
        return "half_dwell" if self.start else "even"

    def spectrum(self, fid: torch.Tensor | None = None) -> np.ndarray:
        """Transform signals in t1, reconstructed or not, to a real spectrum (points in F1, points in F2)."""
        return f1_spectrum(self.fid if fid is None else fid, self.start, self.f1.size).numpy().T


def f1_spectrum(fid: torch.Tensor, start: float, size: int) -> torch.Tensor:
    """Transform t1: cosine window, zeros up to ``size``, real part; highest frequency first.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n).
    start : float
        Time of the first point in dwell times. A first point at time zero counts half.
    size : int
        Points of the spectrum.

    Returns
    -------
    torch.Tensor
        Real, (..., size); zero frequency at point size // 2.

    Example
    -------
    >>> line = torch.exp(2j * torch.pi * 0.25 * torch.arange(32))
    >>> f1_spectrum(line, 0.0, 64).argmax()
    tensor(16)
    """
    n = fid.shape[-1]
    times = torch.arange(n, dtype=fid.real.dtype) + start
    window = torch.cos(times * torch.pi / (2 * n))
    if start == 0:
        window[0] = 0.5
    frequency = torch.fft.fftfreq(size, dtype=fid.real.dtype)
    spectrum = torch.fft.fft(fid * window, size) * torch.exp(-2j * torch.pi * frequency * start)
    return torch.fft.fftshift(spectrum.real, dim=-1).flip(-1).roll(1, -1)


def to_plane(
    experiment: Experiment, region_ppm: tuple[float, float] | None = None, like: "Plane | None" = None
) -> Plane:
    """Transform and phase F2 of an experiment.

    Phases in F2 and the start of t1 are found as for classification, for which the least energy is negative; t2 is
    brought to time zero without its digital filter, apodised with a cosine, and filled with zeros to twice its length.

    Arguments
    ---------
    experiment : Experiment
        As `nmr_speech.spectrometer.read_experiment` gives it, zeros where nothing was measured.
    region_ppm : tuple[float, float] | None
        Part of F2 to keep; None for all.
    like : Plane | None
        Another plane; this one must fit it.

    Returns
    -------
    Plane

    Example
    -------
    >>> from nmr_speech import axis
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"H": 1}, {}), [6.0], n_transients=64, n_points=128, decay_time_t1_s=0.02,
    ...     decay_time_t2_s=0.02, carrier_ppm=4.7, spectral_width_hz=6000.0, field_mhz=600.0)
    >>> f1, f2 = (axis.Axis(n, 6000.0, 4.7, 600.0) for n in (64, 128))
    >>> plane = to_plane(Experiment(fid=fid, f1=f1, f2=f2, n_valid=64))
    >>> at = np.unravel_index(plane.spectrum().argmax(), plane.spectrum().shape)
    >>> bool(abs(plane.f1.ppm()[at[0]] - 6.0) < 0.05), bool(abs(plane.f2.ppm()[at[1]] - 6.0) < 0.05)
    (True, True)
    """
    _, n, n_points = experiment.fid.shape
    experiment, phase_rad = find_phases(experiment, experiment.f1)
    start = experiment.t1_start
    if start[0] != start[1]:
        raise InputError(
            f"{experiment.source}: cosine and sine must be sampled at the same times, in TPPI they are not; measure "
            "with States-TPPI"
        )
    rows = experiment.fid.numpy().astype(complex)
    rows = resample_t2(rows, experiment.t2_start, experiment.f2, experiment.f2, phase_rad)
    window = np.cos(np.arange(n_points) * np.pi / (2 * n_points))
    window[0] = 0.5
    transformed = np.fft.fftshift(np.fft.fft(rows * window, 2 * n_points), axes=-1).real
    cos, sin = np.roll(transformed[..., ::-1], 1, axis=-1)
    f2 = Axis(2 * n_points, experiment.f2.width_hz, experiment.f2.field_mhz, experiment.f2.carrier_ppm)
    f1 = Axis(_size(n), experiment.f1.width_hz, experiment.f1.field_mhz, experiment.f1.carrier_ppm)
    fid = torch.from_numpy((cos + 1j * sin).T.astype(np.complex64))
    plane = Plane(fid, start[0], f1, f2, experiment.steps)
    plane = plane if region_ppm is None else cut(plane, region_ppm)
    if like is not None and (plane.fid.shape != like.fid.shape or plane.start != like.start):
        raise InputError(
            f"{experiment.source}: a reference must be sampled as the experiment, got {tuple(plane.fid.shape)} points, "
            f"start {plane.start:g}, for {tuple(like.fid.shape)}, {like.start:g}"
        )
    return plane


def _size(n):
    """Twice as many points or more, a power of two."""
    return 2 ** int(np.ceil(np.log2(2 * n)))


def cut(plane: Plane, region_ppm: tuple[float, float]) -> Plane:
    """Keep a part of F2.

    Arguments
    ---------
    plane : Plane
        The whole.
    region_ppm : tuple[float, float]
        Its ends, in either order.

    Returns
    -------
    Plane

    Example
    -------
    >>> plane = Plane(torch.ones(8, 4) + 0j, 0.0, Axis(8, 80.0, 10.0, 5.0), Axis(8, 80.0, 10.0, 5.0), ())
    >>> cut(plane, (3, 6)).f2.ppm()
    array([6., 5., 4., 3.])
    """
    low_ppm, high_ppm = sorted(region_ppm)
    inside = np.flatnonzero((plane.f2.ppm() >= low_ppm) & (plane.f2.ppm() <= high_ppm))
    if len(inside) < 4:
        ppm = plane.f2.ppm()
        raise InputError(f"`region_ppm` must lie within {ppm[-1]:.2f} to {ppm[0]:.2f} ppm, got {low_ppm} to {high_ppm}")
    low, high = int(inside[0]), int(inside[-1]) + 1
    kept = f"F2 from {plane.f2.ppm()[high - 1]:.3f} to {plane.f2.ppm()[low]:.3f} ppm is kept."
    return replace(plane, fid=plane.fid[low:high], f2=plane.f2.cut(low, high), steps=(*plane.steps, kept))
