"""Detection figures against independent implementations, closed forms and laws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import det_curve as sklearn_det_curve
from speechbrain.utils.metric_stats import EER, minDCF

from nmr_speech.checks import InputError
from nmr_speech.score import cllr, eer, min_cllr, min_dcf
from nmr_speech.score.detection import DetCurve, det_curve

few_values = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=30)  # so that ties abound
trials = st.tuples(few_values, few_values)


def normal_scores(seed, n_targets=40, n_nontargets=90):
    rng = np.random.default_rng(seed)
    return rng.normal(1.5, 1, n_targets), rng.normal(0, 1, n_nontargets)


@pytest.mark.parametrize("seed", range(20))
def test_against_speechbrain(seed):
    targets, nontargets = normal_scores(seed, 41, 90)  # 41 and 90: no two points are equally close to equal error
    tensors = torch.tensor(targets), torch.tensor(nontargets)
    assert eer(targets, nontargets)[0] == pytest.approx(EER(*tensors)[0], abs=1e-6)
    assert 0.01 * min_dcf(targets, nontargets)[0] == pytest.approx(minDCF(*tensors)[0], abs=1e-7)
    costs = {"p_target": 0.2, "c_miss": 2.0, "c_fa": 5.0}  # 2 x 0.2 < 5 x 0.8: the normaliser is 0.4
    assert 0.4 * min_dcf(targets, nontargets, **costs)[0] == pytest.approx(minDCF(*tensors, **costs)[0], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed):
    targets, nontargets = normal_scores(seed)
    curve = det_curve(targets, nontargets)
    labels = np.r_[np.ones(len(targets)), np.zeros(len(nontargets))]
    p_fa, p_miss, _ = sklearn_det_curve(labels, np.r_[targets, nontargets])
    ours = set(zip(curve.p_miss.round(9), curve.p_fa.round(9), strict=True))
    assert set(zip(p_miss.round(9), p_fa.round(9), strict=True)) <= ours


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.5])
def test_gaussian_scores(distance):
    """Two unit Gaussians at distance d: EER is Phi(-d / 2); d s - d^2 / 2 are their LLRs, so Cllr is minCllr."""
    rng = np.random.default_rng(0)
    targets, nontargets = rng.normal(distance, 1, 200_000), rng.normal(0, 1, 200_000)
    assert eer(targets, nontargets)[0] == pytest.approx(norm.cdf(-distance / 2), abs=2e-3)
    assert eer(targets, nontargets)[1] == pytest.approx(distance / 2, abs=0.05)
    llrs = [distance * scores - distance**2 / 2 for scores in (targets, nontargets)]
    assert cllr(*llrs) == pytest.approx(min_cllr(*llrs), abs=2e-3)
    # Bayes threshold at prior p: log((1 - p) / p); the cost there is that of the two tails.
    bayes = np.log(9)
    miss, false_alarm = norm.cdf(bayes / distance - distance / 2), norm.sf(bayes / distance + distance / 2)
    assert min_dcf(*llrs, p_target=0.1)[0] == pytest.approx((0.1 * miss + 0.9 * false_alarm) / 0.1, abs=0.01)


@given(trials=trials, seed=st.integers(0, 10))
def test_the_order_of_trials_does_not_matter(trials, seed):
    shuffled = [np.random.default_rng(seed).permutation(scores) for scores in trials]
    for figure in (eer, min_dcf):
        assert figure(*shuffled) == figure(*trials)
    assert min_cllr(*shuffled) == min_cllr(*trials)
    assert cllr(*shuffled) == pytest.approx(cllr(*trials))


@given(trials=trials)
def test_any_rising_map_of_the_scores_changes_nothing(trials):
    mapped = [np.exp(np.array(scores)) * 3 - 7 for scores in trials]
    assert eer(*mapped)[0] == eer(*trials)[0]
    assert min_dcf(*mapped)[0] == min_dcf(*trials)[0]
    assert min_cllr(*mapped) == min_cllr(*trials)


@given(trials=trials)
def test_exchanging_the_roles_with_the_signs_changes_nothing(trials):
    targets, nontargets = (np.array(scores) for scores in trials)
    assert eer(-nontargets, -targets)[0] == pytest.approx(eer(targets, nontargets)[0])
    assert min_dcf(-nontargets, -targets, 0.5)[0] == pytest.approx(min_dcf(targets, nontargets, 0.5)[0])
    exchanged = min_dcf(-nontargets, -targets, p_target=0.99)[0]
    assert exchanged == pytest.approx(min_dcf(targets, nontargets, p_target=0.01)[0])
    assert min_cllr(-nontargets, -targets) == pytest.approx(min_cllr(targets, nontargets))
    assert cllr(-nontargets, -targets) == pytest.approx(cllr(targets, nontargets))


@given(trials=trials, p_target=st.floats(0.001, 0.999), c_miss=st.floats(0.1, 10), c_fa=st.floats(0.1, 10))
def test_bounds(trials, p_target, c_miss, c_fa):
    assert 0 <= min_dcf(*trials, p_target, c_miss, c_fa)[0] <= 1
    assert 0 <= eer(*trials)[0] <= 1
    assert 0 <= min_cllr(*trials) <= 1 + 1e-12
    assert min_cllr(*trials) <= cllr(*trials) + 1e-9


@given(trials=trials)
def test_the_thresholds_give_the_rates(trials):
    targets, nontargets = (np.array(scores) for scores in trials)
    cost, threshold = min_dcf(targets, nontargets, p_target=0.3)
    miss, false_alarm = (targets < threshold).mean(), (nontargets >= threshold).mean()
    assert cost == pytest.approx((0.3 * miss + 0.7 * false_alarm) / 0.3)
    threshold = det_curve(*trials).eer_threshold()
    miss, false_alarm = (targets < threshold).mean(), (nontargets >= threshold).mean()
    curve = det_curve(*trials)
    assert abs(miss - false_alarm) == pytest.approx(np.abs(curve.p_miss - curve.p_fa).min())


@settings(max_examples=30)
@given(trials=trials, data=st.data())
def test_a_weight_is_a_repetition(trials, data):
    targets, nontargets = (np.array(scores) for scores in trials)
    weights = [data.draw(st.lists(st.integers(1, 4), min_size=len(s), max_size=len(s))) for s in trials]
    curve = det_curve(targets, nontargets)
    runs = [np.searchsorted(curve.scores, scores) for scores in (targets, nontargets)]
    n_scores = len(curve.scores)
    weighted = DetCurve(curve.scores, *(np.bincount(*pair, n_scores) for pair in zip(runs, weights, strict=True)))
    repeated = det_curve(np.repeat(targets, weights[0]), np.repeat(nontargets, weights[1]))
    assert np.allclose(weighted.p_miss, repeated.p_miss)
    assert np.allclose(weighted.p_fa, repeated.p_fa)
    assert weighted.eer() == pytest.approx(repeated.eer())
    assert weighted.min_cllr() == pytest.approx(repeated.min_cllr(), abs=1e-12)
    weighted_cllr = cllr(targets, nontargets, *weights)
    assert weighted_cllr == pytest.approx(cllr(np.repeat(targets, weights[0]), np.repeat(nontargets, weights[1])))


def test_ends():
    assert eer([1.0], [0.0]) == (0.0, 0.5)
    assert eer([0.0], [1.0])[0] == 1.0
    assert min_dcf([0.0], [1.0]) == (1.0, np.inf)
    assert min_dcf([0.0], [1.0], p_target=0.99) == (1.0, -np.inf)
    assert cllr([1000.0], [-1000.0]) == 0.0


@pytest.mark.parametrize(
    ("targets", "nontargets", "message"),
    [
        ([], [1.0], "`target_scores` must hold at least one score"),
        ([1.0], [], "`nontarget_scores` must hold at least one score"),
        ([1.0, np.nan], [1.0], "`target_scores` must not hold NaN, got it at position 1"),
    ],
)
def test_bad_scores(targets, nontargets, message):
    for figure in (eer, min_dcf, min_cllr):
        with pytest.raises(InputError, match=message):
            figure(targets, nontargets)


def test_bad_costs():
    with pytest.raises(InputError, match="`p_target` must be from"):
        min_dcf([1.0], [0.0], p_target=0.0)
    with pytest.raises(InputError, match="`c_fa` must be positive"):
        min_dcf([1.0], [0.0], c_fa=-1.0)
