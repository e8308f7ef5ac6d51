"""Table II of sources: which recordings are learned from and judged, and that results belong to their weights."""

import json
from collections import Counter

import numpy as np
import pytest
import torch

from benchmarks import common
from benchmarks.sources import run, table
from nmr_speech.corpus.manifest import Row, read_manifest, write_manifest
from nmr_speech.hub.tensors import find_weights

SPLITS = {"train": 84, "valid": 24, "test": 12}


@pytest.fixture
def recordings(monkeypatch, tmp_path):
    """Recordings of two residues, of which there are manifests alone."""
    start = 0
    for split, count in SPLITS.items():
        rows = [
            Row(ID=f"{residue}_{i}", wav=f"$data_root/wav/{residue}_{i}.wav", spk_id=residue)
            for i in range(start, start + count)
            for residue in ("ALA", "GLY")
        ]
        write_manifest(tmp_path / f"{split}.csv", rows)
        start += count
    monkeypatch.setattr(run, "data_folder", lambda seed: tmp_path)
    monkeypatch.setattr(run, "run_recipe", lambda *_: True)
    monkeypatch.setattr(run, "WORK", tmp_path / "work")
    return run.Recordings(1986)


@pytest.mark.parametrize("count", run.COUNTS)
def test_few_are_as_many_of_each_residue_and_never_judged(count, recordings):
    chosen = recordings.few(count, 0)
    assert Counter(recordings.labels[chosen]) == {"ALA": count, "GLY": count}
    assert not set(chosen) & set(recordings.judged)
    assert set(recordings.few(count, 1)) == set(chosen) or count < SPLITS["train"]


def test_what_is_trained_is_judged_by_the_recordings_that_the_probe_is_judged_by(recordings):
    folder = run.few_folder(recordings, 5)
    found = {split: {row.ID for row in read_manifest(folder / f"{split}.csv")} for split in SPLITS}
    assert {split: len(names) for split, names in found.items()} == {
        "train": 2 * 5, "valid": 2 * run.LEFT_OUT, "test": 2 * (24 + 12 - run.LEFT_OUT),
    }  # fmt: skip
    assert len(set.union(*found.values())) == sum(map(len, found.values()))
    assert len(found["test"]) == len(recordings.judged)


def test_random_weights_follow_from_the_seed():
    models = [run.Model("random ECAPA", "conv", seed) for seed in (1, 1, 2)]
    one, again, other = (torch.cat([weight.flatten() for weight in model.parameters()]) for model in models)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert models[0].sha256 is None
    assert not any(weight.requires_grad for weight in models[0].backbone.parameters())


def test_other_weights_are_measured_again(recordings, monkeypatch, tmp_path):
    embedded = []

    class Named(torch.nn.Module):
        sha256 = "one"

        def __init__(self, *_):
            super().__init__()

    def embed(self, path, model):
        embedded.append(path.name)
        return np.random.default_rng(0).normal(size=(240, 3))

    monkeypatch.setattr(run, "Model", Named)
    monkeypatch.setattr(run.Recordings, "embed", embed)
    monkeypatch.setattr(run, "Recordings", lambda seed: recordings)
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    for weights in ("one", "one", "two"):
        Named.sha256 = weights
        run.main(["--only", "molecules", "--seeds", "1986"])
    assert Counter(embedded) == {
        f"1986_molecules_{front}_{weights}.npy": 1 for front in run.FRONTENDS for weights in ("one", "two")
    }
    results = json.loads((tmp_path / "sources" / "results.json").read_text())
    assert {kept["weights"] for kept in results.values()} == {"two"}


def test_the_answer_is_of_the_best_front_end_and_the_mean_of_the_seeds(monkeypatch, tmp_path):
    shares = {"1 molecules, mel": 0.5, "1 molecules, spectral": 0.9, "2 molecules, spectral": 0.8}
    shares["1 no network, spectrum"] = 0.25
    content = {name: {"accuracy": dict.fromkeys(table.COUNTS, share)} for name, share in shares.items()}
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    common.write(tmp_path / "sources" / "results.json", content)
    assert "molecules, ECAPA 85.0% (`spectral`) and 85.0% (`spectral`)" in table.sources_answer()
    assert "no network at all 25.0% and 25.0%" in table.sources_answer()
    lines = table.sources_table().splitlines()
    assert "| simulated molecules, ECAPA | `spectral` | 2 |" + " 85.0% |" * 6 in lines
    assert any(line.startswith("Not measured: ") and "random, LSTM behind `mel`" in line for line in lines)


def test_the_figures_of_molecules_are_those_of_the_packaged_weights():
    """After a new training: python -m benchmarks.sources.run --only molecules."""
    weights = find_weights("molecules").sha256
    rows = {name: row for name, row in common.load("sources").items() if " molecules, " in name}
    assert len(rows) == 15
    assert {row["weights"] for row in rows.values()} == {weights}
