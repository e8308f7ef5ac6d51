"""Measure how fast data sets are made on the whole machine, what they take on disk, in memory, and in a manifest.

> python -m benchmarks.throughput.run                  # CPU
> python -m benchmarks.throughput.run --device=cuda    # 20,000 on one GPU

Rates are class-balanced: as many recordings of each residue.
"""

import argparse
import itertools
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

import torch
from speechbrain.utils.epoch_loop import EpochCounter

from benchmarks.common import Results, provenance, results_path
from nmr_speech.corpus.dataset import BATCH, build_dataset
from nmr_speech.corpus.manifest import Row, read_manifest, refuse_shared_recordings, write_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.simulate import RESIDUES, draw_recordings
from nmr_speech.simulate.batches import MEMORY_GB
from nmr_speech.training.dataio import SimulatedRecordings

SEED = 1986
ROWS = 1_000_000  # of a manifest


def main():
    """Make the measurements that are missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where to simulate")
    parser.add_argument("--each", type=int, help="recordings of each residue; default 60 on a CPU, 1000 on a GPU")
    device, each = (arguments := parser.parse_args()).device, arguments.each
    each = each or {"cpu": 60, "cuda": 1000}[device]
    results = Results(results_path("throughput", device))
    for name, measure in MEASUREMENTS[device].items():
        results.keep(name, lambda measure=measure: measure(each) | provenance())


class Simulations(torch.utils.data.Dataset):
    """Batches of recordings that are simulated and dropped."""

    def __init__(self, each, device="cpu"):
        size = BATCH[device]
        self.batches = [(r, range(i, min(i + size, each))) for i in range(0, each, size) for r in RESIDUES]
        self.device = device

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        residue, indices = self.batches[number]
        return len(draw_recordings(residue, SEED, indices, device=self.device))


def simulate(each, workers=0, device="cpu"):
    """Simulate without writing."""
    torch.set_num_threads(1)
    order = torch.randperm(len(data := Simulations(each, device)), generator=torch.Generator().manual_seed(0)).tolist()
    loader = torch.utils.data.DataLoader(data, None, sampler=order, num_workers=workers)
    start = time.perf_counter()
    return rate(sum(int(n) for n in loader), start) | {"processes": max(1, workers)}


def simulate_on_gpu(each):
    """Simulate without writing, after a first batch of every residue that is not counted."""
    simulate(2, device="cuda")
    torch.cuda.reset_peak_memory_stats()
    row = simulate(each, device="cuda")
    return row | {"gpu": torch.cuda.get_device_name(), "gpu_gb": torch.cuda.max_memory_allocated() / 1e9}


def write(each, audio_format="wav", device="cpu"):
    """Make a whole data set on disk."""
    torch.set_num_threads(1)
    plan = DatasetPlan(SEED, recordings_per_residue=each, audio_format=audio_format)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        row = rate(build_dataset(folder, plan, workers=os.cpu_count(), device=device), start)
        row["bytes_each"] = sum(file.stat().st_size for file in Path(folder, "wav").rglob("*.*")) / plan.n_recordings
    return row


def train_on_the_fly(each):
    """Fetch an epoch of recordings that are simulated by the loader's workers, one at a time."""
    fresh = SimulatedRecordings(DatasetPlan(SEED), RESIDUES, each, EpochCounter(1))
    loader = torch.utils.data.DataLoader(fresh, None, shuffle=True, num_workers=os.cpu_count())
    start = time.perf_counter()
    return rate(sum(1 for _ in loader), start)


def peak_memory(_):
    """Memory beyond the result, of 8 and of 64 recordings of the largest residue, each in a process of its own."""
    draw_recordings("LYS", SEED, [0], n_transients=2, n_points=2)  # what is remembered between recordings
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        peaks = {n: pool.apply(growth, (n,)) / 1e6 for n in (8, 64)}
    return {"residue": "LYS", "budget_mb": 1e3 * MEMORY_GB["cpu"], "mb": peaks}


def growth(n):
    """Bytes by which this process grows at most, beyond the result."""
    torch.set_num_threads(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recordings = draw_recordings("LYS", SEED, range(n))
    peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return peak - sum(recording.fid.nbytes for recording in recordings)


def million_rows(_):
    """Seconds and peak memory of a manifest of a million rows, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool, tempfile.TemporaryDirectory() as folder:
        return pool.apply(handle_manifest, (folder,))


def handle_manifest(folder):
    """Write, read and compare a manifest; megabytes of the process before and at most."""
    before, path = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Path(folder, "train.csv")
    times = [time.perf_counter()]
    names = (f"{RESIDUES[k % len(RESIDUES)]}_{k:06d}" for k in range(ROWS))
    write_manifest(path, (Row(ID=one, wav=f"$data_root/wav/{one[:3]}/{one}.wav", spk_id=one[:3]) for one in names))
    times.append(time.perf_counter())
    rows = read_manifest(path, RESIDUES)
    times.append(time.perf_counter())
    refuse_shared_recordings({path.name: rows}, folder)
    times.append(time.perf_counter())
    seconds = dict(zip(("write", "read", "compare"), (b - a for a, b in itertools.pairwise(times)), strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"rows": ROWS, "seconds": seconds, "mb": [before / 1024, peak / 1024]}


def rate(recordings, start):
    """Recordings, seconds and their ratio."""
    seconds = time.perf_counter() - start
    return {"recordings": recordings, "seconds": seconds, "recordings_per_second": recordings / seconds}


MEASUREMENTS = {
    "cpu": {
        "one process": simulate,
        "a process a core": lambda each: simulate(each, os.cpu_count()),
        "written as wav": write,
        "written as flac": lambda each: write(each, "flac"),
        "in the training loop": train_on_the_fly,
        "memory": peak_memory,
        "manifest": million_rows,
    },
    "cuda": {"simulated": simulate_on_gpu, "written as wav": lambda each: write(each, device="cuda")},
}


if __name__ == "__main__":
    main()
