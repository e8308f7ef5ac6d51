"""Temperature and threshold against closed forms."""

import numpy as np
import pytest

from nmr_speech.checks import InputError
from nmr_speech.score.calibration import calibrate, cross_entropy, fit_temperature, fit_threshold


@pytest.mark.parametrize(("gap", "hits", "recordings"), [(1.0, 5, 7), (3.0, 80, 100), (0.2, 10, 10)])
def test_two_classes_and_one_gap(gap, hits, recordings):
    """With the same logits throughout, the probability must be the share of hits, smoothed by one label in N + 1."""
    logits, labels = [[gap, 0.0]] * recordings, [0] * hits + [1] * (recordings - hits)
    share = (hits * recordings / (recordings + 1) + recordings / (recordings + 1) / 2) / recordings
    assert fit_temperature(logits, labels) == pytest.approx(gap / np.log(share / (1 - share)))


def test_a_known_temperature_is_found_again():
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(20000, 5)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) > draw.random((20000, 1))).argmax(axis=1)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.03)
    assert cross_entropy(3 * logits, labels, 3) < cross_entropy(3 * logits, labels)


def test_where_there_is_no_finite_temperature():
    assert fit_temperature(-5 * np.eye(3), [0, 1, 2]) == 100  # always wrong
    assert fit_temperature(np.zeros((4, 3)), [0, 1, 2, 0]) == 100  # says nothing
    assert 0.01 < fit_temperature(9 * np.eye(3), [0, 1, 2]) < 9  # never wrong
    with pytest.raises(InputError, match="`logits` must be finite, got NaN or infinity; the training has diverged"):
        fit_temperature([[np.nan, 0]], [0])
    with pytest.raises(InputError, match=r"`logits` must be \(recordings, classes\), got \(2,\) and \(1,\) labels"):
        fit_temperature([0.0, 1.0], [0])


def test_the_threshold_lies_between_same_and_different():
    angles = np.deg2rad([0, 10, 60, 70])  # cosines within: cos 10; between: cos 50 at most
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[1], [2], [3], [4]]
    middle = (np.cos(np.deg2rad(10)) + np.cos(np.deg2rad(50))) / 2
    assert fit_threshold(embeddings, [0, 0, 1, 1]) == pytest.approx(middle)
    assert fit_threshold(embeddings, [0, 0, 0, 0]) is None
    assert fit_threshold(embeddings, [0, 1, 2, 3]) is None


def test_pairs_may_be_missing():
    one = {"embeddings": np.eye(2), "logits": np.eye(2), "labels": [0, 1]}
    calibration = calibrate(one, one)
    assert "threshold" not in calibration
    assert calibration["recordings"] == 2
