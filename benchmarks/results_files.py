"""The results files."""

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def load(name):
    """Read one results file."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def save(path, done):
    """Write the results of all runs, a line each, whole or not at all."""
    from nmr_speech.files import write_whole  # noqa: PLC0415 - to read needs no torch

    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(figures)}" for name, figures in done.items())
    write_whole(path, f"{{\n{lines}\n}}\n".encode())
