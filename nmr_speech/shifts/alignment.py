"""Alignment of sequences, by Biopython: how alike two proteins are, and which residue is which."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from nmr_speech.checks import InputError
from nmr_speech.shifts.atoms import UNKNOWN

try:
    from Bio import Align
except ImportError:
    Align = None  # type: ignore[assignment]

GAP_OPEN, GAP_EXTEND = -11, -1  # with BLOSUM62, the defaults of BLAST


@lru_cache(maxsize=1)
def _aligner() -> Any:
    if Align is None:
        raise InputError("Biopython must be installed for alignments; pip install 'nmr_speech[shifts]' installs it")
    scores = Align.substitution_matrices.load("BLOSUM62")
    return Align.PairwiseAligner(
        mode="local", substitution_matrix=scores, open_gap_score=GAP_OPEN, extend_gap_score=GAP_EXTEND
    )


def score(one: str, other: str) -> float:
    """Score the best local alignment (BLOSUM62, gaps 11 and 1).

    Example
    -------
    >>> score("MQIFVK", "GGMQIFVKGG")  # the sum of the scores of six matches
    29.0
    """
    return float(_aligner().score(one, other))


def pairs(one: str, other: str) -> np.ndarray:
    """Return which residues the best local alignment puts together.

    Arguments
    ---------
    one, other : str
        Sequences in one-letter codes.

    Returns
    -------
    np.ndarray
        int, (pairs, 2): places in each sequence, from 0.

    Example
    -------
    >>> pairs("MQIFVK", "GGMQIFVKGG")[:2].tolist()
    [[0, 2], [1, 3]]
    """
    aligner = _aligner()
    if not one or not other or aligner.score(one, other) <= 0:
        return np.empty((0, 2), int)
    aligned = next(iter(aligner.align(one, other))).aligned
    blocks = [np.stack([np.arange(*a), np.arange(*b)], axis=1) for a, b in zip(aligned[0], aligned[1], strict=True)]
    return np.concatenate(blocks)


def identity(one: str, other: str) -> float:
    """Return the share of the shorter sequence that is the same in the best local alignment.

    Unknown residues match nothing and are not counted.

    Example
    -------
    >>> identity("MQIFVK", "GGMQIFVRGG"), identity("MQIFVK", "MQIFVK")
    (0.8333333333333334, 1.0)
    """
    known = [len(sequence) - sequence.count(UNKNOWN) for sequence in (one, other)]
    same = sum(one[a] == other[b] != UNKNOWN for a, b in pairs(one, other))
    return same / max(1, min(known))


def clusters(sequences: Sequence[str], most_identical: float = 0.3) -> np.ndarray:
    """Group sequences by single linkage: any two that are more alike than a limit are in one cluster.

    Arguments
    ---------
    sequences : Sequence[str]
        Sequences; equal ones are compared once.
    most_identical : float
        Identity above which two belong together.

    Returns
    -------
    np.ndarray
        Number of the cluster of each, (sequences,).

    Example
    -------
    >>> clusters(["MQIFVKTLTGK", "MQIFVKTLTGR", "GSHMGSHMGSH"]).tolist()
    [0, 0, 1]
    """
    different = sorted(set(sequences))
    linked = np.zeros((len(different), len(different)), bool)
    for i, one in enumerate(different):
        for j in range(i):
            linked[i, j] = identity(one, different[j]) > most_identical
    _, numbers = connected_components(linked, directed=False)
    of = dict(zip(different, numbers, strict=True))
    found = [of[sequence] for sequence in sequences]
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]  # numbered in the order of their first sequence
