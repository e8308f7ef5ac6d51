"""Reconstruct an experiment by any method; compare with a reference; try several schedules."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.reconstruction.auto import told_of
from nmr_speech.reconstruction.confidence import jackknife, peaks_within
from nmr_speech.reconstruction.from_spectrum import spectrum_to_plane
from nmr_speech.reconstruction.methods import Method
from nmr_speech.reconstruction.plane import Plane, cut, to_plane
from nmr_speech.reconstruction.recovery import peaks_of, recovery, spread
from nmr_speech.reconstruction.schedule import check_schedule, poisson_gap, random_parts, sampling_mask
from nmr_speech.reconstruction.spectrum_files import ENDINGS, read_spectrum
from nmr_speech.spectrometer import Sampling, read_experiment
from nmr_speech.spectrometer.phase import Phases


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Spectra from one or several schedules, with their figures of merit.

    Arguments
    ---------
    plane : Plane
        The experiment; its axes are those of the spectra.
    spectra : np.ndarray
        Real, (schedules, points in F1, points in F2), shifts rising.
    reference : np.ndarray | None
        Fully sampled spectrum, (points in F1, points in F2), where there is one.
    figures : list[dict]
        `nmr_speech.reconstruction.recovery.recovery` of each spectrum; empty without a reference.
    spread : dict | None
        `nmr_speech.reconstruction.recovery.spread` of several spectra.
    seconds : list[float]
        Time that each reconstruction took.
    steps : tuple[str, ...]
        What was found and done, one sentence each.
    warnings : tuple[str, ...]
        What makes the result doubtful, one sentence each.
    std : np.ndarray | None
        Standard deviation of each point of the first spectrum, (points in F1, points in F2), where it was asked for.
    """

    plane: Plane
    spectra: np.ndarray
    reference: np.ndarray | None
    figures: list[dict[str, float | None]]
    spread: dict[str, np.ndarray] | None
    seconds: list[float]
    steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    std: np.ndarray | None = None

    @property
    def whole(self) -> tuple[bool, bool]:
        """Whether F1 and F2 of the spectra span the spectral width; F1 always does."""
        return True, self.plane.fid.shape[0] == self.plane.n_whole

    @property
    def cosines(self) -> tuple[int, int] | None:
        """Points of F1 and F2 under their cosine windows; None for a part of F2, and for a start half a dwell late."""
        n_transients, n_points = self.plane.fid.shape[1], self.plane.f2.n // 2
        return (n_transients, n_points) if self.whole[1] and self.plane.start == 0 else None

    @property
    def within_two_std(self) -> float | None:
        """Share of the peaks of the first spectrum within two standard deviations of the reference; None without."""
        return peaks_within(self.spectra[0], self.reference, self.std)

    def summary(self) -> dict:
        """Return steps, warnings, seconds, figures and, for several schedules, the peaks (ppm), ready for JSON."""
        result: dict = {
            "steps": list(self.steps),
            "warnings": list(self.warnings),
            "seconds": self.seconds,
            "figures": self.figures,
        }
        if self.std is not None:
            result["within_two_std"] = self.within_two_std
        spread = self.spread if self.std is None else peaks_of(self.spectra[0], self.std)
        if spread is not None:
            f1_ppm, f2_ppm = self.plane.f1.ppm(), self.plane.f2.ppm()
            columns = zip(*(spread[key] for key in ("peaks", "height", "relative_std")), strict=True)
            result["peaks"] = [
                {"f1_ppm": float(f1_ppm[i]), "f2_ppm": float(f2_ppm[j]), "height": float(h), "relative_std": float(std)}
                for (i, j), h, std in columns
            ]
        return result


def reconstruct(
    source: str | Path,
    method: Method,
    *,
    schedule: np.ndarray | None = None,
    rate: float | None = None,
    n_schedules: int = 1,
    seed: int = 1986,
    reference: str | Path | None = None,
    region_ppm: tuple[float, float] | None = None,
    n_transients: int | None = None,
    quadrature: str | None = None,
    pdata: int | None = None,
    phases: Phases | None = None,
    with_std: bool = False,
) -> Reconstruction:
    """Reconstruct an experiment sampled by a schedule, or try a schedule on a fully sampled one.

    Arguments
    ---------
    source : str | Path
        Experiment, as for `nmr_speech.spectrometer.read_experiment`; or its NMRPipe or Sparky spectrum, which is taken
        back to t1.
    method : Method
        As `method_of` returns it.
    schedule : np.ndarray | None
        Indices (m,) of the transients measured, from 0, in the order of the measurement. None draws one at ``rate``,
        for a fully sampled experiment.
    rate : float | None
        Share of the transients in a schedule that is drawn.
    n_schedules : int
        Number of schedules. At a rate all are drawn. Of a schedule given, the others are random parts of nine tenths.
    seed : int
        Seed of the schedules drawn.
    reference : str | Path | None
        Fully sampled experiment, or its spectrum (NMRPipe, Sparky) on the same axes. A fully sampled ``source`` is its
        own reference.
    region_ppm : tuple[float, float] | None
        Part of F2 to keep.
    n_transients : int | None
        Transients of the full grid, where the file does not give their number.
    quadrature : str | None
        How t1 was sampled, where the file does not say.
    pdata : int | None
        Number of the processing of a Bruker folder whose reference and phases are taken; None takes the lowest.
    phases : Phases | None
        Phases that are known; None finds them. See `nmr_speech.spectrometer.phase.Phases`.
    with_std : bool
        Whether to estimate a standard deviation of each point of the first spectrum, by eight more reconstructions.

    Returns
    -------
    Reconstruction

    Example
    -------
    >>> from nmr_speech.reconstruction.methods import method_of
    >>> from nmr_speech.reconstruction.spectrum_files import write_spectrum
    >>> axis = Axis(64, width_hz=3200.0, carrier_ppm=5.0, field_mhz=400.0)
    >>> spectrum = np.zeros((64, 64))
    >>> spectrum[20, 30] = 1.0  # one line, at 3.5 and 4.75 ppm
    >>> path = getfixture("tmp_path") / "line.ft2"
    >>> write_spectrum(path, spectrum, axis, axis)
    >>> result = reconstruct(path, method_of("hankel"), rate=0.5)
    >>> i, j = np.unravel_index(result.spectra[0].argmax(), (64, 64))
    >>> result.plane.f1.ppm()[i].round(3), result.plane.f2.ppm()[j].round(3), result.figures[0]["rlne"] < 0.01
    (np.float64(3.5), np.float64(4.75), True)
    """
    if (schedule is None) == (rate is None):
        raise InputError("give either `schedule`, or `rate` to draw one")
    sampling = Sampling(schedule, None if n_transients is None else whole("n_transients", n_transients, 2, 2**16))
    settings = {"quadrature": quadrature, "pdata": pdata}
    plane = _read_plane(Path(source), sampling, region_ppm, phases, settings)
    schedule = schedule if plane.schedule is None else plane.schedule  # a measurement that was stopped has fewer
    grid = plane.fid.shape[1]
    schedules = _schedules(schedule, rate, whole("n_schedules", n_schedules, 1, 1000), grid, seed)
    true = _reference(reference, plane, schedules[0], settings, region_ppm, phases)

    @torch.no_grad()
    def spectrum_of(one: np.ndarray) -> np.ndarray:
        return plane.spectrum(method(plane.fid * sampling_mask(one, grid), one, plane.echo))

    spectra, seconds = [], []
    for one in schedules:
        start_s = time.perf_counter()
        spectra.append(spectrum_of(one))
        seconds.append(time.perf_counter() - start_s)
    measured = f"{len(schedules[0])} of {grid} transients are used, in {len(schedules)} schedule(s)."
    steps, doubts = told_of(method, len(schedules[0]), grid)
    return Reconstruction(
        plane=plane,
        spectra=np.stack(spectra),
        reference=true,
        figures=[] if true is None else [recovery(spectrum, true) for spectrum in spectra],
        spread=spread(np.stack(spectra)) if len(spectra) > 1 else None,
        seconds=seconds,
        steps=(*plane.steps, measured, *steps),
        warnings=(*plane.warnings, *doubts),
        std=jackknife(spectrum_of, schedules[0], seed=seed) if with_std else None,
    )


def describe(figures: Sequence[dict[str, float | None]]) -> list[str]:
    """Return the figures of one schedule, or their means and ranges over several, as one line of text each.

    Example
    -------
    >>> describe([{"rlne": 0.1, "slope": None}, {"rlne": 0.2, "slope": None}])
    ['rlne 0.15 (0.1 to 0.2 over 2 schedules)']
    """
    lines = []
    for key in figures[0]:
        values = [value for row in figures if (value := row[key]) is not None]
        if values:
            many = f" ({min(values):.4g} to {max(values):.4g} over {len(values)} schedules)" if len(values) > 1 else ""
            lines.append(f"{key} {np.mean(values):.4g}{many}")
    return lines


def _read_plane(source, sampling, region_ppm, phases, settings):
    if source.suffix.lower() not in ENDINGS:
        return to_plane(read_experiment(source, sampling=sampling, **settings), region_ppm, phases=phases)
    plane = spectrum_to_plane(source)
    return plane if region_ppm is None else cut(plane, region_ppm)


def _schedules(schedule, rate, count, grid, seed):
    if schedule is None:
        m = max(1, round(in_range("rate", rate, 0.01, 1, "of the transients", "0.2") * grid))
        return [poisson_gap(grid, m, (seed, i)) for i in range(count)]
    return random_parts(check_schedule(schedule, grid), count, seed)


def _reference(given, plane, schedule, settings, region_ppm, phases):
    if given is None:
        outside = plane.fid[:, ~sampling_mask(schedule, plane.fid.shape[1])]
        return plane.spectrum() if outside.any() else None
    if Path(given).suffix.lower() not in ENDINGS:
        full = read_experiment(given, sampling=Sampling(), **settings)
        return to_plane(full, region_ppm, like=plane, phases=phases).spectrum()
    spectrum, f1, f2 = read_spectrum(given)
    moves = _points_apart(given, "F1", f1, plane.f1), _points_apart(given, "F2", f2, plane.f2)
    return np.roll(spectrum, moves, axis=(0, 1)) * _scale(spectrum, plane.spectrum())


def _points_apart(path: str | Path, name: str, axis: Axis, ours: Axis) -> int:
    """Return by how many points an axis lies above ours, one at most.

    The two ends of the band are one point: NMRPipe keeps it at the high end of a whole spectrum, `Axis` at the low end.
    """
    apart = (axis.ppm() - ours.ppm()) / (ours.width_ppm / ours.n) if axis.n == ours.n else np.array([np.inf])
    if abs(apart).max() >= 1.5:
        came, wanted = (f"{one.n} from {one.ppm()[0]:.3f} to {one.ppm()[-1]:.3f}" for one in (axis, ours))
        raise InputError(f"{path}: {name} must have the points of the reconstruction, {wanted} ppm, got {came}")
    return round(apart[0])


def _scale(spectrum, ours):
    """Return the factor to our scale: processing elsewhere has another, which the largest points show."""
    return np.abs(ours).max() / max(np.abs(spectrum).max(), np.finfo(float).tiny)
