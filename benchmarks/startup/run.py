"""Measure what the settings of `nmr_speech.startup` change, each in a process of its own, alternately in one run.

> python -m benchmarks.startup.run

Freed memory kept or given back: training, simulation and reconstruction on one thread. Threads that spin, or sleep soon
or at once, while they wait: training on all cores, on a quiet machine, and beside a process on every core that only
computes. To be measured on a machine without other work.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import torch
from hyperpyyaml import load_hyperpyyaml
from torch import nn

from benchmarks.common import ROOT, once, results_path
from nmr_speech.models.embed import embed
from nmr_speech.models.frontends import QuadratureFrontEnd
from nmr_speech.models.heads import LinearHead
from nmr_speech.reconstruction import ist
from nmr_speech.simulate import draw_recordings
from nmr_speech.startup import SPINS, keep_freed_memory
from nmr_speech.training.speedups import skip_idle_padding

ROUNDS, WARMUP = 3, 2
UNITS = {"training": 10, "simulation": 5, "reconstruction": 5}  # steps, batches of 8 recordings, planes
BATCH = 20
THREADS = {
    "as OpenMP sets them": {},
    "short spins": {"GOMP_SPINCOUNT": SPINS},
    "no spins": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


def main():
    """Measure all in processes, or be one of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", choices=UNITS, help="do this work once, and print what it took")
    parser.add_argument("--keep", action="store_true", help="keep freed memory")
    options = parser.parse_args()
    if options.work:
        print(json.dumps(measure(options.work, options.keep)))
    else:
        once(results_path("startup"), measure_all)


def measure_all():
    """Rows of memory and of threads."""
    one = {"OMP_NUM_THREADS": "1"}
    memory = {}
    for work in UNITS:
        memory[work] = alternate({how: partial(process, work, how == "kept", one) for how in ("given back", "kept")})
    threads = {}
    for machine in ("quiet", "busy"):
        with other_work(machine == "busy"):
            threads[machine] = alternate({how: partial(process, "training", True, env) for how, env in THREADS.items()})
    return {"batch": BATCH, "rounds": ROUNDS, "units": UNITS, "memory": memory, "threads": threads}


def alternate(runs):
    """Medians of each setting's figures, over rounds in which every setting runs once."""
    found = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            found[name].append(run())
    rows = {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in found.items()}
    print(json.dumps(rows), flush=True)
    return rows


def process(work, keep, environment):
    """Figures of one process."""
    command = [sys.executable, "-m", "benchmarks.startup.run", f"--work={work}", *(["--keep"] if keep else [])]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "MALLOC_"))}
    done = subprocess.run(command, cwd=ROOT, env=inherited | environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def other_work(busy):
    """A process on every core that computes until the end, if ``busy``."""
    others = [multiprocessing.Process(target=spin, daemon=True) for _ in range(os.cpu_count() if busy else 0)]
    for other in others:
        other.start()
    yield
    for other in others:
        other.terminate()


def spin():
    """Compute without end."""
    while True:
        sum(range(10_000))


def measure(work, keep):
    """Seconds and page faults of a unit, the most memory held, and a figure of the result that must not change."""
    if keep and not keep_freed_memory():
        sys.exit("this C library cannot be told to keep memory")
    unit = {"training": training, "simulation": simulation, "reconstruction": reconstruction}[work]()
    for _ in range(WARMUP):
        unit()
    faults, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
    for _ in range(UNITS[work]):
        figure = unit()
    seconds = (time.perf_counter() - start) / UNITS[work]
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "page_faults": (used.ru_minflt - faults) / UNITS[work],
        "held_mb": used.ru_maxrss / 1024,
        "figure": figure,
    }


def training():
    """A step of an ECAPA-TDNN behind quadrature filters; the loss."""
    torch.manual_seed(0)
    part = load_hyperpyyaml((ROOT / "hparams" / "backbone" / "ecapa_xs.yaml").read_text())
    frontend, backbone = QuadratureFrontEnd(), skip_idle_padding(part["module"])
    head = LinearHead(part["embedding_size"], 20)
    optimizer = torch.optim.Adam(nn.ModuleList([frontend, backbone, head]).parameters(), lr=0.001)
    wavs, labels = torch.randn(BATCH, 65536, 4), torch.arange(BATCH)

    def step():
        loss = nn.functional.cross_entropy(head(embed(frontend, backbone, wavs)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def simulation():
    """A batch of recordings of lysine; the largest point of the last."""
    return lambda: float(draw_recordings("LYS", 1986, range(8))[-1].fid.abs().max())


def reconstruction():
    """A plane of 64 spectra by iterative soft thresholding; the largest point."""
    generator = torch.Generator().manual_seed(0)
    fids = torch.randn(64, 256, dtype=torch.complex64, generator=generator)
    schedule = torch.randperm(256, generator=generator)[:64].sort().values
    measured = torch.zeros_like(fids)
    measured[:, schedule] = fids[:, schedule]
    return lambda: float(ist(measured, schedule).abs().max())


if __name__ == "__main__":
    main()
