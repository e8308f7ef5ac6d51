"""From a 3D experiment to signals in t1 and t2, one pair of pathways for each point of F3, and back to a spectrum."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.reconstruction.hypercomplex import Forms, components, pathways
from nmr_speech.reconstruction.plane import f1_spectrum, points_of, spectrum_size, t2_window
from nmr_speech.spectrometer.cube import CubeExperiment
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase import Phases, search_phases
from nmr_speech.spectrometer.resample import resample_t2

NEGATIVE = 0.5  # share of the energy of the first point below which its sign is kept


@dataclass(frozen=True, eq=False)
class Cube:
    """Signals in t1 and t2 of a 3D experiment whose F3 is already a phased spectrum.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (points in F3, 2, n_1, n_2): both pathways, shifts in F3 rising.
    start : tuple[float, float]
        Time of the first point of t1 and t2 in dwell times, 0 or 0.5.
    f1, f2, f3 : Axis
        Axes of the spectrum; ``f1.n`` and ``f2.n`` are the numbers of points that `spectrum` gives.
    steps, warnings : tuple[str, ...]
        What was found and done, and what makes the result doubtful, one sentence each.
    schedule : np.ndarray | None
        Indices of the points that were measured, (m, 2), where they are known.
    """

    fid: torch.Tensor
    start: tuple[float, float]
    f1: Axis
    f2: Axis
    f3: Axis
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    schedule: np.ndarray | None = None

    @property
    def grid(self) -> tuple[int, int]:
        """Points of t1 and t2."""
        return int(self.fid.shape[-2]), int(self.fid.shape[-1])

    @property
    def forms(self) -> Forms:
        """Form of the virtual echo in each indirect dimension."""
        return tuple("half_dwell" if start else "even" for start in self.start)

    @property
    def axes(self) -> tuple[Axis, Axis, Axis]:
        """Axes of the spectrum."""
        return self.f1, self.f2, self.f3

    def spectrum(self, fid: torch.Tensor | None = None) -> np.ndarray:
        """Transform signals, by default those measured, to a real spectrum, (f1.n, f2.n, f3.n), shifts rising."""
        parts = components(self.fid if fid is None else fid)  # (points, n_1, 2, n_2, 2)
        in_f2 = f1_spectrum(torch.view_as_complex(parts.contiguous()), self.start[1], self.f2.n)
        rows = torch.complex(in_f2[:, :, 0], in_f2[:, :, 1]).transpose(1, 2)  # (points, f2.n, n_1)
        return f1_spectrum(rows, self.start[0], self.f1.n).numpy().transpose(2, 1, 0)


def to_cube(
    experiment: CubeExperiment,
    region_ppm: tuple[float, float] | None = None,
    phases: tuple[Phases, Phases] | None = None,
) -> Cube:
    """Transform and phase F3 of an experiment, and phase F1 and F2.

    Phases are found in two planes: F1 and F3 in that of the first point in t2, then F2 in that of the first in t1. As
    for 2D experiments, those are taken that leave the least energy with the wrong sign. t3 is apodised with a cosine
    and zero-filled to twice its length.

    Arguments
    ---------
    experiment : CubeExperiment
        As `nmr_speech.spectrometer.cube_files.read_cube` returns it.
    region_ppm : tuple[float, float] | None
        Part of F3 to keep; None for all.
    phases : tuple[Phases, Phases] | None
        What is known of F1 and F3, and of F2 and F3; None finds all.

    Returns
    -------
    Cube

    Example
    -------
    >>> t1, t2, t3 = (np.arange(n) for n in (16, 8, 64))
    >>> line = lambda f, t: np.exp((2j * np.pi * f - 0.03) * t)
    >>> f1, f2, f3 = Axis(16, 1600.0, 118.0, 60.8), Axis(8, 800.0, 118.0, 60.8), Axis(64, 6400.0, 4.7, 600.0)
    >>> pairs = [np.stack([line(f, t).real, line(f, t).imag]) for f, t in ((0.25, t1), (0.25, t2))]
    >>> fid = np.einsum("ai,bj,k->iajbk", *pairs, line(0.125, t3)).astype(np.complex64)
    >>> cube = to_cube(CubeExperiment(fid=fid, f1=f1, f2=f2, f3=f3))
    >>> [int(i) for i in np.unravel_index(cube.spectrum().argmax(), cube.spectrum().shape)]
    [24, 12, 80]
    """
    known = phases or (Phases(), Phases())
    fid, steps, warnings = experiment.fid, experiment.steps, experiment.warnings
    # The channel of the other indirect dimension that holds the signal at time zero.
    plane_1 = _stronger(fid[:, :, 0, :].transpose(2, 1, 0, 3))
    first, said, doubts = search_phases(_experiment(experiment, plane_1, experiment.f1), experiment.f1, known[0])
    steps += (*(line.replace("F2", "F3") for line in said),)
    warnings += doubts
    fid = _turned(fid, first.f1_deg, 1)
    plane_2 = fid[0, 0].transpose(1, 0, 2)  # cosine in t1, the first point
    f3_deg = np.rad2deg(first.phase_rad)
    given = Phases(known[1].f1_deg, (float(f3_deg[0]), float(f3_deg[1])), known[1].t1_start)
    second, said, _ = search_phases(_experiment(experiment, plane_2, experiment.f2), experiment.f2, given)
    steps += (said[0].replace("F1", "F2").replace("transient", "point of t2"),)
    fid = _turned(fid, second.f1_deg, 3)
    spectra = _direct(experiment, fid, first.phase_rad)
    schedule = experiment.schedule
    signals = pathways(torch.from_numpy(spectra))
    if known[0].f2_deg is None and _is_negative(signals):
        signals = -signals
        steps += ("Most of the energy at time zero was negative: the sign is changed.",)
    f1, f2 = (axis.resized(spectrum_size(axis.n)) for axis in (experiment.f1, experiment.f2))
    f3 = experiment.f3.resized(2 * experiment.f3.n)
    cube = Cube(signals, (first.late, second.late), f1, f2, f3, steps, warnings, schedule)
    return cube if region_ppm is None else cut_cube(cube, region_ppm)


def cut_cube(cube: Cube, region_ppm: tuple[float, float]) -> Cube:
    """Keep a part of F3, between two shifts in either order.

    Example
    -------
    >>> axis = Axis(8, width_hz=80.0, carrier_ppm=5.0, field_mhz=10.0)
    >>> cut_cube(Cube(torch.ones(8, 2, 4, 4) + 0j, (0.0, 0.0), axis, axis, axis), (6, 3)).f3.ppm()
    array([3., 4., 5., 6.])
    """
    low, high = points_of(cube.f3, region_ppm)
    f3 = cube.f3.cut(low, high)
    kept = f"F3 from {f3.ppm()[0]:.3f} to {f3.ppm()[-1]:.3f} ppm is kept."
    return replace(cube, fid=cube.fid[low:high], f3=f3, steps=(*cube.steps, kept))


def _stronger(channels):
    """The channel of (2, 2, n, points) with more energy at the first point."""
    energy = [np.square(np.abs(one)).sum() for one in channels]
    return channels[int(np.argmax(energy))]


def _experiment(cube: CubeExperiment, pair: np.ndarray, axis: Axis) -> Experiment:
    """A plane (2, n, n_points) as a 2D experiment."""
    fid = torch.from_numpy(np.ascontiguousarray(pair))
    return Experiment(
        fid=fid, f1=axis, f2=cube.f3, t2_start=cube.t3_start, n_valid=axis.n, nucleus=cube.nucleus, source=cube.source
    )


def _turned(fid: np.ndarray, degrees: float, axis: int) -> np.ndarray:
    """Remove a phase from the pair of cosine and sine along an axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    cos, sin = np.moveaxis(fid, axis, 0)
    return np.moveaxis(np.stack([c * cos + s * sin, c * sin - s * cos]), 0, axis).astype(np.complex64)


def _direct(experiment: CubeExperiment, fid: np.ndarray, phase_rad: tuple[float, float]) -> np.ndarray:
    """Real spectra in F3, (points, n_1, 2, n_2, 2); only what was measured is transformed."""
    n_1, _, n_2, _, n_points = fid.shape
    rows = fid.transpose(0, 2, 1, 3, 4).reshape(n_1 * n_2, 4, n_points)
    measured = np.flatnonzero(rows.any(axis=(1, 2)))
    f3 = experiment.f3
    taken = resample_t2(rows[measured].reshape(-1, n_points), experiment.t3_start, f3, f3, phase_rad)
    real = np.fft.fftshift(np.fft.fft(taken * t2_window(f3.n), 2 * f3.n, axis=-1), axes=-1).real.astype(np.float32)
    full = np.zeros((n_1 * n_2, 4, 2 * f3.n), dtype=np.float32)
    full[measured] = real.reshape(-1, 4, 2 * f3.n)
    return np.ascontiguousarray(full.reshape(n_1, n_2, 2, 2, -1).transpose(4, 0, 2, 1, 3))


def _is_negative(signals: torch.Tensor) -> bool:
    first = signals[:, 0, 0, 0].real
    energy = first.square()
    return bool(energy[first < 0].sum() > NEGATIVE * energy.sum())
