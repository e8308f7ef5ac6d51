"""The grid of the paper's tables: what is there is not made again, and running out of time loses nothing."""

import contextlib
import importlib
import json
import re
from pathlib import Path

import pytest

from benchmarks import common, readme
from benchmarks.accuracy import run as accuracy
from benchmarks.transfer import run as transfer
from benchmarks.transfer.table import UNMEASURED, table_2


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The grids without models: a run leaves a made-up results.json."""
    monkeypatch.setattr(accuracy, "WORK", tmp_path / "work")
    monkeypatch.setattr(transfer, "WORK", tmp_path / "work")
    monkeypatch.setattr(accuracy, "simulate", lambda scale, overrides: tmp_path)
    monkeypatch.setattr(
        accuracy, "unseen_figures", lambda folder, more: {"unseen": {"accuracy": len(folder.name) / 100}}
    )
    monkeypatch.setattr(accuracy, "keep_filters", lambda folder, path: None)
    monkeypatch.setattr(accuracy, "baselines", lambda overrides, more: {})
    monkeypatch.setattr(transfer, "probe", lambda *_: 0.5)
    monkeypatch.setattr(transfer, "pretrain", lambda *_: {"test": {"accuracy": 1}})


def recipe(made, ends_after=None):
    """Leave a results folder, as a recipe does; out of time after so many runs."""

    def run_recipe(script, yaml, output_folder, *overrides, end):
        if len(made) == ends_after:
            return False
        folder = Path(output_folder.removeprefix("--output_folder="))
        made.append(folder.name)
        (folder / "save").mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps({"test": {"accuracy": len(folder.name) / 100}}))
        return True

    return run_recipe


def whole_and_in_pieces(module, monkeypatch, tmp_path, ends_after, message):
    """Make a grid at once, and once more in two pieces; the runs made and the results of both."""
    made = {"whole": [], "pieces": []}
    for name, end in (("whole", None), ("pieces", ends_after), ("pieces", None)):
        monkeypatch.setattr(module, "run_recipe", recipe(made[name], end))
        with pytest.raises(SystemExit, match=message) if end else contextlib.nullcontext():
            module.main(["small", "--results", str(tmp_path / name)])
    assert made["pieces"] == made["whole"]
    whole, pieces = (json.loads((tmp_path / name / "results_small.json").read_text()) for name in made)
    assert whole == pieces
    return made["whole"], whole


@pytest.mark.usefixtures("measured")
def test_an_interrupted_grid_gives_the_same_table(monkeypatch, tmp_path):
    message = r"time is over in 1986 .*; rerun the command to resume"
    made, results = whole_and_in_pieces(accuracy, monkeypatch, tmp_path, 7, message)
    assert len(made) == len(set(made)) == len(results) == 2 * (4 * 4 + 3) - 4  # mel with one seed alone


@pytest.mark.usefixtures("measured")
def test_an_interrupted_table_2_gives_the_same_table(monkeypatch, tmp_path):
    message = r"time is over in 1986 random, mel, trainable"
    made, results = whole_and_in_pieces(transfer, monkeypatch, tmp_path, 5, message)
    assert len(made) == len(set(made)) == 2 * 2 * 4
    assert {name.rpartition(", ")[2] for name, run in results.items() if "linear_probe" in run} == {"frozen"}
    assert results["pretraining"] == {"test": {"accuracy": 1}}


def data_folders(overrides):
    return {text for text in overrides if text.startswith("--data_folder=")}


def test_runs_of_a_seed_share_their_recordings():
    for scale in accuracy.SCALES.values():
        folders = {}
        for name, overrides in accuracy.runs(scale).items():
            key = (name.split()[0], name.endswith("spin_lock"))
            folders.setdefault(key, set()).update(data_folders(overrides))
        assert all(len(found) == 1 for found in folders.values())
        assert len(set.union(*folders.values())) == len(folders)


def test_table_2_is_run_on_the_recordings_of_table_1():
    """Equal folders are claimed by equal data sets: seed and number of recordings stand in the name."""
    for name, scale in transfer.SCALES.items():
        grids = accuracy.runs(accuracy.SCALES[name]), transfer.runs(scale, Path("speaker_model"))
        theirs, ours = (set.union(*map(data_folders, grid.values())) for grid in grids)
        assert ours <= theirs


def test_table_2_counts_the_seeds_together(monkeypatch, tmp_path):
    """17 of 20 and 20 of 20 are 92.5%."""
    confusions = {"1986": [[9, 1], [2, 8]], "1987": [[10, 0], [0, 10]]}
    content = {
        f"{seed} synthetic voices, conv, frozen": {
            "unseen": {"confusion": confusion, "labels": ["A", "B"]},
            "linear_probe": 0.5,
        }
        for seed, confusion in confusions.items()
    }
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    common.write(tmp_path / "transfer" / "results_small.json", content)
    head, _, published, voices, *rest = table_2().splitlines()
    cells = [cell.strip() for cell in voices.split("|")[1:-1]]
    assert cells[:2] == ["synthetic voices", "small"]
    measured = dict(zip([title.strip() for title in head.split("|")[1:-1]], cells, strict=True))
    assert measured["`conv`, frozen"].startswith("92.5% (")
    assert measured["`conv`"] == "50.0%"
    assert measured["`mel`, frozen"] == "-"
    assert "published" in published
    assert rest == ["", UNMEASURED]


def test_a_result_is_measured_once_and_written_at_once(tmp_path):
    path, calls = tmp_path / "new" / "results.json", []
    results = common.Results(path)
    for name in ("one", "two", "one"):
        results.keep(name, lambda name=name: calls.append(name) or {"value": len(calls)})
    assert calls == ["one", "two"]
    assert common.Results(path) == {"one": {"value": 1}, "two": {"value": 2}}
    before = path.read_bytes()
    common.once(path, lambda: calls.append("again"))
    assert calls == ["one", "two"]
    assert path.read_bytes() == before


def test_a_table_leaves_out_what_was_not_measured():
    unmeasured, measured = "Not measured: y.", "| a | b |\n| --- | --- |\n| x | 1 |"
    rows = [["x", 1, None], ["y", None, None]]
    assert common.table(["a", "b", "c"], rows, 1, unmeasured) == f"{measured}\n\n{unmeasured}"
    assert common.table(["a", "b"], [["x", 1]], 1, unmeasured) == measured


def test_every_block_of_the_documents_is_made_by_one_topic():
    tables = [importlib.import_module(f"benchmarks.{topic}.table") for topic in readme.TOPICS]
    names = [name for table in tables for name in table.BLOCKS]
    assert len(names) == len(set(names))
    marked = {
        name for path in readme.DOCUMENTS for name in re.findall(r"^<!-- ([\w-]+) -->$", path.read_text(), re.MULTILINE)
    }
    assert marked == set(names)
