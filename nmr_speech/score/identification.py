"""Open-set identification: name a recording, or say that its residue is unknown."""

import numpy as np

from nmr_speech.score.backends import enrol

FALSE_ALARM_RATES = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)


def identify(known, known_labels, test, test_labels, rates=FALSE_ALARM_RATES) -> list[dict[str, float]]:
    """Accuracy on known residues against the rate at which unknown ones are given a name.

    Every known residue is enrolled with all its recordings. A test recording gets the name of the model with the
    highest cosine, if that is above a threshold, which is set so that a given share of the unknown recordings pass.

    Arguments
    ---------
    known : np.ndarray
        Embeddings that enrol, (N, D).
    known_labels : np.ndarray
        Their residues, (N,).
    test : np.ndarray
        Embeddings to name, of known and of unknown residues, (M, D).
    test_labels : np.ndarray
        Their residues, (M,).
    rates : Sequence[float]
        False-alarm rates.

    Returns
    -------
    list[dict[str, float]]
        ``false_alarm_rate``: the highest that the recordings allow, up to the one asked for; ``accuracy``: the share of
        recordings of known residues that are accepted under their own name.

    Example
    -------
    >>> known, labels = np.eye(2), np.array(["GLY", "VAL"])
    >>> test = np.array([[1.0, 0.1], [0.1, 1.0], [1.0, 1.0]])
    >>> identify(known, labels, test, np.array(["GLY", "VAL", "TRP"]), rates=[0.0])
    [{'false_alarm_rate': 0.0, 'accuracy': 1.0}]
    """
    known_labels, test_labels = np.asarray(known_labels), np.asarray(test_labels)
    names = np.unique(known_labels)
    models = enrol(known, [np.flatnonzero(known_labels == name) for name in names])
    models /= np.linalg.norm(models, axis=1, keepdims=True)
    cosines = test / np.linalg.norm(test, axis=1, keepdims=True) @ models.T
    best, named = cosines.max(axis=1), names[cosines.argmax(axis=1)]
    is_known = np.isin(test_labels, names)
    unknown, right = np.sort(best[~is_known])[::-1], (named == test_labels)[is_known]
    points = []
    for rate in rates:
        passing = int(rate * len(unknown) + 1e-9)
        # Accept what is above the first unknown recording that must not pass.
        threshold = unknown[passing] if passing < len(unknown) else -np.inf
        alarms = float((unknown > threshold).mean())
        points.append({"false_alarm_rate": alarms, "accuracy": float((right & (best[is_known] > threshold)).mean())})
    return points
