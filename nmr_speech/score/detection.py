"""Detection: from target and non-target scores to error rates.

Conventions: a trial is accepted if its score reaches the threshold. ``Pmiss`` is the share of target trials rejected,
``Pfa`` the share of non-target trials accepted. Trials with equal scores are accepted or rejected together, so the
order of trials never matters.

Costs are normalised: a system that ignores the recordings has cost 1.

References: Brümmer and de Villiers 2013, The BOSARIS Toolkit, arXiv 1304.2865 (Cllr, minCllr, PAV); Doddington et al.
2000, doi 10.1016/S0167-6393(99)00080-1 (detection cost).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import xlogy

from nmr_speech.checks import InputError, in_range, positive


@dataclass(frozen=True, eq=False)
class DetCurve:
    """Error rates at every threshold that makes a difference, from accepting all trials to rejecting all.

    Arguments
    ---------
    scores : np.ndarray
        The scores that occur, rising, each once, (scores,).
    target_weights : np.ndarray
        Summed weight of the target trials with each score, (scores,); their number, where each trial counts once.
    nontarget_weights : np.ndarray
        The same of the non-target trials, (scores,).

    Example
    -------
    >>> curve = DetCurve(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1]), np.array([1, 1, 0]))
    >>> curve.p_miss.tolist(), curve.p_fa.tolist()
    ([0.0, 0.0, 0.5, 1.0], [1.0, 0.5, 0.0, 0.0])
    """

    scores: np.ndarray
    target_weights: np.ndarray
    nontarget_weights: np.ndarray

    @cached_property
    def p_miss(self) -> np.ndarray:
        """Share of targets rejected, from 0 to 1, (scores + 1,); entry i is for thresholds up to score i."""
        return _rejected(self.target_weights)

    @cached_property
    def p_fa(self) -> np.ndarray:
        """Share of non-targets accepted, from 1 to 0, (scores + 1,)."""
        return 1 - _rejected(self.nontarget_weights)

    def eer(self) -> float:
        """Equal error rate, from 0 to 1: the mean of Pmiss and Pfa where they are closest.

        Of two equally close points the mean counts, so that exchanging the roles (with the signs of the scores) changes
        nothing.
        """
        gap = np.abs(self.p_miss - self.p_fa)
        closest = gap <= gap.min() + 1e-12  # equal gaps may differ in their last bits
        return float((self.p_miss[closest] + self.p_fa[closest]).mean() / 2)

    def eer_threshold(self) -> float:
        """Score at which the shares of misses and false alarms are closest."""
        return self._threshold(np.abs(self.p_miss - self.p_fa))

    def costs(self, p_target: float = 0.01, c_miss: float = 1.0, c_fa: float = 1.0) -> np.ndarray:
        """Detection cost at each threshold over that of the better blind decision, (scores + 1,); see `min_dcf`."""
        in_range("p_target", p_target, 1e-12, 1 - 1e-12, "probability", "0.01 to 0.5")
        miss = positive("c_miss", c_miss, "cost of a miss") * p_target
        false_alarm = positive("c_fa", c_fa, "cost of a false alarm") * (1 - p_target)
        return (miss * self.p_miss + false_alarm * self.p_fa) / min(miss, false_alarm)

    def min_dcf(self, p_target: float = 0.01, c_miss: float = 1.0, c_fa: float = 1.0) -> float:
        """Smallest of the `costs` over all thresholds, a share of the cost of the better blind decision."""
        return float(self.costs(p_target, c_miss, c_fa).min())

    def min_dcf_threshold(self, p_target: float = 0.01, c_miss: float = 1.0, c_fa: float = 1.0) -> float:
        """Score at which `min_dcf` is reached; infinite at the end points of the curve."""
        return self._threshold(self.costs(p_target, c_miss, c_fa))

    def min_cllr(self) -> float:
        """Cllr in bits after the best rising map of the scores, from 0 to 1; see the function `min_cllr`.

        Targets and non-targets have the same total weight in it, so the two rates are all that it takes.
        """
        target, nontarget = np.diff(self.p_miss), -np.diff(self.p_fa)
        held = target + nontarget > 0  # a resampled curve has scores without weight
        target, nontarget = target[held], nontarget[held]
        # The best rising map sends each score to its probability of a target at even odds.
        posterior = isotonic_regression(target / (target + nontarget), weights=target + nontarget).x.clip(0, 1)
        bits = xlogy(target, posterior) + xlogy(nontarget, 1 - posterior)
        return float(max(0.0, -bits.sum() / (2 * np.log(2))))

    def _threshold(self, quantity: np.ndarray) -> float:
        """Where a quantity is smallest: midway between two scores, infinite at either end."""
        point = int(np.argmin(quantity))
        if point in (0, len(self.scores)):
            return float(np.inf if point else -np.inf)
        return float((self.scores[point - 1] + self.scores[point]) / 2)


def det_curve(target_scores: ArrayLike, nontarget_scores: ArrayLike) -> DetCurve:
    """Sort all trials once; every figure of merit follows from the curve.

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
    >>> curve.eer(), curve.eer_threshold()
    (0.25, 1.5)
    """
    targets = np.sort(_scores("target_scores", target_scores))
    scores = np.sort(np.concatenate([targets, _scores("nontarget_scores", nontarget_scores)]))
    # By hand, for np.unique with counts holds several more arrays of this length; tens of millions of trials must fit.
    run_ends = np.append(np.flatnonzero(scores[1:] != scores[:-1]) + 1, len(scores))
    scores = scores[run_ends - 1]
    targets_up_to = np.searchsorted(targets, scores, side="right")
    target_counts = np.diff(targets_up_to, prepend=0)
    return DetCurve(scores, target_counts, np.diff(run_ends, prepend=0) - target_counts)


def eer(target_scores: ArrayLike, nontarget_scores: ArrayLike) -> tuple[float, float]:
    """Equal error rate: the mean of Pmiss and Pfa where they are closest.

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
    return curve.eer(), curve.eer_threshold()


def min_dcf(
    target_scores: ArrayLike,
    nontarget_scores: ArrayLike,
    p_target: float = 0.01,
    c_miss: float = 1.0,
    c_fa: float = 1.0,
) -> tuple[float, float]:
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
    return curve.min_dcf(p_target, c_miss, c_fa), curve.min_dcf_threshold(p_target, c_miss, c_fa)


def cllr(
    target_llrs: ArrayLike,
    nontarget_llrs: ArrayLike,
    target_weights: np.ndarray | None = None,
    nontarget_weights: np.ndarray | None = None,
) -> float:
    """Cost of log-likelihood ratios in bits: 0 for perfect, 1 for useless ones, above 1 for misleading ones.

    Arguments
    ---------
    target_llrs : array_like
        Natural log-likelihood ratios of same-speaker trials, (targets,).
    nontarget_llrs : array_like
        Those of different-speaker trials, (non-targets,).
    target_weights : np.ndarray | None
        Weight of each same-speaker trial, (targets,); None if they count alike.
    nontarget_weights : np.ndarray | None
        Weight of each different-speaker trial, (non-targets,).

    Returns
    -------
    float

    Example
    -------
    >>> cllr([0.0, 0.0], [0.0])
    1.0
    """
    targets, nontargets = _scores("target_llrs", target_llrs), _scores("nontarget_llrs", nontarget_llrs)
    miss = np.average(np.logaddexp(0, -targets), weights=target_weights)
    false_alarm = np.average(np.logaddexp(0, nontargets), weights=nontarget_weights)
    return float((miss + false_alarm) / (2 * np.log(2)))


def min_cllr(target_scores: ArrayLike, nontarget_scores: ArrayLike) -> float:
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
        Bits, from 0 to 1.

    Example
    -------
    >>> min_cllr([2.0, 3.0], [0.0, 1.0]), min_cllr([0.0], [1.0])
    (0.0, 1.0)
    """
    return det_curve(target_scores, nontarget_scores).min_cllr()


def _rejected(weights: np.ndarray) -> np.ndarray:
    rejected = np.append(0, weights.cumsum())
    return rejected / rejected[-1]


def _scores(name: str, values: ArrayLike) -> np.ndarray:
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise InputError(f"`{name}` must hold at least one score, got shape {scores.shape}; error rates are undefined")
    if np.isnan(scores).any():
        raise InputError(f"`{name}` must not hold NaN, got it at position {int(np.flatnonzero(np.isnan(scores))[0])}")
    return scores
