"""The bootstrap and the figures by residue."""

import numpy as np
import pytest

from nmr_speech.corpus.trials import Trials, all_pairs
from nmr_speech.score import cllr, eer, min_cllr, min_dcf
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
    labels = [speaker[m[0]] for m in trials.models], [speaker[t] for t in trials.tests]
    return trials, llrs - 1.5, labels


def test_values_are_the_plain_figures():
    trials, llrs, _ = trial_list()
    figures = bootstrap(trials, llrs, **COSTS, samples=10)
    kinds = llrs[trials.is_target], llrs[~trials.is_target]
    assert figures["eer"]["value"] == pytest.approx(eer(*kinds)[0])
    assert figures["min_dcf"]["value"] == pytest.approx(min_dcf(*kinds, 0.1, 1.0, 2.0)[0])
    assert figures["min_dcf_at"]["0.1"] == figures["min_dcf"]
    assert figures["min_dcf_at"]["0.5"]["value"] == pytest.approx(min_dcf(*kinds, 0.5, 1.0, 2.0)[0])
    assert figures["cllr"]["value"] == pytest.approx(cllr(*kinds))
    assert figures["min_cllr"]["value"] == pytest.approx(min_cllr(*kinds))


def test_intervals_hold_the_spread_between_lists():
    """A 95% interval is about four standard deviations of fresh lists wide."""
    trials, llrs, _ = trial_list(20)
    figure = bootstrap(trials, llrs, **COSTS, samples=200)["eer"]
    fresh = []
    for seed in range(1, 31):
        others, scores, _ = trial_list(20, seed=seed)
        fresh.append(eer(scores[others.is_target], scores[~others.is_target])[0])
    width = figure["high"] - figure["low"]
    assert 2 * np.std(fresh) < width < 8 * np.std(fresh)


def test_the_seed_decides():
    trials, llrs, _ = trial_list()
    one, same, other = (bootstrap(trials, llrs, **COSTS, samples=20, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one["eer"]["low"] != other["eer"]["low"]


def test_by_residue_takes_its_own_trials():
    lines = [(("a",), "b", True), (("a",), "c", False), (("c",), "d", True), (("a",), "e", False)]
    trials = Trials.of(lines)
    model_labels, test_labels = ["ALA", "GLY"], ["ALA", "GLY", "GLY", "SER"]
    seen = {}
    by_residue(trials, np.arange(4.0), model_labels, test_labels, lambda t, n: seen.update({tuple(t): tuple(n)}) or 0.0)
    assert seen == {(0.0,): (1.0, 3.0), (2.0,): (1.0,)}  # ALA, then GLY; SER has no target trial


def test_hardest_pairs():
    lines = [(("a",), "b", True), (("a",), "c", False), (("a",), "d", False), (("a",), "e", False)]
    pairs = hardest_pairs(Trials.of(lines), np.array([5.0, 2.0, 0.0, 3.0]), ["ILE"], ["ILE", "LEU", "LEU", "GLY"], 1.0)
    assert pairs == [
        {"residues": ["GLY", "ILE"], "trials": 1, "false_alarm_rate": 1.0},
        {"residues": ["ILE", "LEU"], "trials": 2, "false_alarm_rate": 0.5},
    ]


def test_identification_with_rejection():
    known, labels = np.eye(3)[[0, 0, 1]], np.array(["GLY", "GLY", "VAL"])
    test = np.array([[1, 0, 0.1], [0.2, 1, 0], [1, 0.9, 0], [0, 0, 1], [1, 0, 1.0]])
    truth = np.array(["GLY", "VAL", "VAL", "TRP", "TRP"])
    # Cosines with the best model: GLY .995, VAL .981, a VAL taken for GLY .743; unknown ones 0 and .707.
    points = identify(known, labels, test, truth, rates=(0.0, 0.5, 1.0))
    assert points[0] == {"false_alarm_rate": 0.0, "accuracy": pytest.approx(2 / 3)}
    assert points[1] == {"false_alarm_rate": 0.5, "accuracy": pytest.approx(2 / 3)}
    assert points[2]["false_alarm_rate"] == 1.0
