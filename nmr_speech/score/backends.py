"""Back ends: from embeddings to scores of trials.

Legend: N recordings, M models, D embedding. All arrays are NumPy's. Scores are products of matrices, made in blocks of
models, so memory is bounded whatever the number of trials.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from speechbrain.processing.PLDA_LDA import PLDA, Ndx, StatObject_SB, fast_PLDA_scoring

from nmr_speech.checks import InputError, one_of

BLOCK = 2**24
"""Scores held at a time: 128 MiB in float64."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Recordings that the model was trained on, against which scores are normalised.

    Arguments
    ---------
    embeddings : np.ndarray
        (N, D).
    labels : np.ndarray
        Residue of each, (N,).
    """

    embeddings: np.ndarray
    labels: np.ndarray


def cosine(models, tests, cohort: Cohort):
    """Cosine of the angle between embeddings of unit length; the cohort is not needed."""
    return lambda rows: models[rows] @ tests.T


def centred(models, tests, cohort: Cohort):
    """Cosine after the cohort's mean is taken away."""
    mean = cohort.embeddings.mean(axis=0)
    return cosine(_unit(models - mean), _unit(tests - mean), cohort)


def plda(models, tests, cohort: Cohort):
    """Log-likelihood ratio of SpeechBrain's PLDA, trained on the cohort.

    Embeddings are centred and brought to unit length again first. The rank is the number of residues minus one at most,
    for their means span no more. Where the cohort is too small for a covariance in all dimensions, the principal ones
    serve.
    """
    mean = cohort.embeddings.mean(axis=0)
    train, models, tests = (_unit(x - mean) for x in (cohort.embeddings, models, tests))
    n_classes = len(set(cohort.labels))
    if n_classes < 2 or len(train) < n_classes + 2:
        raise InputError(
            f"PLDA needs two residues or more, several recordings each; the cohort has {len(train)} of {n_classes}"
        )
    axes = np.linalg.svd(train, full_matrices=False)[2][: len(train) - n_classes].T
    train, models, tests = train @ axes, models @ axes, tests @ axes
    fitted = PLDA(rank_f=min(n_classes - 1, train.shape[1]))
    fitted.plda(_statistics(train, cohort.labels))

    def score(rows):
        # SpeechBrain puts names into alphabetical order; these are made so that it is that of the rows.
        enrolled, tested = (_statistics(x, [f"{i:09d}" for i in range(len(x))]) for x in (models[rows], tests))
        trials = Ndx(models=enrolled.modelset, testsegs=tested.segset)
        return fast_PLDA_scoring(enrolled, tested, trials, fitted.mean, fitted.F, fitted.Sigma).scoremat

    return score


BACKENDS = {"cosine": cosine, "centred": centred, "s_norm": cosine, "plda": plda}


def score_trials(backend: str, models, model_labels, tests, test_labels, trials, cohort: Cohort, top_k: int = 100):
    """Score trials.

    Arguments
    ---------
    backend : str
        "cosine", "centred", "s_norm" (cosine with adaptive s-norm) or "plda".
    models : np.ndarray
        Embeddings of the enrolled models, (M, D); see `enrol`.
    model_labels : Sequence[str]
        Residue of each model; s-norm leaves the trial's own residues out of its cohort.
    tests : np.ndarray
        Embeddings of the test recordings, (N, D).
    test_labels : Sequence[str]
        Residue of each test recording.
    trials : nmr_speech.corpus.trials.Trials
        Positions of models and tests.
    cohort : Cohort
        Training recordings.
    top_k : int
        How many of the cohort's highest scores make the adaptive s-norm.

    Returns
    -------
    np.ndarray
        One score a trial.
    """
    one_of("backend", backend, tuple(BACKENDS))
    # Length says nothing, and models are means of unit vectors: without this, centring would mix two scales.
    models, tests, cohort = _unit(models), _unit(tests), Cohort(_unit(cohort.embeddings), np.asarray(cohort.labels))
    scores = _pick(BACKENDS[backend](models, tests, cohort), len(models), len(tests), trials.model, trials.test)
    if backend == "s_norm":
        scores = _adaptive_s_norm(scores, models, model_labels, tests, test_labels, trials, cohort, top_k)
    return scores


def enrol(embeddings: np.ndarray, members: list[list[int]]) -> np.ndarray:
    """Average the unit embeddings of each model's recordings.

    Arguments
    ---------
    embeddings : np.ndarray
        (N, D).
    members : list[list[int]]
        For each model, the rows of its recordings.

    Returns
    -------
    np.ndarray
        (M, D).

    Example
    -------
    >>> enrol(np.array([[3.0, 0.0], [0.0, 2.0]]), [[0], [0, 1]]).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    unit = _unit(embeddings)
    return np.stack([unit[rows].mean(axis=0) for rows in members])


class Calibration:
    """Scores to log-likelihood ratios: the line that logistic regression finds, at even odds of the two kinds.

    Arguments
    ---------
    scores : np.ndarray
        Scores of trials that are not those reported, (trials,).
    is_target : np.ndarray
        Their kind, (trials,).

    Example
    -------
    >>> Calibration(np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, True, False, True]))(np.array([1.5])).round(2) + 0
    array([0.])
    """

    def __init__(self, scores, is_target):
        # A penalty so faint that it only matters for scores without any error, where the line would be a step.
        line = LogisticRegression(C=1e4, class_weight="balanced", max_iter=1000)
        self.scale = np.std(scores) or 1.0
        line.fit(scores[:, None] / self.scale, is_target)
        self.slope, self.offset = float(line.coef_[0, 0]), float(line.intercept_[0])

    def __call__(self, scores):
        """Map scores to natural log-likelihood ratios."""
        return self.slope * (scores / self.scale) + self.offset


def _pick(block_of_scores, n_models, n_tests, model, test):
    """Scores of single trials from a function that makes whole rows of the score matrix."""
    scores = np.empty(len(model))
    height = max(1, BLOCK // n_tests)
    order = np.argsort(model, kind="stable")
    for first in range(0, n_models, height):
        start, stop = np.searchsorted(model[order], [first, first + height])
        picked = order[start:stop]
        if len(picked):
            rows = slice(first, min(first + height, n_models))
            scores[picked] = block_of_scores(rows)[model[picked] - first, test[picked]]
    return scores


def _adaptive_s_norm(scores, models, model_labels, tests, test_labels, trials, cohort, top_k):
    # Without the trial's own residues: they would be impostors that are none.
    model_labels, test_labels = np.asarray(model_labels), np.asarray(test_labels)
    normalised = np.empty(len(scores))
    against = {"model": models @ cohort.embeddings.T, "test": tests @ cohort.embeddings.T}
    pairs = np.stack([model_labels[trials.model], test_labels[trials.test]], axis=1)
    for a, b in np.unique(pairs, axis=0):
        impostors = ~np.isin(cohort.labels, [a, b])
        if not impostors.any():
            raise InputError(f"s-norm needs a cohort of residues other than {a} and {b}; use `backend: cosine`")
        here = np.flatnonzero((pairs == (a, b)).all(axis=1))
        parts = []
        for side, label, labels, index in (
            ("model", a, model_labels, trials.model),
            ("test", b, test_labels, trials.test),
        ):
            rows = np.flatnonzero(labels == label)
            k = min(top_k, int(impostors.sum()))
            top = np.partition(against[side][np.ix_(rows, np.flatnonzero(impostors))], -k, axis=1)[:, -k:]
            position = np.searchsorted(rows, index[here])
            parts.append((scores[here] - top.mean(1)[position]) / np.maximum(top.std(1)[position], 1e-9))
        normalised[here] = (parts[0] + parts[1]) / 2
    return normalised


def _statistics(embeddings, names):
    n = len(embeddings)
    return StatObject_SB(
        modelset=np.array(names, dtype="|O"),
        segset=np.array([f"s{i:09d}" for i in range(n)] if len(set(names)) < n else names, dtype="|O"),
        start=np.array([None] * n),
        stop=np.array([None] * n),
        stat0=np.ones((n, 1)),
        stat1=np.asarray(embeddings, dtype=np.float64),
    )


def _unit(embeddings):
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=-1, keepdims=True), np.finfo(np.float64).tiny)
