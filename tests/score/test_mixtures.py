"""Figures of merit of mixtures: known answers, and the calibration that they rest on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from nmr_speech.checks import InputError
from nmr_speech.score.calibration import fit_log_odds, reliability
from nmr_speech.score.mixtures import presence_figures, recall_by_amount


def tubes(rng, n=400, residues=20):
    count = rng.integers(0, 6, n)
    amounts = np.zeros((n, residues))
    for row, k in zip(amounts, count, strict=True):
        row[rng.choice(residues, k, replace=False)] = 10 ** -rng.uniform(0, 0.9, k)
    return amounts


def figures(log_odds, amounts):
    n = len(amounts)
    is_pure = (amounts > 0).sum(1) == 1
    return presence_figures(log_odds, amounts, log_odds.argmax(1), is_pure, np.ones(n, dtype=bool))


def test_a_perfect_model_is_perfect():
    amounts = tubes(np.random.default_rng(0))
    found = figures(np.where(amounts > 0, 5.0, -5.0), amounts)
    for name in ("average_precision", "recall", "found", "pure_accuracy", "pure_found"):
        assert found[name] == 1
    assert found["false"] == found["none_named"] == 0


def test_a_model_that_guesses_has_the_precision_of_the_share_and_the_recall_of_its_false_ones():
    rng = np.random.default_rng(0)
    amounts = tubes(rng, n=4000)
    found = figures(rng.normal(size=amounts.shape), amounts)
    some = amounts[(amounts > 0).any(1)]
    assert found["average_precision"] == pytest.approx((some > 0).mean(), abs=0.02)
    assert found["recall"] == pytest.approx(0.02, abs=0.01)
    assert found["pure_accuracy"] == pytest.approx(1 / 20, abs=0.03)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_ranks_decide_not_scales(scale, seed):
    rng = np.random.default_rng(seed)
    amounts = tubes(rng)
    log_odds = rng.normal(size=amounts.shape) + 2 * (amounts > 0) - 1
    one, other = figures(log_odds, amounts), figures(scale * log_odds, amounts)
    for name in ("average_precision", "recall", "found", "false", "pure_accuracy"):
        assert one[name] == pytest.approx(other[name])


def test_what_is_no_tocsy_counts_in_no_figure():
    rng = np.random.default_rng(0)
    amounts = tubes(rng)
    log_odds = np.where(amounts > 0, 5.0, -5.0)
    is_tocsy = rng.random(len(amounts)) < 0.7
    log_odds[~is_tocsy] *= -1
    is_pure = (amounts > 0).sum(1) == 1
    found = presence_figures(log_odds, amounts, log_odds.argmax(1), is_pure, is_tocsy)
    assert found["average_precision"] == 1
    assert found["tubes"] == is_tocsy.sum()
    with pytest.raises(InputError, match="there must be a tube that was measured by TOCSY"):
        presence_figures(log_odds, amounts, log_odds.argmax(1), is_pure, np.zeros(len(amounts), dtype=bool))


def test_weak_residues_count_neither_way():
    amounts = np.array([[1.0, 0.05, 0.0]] * 10 + [[0.0, 0.0, 1.0]] * 10)
    found = figures(np.where(amounts >= 0.1, 5.0, -5.0), amounts)
    assert found["average_precision"] == found["found"] == 1
    rows = recall_by_amount(np.where(amounts >= 0.1, 5.0, -5.0), amounts, (0.01, 0.1, 1.01))
    assert [(row["count"], row["found"]) for row in rows] == [(10, 0.0), (20, 1.0)]


def test_log_odds_are_found_again_and_probabilities_are_as_often_true():
    """Outputs whose log-odds are known, of which the model says only half, and one more."""
    rng = np.random.default_rng(0)
    log_odds = rng.normal(-1, 2, 40_000)
    is_true = rng.random(log_odds.size) < expit(log_odds)
    slope, offset = fit_log_odds(0.5 * log_odds + 1, is_true)
    assert (slope, offset) == pytest.approx((2, -2), abs=0.1)
    for row in reliability(expit(slope * (0.5 * log_odds + 1) + offset), is_true):
        assert row["share"] == pytest.approx(row["probability"], abs=5 * (0.25 / row["count"]) ** 0.5 + 0.01)
