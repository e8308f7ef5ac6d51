"""How far a reconstruction can be trusted, point by point, from one schedule and without a reference.

The jackknife: parts of the schedule are left out in turn, and the spread of what is then reconstructed is scaled to the
error of the whole. It holds for any method. Efron and Stein, Ann. Statist. 9, 586 (1981), doi 10.1214/aos/1176345462.
"""

from collections.abc import Callable

import numpy as np

from nmr_speech.checks import InputError, whole
from nmr_speech.reconstruction.recovery import pick, threshold_of

PARTS = 8  # of a schedule, each left out once


def jackknife(
    spectrum_of: Callable[[np.ndarray], np.ndarray], schedule: np.ndarray, n_parts: int = PARTS, seed: int = 1986
) -> np.ndarray:
    """Return the standard deviation of each point of a reconstructed spectrum.

    It is ``sqrt((k - 1) / k sum_i (x_i - mean)^2)`` over the spectra x_i of k reduced schedules. The first point of the
    schedule is always kept: a virtual echo takes its phase from there.

    Arguments
    ---------
    spectrum_of : Callable
        Reconstructs from a part of the schedule: indices, (m',) or (m', d), to a spectrum, real, (...).
    schedule : np.ndarray
        Indices of the points measured, (m,) or (m, d).
    n_parts : int
        Number of parts k.
    seed : int
        Of the random division into parts.

    Returns
    -------
    np.ndarray
        Shape of a spectrum, in its units.

    Example
    -------
    >>> values = np.array([9.0, 1.0, 2.0, 3.0, 4.0])
    >>> spread = jackknife(lambda kept: values[kept[1:]].mean(), np.arange(5), n_parts=4)
    >>> spread.round(6) == (values[1:].std(ddof=1) / 2).round(6)  # the standard deviation of a mean of four
    np.True_
    """
    points = np.unique(schedule, axis=0)
    whole("n_parts", n_parts, 2, 1000)
    if len(points) <= n_parts:
        raise InputError(f"a standard deviation needs more than {n_parts} points of a schedule, got {len(points)}")
    order = np.random.default_rng(seed).permutation(len(points) - 1) + 1
    # Sums as they go (Welford's, which do not cancel): eight cubes would not fit.
    mean = squares = np.zeros(())
    for k, part in enumerate(np.array_split(order, n_parts), 1):
        spectrum = np.asarray(spectrum_of(np.delete(points, part, axis=0)), dtype=np.float64)
        change = spectrum - mean
        mean = mean + change / k
        squares = squares + change * (spectrum - mean)
    return np.sqrt((n_parts - 1) / n_parts * squares)


def peaks_within(spectrum: np.ndarray, reference: np.ndarray | None, std: np.ndarray | None) -> float | None:
    """Return the share of the peaks of a spectrum within two standard deviations of its reference; None without either.

    Example
    -------
    >>> peaks_within(np.array([0.0, 5.0, 0.0, 0.0]), np.array([0.0, 4.0, 0.0, 0.0]), np.ones(4))
    1.0
    """
    if std is None or reference is None:
        return None
    return within(spectrum, reference, std, pick(spectrum, threshold_of(reference)))


def trust(share: float | None) -> tuple[str, ...]:
    """Return what `peaks_within` found as a sentence; none for None.

    Example
    -------
    >>> trust(0.5)
    ('50% of the peaks are within two standard deviations of the truth.',)
    """
    return () if share is None else (f"{share:.0%} of the peaks are within two standard deviations of the truth.",)


def within(
    spectrum: np.ndarray, reference: np.ndarray, std: np.ndarray, where: np.ndarray, factor: float = 2.0
) -> float:
    """Return the share of chosen points whose true value lies within some standard deviations.

    Example
    -------
    >>> within(np.array([1.0, 2.0]), np.array([1.5, 9.0]), np.ones(2), np.array([True, True]))
    0.5
    """
    error = np.abs(spectrum - reference)[where]
    return float((error <= factor * std[where]).mean()) if where.any() else float("nan")
