"""What a run leaves: results.json, its headline, what it prints."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from nmr_speech.report.results import write_classification, write_results
from nmr_speech.score.classification import summarise


def test_results_hold_figures_seed_parameters_and_provenance(tmp_path, capsys):
    frozen = nn.Linear(2, 2).requires_grad_(False)
    hparams = {"seed": 7, "modules": {"backbone": frozen, "classifier": nn.Linear(3, 4)}}
    write_results(tmp_path / "new", hparams, {"eer": 0.25, "seconds": 1.5}, lambda r: f"EER {r['eer']}", ["a", "b"])
    written = json.loads((tmp_path / "new" / "results.json").read_text())
    assert {key: written[key] for key in ("eer", "seconds", "seed", "parameters")} == {
        "eer": 0.25, "seconds": 1.5, "seed": 7, "parameters": 2 * 2 + 2 + 3 * 4 + 4,
    }  # fmt: skip
    assert {"commit", "versions", "hardware"} < set(written)
    assert capsys.readouterr().out == f"EER 0.25\nresults.json, a and b are in {tmp_path / 'new'}\n"


def test_what_json_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_results(tmp_path, {"seed": 7}, {"figure": {1, 2}}, str)
    assert list(tmp_path.iterdir()) == []


def test_the_report_of_a_classifier(tmp_path, capsys):
    scores = summarise(np.array([[3, 1], [0, 4]]), ["ALA", "GLY"])
    datasets = {"train": [None] * 5, "test": [{"id": "ALA_00001", "sig": torch.ones(65536, 4)}]}
    hparams = {
        "seed": 1, "output_folder": str(tmp_path), "skip_prep": False, "modules": {"classifier": nn.Linear(2, 2)},
        "experiment": {"spectral_width_hz": 7200.0, "carrier_ppm": 5.0, "field_mhz": 600.0},
    }  # fmt: skip
    found = {"test": scores, "baseline": scores, "calibration": {"temperature": 1.5}}
    write_classification(hparams, found, datasets, {"train": 2.0}, resumed=True)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["test"]["accuracy"] == 7 / 8
    assert results["recordings"] == {"train": 5, "test": 1}
    assert (results["resumed"], results["seconds"], results["parameters"]) == (True, {"train": 2.0}, 6)
    assert "test_clean" not in results
    assert "| ALA | 4 | 1.000 | 0.750 | 0.857 | GLY 1 |" in (tmp_path / "per_class.md").read_text()
    for picture in ("confusion.png", "recording.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.startswith("test accuracy    87.5% (95% interval")
