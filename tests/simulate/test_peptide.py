"""Peptides and predicted shifts: sums of residues, each at its own shifts."""

import re

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.simulate import Sample, draw_recording, load_residue, tocsy
from nmr_speech.simulate.peptide import draw_peptide, residues_of, without_group
from nmr_speech.simulate.shift_table import Site, at_site, mixture_of, read_sites

HEADER = "number,residue,atom,shift_ppm,std_ppm\n"


def table(folder, rows, name="shifts.csv"):
    path = folder / name
    path.write_text(HEADER + rows)
    return str(path)


def test_a_peptide_is_the_sum_of_its_residues():
    peptide = draw_peptide(residues_of("AVA", [{}] * 3), seed=1, index=0)
    assert torch.equal(peptide.fid, torch.stack([part.fid for part in peptide.parts]).sum(0))
    for part in peptide.parts[1:]:  # the first has no NH
        alone = tocsy(load_residue(part.residue), part.shifts_ppm)
        assert (alone - part.fid).abs().max() < 1e-3 * alone.abs().max()


def test_residues_that_are_alike_have_shifts_of_their_own():
    peptide = draw_peptide(residues_of("GAA", [{}] * 3), seed=1, index=0)
    assert peptide.parts[1].shifts_ppm != peptide.parts[2].shifts_ppm


def test_a_residue_depends_on_its_place_and_not_on_the_others():
    one = draw_peptide(residues_of("GAV", [{}] * 3), seed=1, index=0).parts[2]
    other = draw_peptide(residues_of("KLV", [{}] * 3), seed=1, index=0).parts[2]
    assert one.shifts_ppm == other.shifts_ppm


def test_shifts_without_spread_are_the_predicted_ones():
    shifts = {"H": (8.5, 0.0), "HA": (4.0, 0.0), "MB": (1.5, 0.0), "CA": (52.0, 1.0)}
    peptide = draw_peptide(residues_of("GA", [{}, shifts]), seed=1, index=0)
    assert peptide.parts[1].shifts_ppm == {"HA": 4.0, "MB": 1.5, "H": 8.5}


def test_the_first_residue_has_no_nh_and_the_others_have():
    first, second = residues_of("FF", [{}, {}])
    assert "H" not in first.system.names
    assert second.system.names == load_residue("PHE").system.names
    # Ring partners keep sharing their draw.
    names = first.system.names
    assert [names[k] for k in first.shift_of] == [{"HD2": "HD1", "HE2": "HE1"}.get(name, name) for name in names]


def test_alanine_without_its_nh_is_alanine_in_d2o():
    residue = without_group(load_residue("ALA"), "H")
    assert residue.system.couplings_hz == load_residue("ALA", "d2o").system.couplings_hz


def test_draws_follow_the_table(tmp_path):
    rows = "3,G,HA,3.0,0\n3,G,H,8,0\n7,G,HA,5.0,0\n7,G,H,9,0\n"
    sample = {"shift_source": "predicted", "shift_table": table(tmp_path, rows)}
    drawn = [draw_recording("GLY", 1, i, **sample).shifts_ppm for i in range(12)]
    assert {tuple(shifts.values()) for shifts in drawn} == {(3.0, 3.0, 8.0), (5.0, 5.0, 9.0)}


def test_what_the_table_lacks_is_that_of_proteins():
    alanine = load_residue("ALA")
    moved = at_site(alanine, Site(1, "ALA", {"HA": (9.0, 0.5)}))
    assert moved.shift_mean_ppm.tolist() == [9.0, *alanine.shift_mean_ppm[1:].tolist()]
    assert moved.shift_std_ppm.tolist() == [0.5, *alanine.shift_std_ppm[1:].tolist()]


def test_the_moments_over_sites_are_those_of_the_draws():
    valine = load_residue("VAL", "d2o")
    sites = [at_site(valine, Site(n, "VAL", {"HA": (mean, std)})) for n, (mean, std) in enumerate([(4, 0.1), (5, 0.5)])]
    rng = np.random.default_rng(0)
    drawn = np.concatenate([site.draw_shifts(rng, 40_000) for site in sites])[:, 0]
    mixed = mixture_of(sites)
    assert drawn.mean() == pytest.approx(mixed.shift_mean_ppm[0], abs=0.01)
    assert drawn.std() == pytest.approx(mixed.shift_std_ppm[0], abs=0.01)


def test_a_data_set_depends_on_what_the_table_holds(tmp_path):
    def hash_of(path):
        settings = {"shift_source": "predicted", "shift_table": path}
        return DatasetPlan(1, ["GLY"], 3, **settings).content_hash

    one = table(tmp_path, "1,G,HA,4,0.1\n")
    assert hash_of(one) == hash_of(table(tmp_path, "1,G,HA,4,0.1\n", "moved.csv"))
    assert hash_of(one) != hash_of(table(tmp_path, "1,G,HA,4,0.2\n", "other.csv"))


def test_a_changed_table_is_read_again(tmp_path):
    sample = Sample("d2o", "predicted", shift_table=table(tmp_path, "1,G,HA,4,0.1\n"))
    assert sample.residue("GLY").shift_mean_ppm[0] == 4.0
    table(tmp_path, "1,G,HA,4.25,0.1\n")
    assert sample.residue("GLY").shift_mean_ppm[0] == 4.25


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "lists no residue; it must have a row for each atom"),
        ("1,X,HA,4,0.1\n", "lists no residue"),
        ("1,Z,HA,4,0.1\n", "row 2: residue must be a letter of ARNDCQEGHILKMFPSTWYV or X, got 'Z'"),
        ("one,G,HA,4,0.1\n", "row 2: number must be a number from"),
        ("1.5,G,HA,4,0.1\n", "row 2: number must be a whole number, got '1.5'"),
        ("1,G,HA,4,-0.1\n", "row 2: std_ppm must be a number from 0 to 50, got '-0.1'"),
        ("1,G,HA,nan,0.1\n", "row 2: shift_ppm must be a number from -100 to 300, got 'nan'"),
        ("1,G,HA,4,0.1\n1,A,H,8,0.1\n", "row 3: residue 1 is G above and A here; a number has one residue"),
        ("1,G,HA,4,0.1\n1,G,HA,5,0.1\n", "row 3: residue 1 has the atom 'HA' already; remove one of the two"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(InputError, match=re.escape(message)):
        read_sites(table(tmp_path, rows))


def test_a_residue_that_the_table_lacks_is_refused(tmp_path):
    sample = Sample("h2o", "predicted", shift_table=table(tmp_path, "1,G,HA,4,0.1\n1,G,H,8,1\n2,A,HA,4,1\n"))
    with pytest.raises(InputError, match=r"shifts\.csv: has no TRP; choose among its residues, ALA, GLY"):
        sample.residue("TRP")


def test_a_source_and_its_table_belong_together(tmp_path):
    with pytest.raises(
        InputError, match="`shift_source` 'predicted' and `shift_table` belong together, got 'predicted'"
    ):
        Sample(shift_source="predicted")
    with pytest.raises(InputError, match=r"belong together, got 'protein' and 'x\.csv'"):
        Sample(shift_table="x.csv")
    with pytest.raises(InputError, match=r"there\.csv: not there"):
        Sample(shift_source="predicted", shift_table=str(tmp_path / "there.csv")).residue("GLY")


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("", "the sequence must have 1 to 1000 residues to be simulated, got 0"),
        ("GX", "residue 2 must be one of ARNDCQEGHILKMFPSTWYV to be simulated, got 'X'"),
    ],
)
def test_sequences_that_cannot_be_simulated(sequence, message):
    with pytest.raises(InputError, match=re.escape(message)):
        residues_of(sequence, [{}] * len(sequence))
