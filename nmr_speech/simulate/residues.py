"""The twenty amino acids: groups, couplings and the distribution of their chemical shifts."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from nmr_speech.checks import one_of
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
    system : SpinSystem
        Groups and couplings.
    shift_mean_ppm : np.ndarray
        Mean shift of each group in proteins, (groups,).
    shift_std_ppm : np.ndarray
        Standard deviation of each group's shift in proteins, (groups,).
    shift_of : tuple[int, ...]
        For each group, the position of the group whose draw it takes: its own, or that of its ring partner.
    """

    name: str
    condition: str
    system: SpinSystem
    shift_mean_ppm: np.ndarray
    shift_std_ppm: np.ndarray
    shift_of: tuple[int, ...]


@lru_cache(maxsize=2 * len(RESIDUES))
def load_residue(name: str, condition: str = "h2o") -> Residue:
    """Read one amino acid from the package's tables.

    Arguments
    ---------
    name : str
        Three-letter code, e.g. "VAL".
    condition : str
        "h2o" or "d2o"; see `Residue`.

    Returns
    -------
    Residue

    Example
    -------
    >>> load_residue("VAL").system.names
    ('HA', 'HB', 'MG1', 'MG2', 'H')
    >>> load_residue("VAL", condition="d2o").system.names
    ('HA', 'HB', 'MG1', 'MG2')
    """
    one_of("residue", name, RESIDUES)
    one_of("condition", condition, CONDITIONS)
    rows = [row for row in _table("groups.csv", name) if condition in row["seen_in"].split()]
    names = [row["group"] for row in rows]
    couplings_hz = {
        (row["group_a"], row["group_b"]): float(row["j_hz"])
        for row in _table("couplings.csv", name)
        if {row["group_a"], row["group_b"]} <= set(names)
    }
    statistics = {row["atom"]: row for row in _table("shift_statistics.csv", name)}
    return Residue(
        name,
        condition,
        SpinSystem({row["group"]: int(row["n_protons"]) for row in rows}, couplings_hz),
        shift_mean_ppm=np.array([float(statistics[row["statistics_atom"]]["mean_ppm"]) for row in rows]),
        shift_std_ppm=np.array([float(statistics[row["statistics_atom"]]["std_ppm"]) for row in rows]),
        shift_of=tuple(names.index(row["shift_of"] or row["group"]) for row in rows),
    )


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
