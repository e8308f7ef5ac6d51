"""What all benchmarks share: where results are kept, how they are read and written, recipe runs, and tables."""

import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from nmr_speech.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
WORK = ROOT / "results"  # models and recordings of the runs, not in git


def results_path(topic: str, variant: str = "") -> Path:
    """Path of a results file: of the topic, or of one scale or device."""
    return FOLDER / topic / f"results{variant and '_'}{variant}.json"


def load(topic: str, variant: str = "") -> dict:
    """Read a results file; empty where nothing was measured."""
    return read(results_path(topic, variant))


def read(path: Path) -> dict:
    """Read JSON; empty where there is no file."""
    return json.loads(path.read_text()) if path.exists() else {}


def write(path: Path, results: dict):
    """Write the whole file or none of it, a line for each name."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(figures)}" for name, figures in results.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"{{\n{lines}\n}}\n".encode())


def provenance() -> dict:
    """Commit, versions and hardware, for a results file."""
    from nmr_speech.report.provenance import provenance  # noqa: PLC0415 - tables are made without torch

    return provenance()


class Results(dict):
    """Results by name in one file: what is there is not measured again, what is measured is written at once."""

    def __init__(self, path: Path):
        super().__init__(read(path))
        self.path = path

    def keep(self, name: str, measure: Callable[..., dict], *arguments):
        """Measure one result unless it is there."""
        if name not in self:
            self[name] = measure(*arguments)
            print(name, json.dumps(self[name])[:300], flush=True)
            write(self.path, self)


def once(path: Path, measure: Callable[..., dict], *arguments):
    """Measure what fills a file in one go, unless the file is there; add the provenance."""
    if path.exists():
        print(f"{path} is there; remove it to measure again")
    else:
        write(path, measure(*arguments) | provenance())


def run_recipe(script: str, yaml: str, *overrides: str, end: float = math.inf) -> bool:
    """Run a script of ``recipes`` with a file of ``hparams``; whether it finished before ``end`` (`time.monotonic`)."""
    command = [sys.executable, ROOT / "recipes" / script, ROOT / "hparams" / yaml, *overrides]
    seconds = None if math.isinf(end) else max(1, end - time.monotonic())
    try:
        subprocess.run(command, check=True, timeout=seconds, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return False
    return True


def run_grid(results: Results, runs: dict[str, list[str]], work: Path, train: Callable, figures: Callable):
    """Make the runs of a grid that are missing, each in a folder of ``work``, until the time is over.

    ``train(folder, overrides)`` says whether it finished in time. What is kept of a run is the ``results.json`` of its
    folder and ``figures(name, folder, overrides)``.
    """
    for name, overrides in runs.items():
        if name not in results:
            folder = work / name.replace(" ", "_").replace(",", "")
            if not train(folder, overrides):
                sys.exit(f"time is over in {name}; rerun the command to resume")
            results.keep(name, lambda *run: read(run[1] / "results.json") | figures(*run), name, folder, overrides)
            shutil.rmtree(folder / "save")


def table(columns: Sequence[str], rows: Iterable[Sequence], labels: int = 1, unmeasured: str = "") -> str:
    """Lay out a Markdown table without the rows and columns of which nothing was measured.

    Arguments
    ---------
    columns : Sequence[str]
        Titles.
    rows : Iterable[Sequence]
        Cells; None where nothing was measured.
    labels : int
        So many first columns say what a row is.
    unmeasured : str
        Sentence below a table that lacks something: what, and the command that measures it.
    """
    rows = list(rows)
    kept = [row for row in rows if any(cell is not None for cell in row[labels:])]
    shown = [k for k in range(len(columns)) if k < labels or any(row[k] is not None for row in kept)]
    lines = [
        "| " + " | ".join("-" if row[k] is None else str(row[k]) for k in shown) + " |"
        for row in (columns, ["---"] * len(columns), *kept)
    ]
    lacking = any(cell is None for row in rows for cell in row)
    return "\n".join(lines + (["", unmeasured] if lacking and unmeasured else []))


def commit(results: dict) -> str:
    """Commit of a result, short, as Markdown."""
    return f"`{results['commit'][:10]}`"


def percent(share: float) -> str:
    """Format a share as a percentage with one decimal."""
    return f"{share:.1%}"
