#!/usr/bin/env python3
"""Choose the dials of the linear baseline on the validation split of the quickstart's recordings.

> python benchmarks/baseline.py [data_folder]

The folder is the quickstart's; it is simulated first if it is not there.
"""

import itertools
import json
import sys
from pathlib import Path

from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.dataio import load_datasets
from nmr_speech.models import baseline
from nmr_speech.score.provenance import provenance
from nmr_speech.simulate import RESIDUES

RESULTS = Path(__file__).resolve().parent / "results" / "baseline.json"
EXPONENTS, INVERSE_PENALTIES = (0.5, 0.25, 0.125), (1.0, 10.0, 100.0, 1000.0)


def main(folder="data/quickstart/1986"):
    """Fit each pair of dials on the training split and score it on the validation split."""
    build_dataset(folder, DatasetPlan(1986, RESIDUES, 120), workers=2)
    manifests = {split: Path(folder, f"{split}.csv") for split in ("train", "valid")}
    datasets, _ = load_datasets(manifests, folder, RESIDUES)
    rows = []
    for exponent, penalty in itertools.product(EXPONENTS, INVERSE_PENALTIES):
        true, named = baseline.name_by_spectrum(datasets["train"], datasets["valid"], exponent, penalty)
        rows.append({"exponent": exponent, "inverse_penalty": penalty, "accuracy": float((true == named).mean())})
        print(rows[-1], flush=True)
    RESULTS.write_text(json.dumps({"seed": 1986, "valid": len(true), "rows": rows, **provenance()}, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
