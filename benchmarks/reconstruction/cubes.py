"""Measure reconstruction of 3D spectra: a real TOCSY-HSQC, and synthetic HNCO and HNCACB.

> python -m benchmarks.reconstruction.cubes --cube tocsy_hsqc.npz     # real part: see the README for the file
> python -m benchmarks.reconstruction.cubes --parts synthetic,times   # needs no file

The real cube (Bruker, MLEV-17 TOCSY-15N-HSQC, 600 MHz, 64 x 20 complex points) has no licence and is not here: the file
holds ``fid``, float32 (64 t1, 2, 20 t2, 2, points in F3), after the transform of the observed dimension. The synthetic
planes are sums of exponentials at drawn shifts: HNCO with a line for each residue, HNCACB with two to four, CB
negative; 15N and 13C at constant time hardly decay. All methods see the same schedules. Rerun the command to resume.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import Results, provenance, results_path, write
from nmr_speech.axis import Axis
from nmr_speech.reconstruction import hankel, ist, load_modern, pathways
from nmr_speech.reconstruction.cube import Cube
from nmr_speech.reconstruction.cube_run import try_schedules

METHODS = {
    "zero-filling": lambda fid, schedule, forms: fid,
    "IST": lambda fid, schedule, forms: ist(fid, schedule),
    "IST, virtual echo": lambda fid, schedule, forms: ist(fid, schedule, echo=forms),
    "low-rank Hankel": lambda fid, schedule, forms: hankel(fid, schedule),
    "MoDern": lambda fid, schedule, forms: load_modern(dims=2)(fid, schedule, echo=forms),
}
RATES = (0.4, 0.25, 0.2, 0.1, 0.05)
COLUMNS = 40  # strongest points of F3 that are reconstructed
SEED = 11  # of the schedules
FIGURES = ("rlne", "peak_r2", "weak_peak_r2", "slope", "lost", "false_peaks", "peaks")


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cube", type=Path, help="the real cube")
    text = "schedules of each rate; low-rank Hankel gets one, of the real cube"
    parser.add_argument("--masks", type=int, default=5, help=text)
    parser.add_argument("--parts", default="real,synthetic,times", help="what to measure")
    parser.add_argument("--out", type=Path, default=results_path("reconstruction"), help="results file")
    options = parser.parse_args()
    results, source = Results(options.out), provenance()

    def keep(name, measure):
        if name not in results:
            row = measure() | {"commit": source["commit"]}
            results.update({"cubes provenance": source, name: row})
            write(results.path, results)
            print(name, row, flush=True)

    parts = options.parts.split(",")
    if "real" in parts and options.cube is not None:
        compare("TOCSY-HSQC, real", real_cube(options.cube), options.masks, keep)
    if "synthetic" in parts:
        for name in SYNTHETIC:
            compare(f"{name}, synthetic", synthetic_cube(name), options.masks, keep)
    if "times" in parts:
        keep("cubes | times", times)


def compare(name, cube, masks, keep):
    """Measure one cube by all methods at all rates."""
    for rate in RATES:
        for method, call in METHODS.items():
            if "Hankel" in method and "synthetic" in name:
                continue  # its matrices of 1,000 x 1,000 take minutes a schedule
            count = 1 if "Hankel" in method else masks
            keep(f"cubes | {name} | {rate:g} | {method}", partial(measured, cube, call, rate, count))


def measured(cube, call, rate, count):
    """Figures of several schedules, and the seconds of the first."""
    found = try_schedules(cube, call, rate=rate, n_schedules=count, seed=SEED)
    rows = {key: [None if one[key] is None else round(one[key], 5) for one in found.figures] for key in FIGURES}
    return rows | {"seconds": round(found.seconds[0], 2), "columns": len(cube.fid)}


def strongest(cube):
    """Keep the strongest points of F3."""
    energy = cube.fid.abs().square().sum(dim=(1, 2, 3))
    chosen = energy.argsort(descending=True)[:COLUMNS].sort().values
    return replace(cube, fid=cube.fid[chosen], f3=Axis(COLUMNS))


def real_cube(path):
    """The real cube; 15N starts with its sine, and the sign alternates in t1."""
    fid = np.load(path)["fid"].transpose(4, 0, 1, 2, 3).copy()
    fid = np.stack([-fid[..., 1], fid[..., 0]], axis=-1) * (-1.0) ** np.arange(fid.shape[1])[None, :, None, None, None]
    axes = Axis(128, 7200.0, 4.7, 600.13), Axis(64, 1800.0, 118.0, 60.82), Axis(fid.shape[0], 3300.0, 8.25, 600.13)
    return strongest(Cube(pathways(torch.from_numpy(fid.astype(np.float32))), (0.0, 0.0), *axes))


SYNTHETIC = {"HNCO": ((60, 60), (1, 1)), "HNCACB": ((90, 44), (2, 4))}
"""Grid of t1 (13C) and t2 (15N), and lines of each residue."""


def synthetic_cube(name, n_residues=80):
    """Lines of residues at drawn shifts; F3 has lines of 3 points' width, so that neighbours overlap in it."""
    grid, lines = SYNTHETIC[name]
    rng = np.random.default_rng(len(name))
    f3 = torch.arange(160)
    fid = torch.zeros(len(f3), 2, *grid, dtype=torch.complex64)
    t1, t2 = (torch.arange(n) for n in grid)
    for _ in range(n_residues):
        shape = torch.exp(-(((f3 - rng.uniform(5, 155)) / 1.5) ** 2))
        nitrogen, strength = rng.uniform(-0.45, 0.45), rng.uniform(0.2, 1.0)
        two = torch.exp((2j * torch.pi * nitrogen - 1 / rng.uniform(3 * grid[1], 20 * grid[1])) * t2)
        count = rng.integers(lines[0], lines[1] + 1)
        for k in range(count):
            sign = -1.0 if name == "HNCACB" and k % 2 else 1.0  # CA, CB, and those of the residue before, weaker
            size = sign * strength * (0.4 if k > 1 else 1.0)
            one = torch.exp(
                (2j * torch.pi * rng.uniform(-0.45, 0.45) - 1 / rng.uniform(0.5 * grid[0], 3 * grid[0])) * t1
            )
            pair = torch.stack([torch.outer(one, two), torch.outer(one, two.conj())])
            fid += (size * shape)[:, None, None, None] * pair
    noise = torch.from_numpy(rng.normal(size=(*fid.shape, 2)).astype(np.float32))
    fid += 0.005 * torch.view_as_complex(noise)
    axes = Axis(256, 3000.0, 50.0, 150.9), Axis(128, 1800.0, 118.0, 60.8), Axis(len(f3), 2000.0, 8.2, 600.0)
    return strongest(Cube(fid, (0.0, 0.0), *axes))


@torch.no_grad()
def times():
    """Seconds for a whole cube of 879 x 90 x 44, the paper's HNCACB, by the fast methods side by side."""
    cube = synthetic_cube("HNCACB")
    fid = cube.fid.repeat(22, 1, 1, 1)[:879]
    found = {}
    for method in ("IST, virtual echo", "MoDern"):
        sampled = try_schedules(replace(cube, fid=fid[:8], f3=Axis(8)), METHODS[method], rate=0.1, seed=SEED)  # warm
        schedule = np.argwhere(np.random.default_rng(1).random((90, 44)) < 0.1)
        mask = torch.zeros(90, 44, dtype=torch.bool)
        mask[tuple(schedule.T)] = True
        begun = time.perf_counter()
        METHODS[method](fid * mask, schedule, ("even", "even"))
        found[method] = round(time.perf_counter() - begun, 2)
        del sampled
    return {"seconds": found, "threads": torch.get_num_threads(), "size": [879, 90, 44]}


if __name__ == "__main__":
    main()
