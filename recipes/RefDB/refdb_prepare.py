#!/usr/bin/env python3
"""Divide the proteins of RefDB among training, validation and test, by clusters of homologues.

> python recipes/RefDB/refdb_prepare.py nmr_speech/shifts/data/split.csv

Takes half an hour on one core; the result is in the package, so nobody has to run it. No proteins of two splits share
more than 30% of their residues, as `nmr_speech.shifts.alignment.identity` counts them. Chains of fewer than
50 known residues are left out: any two of them share more than 30% by chance. The entries of SHIFTX2's test set are in
a split of their own; their homologues are in the others.
"""

import csv
import io
import sys
from pathlib import Path

import numpy as np

from nmr_speech.files import write_whole
from nmr_speech.shifts.alignment import clusters
from nmr_speech.shifts.atoms import UNKNOWN
from nmr_speech.shifts.refdb import read_refdb
from nmr_speech.shifts.split import COLUMNS, SHIFTX, SHORTEST

SEED = 1986
SHARE = 0.1  # of the proteins in validation, and in test


def divide(numbers, seed=SEED):
    """Draw clusters for test and validation until each has its share; the largest cluster is for training."""
    sizes = np.bincount(numbers)
    split = np.full(len(sizes), "train", dtype=object)
    order = np.random.default_rng(seed).permutation(np.delete(np.arange(len(sizes)), sizes.argmax()))
    ends = np.searchsorted(np.cumsum(sizes[order]), [SHARE * len(numbers), 2 * SHARE * len(numbers)], side="left") + 1
    split[order[: ends[0]]] = "test"
    split[order[ends[0] : ends[1]]] = "valid"
    return split[numbers]


def main(path):
    """Write the table."""
    proteins = [p for p in read_refdb() if len(p.sequence) - p.sequence.count(UNKNOWN) >= SHORTEST]
    # Entries of SHIFTX2's test are in the clusters, so that they join their homologues, and are taken out afterwards.
    numbers = clusters([protein.sequence for protein in proteins])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for protein, number, name in zip(proteins, numbers, divide(numbers), strict=True):
        writer.writerow([protein.id, number, "shiftx" if protein.id in SHIFTX else name])
    write_whole(Path(path), text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
