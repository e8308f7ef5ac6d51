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
            if row["n_bonds"] == "2":
                assert -20 < float(row["j_hz"]) < -10, row
            else:
                assert 0 < float(row["j_hz"]) < 15, row


def test_every_shift_can_be_drawn():
    for residue in RESIDUES:
        molecule = load_residue(residue)
        assert np.isfinite(molecule.shift_mean_ppm).all()
        assert (molecule.shift_std_ppm > 0.1).all()


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
