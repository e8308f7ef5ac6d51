"""Calibration: logits to probabilities, scores of trials to log-likelihood ratios, on data not trained on."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from nmr_speech.checks import InputError
from nmr_speech.score.detection import det_curve

LOWEST, HIGHEST = 1e-2, 1e2


class Calibration:
    """Scores to log-likelihood ratios: the line that logistic regression finds, at even odds of the two kinds.

    Arguments
    ---------
    scores : np.ndarray
        Scores of trials other than those reported, (trials,).
    is_target : np.ndarray
        Whether each is a target trial, (trials,).

    Example
    -------
    >>> Calibration(np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, True, False, True]))(np.array([1.5])).round(2) + 0
    array([0.])
    """

    def __init__(self, scores: np.ndarray, is_target: np.ndarray) -> None:
        # A penalty so faint that it only matters for scores without any error, where the line would be a step.
        line = LogisticRegression(C=1e4, class_weight="balanced", max_iter=1000)
        scale = np.std(scores) or 1.0  # the penalty must not depend on the unit of the scores
        line.fit(scores[:, None] / scale, is_target)
        self.slope, self.offset = float(line.coef_[0, 0] / scale), float(line.intercept_[0])

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Map scores (trials,) to natural log-likelihood ratios."""
        return self.slope * scores + self.offset


def fit_log_odds(outputs: ArrayLike, is_true: ArrayLike) -> tuple[float, float]:
    """Fit the line that makes outputs the log-odds of what they detect: Platt's scaling, at the odds of the data.

    Arguments
    ---------
    outputs : ArrayLike
        Outputs of a detector on data not trained on, (n,).
    is_true : ArrayLike
        Whether each was to be detected, bool, (n,).

    Returns
    -------
    tuple[float, float]
        Slope and offset: log-odds = slope x output + offset.

    Example
    -------
    >>> slope, offset = fit_log_odds([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0], [0, 0, 1, 0, 1, 1])  # right two times of three
    >>> round(slope, 2), round(offset, 2) + 0
    (0.69, 0.0)
    """
    line = LogisticRegression(C=1e4, max_iter=1000).fit(np.reshape(outputs, (-1, 1)), np.asarray(is_true))
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def reliability(probabilities: ArrayLike, is_true: ArrayLike, n_bins: int = 10) -> list[dict]:
    """Compare probabilities with how often what they say is true.

    Arguments
    ---------
    probabilities : ArrayLike
        Probabilities, (n,).
    is_true : ArrayLike
        Whether each statement was true, bool, (n,).
    n_bins : int
        Number of bins of equal width between 0 and 1.

    Returns
    -------
    list[dict]
        For each bin that holds any: ``count``, the mean ``probability`` and the ``share`` that was true.

    Example
    -------
    >>> reliability([0.9, 0.92, 0.1, 0.12], [True, True, False, True], n_bins=2)
    [{'count': 2, 'probability': 0.11, 'share': 0.5}, {'count': 2, 'probability': 0.91, 'share': 1.0}]
    """
    values, truth = np.asarray(probabilities, dtype=float), np.asarray(is_true, dtype=float)
    number = np.minimum((values * n_bins).astype(int), n_bins - 1)
    return [
        {
            "count": int(inside.sum()),
            "probability": round(float(values[inside].mean()), 4),
            "share": round(float(truth[inside].mean()), 4),
        }
        for inside in (number == k for k in range(n_bins))
        if inside.any()
    ]


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Fit the temperature that makes the softmax of ``logits / temperature`` a probability.

    Guo et al. 2017, arXiv 1706.04599. Cross-entropy is convex in the inverse temperature, so its minimum is where its
    derivative is zero. Of N labels one in N + 1 is taken to be drawn at random, as in Platt's scaling: otherwise a
    classifier that makes no mistake in a small split would get temperature zero.

    Arguments
    ---------
    logits : array_like
        (recordings, classes).
    labels : array_like
        Class numbers, (recordings,).

    Returns
    -------
    float
        From 0.01 to 100.

    Example
    -------
    >>> fit_temperature([[1.0, 0.0]] * 7, [0, 0, 0, 0, 0, 1, 1])  # 1 / ln(5.5 / 2.5)
    1.268...
    """
    logits, labels = np.asarray(logits, dtype=float), np.asarray(labels, dtype=int)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise InputError(f"`logits` must be (recordings, classes), got {logits.shape} and {labels.shape} labels")
    if not np.isfinite(logits).all():
        raise InputError("`logits` must be finite, got NaN or infinity; the training has diverged, lower `lr`")
    random = 1 / (len(labels) + 1)
    own = (1 - random) * logits[np.arange(len(labels)), labels].sum() + random * logits.mean(axis=1).sum()

    # Derivative of the cross-entropy with respect to the inverse temperature; it rises.
    def slope(inverse: float) -> float:
        return float((softmax(inverse * logits, axis=1) * logits).sum()) - own

    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    if slope(1 / LOWEST) <= 0:
        return LOWEST
    return float(1 / brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-12))


def cross_entropy(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> float:
    """Mean cross-entropy in nats of the calibrated probabilities.

    Arguments
    ---------
    logits : array_like
        (recordings, classes).
    labels : array_like
        Class numbers, (recordings,).
    temperature : float
        What the logits are divided by.

    Returns
    -------
    float

    Example
    -------
    >>> round(cross_entropy([[0.0, 0.0]], [1]), 4)  # ln 2
    0.6931
    """
    labels = np.asarray(labels, dtype=int)
    return float(-log_softmax(np.asarray(logits) / temperature, axis=1)[np.arange(len(labels)), labels].mean())


def fit_threshold(embeddings: ArrayLike, labels: ArrayLike) -> float | None:
    """Cosine at which two recordings are as often wrongly told apart as wrongly taken for the same residue.

    Arguments
    ---------
    embeddings : array_like
        (recordings, D).
    labels : array_like
        Class numbers, (recordings,).

    Returns
    -------
    float | None
        Threshold of the cosine over all pairs; None if no two are of one residue, or all are.

    Example
    -------
    >>> fit_threshold([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], [0, 0, 1, 1])
    0.596...
    """
    embeddings, labels = np.asarray(embeddings, dtype=float), np.asarray(labels, dtype=int)
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), np.finfo(float).tiny)
    first, second = np.triu_indices(len(labels), 1)
    cosines, same = (unit @ unit.T)[first, second], labels[first] == labels[second]
    if same.all() or not same.any():
        return None
    threshold = det_curve(cosines[same], cosines[~same]).eer_threshold()
    return threshold if np.isfinite(threshold) else None


def calibrate(valid: Mapping, test: Mapping) -> dict:
    """Fit temperature and threshold on one split and measure the temperature on another, ready for JSON.

    Arguments
    ---------
    valid : Mapping
        ``embeddings`` (recordings, D), ``logits`` (recordings, classes), ``labels`` (recordings,).
    test : Mapping
        The same of other recordings.

    Returns
    -------
    dict
        ``temperature``, ``threshold`` of the cosine (missing where there are no pairs), ``recordings`` (their number),
        and the cross-entropy in nats on the test split before and after.

    Example
    -------
    >>> split = {"embeddings": [[1.0], [1.0]], "logits": [[2.0, 0.0], [0.0, 2.0]], "labels": [0, 0]}
    >>> calibrate(split, split)["temperature"]  # one right, one wrong: the logits say nothing
    100.0
    """
    temperature = fit_temperature(valid["logits"], valid["labels"])
    threshold = fit_threshold(valid["embeddings"], valid["labels"])
    return {
        "temperature": temperature,
        **({} if threshold is None else {"threshold": threshold}),
        "recordings": len(valid["labels"]),
        "test_cross_entropy_before": cross_entropy(test["logits"], test["labels"]),
        "test_cross_entropy": cross_entropy(test["logits"], test["labels"], temperature),
    }
