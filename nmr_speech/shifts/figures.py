"""Figures of merit of predicted shifts and structures."""

from collections.abc import Sequence

import numpy as np

LEAST_SHIFTS = 5  # of an atom in a protein, for an error of its own


def rmse_by_protein(errors_ppm: Sequence[np.ndarray]) -> np.ndarray:
    """Return the root mean square error of each protein and atom.

    Arguments
    ---------
    errors_ppm : Sequence[np.ndarray]
        For each protein, predicted less measured shifts, (L, atoms); NaN where there is none.

    Returns
    -------
    np.ndarray
        ppm, (proteins, atoms); NaN for an atom with fewer than five shifts.

    Example
    -------
    >>> rmse_by_protein([np.full((6, 1), -2.0), np.full((4, 1), 1.0)])
    array([[ 2.],
           [nan]])
    """
    found = []
    for errors in errors_ppm:
        count = np.isfinite(errors).sum(axis=0)
        square = np.nansum(np.square(errors, dtype=float), axis=0)
        found.append(np.sqrt(np.where(count >= LEAST_SHIFTS, square / np.maximum(count, 1), np.nan)))
    return np.array(found)


def mean_rmse(errors_ppm: Sequence[np.ndarray]) -> np.ndarray:
    """Average the errors of proteins: each counts the same, whatever its length.

    Example
    -------
    >>> mean_rmse([np.full((6, 1), -2.0), np.full((60, 1), 1.0)])
    array([1.5])
    """
    return np.nanmean(rmse_by_protein(errors_ppm), axis=0)


def pooled_rmse(errors_ppm: Sequence[np.ndarray]) -> np.ndarray:
    """Return the root mean square error over all residues.

    Example
    -------
    >>> pooled_rmse([np.full((1, 1), -2.0), np.full((3, 1), 0.0)])
    array([1.])
    """
    return np.sqrt(np.nanmean(np.square(np.concatenate(errors_ppm), dtype=float), axis=0))


def within(errors_ppm: Sequence[np.ndarray], std_ppm: Sequence[np.ndarray], times: float) -> np.ndarray:
    """Return the share of errors that are at most so many predicted standard deviations, (atoms,).

    Example
    -------
    >>> within([np.array([[0.5], [3.0]])], [np.ones((2, 1))], 1.0)
    array([0.5])
    """
    errors, std = np.concatenate(errors_ppm), np.concatenate(std_ppm)
    inside = np.where(np.isfinite(errors), np.abs(errors) <= times * std, np.nan)
    return np.nanmean(inside, axis=0)
