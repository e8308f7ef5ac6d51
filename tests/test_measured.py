"""The README's block on measured spectra says what stands in the results, the worst rank above all."""

import pytest

from benchmarks import common
from benchmarks.measured.table import UNMEASURED, experimental_other, experimental_table


@pytest.fixture(autouse=True)
def results(monkeypatch, tmp_path):
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    return tmp_path / "measured" / "results.json"


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


def test_before_the_benchmark_has_run():
    assert experimental_table() == experimental_other() == UNMEASURED


def test_the_rows_are_the_results(results):
    common.write(results, {"1986": run(1, 0.9), "1987": run(3, 0.2)})
    table = experimental_table()
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| 198")]
    assert rows[0][1:3] == ["92.5% (88.0 to 95.0)", "95.0%"]
    assert [row[-1] for row in rows] == ["rank 1 at worst, p from 0.90 |", "rank 3 at worst, p from 0.20 |"]
    assert "template, search 0.3 ppm, referenced: VAL; template, search 0.3 ppm, not referenced: VAL" in table
    assert "template, search 0 ppm, referenced: another" in table
    assert table.endswith("one, commit `0123456789`.")
    assert experimental_other().splitlines()[::2] == [
        "| 12 new recordings each, disturbed | seed 1986 | seed 1987 |", "| 400 MHz | 87.5% | 87.5% |",
    ]  # fmt: skip
