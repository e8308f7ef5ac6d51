"""Figures of a classifier against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from nmr_speech.checks import InputError
from nmr_speech.score.classification import (
    confused_pairs,
    count_confusion,
    difference_interval,
    summarise,
    wilson_interval,
)


@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=200))
def test_against_scikit_learn(pairs):
    true, predicted = np.array(pairs).T
    summary = summarise(count_confusion(true, predicted, 5), list("abcde"))
    assert summary["confusion"] == [[pairs.count((i, j)) for j in range(5)] for i in range(5)]
    assert summary["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    expected = f1_score(true, predicted, labels=range(5), average=None, zero_division=0)
    assert list(summary["per_class_f1"].values()) == pytest.approx(expected.tolist())
    assert summary["macro_f1"] == pytest.approx(expected.mean())


@given(trials=st.integers(1, 500), data=st.data())
def test_the_bounds_of_wilson_solve_his_equation(trials, data):
    """A bound p lies 1.96 of its own standard deviations from the share: (k / n - p)^2 = z^2 p (1 - p) / n."""
    hits = data.draw(st.integers(0, trials))
    low, high = wilson_interval(hits, trials)
    for bound in (low, high):
        assert (hits / trials - bound) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / trials, abs=1e-6)
    assert 0 <= low <= hits / trials <= high <= 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),  # the examples of Newcombe 1998, Table II, method 10
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_difference_against_newcombe(first, second, expected):
    assert difference_interval(first, second) == pytest.approx(expected, abs=2e-4)
    assert difference_interval(second, first) == pytest.approx((-expected[1], -expected[0]), abs=2e-4)


def test_the_most_confused_pair_comes_first():
    summary = summarise(np.array([[8, 1, 1], [3, 7, 0], [0, 0, 20]]), ["ILE", "LEU", "VAL"])
    first, second, third = confused_pairs(summary)
    assert (first["pair"], first["mistaken"]) == (["ILE", "LEU"], 4 / 20)
    assert (second["pair"], second["mistaken"]) == (["ILE", "VAL"], 1 / 30)
    assert (third["pair"], third["mistaken"]) == (["LEU", "VAL"], 0)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([], [], "not empty"),
        ([0, 1], [0], "equally long"),
        ([0, 5], [0, 1], "class numbers must be from 0 to 1, got 0 to 5"),
    ],
)
def test_bad_input(true, predicted, message):
    with pytest.raises(InputError, match=message):
        count_confusion(true, predicted, 2)
