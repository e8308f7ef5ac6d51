"""Which atoms have a shift, and in which order tables and networks list them."""

import csv
from functools import cache
from importlib.resources import files

import numpy as np

import nmr_speech.simulate
from nmr_speech.simulate.residues import ONE_LETTER

BACKBONE = ("N", "CA", "CB", "C", "H", "HA")
"""Atoms of every protein's assignment; C is the carbonyl C', and HA of glycine the mean of its two."""
SIDE_CHAIN = (
    "HA2", "HA3", "HB", "HB2", "HB3", "MB", "HG", "HG2", "HG3", "HG12", "HG13", "MG1", "MG2",
    "HD1", "HD2", "HD3", "HD21", "HD22", "MD1", "MD2", "HE", "HE1", "HE2", "HE3", "HE21", "HE22", "ME",
    "HZ2", "HZ3", "HH2",
)  # fmt: skip
"""The other protons that the simulator draws, by its names: M is a methyl group. RefDB lacks HZ of phenylalanine."""
ATOMS = BACKBONE + SIDE_CHAIN

LETTERS = "".join(ONE_LETTER)
UNKNOWN = "X"


@cache
def present() -> np.ndarray:
    """Tell which atoms each residue has.

    Returns
    -------
    np.ndarray
        bool, (21, atoms), in the order of `LETTERS`; the last row is that of an unknown residue, with the backbone's.

    Example
    -------
    >>> glycine = present()[LETTERS.index("G")]
    >>> [atom for atom, there in zip(ATOMS, glycine) if there]
    ['N', 'CA', 'C', 'H', 'HA', 'HA2', 'HA3']
    """
    table = np.zeros((len(LETTERS) + 1, len(ATOMS)), bool)
    table[:, : len(BACKBONE)] = True
    table[LETTERS.index("G"), BACKBONE.index("CB")] = False
    table[LETTERS.index("P"), BACKBONE.index("H")] = False
    groups = (files(nmr_speech.simulate) / "data" / "groups.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(groups.splitlines()):
        letter = next(letter for letter, name in ONE_LETTER.items() if name == row["residue"])
        if row["seen_in"] and row["statistics_atom"] in SIDE_CHAIN:
            table[LETTERS.index(letter), ATOMS.index(row["statistics_atom"])] = True
    return table


def letter_numbers(sequence: str) -> np.ndarray:
    """Turn a sequence into the rows of `present`, (L,).

    Example
    -------
    >>> letter_numbers("GAX")
    array([ 7,  0, 20])
    """
    return np.array([LETTERS.find(letter) % (len(LETTERS) + 1) for letter in sequence])
