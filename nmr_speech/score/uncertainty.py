"""Uncertainty of the figures of a trial list, by a bootstrap over recordings; figures by residue."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.stats import binomtest

from nmr_speech.corpus.trials import Trials
from nmr_speech.score.detection import DetCurve, cllr, det_curve

FEWEST = 10  # trials of either kind, and recordings, below which a bootstrap shows no spread


def bootstrap(
    trials: Trials,
    llrs: np.ndarray,
    p_targets: Sequence[float],
    c_miss: float,
    c_fa: float,
    samples: int = 200,
    seed: int = 0,
) -> dict[str, dict]:
    """Figures of a trial list, each with a 95% interval where there is enough to estimate one.

    Trials share recordings and are far from independent, so recordings are resampled, not trials. The weight of a trial
    is the product of how often its model and its test recording were drawn. A model of one recording is that recording;
    a model of several is a unit of its own.

    Arguments
    ---------
    trials : Trials
        The list.
    llrs : np.ndarray
        Calibrated natural log-likelihood ratio of each trial, (trials,).
    p_targets : Sequence[float]
        Prior probabilities of a target, for the detection cost.
    c_miss : float
        Cost of a miss.
    c_fa : float
        Cost of a false alarm.
    samples : int
        Number of bootstrap samples.
    seed : int
        Seed of the resampling.

    Returns
    -------
    dict[str, dict]
        ``eer``, ``min_dcf`` (at the first prior), ``cllr``, ``min_cllr``, each with ``value``, ``low``, ``high``; and
        ``min_dcf_at`` with the same at every prior. Fewer than 10 trials of either kind or recordings, or samples that
        are all alike, as without an error, show no spread: there the interval of the EER is that of Clopper and Pearson
        (doi:10.1093/biomet/26.4.404) for as many independent trials as there are recordings, and others have None.

    Example
    -------
    >>> from nmr_speech.corpus.trials import all_pairs
    >>> trials = all_pairs({"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"})
    >>> figures = bootstrap(trials, np.array([9.0, -9.0, -9.0]), [0.5], 1.0, 1.0, samples=5)
    >>> figures["eer"], figures["min_dcf"]
    ({'value': 0.0, 'low': 0.0, 'high': 0.975}, {'value': 0.0, 'low': None, 'high': None})
    """
    target, nontarget = trials.split(llrs)
    scores = det_curve(target, nontarget).scores
    runs = np.searchsorted(scores, target), np.searchsorted(scores, nontarget)

    def figures(weights: np.ndarray) -> np.ndarray:
        # The scores stay sorted: a sample only weighs them anew.
        split = trials.split(weights)
        summed = (np.bincount(run, each, len(scores)) for run, each in zip(runs, split, strict=True))
        curve = DetCurve(scores, *summed)
        costs = [curve.min_dcf(p_target, c_miss, c_fa) for p_target in p_targets]
        return np.array([curve.eer(), cllr(target, nontarget, *split), curve.min_cllr(), *costs])

    value = figures(np.ones(len(trials)))
    drawn = np.stack([figures(weights) for weights in _resampled(trials, samples, seed)])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    fewest = min(len(_units(trials)), len(target), len(nontarget))
    known = (high > low) & (fewest >= FEWEST)
    eer, cost, min_cost, *min_dcfs = (
        {"value": float(v), "low": float(a) if there else None, "high": float(b) if there else None}
        for v, a, b, there in zip(value, low, high, known, strict=True)
    )
    if not known[0]:
        exact = binomtest(round(float(value[0]) * fewest), fewest).proportion_ci(0.95, method="exact")
        eer |= {"low": float(exact.low), "high": float(exact.high)}
    at_priors = {str(p_target): min_dcf for p_target, min_dcf in zip(p_targets, min_dcfs, strict=True)}
    return {"eer": eer, "min_dcf": min_dcfs[0], "cllr": cost, "min_cllr": min_cost, "min_dcf_at": at_priors}


def _units(trials: Trials) -> list[str]:
    """What is resampled: recordings, and models of several recordings."""
    return sorted({",".join(model) for model in trials.models} | set(trials.tests))


def _resampled(trials: Trials, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Weight of each trial in each sample."""
    units = _units(trials)
    at = {name: i for i, name in enumerate(units)}
    model_unit = np.array([at[",".join(model)] for model in trials.models])[trials.model]
    test_unit = np.array([at[test] for test in trials.tests])[trials.test]
    rng = np.random.default_rng(seed)
    made = 0
    while made < samples:
        count = np.bincount(rng.integers(len(units), size=len(units)), minlength=len(units)).astype(float)
        weights = count[model_unit] * count[test_unit]
        if all(kind.any() for kind in trials.split(weights)):  # without both kinds there is no error rate
            made += 1
            yield weights


def by_residue(trials: Trials, llrs: np.ndarray, figure: Callable[[DetCurve], float]) -> dict[str, float]:
    """Compute a figure of each residue's trials: those in which it enrols or is tested.

    Arguments
    ---------
    trials : Trials
        The list.
    llrs : np.ndarray
        Score of each trial, (trials,).
    figure : Callable[[DetCurve], float]
        Such as `DetCurve.eer`.

    Returns
    -------
    dict[str, float]
        Residues that have trials of both kinds, in alphabetical order.

    Example
    -------
    >>> from nmr_speech.corpus.trials import all_pairs
    >>> trials = all_pairs({"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"})
    >>> by_residue(trials, np.array([1.0, 2.0, 0.0]), DetCurve.eer)
    {'GLY': 0.5}
    """
    enrolled, tested = trials.model_labels[trials.model], trials.test_labels[trials.test]
    figures = {}
    for residue in np.union1d(enrolled, tested).tolist():
        here = (enrolled == residue) | (tested == residue)
        target, nontarget = llrs[here & trials.is_target], llrs[here & ~trials.is_target]
        if len(target) and len(nontarget):
            figures[residue] = float(figure(det_curve(target, nontarget)))
    return figures


def hardest_pairs(trials: Trials, llrs: np.ndarray, threshold: float, most: int = 10) -> list[dict]:
    """List the pairs of different residues that are most often accepted as the same.

    Arguments
    ---------
    trials : Trials
        The list.
    llrs : np.ndarray
        Score of each trial, (trials,).
    threshold : float
        Scores of at least this are accepted.
    most : int
        Largest number of pairs to list.

    Returns
    -------
    list[dict]
        ``residues``, ``trials`` (their number), ``false_alarm_rate`` (share), the worst first.

    Example
    -------
    >>> from nmr_speech.corpus.trials import all_pairs
    >>> trials = all_pairs({"GLY_0": "GLY", "VAL_0": "VAL"})
    >>> hardest_pairs(trials, np.array([1.0]), threshold=0.0)
    [{'residues': ['GLY', 'VAL'], 'trials': 1, 'false_alarm_rate': 1.0}]
    """
    pairs = np.stack([trials.model_labels[trials.model], trials.test_labels[trials.test]], axis=1)
    pairs, accepted = np.sort(pairs[~trials.is_target], axis=1), llrs[~trials.is_target] >= threshold
    names, which = np.unique(pairs, axis=0, return_inverse=True)
    counts, alarms = np.bincount(which.ravel()), np.bincount(which.ravel(), accepted)
    order = np.lexsort((names[:, 1], names[:, 0], -alarms / counts))[:most]
    return [
        {"residues": names[i].tolist(), "trials": int(counts[i]), "false_alarm_rate": float(alarms[i] / counts[i])}
        for i in order
    ]
