"""Back ends against formulas written out trial by trial."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from nmr_speech.checks import InputError
from nmr_speech.corpus.trials import Trials, all_pairs
from nmr_speech.score import backends, cllr, eer, min_cllr
from nmr_speech.score.backends import Embeddings, enrol, score_trials
from nmr_speech.score.calibration import Calibration

RESIDUES = ("ALA", "GLY", "ILE", "LEU", "SER", "VAL")


def recordings(seed, per_residue=30, dims=10, spread=0.6):
    """Classes with means of their own; all covariances the same, so PLDA's model holds."""
    means = np.random.default_rng(99).normal(size=(len(RESIDUES), dims)) + 1.5
    rng = np.random.default_rng(seed)
    labels = np.repeat(RESIDUES, per_residue)
    names = [f"{label}_{i:03d}" for i, label in enumerate(labels)]
    return Embeddings(names, labels, means.repeat(per_residue, 0) + spread * rng.normal(size=(len(labels), dims)))


@pytest.fixture(scope="module")
def setting():
    """Trials, their recordings, and a cohort."""
    tried = recordings(1, 8)
    return all_pairs(dict(zip(tried.names, tried.labels.tolist(), strict=True))), tried, recordings(2)


def sides(trials, tried, number):
    """Embeddings of a trial's model and test recording."""
    return tried.of([*trials.models[trials.model[number]], trials.tests[trials.test[number]]])


def unit(embeddings):
    return embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True)


def cos(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def test_cosine_and_centred(setting):
    trials, tried, cohort = setting
    mean = unit(cohort.vectors).mean(0)
    plain, centred = score_trials("cosine", *setting), score_trials("centred", *setting)
    for i in range(0, len(trials), 37):
        model, test = sides(trials, tried, i)
        assert plain[i] == pytest.approx(cos(model, test))
        assert centred[i] == pytest.approx(cos(unit(model) - mean, unit(test) - mean))


def test_adaptive_s_norm(setting):
    trials, tried, cohort = setting
    scores = score_trials("s_norm", *setting, top_k=20)
    for i in range(0, len(trials), 53):
        both = sides(trials, tried, i)
        own = trials.name(i).replace("_", " ").split()
        others = cohort.vectors[~np.isin(cohort.labels, own)]
        parts = []
        for embedding in both:
            top = sorted(cos(embedding, other) for other in others)[-20:]
            parts.append((cos(*both) - np.mean(top)) / np.std(top))
        assert scores[i] == pytest.approx(np.mean(parts))


def test_plda_is_better_than_cosine_where_its_model_holds(setting):
    trials = setting[0]
    errors = {name: eer(*trials.split(score_trials(name, *setting)))[0] for name in ("cosine", "centred", "plda")}
    assert errors["plda"] < errors["centred"] < errors["cosine"]


def test_plda_finds_the_same_directions_as_lda():
    """Of data whose classes differ along one axis alone, PLDA scores must not see the others."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["ALA", "GLY", "SER"], 200)
    embeddings = rng.normal(size=(600, 4)) * 0.3
    embeddings[:, 0] += np.repeat([-2.0, 0.0, 2.0], 200)
    embeddings[:, 1] += 1.0
    cohort = Embeddings([], labels, embeddings)
    axis = LinearDiscriminantAnalysis().fit(embeddings, labels).scalings_[:, 0]
    assert abs(axis[0]) > 5 * np.abs(axis[1:]).max()
    vectors = np.array([[2.0, 1.0, 0.0, 0.0], [2.0, 1.0, 0.8, -0.8], [-2.0, 1.0, 0.0, 0.0]])
    speaker = {"same": "SER", "moved": "SER", "other": "ALA"}
    trials = Trials.of([(("same",), name) for name in speaker], speaker)
    tried = Embeddings(list(speaker), np.array(list(speaker.values())), vectors)
    same, moved, other = score_trials("plda", trials, tried, cohort)
    assert other < min(same, moved)
    assert abs(same - moved) < 0.3 * abs(same - other)


@pytest.mark.parametrize("backend", backends.BACKENDS)
def test_blocks_make_no_difference(backend, setting, monkeypatch):
    """None but rounding: BLAS may sum in another order where a matrix has another size."""
    whole = score_trials(backend, *setting)
    monkeypatch.setattr(backends, "BLOCK", 7 * len(setting[0].tests))
    tolerance = 1e-9 * np.abs(whole).max()  # 1e7 roundings of float64
    assert score_trials(backend, *setting) == pytest.approx(whole, rel=1e-9, abs=tolerance)


def test_models_are_means_of_directions():
    three = Embeddings(["a", "b", "c"], np.array(["GLY"] * 3), np.array([[2.0, 0.0], [0.0, 8.0], [3.0, 4.0]]))
    assert enrol(three, [["a", "b"], ["c"]]) == pytest.approx(np.array([[0.5, 0.5], [0.6, 0.8]]))


def test_calibration_of_gaussian_scores():
    """Unit Gaussians at distance d, scaled and shifted: the true LLR is d s - d^2 / 2 of the original scores."""
    rng = np.random.default_rng(0)
    target = rng.random(40_000) < 0.1
    raw = rng.normal(size=len(target)) + 2.0 * target
    llr = Calibration(0.05 * raw + 3.0, target)(0.05 * raw + 3.0)
    assert np.abs(llr - (2 * raw - 2)).max() < 0.3
    assert cllr(llr[target], llr[~target]) == pytest.approx(min_cllr(raw[target], raw[~target]), abs=5e-3)


def test_refusals(setting):
    trials, tried, cohort = setting
    with pytest.raises(InputError, match="`backend` must be one of cosine, centred, s_norm, plda; got 'cosin'"):
        score_trials("cosin", *setting)
    small = cohort[np.isin(cohort.labels, ["ALA", "GLY"])]
    with pytest.raises(InputError, match="s-norm needs a cohort of residues other than ALA and GLY"):
        score_trials("s_norm", trials, tried, small)
    message = "PLDA needs two residues or more, several recordings each; the cohort has 30 of 1"
    with pytest.raises(InputError, match=message):
        score_trials("plda", trials, tried, cohort[cohort.labels == "ALA"])


def test_plda_names_identical_embeddings():
    names, labels = [f"r{i}" for i in range(6)], ["GLY"] * 3 + ["VAL"] * 3
    trials = all_pairs(dict(zip(names, labels, strict=True)))
    same = Embeddings(names, np.array(labels), np.ones((6, 4)))
    with pytest.raises(InputError, match=r"all 6 of the cohort are the same: .* use `backend: cosine`"):
        score_trials("plda", trials, same, same)
    of_each_residue = Embeddings(names, np.array(labels), np.repeat(np.eye(4)[:2], 3, axis=0))
    with pytest.raises(InputError, match=r"PLDA .* use `backend: cosine`"):
        score_trials("plda", trials, of_each_residue, of_each_residue)
