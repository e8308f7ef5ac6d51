"""The bootstrap and the figures by residue."""

import numpy as np
import pytest

from nmr_speech.corpus.trials import Trials, all_pairs
from nmr_speech.score import cllr, eer, min_cllr, min_dcf
from nmr_speech.score.backends import Embeddings
from nmr_speech.score.detection import DetCurve
from nmr_speech.score.identification import identify
from nmr_speech.score.uncertainty import bootstrap, by_residue, hardest_pairs

COSTS = {"p_targets": [0.1, 0.5], "c_miss": 1.0, "c_fa": 2.0}


def trial_list(n=12, residues=("ALA", "GLY", "SER"), seed=0):
    """Scores with an effect of each recording, so that trials that share one are alike."""
    rng = np.random.default_rng(seed)
    speaker = {f"{residue}_{i}": residue for residue in residues for i in range(n)}
    trials = all_pairs(speaker)
    effect = {name: rng.normal() for name in speaker}
    llrs = np.array([
        3.0 * label + effect[trials.models[m][0]] + effect[trials.tests[t]] + rng.normal() * 0.3
        for label, m, t in zip(trials.is_target, trials.model, trials.test, strict=True)
    ])  # fmt: skip
    return trials, llrs - 1.5


def test_values_are_the_plain_figures():
    trials, llrs = trial_list()
    figures = bootstrap(trials, llrs, **COSTS, samples=10)
    kinds = trials.split(llrs)
    assert figures["eer"]["value"] == pytest.approx(eer(*kinds)[0])
    assert figures["min_dcf"]["value"] == pytest.approx(min_dcf(*kinds, 0.1, 1.0, 2.0)[0])
    assert figures["min_dcf_at"]["0.1"] == figures["min_dcf"]
    assert figures["min_dcf_at"]["0.5"]["value"] == pytest.approx(min_dcf(*kinds, 0.5, 1.0, 2.0)[0])
    assert figures["cllr"]["value"] == pytest.approx(cllr(*kinds))
    assert figures["min_cllr"]["value"] == pytest.approx(min_cllr(*kinds))


def test_intervals_hold_the_spread_between_lists():
    """A 95% interval is about four standard deviations of fresh lists wide."""
    trials, llrs = trial_list(20)
    figure = bootstrap(trials, llrs, **COSTS, samples=200)["eer"]
    fresh = []
    for seed in range(1, 31):
        others, scores = trial_list(20, seed=seed)
        fresh.append(eer(*others.split(scores))[0])
    width = figure["high"] - figure["low"]
    assert 2 * np.std(fresh) < width < 8 * np.std(fresh)


def test_without_errors_or_with_few_trials_the_interval_is_exact_or_none():
    trials, _ = trial_list()
    certain = bootstrap(trials, np.where(trials.is_target, 9.0, -9.0), **COSTS, samples=5)
    assert certain["eer"]["low"] == 0
    n_recordings = len({*trials.tests, *(name for model in trials.models for name in model)})
    assert certain["eer"]["high"] == pytest.approx(1 - 0.025 ** (1 / n_recordings))  # no error in n trials
    assert certain["min_dcf"] == {"value": 0.0, "low": None, "high": None}
    two = Trials.of([(("a",), "b"), (("a",), "c")], {"a": "ALA", "b": "ALA", "c": "GLY"})
    few = bootstrap(two, np.array([1.0, -1.0]), **COSTS, samples=5)
    assert few["eer"] == pytest.approx({"value": 0.0, "low": 0.0, "high": 0.975})
    assert few["cllr"]["low"] is None


def test_the_seed_decides():
    trials, llrs = trial_list()
    one, same, other = (bootstrap(trials, llrs, **COSTS, samples=20, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one["eer"]["low"] != other["eer"]["low"]


def test_by_residue_takes_its_own_trials():
    speaker = {"a": "ALA", "b": "ALA", "c": "GLY", "d": "GLY", "e": "SER"}
    trials = Trials.of([(("a",), "b"), (("a",), "c"), (("c",), "d"), (("a",), "e")], speaker)
    seen = []
    by_residue(trials, np.arange(4.0), lambda curve: seen.append(curve) or 0.0)
    # ALA, then GLY; SER has no target trial.
    assert [curve.scores.tolist() for curve in seen] == [[0.0, 1.0, 3.0], [1.0, 2.0]]
    assert [curve.target_weights.tolist() for curve in seen] == [[1, 0, 0], [0, 1]]
    assert list(by_residue(trials, np.arange(4.0), DetCurve.eer)) == ["ALA", "GLY"]


def test_hardest_pairs():
    speaker = {"a": "ILE", "b": "ILE", "c": "LEU", "d": "LEU", "e": "GLY"}
    trials = Trials.of([(("a",), test) for test in "bcde"], speaker)
    assert hardest_pairs(trials, np.array([5.0, 2.0, 0.0, 3.0]), threshold=1.0) == [
        {"residues": ["GLY", "ILE"], "trials": 1, "false_alarm_rate": 1.0},
        {"residues": ["ILE", "LEU"], "trials": 2, "false_alarm_rate": 0.5},
    ]


def test_identification_with_rejection():
    known = Embeddings(["a", "b", "c"], np.array(["GLY", "GLY", "VAL"]), np.eye(3)[[0, 0, 1]])
    test = np.array([[1, 0, 0.1], [0.2, 1, 0], [1, 0.9, 0], [0, 0, 1], [1, 0, 1.0]])
    truth = np.array(["GLY", "VAL", "VAL", "TRP", "TRP"])
    # Cosines with the best model: GLY .995, VAL .981, a VAL taken for GLY .743; unknown ones 0 and .707.
    points = identify(known, Embeddings([], truth, test), rates=(0.0, 0.5, 1.0))
    assert points[0] == {"false_alarm_rate": 0.0, "accuracy": pytest.approx(2 / 3)}
    assert points[1] == {"false_alarm_rate": 0.5, "accuracy": pytest.approx(2 / 3)}
    assert points[2]["false_alarm_rate"] == 1.0
