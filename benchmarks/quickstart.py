#!/usr/bin/env python3
"""Run the quickstart for several seeds and keep what it reports; also with recordings stored or made in another way.

> python benchmarks/quickstart.py [seed ...]
> python benchmarks/quickstart.py --variants [seed ...]

What stands in benchmarks/results already is left out. Each run simulates its own recordings.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "quickstart.json"
VARIANT_RESULTS = RESULTS.with_name("quickstart_variants.json")
VARIANTS = {"flac": "--audio_format=flac", "fresh": "--fresh_recordings_per_residue=84"}
SEEDS = (1986, 1987, 1988)


def main(arguments):
    """Run the recipe for each seed, one after the other."""
    seeds = [int(argument) for argument in arguments if argument != "--variants"] or SEEDS
    if "--variants" in arguments:
        runs = {f"{name} {seed}": (seed, override) for seed in seeds for name, override in VARIANTS.items()}
        return keep(VARIANT_RESULTS, runs)
    return keep(RESULTS, {str(seed): (seed,) for seed in seeds})


def keep(path, runs):
    """Make the runs that are missing in a results file."""
    results = json.loads(path.read_text()) if path.exists() else {}
    for name, (seed, *overrides) in runs.items():
        if name not in results:
            results[name] = run(seed, *overrides)
            path.write_text(json.dumps(results, indent=1) + "\n")


def run(seed, *overrides):
    """Return the results.json of one run in a folder of its own, with the seconds of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = [ROOT / "recipes/AminoAcidTOCSY/SpeakerRec/train.py", ROOT / "hparams/quickstart.yaml"]
        folders = [f"--seed={seed}", f"--data_folder={folder}/data", f"--output_folder={folder}/out"]
        start = time.perf_counter()
        subprocess.run([sys.executable, *recipe, *folders, *overrides, "--noprogressbar"], check=True)
        results = json.loads(Path(folder, "out", "results.json").read_text())
        results["seconds"]["command"] = round(time.perf_counter() - start, 1)
        return results


if __name__ == "__main__":
    main(sys.argv[1:])
