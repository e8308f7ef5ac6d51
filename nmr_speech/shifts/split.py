"""Which protein of RefDB is for training, validation or test: clusters of homologues stay together."""

import csv
from functools import cache
from importlib.resources import files

from nmr_speech.checks import one_of
from nmr_speech.shifts.refdb import Protein, read_refdb

COLUMNS = ("bmrb_id", "cluster", "split")
SPLITS = ("train", "valid", "test", "shiftx")
SHORTEST = 50  # known residues
SHIFTX = frozenset(map(str, (
    4879, 5358, 2208, 4083, 6034, 6024, 6032, 15757, 15089, 15249, 6252, 15281, 15517, 6313, 6709,
    6277, 6338, 4560, 6560, 16173, 4037, 16007, 6391, 10139, 15501, 4053, 7242, 6132, 6223, 7322,
    5760, 6250, 4149, 4831, 4300, 15741, 6597, 6604, 6114, 6344, 15560, 4834, 6321, 6193, 6016,
    6635, 7055, 4047, 4032, 6197, 5967, 15243, 4113, 6198, 15530, 6357, 15232, 7114, 6457, 6292,
    10053,
)))  # fmt: skip
"""BMRB entries of the 61 proteins on which SHIFTX2 was tested (Han et al., J. Biomol. NMR 2011, 50, 43)."""


@cache
def split_of() -> dict[str, tuple[int, str]]:
    """Read cluster and split of each entry, as `recipes/RefDB/refdb_prepare.py` wrote them.

    Returns
    -------
    dict[str, tuple[int, str]]
        By BMRB entry; short chains are in no split.

    Example
    -------
    >>> split_of()["6709"][1]  # one of SHIFTX2's
    'shiftx'
    """
    lines = (files(__package__) / "data" / "split.csv").read_text(encoding="utf-8").splitlines()
    return {row["bmrb_id"]: (int(row["cluster"]), row["split"]) for row in csv.DictReader(lines)}


def proteins_of(split: str) -> list[Protein]:
    """Return the proteins of a split.

    Arguments
    ---------
    split : str
        "train", "valid", "test", or "shiftx" for the entries of SHIFTX2's test set, whose homologues are in the others.

    Returns
    -------
    list[Protein]
    """
    one_of("split", split, SPLITS)
    of = split_of()
    return [protein for protein in read_refdb() if of.get(protein.id, (0, ""))[1] == split]
