"""Figures of merit of what a model finds in tubes of several residues, of one, or of none."""

import itertools
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import average_precision_score

from nmr_speech.checks import InputError

STRONG = 0.1
"""Amount relative to the largest from which a residue should be found."""
FALSE_SHARE = 0.02
MOST = 5
"""Residues in the mixtures that the figures are taken on."""


def presence_figures(
    log_odds: np.ndarray, amounts: np.ndarray, ranked: np.ndarray, is_pure: np.ndarray, is_tocsy: np.ndarray
) -> dict:
    """Summarise what was found in tubes.

    Arguments
    ---------
    log_odds : np.ndarray
        Calibrated log-odds that each residue is present, (tubes, residues).
    amounts : np.ndarray
        Amount of each residue relative to the largest, 0 for none, (tubes, residues).
    ranked : np.ndarray
        Number of the residue that is ranked first, (tubes,).
    is_pure : np.ndarray
        Whether a tube holds one residue and little else, bool, (tubes,).
    is_tocsy : np.ndarray
        Whether the recording is a TOCSY, bool, (tubes,); others count in no figure.

    Returns
    -------
    dict
        ``average_precision``, mean over the residues, of mixtures of one to five: residues below a tenth of the
        strongest count neither way. ``recall``: share of the others that are found where two percent of the absent ones
        are. ``found``, ``false``: shares of both at a probability of one half. ``pure_accuracy`` of the ranking and
        ``pure_found``, exactly the right one at one half. ``none_named``, ``none_named_09``: share of the tubes without
        any that have one above 0.5, above 0.9. ``tubes``, ``pure``, ``none``: numbers of tubes.

    Example
    -------
    >>> log_odds, amounts = np.array([[4.0, -4.0], [-3.0, 5.0], [-5.0, -6.0]]), np.array([[1.0, 0], [0, 1.0], [0, 0]])
    >>> figures = presence_figures(log_odds, amounts, np.array([0, 1, 0]), np.ones(3) > 0, np.ones(3) > 0)
    >>> figures["average_precision"], figures["recall"], figures["pure_accuracy"], figures["none_named"]
    (1.0, 1.0, 1.0, 0.0)
    """
    if not is_tocsy.any():
        raise InputError("there must be a tube that was measured by TOCSY, got none")
    log_odds, amounts, ranked, is_pure = (part[is_tocsy] for part in (log_odds, amounts, ranked, is_pure))
    count, strong, absent = (amounts > 0).sum(1), amounts >= STRONG, amounts == 0
    some, none, is_pure = (count >= 1) & (count <= MOST), count == 0, is_pure & (count == 1)
    few = count <= MOST
    absent_odds, strong_odds = log_odds[few][absent[few]], log_odds[few][strong[few]]
    threshold = np.quantile(absent_odds, 1 - FALSE_SHARE)
    truth = amounts.argmax(1)
    above = log_odds > 0
    highest = log_odds.max(1)
    return {
        "average_precision": _average_precision(log_odds[some], strong[some], absent[some]),
        "recall": _share(strong_odds > threshold),
        "found": _share(strong_odds > 0),
        "false": _share(absent_odds > 0),
        "pure_accuracy": _share(ranked[is_pure] == truth[is_pure]),
        "pure_found": _share(above[is_pure, truth[is_pure]] & (above[is_pure].sum(1) == 1)),
        "none_named": _share(highest[none] > 0),
        "none_named_09": _share(highest[none] > np.log(9)),
        "tubes": len(count),
        "pure": int(is_pure.sum()),
        "none": int(none.sum()),
    }


def recall_by_amount(log_odds: np.ndarray, amounts: np.ndarray, edges: Sequence[float]) -> list[dict]:
    """Share of the residues found, at a probability of one half, by their amount relative to the largest.

    Arguments
    ---------
    log_odds, amounts : np.ndarray
        As for `presence_figures`.
    edges : Sequence[float]
        Limits of the amounts, rising.

    Returns
    -------
    list[dict]
        ``low``, ``high``, ``count`` and ``found`` of each interval that holds any.

    Example
    -------
    >>> recall_by_amount(np.array([[2.0, -1.0]]), np.array([[1.0, 0.05]]), (0.01, 0.1, 1.01))
    [{'low': 0.01, 'high': 0.1, 'count': 1, 'found': 0.0}, {'low': 0.1, 'high': 1.01, 'count': 1, 'found': 1.0}]
    """
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = (amounts >= low) & (amounts < high)
        if inside.any():
            found = _share(log_odds[inside] > 0)
            rows.append({"low": low, "high": high, "count": int(inside.sum()), "found": found})
    return rows


def _average_precision(log_odds, strong, absent):
    values = []
    for residue in range(log_odds.shape[1]):
        counts = strong[:, residue] | absent[:, residue]
        if strong[:, residue].any():
            values.append(average_precision_score(strong[counts, residue], log_odds[counts, residue]))
    return float(np.mean(values)) if values else None


def _share(hits):
    return float(np.mean(hits)) if np.size(hits) else None
