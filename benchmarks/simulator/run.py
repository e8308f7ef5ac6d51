"""Measure the simulator on one CPU thread, beside Spinguin and brute force, and what each of its ideas costs.

> pip install spinguin==0.2.2
> python -m benchmarks.simulator.run

Errors are the largest deviation of any point from the same recording with nothing left out (tolerance 0), in units of
the first point. Times are medians over draws, of recordings computed together as for a data set, after one that is not
counted. Spinguin and brute force can do the smallest systems, with fewer points; the simulator does the same beside
them.
"""

import statistics
import sys
import time
from contextlib import contextmanager
from functools import lru_cache
from unittest import mock

import numpy as np
import torch

from benchmarks.common import once, results_path
from nmr_speech.simulate import RESIDUES, load_residue, tocsy
from nmr_speech.simulate.draw import draw_shifts, generator
from nmr_speech.simulate.spin_system import networks
from nmr_speech.testing import brute_force

SEED, DRAWS, BATCHES = 1986, 10, 3
SMALL, SMALL_SIZE = ("GLY", "ASP", "CYS", "SER", "ALA"), {"n_transients": 128, "n_points": 128}  # at most 5 protons
VARIANTS = {
    "nothing left out": (0.0, 0.0),
    "faint coherences left out": (1e-3, 0.0),
    "few time signals": (0.0, 1e-3),
    "both: the default": (1e-3, 1e-3),
    "both, ten times as coarse": (1e-2, 1e-2),
}
COSTLY = ("LYS", "LEU", "GLN")


def main():
    """Measure, and write the results."""
    once(results_path("simulator"), measure_all)


def measure_all():
    """Figures of all residues, of what each shortcut saves, and of other programs."""
    torch.set_num_threads(1)
    residues = {residue: measure(residue) for residue in RESIDUES}
    mean = statistics.mean(row["seconds"] for row in residues.values())
    return {
        "recordings_per_second_and_core": 1 / mean,
        "largest_error": max(row["error"] for row in residues.values()),
        "seed": SEED,
        "draws": DRAWS,
        "residues": residues,
        "variants": {residue: [measure_variant(residue, name) for name in VARIANTS] for residue in COSTLY},
        "others": {"points": [128, 128], "residues": {residue: measure_others(residue) for residue in SMALL}},
    }


def measure(residue):
    """Return size, seconds and error of one residue, and the seconds of one with a continuous lock."""
    molecule, shifts = load_residue(residue), draw(residue, DRAWS)
    seconds = timed(lambda: tocsy(molecule, shifts), BATCHES) / DRAWS
    fids = tocsy(molecule, shifts)
    error = max(deviation(fid, tocsy(molecule, row, tolerance=0)) for row, fid in zip(shifts[:5], fids, strict=False))
    largest = max(len(e) for network in networks(molecule.system) for sector in network.sectors for e in sector.energy)
    row = {
        "protons": molecule.system.n_protons,
        "largest_block": largest,
        "seconds": seconds,
        "error": error,
        "spin_lock_seconds": timed(lambda: tocsy(molecule, shifts[0], sequence="spin_lock"), 1),
    }
    print(residue, row, flush=True)
    return row


def measure_variant(residue, name):
    """Return seconds of one recording and its error with only some of the shortcuts."""
    molecule, shifts = load_residue(residue), draw(residue, 1)[0]
    with tolerances(*VARIANTS[name]):
        start = time.perf_counter()
        fid = tocsy(molecule, shifts)
        row = {"variant": name, "seconds": time.perf_counter() - start}
    row["error"] = deviation(fid, exact(residue))
    print(residue, row, flush=True)
    return row


@lru_cache
def exact(residue):
    """Return the first recording with nothing left out."""
    return tocsy(load_residue(residue), draw(residue, 1)[0], tolerance=0)


@contextmanager
def tolerances(lines, signals):
    """Give the two shortcuts a tolerance each."""
    module = sys.modules["nmr_speech.simulate.tocsy"]
    single_quantum, time_basis = module.single_quantum, module.time_basis
    with (
        mock.patch.object(module, "single_quantum", lambda states, _: single_quantum(states, lines)),
        mock.patch.object(module, "time_basis", lambda found, n, dwell, _: time_basis(found, n, dwell, signals)),
    ):
        yield


def measure_others(residue):
    """Return seconds of Spinguin, brute force and the simulator on the same system, and how far they are apart."""
    molecule = load_residue(residue)
    shifts = dict(zip(molecule.system.names, draw(residue, 1)[0].tolist(), strict=True))
    groups, couplings = dict(molecule.system.groups), {(a, b): j for a, b, j in molecule.system.couplings_hz}
    ours, whole = (tocsy(molecule, shifts, tolerance=tolerance, **SMALL_SIZE).numpy() for tolerance in (1e-3, 0))
    row = {"protons": molecule.system.n_protons, "seconds": timed(lambda: tocsy(molecule, shifts, **SMALL_SIZE), 5)}
    for name, simulate in (
        ("brute_force", lambda: brute_force.signal_2d(groups, couplings, shifts, mixing_time_s=0.06, **SMALL_SIZE)),
        ("spinguin", lambda: spinguin_tocsy(molecule.system, shifts)),
    ):
        start = time.perf_counter()
        theirs = simulate()
        row |= {
            f"{name}_seconds": time.perf_counter() - start,
            f"{name}_deviation": float(np.abs(theirs - ours).max() / molecule.system.n_protons),
            f"{name}_deviation_nothing_left_out": float(np.abs(theirs - whole).max() / molecule.system.n_protons),
        }
    print(residue, row, flush=True)
    return row


def spinguin_tocsy(system, shifts_ppm):
    """Do the experiment with Spinguin's operators and propagators, all transients propagated at once.

    In Spinguin the experiment runs in Liouville space, in the full basis: truncated ones are wrong for these systems.
    """
    import spinguin  # noqa: PLC0415 - not a dependency of the project

    group_of = [name for name, n_protons in system.groups for _ in range(n_protons)]
    spinguin.parameters.default()
    spinguin.parameters.verbose = False
    spinguin.parameters.sparse_superoperator = False
    spins = spinguin.SpinSystem(["1H"] * len(group_of))
    couplings = {frozenset(pair): j for *pair, j in system.couplings_hz}
    spins.J_couplings = np.tril([[couplings.get(frozenset((a, b)), 0.0) for b in group_of] for a in group_of], -1)
    spins.basis.max_spin_order = len(group_of)
    spins.basis.build()
    coupling = spinguin.hamiltonian(spins, ["J_coupling"])
    offsets = [2 * np.pi * (shifts_ppm[name] - 5.0) * 600.0 for name in group_of]
    zeeman = sum(w * spinguin.superoperator(spins, f"I(z,{k})") for k, w in enumerate(offsets))
    dwell_s = 1 / 7200.0
    forward, backward = (spinguin.propagator(-1j * (coupling + zeeman), t) for t in (dwell_s, -dwell_s))
    mixing = spinguin.propagator(-1j * coupling, 0.06)
    lowering = np.asarray(spinguin.state(spins, "I(-)")).ravel()
    channels = []
    for step in (forward, backward):
        states = [lowering.astype(complex)]
        while len(states) < SMALL_SIZE["n_transients"]:
            states.append(step @ states[-1])
        states, points = mixing @ np.stack(states, 1), []
        for _ in range(SMALL_SIZE["n_points"]):
            points.append(lowering.conj() @ states)
            states = forward @ states
        channels.append(np.stack(points, 1))
    anti_echo, echo = (channel * system.n_protons / channels[0][0, 0] for channel in channels)
    return np.stack([(anti_echo + echo) / 2, (anti_echo - echo) / 2j])


def draw(residue, n):
    """Shifts of the first recordings of a data set."""
    molecule = load_residue(residue)
    return np.stack([draw_shifts(molecule, generator(residue, SEED, index)) for index in range(n)])


def timed(work, repetitions):
    """Median seconds, after one time that is not counted."""
    work()
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def deviation(fid, reference):
    """Largest deviation of any point, in units of the first one."""
    return ((fid - reference).abs().max() / reference[0, 0, 0].abs()).item()


if __name__ == "__main__":
    main()
