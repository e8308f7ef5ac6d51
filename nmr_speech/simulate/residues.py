"""The twenty amino acids: groups, couplings and the distribution of their chemical shifts."""

import csv
import math
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.spin_system import SpinSystem

RESIDUES = (
    "ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE",
    "LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL",
)  # fmt: skip
"""Three-letter codes in alphabetical order; the position of a code is its number in seeds and labels."""

ONE_LETTER = dict(zip("ARNDCQEGHILKMFPSTWYV", RESIDUES, strict=True))
"""Three-letter code of each one-letter code."""

BACKBONE_NH = "H"
"""In a free amino acid this is NH3+, which exchanges too fast to be seen."""

TABLES = ("groups.csv", "couplings.csv", "shift_statistics.csv")


@dataclass(frozen=True, eq=False, kw_only=True)
class Residue(Molecule):
    """One amino acid in one sample condition: a `Molecule` whose ``id`` and ``name`` are its three-letter code.

    Arguments
    ---------
    condition : str
        "h2o" or "d2o"; see `nmr_speech.simulate.Sample`.
    shift_source : str
        "protein": the residue in a chain, over all proteins; "free": the amino acid by itself in water near pH 7.4;
        "predicted": the residue at one place of one sequence.
    """

    condition: str
    shift_source: str


def read_residue(name: str, condition: str, shift_source: str, free_shift_std_ppm: float) -> Residue:
    """Read one amino acid from the package's tables; `nmr_speech.simulate.load_residue` checks its arguments first.

    Arguments
    ---------
    name : str
        Three-letter code, one of `RESIDUES`.
    condition : str
        Solvent; see `nmr_speech.simulate.Sample`.
    shift_source : str
        Origin of shifts and couplings; see `nmr_speech.simulate.Sample`.
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", in ppm.

    Returns
    -------
    Residue

    Example
    -------
    >>> read_residue("ALA", "d2o", "protein", 0.03).system.groups
    (('HA', 1), ('MB', 3))
    """
    rows = [row for row in _table("groups.csv", name) if condition in row["seen_in"].split()]
    if shift_source == "free":
        rows = [row for row in rows if row["group"] != BACKBONE_NH]
    names = [row["group"] for row in rows]
    # Couplings are one set for both solvents; without the NH, those to it have no group to join and drop out.
    mean_ppm, std_ppm = (
        _protein_shifts(name, rows) if shift_source == "protein" else _free_shifts(name, rows, free_shift_std_ppm)
    )
    n_protons = {row["group"]: int(row["n_protons"]) for row in rows}
    return Residue(
        id=name,
        name=name,
        condition=condition,
        shift_source=shift_source,
        source="BMRB statistics of proteins" if shift_source == "protein" else "GISSMO, free amino acid",
        system=SpinSystem(n_protons, _couplings_hz(name, names, shift_source)),
        shift_mean_ppm=np.array(mean_ppm),
        shift_std_ppm=np.array(std_ppm),
        shift_of=tuple(names.index(row["shift_of"] or row["group"]) for row in rows),
    )


def _protein_shifts(name, rows):
    statistics = {row["atom"]: row for row in _table("shift_statistics.csv", name)}
    chosen = [statistics[row["statistics_atom"]] for row in rows]
    return [float(row["mean_ppm"]) for row in chosen], [float(row["std_ppm"]) for row in chosen]


def _free_shifts(name, rows, std_ppm):
    shifts = [float(row["free_ppm"] or math.nan) for row in rows]
    # The tables of free amino acids are those of D2O: of protons that exchange there is the statistics of proteins.
    protein_ppm, protein_std_ppm = _protein_shifts(name, rows)
    known = [not math.isnan(ppm) for ppm in shifts]
    return (
        [ppm if is_known else other for ppm, is_known, other in zip(shifts, known, protein_ppm, strict=True)],
        [float(std_ppm) if is_known else other for is_known, other in zip(known, protein_std_ppm, strict=True)],
    )


def _couplings_hz(name, groups, shift_source):
    # `j_free_hz` stands only where the couplings do not fit the shifts of the free amino acid; see data/README.md.
    return {
        (row["group_a"], row["group_b"]): float((shift_source == "free" and row["j_free_hz"]) or row["j_hz"])
        for row in _table("couplings.csv", name)
        if {row["group_a"], row["group_b"]} <= set(groups)
    }


def table_bytes() -> bytes:
    """Content of the three tables, one after the other: a data set depends on it as on its parameters.

    Example
    -------
    >>> table_bytes().startswith(b"residue,group,n_protons")
    True
    """
    return b"".join((files(__package__) / "data" / table).read_bytes() for table in TABLES)


def _table(file_name, residue):
    with (files(__package__) / "data" / file_name).open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if row["residue"] == residue]
