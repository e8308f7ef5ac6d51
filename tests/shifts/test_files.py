"""Predicted shifts as files, read back by other programs, and the commands that write them."""

import csv
import json
import re

import nmrglue
import numpy as np
import pynmrstar
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.corpus.wav import read_wav
from nmr_speech.shifts import predict
from nmr_speech.shifts.files import ambiguity, atom_names, write_shifts
from nmr_speech.simulate.shift_table import read_sites

SEQUENCE = "MGFVLIKNPYTWX"


def rows_of(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_csv_holds_what_was_predicted(tmp_path):
    found = predict(SEQUENCE)
    write_shifts(tmp_path / "shifts.csv", found)
    for row in rows_of(tmp_path / "shifts.csv"):
        place, atom = int(row["number"]) - 1, found.atoms.index(row["atom"])
        assert row["residue"] == SEQUENCE[place]
        assert float(row["shift_ppm"]) == pytest.approx(found.shift_ppm[place, atom], abs=6e-4)
        assert float(row["std_ppm"]) == pytest.approx(found.std_ppm[place, atom], abs=6e-4)
    assert len(rows_of(tmp_path / "shifts.csv")) == np.isfinite(found.shift_ppm).sum()


def test_the_simulator_reads_the_csv(tmp_path):
    found = predict(SEQUENCE, side_chains=True)
    write_shifts(tmp_path / "shifts.csv", found)
    sites = read_sites(tmp_path / "shifts.csv")
    assert [site.number for site in sites] == list(range(1, len(SEQUENCE)))  # but for X
    valine = dict(zip(found.atoms, found.shift_ppm[3], strict=True))
    assert sites[3].shifts["MG1"][0] == pytest.approx(valine["MG1"], abs=6e-4)


def test_nmrglue_reads_the_table(tmp_path):
    found = predict(SEQUENCE, side_chains=True)
    write_shifts(tmp_path / "shifts.tab", found)
    comments, _, table = nmrglue.pipe.read_table(str(tmp_path / "shifts.tab"))
    assert any("MGFVLIKNPY TWX" in comment for comment in comments)
    by_name = {(row["RESID"], row["ATOMNAME"].decode()): row["SHIFT"] for row in table}
    column = dict(zip(found.atoms, range(len(found.atoms)), strict=True))
    assert by_name[3, "HN"] == pytest.approx(found.shift_ppm[2, column["H"]], abs=6e-4)
    assert by_name[4, "HG12"] == by_name[4, "HG11"] == pytest.approx(found.shift_ppm[3, column["MG1"]], abs=6e-4)
    assert (2, "HA") not in by_name  # HA2 and HA3 are there
    assert by_name[3, "HD1"] == by_name[3, "HD2"]


def test_pynmrstar_reads_nmr_star(tmp_path):
    found = predict(SEQUENCE)
    write_shifts(tmp_path / "shifts.str", found)
    [loop] = pynmrstar.Entry.from_file(str(tmp_path / "shifts.str")).get_loops_by_category("Atom_chem_shift")
    rows = loop.get_tag(["Seq_ID", "Comp_ID", "Atom_ID", "Val", "Val_err"])
    by_name = {
        (int(number), atom): (residue, float(value), float(error)) for number, residue, atom, value, error in rows
    }
    for number, letter, atom, shift, std in found.rows():
        if letter != "X":
            for name in atom_names(letter, atom):
                assert by_name[number, name][1:] == (pytest.approx(shift, abs=6e-4), pytest.approx(std, abs=6e-4))
    assert by_name[6, "CA"][0] == "ILE"
    assert not any(number == 13 for number, _ in by_name)


def test_names_have_no_more_nuclei_than_the_residue():
    assert atom_names("T", "MG2") == ["HG21", "HG22", "HG23"]
    assert atom_names("M", "ME") == ["HE1", "HE2", "HE3"]
    assert atom_names("G", "HA") == ["HA2", "HA3"]
    assert atom_names("W", "HE1") == ["HE1"]


@pytest.mark.parametrize(
    ("letter", "atom", "code"),
    [("I", "HG12", 2), ("W", "HZ2", 1), ("H", "HD2", 1), ("N", "HD21", 2), ("L", "HD11", 2), ("I", "HD11", 1)],
)
def test_ambiguity_codes_are_those_of_bmrb(letter, atom, code):
    assert ambiguity(letter, atom) == code


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must be one of \.csv, \.tab, \.str"):
        write_shifts(tmp_path / "shifts.txt", predict("MQ"))


def test_the_command_writes_table_and_picture(tmp_path, capsys):
    main(["shifts", "MQIFVK", "--ss", "CEEEEC", "--out", str(tmp_path / "a.csv"), "--plot", str(tmp_path / "a.png")])
    assert len(rows_of(tmp_path / "a.csv")) == 36
    assert (tmp_path / "a.png").read_bytes()[1:4] == b"PNG"
    assert capsys.readouterr().out.splitlines() == [f"written: {tmp_path / name}" for name in ("a.csv", "a.png")]


def test_the_command_prints_json(capsys):
    main(["shifts", "MQIFVK", "--json"])
    rows = json.loads(capsys.readouterr().out)["shifts"]
    assert [row["atom"] for row in rows[:6]] == ["N", "CA", "CB", "C", "H", "HA"]
    assert {row["number"] for row in rows} == set(range(1, 7))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shifts", "MQZ"], "residue 3 of the sequence must be a letter of"),
        (["shifts", "MQI", "--ss", "HH"], "`--ss` must have a letter for each of the 3 residues, got 2"),
        (["shifts", ""], "the sequence must be a text of 1 to 10,000 letters, got 0"),
        (["shifts", "MQI", "--out", "a.xlsx"], "a.xlsx: the file must end in .csv, .tab, .str"),
        (["shifts", "P", "--plot", "p.png"], "the sequence has no NH that an HSQC would show; give a longer one"),
        (["simulate", "--sequence", "MXI", "--out", "a.wav"], "residue 2 of the sequence is X"),
        (["simulate", "VAL", "--sequence", "MQI", "--out", "a.wav"], "give either residues, such as VAL, or"),
        (["simulate", "--out", "a.wav"], "give either residues, such as VAL, or"),
        (["simulate", "--sequence", "MQI", "--out", "a.mp3"], "a.mp3: must end in .wav or .flac, or be a folder"),
        (["simulate", "--sequence", "isotropic", "--out", "a.wav"], "the mixing is --mixing isotropic"),
    ],
)  # fmt: skip
def test_what_the_commands_refuse(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=re.escape(message)):
        main(arguments)
    assert not any(tmp_path.iterdir())


def test_a_peptide_is_written_with_its_labels(tmp_path, capsys):
    main(["simulate", "--sequence", "GAV", "--out", str(tmp_path / "gav.wav"), "--mixing-time-s", "0.03"])
    labels = rows_of(tmp_path / "gav.csv")
    assert [row["group"] for row in labels if row["number"] == "1"] == ["HA2", "HA3"]  # NH3+ is not seen
    assert [row["group"] for row in labels if row["number"] == "2"] == ["HA", "MB", "H"]
    assert "GAV, seed 1986, recording 0" in capsys.readouterr().out


def test_a_folder_holds_the_residues_too(tmp_path):
    main(["simulate", "--sequence", "GA", "--out", str(tmp_path / "ga")])
    rows = read_manifest(tmp_path / "ga" / "residues.csv")
    assert [(row.ID, row.spk_id) for row in rows] == [("G1", "GLY"), ("A2", "ALA")]
    whole = read_wav(tmp_path / "ga" / "peptide.wav")
    parts = [read_wav(tmp_path / "ga" / "residues" / f"{row.ID}.wav") * row.scale for row in rows]
    scale = 2.0 ** round(float(torch.log2(sum(parts).abs().max() / whole.abs().max())))
    assert torch.allclose(sum(parts), scale * whole, atol=1e-5)
    with pytest.raises(SystemExit, match="must be a new or empty folder; choose another one, or remove it"):
        main(["simulate", "--sequence", "GA", "--out", str(tmp_path / "ga")])
