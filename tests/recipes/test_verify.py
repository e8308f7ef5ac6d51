"""The verification recipe on a tiny model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import verify

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.inference.load import Embedder
from nmr_speech.publish.bundle import make_bundle
from nmr_speech.report import results as report
from nmr_speech.score import cllr, eer, min_cllr, min_dcf
from tests.fixtures import WRITER, point
from tests.loopback_hub import loopback_hub

ROOT = Path(__file__).parents[2]
YAML = str(ROOT / "hparams" / "verification.yaml")
ALL = ("--splits=[train,valid,test]",)


@pytest.fixture(autouse=True)
def pictures(request, monkeypatch):
    """Draw where pictures are looked at; elsewhere they are a third of the time and no part of the tests."""
    if request.node.originalname != "test_figures_are_those_of_the_scores_written":
        for name in ("plot_det", "plot_histogram"):
            monkeypatch.setattr(report, name, lambda *_: None)


def run(trained, many, out, *overrides, samples=20):
    arguments = [f"--source={trained}", f"--data_folder={many}", f"--output_folder={out}"]
    verify.main([YAML, *arguments, f"--bootstrap_samples={samples}", *overrides])
    return json.loads((out / "results.json").read_text())


def read_scores(out):
    rows = [line.split() for line in (out / "scores.txt").read_text().splitlines()]
    label, score = np.array([row[2] == "1" for row in rows]), np.array([float(row[3]) for row in rows])
    return rows, score[label], score[~label]


@pytest.mark.parametrize("backend", ["cosine", "centred", "s_norm", "plda"])
def test_figures_are_those_of_the_scores_written(backend, trained, many, tmp_path):
    results = run(trained, many, tmp_path / "v", f"--backend={backend}", "--residues=[GLY,SER,ALA]", *ALL)
    rows, target, nontarget = read_scores(tmp_path / "v")
    assert len(rows) == 60 * 59 / 2
    assert results["trials"] == {"target": len(target), "nontarget": len(nontarget)}
    assert results["eer"]["value"] == pytest.approx(eer(target, nontarget)[0], abs=2e-3)
    assert results["min_dcf"]["value"] == pytest.approx(min_dcf(target, nontarget)[0], abs=2e-2)
    assert results["cllr"]["value"] == pytest.approx(cllr(target, nontarget), abs=1e-4)
    assert results["min_cllr"]["value"] == pytest.approx(min_cllr(target, nontarget), abs=2e-3)
    for figure in (*(results[key] for key in ("eer", "min_dcf", "cllr", "min_cllr")), *results["min_dcf_at"].values()):
        assert figure["low"] is None or figure["low"] <= figure["value"] <= figure["high"]
    assert list(results["min_dcf_at"]) == ["0.01", "0.001", "0.1", "0.5"]
    for picture in ("det.png", "histogram.png"):
        assert (tmp_path / "v" / picture).read_bytes().startswith(b"\x89PNG")
    assert set(results["eer_by_residue"]) == {"ALA", "GLY", "SER"}
    assert "identification" not in results


def test_the_cosine_back_end_keeps_the_order_of_cosines(trained, many, tmp_path):
    """Calibration is a rising line, so scores are in proportion to the cosines of the embeddings."""
    from nmr_speech.corpus import read_wav  # noqa: PLC0415
    from nmr_speech.inference.load import load_embedder  # noqa: PLC0415

    run(trained, many, tmp_path / "v", "--residues=[GLY,SER]")
    rows, _, _ = read_scores(tmp_path / "v")
    wav = {row.ID: many / row.wav.replace("$data_root/", "") for row in read_manifest(many / "test.csv")}
    embedder = load_embedder(str(trained))
    embedding = {name: embedder(read_wav(path)[None])[0].double().numpy() for name, path in wav.items()}
    cosine = [
        embedding[a] @ embedding[b] / np.linalg.norm(embedding[a]) / np.linalg.norm(embedding[b]) for a, b, _, _ in rows
    ]
    assert np.corrcoef(cosine, [float(row[3]) for row in rows])[0, 1] == pytest.approx(1, abs=1e-6)


def test_residues_never_trained_on(trained, many, tmp_path):
    results = run(trained, many, tmp_path / "v", *ALL)
    assert "THR" in results["eer_by_residue"]
    points = results["identification"]
    assert [point["accuracy"] for point in points] == sorted(point["accuracy"] for point in points)
    assert points[-1]["false_alarm_rate"] == 1.0


def test_recordings_that_enrol_are_not_identified(trained, many, tmp_path):
    """Identification enrols the training split; its recordings must not come back as tests, whatever the splits."""
    alone = run(trained, many, tmp_path / "alone", "--splits=[valid,test]", samples=2)
    with_train = run(trained, many, tmp_path / "with", "--residues=[GLY,SER,ALA,THR]", *ALL, samples=2)
    known = [results["identification"][-1]["accuracy"] for results in (alone, with_train)]
    assert known[0] == known[1]
    assert alone["trained_or_calibrated_on"] == 12  # the validation split of three residues
    assert with_train["trained_or_calibrated_on"] == 54


def test_splits_that_are_too_small_are_refused(data, trained, tmp_path):
    with pytest.raises(InputError, match=r"valid\.csv: calibration needs two recordings or more of a residue"):
        run(trained, data, tmp_path / "v", *ALL)
    with pytest.raises(InputError, match="`splits`, `residues` and `trials` leave no target trial"):
        run(trained, data, tmp_path / "v")
    with pytest.raises(InputError, match="`splits`, `residues` and `trials` leave no non-target trial"):
        run(trained, data, tmp_path / "v", "--residues=[GLY]", *ALL)
    assert not (tmp_path / "v").exists()


def test_a_list_that_is_given_and_a_drawn_one(trained, many, tmp_path):
    first = run(trained, many, tmp_path / "drawn", "--trials=balanced", "--n_trials=40", "--enrol_recordings=2", *ALL)
    trials = tmp_path / "drawn" / "trials.txt"
    again = run(trained, many, tmp_path / "given", f"--trials={trials}", *ALL)
    assert (tmp_path / "given" / "scores.txt").read_text() == (tmp_path / "drawn" / "scores.txt").read_text()
    assert first["eer"] == again["eer"]
    assert first["trials"] == {"target": 20, "nontarget": 20}


@pytest.mark.slow
def test_from_the_command_line_and_the_hub(trained, many, tmp_path):
    """In a process whose Hub client is pointed at the loopback interface by its environment alone."""
    script = ROOT / "recipes" / "AminoAcidTOCSY" / "SpeakerRec" / "verify.py"
    make_bundle(trained, tmp_path / "bundle", "user/amino")
    arguments = ["--source=user/amino", f"--data_folder={many}", f"--output_folder={tmp_path / 'v'}"]
    with loopback_hub({"user/amino": tmp_path / "bundle"}) as hub:
        home = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}
        ended = subprocess.run(
            [sys.executable, script, YAML, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | home,
        )
    assert ended.returncode == 0, ended.stderr
    assert "EER" in ended.stdout
    assert {p.name for p in (tmp_path / "v").iterdir()} == {
        "scores.txt", "trials.txt", "results.json", "det.png", "histogram.png", "verification.yaml",
    }  # fmt: skip


def test_a_model_from_the_hub_by_the_genuine_client(trained, many, tmp_path, monkeypatch):
    bundle, out = tmp_path / "bundle", tmp_path / "v"
    make_bundle(trained, bundle, "user/amino")
    served = loopback_hub({"user/amino": bundle}, {WRITER: ("user", "write")})
    with point(served, tmp_path / "hf", monkeypatch, xet=False):
        downloaded = run("user/amino", many, out, samples=2)
        with pytest.raises(InputError, match=r"^user/absent \(no folder here\): the Hub has no such"):
            run("user/absent", many, tmp_path / "absent")
        with pytest.raises(InputError, match=r"^user/amino \(no folder here\): the repository has no"):
            run("user/amino", many, tmp_path / "absent", "--revision=v9")
    cached = run("user/amino", many, out, samples=2)  # the Hub is gone, but the model is in the cache
    assert downloaded["eer"] == cached["eer"] == run(bundle, many, tmp_path / "of_bundle", samples=2)["eer"]


BAD = {
    "unknown back end": ("--backend=cosin", "`backend` must be one of cosine, centred, s_norm, plda; got 'cosin'"),
    "unknown residue": ("--residues=[VAL]", "`residues` must be one of ALA, GLY, SER, THR; got 'VAL'"),
    "unknown split": ("--splits=[dev]", "`splits` must be one of train, valid, test; got 'dev'"),
    "unknown key": ("--back_end=plda", "'back_end' not found in"),
    "no list": ("--trials=none.txt", r"none\.txt: no such trial list"),
    "no prior": ("--p_target=0", "`p_target` must be from"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_calls_leave_nothing(kind, trained, many, tmp_path):
    argument, message = BAD[kind]
    with pytest.raises(InputError, match=message):
        run(trained, many, tmp_path / "v", argument)
    assert not (tmp_path / "v").exists()


def test_a_folder_with_results_of_other_settings_is_refused(trained, many, tmp_path):
    run(trained, many, tmp_path / "v", samples=2)
    before = (tmp_path / "v" / "scores.txt").read_bytes()
    with pytest.raises(InputError, match="v: holds results of other settings: `backend` is 'cosine' there, 'centred'"):
        run(trained, many, tmp_path / "v", "--backend=centred", samples=2)
    assert (tmp_path / "v" / "scores.txt").read_bytes() == before
    with pytest.raises(InputError, match=r"holds results, but no verification\.yaml to say of what"):
        run(trained, many, trained, samples=2)


def test_a_bad_list_is_reported_with_its_line(trained, many, tmp_path):
    (tmp_path / "list.txt").write_text("1 GLY_00000 NOBODY\n")
    with pytest.raises(InputError, match=r"list\.txt, line 1: .* is not a recording"):
        run(trained, many, tmp_path / "v", f"--trials={tmp_path / 'list.txt'}")


def test_a_nan_score_is_reported_with_its_line(trained, many, tmp_path, monkeypatch):
    """Weights that are not finite are refused when a model is loaded; what is left is an overflow in its layers."""
    monkeypatch.setattr(Embedder, "__call__", lambda self, wavs: torch.full((len(wavs), 3), torch.nan))
    with pytest.raises(InputError, match=r"all, line 1 \(\w+ \w+\): the score is NaN; the model of .* is broken"):
        run(trained, many, tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_a_missing_source(many, tmp_path):
    with pytest.raises(InputError, match="`source` must be a folder or a Hub repository user/name, got 'nowhere'"):
        run("nowhere", many, tmp_path / "v")
