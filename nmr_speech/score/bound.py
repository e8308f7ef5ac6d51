"""The accuracy of a classifier that is given the chemical shifts and the Gaussians they were drawn from.

It learns nothing and sees no spectrum. All residues are equally likely. What it knows of each recording:

"names"
    Every shift with the name and the protons of its group. Which groups there are gives most residues away without any
    shift; only those with the same groups are left to tell apart.
"protons"
    The shifts, unassigned, each with its number of protons. A candidate needs as many groups of each size.
"shifts"
    The shifts alone, unassigned. A candidate needs as many groups, of whatever size.
"cells"
    Which cells of an axis hold a shift. How many lie in one cell, and so how many there are in all, is not known.

Each follows from the one before, and the rule is that of Bayes: no classifier does better with the same knowledge.
Where assignments are not known, the likelihood is summed over all of them. Two more rules leave a part unused on
purpose, so they are not bounds:

"shared_names"
    As "names", but the presence of a group is not used. A candidate without that group is given the mean density of the
    candidates with it. Between two residues, this is the likelihood ratio over the groups that both have. Glycine in
    D2O shares no name with any other residue; such ties are broken at random.
"any_number"
    As "shifts", but their number is not used: each is taken as drawn anew from a random group.

None of this bounds a classifier of spectra. Where lines overlap or fold, it knows less than the exact shifts; but it
also has multiplets and cross peaks, and couplings are fixed for each residue. A classifier that beats "protons" uses
them.

Legend: R recordings, S candidates, G groups of a candidate, K lines (or cells) observed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp, ndtr
from scipy.stats import norm

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, one_of, quoted, whole
from nmr_speech.simulate.draw import draw_shifts, generator
from nmr_speech.simulate.residues import RESIDUES, Residue
from nmr_speech.simulate.sample import load_residue

CELL_PPM = Axis().width_ppm / Axis().n
"""One point of a spectrum, in ppm."""

BLOCK = 4096
"""Number of recordings at a time: at most 34 MB of sums over assignments."""


@dataclass(frozen=True, eq=False)
class ShiftPrior:
    """The Gaussians that the shifts of a residue are drawn from; ring protons that share a draw are one line.

    Arguments
    ---------
    names : tuple[str, ...]
        Name of the group of each line, of a ring pair the first.
    protons : tuple[int, ...]
        Number of protons of each line.
    mean_ppm : np.ndarray
        Mean shift of each, (G,).
    std_ppm : np.ndarray
        Standard deviation of each, (G,).
    """

    names: tuple[str, ...]
    protons: tuple[int, ...]
    mean_ppm: np.ndarray
    std_ppm: np.ndarray


def shift_prior(residue: Residue) -> ShiftPrior:
    """Gather the Gaussians of the shifts of a residue.

    Arguments
    ---------
    residue : Residue
        As `nmr_speech.simulate.load_residue` gives it.

    Returns
    -------
    ShiftPrior

    Example
    -------
    >>> tyrosine = shift_prior(load_residue("TYR"))
    >>> dict(zip(tyrosine.names, tyrosine.protons))
    {'HA': 1, 'HB2': 1, 'HB3': 1, 'HD1': 2, 'HE1': 2, 'H': 1}
    """
    own = sorted(set(residue.shift_of))
    protons: Counter[int] = Counter()
    for source, (_, n_protons) in zip(residue.shift_of, residue.system.groups, strict=True):
        protons[source] += n_protons
    names = tuple(residue.system.names[i] for i in own)
    return ShiftPrior(names, tuple(protons[i] for i in own), residue.shift_mean_ppm[own], residue.shift_std_ppm[own])


def classify_by_shifts(
    knows: str,
    residues: Sequence[str] = RESIDUES,
    *,
    draws: int = 2000,
    seed: int = 0,
    cell_ppm: float = CELL_PPM,
    **sample: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the shifts of recordings and classify each by its likelihoods.

    The shifts are those of recordings 0 to ``draws - 1`` of each residue in a data set of the same seed.

    Arguments
    ---------
    knows : str
        What is known of a recording: a key of `KNOWS`; see the head of this module.
    residues : Sequence[str]
        Three-letter codes; two or more. They are all the candidates there are.
    draws : int
        Number of recordings of each residue.
    seed : int
        Seed of the draws.
    cell_ppm : float
        Width of a cell in ppm, for "cells".
    **sample : Any
        ``condition``, ``shift_source`` ("protein" or "free") and ``free_shift_std_ppm``; see
        `nmr_speech.simulate.load_residue`.

    Returns
    -------
    true : np.ndarray
        Position in ``residues`` of each recording's residue, (recordings,).
    predicted : np.ndarray
        Position of the residue predicted, (recordings,).

    Example
    -------
    >>> true, predicted = classify_by_shifts("names", ["ALA", "GLY"], draws=10)  # their groups share no name
    >>> bool((true == predicted).all())
    True
    """
    whole("draws", draws, 1, 10**7)
    if isinstance(residues, str) or len(set(residues)) < max(2, len(residues)):
        raise InputError(f"`residues` must name two residues or more, each once, got {quoted(residues)}")
    molecules = [load_residue(name, **sample) for name in residues]
    candidates = [shift_prior(molecule) for molecule in molecules]
    predicted, ties = [], np.random.default_rng(seed)
    for molecule, source in zip(molecules, candidates, strict=True):
        own = sorted(set(molecule.shift_of))
        for start in range(0, draws, BLOCK):
            indices = range(start, min(start + BLOCK, draws))
            shifts = np.stack([draw_shifts(molecule, generator(molecule.name, seed, i))[own] for i in indices])
            table = log_likelihoods(knows, shifts, source, candidates, cell_ppm)
            # Random numbers break ties.
            best = table == table.max(axis=1, keepdims=True)
            predicted.append((best * ties.random(table.shape)).argmax(axis=1))
    return np.repeat(np.arange(len(residues)), draws), np.concatenate(predicted)


def log_likelihoods(
    knows: str, shifts_ppm: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], cell_ppm: float = CELL_PPM
) -> np.ndarray:
    """Log-likelihood of every candidate, up to a number that all candidates share.

    Arguments
    ---------
    knows : str
        What is known of a recording; see `classify_by_shifts`.
    shifts_ppm : np.ndarray
        Shifts of recordings of one residue in ppm, (R, K).
    source : ShiftPrior
        Names and protons that go with the shifts; of these, only what ``knows`` allows is used.
    candidates : Sequence[ShiftPrior]
        The residues that the recordings could be of, (S,).
    cell_ppm : float
        Width of a cell in ppm, for "cells".

    Returns
    -------
    np.ndarray
        (R, S); minus infinity for what is impossible.

    Example
    -------
    >>> low, high = (ShiftPrior(("H",), (1,), np.array([mean]), np.array([0.5])) for mean in (7.0, 8.0))
    >>> log_likelihoods("shifts", np.array([[7.4], [7.6]]), low, [low, high]).argmax(axis=1)
    array([0, 1])
    """
    one_of("knows", knows, tuple(KNOWS))
    in_range("cell_ppm", cell_ppm, 0.001, 12, "ppm", "0.05")
    shifts_ppm = np.asarray(shifts_ppm, dtype=np.float64)
    if shifts_ppm.ndim != 2 or shifts_ppm.shape[1] != len(source.names):
        raise InputError(f"`shifts_ppm` must be (recordings, {len(source.names)}), got {shifts_ppm.shape}")
    if any((candidate.std_ppm <= 0).any() for candidate in candidates):
        raise InputError("each shift needs a spread: a standard deviation of 0 has no density (typical: 0.03 ppm)")
    return KNOWS[knows](shifts_ppm, source, candidates, cell_ppm)


def log_onto(log_weights: np.ndarray) -> np.ndarray:
    """Sum the products of weights over all ways to give each group a line so that no line is left over.

    With as many lines as groups, this is the permanent of each matrix. It is built up group by group over the sets of
    lines taken so far: 2^K sums of positive terms, in which nothing cancels, as it does in Ryser's formula. A sum that
    is 1e-300 of what it would be if each group had its best line, or less, may come out as 0.

    Arguments
    ---------
    log_weights : np.ndarray
        Logarithm of the weight of each group for each line, (R, G, K).

    Returns
    -------
    np.ndarray
        Logarithm of the sum, (R,).

    Example
    -------
    >>> permanent = np.exp(log_onto(np.log([[[1.0, 2.0], [3.0, 4.0]]])))  # 1 x 4 + 2 x 3
    >>> permanent.round(6).tolist()
    [10.0]
    """
    n_recordings, n_groups, n_lines = log_weights.shape
    if not 0 < n_lines <= n_groups:
        return np.full(n_recordings, 0.0 if n_lines == n_groups else -np.inf)
    # The best weight of each group is taken out before the exponential, which would underflow.
    best = np.maximum(log_weights.max(axis=2, keepdims=True), np.finfo(np.float64).min)
    weights = np.exp(log_weights - best).transpose(1, 2, 0)
    sets = np.arange(2**n_lines)  # bit k of a set says whether line k has been taken
    holds = (sets[:, None] >> np.arange(n_lines) & 1).astype(bool)
    size = holds.sum(axis=1)
    sums = np.zeros((len(sets), n_recordings))
    sums[0] = 1
    for group in range(n_groups):
        # Sets from which the groups to come can still reach the rest.
        useful = (size <= group + 1) & (size >= n_lines - (n_groups - 1 - group))
        before, sums = sums, np.zeros_like(sums)
        for line in range(n_lines):
            to = np.flatnonzero(useful & holds[:, line])
            sums[to] += weights[group, line] * (before[to] + before[to ^ (1 << line)])
    with np.errstate(divide="ignore"):
        return np.log(sums[-1]) + best.sum(axis=(1, 2))


def _names(shifts: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], _: float) -> np.ndarray:
    groups = dict(zip(source.names, source.protons, strict=True))
    table = np.full((len(shifts), len(candidates)), -np.inf)
    for column, candidate in enumerate(candidates):
        if dict(zip(candidate.names, candidate.protons, strict=True)) == groups:
            order = [source.names.index(name) for name in candidate.names]
            table[:, column] = norm.logpdf(shifts[:, order], candidate.mean_ppm, candidate.std_ppm).sum(axis=1)
    return table


def _shared_names(shifts: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], _: float) -> np.ndarray:
    table = np.zeros((len(shifts), len(candidates)))
    for name, shift in zip(source.names, shifts.T, strict=True):
        having = [column for column, candidate in enumerate(candidates) if name in candidate.names]
        at = [(candidates[column], candidates[column].names.index(name)) for column in having]
        density = np.stack([norm.logpdf(shift, one.mean_ppm[i], one.std_ppm[i]) for one, i in at], axis=1)
        table[:, having] += density - logsumexp(density, axis=1, b=1 / len(having), keepdims=True)
    return table


def _protons(shifts: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], _: float) -> np.ndarray:
    sizes = Counter(source.protons)
    table = np.full((len(shifts), len(candidates)), -np.inf)
    for column, candidate in enumerate(candidates):
        if Counter(candidate.protons) == sizes:
            density = _density(shifts, candidate)
            of_size = [(np.equal(candidate.protons, n), np.equal(source.protons, n)) for n in sizes]
            table[:, column] = sum(log_onto(density[:, groups][:, :, lines]) for groups, lines in of_size)
    return table


def _shifts(shifts: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], _: float) -> np.ndarray:
    table = np.full((len(shifts), len(candidates)), -np.inf)
    for column, candidate in enumerate(candidates):
        if len(candidate.names) == len(source.names):
            table[:, column] = log_onto(_density(shifts, candidate))
    return table


def _any_number(shifts: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], _: float) -> np.ndarray:
    densities = (_density(shifts, candidate) for candidate in candidates)
    return np.stack([logsumexp(density, axis=1, b=1 / density.shape[1]).sum(axis=1) for density in densities], axis=1)


def _cells(shifts: np.ndarray, source: ShiftPrior, candidates: Sequence[ShiftPrior], cell_ppm: float) -> np.ndarray:
    cells = np.sort(np.floor(shifts / cell_ppm), axis=1)
    first = np.diff(cells, axis=1, prepend=-np.inf) > 0
    table = np.empty((len(shifts), len(candidates)))
    for n_cells in np.unique(first.sum(axis=1)):
        rows = first.sum(axis=1) == n_cells
        taken = cells[rows][first[rows]].reshape(-1, n_cells) * cell_ppm
        table[rows] = np.stack([log_onto(_mass(taken, candidate, cell_ppm)) for candidate in candidates], axis=1)
    return table


def _density(shifts: np.ndarray, candidate: ShiftPrior) -> np.ndarray:
    """Log-density of each shift (R, K) in each group of a candidate, (R, G, K)."""
    return norm.logpdf(shifts[:, None], candidate.mean_ppm[:, None], candidate.std_ppm[:, None])


def _mass(lower_ppm: np.ndarray, candidate: ShiftPrior, cell_ppm: float) -> np.ndarray:
    """Logarithm of what each group of a candidate has in the cells from ``lower_ppm`` (R, K) on, (R, G, K)."""
    mean, std = candidate.mean_ppm[:, None], candidate.std_ppm[:, None]
    low, high = ((edge[:, None] - mean) / std for edge in (lower_ppm, lower_ppm + cell_ppm))
    # In the upper tail ndtr is 1 to the last digit: take the lower one.
    upper = low > 0
    low, high = np.where(upper, -high, low), np.where(upper, -low, high)
    with np.errstate(divide="ignore"):
        return np.log(ndtr(high) - ndtr(low))


KNOWS: dict[str, Callable[[np.ndarray, ShiftPrior, Sequence[ShiftPrior], float], np.ndarray]] = {
    "names": _names,
    "protons": _protons,
    "shifts": _shifts,
    "cells": _cells,
    "shared_names": _shared_names,
    "any_number": _any_number,
}
"""What can be known of a recording, and the rule that uses it: it gives log-likelihoods, (R, S)."""
