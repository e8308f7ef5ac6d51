#!/usr/bin/env python3
"""Choose the dials of the baselines on the validation split of the quickstart's recordings.

> python benchmarks/baseline.py [data_folder]

The folder is the quickstart's; it is simulated first if it is not there.
"""

import itertools
import json
import sys
from pathlib import Path

from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.report.provenance import provenance
from nmr_speech.score.classification import wilson_interval
from nmr_speech.simulate import RESIDUES
from nmr_speech.training import baselines as baseline
from nmr_speech.training.dataio import load_datasets

RESULTS = Path(__file__).resolve().parent / "results" / "baseline.json"
EXPONENTS, INVERSE_PENALTIES = (0.5, 0.25, 0.125), (1.0, 10.0, 100.0, 1000.0)
SEARCHES_PPM = (0.0, 0.1, 0.3)


def main(folder="data/quickstart/1986"):
    """Fit each pair of dials on the training split and score it on the validation split."""
    build_dataset(folder, DatasetPlan(1986, RESIDUES, 120), workers=2)
    manifests = {split: Path(folder, f"{split}.csv") for split in ("train", "valid")}
    datasets, _ = load_datasets(manifests, folder, RESIDUES)
    results = {"seed": 1986, "valid": len(datasets["valid"])}
    dials = [{"exponent": e, "inverse_penalty": c} for e, c in itertools.product(EXPONENTS, INVERSE_PENALTIES)]
    for key, name, settings in (
        ("rows", "spectrum", dials),
        ("first_transient", "first_transient", dials),
        ("template", "template", [{"search_ppm": search_ppm} for search_ppm in SEARCHES_PPM]),
    ):
        results[key] = [measure(name, datasets, setting) for setting in settings]
    RESULTS.write_text(json.dumps(results | provenance(), indent=1) + "\n")


def measure(name, datasets, setting):
    """Score one baseline at one setting of its dials."""
    true, named = baseline.BASELINES[name](datasets["train"], datasets["valid"], **setting)
    hits = int((true == named).sum())
    row = {**setting, "accuracy": hits / len(true), "interval": wilson_interval(hits, len(true))}
    print(name, row, flush=True)
    return row


if __name__ == "__main__":
    main(*sys.argv[1:])
