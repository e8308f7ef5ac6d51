#!/usr/bin/env python3
"""Run the quickstart for several seeds and keep what it reports.

> python benchmarks/quickstart.py [seed ...]

Seeds that stand in benchmarks/results/quickstart.json already are left out. Each seed simulates its own recordings.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "quickstart.json"
SEEDS = (1986, 1987, 1988)


def main(seeds):
    """Run the recipe for each seed, one after the other."""
    runs = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for seed in seeds:
        if str(seed) not in runs:
            runs[str(seed)] = run(seed)
            RESULTS.write_text(json.dumps(runs, indent=1) + "\n")


def run(seed):
    """Return the results.json of one run in a folder of its own, with the seconds of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = [ROOT / "recipes/AminoAcidTOCSY/SpeakerRec/train.py", ROOT / "hparams/quickstart.yaml"]
        overrides = [f"--seed={seed}", f"--data_folder={folder}/data", f"--output_folder={folder}/out"]
        start = time.perf_counter()
        subprocess.run([sys.executable, *recipe, *overrides, "--noprogressbar"], check=True)
        results = json.loads(Path(folder, "out", "results.json").read_text())
        results["seconds"]["command"] = round(time.perf_counter() - start, 1)
        return results


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SEEDS)
