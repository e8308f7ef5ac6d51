"""The classifier that is given the shifts, against closed forms, permutations and draws of the simulator."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import norm

from nmr_speech.checks import InputError
from nmr_speech.score.bound import (
    CELL_PPM,
    KNOWS,
    ShiftPrior,
    classify_by_shifts,
    log_likelihoods,
    log_onto,
    shift_prior,
)
from nmr_speech.simulate import RESIDUES, draw_recording, load_residue

# Sums over assignments take 2^lines steps: these residues have six lines at most, lysine has ten.
FEW_LINES = ("ALA", "ASN", "ASP", "CYS", "GLU", "GLY", "HIS", "SER", "THR", "TYR", "VAL")


def prior(mean_ppm, std_ppm=1.0, names=None, protons=None):
    n = len(mean_ppm)
    names = names or tuple(f"H{i}" for i in range(n))
    return ShiftPrior(names, protons or (1,) * n, np.array(mean_ppm, dtype=float), np.full(n, float(std_ppm)))


def accuracy(knows, residues, **settings):
    true, predicted = classify_by_shifts(knows, residues, **settings)
    return (true == predicted).mean()


def simulated_error(knows, classes, draws=20_000):
    rng = np.random.default_rng(0)
    errors = 0
    for number, source in enumerate(classes):
        shifts = rng.normal(source.mean_ppm, source.std_ppm, (draws, len(source.names)))
        errors += (log_likelihoods(knows, shifts, source, classes).argmax(axis=1) != number).sum()
    return errors / (len(classes) * draws)


def near(share, draws=40_000):
    return pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / draws))


@pytest.mark.parametrize("distance", [0.5, 2.0])
@pytest.mark.parametrize("knows", [knows for knows in KNOWS if knows != "cells"])
def test_two_gaussians(knows, distance):
    assert simulated_error(knows, [prior([0]), prior([distance])]) == near(ndtr(-distance / 2))


def test_two_gaussians_in_cells():
    # The middle between the means is the edge of a cell, so the rule in cells of 0.5 is the exact one.
    classes = [prior([0]), prior([2])]
    shifts = np.random.default_rng(0).normal(0, 1, (20_000, 1))
    wrong = log_likelihoods("cells", shifts, classes[0], classes, cell_ppm=0.5).argmax(axis=1)
    assert wrong.mean() == near(ndtr(-1), 20_000)


def test_independent_groups_add_their_distances():
    # d^2 = sum (difference / std)^2; with equal Gaussians inside a class, names are of no use.
    classes = [prior([0, 0, 0]), prior([1, 1, 1])]
    for knows in ("names", "protons", "shifts"):
        assert simulated_error(knows, classes) == near(ndtr(-math.sqrt(3) / 2))


def test_names_tell_apart_what_a_set_does_not():
    # The same two Gaussians under interchanged names: with names d^2 = 2 x 2^2, without them a coin.
    classes = [prior([0, 2], names=("A", "B")), prior([2, 0], names=("A", "B"))]
    assert simulated_error("names", classes) == near(ndtr(-math.sqrt(2)))
    table = log_likelihoods("shifts", np.random.default_rng(0).normal(size=(50, 2)), classes[0], classes)
    assert np.allclose(table[:, 0], table[:, 1])


@given(
    n_groups=st.integers(1, 5),
    n_lines=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1, 30]),
)
@settings(max_examples=60, deadline=None)
def test_sums_against_all_assignments(n_groups, n_lines, seed, scale):
    log_weights = scale * np.random.default_rng(seed).normal(size=(3, n_groups, n_lines))
    ways = [way for way in itertools.product(range(n_lines), repeat=n_groups) if len(set(way)) == n_lines]
    of_way = np.stack([log_weights[:, range(n_groups), way].sum(axis=1) for way in ways], 1) if ways else None
    expected = np.logaddexp.reduce(of_way, axis=1) if ways else np.full(3, -np.inf)
    assert log_onto(log_weights) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [1, 7, 10])
def test_the_permanent_of_ones_is_a_factorial(n):
    assert np.exp(log_onto(np.zeros((2, n, n)))) == pytest.approx(math.factorial(n))


def test_weights_of_zero():
    with np.errstate(divide="ignore"):
        matrices = np.log([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]])
    assert log_onto(matrices).tolist() == [0.0, -np.inf, -np.inf]


def test_likelihoods_of_assignments_are_those_of_permutations():
    source = shift_prior(load_residue("VAL"))
    shifts = np.random.default_rng(0).normal(source.mean_ppm, source.std_ppm, (4, 5))
    free = [norm.pdf(shifts[:, order], source.mean_ppm, source.std_ppm) for order in itertools.permutations(range(5))]
    alike = [
        norm.pdf(shifts[:, order], source.mean_ppm, source.std_ppm)
        for order in itertools.permutations(range(5))
        if [source.protons[i] for i in order] == list(source.protons)
    ]
    assert len(alike) == math.factorial(3) * math.factorial(2)
    for knows, densities in (("shifts", free), ("protons", alike)):
        table = log_likelihoods(knows, shifts, source, [source])
        assert table[:, 0] == pytest.approx(np.log(sum(density.prod(axis=1) for density in densities)))


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_probabilities_of_all_occupied_cells_sum_to_one(n_groups):
    # Twelve cells of 1 ppm hold all but a billionth of these Gaussians.
    candidate = prior(np.linspace(-0.4, 0.7, n_groups), 0.9)
    total = 0.0
    for k in range(1, n_groups + 1):
        for cells in itertools.combinations(np.arange(-6.0, 6.0), k):
            shifts = np.array([[*cells, *[cells[0]] * (n_groups - k)]]) + 0.5
            total += np.exp(log_likelihoods("cells", shifts, candidate, [candidate], cell_ppm=1.0)).item()
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("knows", ["shifts", "cells", "any_number"])
def test_a_set_has_no_order(knows):
    candidates = [shift_prior(load_residue(name)) for name in RESIDUES]
    source = candidates[RESIDUES.index("LYS")]
    shifts = np.random.default_rng(0).normal(source.mean_ppm, source.std_ppm, (6, 10))
    mixed = shifts[:, np.random.default_rng(1).permutation(10)]
    expected = log_likelihoods(knows, shifts, source, candidates)
    assert log_likelihoods(knows, mixed, source, candidates) == pytest.approx(expected)


def test_shifts_of_groups_of_one_size_have_no_order():
    candidates = [shift_prior(load_residue(name)) for name in ("ILE", "LEU")]
    shifts = np.random.default_rng(0).normal(candidates[0].mean_ppm, candidates[0].std_ppm, (6, 7))
    assert candidates[0].protons == (1, 1, 1, 1, 3, 3, 1)
    expected = log_likelihoods("protons", shifts, candidates[0], candidates)
    alike, unlike = [6, 3, 0, 1, 5, 4, 2], [4, 1, 2, 3, 0, 5, 6]
    assert log_likelihoods("protons", shifts[:, alike], candidates[0], candidates) == pytest.approx(expected)
    assert not np.allclose(log_likelihoods("protons", shifts[:, unlike], candidates[0], candidates), expected)


@pytest.mark.parametrize("condition", ["h2o", "d2o"])
def test_more_knowledge_gives_higher_accuracy(condition):
    settings = {"draws": 200, "condition": condition}
    reached = [accuracy(knows, FEW_LINES, **settings) for knows in ("names", "protons", "shifts", "cells")]
    reached.append(accuracy("cells", FEW_LINES, cell_ppm=8 * CELL_PPM, **settings))  # a grid that holds the finer one
    assert all(np.diff(reached) < 0.005)
    assert reached[0] > accuracy("shared_names", FEW_LINES, **settings)
    assert reached[2] > accuracy("any_number", FEW_LINES, **settings)


def test_fine_cells_are_as_good_as_shifts():
    _, by_shift = classify_by_shifts("shifts", ["ILE", "LEU"], draws=100)
    _, by_cell = classify_by_shifts("cells", ["ILE", "LEU"], draws=100, cell_ppm=0.001)
    assert (by_shift == by_cell).mean() > 0.98


def test_shared_names_of_two_residues_are_a_likelihood_ratio():
    pair = [shift_prior(load_residue(name)) for name in ("ILE", "LEU")]
    shifts = np.random.default_rng(0).normal(pair[0].mean_ppm, pair[0].std_ppm, (5, 7))
    table = log_likelihoods("shared_names", shifts, pair[0], pair)
    expected = 0
    for name in ("HA", "MD1", "H"):
        shift = shifts[:, pair[0].names.index(name)]
        log_density = [
            norm.logpdf(shift, one.mean_ppm[i], one.std_ppm[i]) for one in pair for i in [one.names.index(name)]
        ]
        expected = expected + log_density[0] - log_density[1]
    assert table[:, 0] - table[:, 1] == pytest.approx(expected)


def test_residues_without_a_shared_name_are_guessed():
    true, predicted = classify_by_shifts("shared_names", ["ALA", "GLY"], draws=500, condition="d2o")
    assert [predicted[true == residue].mean() for residue in (0, 1)] == [near(0.5, 500)] * 2
    assert accuracy("names", ["ALA", "GLY"], draws=500, condition="d2o") == 1


def test_the_shifts_are_those_of_the_recordings():
    # Far fewer lines than groups: the ring of phenylalanine is drawn once a pair.
    phenylalanine = shift_prior(load_residue("PHE"))
    recording = draw_recording("PHE", 7, 3, n_transients=1, n_points=1)
    assert {recording.shifts_ppm[name] for name in phenylalanine.names} == set(recording.shifts_ppm.values())
    assert sum(phenylalanine.protons) == load_residue("PHE").system.n_protons


def test_the_seed_decides():
    first, again, other = (classify_by_shifts("shifts", ["ILE", "LEU"], draws=200, seed=seed)[1] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_free_amino_acids_hardly_vary():
    assert accuracy("shifts", RESIDUES, draws=50, condition="d2o", shift_source="free") > 0.99


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classify_by_shifts("name"), "`knows` must be one of names, protons, .* did you mean 'names'"),
        (lambda: classify_by_shifts("shifts", ["ILE"]), "`residues` must name two residues or more, each once, got"),
        (lambda: classify_by_shifts("shifts", ["ILE", "ILE"]), "each once"),
        (lambda: classify_by_shifts("shifts", "ILE"), "two residues or more"),
        (lambda: classify_by_shifts("shifts", draws=0), "`draws` must be a whole number from 1 to"),
        (
            lambda: classify_by_shifts("cells", ["ILE", "LEU"], cell_ppm=0),
            "`cell_ppm` must be from 0.001 to 12 ppm, got 0",
        ),
        (
            lambda: classify_by_shifts("shifts", condition="d2o", shift_source="free", free_shift_std_ppm=0),
            "a standard deviation of 0 has no density",
        ),
        (
            lambda: log_likelihoods("shifts", np.zeros(3), prior([0, 0, 0]), [prior([0])]),
            r"`shifts_ppm` must be \(recordings, 3\), got \(3,\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
