"""Run the quickstart for several seeds and keep what it reports; also with recordings stored or made in another way.

> python -m benchmarks.quickstart.run [seed ...]
> python -m benchmarks.quickstart.run --variants [seed ...]

Each run simulates its own recordings.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks.common import Results, results_path, run_recipe

VARIANTS = {"flac": "--audio_format=flac", "fresh": "--fresh_recordings_per_residue=84"}
SEEDS = (1986, 1987, 1988)


def main():
    """Run the recipe for each seed, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS, help="of the runs")
    parser.add_argument("--variants", action="store_true", help="recordings stored or made in another way")
    options = parser.parse_args()
    results = Results(results_path("quickstart", "variants" if options.variants else ""))
    for seed in options.seeds:
        if not options.variants:
            results.keep(str(seed), run, seed)
        for name, override in VARIANTS.items() if options.variants else ():
            results.keep(f"{name} {seed}", run, seed, override)


def run(seed, *overrides):
    """Return the results.json of one run in a folder of its own, with the seconds of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [f"--seed={seed}", f"--data_folder={folder}/data", f"--output_folder={folder}/out"]
        start = time.perf_counter()
        run_recipe("AminoAcidTOCSY/SpeakerRec/train.py", "quickstart.yaml", *folders, *overrides, "--noprogressbar")
        results = json.loads(Path(folder, "out", "results.json").read_text())
        results["seconds"]["command"] = round(time.perf_counter() - start, 1)
        return results


if __name__ == "__main__":
    main()
