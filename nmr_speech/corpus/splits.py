"""Stratified splits that depend on names and a seed, never on the order of rows."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from nmr_speech.checks import InputError

SPLITS = {"train": 0.7, "valid": 0.2, "test": 0.1}
"""Shares of each residue's recordings, as in the paper."""


def stratified_split(
    labels: Mapping[str, str], seed: int, shares: Mapping[str, float] = SPLITS
) -> dict[str, list[str]]:
    """Split recordings, with the same shares of each label.

    Within a label, recordings are ordered by a hash of seed and ID, and divided by largest remainder; every split gets
    at least one recording of every label.

    Arguments
    ---------
    labels : Mapping[str, str]
        Label of each recording by its ID.
    seed : int
        Seed of the order.
    shares : Mapping[str, float]
        Share of each split, above 0; they sum to 1.

    Returns
    -------
    dict[str, list[str]]
        Sorted IDs of each split.

    Example
    -------
    >>> split = stratified_split({f"GLY_{i}": "GLY" for i in range(10)}, seed=0)
    >>> {name: len(ids) for name, ids in split.items()}
    {'train': 7, 'valid': 2, 'test': 1}
    """
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) <= 0:
        raise InputError(f"`shares` must be positive and sum to 1, got {dict(shares)}")
    members = defaultdict(list)
    for name, label in labels.items():
        members[label].append(name)
    split: dict[str, list[str]] = {name: [] for name in shares}
    for label, names in members.items():
        if len(names) < len(shares):
            raise InputError(
                f"each residue needs at least {len(shares)} recordings, one for each of {', '.join(shares)}; "
                f"{label} has {len(names)}: raise `recordings_per_residue`"
            )
        names.sort(key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
        start = 0
        for part, count in _counts(len(names), shares).items():
            split[part] += names[start : start + count]
            start += count
    return {name: sorted(ids) for name, ids in split.items()}


def _counts(n, shares):
    # As fractions, since 0.7 * 10 is not 7 in floating point. One each first, then by largest remainder.
    exact = {name: Fraction(str(share)) * n for name, share in shares.items()}
    counts = {name: max(1, int(value)) for name, value in exact.items()}
    while sum(counts.values()) < n:
        counts[max(exact, key=lambda name: exact[name] - counts[name])] += 1
    while sum(counts.values()) > n:
        counts[max(counts, key=counts.get)] -= 1
    return counts
