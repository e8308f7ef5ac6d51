"""Fitted shifts beside the tables of free amino acids, at the pH that is known or at any.

A network takes many a molecule for the amino acid that it resembles: trimethylamine oxide for glycine, an ethyl group
for alanine. The cells of a spectrum that it sees are 0.05 to 0.08 ppm wide, and it is to answer for files that are off
by 0.4 ppm. Where the spectrum is referenced, fitted shifts say more.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import logsumexp

from nmr_speech.score.bound import log_likelihoods, shift_prior
from nmr_speech.simulate import Sample

FIT_PPM = 0.03
"""Standard deviation of a fitted shift."""
SPREAD_PPM = 0.04
"""Standard deviation of a shift between samples at one pH, as in the training."""
PH_STEP = 0.1
PH_STD = 0.2
"""Standard deviation of a pH that is known."""
USUAL = 0.5
"""Log-density in 1/ppm, of each group, that 98 of 100 amino acids exceed at an unknown pH, and 99 at a known one. Of
other molecules that are taken for one, half do, and one in seven. From draws for validation."""

MOST_DOUBT = 3.5
"""Log-odds fall by no more than this, for a fit is wrong in about 3 of 100: a group at the peaks of another."""


def log_density(
    residue: str,
    shifts_ppm: Mapping[str, float],
    fitted: str | None = None,
    ph: float | None = None,
    ph_range: tuple[float, float] = (1.0, 12.0),
) -> float:
    """Return how probable fitted shifts are for a residue: the logarithm of the density in ppm, of all groups together.

    Which of the groups of equal size has which shift is not taken for granted; see "protons" of
    `nmr_speech.score.bound`.

    Arguments
    ---------
    residue : str
        Three-letter code.
    shifts_ppm : Mapping[str, float]
        Fitted shifts by group, of a free amino acid in D2O.
    fitted : str | None
        The residue whose groups these are; None for the same.
    ph : float | None
        pH of the sample; None if it is not known.
    ph_range : tuple[float, float]
        What the pH is within if it is not known.

    Example
    -------
    At pH 7 the alpha proton of alanine is at 3.78 ppm, and that of lactate at 4.11.

    >>> [round(log_density("ALA", {"HA": ppm, "MB": 1.47}, ph=7.0)) for ppm in (3.78, 4.11)]
    [4, -19]
    """
    groups = shift_prior(Sample("d2o", "free").residue(fitted or residue))
    shifts = np.array([[shifts_ppm[name] for name in groups.names]])
    acidities, weights = _acidities(ph, ph_range)
    density = log_likelihoods("protons", shifts, groups, _priors(residue, acidities))
    return float(np.ravel(logsumexp(density, b=weights))[0])


def doubt(
    residue: str,
    shifts_ppm: Mapping[str, float],
    ph: float | None = None,
    ph_range: tuple[float, float] = (1.0, 12.0),
) -> float:
    """Return what is to be added to the log-odds that a residue is there: 0 where its shifts are usual, or less.

    Arguments
    ---------
    residue, shifts_ppm, ph, ph_range
        As for `log_density`.

    Example
    -------
    >>> [round(doubt("ALA", {"HA": ppm, "MB": 1.47}, ph=7.0), 1) for ppm in (3.78, 3.9, 4.11)]
    [0.0, -0.3, -3.5]
    """
    lacking = log_density(residue, shifts_ppm, None, ph, ph_range) - USUAL * len(shifts_ppm)
    return max(-MOST_DOUBT, min(0.0, lacking))


def _acidities(ph: float | None, ph_range: tuple[float, float]) -> tuple[tuple[float, ...], np.ndarray]:
    """Values of the pH, and the weight of each."""
    low, high = ph_range if ph is None else (max(0.0, ph - 3 * PH_STD), min(14.0, ph + 3 * PH_STD))
    values = np.linspace(low, high, max(2, round((high - low) / PH_STEP) + 1))
    weights = np.ones(len(values)) if ph is None else np.exp(-0.5 * ((values - ph) / PH_STD) ** 2)
    return tuple(values.tolist()), weights / weights.sum()


@lru_cache(maxsize=64)
def _priors(residue, acidities):
    """Gaussians of the shifts at each pH, widened by the error of the fit."""
    priors = [shift_prior(Sample("d2o", "free", SPREAD_PPM, ph=ph).residue(residue)) for ph in acidities]
    return [replace(one, std_ppm=np.hypot(one.std_ppm, FIT_PPM)) for one in priors]
