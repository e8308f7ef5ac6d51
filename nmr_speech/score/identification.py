"""Open-set identification: classify a recording, or reject it as of an unknown residue."""

from collections.abc import Sequence

import numpy as np

from nmr_speech.score.backends import Embeddings, enrol

FALSE_ALARM_RATES = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)


def identify(known: Embeddings, test: Embeddings, rates: Sequence[float] = FALSE_ALARM_RATES) -> list[dict[str, float]]:
    """Accuracy on known residues against the rate at which unknown ones are accepted.

    Every known residue is enrolled with all its recordings. The prediction for a test recording is the model with the
    highest cosine, if that is above a threshold, which is set so that a given share of the unknown recordings pass.

    Arguments
    ---------
    known : Embeddings
        Recordings that enrol.
    test : Embeddings
        Recordings to classify, of known and of unknown residues.
    rates : Sequence[float]
        False-alarm rates, shares of the unknown recordings.

    Returns
    -------
    list[dict[str, float]]
        ``false_alarm_rate``: the highest that the recordings allow, up to the one asked for; ``accuracy``: the share of
        recordings of known residues that are accepted and predicted correctly.

    Example
    -------
    >>> known = Embeddings(["a", "b"], np.array(["GLY", "VAL"]), np.eye(2))
    >>> vectors = np.array([[1.0, 0.1], [0.1, 1.0], [1.0, 1.0]])
    >>> identify(known, Embeddings([], np.array(["GLY", "VAL", "TRP"]), vectors), rates=[0.0])
    [{'false_alarm_rate': 0.0, 'accuracy': 1.0}]
    """
    residues = np.unique(known.labels)
    members = [known[known.labels == residue].names for residue in residues]
    models = enrol(known, members)
    models /= np.linalg.norm(models, axis=1, keepdims=True)
    cosines = test.vectors / np.linalg.norm(test.vectors, axis=1, keepdims=True) @ models.T
    best, predicted = cosines.max(axis=1), residues[cosines.argmax(axis=1)]
    is_known = np.isin(test.labels, residues)
    unknown, right = np.sort(best[~is_known])[::-1], (predicted == test.labels)[is_known]
    points = []
    for rate in rates:
        passing = int(rate * len(unknown) + 1e-9)  # 0.29 x 100 is below 29 in floating point
        # Accept what is above the first unknown recording that must not pass.
        threshold = unknown[passing] if passing < len(unknown) else -np.inf
        alarms = float((unknown > threshold).mean())
        points.append({"false_alarm_rate": alarms, "accuracy": float((right & (best[is_known] > threshold)).mean())})
    return points
