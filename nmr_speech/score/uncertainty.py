"""How sure are the figures of a trial list? Bootstrap over recordings."""

from collections.abc import Callable, Sequence

import numpy as np

from nmr_speech.corpus.trials import Trials
from nmr_speech.score.detection import (
    det_curve,
    detection_cost,
    equal_error,
    log_cost,
    optimal_log_cost,
    weighted_det_curve,
)


def bootstrap(
    trials: Trials,
    llrs: np.ndarray,
    p_targets: Sequence[float],
    c_miss: float,
    c_fa: float,
    samples: int = 200,
    seed: int = 0,
) -> dict[str, dict]:
    """Figures of a trial list, each with a 95% interval.

    Trials share recordings and are far from independent; so recordings are drawn again, not trials. A trial weighs the
    product of how often its model and its test recording were drawn. A model of one recording is that recording; a
    model of several is a unit of its own.

    Arguments
    ---------
    trials : Trials
        The list.
    llrs : np.ndarray
        Calibrated log-likelihood ratio of each trial.
    p_targets : Sequence[float]
        Priors of the detection cost.
    c_miss : float
        Cost of a miss.
    c_fa : float
        Cost of a false alarm.
    samples : int
        Number of bootstrap samples.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict[str, dict]
        ``eer``, ``min_dcf`` (at the first prior), ``cllr``, ``min_cllr``, each with ``value``, ``low``, ``high``; and
        ``min_dcf_at`` with the same at every prior.
    """
    target, nontarget = llrs[trials.is_target], llrs[~trials.is_target]
    scores = det_curve(target, nontarget).scores
    runs = np.searchsorted(scores, target), np.searchsorted(scores, nontarget)

    def figures(weights):
        split = weights[trials.is_target], weights[~trials.is_target]
        curve = weighted_det_curve(scores, *runs, *split)
        costs = [detection_cost(curve.p_miss, curve.p_fa, p_target, c_miss, c_fa).min() for p_target in p_targets]
        return np.array(
            [equal_error(curve), float(log_cost(target, nontarget, *split)), optimal_log_cost(curve), *costs]
        )

    value = figures(np.ones(len(trials)))
    drawn = np.stack([figures(weights) for weights in _resampled(trials, samples, seed)])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    eer, cllr, min_cllr, *min_dcfs = (
        {"value": float(v), "low": float(a), "high": float(b)} for v, a, b in zip(value, low, high, strict=True)
    )
    at_priors = {str(p_target): min_dcf for p_target, min_dcf in zip(p_targets, min_dcfs, strict=True)}
    return {"eer": eer, "min_dcf": min_dcfs[0], "cllr": cllr, "min_cllr": min_cllr, "min_dcf_at": at_priors}


def _resampled(trials, samples, seed):
    units = sorted({",".join(model) for model in trials.models} | set(trials.tests))
    at = {name: i for i, name in enumerate(units)}
    model_unit = np.array([at[",".join(model)] for model in trials.models])[trials.model]
    test_unit = np.array([at[test] for test in trials.tests])[trials.test]
    rng = np.random.default_rng(seed)
    made = 0
    while made < samples:
        count = np.bincount(rng.integers(len(units), size=len(units)), minlength=len(units)).astype(float)
        weights = count[model_unit] * count[test_unit]
        if weights[trials.is_target].any() and weights[~trials.is_target].any():  # else there is no error rate
            made += 1
            yield weights


def by_residue(trials: Trials, llrs: np.ndarray, model_labels, test_labels, figure: Callable) -> dict[str, float]:
    """Compute a figure of each residue's trials: those in which it enrols or is tested.

    Arguments
    ---------
    trials : Trials
        The list.
    llrs : np.ndarray
        Score of each trial.
    model_labels : Sequence[str]
        Residue of each model.
    test_labels : Sequence[str]
        Residue of each test recording.
    figure : Callable
        Maps target and non-target scores to a number.

    Returns
    -------
    dict[str, float]
        Residues that have trials of both kinds, in alphabetical order.
    """
    enrolled, tested = np.asarray(model_labels)[trials.model], np.asarray(test_labels)[trials.test]
    figures = {}
    for residue in sorted(set(enrolled) | set(tested)):
        here = (enrolled == residue) | (tested == residue)
        kinds = llrs[here & trials.is_target], llrs[here & ~trials.is_target]
        if all(len(scores) for scores in kinds):
            figures[residue] = float(figure(*kinds))
    return figures


def hardest_pairs(
    trials: Trials, llrs: np.ndarray, model_labels, test_labels, threshold: float, most: int = 10
) -> list[dict]:
    """List the pairs of different residues that are most often taken for the same.

    Arguments
    ---------
    trials : Trials
        The list.
    llrs : np.ndarray
        Score of each trial.
    model_labels : Sequence[str]
        Residue of each model.
    test_labels : Sequence[str]
        Residue of each test recording.
    threshold : float
        Scores of at least this are accepted.
    most : int
        Length of the list.

    Returns
    -------
    list[dict]
        ``residues``, ``trials``, ``false_alarm_rate``, the worst first.
    """
    pairs = np.sort(np.stack([np.asarray(model_labels)[trials.model], np.asarray(test_labels)[trials.test]], 1), axis=1)
    pairs, accepted = pairs[~trials.is_target], llrs[~trials.is_target] >= threshold
    names, which = np.unique(pairs, axis=0, return_inverse=True)
    counts, alarms = np.bincount(which.ravel()), np.bincount(which.ravel(), accepted)
    order = np.lexsort((names[:, 1], names[:, 0], -alarms / counts))[:most]
    return [
        {"residues": names[i].tolist(), "trials": int(counts[i]), "false_alarm_rate": float(alarms[i] / counts[i])}
        for i in order
    ]
