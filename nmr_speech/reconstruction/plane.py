"""From an experiment to signals in t1, one for each point of F2, and from reconstructed signals to a spectrum."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.simulate.fid import cosine_window
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase import Phases, find_phases
from nmr_speech.spectrometer.resample import resample_t2


@dataclass(frozen=True, eq=False)
class Plane:
    """Signals in t1 of a 2D experiment whose F2 is already a phased spectrum.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (points in F2, n): cosine + i sine channel, shifts in F2 rising.
    start : float
        Time of the first point in dwell times, 0 or 0.5.
    f1, f2 : Axis
        Axes of the spectrum; ``f1.n`` is the number of points that `spectrum` gives.
    steps : tuple[str, ...]
        What was found and done, one sentence each.
    warnings : tuple[str, ...]
        What makes the result doubtful, one sentence each.
    schedule : np.ndarray | None
        Indices of the transients that were measured, where the file says so.
    n_whole : int
        Points of F2 before a part was cut out, twice those under the cosine window of t2; 0 where that is not known.
    """

    fid: torch.Tensor
    start: float
    f1: Axis
    f2: Axis
    steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    schedule: np.ndarray | None = None
    n_whole: int = 0

    @property
    def echo(self) -> str:
        """Form of the virtual echo for such signals."""
        return "half_dwell" if self.start else "even"

    def spectrum(self, fid: torch.Tensor | None = None) -> np.ndarray:
        """Transform signals in t1, by default the measured ones, to a real spectrum, (f1.n, f2.n), shifts rising."""
        return f1_spectrum(self.fid if fid is None else fid, self.start, self.f1.n).numpy().T


def f1_spectrum(fid: torch.Tensor, start: float, size: int) -> torch.Tensor:
    """Transform t1: cosine window, zero filling to ``size`` points, real part; frequencies rise.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n).
    start : float
        Time of the first point in dwell times, 0 or 0.5. A first point at time zero counts half.
    size : int
        Number of points of the spectrum.

    Returns
    -------
    torch.Tensor
        Real, (..., size); zero frequency at point size // 2.

    Example
    -------
    >>> line = torch.exp(2j * torch.pi * 0.25 * torch.arange(32))
    >>> f1_spectrum(line, 0.0, 64).argmax()
    tensor(48)
    """
    n = fid.shape[-1]
    # A window over half dwell times: the points taken are its even or its odd ones.
    window = torch.from_numpy(cosine_window(2 * n, power=1)[round(2 * start) :: 2]).to(fid.real.dtype)
    frequency = torch.fft.fftfreq(size, dtype=fid.real.dtype)
    spectrum = torch.fft.fft(fid * window, size) * torch.exp(-2j * torch.pi * frequency * start)
    return torch.fft.fftshift(spectrum.real, dim=-1)


def to_plane(
    experiment: Experiment,
    region_ppm: tuple[float, float] | None = None,
    like: Plane | None = None,
    phases: Phases | None = None,
) -> Plane:
    """Transform and phase F2 of an experiment.

    Phases in F2 and the start of t1 are found as for classification: those for which the least energy is negative. t2
    starts at time zero without its digital filter; it is apodised with a cosine and zero-filled to twice its length.

    Arguments
    ---------
    experiment : Experiment
        As `nmr_speech.spectrometer.read_experiment` returns it; zeros where nothing was measured.
    region_ppm : tuple[float, float] | None
        Part of F2 to keep; None for all.
    like : Plane | None
        Another plane that this one must fit.
    phases : Phases | None
        What is known of the phases and of the start of t1; None finds all.

    Returns
    -------
    Plane

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"H": 1}, {}), [6.0], n_transients=64, n_points=128, decay_time_t1_s=0.02,
    ...     decay_time_t2_s=0.02, carrier_ppm=4.7, spectral_width_hz=6000.0, field_mhz=600.0)
    >>> f1, f2 = Axis(64, 6000.0, 4.7, 600.0), Axis(128, 6000.0, 4.7, 600.0)
    >>> plane = to_plane(Experiment(fid=fid, f1=f1, f2=f2, n_valid=64))
    >>> i, j = np.unravel_index(plane.spectrum().argmax(), plane.spectrum().shape)
    >>> bool(abs(plane.f1.ppm()[i] - 6.0) < 0.05), bool(abs(plane.f2.ppm()[j] - 6.0) < 0.05)
    (True, True)
    """
    experiment, phase_rad = find_phases(experiment, experiment.f1, phases)
    start, f1, f2 = experiment.t1_start, experiment.f1, experiment.f2
    if start[0] != start[1]:
        raise InputError(
            f"{experiment.source}: cosine and sine must be sampled at the same times, in TPPI they are not; measure "
            "with States-TPPI"
        )
    rows = resample_t2(experiment.fid.numpy().astype(complex), experiment.t2_start, f2, f2, phase_rad)
    cos, sin = np.fft.fftshift(np.fft.fft(rows * t2_window(f2.n), 2 * f2.n), axes=-1).real
    fid = torch.from_numpy((cos + 1j * sin).T.astype(np.complex64))
    f1, f2 = f1.resized(spectrum_size(f1.n)), f2.resized(2 * f2.n)
    plane = Plane(fid, start[0], f1, f2, experiment.steps, experiment.warnings, experiment.schedule, f2.n)
    plane = plane if region_ppm is None else cut(plane, region_ppm)
    if like is not None and (plane.fid.shape != like.fid.shape or plane.start != like.start):
        raise InputError(
            f"{experiment.source}: a reference must be sampled as the experiment, got {tuple(plane.fid.shape)} points, "
            f"start {plane.start:g}, for {tuple(like.fid.shape)}, {like.start:g}"
        )
    return plane


def t2_window(n: int) -> np.ndarray:
    """Return what `to_plane` multiplies t2 by: a cosine, with the first point halved; (n,).

    Example
    -------
    >>> t2_window(2).round(3)
    array([0.5  , 0.707])
    """
    return cosine_window(n, power=1)


def spectrum_size(n: int) -> int:
    """Return the points of a spectrum of n: twice as many or more, a power of two.

    Example
    -------
    >>> spectrum_size(20)
    64
    """
    return 2 ** int(np.ceil(np.log2(2 * n)))


def cut(plane: Plane, region_ppm: tuple[float, float]) -> Plane:
    """Keep a part of F2.

    Arguments
    ---------
    plane : Plane
        The whole.
    region_ppm : tuple[float, float]
        Ends of the part, in either order.

    Returns
    -------
    Plane

    Example
    -------
    >>> axis = Axis(8, width_hz=80.0, carrier_ppm=5.0, field_mhz=10.0)
    >>> cut(Plane(torch.ones(8, 4) + 0j, 0.0, axis, axis, ()), (6, 3)).f2.ppm()
    array([3., 4., 5., 6.])
    """
    low, high = points_of(plane.f2, region_ppm)
    f2 = plane.f2.cut(low, high)
    kept = f"F2 from {f2.ppm()[0]:.3f} to {f2.ppm()[-1]:.3f} ppm is kept."
    return replace(plane, fid=plane.fid[low:high], f2=f2, steps=(*plane.steps, kept))


def points_of(axis: Axis, region_ppm: tuple[float, float]) -> tuple[int, int]:
    """Return the first point of a region, and the one behind its last.

    Arguments
    ---------
    axis : Axis
        Shifts, rising.
    region_ppm : tuple[float, float]
        Ends of the region, in either order.

    Returns
    -------
    tuple[int, int]

    Example
    -------
    >>> points_of(Axis(8, width_hz=80.0, carrier_ppm=5.0, field_mhz=10.0), (6, 3))
    (2, 6)
    """
    low_ppm, high_ppm = sorted(region_ppm)
    ppm = axis.ppm()
    inside = np.flatnonzero((ppm >= low_ppm) & (ppm <= high_ppm))
    if len(inside) < 4:
        raise InputError(f"`region_ppm` must lie within {ppm[0]:.2f} to {ppm[-1]:.2f} ppm, got {low_ppm} to {high_ppm}")
    return int(inside[0]), int(inside[-1]) + 1
