"""Phases in F2 and F1 and the start of t1: those that leave the least energy of the spectrum negative.

In a TOCSY all peaks are positive once the phases are right. The energies of cosine and sine rows decide less well: on a
measured valine they pick the wrong order, where the negative energy is 0.08 in the right one and 0.39 in the other.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, quoted
from nmr_speech.simulate.fid import spectrum
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase_search import TINY, absorption_f1, best_phase, candidate_phase, strong_points
from nmr_speech.spectrometer.resample import resample_t1

WATER_PPM = (4.4, 5.1)  # HDO is at 4.7 to 4.8 ppm; it is often the largest line, with a phase of its own
POOR = 0.25  # negative energy above which phases were not found
LARGE_FIRST_DEG = 180.0  # a first order that a filter and a delay before acquisition do not leave
TRUSTED = 0.1  # negative energy by which the phases of the file may be worse, where peaks need not be positive
NEAR_DEG = 45.0  # by which a first order in F1 may differ from 0 or from 180 degrees


@dataclass(frozen=True)
class Phases:
    """Phases that are known before the search; None for each that is not.

    Arguments
    ---------
    f1_deg : tuple[float, float] | None
        Zero order at the carrier of F1, and first order across its width: 0, or 180 for a start half a dwell late.
    f2_deg : tuple[float, float] | None
        Zero order at the carrier of F2, and first order across its width, from -720 to 720 degrees.
    t1_start : float | None
        Time of the first transient in dwell times, 0 or 0.5.

    Example
    -------
    >>> Phases(f1_deg=(90, -180)).start
    0.5
    """

    f1_deg: tuple[float, float] | None = None
    f2_deg: tuple[float, float] | None = None
    t1_start: float | None = None

    def __post_init__(self) -> None:
        for name, pair in (("phase_f1_deg", self.f1_deg), ("phase_f2_deg", self.f2_deg)):
            for value in pair or ():
                in_range(name, value, -720, 720, "degrees")
        if self.t1_start not in (None, 0, 0.5):
            raise InputError(f"`t1_start` must be 0 or half a dwell time (0.5), got {quoted(self.t1_start)}")
        if self.f1_deg is not None and abs(self.f1_deg[1]) not in (0, 180):
            raise InputError(
                "`phase_f1_deg` must have a first order of 0, or of 180 for a start half a dwell late, got "
                f"{self.f1_deg[1]:g}"
            )
        if self.f1_deg is not None and self.t1_start not in (None, abs(self.f1_deg[1]) / 360):
            raise InputError(
                f"`phase_f1_deg` and the start of t1 contradict each other, got a first order of {self.f1_deg[1]:g} "
                f"and {self.t1_start:g} dwell times; give one of them"
            )

    @property
    def start(self) -> float | None:
        """Start of t1 in dwell times, where it is known."""
        return abs(self.f1_deg[1]) / 360 if self.f1_deg is not None else self.t1_start

    @property
    def f2_rad(self) -> tuple[float, float] | None:
        """Phases of F2 in radians, where they are known."""
        return None if self.f2_deg is None else (float(np.deg2rad(self.f2_deg[0])), float(np.deg2rad(self.f2_deg[1])))


@dataclass(frozen=True)
class Trial:
    """One start of t1 and one phase in F1, with the best phase in F2 for them.

    Arguments
    ---------
    late : float
        Start of t1 in dwell times.
    f1_deg : float
        Phase in F1, degrees.
    phase_rad : tuple[float, float]
        Zero and first order in F2, radians.
    energy : float
        Share of the energy of the strongest rows that is then negative.
    how : str
        How the phase in F2 was found.
    """

    late: float
    f1_deg: float
    phase_rad: tuple[float, float]
    energy: float
    how: str


def find_phases(
    experiment: Experiment, f1: Axis, given: Phases | None = None
) -> tuple[Experiment, tuple[float, float]]:
    """Find the start of t1, quarter turns in F1 and phases in F2 that leave the least energy negative.

    Arguments
    ---------
    experiment : Experiment
        With its channels in order.
    f1 : Axis
        Frequencies of F1 to consider, in the field of ``experiment.f1``.
    given : Phases | None
        What is known already.

    Returns
    -------
    experiment : Experiment
        With the start of t1 set and the phase in F1 removed, both stated in ``steps``; doubts in ``warnings``.
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
    best, steps, doubts = search_phases(experiment, f1, given)
    found = turned(experiment, best.late, best.f1_deg)
    return replace(found, steps=(*found.steps, *steps), warnings=(*found.warnings, *doubts)), best.phase_rad


def search_phases(
    experiment: Experiment, f1: Axis, given: Phases | None = None
) -> tuple[Trial, tuple[str, ...], tuple[str, ...]]:
    """Search as `find_phases`, and change nothing.

    Arguments
    ---------
    experiment, f1, given
        As for `find_phases`.

    Returns
    -------
    best : Trial
        The start of t1 and the phases.
    steps, warnings : tuple[str, ...]
        What was found, and doubts, one sentence each.

    Example
    -------
    >>> t = np.arange(64)
    >>> line = np.exp((0.5j - 0.05) * t)
    >>> fid = torch.from_numpy(np.stack([np.outer(line.real, line), np.outer(line.imag, line)]))
    >>> axis = Axis(64, 6000.0, 8.0, 600.0)
    >>> search_phases(Experiment(fid=fid, f1=axis, f2=axis, n_valid=64), axis)[0].late
    0.0
    """
    given = given or Phases()
    starts = (0.0, 0.5) if given.start is None else (float(given.start),)
    # Half a turn in F1 equals one in F2, if that is free.
    turns = [90.0 * k for k in range(2 if given.f2_deg is None else 4)] if given.f1_deg is None else [given.f1_deg[0]]
    tried = sorted(
        (_try(experiment, f1, late, turn, given) for late in starts for turn in turns), key=lambda one: one.energy
    )
    best = _preferred(tried, experiment)
    others = [one.energy for one in tried if one is not best]
    zero, first = np.rad2deg(best.phase_rad)
    compared = f", the next best case {min(others):.3f}" if others else ""
    steps = (
        f"The first transient was taken {best.late:g} dwell times after zero and F1 is {best.f1_deg:g} degrees "
        f"out of phase: this leaves {best.energy:.3f} of the energy of the strongest rows negative{compared}.",
        f"The phase in F2 is {zero:.1f} degrees at the carrier and {first:.1f} across the width ({best.how}); removed.",
    )
    return best, steps, () if given.f2_deg is not None else _doubts(best.energy, first)


def _doubts(energy: float, first_deg: float) -> tuple[str, ...]:
    if energy > POOR:
        return (
            f"the phases are poor: {energy:.2f} of the energy of the strongest rows is negative (at most {POOR:g} in a "
            "spectrum in phase); give `phase_f2_deg` and `phase_f1_deg`, or a better measurement",
        )
    if abs(first_deg) > LARGE_FIRST_DEG:
        return (
            f"the phases are doubtful: a first order of {first_deg:.0f} degrees across F2 was found (usual: within "
            f"{LARGE_FIRST_DEG:g}); compare the spectrum, and give `phase_f2_deg` where it is wrong",
        )
    return ()


def _preferred(tried: list[Trial], experiment: Experiment) -> Trial:
    """The trial of least energy, or the one with the start of t1 that the file was phased for, if it is about as good.

    Where peaks may be negative, as in an edited HSQC, the phases of the file are more reliable than the energy alone.
    """
    f1_deg = experiment.processed_deg[0]
    if f1_deg is None or experiment.same_nucleus or not _was_phased(experiment):
        return tried[0]
    late = next((start for start in (0.0, 0.5) if abs(abs(f1_deg[1]) - 360 * start) < NEAR_DEG), None)
    like = [one for one in tried if one.late == late and one.energy <= tried[0].energy + TRUSTED]
    return like[0] if like else tried[0]


def _was_phased(experiment: Experiment) -> bool:
    """Whether the phases of the file were set: all four are zero before a first processing."""
    return any(any(pair) for pair in experiment.processed_deg if pair is not None)


def _try(experiment: Experiment, f1: Axis, late: float, turn_deg: float, given: Phases) -> Trial:
    """The best phase in F2 for one start of t1 and one phase in F1."""
    one = turned(experiment, late, turn_deg)
    fid, _ = resample_t1(one.fid.numpy().astype(complex), one.t1_start, one.f1, f1)
    rows = absorption_f1(fid)
    keep, without = _counted(one, rows)
    points = strong_points(rows, one.t2_start, keep, either_sign=not one.same_nucleus)
    if given.f2_rad is not None:
        return Trial(late, turn_deg, given.f2_rad, float(points.energy(*given.f2_rad)), "as given by the caller")
    zero, first, energy = best_phase(points)
    how = f"found{without}"
    f2_deg = one.processed_deg[1]
    if f2_deg is not None and _was_phased(one):
        # The sign of TopSpin's first order depends on the direction of the axis and of the signal.
        firsts = [float(np.deg2rad(sign * f2_deg[1])) for sign in (1, -1)]
        ours = candidate_phase(points, firsts)
        if ours[2] <= energy + (0 if one.same_nucleus else TRUSTED):
            (zero, first, energy), how = ours, "first order as in PHC1 of the file"
    return Trial(late, turn_deg, (zero, first), energy, how)


def _counted(experiment: Experiment, rows: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Which frequencies of F2 count, (2 n,), and a phrase for those that do not.

    Water lies in a spectrum of protons only, and protons of water are not bound to the other nucleus of F1: there the
    region counts, unless water dominates all the same.
    """
    if experiment.nucleus != "1H":
        return None, ""
    keep = away_from_water(experiment.f2.resized(2 * experiment.f2.n))
    without = f" without {WATER_PPM[0]} to {WATER_PPM[1]} ppm"
    if experiment.same_nucleus:
        return keep, without
    energy = np.square(np.abs(np.fft.fftshift(np.fft.fft(rows, len(keep)), axes=-1))).sum(axis=0)
    return (keep, without) if energy[~keep].sum() > energy[keep].sum() else (None, "")


def turned(experiment: Experiment, late: float, degrees: float) -> Experiment:
    """Remove a zero order from the phase in F1; a quarter turn makes (sin, -cos) of (cos, sin), with their starts.

    Arguments
    ---------
    experiment : Experiment
        As it was measured.
    late : float
        Time to add to the start of t1, in dwell times.
    degrees : float
        Any angle where both channels start at the same time, else a multiple of 90.

    Returns
    -------
    Experiment
        With ``fid`` (2, n_transients, n_points) and ``t1_start`` changed.

    Example
    -------
    >>> fid = torch.ones(2, 8, 16) * torch.tensor([1.0, 2.0])[:, None, None] + 0j
    >>> tppi = Experiment(fid=fid, f1=Axis(8), f2=Axis(16), n_valid=8, t1_start=(0.0, 0.5))
    >>> right = turned(tppi, 0.5, 90)
    >>> right.fid[:, 0, 0].real.tolist(), right.t1_start
    ([2.0, -1.0], (1.0, 0.5))
    """
    fid, (cos_start, sin_start) = experiment.fid, experiment.t1_start
    quarters, rest = divmod(degrees % 360, 90)
    for _ in range(int(quarters)):
        fid, cos_start, sin_start = torch.stack([fid[1], -fid[0]]), sin_start, cos_start
    if rest and cos_start != sin_start:
        raise InputError(
            f"{experiment.source}: cosine and sine start at different times (TPPI), so the phase in F1 must be a "
            f"multiple of 90 degrees, got {degrees:g}"
        )
    if rest:
        c, s = float(np.cos(np.deg2rad(rest))), float(np.sin(np.deg2rad(rest)))
        fid = torch.stack([c * fid[0] + s * fid[1], c * fid[1] - s * fid[0]])
    return replace(experiment, fid=fid, t1_start=(cos_start + late, sin_start + late))


def away_from_water(f2: Axis) -> np.ndarray:
    """Whether each point lies outside the region of the water, bool, (f2.n,).

    Example
    -------
    >>> away_from_water(Axis(4, 4000.0, 4.7, 1000.0))
    array([ True,  True, False,  True])
    """
    return (f2.ppm() < WATER_PPM[0]) | (f2.ppm() > WATER_PPM[1])


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
