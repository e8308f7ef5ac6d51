"""The search for phases in F2: zero and first order that leave the least energy of the strongest rows negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from nmr_speech.simulate.fid import cosine_window, states_to_echo

TINY = 1e-300
ROWS = 24  # strongest rows of the spectrum, on which the phase is found; a single row is too few
STRONG = 0.03  # points that count, relative to the largest
FIRST_ORDER_DEG = 270  # limit of the search: three quarters of a dwell time
PRIOR_EITHER_SIGN = 0.03  # the same where peaks have either sign, which tells less
PRIOR = 0.002  # negative energy that a first order of 360 degrees must save; a single line leaves it undetermined


@dataclass(frozen=True, eq=False)
class StrongPoints:
    """Points of the strongest rows that stand out, before their phase is known.

    Arguments
    ---------
    values : np.ndarray
        complex, (points,).
    frequency : np.ndarray
        In units of the spectral width, (points,).
    groups : tuple
        Indicators of the row and of the column of each point, (points, rows) and (points, columns); empty where all
        peaks have one sign.
    """

    values: np.ndarray
    frequency: np.ndarray
    groups: tuple[scipy.sparse.csr_matrix, ...] = ()

    def energy(self, zero: Any, first: float) -> Any:
        """Share of the energy with the wrong sign, for one zero order or for many at once, (...,), in radians.

        Where each peak has a sign of its own, as in an edited HSQC, the wrong sign of a row or column is its rarer one.
        """
        turned = self.values * np.exp(-1j * first * self.frequency)
        real = (np.exp(-1j * np.asarray(zero))[..., None] * turned).real
        square, negative = np.square(real), np.square(np.minimum(real, 0))
        total = np.maximum(square.sum(-1), TINY)
        if not self.groups:
            return negative.sum(-1) / total + PRIOR * (first / (2 * np.pi)) ** 2
        wrong = 0
        for group in self.groups:
            below, of_all = negative @ group, square @ group
            wrong = wrong + np.minimum(below, of_all - below).sum(-1)
        return wrong / total + PRIOR_EITHER_SIGN * (first / (2 * np.pi)) ** 2

    def upright(self, zero: float, first: float) -> float:
        """Return the zero order, or half a turn more where most of the energy would be negative: signs are relative."""
        real = (self.values * np.exp(-1j * (zero + first * self.frequency))).real
        return zero if (real * np.abs(real)).sum() >= 0 else (zero + 2 * np.pi) % (2 * np.pi) - np.pi


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


def strong_points(
    rows: np.ndarray, start: float, keep: np.ndarray | None = None, either_sign: bool = False
) -> StrongPoints:
    """Transform rows and take the points of the strongest ones that stand out.

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points): rows of a spectrum that is absorptive in F1, t2 not transformed.
    start : float
        Time of the first point in dwell times.
    keep : np.ndarray | None
        Frequencies that count: bool, (2 n_points,), rising; None for all.
    either_sign : bool
        Whether each peak may have a sign of its own.

    Returns
    -------
    StrongPoints
    """
    n = rows.shape[-1]
    window = cosine_window(n, first_halved=abs(start) < 0.5, start=start)
    frequency = np.fft.fftfreq(2 * n)
    transformed = np.fft.fft(rows * window, 2 * n) * np.exp(-2j * np.pi * frequency * start)
    if keep is not None and keep.any():
        transformed = transformed * np.fft.ifftshift(keep)
    strongest = transformed[np.argsort(np.square(np.abs(transformed)).sum(axis=1))[-ROWS:]]
    strong = np.abs(strongest) >= STRONG * np.abs(strongest).max()
    groups = tuple(_indicator(index) for index in np.nonzero(strong)) if either_sign else ()
    return StrongPoints(strongest[strong], np.broadcast_to(frequency, strongest.shape)[strong], groups)


def _indicator(index: np.ndarray) -> scipy.sparse.csr_matrix:
    """Which group each point belongs to, (points, groups)."""
    return scipy.sparse.csr_matrix((np.ones(len(index)), (np.arange(len(index)), index)))


def best_phase(points: StrongPoints) -> tuple[float, float, float]:
    """Find zero and first order of the phase in F2 that leave the least energy of the strongest rows negative.

    Arguments
    ---------
    points : StrongPoints
        From `strong_points`.

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
    >>> zero, first, _ = best_phase(strong_points(lines * phases[:, None], 0.0))
    >>> bool(abs(zero - 0.4) < 0.05), bool(abs(first - 1.2) < 0.2)
    (True, True)
    """
    # The energy has local minima, so a coarse grid of phases comes before the descent.
    zeros = np.deg2rad(np.arange(-180, 180, 15))
    firsts = np.deg2rad(np.arange(-FIRST_ORDER_DEG, FIRST_ORDER_DEG + 1, 30))
    coarse = np.stack([points.energy(zeros, first) for first in firsts], axis=-1)
    best = np.unravel_index(coarse.argmin(), coarse.shape)
    found = scipy.optimize.minimize(
        lambda phase: points.energy(*phase),
        (zeros[best[0]], firsts[best[1]]),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-6},
    )
    zero, first = float(found.x[0]), float(found.x[1])
    return points.upright(zero, first) if points.groups else zero, first, float(found.fun)


def candidate_phase(points: StrongPoints, firsts: Sequence[float]) -> tuple[float, float, float]:
    """Find the zero order that suits best where the first order is one of a few, radians; returns as `best_phase`.

    Example
    -------
    >>> points = StrongPoints(np.array([1j, 2j]), np.array([0.0, 0.1]))
    >>> bool(abs(candidate_phase(points, [0.0])[0] - np.pi / 2) < 0.02)
    True
    """
    zeros = np.deg2rad(np.arange(-180, 180, 1))
    energies = np.stack([points.energy(zeros, first) for first in firsts], axis=-1)
    # Of zeros that are equally good, the middle one is in phase. Where signs are free, half a turn is no change.
    k = int(energies.min(axis=0).argmin())
    good = np.exp(1j * zeros[energies[:, k] <= energies[:, k].min() + 1e-9])
    zero = float(np.angle(good.sum()))
    if points.groups:
        zero = points.upright(float(np.angle(np.square(good).sum()) / 2), firsts[k])
    return zero, float(firsts[k]), float(points.energy(zero, firsts[k]))
