"""Measure how long commands take from start to end, beside the imports that none of them can do without.

> python -m benchmarks.startup.commands

Each in a process of its own, by turns; the first round, which fills the system's cache of files, does not count.
"""

import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.common import ROOT, once, results_path

ROUNDS = 5
IMPORTS = {"import torch": "import torch", "import torch, speechbrain": "import torch, speechbrain"}
COMMANDS = {
    "nmr-speech --help": "--help",
    "nmr-speech simulate GLY --out gly.wav": "simulate GLY --out {folder}/gly.wav",
    "nmr-speech classify examples/valine": "classify examples/valine",
    "nmr-speech reconstruct examples/valine --rate 0.25 --method modern --out valine.ft2": (
        "reconstruct examples/valine --rate 0.25 --method modern --out {folder}/valine.ft2"
    ),
}


def main():
    """Measure every command."""
    once(results_path("startup", "commands"), measure)


def measure():
    """Median seconds of every command."""
    with tempfile.TemporaryDirectory() as folder:
        lines = {name: ["-c", code] for name, code in IMPORTS.items()}
        for name, line in COMMANDS.items():
            lines[name] = ["-m", "nmr_speech.cli", *line.format(folder=folder).split()]
        seconds = {name: [] for name in lines}
        for _ in range(1 + ROUNDS):
            for name, line in lines.items():
                began = time.perf_counter()
                subprocess.run([sys.executable, *line], cwd=ROOT, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(each[1:]) for name, each in seconds.items()}
    print(medians, flush=True)
    return {"rounds": ROUNDS, "seconds": medians}


if __name__ == "__main__":
    main()
