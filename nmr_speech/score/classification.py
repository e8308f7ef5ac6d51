"""Accuracy, F1 and confusion of a classifier.

Convention: ``confusion[i, j]`` counts recordings of class i that were predicted as j. A class that is never predicted
and never occurs has F1 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from nmr_speech.checks import InputError


def count_confusion(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> np.ndarray:
    """Count how often each class was predicted as each.

    Arguments
    ---------
    true : array_like
        Class numbers, (recordings,).
    predicted : array_like
        Class numbers that the classifier gave, (recordings,).
    n_classes : int
        Number of classes.

    Returns
    -------
    np.ndarray
        Counts, int, (n_classes, n_classes).

    Example
    -------
    >>> count_confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    true, predicted = np.asarray(true, dtype=int), np.asarray(predicted, dtype=int)
    if true.shape != predicted.shape or true.ndim != 1 or not len(true):
        raise InputError(
            f"`true` and `predicted` must be equally long and not empty, got {true.shape} and {predicted.shape}"
        )
    lowest, highest = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    if lowest < 0 or highest >= n_classes:  # scikit-learn would leave them out
        raise InputError(f"class numbers must be from 0 to {n_classes - 1}, got {lowest} to {highest}")
    return confusion_matrix(true, predicted, labels=range(n_classes))


def scores_by_class(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class.

    Arguments
    ---------
    confusion : np.ndarray
        Counts, (classes, classes).

    Returns
    -------
    precision, recall, f1 : np.ndarray
        Shares, (classes,); 0 where there is nothing to divide by.

    Example
    -------
    >>> [share.round(3).tolist() for share in scores_by_class(np.array([[1, 1], [0, 1]]))]
    [[1.0, 0.5], [0.5, 1.0], [0.667, 0.667]]
    """
    n = len(confusion)
    # scikit-learn takes labels: each cell of the matrix is a pair of them, weighted by its count.
    true, predicted = np.divmod(np.arange(n * n), n)
    precision, recall, f1, _ = precision_recall_fscore_support(
        true, predicted, labels=range(n), sample_weight=confusion.ravel(), zero_division=0
    )
    return precision, recall, f1


def wilson_interval(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Arguments
    ---------
    hits : int
        Number of successes.
    trials : int
        Number of trials.
    confidence : float
        Probability with which the interval holds the true proportion.

    Returns
    -------
    low, high : float
        Shares from 0 to 1.

    Example
    -------
    >>> [round(bound, 3) for bound in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    interval = binomtest(hits, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95
) -> tuple[float, float]:
    """Confidence interval of the difference of two proportions.

    Newcombe's hybrid of two Wilson intervals (1998, method 10), for independent trials. For two classifiers on the
    same recordings it is too wide rather than too narrow, as they tend to err together. DOI
    10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Arguments
    ---------
    first, second : tuple[int, int]
        Number of successes and number of trials.
    confidence : float
        Probability with which the interval holds the true difference.

    Returns
    -------
    low, high : float
        Bounds of the first share minus the second, from -1 to 1.

    Example
    -------
    >>> [round(bound, 4) for bound in difference_interval((56, 70), (48, 80))]
    [0.0524, 0.3339]
    """
    (share, low, high), (other, other_low, other_high) = (
        (hits / trials, *wilson_interval(hits, trials, confidence)) for hits, trials in (first, second)
    )
    down = np.hypot(share - low, other_high - other)
    up = np.hypot(high - share, other - other_low)
    return float(share - other - down), float(share - other + up)


def confused_pairs(summary: dict) -> list[dict]:
    """List pairs of classes by the share of their recordings that are mistaken for the other, the worst first.

    Arguments
    ---------
    summary : dict
        As `summarise` gives it.

    Returns
    -------
    list[dict]
        ``pair``, and ``mistaken``, a share from 0 to 1.

    Example
    -------
    >>> confused_pairs(summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"]))
    [{'pair': ['ILE', 'LEU'], 'mistaken': 0.25}]
    """
    confusion, labels = np.asarray(summary["confusion"]), summary["labels"]
    occurring = confusion.sum(axis=1)
    either = (confusion + confusion.T) / np.maximum(np.add.outer(occurring, occurring), 1)
    pairs = [
        {"pair": [labels[i], labels[j]], "mistaken": float(either[i, j])}
        for i, j in zip(*np.triu_indices(len(labels), k=1), strict=True)
    ]
    return sorted(pairs, key=lambda row: -row["mistaken"])


def summarise(confusion: np.ndarray, labels: Sequence[str]) -> dict:
    """All figures of one classifier on one split, ready for JSON.

    Arguments
    ---------
    confusion : np.ndarray
        Counts, (classes, classes).
    labels : Sequence[str]
        Names of the classes, in order.

    Returns
    -------
    dict
        ``recordings`` (their number), ``accuracy``, ``accuracy_interval`` (95%), ``macro_f1``, ``per_class_f1``,
        ``labels``, ``confusion``.

    Example
    -------
    >>> summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"])["accuracy"]
    0.75
    """
    hits, total = int(np.trace(confusion)), int(confusion.sum())
    f1 = scores_by_class(confusion)[2]
    return {
        "recordings": total,
        "accuracy": hits / total,
        "accuracy_interval": list(wilson_interval(hits, total)),
        "macro_f1": float(f1.mean()),
        "per_class_f1": dict(zip(labels, f1.tolist(), strict=True)),
        "labels": list(labels),
        "confusion": confusion.tolist(),
    }


def per_class_table(summary: dict) -> str:
    """Tabulate each class in Markdown: number of recordings, precision, recall, F1, what it was mistaken for.

    Arguments
    ---------
    summary : dict
        As `summarise` gives it.

    Returns
    -------
    str

    Example
    -------
    >>> print(per_class_table(summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"])))
    | residue | recordings | precision | recall | F1 | mistaken for |
    |---|---|---|---|---|---|
    | ILE | 2 | 1.000 | 0.500 | 0.667 | LEU 1 |
    | LEU | 2 | 0.667 | 1.000 | 0.800 |  |
    """
    labels, confusion = summary["labels"], np.asarray(summary["confusion"])
    precision, recall, f1 = scores_by_class(confusion)
    lines = ["| residue | recordings | precision | recall | F1 | mistaken for |", "|---|---|---|---|---|---|"]
    for i, label in enumerate(labels):
        mistaken = sorted((-n, labels[j]) for j, n in enumerate(confusion[i].tolist()) if n and j != i)
        others = ", ".join(f"{name} {-n}" for n, name in mistaken)
        lines.append(
            f"| {label} | {confusion[i].sum()} | {precision[i]:.3f} | {recall[i]:.3f} | {f1[i]:.3f} | {others} |"
        )
    return "\n".join(lines)
