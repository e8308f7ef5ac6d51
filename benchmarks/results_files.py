"""The results files."""

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def load(name):
    """Read one results file."""
    return json.loads((RESULTS / f"{name}.json").read_text())
