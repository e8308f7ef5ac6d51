"""Phases in F2, quarter turns in F1 and the start of t1: those that leave the least energy of the spectrum negative.

In a TOCSY all peaks are positive once the phases are right. The energies of cosine and sine rows decide less well: on a
measured valine they pick the wrong order, where the negative energy is 0.08 in the right one and 0.39 in the other.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.optimize
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range
from nmr_speech.simulate.fid import cosine_window, spectrum, states_to_echo
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.resample import resample_t1

TINY = 1e-300
WATER_PPM = (4.4, 5.1)  # HDO is at 4.7 to 4.8 ppm; it is often the largest line, with a phase of its own
ROWS = 24  # strongest rows of the spectrum, on which the phase is found; a single row is too few
STRONG = 0.03  # points that count, relative to the largest
FIRST_ORDER_DEG = 270  # limit of the search: three quarters of a dwell time
PRIOR = 0.002  # negative energy that a first order of 360 degrees must save; a single line leaves it undetermined


@dataclass(frozen=True)
class _Trial:
    """One start of t1 and one number of quarter turns, with the best phase for them."""

    late: float
    quarters: int
    phase_rad: tuple[float, float]
    energy: float


def find_phases(
    experiment: Experiment,
    f1: Axis,
    given_deg: tuple[float, float] | None = None,
    given_start: float | None = None,
) -> tuple[Experiment, tuple[float, float]]:
    """Find the start of t1, quarter turns in F1 and phases in F2 that leave the least energy negative.

    Arguments
    ---------
    experiment : Experiment
        With its channels in order.
    f1 : Axis
        Frequencies of F1 to consider, in the field of ``experiment.f1``.
    given_deg : tuple[float, float] | None
        ``phase_f2_deg`` of `to_grid`, where known.
    given_start : float | None
        ``t1_start`` of `to_grid`, where known.

    Returns
    -------
    experiment : Experiment
        With the start of t1 set and the quarter turns removed, both stated in ``steps``.
    phase_rad : tuple[float, float]
        Zero and first order in F2, radians; not yet removed.

    Example
    -------
    >>> t = np.arange(64)
    >>> line = np.exp((0.5j - 0.05) * t)
    >>> fid = torch.from_numpy(np.stack([np.outer(line.real, line), np.outer(line.imag, line)]) * 1j)
    >>> axis = Axis(64, 6000.0, 8.0, 600.0)
    >>> found, _ = find_phases(Experiment(fid=fid, f1=axis, f2=axis, n_valid=64), axis)
    >>> found.steps[1]
    'The phase in F2 is 9... degrees at the carrier and ... across the width (...); removed.'
    """
    given_rad = None if given_deg is None else _radians(given_deg)
    starts = (0.0, 0.5) if given_start is None else (_half(given_start),)
    quarters = range(2 if given_deg is None else 4)  # half a turn in F1 equals one in F2, if that is free
    tried = [_try(experiment, f1, late, quarter, given_rad) for late in starts for quarter in quarters]
    best, next_best = sorted(tried, key=lambda trial: trial.energy)[:2]
    zero, first = np.rad2deg(best.phase_rad)
    how = f"found without {WATER_PPM[0]} to {WATER_PPM[1]} ppm" if given_deg is None else "as given by the caller"
    steps = (
        f"The first transient was taken {best.late:g} dwell times after zero and F1 is {90 * best.quarters} degrees "
        f"out of phase: this leaves {best.energy:.3f} of the energy of the strongest rows negative, the next best case "
        f"{next_best.energy:.3f}.",
        f"The phase in F2 is {zero:.1f} degrees at the carrier and {first:.1f} across the width ({how}); removed.",
    )
    found = turned(experiment, best.late, best.quarters)
    return replace(found, steps=(*found.steps, *steps)), best.phase_rad


def _try(experiment: Experiment, f1: Axis, late: float, quarters: int, given_rad: tuple[float, float] | None) -> _Trial:
    """The best phase in F2 for one start of t1 and one number of quarter turns."""
    one = turned(experiment, late, quarters)
    fid, _ = resample_t1(one.fid.numpy().astype(complex), one.t1_start, one.f1, f1)
    keep = away_from_water(one.f2.resized(2 * one.f2.n))
    zero, first, energy = phase_f2(absorption_f1(fid), one.t2_start, keep, given_rad)
    return _Trial(late, quarters, (zero, first), energy)


def turned(experiment: Experiment, late: float, quarters: int) -> Experiment:
    """Remove quarter turns from the phase in F1: each turns (cos, sin) into (sin, -cos), with their starts.

    Arguments
    ---------
    experiment : Experiment
        As it was measured.
    late : float
        Time to add to the start of t1, in dwell times.
    quarters : int
        0 to 3.

    Returns
    -------
    Experiment
        With ``fid`` (2, n_transients, n_points) and ``t1_start`` changed.

    Example
    -------
    >>> fid = torch.ones(2, 8, 16) * torch.tensor([1.0, 2.0])[:, None, None] + 0j
    >>> tppi = Experiment(fid=fid, f1=Axis(8), f2=Axis(16), n_valid=8, t1_start=(0.0, 0.5))
    >>> right = turned(tppi, 0.5, 1)
    >>> right.fid[:, 0, 0].real.tolist(), right.t1_start
    ([2.0, -1.0], (1.0, 0.5))
    """
    fid, (cos_start, sin_start) = experiment.fid, experiment.t1_start
    for _ in range(quarters):
        fid, cos_start, sin_start = torch.stack([fid[1], -fid[0]]), sin_start, cos_start
    return replace(experiment, fid=fid, t1_start=(cos_start + late, sin_start + late))


def away_from_water(f2: Axis) -> np.ndarray:
    """Whether each point lies outside the region of the water, bool, (f2.n,).

    Example
    -------
    >>> away_from_water(Axis(4, 4000.0, 4.7, 1000.0))
    array([ True,  True, False,  True])
    """
    return (f2.ppm() < WATER_PPM[0]) | (f2.ppm() > WATER_PPM[1])


def absorption_f1(fid: np.ndarray) -> np.ndarray:
    """Transform t1 of a States pair to absorption in F1; t2 stays complex and untransformed.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n_transients, ...): cosine and sine channel.

    Returns
    -------
    np.ndarray
        complex, (n_transients, ...).

    Example
    -------
    >>> t = 2 * np.pi * np.arange(8) / 8
    >>> absorption_f1(np.stack([np.cos(3 * t), np.sin(3 * t)])[..., None] * 1j)[:, 0].imag.argmax()
    np.int64(3)
    """
    n = fid.shape[1]
    # Dispersion has opposite signs in the spectra of P and N and cancels once one of them is reversed.
    cos, sin = fid * cosine_window(n).reshape(-1, *[1] * (fid.ndim - 2))
    negative, positive = (np.fft.fft(signal, axis=0) for signal in states_to_echo(cos, sin))
    return (positive + np.roll(negative[::-1], 1, axis=0)) / 2


def phase_f2(
    rows: np.ndarray,
    start: float,
    keep: np.ndarray | None = None,
    given_rad: tuple[float, float] | None = None,
) -> tuple[float, float, float]:
    """Find zero and first order of the phase in F2 that leave the least energy of the strongest rows negative.

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points): rows of a spectrum that is absorptive in F1, t2 not transformed.
    start : float
        Time of the first point in dwell times.
    keep : np.ndarray | None
        Frequencies that count: bool, (2 n_points,), rising; None for all.
    given_rad : tuple[float, float] | None
        Phases that are known, radians; None looks for them.

    Returns
    -------
    zero, first : float
        At zero frequency and across the width, radians.
    energy : float
        Share of the energy of these rows that is then negative, plus a small penalty on the first order.

    Example
    -------
    >>> t = np.arange(512)
    >>> lines = np.exp(2j * np.pi * np.outer([0.1, -0.2, 0.3], t)) * np.exp(-t / 60)
    >>> phases = np.exp(1j * (0.4 + 1.2 * np.array([0.1, -0.2, 0.3])))
    >>> zero, first, _ = phase_f2(lines * phases[:, None], 0.0)
    >>> bool(abs(zero - 0.4) < 0.05), bool(abs(first - 1.2) < 0.2)
    (True, True)
    """
    values, frequency = _strong_points(rows, start, keep)

    def energy(zero: Any, first: float) -> Any:
        """For one zero order, or for many at once, (...,)."""
        turned_by_first = values * np.exp(-1j * first * frequency)
        real = (np.exp(-1j * np.asarray(zero))[..., None] * turned_by_first).real
        negative = np.square(np.minimum(real, 0)).sum(-1) / np.maximum(np.square(real).sum(-1), TINY)
        return negative + PRIOR * (first / (2 * np.pi)) ** 2

    if given_rad is not None:
        return *given_rad, float(energy(*given_rad))
    # The energy has local minima, so a coarse grid of phases comes before the descent.
    zeros, firsts = (
        np.deg2rad(np.arange(-180, 180, 15)),
        np.deg2rad(np.arange(-FIRST_ORDER_DEG, FIRST_ORDER_DEG + 1, 30)),
    )
    coarse = np.stack([energy(zeros, first) for first in firsts], axis=-1)
    best = np.unravel_index(coarse.argmin(), coarse.shape)
    found = scipy.optimize.minimize(
        lambda phase: energy(*phase),
        (zeros[best[0]], firsts[best[1]]),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-6},
    )
    return float(found.x[0]), float(found.x[1]), float(found.fun)


def _strong_points(rows: np.ndarray, start: float, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Values and frequencies, in units of the width, of the points of the strongest rows that stand out."""
    n = rows.shape[-1]
    window = cosine_window(n, first_halved=abs(start) < 0.5, start=start)
    frequency = np.fft.fftfreq(2 * n)
    transformed = np.fft.fft(rows * window, 2 * n) * np.exp(-2j * np.pi * frequency * start)
    if keep is not None and keep.any():
        transformed = transformed * np.fft.ifftshift(keep)
    strongest = transformed[np.argsort(np.square(np.abs(transformed)).sum(axis=1))[-ROWS:]]
    strong = np.abs(strongest) >= STRONG * np.abs(strongest).max()
    return strongest[strong], np.broadcast_to(frequency, strongest.shape)[strong]


def negative_energy(fid: torch.Tensor, keep: torch.Tensor | None = None) -> float:
    """Share of the energy of the phased spectrum that is negative: 0 for a TOCSY with the right phases.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (2, n_transients, n_points).
    keep : torch.Tensor | None
        Points of the spectrum that count, bool; None for all.

    Returns
    -------
    float
        0 to 1.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"H": 1}, {}), [4.5], decay_time_t1_s=0.01, decay_time_t2_s=0.01)
    >>> negative_energy(fid) < 0.001, negative_energy(-fid) > 0.999
    (True, True)
    """
    absorption = spectrum(fid).real.double()
    energy = absorption.square() if keep is None else absorption.square() * keep
    return (energy[absorption < 0].sum() / energy.sum().clamp_min(TINY)).item()


def _radians(given_deg: tuple[float, float]) -> tuple[float, float]:
    zero, first = (in_range("phase_f2_deg", value, -720, 720, "degrees") for value in given_deg)
    return float(np.deg2rad(zero)), float(np.deg2rad(first))


def _half(value: float) -> float:
    if value not in (0, 0.5):
        raise InputError(f"`t1_start` must be 0 or half a dwell time (0.5), got {value!r}")
    return float(value)
