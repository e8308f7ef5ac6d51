"""The grid of the paper's tables: what is there is not made again, and an end in time loses nothing."""

import contextlib
import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def tables(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("tables", BENCHMARKS / "tables.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tables", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WORK", tmp_path / "work")
    monkeypatch.setattr(module, "simulate", lambda scale, overrides: tmp_path)
    monkeypatch.setattr(module, "name_unseen", lambda name, *others: {"unseen": {"accuracy": len(name) / 100}})
    monkeypatch.setattr(module, "keep_filters", lambda folder, path: None)
    return module


def fake_run(made, ends_after=None):
    """Leave a results folder, as the recipe does; out of time after so many runs."""

    def run(folder, overrides, seconds):
        if len(made) == ends_after:
            return False
        made.append(folder.name)
        (folder / "save").mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps({"test": {"accuracy": len(folder.name) / 100}}))
        return True

    return run


def test_an_interrupted_grid_gives_the_same_table(tables, tmp_path, monkeypatch):
    arguments = {name: ["small", "--results", str(tmp_path / name)] for name in ("whole", "pieces")}
    for name in arguments:
        (tmp_path / name).mkdir()
    made = []
    monkeypatch.setattr(tables, "run", fake_run(made))
    tables.main(arguments["whole"])
    assert len(made) == len(set(made)) == 2 * (4 * 4 + 3) - 4  # mel with one seed alone
    pieces = []
    monkeypatch.setattr(tables, "run", fake_run(pieces, ends_after=7))
    with pytest.raises(SystemExit, match=r"time is over in 1986 .*; the same command goes on"):
        tables.main(arguments["pieces"])
    monkeypatch.setattr(tables, "run", fake_run(pieces))
    tables.main(arguments["pieces"])
    assert pieces == made
    whole, resumed = (json.loads((tmp_path / name / "tables_small.json").read_text()) for name in arguments)
    assert whole == resumed
    assert len(whole) == len(made)


def test_runs_of_a_seed_share_their_recordings(tables):
    for scale in tables.SCALES.values():
        folders = {}
        for name, overrides in tables.runs(scale).items():
            key = (name.split()[0], name.endswith("spin_lock"))
            folders.setdefault(key, set()).update(o for o in overrides if o.startswith("--data_folder="))
        assert all(len(found) == 1 for found in folders.values())
        assert len(set.union(*folders.values())) == len(folders)


@pytest.fixture
def table_2(monkeypatch, tmp_path, tables):
    spec = importlib.util.spec_from_file_location("table_2", BENCHMARKS / "table_2.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "table_2", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WORK", tmp_path / "work")
    monkeypatch.setattr(module, "probe", lambda *_: 0.5)
    monkeypatch.setattr(module, "hub", lambda scale: contextlib.nullcontext({}))
    monkeypatch.setattr(module, "pretrain", lambda *_: {"test": {"accuracy": 1}})
    return module


def test_an_interrupted_table_2_gives_the_same_table(table_2, tmp_path, monkeypatch):
    made = []
    for name, ends_after in (("whole", None), ("pieces", 5), ("pieces", None)):
        (tmp_path / name).mkdir(exist_ok=True)
        run = fake_run(made, ends_after=None if ends_after is None else len(made) + ends_after)
        monkeypatch.setattr(table_2, "train", lambda recipe, yaml, folder, *_, run=run: run(folder, None, None))
        ended = pytest.raises(SystemExit, match=r"time is over in 1986 random, mel, trainable")
        with ended if ends_after else contextlib.nullcontext():
            table_2.main(["small", "--results", str(tmp_path / name)])
    assert made[16:] == made[:16]
    assert len(set(made)) == 2 * 2 * 4
    whole, resumed = (json.loads((tmp_path / name / "table_2_small.json").read_text()) for name in ("whole", "pieces"))
    assert whole == resumed
    assert {name.rpartition(", ")[2] for name, run in whole.items() if "linear_probe" in run} == {"frozen"}


def test_table_2_is_run_on_the_recordings_of_table_1(table_2, tables):
    """Equal folders are claimed by equal data sets: seed and number of recordings stand in the name."""
    for name, scale in table_2.SCALES.items():
        theirs, ours = (
            {o for overrides in runs.values() for o in overrides if o.startswith("--data_folder=")}
            for runs in (tables.runs(tables.SCALES[name]), table_2.runs(scale))
        )
        assert ours <= theirs


def test_table_2_counts_the_seeds_together(monkeypatch, tmp_path):
    """17 of 20 and 20 of 20 are 92.5%."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import transfer_blocks  # noqa: PLC0415 - found through the path set above

    confusions = {"1986": [[9, 1], [2, 8]], "1987": [[10, 0], [0, 10]]}
    content = {
        f"{seed} synthetic voices, conv, frozen": {
            "unseen": {"confusion": confusion, "labels": ["A", "B"]},
            "linear_probe": 0.5,
        }
        for seed, confusion in confusions.items()
    }
    (tmp_path / "table_2_small.json").write_text(json.dumps(content))
    monkeypatch.setattr(transfer_blocks, "RESULTS", tmp_path)
    monkeypatch.setattr(transfer_blocks.tables, "RESULTS", BENCHMARKS / "results")
    (row,) = re.findall(r"^\| synthetic voices \| small \| (.*) \|$", transfer_blocks.table_2(), re.MULTILINE)
    cells = row.split(" | ")
    assert cells[2].startswith("92.5% (")
    assert cells[5] == "50.0%"
    assert [cells[i] for i in (0, 1, 3, 4)] == ["not yet run"] * 4
