"""Calibration of a classifier on recordings that it was not trained on."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax

from nmr_speech.checks import InputError
from nmr_speech.score.detection import eer

LOWEST, HIGHEST = 1e-2, 1e2


def fit_temperature(logits, labels) -> float:
    """Fit the temperature that makes the softmax of ``logits / temperature`` a probability (Guo et al. 2017).

    Cross-entropy is convex in the inverse temperature, so its minimum is where its derivative is zero. Of N
    labels one in N + 1 is taken to be drawn at random, as in Platt's scaling: otherwise a classifier that makes no
    mistake in a small split would get temperature zero.

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

    def slope(inverse):
        return float((softmax(inverse * logits, axis=1) * logits).sum()) - own

    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    if slope(1 / LOWEST) <= 0:
        return LOWEST
    return float(1 / brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-12))


def cross_entropy(logits, labels, temperature: float = 1.0) -> float:
    """Mean cross-entropy in nats of the calibrated probabilities.

    Example
    -------
    >>> round(cross_entropy([[0.0, 0.0]], [1]), 4)
    0.6931
    """
    labels = np.asarray(labels, dtype=int)
    return float(-log_softmax(np.asarray(logits) / temperature, axis=1)[np.arange(len(labels)), labels].mean())


def fit_threshold(embeddings, labels) -> float | None:
    """Cosine at which two recordings are as likely wrongly told apart as wrongly taken for the same residue.

    Over all pairs; None if there are no pairs of one residue, or none of two.

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
    threshold = eer(cosines[same], cosines[~same])[1]
    return threshold if np.isfinite(threshold) else None


def calibrate(valid: dict, test: dict) -> dict:
    """Fit temperature and threshold on one split, and say what the temperature does on another, ready for JSON.

    Arguments
    ---------
    valid : dict
        ``embeddings`` (recordings, D), ``logits`` (recordings, classes), ``labels`` (recordings,).
    test : dict
        The same of other recordings.

    Returns
    -------
    dict
        ``temperature``, ``threshold`` (missing where there are no pairs), ``recordings`` and the cross-entropy on the
        test split before and after.
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
