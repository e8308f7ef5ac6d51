"""RefDB and what is aligned with it; needs the packages of the extra `shifts`."""

import numpy as np
import pytest

from benchmarks.common import read, results_path
from nmr_speech.checks import InputError
from nmr_speech.shifts import refdb
from nmr_speech.shifts.alignment import clusters, identity, pairs
from nmr_speech.shifts.atoms import ATOMS
from nmr_speech.shifts.homology import OTHER, SAME, predict_by_homology
from nmr_speech.shifts.predict import predict
from nmr_speech.shifts.split import SHIFTX, split_of

LYSOZYME = "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKK"
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"


def with_offset(sequence, offset_ppm, id="1"):
    """A protein whose shifts are the predicted ones and a constant."""
    shifts = np.full((len(sequence), len(ATOMS)), np.nan, np.float32)
    predicted = predict(sequence).shift_ppm
    shifts[:, : predicted.shape[1]] = predicted + offset_ppm
    return refdb.Protein(id, "1ABC", sequence, "X" * len(sequence), shifts)


def test_identity_is_that_of_the_shorter_sequence():
    assert identity(UBIQUITIN, "GSHM" + UBIQUITIN + "LEHHHHHH") == 1.0
    changed = UBIQUITIN[:20] + "W" + UBIQUITIN[21:]
    assert identity(UBIQUITIN, changed) == pytest.approx(75 / 76)
    assert identity(UBIQUITIN, LYSOZYME) < 0.3
    assert identity(UBIQUITIN, LYSOZYME) == identity(LYSOZYME, UBIQUITIN)


def test_unknown_residues_match_nothing():
    assert identity("XXXX" + UBIQUITIN, "XXXX" + UBIQUITIN) == 1.0


def test_an_insertion_moves_the_partners():
    found = dict(pairs(UBIQUITIN, UBIQUITIN[:40] + "GGG" + UBIQUITIN[40:]).tolist())
    assert (found[10], found[60]) == (10, 63)


def test_clusters_are_joined_through_a_third():
    half, other = UBIQUITIN[:40], LYSOZYME[:40]
    assert clusters([half, other]).tolist() == [0, 1]
    assert clusters([half, other, half + other]).tolist() == [0, 0, 0]


def test_a_homologue_lends_its_errors():
    moved = UBIQUITIN.replace("D", "E")  # close, but not the same
    plain = predict(UBIQUITIN)
    near, used = predict_by_homology(UBIQUITIN, library=[with_offset(moved, 0.5), with_offset(LYSOZYME, 9.0, "2")])
    assert [one.protein.id for one in used] == ["1"]
    change = (near.shift_ppm - plain.shift_ppm)[5:70]
    assert np.nanmin(change) > 0
    assert np.nanmax(change) < 0.5
    assert (near.std_ppm[5:70] < plain.std_ppm[5:70])[np.isfinite(change)].all()


def test_the_slopes_are_those_that_were_fitted():
    """Within the spread of the bins: the results file holds the fit on the validation split."""
    found = read(results_path("shifts"))["slopes"]
    for kind, slopes in (("same", SAME), ("another", OTHER)):
        fitted = [row["slope"] for name, row in found.items() if f", {kind} " in name]
        assert len(fitted) == len(slopes)
        assert np.abs(np.array(fitted) - slopes).max() < 0.1


def test_two_homologues_are_better_than_one():
    """Errors with nothing in common but their correlation with this one: the closed form for equal weights."""
    one = with_offset(UBIQUITIN.replace("D", "E"), 0.5)
    plain, _ = predict_by_homology(UBIQUITIN, library=[one])
    twice, used = predict_by_homology(UBIQUITIN, library=[one, with_offset(one.sequence, 0.5, "2")])
    assert len(used) == 2
    own = predict(UBIQUITIN)
    w = (plain.shift_ppm - own.shift_ppm)[30, 1] / 0.5  # of a residue that is the same
    expected = 2 * w / (1 - w**2) / (1 + 2 * w**2 / (1 - w**2)) * 0.5
    assert (twice.shift_ppm - own.shift_ppm)[30, 1] == pytest.approx(expected, rel=1e-4)
    assert twice.std_ppm[30, 1] < plain.std_ppm[30, 1] < own.std_ppm[30, 1]


def test_without_a_homologue_it_is_the_network_alone():
    found, used = predict_by_homology(UBIQUITIN, library=[with_offset(LYSOZYME, 5.0)])
    assert used == []
    assert np.array_equal(found.shift_ppm, predict(UBIQUITIN).shift_ppm, equal_nan=True)


def test_the_splits_share_no_cluster():
    of = {}
    for id, (cluster, split) in split_of().items():
        if split != "shiftx":
            assert of.setdefault(cluster, split) == split, id
    assert {split for _, split in split_of().values()} == {"train", "valid", "test", "shiftx"}
    assert all(id in SHIFTX for id, (_, split) in split_of().items() if split == "shiftx")


def test_the_extra_is_named_where_it_lacks(monkeypatch):
    monkeypatch.setattr(refdb, "PACKAGE", "makeshift-nmr-that-is-not-there")
    with pytest.raises(
        InputError, match=r"must be installed for the shifts of RefDB; pip install 'nmr_speech\[shifts\]'"
    ):
        refdb.table("refdb_backbone.csv")


def test_another_table_is_refused(monkeypatch):
    monkeypatch.setitem(refdb.FILES, "refdb_backbone.csv", "0" * 64)
    with pytest.raises(InputError, match=r"refdb_backbone.csv: is not the table of makeshift-nmr 0\.2\.0"):
        refdb.table("refdb_backbone.csv")


@pytest.mark.slow
def test_no_pair_across_the_splits_is_alike():
    """A sample of the pairs: all of them take half an hour."""
    rng = np.random.default_rng(0)
    by_split = {split: [] for split in ("train", "valid", "test")}
    for protein in refdb.read_refdb():
        _, split = split_of().get(protein.id, (0, "shiftx"))
        if split != "shiftx":
            by_split[split].append(protein.sequence)
    for one, other in (("train", "test"), ("train", "valid"), ("valid", "test")):
        for _ in range(3000):
            a, b = rng.choice(by_split[one]), rng.choice(by_split[other])
            assert identity(a, b) <= 0.3


@pytest.mark.slow
def test_refdb_has_the_values_of_a_known_protein():
    """Numbers read from the tables by eye."""
    proteins = {protein.id: protein for protein in refdb.read_refdb()}
    assert len(proteins) == 2176
    first = proteins["5"]
    assert first.sequence.startswith("GVSC")
    assert first.structure.startswith("CBBB")
    assert first.shifts_ppm[1, ATOMS.index("H")] == pytest.approx(8.52)
    assert first.shifts_ppm[2, ATOMS.index("HA")] == pytest.approx(5.06)
    spondin = proteins["10002"]
    place = spondin.sequence.index("GSIPCLLSPW") + 2  # an isoleucine
    assert spondin.shifts_ppm[place, ATOMS.index("MD1")] == pytest.approx(0.81)
    assert spondin.shifts_ppm[place, ATOMS.index("HG12")] == pytest.approx(1.48)
