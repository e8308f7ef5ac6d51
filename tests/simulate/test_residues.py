"""What the tables say of the twenty amino acids."""

import csv
from importlib.resources import files

import numpy as np
import pytest

from nmr_speech.checks import InputError
from nmr_speech.simulate import RESIDUES, SpinSystem, load_residue
from nmr_speech.simulate.spin_system import composite_spins, networks

# Protons of the free residue in a chain, counted on the structures: on carbon, and with the NH that water shows.
PROTONS = {
    "ALA": (4, 5), "ARG": (7, 9), "ASN": (3, 6), "ASP": (3, 4), "CYS": (3, 4), "GLN": (5, 8), "GLU": (5, 6),
    "GLY": (2, 3), "HIS": (5, 6), "ILE": (10, 11), "LEU": (10, 11), "LYS": (9, 10), "MET": (8, 9), "PHE": (8, 9),
    "PRO": (7, 7), "SER": (3, 4), "THR": (5, 6), "TRP": (8, 10), "TYR": (7, 8), "VAL": (8, 9),
}  # fmt: skip


@pytest.mark.parametrize("residue", RESIDUES)
def test_number_of_protons(residue):
    seen = tuple(load_residue(residue, condition).system.n_protons for condition in ("d2o", "h2o"))
    assert seen == PROTONS[residue]


@pytest.mark.parametrize("residue", ["PHE", "TYR"])
def test_ring_partners_share_a_shift(residue):
    molecule = load_residue(residue)
    index = {name: i for i, name in enumerate(molecule.system.names)}
    assert molecule.shift_of[index["HD2"]] == index["HD1"]
    assert molecule.shift_of[index["HE2"]] == index["HE1"]


@pytest.mark.parametrize("table", ["groups.csv", "couplings.csv", "shift_statistics.csv"])
def test_every_row_is_complete(table):
    with (files("nmr_speech.simulate") / "data" / table).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["residue"] for row in rows} == set(RESIDUES)
    for row in rows:
        assert None not in row.values()
        if table != "groups.csv":
            assert row["source"]


def test_geminal_couplings_are_negative_and_others_small():
    with (files("nmr_speech.simulate") / "data" / "couplings.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            assert bool(row["j_free_hz"]) == bool(row["free_source"]), row
            if row["n_bonds"] == "2":
                assert -20 < float(row["j_hz"]) < -10, row
                assert -20 < float(row["j_free_hz"] or -15) < -10, row
            else:
                assert 0 < float(row["j_hz"]) < 15, row
                assert 0 <= float(row["j_free_hz"] or 7) < 15, row


def test_every_shift_can_be_drawn():
    for residue in RESIDUES:
        molecule = load_residue(residue)
        assert np.isfinite(molecule.shift_mean_ppm).all()
        assert (molecule.shift_std_ppm > 0.1).all()
        free = load_residue(residue, "d2o", "free")
        assert np.isfinite(free.shift_mean_ppm).all()
        assert (free.shift_std_ppm == 0.03).all()


def test_free_amino_acids_have_the_groups_of_d2o():
    for residue in RESIDUES:
        free, protein = load_residue(residue, "d2o", "free"), load_residue(residue, "d2o")
        assert free.system.groups == protein.system.groups
        assert free.shift_of == protein.shift_of
        partners = np.array(free.shift_of)
        assert (free.shift_mean_ppm[partners] == free.shift_mean_ppm).all()


def test_downfield_first():
    for residue in RESIDUES:
        free = load_residue(residue, "d2o", "free")
        shifts = dict(zip(free.system.names, free.shift_mean_ppm, strict=True))
        for name, shift in shifts.items():
            if (
                name[0] == "H"
                and name[-1] == "2"
                and residue not in ("PHE", "TRP", "TYR")
                and name[:-1] + "3" in shifts
            ):
                assert shift >= shifts[name[:-1] + "3"], (residue, name)


def test_two_laboratories_agree_on_the_shifts_of_free_amino_acids():
    # HIS: the pKa of its ring is near 6, so that some tenths of a pH unit are seen in HE1.
    # TRP: the labels of HZ3 and HH2 are interchanged in Govindaraju's table.
    known = {("HIS", "HE1"), ("TRP", "HZ3"), ("TRP", "HH2")}
    with (files("nmr_speech.simulate") / "data" / "groups.csv").open(newline="") as lines:
        both = [row for row in csv.DictReader(lines) if row["free_ppm_govindaraju"]]
    apart = {
        (row["residue"], row["group"])
        for row in both
        if abs(float(row["free_ppm"]) - float(row["free_ppm_govindaraju"])) > 0.02
    }
    assert len(both) > 50
    assert apart == known


def test_tyrosine_is_not_the_anion():
    """Losing the phenol's proton moves the ring protons beside it from 6.9 to 6.6 ppm."""
    tyrosine = load_residue("TYR", "d2o", "free")
    assert 6.8 < tyrosine.shift_mean_ppm[tyrosine.system.names.index("HE1")] < 7.0


def test_the_width_of_free_shifts_can_be_chosen():
    assert (load_residue("SER", "d2o", "free", free_shift_std_ppm=0.01).shift_std_ppm == 0.01).all()
    assert (load_residue("SER", "d2o", free_shift_std_ppm=0.01).shift_std_ppm > 0.1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("VAL", "d2o", "chain"), "`shift_source` must be one of protein, free, predicted; got 'chain'"),
        (("VAL", "d2o", "free", -0.1), "`free_shift_std_ppm` must be from 0 to 0.3 ppm, got -0.1"),
        (("VAL", "dmso"), "`condition` must be one of h2o, d2o; got 'dmso'"),
    ],
)
def test_bad_choices_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        load_residue(*arguments)


@pytest.mark.parametrize("n", range(1, 7))
def test_composite_spins_span_the_product_space(n):
    assert sum((2 * spin + 1) * multiplicity for spin, multiplicity in composite_spins(n)) == 2**n


def test_blocks_have_binomial_sizes():
    (network,) = networks(load_residue("LYS").system)
    (sector,) = network.sectors
    assert [len(energy) for energy in sector.energy] == [1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1]


@pytest.mark.parametrize(
    ("groups", "couplings_hz", "message"),
    [
        ({"A": 0}, {}, "number of protons in group A` must be a whole number from 1 to 9, got 0"),
        ({"A": 3}, {("A", "A"): 12.0}, "a coupling must join two groups"),
        ({"A": 1}, {("A", "B"): 7.0}, "`couplings_hz` must be one of A; got 'B'"),
        ({"A": 1, "B": 1}, {("A", "B"): float("nan")}, "must be a finite number of Hz"),
        ({"A": 1, "B": 1}, {("A", "B"): 7.0, ("B", "A"): 7.0}, "each pair of groups once"),
    ],
)
def test_bad_systems_are_refused(groups, couplings_hz, message):
    with pytest.raises(InputError, match=message):
        SpinSystem(groups, couplings_hz)


def test_an_unknown_residue_is_refused_with_the_list():
    with pytest.raises(InputError, match=r"must be one of ALA, ARG, .* got 'VALINE', did you mean 'VAL'\?"):
        load_residue("VALINE")
