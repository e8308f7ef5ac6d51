"""The library and the random molecules: what they hold, what they refuse, and that they stay what they are."""

import csv
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from nmr_speech.checks import InputError
from nmr_speech.simulate import (
    RESIDUES,
    Molecule,
    SpinSystem,
    draw_molecule,
    draw_sibling,
    load_molecule,
    load_residue,
    molecule_ids,
    tocsy,
)
from nmr_speech.simulate.fragments import STD_PPM
from nmr_speech.simulate.molecule import farthest_proton_ppm
from nmr_speech.simulate.spin_system import connected, largest_block
from nmr_speech.simulate.synthetic import MAX_BLOCK, MAX_PROTONS, nearest_amino_acid_ppm, widen


def bottleneck(a, b):
    """Smallest possible largest distance of pairs, by trying all pairings of two short lists."""
    if not a:
        return 0.0
    return min(max(abs(a[0] - b[k]), bottleneck(a[1:], b[:k] + b[k + 1 :])) for k in range(len(b)))


def test_every_molecule_of_the_library_loads_and_is_no_amino_acid():
    ids = molecule_ids()
    assert len(ids) == len(set(ids)) == 1157
    free = [load_residue(name, "d2o", "free") for name in RESIDUES]
    for id in ids:
        molecule = load_molecule(id)
        assert molecule.id == id
        assert ((molecule.shift_mean_ppm > -1) & (molecule.shift_mean_ppm < 11)).all()
        assert min(farthest_proton_ppm(molecule, residue) for residue in free) >= 0.25


def test_every_row_of_the_tables_belongs_to_a_molecule():
    folder = files("nmr_speech.simulate") / "data" / "molecules"
    for table in ("groups.csv", "couplings.csv"):
        rows = list(csv.DictReader((folder / table).read_text().splitlines()))
        assert {row["molecule"] for row in rows} <= set(molecule_ids())


def test_caffeine_has_its_known_shifts():
    (caffeine,) = [id for id in molecule_ids() if load_molecule(id).name == "Caffeine"]
    # Three N-methyl groups and the proton between the two nitrogens, as in any textbook.
    molecule = load_molecule(caffeine)
    assert sorted(n for _, n in molecule.system.groups) == [1, 3, 3, 3]
    assert molecule.shift_mean_ppm[[n == 1 for _, n in molecule.system.groups]] == pytest.approx(7.87, abs=0.1)


def test_an_amino_acid_is_reached_by_its_code():
    valine = load_molecule("VAL")
    assert valine.system == load_residue("VAL").system
    assert isinstance(valine, Molecule)


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("bmse001295_simulation_2", "the nearest are bmse001295_simulation_1"),
        ("VAK", "the nearest are .*VAL"),
        ("", "`nmr_speech.simulate.molecule_ids` lists them"),
        (3, "got 3"),
    ],
)
def test_an_unknown_id_names_the_nearest(id, message):
    with pytest.raises(InputError, match=message):
        load_molecule(id)


@pytest.mark.parametrize("seed", [-1, 1.5, "7", [1, -2], True])
def test_a_seed_that_is_none(seed):
    with pytest.raises(InputError, match="`seed` must be a whole number from 0, or several"):
        draw_molecule(seed)


def test_a_molecule_follows_from_its_seed():
    for seed in (3, [3, 4]):
        one, two = draw_molecule(seed), draw_molecule(seed)
        assert one.system == two.system
        np.testing.assert_array_equal(one.shift_mean_ppm, two.shift_mean_ppm)
        assert draw_sibling(one, 1).system == draw_sibling(two, 1).system
    assert draw_molecule(3).system != draw_molecule(4).system


def test_no_molecule_and_no_sibling_comes_near_an_amino_acid():
    residues = [
        load_residue(name, condition, source)
        for name in RESIDUES
        for condition, source in (("h2o", "protein"), ("d2o", "protein"), ("d2o", "free"))
    ]
    for seed in range(300):
        molecule = draw_molecule([1, seed])
        for one in (molecule, draw_sibling(molecule, seed)):
            assert min(farthest_proton_ppm(one, residue) for residue in residues) >= 0.25
            assert one.system.n_protons <= MAX_PROTONS
            assert largest_block(one.system) <= MAX_BLOCK
            assert one.system.couplings_hz


def test_what_is_near_an_amino_acid_is_refused_up_to_the_radius_asked_for():
    wide = [nearest_amino_acid_ppm(draw_molecule(seed, refused_within_ppm=1.0)) for seed in range(40)]
    assert min(wide) >= 1.0
    # A sibling of an amino acid itself must move away from it.
    sibling = draw_sibling(load_residue("ILE", "d2o"), 5)
    assert nearest_amino_acid_ppm(sibling) >= 0.25


def test_protons_are_compared_at_the_best_assignment():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.uniform(0, 10, (2, 5))
        system = SpinSystem(dict.fromkeys("ABCDE", 1), {})
        common = {"system": system, "shift_std_ppm": np.zeros(5), "shift_of": tuple(range(5)), "source": ""}
        one, two = (Molecule(id="", name="", shift_mean_ppm=shifts, **common) for shifts in (a, b))
        assert farthest_proton_ppm(one, two) == pytest.approx(bottleneck(list(a), list(b)))


def test_symmetric_partners_share_their_shift_in_every_draw():
    rng, partners = np.random.default_rng(0), 0
    for seed in range(60):
        molecule = draw_molecule(seed)
        shifts = molecule.draw_shifts(rng, 3)
        for group, own in enumerate(molecule.shift_of):
            partners += group != own
            np.testing.assert_array_equal(shifts[:, group], shifts[:, own])
    assert partners > 10


def test_draws_have_the_mean_and_spread_of_the_molecule():
    molecule = draw_molecule(11)
    shifts = molecule.draw_shifts(np.random.default_rng(0), 20000)
    np.testing.assert_allclose(shifts.mean(0), molecule.shift_mean_ppm, atol=0.02)
    np.testing.assert_allclose(shifts.std(0), molecule.shift_std_ppm, rtol=0.03)


def test_a_widened_molecule_varies_like_a_residue_in_proteins():
    molecule = widen(load_molecule("bmse000297_simulation_1"), 1)
    assert (
        (molecule.shift_std_ppm >= 0.2) & (molecule.shift_std_ppm <= max(high for _, high in STD_PPM.values()))
    ).all()


def test_random_molecules_have_what_amino_acids_have():
    molecules = [draw_molecule(seed) for seed in range(300)]
    names = [name for molecule in molecules for name in molecule.system.names]
    couplings = [j for molecule in molecules for *_, j in molecule.system.couplings_hz]
    assert any(name.startswith("HN") for name in names)
    assert any(name.startswith("M") for name in names)
    assert any(j < -10 for j in couplings)  # geminal
    assert any(6 < j < 8 for j in couplings)
    assert {len(connected(molecule.system)) for molecule in molecules} >= {1, 2, 3}


def test_the_simulator_takes_a_molecule():
    ethanol = load_molecule("bmse000297_simulation_1")
    one = tocsy(ethanol, ethanol.shift_mean_ppm, n_transients=4, n_points=4)
    two = tocsy(ethanol.system, ethanol.shift_mean_ppm, n_transients=4, n_points=4)
    assert (one == two).all()


def test_rising_shifts():
    shifts = load_molecule("TRP").proton_shifts_ppm
    assert all(a <= b for a, b in pairwise(shifts))
    assert len(shifts) == load_molecule("TRP").system.n_protons
