"""Back ends: from embeddings to scores of trials.

Legend: N recordings, M models, D embedding. Scores are products of matrices, made in blocks of models, so memory is
bounded whatever the number of trials.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nmr_speech.checks import InputError, one_of
from nmr_speech.corpus.trials import Trials

IDENTICAL = 1e-9  # largest difference of unit embeddings that counts as none
BLOCK = 2**24
"""Scores held at a time: 128 MiB in float64."""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of recordings, with their names and residues.

    Arguments
    ---------
    names : Sequence[str]
        ID of each recording, (N,); may be empty where nobody asks for them, as in a cohort.
    labels : np.ndarray
        Residue of each, (N,).
    vectors : np.ndarray
        (N, D).

    Example
    -------
    >>> recordings = Embeddings(["GLY_0", "VAL_0"], np.array(["GLY", "VAL"]), np.eye(2))
    >>> recordings.of(["VAL_0"]).tolist()
    [[0.0, 1.0]]
    """

    names: Sequence[str]
    labels: np.ndarray
    vectors: np.ndarray

    def of(self, names: Sequence[str]) -> np.ndarray:
        """Embeddings of the recordings named, in that order, (names, D)."""
        row = {name: i for i, name in enumerate(self.names)}
        return self.vectors[[row[name] for name in names]]

    def __getitem__(self, which: np.ndarray) -> "Embeddings":
        """Some of the recordings, by positions or by a mask (N,)."""
        rows = np.arange(len(self.labels))[which]
        return Embeddings([self.names[i] for i in rows], self.labels[rows], self.vectors[rows])


def score_trials(
    backend: str, trials: Trials, recordings: Embeddings, cohort: Embeddings, top_k: int = 100
) -> np.ndarray:
    """Score trials.

    Arguments
    ---------
    backend : str
        "cosine", "centred", "s_norm" (cosine with adaptive s-norm) or "plda".
    trials : Trials
        The list.
    recordings : Embeddings
        At least those of the trials.
    cohort : Embeddings
        The recordings that the model was trained on, against which scores are normalised.
    top_k : int
        How many of the cohort's highest scores make the adaptive s-norm.

    Returns
    -------
    np.ndarray
        Score of each trial, (trials,).

    Example
    -------
    >>> from nmr_speech.corpus.trials import all_pairs
    >>> recordings = Embeddings(["a", "b"], np.array(["GLY", "GLY"]), np.array([[3.0, 4.0], [1.0, 0.0]]))
    >>> score_trials("cosine", all_pairs({"a": "GLY", "b": "GLY"}), recordings, cohort=recordings)
    array([0.6])
    """
    score = BACKENDS[one_of("backend", backend, tuple(BACKENDS))]
    # Length carries no information, and models are means of unit vectors: without this, centring would mix two scales.
    models, tests = _unit(enrol(recordings, trials.models)), _unit(recordings.of(trials.tests))
    cohort = replace(cohort, labels=np.asarray(cohort.labels), vectors=_unit(cohort.vectors))
    return score(trials, models, tests, cohort, top_k)


def enrol(recordings: Embeddings, models: Sequence[Sequence[str]]) -> np.ndarray:
    """Average the unit embeddings of each model's recordings.

    Arguments
    ---------
    recordings : Embeddings
        At least those of the models.
    models : Sequence[Sequence[str]]
        For each model, the IDs of its recordings.

    Returns
    -------
    np.ndarray
        (M, D).

    Example
    -------
    >>> recordings = Embeddings(["a", "b"], np.array(["GLY", "GLY"]), np.array([[3.0, 0.0], [0.0, 2.0]]))
    >>> enrol(recordings, [["a"], ["a", "b"]]).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    unit, row = _unit(recordings.vectors), {name: i for i, name in enumerate(recordings.names)}
    return np.stack([unit[[row[name] for name in model]].mean(axis=0) for model in models])


def _cosine(trials: Trials, models: np.ndarray, tests: np.ndarray, cohort: Embeddings, top_k: int) -> np.ndarray:
    """Cosine of the angle between the embeddings."""
    return _pick(lambda rows: models[rows] @ tests.T, trials)


def _centred(trials: Trials, models: np.ndarray, tests: np.ndarray, cohort: Embeddings, top_k: int) -> np.ndarray:
    """Cosine after the cohort's mean has been subtracted."""
    mean = cohort.vectors.mean(axis=0)
    return _cosine(trials, _unit(models - mean), _unit(tests - mean), cohort, top_k)


def _s_norm(trials: Trials, models: np.ndarray, tests: np.ndarray, cohort: Embeddings, top_k: int) -> np.ndarray:
    """Cosine, normalised by the scores of either side against the most similar impostors of the cohort.

    Adaptive s-norm: Matejka et al. 2017, doi 10.21437/Interspeech.2017-803.
    """
    scores, normalised = _cosine(trials, models, tests, cohort, top_k), np.empty(len(trials))
    sides = (
        (models @ cohort.vectors.T, trials.model_labels, trials.model),
        (tests @ cohort.vectors.T, trials.test_labels, trials.test),
    )
    pairs = np.stack([labels[of_trial] for _, labels, of_trial in sides], axis=1)
    for a, b in np.unique(pairs, axis=0):
        # Recordings of the trial's own residues are no impostors.
        impostors = np.flatnonzero(~np.isin(cohort.labels, [a, b]))
        if not len(impostors):
            raise InputError(f"s-norm needs a cohort of residues other than {a} and {b}; use `backend: cosine`")
        here, k = np.flatnonzero((pairs == (a, b)).all(axis=1)), min(top_k, len(impostors))
        parts = []
        for label, (against, labels, of_trial) in zip((a, b), sides, strict=True):
            rows = np.flatnonzero(labels == label)
            top = np.partition(against[np.ix_(rows, impostors)], -k, axis=1)[:, -k:]
            row = np.searchsorted(rows, of_trial[here])
            # A single impostor has no spread: the floor keeps its score finite.
            parts.append((scores[here] - top.mean(1)[row]) / np.maximum(top.std(1)[row], 1e-9))
        normalised[here] = (parts[0] + parts[1]) / 2
    return normalised


def _plda(trials: Trials, models: np.ndarray, tests: np.ndarray, cohort: Embeddings, top_k: int) -> np.ndarray:
    """Log-likelihood ratio of SpeechBrain's PLDA, trained on the cohort.

    Embeddings are centred and scaled to unit length first. The rank is at most the number of residues minus one, for
    their means span no more. Where the cohort is too small for a covariance in all dimensions, the principal ones
    serve.
    """
    # Imported here: it is NumPy itself, but `import speechbrain` loads torch.
    from speechbrain.processing.PLDA_LDA import PLDA, Ndx, fast_PLDA_scoring  # noqa: PLC0415

    mean = cohort.vectors.mean(axis=0)
    if np.abs(cohort.vectors - mean).max() < IDENTICAL:
        raise InputError(
            f"PLDA needs embeddings that differ, all {len(cohort.vectors)} of the cohort are the same: the model has "
            "learned nothing or the recordings are copies; train it again, or use `backend: cosine`"
        )
    train, models, tests = (_unit(x - mean) for x in (cohort.vectors, models, tests))
    n_classes = len(set(cohort.labels))
    if n_classes < 2 or len(train) < n_classes + 2:
        raise InputError(
            f"PLDA needs two residues or more, several recordings each; the cohort has {len(train)} of {n_classes}"
        )
    # The covariance within classes has at most this rank.
    axes = np.linalg.svd(train, full_matrices=False)[2][: len(train) - n_classes].T
    train, models, tests = train @ axes, models @ axes, tests @ axes
    fitted = PLDA(rank_f=min(n_classes - 1, train.shape[1]))
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            fitted.plda(_statistics(train, cohort.labels.tolist()))
    # NumPy and SciPy name a covariance without inverse so: no spread within residues, as where recordings are copies.
    except (np.linalg.LinAlgError, ValueError) as error:
        raise InputError(
            f"PLDA cannot be fitted to the cohort ({error}): the embeddings of each residue are the same; use "
            "`backend: cosine`, or more recordings"
        ) from error

    def score(rows: slice) -> np.ndarray:
        # SpeechBrain sorts names; nine digits keep them in the order of the rows.
        enrolled, tested = (_statistics(x, [f"{i:09d}" for i in range(len(x))]) for x in (models[rows], tests))
        pairs = Ndx(models=enrolled.modelset, testsegs=tested.segset)
        return fast_PLDA_scoring(enrolled, tested, pairs, fitted.mean, fitted.F, fitted.Sigma).scoremat

    return _pick(score, trials)


BACKENDS: dict[str, Callable[[Trials, np.ndarray, np.ndarray, Embeddings, int], np.ndarray]] = {
    "cosine": _cosine,
    "centred": _centred,
    "s_norm": _s_norm,
    "plda": _plda,
}
"""Each maps trials, unit embeddings of models (M, D) and tests (N, D), cohort and ``top_k`` to scores (trials,)."""


def _pick(score_rows: Callable[[slice], np.ndarray], trials: Trials) -> np.ndarray:
    """Scores of single trials from a function that makes whole rows of the score matrix."""
    scores = np.empty(len(trials))
    height = max(1, BLOCK // len(trials.tests))
    # Sorted by model, the trials of a block are a run.
    order = np.argsort(trials.model, kind="stable")
    for first in range(0, len(trials.models), height):
        start, stop = np.searchsorted(trials.model[order], [first, first + height])
        picked = order[start:stop]
        if len(picked):
            rows = slice(first, min(first + height, len(trials.models)))
            scores[picked] = score_rows(rows)[trials.model[picked] - first, trials.test[picked]]
    return scores


def _statistics(embeddings: np.ndarray, names: Sequence[str]) -> Any:
    from speechbrain.processing.PLDA_LDA import StatObject_SB  # noqa: PLC0415 - as in `_plda`

    n = len(embeddings)
    # `modelset` holds the class of each row. Segments need names of their own, except in scoring, where both agree.
    return StatObject_SB(
        modelset=np.array(names, dtype="|O"),
        segset=np.array([f"s{i:09d}" for i in range(n)] if len(set(names)) < n else names, dtype="|O"),
        start=np.array([None] * n),
        stop=np.array([None] * n),
        stat0=np.ones((n, 1)),
        stat1=np.asarray(embeddings, dtype=np.float64),
    )


def _unit(embeddings: np.ndarray) -> np.ndarray:
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=-1, keepdims=True), np.finfo(np.float64).tiny)
