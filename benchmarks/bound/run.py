"""Measure how well a classifier does that is given the drawn shifts and the Gaussians they come from.

> python -m benchmarks.bound.run
"""

import numpy as np

from benchmarks.common import once, results_path
from nmr_speech.score.bound import CELL_PPM, classify_by_shifts
from nmr_speech.score.classification import confused_pairs, count_confusion, summarise, wilson_interval
from nmr_speech.simulate import RESIDUES

SEED, DRAWS, HARDEST = 1986, 2000, 5
# The coarse cells are those of the linear baseline's grid.
KNOWN = [
    ("names", CELL_PPM),
    ("protons", CELL_PPM),
    ("shifts", CELL_PPM),
    ("cells", CELL_PPM),
    ("cells", 8 * CELL_PPM),
    ("shared_names", CELL_PPM),
    ("any_number", CELL_PPM),
]


def main():
    """Measure every kind of knowledge in both conditions."""
    once(results_path("bound"), measure_all)


def measure_all():
    """Rows of every kind of knowledge in both conditions."""
    rows = [measure(knows, cell_ppm, condition) for condition in ("h2o", "d2o") for knows, cell_ppm in KNOWN]
    return {"seed": SEED, "draws": DRAWS, "rows": rows}


def measure(knows, cell_ppm, condition):
    """Classify draws of all residues, and of ILE and LEU when only these two are candidates."""
    settings = {"draws": DRAWS, "seed": SEED, "cell_ppm": cell_ppm, "condition": condition}
    confusion = count_confusion(*classify_by_shifts(knows, RESIDUES, **settings), len(RESIDUES))
    two = count_confusion(*classify_by_shifts(knows, ["ILE", "LEU"], **settings), 2)
    return {
        "condition": condition,
        "knows": knows,
        **({"cell_ppm": cell_ppm} if knows == "cells" else {}),
        "all": share(confusion),
        "ILE or LEU": share(two),
        "recall": dict(zip(RESIDUES, (np.diag(confusion) / DRAWS).tolist(), strict=True)),
        "hardest": [row for row in confused_pairs(summarise(confusion, RESIDUES))[:HARDEST] if row["mistaken"]],
    }


def share(confusion):
    """Accuracy with its 95% interval."""
    hits, total = int(np.trace(confusion)), int(confusion.sum())
    low, high = wilson_interval(hits, total)
    return {"value": hits / total, "low": low, "high": high}


if __name__ == "__main__":
    main()
