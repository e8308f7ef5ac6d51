"""Identification of molecules: ranks, probabilities, tables of a user, and a cache that follows its content."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus import stack_fid, write_wav
from nmr_speech.inference.gallery import load_gallery
from nmr_speech.inference.identify import identify_spectrum
from nmr_speech.inference.templates import cached_templates, correlate, make_templates, measured_map
from nmr_speech.simulate import Acquisition, load_residue, tocsy
from nmr_speech.simulate.nuisances import disturb

VALINE = Path(__file__).parents[2] / "examples" / "valine"
AMINO_ACIDS = load_gallery("amino_acids")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_measured_valine_is_valine(capsys):
    main(["identify", str(VALINE), "--gallery", "amino_acids", "--top", "3", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["ranking"][0]["id"] == "VAL"
    assert set(told["ranking"][0]) == {"id", "name", "probability"}
    assert len(told["ranking"]) == 3
    assert told["none_of_these"] < 0.5
    assert any("499.8 MHz" in step for step in told["steps"])


def test_probabilities_with_that_of_none_sum_to_one(tmp_path):
    molecule = AMINO_ACIDS[4]
    write_wav(tmp_path / "a.wav", stack_fid(tocsy(molecule, molecule.shift_mean_ppm))[0])
    found = identify_spectrum(tmp_path / "a.wav", AMINO_ACIDS)
    assert np.isclose(sum(probability for _, probability in found.ranking) + found.none_of_these, 1)


def test_every_amino_acid_is_found_with_another_reference():
    templates = make_templates(AMINO_ACIDS, Acquisition(), 96)
    for number, molecule in enumerate(AMINO_ACIDS):
        fid = tocsy(molecule, molecule.shift_mean_ppm + 0.2)
        fid[:, 100:] = 0
        correlation, offset_ppm = correlate(measured_map(fid, Acquisition().f2), templates, Acquisition().f2)
        assert correlation.argmax() == number
        assert offset_ppm[number] == pytest.approx(-0.2, abs=0.05)


def test_water_and_the_reference_line_do_not_count():
    molecule = load_residue("VAL", "d2o", "free")
    clean = tocsy(molecule, molecule.shift_mean_ppm)
    more = {"residual_water": {"amplitude": 3.0}, "reference_line": {"amplitude": 0.5}}
    disturbed = disturb(clean, torch.Generator().manual_seed(0), more)
    templates, axis = make_templates([molecule], Acquisition()), Acquisition().f2
    one, other = (correlate(measured_map(fid, axis), templates, axis)[0][0] for fid in (clean, disturbed))
    assert other > one - 0.1


def test_the_cache_changes_when_shifts_change(tmp_path):
    molecule = AMINO_ACIDS[0]
    moved = replace(molecule, shift_mean_ppm=molecule.shift_mean_ppm + 0.2)
    first, second = (cached_templates([one], Acquisition(), 256, tmp_path / "c") for one in (molecule, moved))
    assert not torch.equal(first, second)
    assert len(list((tmp_path / "c").iterdir())) == 2


def test_what_is_cached_is_used_and_a_damaged_file_is_made_again(tmp_path):
    folder = tmp_path / "c"
    made = cached_templates(AMINO_ACIDS[:2], Acquisition(), 64, folder)
    (file,) = folder.iterdir()
    file.write_bytes(safetensors.torch.save({"templates": made + 1}))
    assert torch.equal(cached_templates(AMINO_ACIDS[:2], Acquisition(), 64, folder), made + 1)
    file.write_bytes(b"half written")
    assert torch.equal(cached_templates(AMINO_ACIDS[:2], Acquisition(), 64, folder), made)


def test_a_cache_that_cannot_be_written_costs_no_answer(tmp_path):
    (tmp_path / "file").write_text("")
    made = cached_templates(AMINO_ACIDS[:1], Acquisition(), 64, tmp_path / "file" / "cache")
    assert torch.equal(made, make_templates(AMINO_ACIDS[:1], Acquisition(), 64))


def test_a_table_of_the_user_is_a_gallery(tmp_path, capsys):
    ethanol = "molecule,group,n_protons,shift_ppm\nethanol,CH2,2,3.65\nethanol,CH3,3,1.17\nmethanol,CH3,3,3.34\n"
    (tmp_path / "mine.csv").write_text(ethanol)
    (tmp_path / "j.csv").write_text("molecule,group_a,group_b,j_hz\nethanol,CH2,CH3,7.1\n")
    gallery = load_gallery(tmp_path / "mine.csv", tmp_path / "j.csv")
    write_wav(tmp_path / "a.wav", stack_fid(tocsy(gallery[0], gallery[0].shift_mean_ppm))[0])
    table = ["--gallery", str(tmp_path / "mine.csv"), "--couplings", str(tmp_path / "j.csv")]
    main(["identify", str(tmp_path / "a.wav"), *table, "--plot", str(tmp_path / "a.png")])
    assert "\nethanol  ethanol  0." in capsys.readouterr().out
    assert (tmp_path / "a.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gallery", "proteins"], "error: `--gallery` must be amino_acids, molecules or a CSV file, got 'proteins'"),
        (["--couplings", "j.csv"], "error: `--couplings` belongs to a CSV file of groups"),
        (["--top", "0"], "error: `--top` must be a whole number from 1"),
    ],
)
def test_odd_options_are_refused(arguments, message):
    with pytest.raises(SystemExit, match=message):
        main(["identify", str(VALINE), *arguments])


def test_no_spectrum_is_refused():
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        identify_spectrum("nowhere", AMINO_ACIDS)
