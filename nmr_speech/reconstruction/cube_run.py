"""Reconstruct a 3D experiment by any method; compare with its fully sampled self; try several schedules."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.reconstruction.auto import told_of
from nmr_speech.reconstruction.confidence import jackknife, peaks_within
from nmr_speech.reconstruction.cube import Cube, to_cube
from nmr_speech.reconstruction.methods import Method
from nmr_speech.reconstruction.recovery import peaks_of, recovery
from nmr_speech.reconstruction.schedule import check_schedule, poisson_gap, random_parts, sampling_mask
from nmr_speech.spectrometer.cube_files import read_cube
from nmr_speech.spectrometer.phase import Phases


@dataclass(frozen=True, eq=False)
class CubeReconstruction:
    """The spectrum of the first schedule, with the figures of all.

    Arguments
    ---------
    cube : Cube
        The experiment; its axes are those of the spectrum.
    spectrum : np.ndarray
        Real, (points in F1, F2, F3), shifts rising.
    reference : np.ndarray | None
        Fully sampled spectrum of the same shape, where there is one.
    figures : list[dict]
        `nmr_speech.reconstruction.recovery.recovery` for each schedule; empty without a reference.
    seconds : list[float]
        Time that each reconstruction took.
    steps, warnings : tuple[str, ...]
        What was found and done, and what makes the result doubtful, one sentence each.
    std : np.ndarray | None
        Standard deviation of each point of the spectrum, where it was asked for.
    """

    cube: Cube
    spectrum: np.ndarray
    reference: np.ndarray | None
    figures: list[dict[str, float | None]]
    seconds: list[float]
    steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    std: np.ndarray | None = None

    @property
    def within_two_std(self) -> float | None:
        """Share of the peaks within two standard deviations of the reference; None without either."""
        return peaks_within(self.spectrum, self.reference, self.std)

    def summary(self) -> dict:
        """Return steps, warnings, seconds and figures, and with standard deviations the peaks (ppm), ready for JSON."""
        named = ("steps", "warnings", "seconds", "figures")
        told: dict = {name: list(getattr(self, name)) for name in named}
        if self.std is None:
            return told
        found = peaks_of(self.spectrum, self.std)
        places = [axis.ppm()[at] for axis, at in zip(self.cube.axes, found["peaks"].T, strict=True)]
        columns = ("f1_ppm", "f2_ppm", "f3_ppm", "height", "relative_std")
        rows = zip(*places, found["height"], found["relative_std"], strict=True)
        told["peaks"] = [dict(zip(columns, map(float, row), strict=True)) for row in rows]
        return told | {"within_two_std": self.within_two_std}


def reconstruct_cube(
    source: str | Path,
    method: Method,
    *,
    schedule: np.ndarray | None = None,
    rate: float | None = None,
    n_schedules: int = 1,
    seed: int = 1986,
    region_ppm: tuple[float, float] | None = None,
    grid: tuple[int, int] | None = None,
    quadrature: str | None = None,
    pdata: int | None = None,
    phases: tuple[Phases, Phases] | None = None,
    with_std: bool = False,
) -> CubeReconstruction:
    """Reconstruct a 3D experiment sampled by a schedule, or try schedules on a fully sampled one.

    Arguments
    ---------
    source : str | Path
        As for `nmr_speech.spectrometer.cube_files.read_cube`.
    method : Method
        As `nmr_speech.reconstruction.methods.method_of` returns it, for two dimensions.
    schedule : np.ndarray | None
        Indices in t1 and t2 of the points measured, from 0, (m, 2), in the order of the measurement. None draws one at
        ``rate``, for a fully sampled experiment.
    rate : float | None
        Share of the points in a schedule that is drawn.
    n_schedules : int
        Number of schedules. At a rate all are drawn. Of a schedule given, the others are random parts of nine tenths.
    seed : int
        Seed of the schedules drawn.
    region_ppm : tuple[float, float] | None
        Part of F3 to keep.
    grid, quadrature, pdata
        See `read_cube`.
    phases : tuple[Phases, Phases] | None
        See `nmr_speech.reconstruction.cube.to_cube`.
    with_std : bool
        Whether to estimate a standard deviation of each point of the spectrum, by eight more reconstructions.

    Returns
    -------
    CubeReconstruction
    """
    if (schedule is None) == (rate is None):
        raise InputError("give either `schedule`, or `rate` to draw one")
    if schedule is not None and np.ndim(schedule) != 2:
        raise InputError(f"{source}: a 3D experiment needs a schedule of two columns, this one has one")
    cube = to_cube(read_cube(source, schedule, grid, quadrature, pdata), region_ppm, phases)
    return try_schedules(cube, method, schedule, rate, n_schedules, seed, with_std)


def try_schedules(
    cube: Cube,
    method: Method,
    schedule: np.ndarray | None = None,
    rate: float | None = None,
    n_schedules: int = 1,
    seed: int = 1986,
    with_std: bool = False,
) -> CubeReconstruction:
    """Do the work of `reconstruct_cube` on a cube that has been read; arguments as there.

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.reconstruction import pathways
    >>> from nmr_speech.reconstruction.methods import method_of
    >>> t = [torch.exp((2j * torch.pi * f - 0.05) * torch.arange(n)) for f, n in ((0.2, 16), (0.3, 12))]
    >>> pair = torch.stack([torch.outer(t[0], t[1]), torch.outer(t[0], t[1].conj())])
    >>> cube = Cube(pair[None].repeat(8, 1, 1, 1), (0.0, 0.0), Axis(32), Axis(32), Axis(8))
    >>> try_schedules(cube, method_of("ist", dims=2), rate=0.3).figures[0]["rlne"] < 0.1
    True
    """
    grid, count = cube.grid, whole("n_schedules", n_schedules, 1, 1000)
    if schedule is not None:
        schedules = random_parts(check_schedule(schedule, grid), count, seed)
    else:
        m = max(1, round(in_range("rate", rate, 0.01, 1, "of the points", "0.2") * grid[0] * grid[1]))
        schedules = [poisson_gap(grid, m, (seed, i)) for i in range(count)]
    outside = cube.fid[..., ~sampling_mask(schedules[0], grid)]
    true = cube.spectrum() if outside.any() else None

    def filled(one: np.ndarray) -> torch.Tensor:
        with torch.no_grad():
            return method(cube.fid * sampling_mask(one, grid), one, cube.forms)

    spectra: list[np.ndarray] = []
    seconds, figures = [], []
    for one in schedules:
        begun = time.perf_counter()
        fid = filled(one)
        seconds.append(time.perf_counter() - begun)
        spectrum = cube.spectrum(fid)
        spectra = spectra or [spectrum]  # one is enough to keep: cubes are large
        figures += [] if true is None else [recovery(spectrum, true)]
    total = grid[0] * grid[1]
    measured = (
        f"{len(schedules[0])} of {total} points ({grid[0]} x {grid[1]}) are used, in {len(schedules)} schedule(s)."
    )
    said, doubts = told_of(method, len(schedules[0]), total)
    steps, warnings = (*cube.steps, measured, *said), (*cube.warnings, *doubts)
    std = jackknife(lambda one: cube.spectrum(filled(one)), schedules[0], seed=seed) if with_std else None
    return CubeReconstruction(cube, spectra[0], true, figures, seconds, steps, warnings, std)
