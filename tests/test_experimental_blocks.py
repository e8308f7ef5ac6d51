"""The README's block on measured spectra says what stands in the results, the worst rank above all."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def blocks(monkeypatch, tmp_path):
    for name in ("results_files", "experimental_blocks"):
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def run(rank, probability):
    figures = {"accuracy": 0.925, "accuracy_interval": [0.88, 0.95], "labels": ["ALA", "VAL"]}
    template = {"template, search 0.3 ppm": True, "template, search 0 ppm": False}
    shifts = {name: {"rank": 1, "probability": 0.99} | template for name in ("referenced", "not referenced")}
    shifts |= {"-0.20 ppm": {"rank": rank, "probability": probability}, "+0.20 ppm": {"rank": 1, "probability": 0.98}}
    return {
        "test": figures, "test_clean": figures | {"accuracy": 0.95}, "baseline": {"test": figures},
        "template": {"test": 0.9}, "measured": {"VAL": {"shifts": shifts}}, "other": {"400 MHz": 0.875},
        "recordings_each": 6, "hardware": {"processor": "one"}, "commit": "0123456789abcdef",
    }  # fmt: skip


def test_before_the_benchmark_has_run(blocks):
    assert blocks.experimental_table() == blocks.experimental_other() == blocks.NOT_YET


def test_the_rows_are_the_results(blocks, tmp_path):
    (tmp_path / "experimental.json").write_text(json.dumps({"1986": run(1, 0.9), "1987": run(3, 0.2)}))
    table = blocks.experimental_table()
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| 198")]
    assert rows[0][1:3] == ["92.5% (88.0 to 95.0)", "95.0%"]
    assert [row[-1] for row in rows] == ["rank 1 at worst, p from 0.90 |", "rank 3 at worst, p from 0.20 |"]
    assert "template, search 0.3 ppm, referenced: VAL; template, search 0.3 ppm, not referenced: VAL" in table
    assert "template, search 0 ppm, referenced: another" in table
    assert table.endswith("one, commit `0123456789`.")
    assert blocks.experimental_other().splitlines()[::2] == [
        "| 12 new recordings each, disturbed | seed 1986 | seed 1987 |", "| 400 MHz | 87.5% | 87.5% |",
    ]  # fmt: skip
