#!/usr/bin/env python3
"""Measure the simulator: seconds a recording and error of the default tolerance, for each residue, on the CPU.

> python benchmarks/simulator.py

The error is the largest deviation of any point from the same recording at a tolerance of 1e-6, in units of the first
point. Times are medians over the draws, after one recording that is not counted, on one thread: a data set is made by
one process a core.
"""

import json
import statistics
import time
from pathlib import Path

import torch

from nmr_speech.score.provenance import provenance
from nmr_speech.simulate import RESIDUES, draw_recording, load_residue
from nmr_speech.simulate.spin_system import networks

RESULTS = Path(__file__).resolve().parent / "results" / "simulator.json"
SEED, DRAWS = 1986, 10


def main():
    """Measure all residues and write the results."""
    torch.set_num_threads(1)
    residues = {residue: measure(residue) for residue in RESIDUES}
    mean = statistics.mean(row["seconds"] for row in residues.values())
    summary = {
        "recordings_per_second_and_core": 1 / mean,
        "largest_error": max(row["error"] for row in residues.values()),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"seed": SEED, "draws": DRAWS, **summary, "residues": residues, **provenance()}, indent=1) + "\n"
    )
    print(json.dumps(summary))


def measure(residue):
    """Return size, seconds and error of one residue."""
    draw_recording(residue, SEED, DRAWS)
    seconds, errors = [], []
    for index in range(DRAWS):
        start = time.perf_counter()
        recording = draw_recording(residue, SEED, index)
        seconds.append(time.perf_counter() - start)
        exact = draw_recording(residue, SEED, index, tolerance=1e-6)
        errors.append(((recording.fid - exact.fid).abs().max() / exact.fid[0, 0, 0].abs()).item())
    system = load_residue(residue).system
    largest = max(len(block) for network in networks(system) for sector in network.sectors for block in sector.m_z)
    row = {
        "protons": system.n_protons,
        "largest_block": largest,
        "seconds": statistics.median(seconds),
        "error": max(errors),
    }
    print(residue, row)
    return row


if __name__ == "__main__":
    main()
