"""Accuracy, F1 and confusion of a classifier.

Convention: ``confusion[i, j]`` counts recordings of class i that were named j. A class that is never named and never
occurs has F1 0.
"""

from collections.abc import Sequence

import numpy as np

from nmr_speech.checks import InputError


def count_confusion(true, named, n_classes: int) -> np.ndarray:
    """Count who was named what.

    Arguments
    ---------
    true : array_like
        Class numbers, (recordings,).
    named : array_like
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
    true, named = np.asarray(true, dtype=int), np.asarray(named, dtype=int)
    if true.shape != named.shape or true.ndim != 1 or not len(true):
        raise InputError(f"`true` and `named` must be equally long and not empty, got {true.shape} and {named.shape}")
    lowest, highest = min(true.min(), named.min()), max(true.max(), named.max())
    if lowest < 0 or highest >= n_classes:
        raise InputError(f"class numbers must be from 0 to {n_classes - 1}, got {lowest} to {highest}")
    return np.bincount(true * n_classes + named, minlength=n_classes**2).reshape(n_classes, n_classes)


def f1_by_class(confusion: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall of each class: 2 hits / (named + occurring).

    Example
    -------
    >>> f1_by_class(np.array([[1, 1], [0, 1]])).round(3).tolist()
    [0.667, 0.667]
    """
    return 2 * np.diag(confusion) / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)


def wilson_interval(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Confidence interval of a proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953), 95% by default.

    Example
    -------
    >>> [round(bound, 3) for bound in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    share, weight = hits / trials, z * z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * np.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def difference_interval(first: tuple[int, int], second: tuple[int, int], z: float = 1.96) -> tuple[float, float]:
    """Confidence interval of the difference of two proportions, each given as hits and trials; 95% by default.

    Newcombe's hybrid of two Wilson intervals (1998, method 10), for independent trials. For two classifiers on the
    same recordings it is too wide rather than too narrow, as they tend to err together. DOI
    10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Example
    -------
    >>> [round(bound, 4) for bound in difference_interval((56, 70), (48, 80))]
    [0.0524, 0.3339]
    """
    (share, low, high), (other, other_low, other_high) = (
        (hits / trials, *wilson_interval(hits, trials, z)) for hits, trials in (first, second)
    )
    down = np.hypot(share - low, other_high - other)
    up = np.hypot(high - share, other - other_low)
    return float(share - other - down), float(share - other + up)


def confused_pairs(summary: dict) -> list[dict]:
    """List pairs of classes by the share of their recordings that are taken for the other, the worst first.

    Arguments
    ---------
    summary : dict
        As `summarise` gives it.

    Returns
    -------
    list[dict]
        ``pair`` and ``mistaken``.

    Example
    -------
    >>> confused_pairs(summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"]))
    [{'pair': ['ILE', 'LEU'], 'mistaken': 0.25}]
    """
    confusion, labels = np.asarray(summary["confusion"]), summary["labels"]
    either = (confusion + confusion.T) / np.maximum(np.add.outer(*[confusion.sum(1)] * 2), 1)
    rows, columns = np.triu_indices(len(labels), k=1)
    pairs = [
        {"pair": [labels[i], labels[j]], "mistaken": float(either[i, j])} for i, j in zip(rows, columns, strict=True)
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
        ``accuracy``, ``accuracy_interval`` (95%), ``macro_f1``, ``per_class_f1``, ``labels``, ``confusion``.

    Example
    -------
    >>> summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"])["accuracy"]
    0.75
    """
    hits, total = int(np.trace(confusion)), int(confusion.sum())
    f1 = f1_by_class(confusion)
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
    """A Markdown table with a row a class: recordings, precision, recall, F1, what it was taken for.

    Example
    -------
    >>> print(per_class_table(summarise(np.array([[1, 1], [0, 2]]), ["ILE", "LEU"])))
    | residue | recordings | precision | recall | F1 | taken for |
    |---|---|---|---|---|---|
    | ILE | 2 | 1.000 | 0.500 | 0.667 | LEU 1 |
    | LEU | 2 | 0.667 | 1.000 | 0.800 |  |
    """
    labels, confusion = summary["labels"], np.asarray(summary["confusion"])
    lines = ["| residue | recordings | precision | recall | F1 | taken for |", "|---|---|---|---|---|---|"]
    for i, label in enumerate(labels):
        occurring, named, hits = confusion[i].sum(), confusion[:, i].sum(), confusion[i, i]
        mistaken = sorted(
            ((n, labels[j]) for j, n in enumerate(confusion[i]) if n and j != i), key=lambda m: (-m[0], m[1])
        )
        lines.append(
            f"| {label} | {occurring} | {hits / max(named, 1):.3f} | {hits / max(occurring, 1):.3f} "
            f"| {summary['per_class_f1'][label]:.3f} | {', '.join(f'{name} {n}' for n, name in mistaken)} |"
        )
    return "\n".join(lines)
