"""Detection: from target and non-target scores to error rates.

Conventions: a trial is accepted if its score reaches the threshold. ``Pmiss`` is the share of target trials rejected,
``Pfa`` the share of non-target trials accepted. Equal scores share their fate, so the order of trials never matters.

Costs are normalised: 1 is what a system achieves that ignores the recordings.

References: Brümmer and de Villiers 2013, The BOSARIS Toolkit, arXiv 1304.2865 (Cllr, minCllr, PAV); Doddington et al.
2000, doi 10.1016/S0167-6393(99)00080-1 (detection cost).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import xlogy

from nmr_speech.checks import InputError, in_range, positive


@dataclass(frozen=True, eq=False)
class DetCurve:
    """Error rates at every threshold that makes a difference, from accepting all to rejecting all.

    Arguments
    ---------
    scores : np.ndarray
        The scores that occur, rising, each once, (scores,).
    p_miss : np.ndarray
        Rises from 0 to 1, (scores + 1,). Entry i belongs to thresholds above score i - 1 and up to score i.
    p_fa : np.ndarray
        Falls from 1 to 0, (scores + 1,).
    """

    scores: np.ndarray
    p_miss: np.ndarray
    p_fa: np.ndarray

    def threshold(self, point: int) -> float:
        """Threshold of an operating point, midway between scores; infinite at the two ends."""
        if point in (0, len(self.scores)):
            return float(np.inf if point else -np.inf)
        return float((self.scores[point - 1] + self.scores[point]) / 2)


def det_curve(target_scores, nontarget_scores) -> DetCurve:
    """Sort all trials once; every figure of this module follows from the curve.

    Arguments
    ---------
    target_scores : array_like
        Scores of same-speaker trials, (targets,).
    nontarget_scores : array_like
        Scores of different-speaker trials, (non-targets,).

    Returns
    -------
    DetCurve

    Example
    -------
    >>> curve = det_curve([2.0, 3.0], [1.0, 2.0])
    >>> curve.p_miss.tolist(), curve.p_fa.tolist()
    ([0.0, 0.0, 0.5, 1.0], [1.0, 0.5, 0.0, 0.0])
    """
    targets = np.sort(_scores("target_scores", target_scores))
    scores = np.sort(np.concatenate([targets, _scores("nontarget_scores", nontarget_scores)]))
    run_ends = np.append(np.flatnonzero(scores[1:] != scores[:-1]) + 1, len(scores))
    scores = scores[run_ends - 1]
    rejected_targets = np.searchsorted(targets, scores, side="right")
    rejected_nontargets = run_ends - rejected_targets
    return DetCurve(
        scores,
        p_miss=np.append(0, rejected_targets) / len(targets),
        p_fa=1 - np.append(0, rejected_nontargets) / rejected_nontargets[-1],
    )


def weighted_det_curve(scores: np.ndarray, target_runs, nontarget_runs, target_weights, nontarget_weights) -> DetCurve:
    """Make a curve of weighted trials that were sorted before: a bootstrap sample costs no sorting.

    Arguments
    ---------
    scores : np.ndarray
        The scores that occur, rising, each once: ``det_curve(...).scores``.
    target_runs : np.ndarray
        For each target trial, the position of its score in ``scores``.
    nontarget_runs : np.ndarray
        The same for non-target trials.
    target_weights : np.ndarray
        Weight of each target trial.
    nontarget_weights : np.ndarray
        Weight of each non-target trial.

    Returns
    -------
    DetCurve

    Example
    -------
    >>> weighted_det_curve(np.array([1.0, 2.0]), [1, 1], [0], [1.0, 1.0], [2.0]).p_miss.tolist()
    [0.0, 0.0, 1.0]
    """
    rates = []
    for runs, weights in ((target_runs, target_weights), (nontarget_runs, nontarget_weights)):
        rejected = np.append(0, np.bincount(runs, weights, minlength=len(scores)).cumsum())
        rates.append(rejected / rejected[-1])
    return DetCurve(scores, rates[0], 1 - rates[1])


def _scores(name, scores):
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise InputError(f"`{name}` must hold at least one score, got shape {scores.shape}; error rates are undefined")
    if np.isnan(scores).any():
        raise InputError(f"`{name}` must not hold NaN, got it at position {int(np.flatnonzero(np.isnan(scores))[0])}")
    return scores


def eer(target_scores, nontarget_scores) -> tuple[float, float]:
    """Equal error rate: the mean of Pmiss and Pfa where they are closest.

    Of two equally close points the mean counts, so that exchanging the roles (with the signs of the scores) changes
    nothing.

    Arguments
    ---------
    target_scores : array_like
        Scores of same-speaker trials, (targets,).
    nontarget_scores : array_like
        Scores of different-speaker trials, (non-targets,).

    Returns
    -------
    eer : float
        From 0 to 1.
    threshold : float
        Accept scores of at least this.

    Example
    -------
    >>> eer([0.6, 0.7, 0.8, 0.5], [0.4, 0.3, 0.2, 0.65])
    (0.25, 0.55)
    """
    curve = det_curve(target_scores, nontarget_scores)
    return equal_error(curve), curve.threshold(int(np.argmin(np.abs(curve.p_miss - curve.p_fa))))


def equal_error(curve: DetCurve) -> float:
    """Equal error rate of a curve; see `eer`.

    Example
    -------
    >>> equal_error(det_curve([1.0, 3.0], [0.0, 2.0]))
    0.5
    """
    gap = np.abs(curve.p_miss - curve.p_fa)
    closest = gap <= gap.min() + 1e-12
    return float((curve.p_miss[closest] + curve.p_fa[closest]).mean() / 2)


def min_dcf(target_scores, nontarget_scores, p_target=0.01, c_miss=1.0, c_fa=1.0) -> tuple[float, float]:
    """Smallest detection cost over all thresholds, normalised by that of the better blind decision.

    Arguments
    ---------
    target_scores : array_like
        Scores of same-speaker trials, (targets,).
    nontarget_scores : array_like
        Scores of different-speaker trials, (non-targets,).
    p_target : float
        Prior probability of a target.
    c_miss : float
        Cost of a miss.
    c_fa : float
        Cost of a false alarm.

    Returns
    -------
    min_dcf : float
        From 0 to 1.
    threshold : float
        Where it is reached; infinite if rejecting or accepting everything is best.

    Example
    -------
    >>> min_dcf([0.6, 0.7, 0.8, 0.5], [0.4, 0.3, 0.2, 0.1])
    (0.0, 0.45)
    """
    curve = det_curve(target_scores, nontarget_scores)
    cost = detection_cost(curve.p_miss, curve.p_fa, p_target, c_miss, c_fa)
    best = int(np.argmin(cost))
    return float(cost[best]), curve.threshold(best)


def detection_cost(p_miss, p_fa, p_target=0.01, c_miss=1.0, c_fa=1.0):
    """Normalised detection cost of operating points.

    Example
    -------
    >>> detection_cost(1.0, 0.0), detection_cost(0.0, 1.0, p_target=0.5)
    (1.0, 1.0)
    """
    in_range("p_target", p_target, 1e-12, 1 - 1e-12, "probability", "0.01 to 0.5")
    miss = positive("c_miss", c_miss, "cost of a miss") * p_target
    false_alarm = positive("c_fa", c_fa, "cost of a false alarm") * (1 - p_target)
    return (miss * p_miss + false_alarm * p_fa) / min(miss, false_alarm)


def cllr(target_llrs, nontarget_llrs) -> float:
    """Cost of log-likelihood ratios in bits: 0 for perfect, 1 for useless ones, above 1 for misleading ones.

    Arguments
    ---------
    target_llrs : array_like
        Natural log-likelihood ratios of same-speaker trials, (targets,).
    nontarget_llrs : array_like
        Those of different-speaker trials, (non-targets,).

    Returns
    -------
    float

    Example
    -------
    >>> cllr([0.0, 0.0], [0.0])
    1.0
    """
    return float(log_cost(_scores("target_llrs", target_llrs), _scores("nontarget_llrs", nontarget_llrs)))


def log_cost(target_llrs, nontarget_llrs, target_weights=None, nontarget_weights=None):
    """Weighted Cllr; see `cllr`."""
    miss = np.average(np.logaddexp(0, -np.asarray(target_llrs)), weights=target_weights)
    false_alarm = np.average(np.logaddexp(0, np.asarray(nontarget_llrs)), weights=nontarget_weights)
    return (miss + false_alarm) / (2 * np.log(2))


def min_cllr(target_scores, nontarget_scores) -> float:
    """Cllr after the best rising map of the scores (pool adjacent violators): what calibration cannot mend.

    Arguments
    ---------
    target_scores : array_like
        Scores of same-speaker trials, (targets,).
    nontarget_scores : array_like
        Those of different-speaker trials, (non-targets,).

    Returns
    -------
    float
        From 0 to 1.

    Example
    -------
    >>> min_cllr([2.0, 3.0], [0.0, 1.0]), min_cllr([0.0], [1.0])
    (0.0, 1.0)
    """
    return optimal_log_cost(det_curve(target_scores, nontarget_scores))


def optimal_log_cost(curve: DetCurve) -> float:
    """MinCllr of a curve; see `min_cllr`. Targets and non-targets weigh the same in all, so the curve is all it takes.

    Example
    -------
    >>> optimal_log_cost(det_curve([2.0, 3.0], [0.0, 1.0]))
    0.0
    """
    target, nontarget = np.diff(curve.p_miss), -np.diff(curve.p_fa)
    held = target + nontarget > 0
    target, nontarget = target[held], nontarget[held]
    posterior = isotonic_regression(target / (target + nontarget), weights=target + nontarget).x.clip(0, 1)
    bits = xlogy(target, posterior) + xlogy(nontarget, 1 - posterior)
    return float(max(0.0, -bits.sum() / (2 * np.log(2))))
