"""Splits are disjoint, complete, stratified, and know no order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.corpus.splits import SPLITS, stratified_split


@given(
    sizes=st.dictionaries(st.sampled_from(["ALA", "GLY", "VAL", "TRP"]), st.integers(3, 60), min_size=1),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_laws(sizes, seed, data):
    labels = {f"{label}_{i}": label for label, n in sizes.items() for i in range(n)}
    split = stratified_split(labels, seed)
    dealt = [name for ids in split.values() for name in ids]
    assert sorted(dealt) == sorted(labels)
    for part, ids in split.items():
        for label, n in Counter(labels[name] for name in ids).items():
            # Under ten recordings the smallest split takes its one from the largest.
            assert abs(n - SPLITS[part] * sizes[label]) <= (1 if sizes[label] >= 10 else 1.2)
        assert {labels[name] for name in ids} == set(sizes)
    shuffled = data.draw(st.permutations(list(labels)))
    assert stratified_split({name: labels[name] for name in shuffled}, seed) == split


def test_shares_are_exact_where_they_can_be():
    split = stratified_split({f"VAL_{i}": "VAL" for i in range(100)}, seed=1)
    assert [len(split[part]) for part in ("train", "valid", "test")] == [70, 20, 10]


def test_the_seed_decides():
    labels = {f"VAL_{i}": "VAL" for i in range(100)}
    assert stratified_split(labels, 1) != stratified_split(labels, 2)


def test_too_few_recordings():
    with pytest.raises(InputError, match=r"at least 3 recordings.*VAL has 2: raise `recordings_per_residue`"):
        stratified_split({"VAL_0": "VAL", "VAL_1": "VAL"}, 0)


def test_bad_shares():
    with pytest.raises(InputError, match="positive and sum to 1"):
        stratified_split({"VAL_0": "VAL"}, 0, {"train": 0.7, "test": 0.2})
