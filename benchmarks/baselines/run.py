"""Choose the hyperparameters of the baselines on the validation split of the quickstart's recordings.

> python -m benchmarks.baselines.run

The recordings are simulated first if they are not there.
"""

import itertools

from benchmarks.common import ROOT, once, results_path
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.score.classification import wilson_interval
from nmr_speech.simulate import RESIDUES
from nmr_speech.training.baselines import BASELINES
from nmr_speech.training.dataio import load_datasets

FOLDER = ROOT / "data" / "quickstart" / "1986"
EXPONENTS, INVERSE_PENALTIES = (0.5, 0.25, 0.125), (1.0, 10.0, 100.0, 1000.0)
SEARCHES_PPM = (0.0, 0.1, 0.3)


def main():
    """Fit each setting on the training split and score it on the validation split."""
    once(results_path("baselines"), measure_all)


def measure_all():
    """Score every baseline at every setting."""
    build_dataset(FOLDER, DatasetPlan(1986, RESIDUES, 120), workers=2)
    manifests = {split: FOLDER / f"{split}.csv" for split in ("train", "valid")}
    datasets, _ = load_datasets(manifests, FOLDER, RESIDUES)
    regression = [{"exponent": e, "inverse_penalty": c} for e, c in itertools.product(EXPONENTS, INVERSE_PENALTIES)]
    settings = {
        "rows": ("spectrum", regression),
        "first_transient": ("first_transient", regression),
        "template": ("template", [{"search_ppm": search_ppm} for search_ppm in SEARCHES_PPM]),
    }
    return {"seed": 1986, "valid": len(datasets["valid"])} | {
        key: [measure(name, datasets, setting) for setting in of_one] for key, (name, of_one) in settings.items()
    }


def measure(name, datasets, setting):
    """Score one baseline at one setting of its hyperparameters."""
    true, predicted = BASELINES[name](datasets["train"], datasets["valid"], **setting)
    hits = int((true == predicted).sum())
    row = {**setting, "accuracy": hits / len(true), "interval": wilson_interval(hits, len(true))}
    print(name, row, flush=True)
    return row


if __name__ == "__main__":
    main()
