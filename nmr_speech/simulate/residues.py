"""The twenty amino acids: groups, couplings and the distribution of their chemical shifts."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from nmr_speech.checks import InputError, in_range, one_of
from nmr_speech.simulate.spin_system import SpinSystem

RESIDUES = (
    "ALA",
    "ARG",
    "ASN",
    "ASP",
    "CYS",
    "GLN",
    "GLU",
    "GLY",
    "HIS",
    "ILE",
    "LEU",
    "LYS",
    "MET",
    "PHE",
    "PRO",
    "SER",
    "THR",
    "TRP",
    "TYR",
    "VAL",
)
"""Three-letter codes in alphabetical order; the position of a code is its number in seeds and labels."""

CONDITIONS = ("h2o", "d2o")
SHIFT_SOURCES = ("protein", "free")
FREE_SHIFT_STD_PPM = 0.03  # what pH, salt, temperature and referencing move a shift by between ordinary samples
TABLES = ("groups.csv", "couplings.csv", "shift_statistics.csv")


@dataclass(frozen=True, eq=False)
class Residue:
    """One amino acid in one sample condition.

    Arguments
    ---------
    name : str
        Three-letter code.
    condition : str
        "h2o": backbone and slowly exchanging side-chain NH are seen; "d2o": only protons on carbon.
    shift_source : str
        "protein": the residue in a chain, over all proteins; "free": the amino acid alone in water near pH 7.4.
    system : SpinSystem
        Groups and couplings.
    shift_mean_ppm : np.ndarray
        Mean shift of each group, (groups,).
    shift_std_ppm : np.ndarray
        Standard deviation of each group's shift, (groups,).
    shift_of : tuple[int, ...]
        For each group, the position of the group whose draw it takes: its own, or that of its ring partner.
    """

    name: str
    condition: str
    shift_source: str
    system: SpinSystem
    shift_mean_ppm: np.ndarray
    shift_std_ppm: np.ndarray
    shift_of: tuple[int, ...]


@lru_cache(maxsize=4 * len(RESIDUES))
def load_residue(
    name: str,
    condition: str = "h2o",
    shift_source: str = "protein",
    free_shift_std_ppm: float = FREE_SHIFT_STD_PPM,
) -> Residue:
    """Read one amino acid from the package's tables.

    Arguments
    ---------
    name : str
        Three-letter code, e.g. "VAL".
    condition : str
        "h2o" or "d2o"; see `Residue`.
    shift_source : str
        "protein": each shift has its Gaussian over all proteins (BMRB). "free": shifts and couplings of the free amino
        acid in neutral D2O at 298 K (GISSMO; TYR of Govindaraju 2000, for GISSMO's sample is strongly basic: see the
        README of the tables). The amino group of a free amino acid is not seen, so this source goes with "d2o" only.
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", 0 to 0.3 ppm; without effect on "protein".

    Returns
    -------
    Residue

    Example
    -------
    >>> load_residue("VAL").system.names
    ('HA', 'HB', 'MG1', 'MG2', 'H')
    >>> load_residue("VAL", condition="d2o").system.names
    ('HA', 'HB', 'MG1', 'MG2')
    >>> load_residue("VAL", "d2o", shift_source="free").shift_mean_ppm.round(2).tolist()
    [3.6, 2.27, 1.03, 0.98]
    """
    one_of("residue", name, RESIDUES)
    one_of("condition", condition, CONDITIONS)
    one_of("shift_source", shift_source, SHIFT_SOURCES)
    in_range("free_shift_std_ppm", free_shift_std_ppm, 0, 0.3, "ppm", "0.01 to 0.05")
    if shift_source == "free" and condition != "d2o":
        raise InputError(
            f"`shift_source` 'free' needs `condition` 'd2o', got {condition!r}: "
            "a free amino acid has NH3+ in place of the backbone NH, and it exchanges too fast to be seen"
        )
    rows = [row for row in _table("groups.csv", name) if condition in row["seen_in"].split()]
    names = [row["group"] for row in rows]
    mean_ppm, std_ppm = (
        _protein_shifts(name, rows) if shift_source == "protein" else _free_shifts(rows, free_shift_std_ppm)
    )
    return Residue(
        name,
        condition,
        shift_source,
        SpinSystem({row["group"]: int(row["n_protons"]) for row in rows}, _couplings_hz(name, names, shift_source)),
        shift_mean_ppm=np.array(mean_ppm),
        shift_std_ppm=np.array(std_ppm),
        shift_of=tuple(names.index(row["shift_of"] or row["group"]) for row in rows),
    )


def _protein_shifts(name, rows):
    statistics = {row["atom"]: row for row in _table("shift_statistics.csv", name)}
    chosen = [statistics[row["statistics_atom"]] for row in rows]
    return [float(row["mean_ppm"]) for row in chosen], [float(row["std_ppm"]) for row in chosen]


def _free_shifts(rows, std_ppm):
    return [float(row["free_ppm"]) for row in rows], [float(std_ppm)] * len(rows)


def _couplings_hz(name, groups, shift_source):
    return {
        (row["group_a"], row["group_b"]): float((shift_source == "free" and row["j_free_hz"]) or row["j_hz"])
        for row in _table("couplings.csv", name)
        if {row["group_a"], row["group_b"]} <= set(groups)
    }


def table_bytes() -> bytes:
    """Read the three tables, one after the other: a data set depends on them as on its parameters.

    Example
    -------
    >>> table_bytes().startswith(b"residue,group,n_protons")
    True
    """
    return b"".join((files(__package__) / "data" / table).read_bytes() for table in TABLES)


def _table(file_name, residue):
    with (files(__package__) / "data" / file_name).open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if row["residue"] == residue]
