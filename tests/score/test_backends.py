"""Back ends against formulas written out trial by trial."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from nmr_speech.checks import InputError
from nmr_speech.corpus.trials import Trials, all_pairs
from nmr_speech.score import backends, cllr, eer, min_cllr
from nmr_speech.score.backends import Calibration, Cohort, enrol, score_trials

RESIDUES = ("ALA", "GLY", "ILE", "LEU", "SER", "VAL")


def recordings(seed, per_residue=30, dims=10, spread=0.6):
    """Classes with means of their own; all covariances the same, so PLDA's model holds."""
    means = np.random.default_rng(99).normal(size=(len(RESIDUES), dims)) + 1.5
    rng = np.random.default_rng(seed)
    labels = np.repeat(RESIDUES, per_residue)
    return means.repeat(per_residue, 0) + spread * rng.normal(size=(len(labels), dims)), labels


@pytest.fixture(scope="module")
def setting():
    embeddings, labels = recordings(1, 8)
    trials = all_pairs({f"{label}_{i:03d}": label for i, label in enumerate(labels)})
    row = {name: int(name.split("_")[1]) for name in trials.tests} | {
        m[0]: int(m[0].split("_")[1]) for m in trials.models
    }
    models = enrol(embeddings, [[row[m[0]]] for m in trials.models])
    tests = embeddings[[row[t] for t in trials.tests]]
    model_labels = [labels[row[m[0]]] for m in trials.models]
    test_labels = [labels[row[t]] for t in trials.tests]
    return models, model_labels, tests, test_labels, trials, Cohort(*recordings(2))


def unit(embeddings):
    return embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True)


def cos(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def test_cosine_and_centred(setting):
    models, _, tests, _, trials, cohort = setting
    mean = unit(cohort.embeddings).mean(0)
    plain, centred = score_trials("cosine", *setting), score_trials("centred", *setting)
    for i in range(0, len(trials), 37):
        model, test = models[trials.model[i]], tests[trials.test[i]]
        assert plain[i] == pytest.approx(cos(model, test))
        assert centred[i] == pytest.approx(cos(unit(model) - mean, unit(test) - mean))


def test_adaptive_s_norm(setting):
    models, model_labels, tests, test_labels, trials, cohort = setting
    scores = score_trials("s_norm", *setting, top_k=20)
    for i in range(0, len(trials), 53):
        m, t = trials.model[i], trials.test[i]
        others = cohort.embeddings[(cohort.labels != model_labels[m]) & (cohort.labels != test_labels[t])]
        parts = []
        for embedding in (models[m], tests[t]):
            top = sorted(cos(embedding, other) for other in others)[-20:]
            parts.append((cos(models[m], tests[t]) - np.mean(top)) / np.std(top))
        assert scores[i] == pytest.approx(np.mean(parts))


def test_plda_is_better_than_cosine_where_its_model_holds(setting):
    trials = setting[4]
    scores = {name: score_trials(name, *setting) for name in ("cosine", "centred", "plda")}
    errors = {name: eer(s[trials.is_target], s[~trials.is_target])[0] for name, s in scores.items()}
    assert errors["plda"] < errors["centred"] < errors["cosine"]


def test_plda_scores_do_not_hang_on_names_or_blocks(setting, monkeypatch):
    whole = score_trials("plda", *setting)
    monkeypatch.setattr(backends, "BLOCK", 5 * len(setting[2]))
    assert np.allclose(score_trials("plda", *setting), whole)


def test_plda_finds_the_same_directions_as_lda():
    """Of data whose classes differ along one axis alone, PLDA scores must not see the others."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["ALA", "GLY", "SER"], 200)
    embeddings = rng.normal(size=(600, 4)) * 0.3
    embeddings[:, 0] += np.repeat([-2.0, 0.0, 2.0], 200)
    embeddings[:, 1] += 1.0
    cohort = Cohort(embeddings, labels)
    axis = LinearDiscriminantAnalysis().fit(embeddings, labels).scalings_[:, 0]
    assert abs(axis[0]) > 5 * np.abs(axis[1:]).max()
    tests = np.array([[2.0, 1.0, 0.0, 0.0], [2.0, 1.0, 0.8, -0.8], [-2.0, 1.0, 0.0, 0.0]])
    trials = Trials.of([(("a",), "0", True), (("a",), "1", True), (("a",), "2", False)])
    same, moved, other = score_trials("plda", tests[:1], ["SER"], tests, ["SER", "SER", "ALA"], trials, cohort)
    assert other < min(same, moved)
    assert abs(same - moved) < 0.3 * abs(same - other)


@pytest.mark.parametrize("backend", ["cosine", "centred", "s_norm"])
def test_blocks_make_no_difference(backend, setting, monkeypatch):
    whole = score_trials(backend, *setting)
    monkeypatch.setattr(backends, "BLOCK", 7 * len(setting[2]))
    assert np.array_equal(score_trials(backend, *setting), whole)


def test_models_are_means_of_directions():
    embeddings = np.array([[2.0, 0.0], [0.0, 8.0], [3.0, 4.0]])
    assert enrol(embeddings, [[0, 1], [2]]) == pytest.approx(np.array([[0.5, 0.5], [0.6, 0.8]]))


def test_calibration_of_gaussian_scores():
    """Unit Gaussians at distance d, scaled and shifted: the true LLR is d s - d^2 / 2 of the original scores."""
    rng = np.random.default_rng(0)
    target = rng.random(40_000) < 0.1
    raw = rng.normal(size=len(target)) + 2.0 * target
    llr = Calibration(0.05 * raw + 3.0, target)(0.05 * raw + 3.0)
    assert np.abs(llr - (2 * raw - 2)).max() < 0.3
    assert cllr(llr[target], llr[~target]) == pytest.approx(min_cllr(raw[target], raw[~target]), abs=5e-3)


def test_refusals(setting):
    models, model_labels, tests, test_labels, trials, cohort = setting
    with pytest.raises(InputError, match="`backend` must be one of cosine, centred, s_norm, plda; got 'cosin'"):
        score_trials("cosin", *setting)
    two = np.isin(cohort.labels, ["ALA", "GLY"])
    small = Cohort(cohort.embeddings[two], cohort.labels[two])
    with pytest.raises(InputError, match="s-norm needs a cohort of residues other than ALA and GLY"):
        score_trials("s_norm", models, model_labels, tests, test_labels, trials, small)
    one = cohort.labels == "ALA"
    with pytest.raises(
        InputError, match="PLDA needs two residues or more, several recordings each; the cohort has 30 of 1"
    ):
        score_trials(
            "plda", models, model_labels, tests, test_labels, trials, Cohort(cohort.embeddings[one], cohort.labels[one])
        )
