"""The grid of the paper's tables: what is there is not made again, and an end in time loses nothing."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def tables(monkeypatch, tmp_path):
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
