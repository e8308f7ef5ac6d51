"""Measure all reconstruction methods on real and synthetic spectra, on the same machine.

> python -m benchmarks.reconstruction.run --networks results/reconstruction
> python -m benchmarks.reconstruction.run --parts times                            # on a machine that does nothing else
> python -m benchmarks.reconstruction.run --masks 2 --parts spectra,synthetic      # a rehearsal
> python -m benchmarks.reconstruction.run --parts bridge --model results/quickstart/1986

``--networks`` holds one folder a training, NAME/SEED, as the recipe leaves them: modern_cpu, modern_fixed_cpu,
dlnmr_cpu and lstm_cpu (or the names without _cpu, which are preferred), trained at 20%; NAME_15 for the grid of rates,
trained at 15%. What is not there is left out, and the README says so. Results are kept after every schedule; rerun the
command to resume. A network that was trained again is measured again. Each row names its commit.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import Results, provenance, results_path, write
from benchmarks.reconstruction.methyls import methyl_plane
from nmr_speech.checks import InputError
from nmr_speech.reconstruction import hankel, ist, load_network, poisson_gap, sampling_mask
from nmr_speech.reconstruction.auto import AutoMethod
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.from_spectrum import spectrum_to_plane
from nmr_speech.reconstruction.plane import f1_spectrum, to_plane
from nmr_speech.reconstruction.recovery import recovery, rlne
from nmr_speech.reconstruction.synthetic import make_fids
from nmr_speech.spectrometer import Sampling, read_experiment
from nmr_speech.testing.data import reference_data

ANY_RATE = "MoDern, 10 to 50%"
NETWORKS = {
    "MoDern": "modern",
    ANY_RATE: "modern_rates",
    "MoDern, 3 to 50%": "modern_low",
    "MoDern, any phase": "modern_phases",
    "MoDern, fixed thresholds": "modern_fixed",
    "DLNMR": "dlnmr",
    "LSTM": "lstm",
}
RATES = {"GB1 HSQC": (0.2, 0.1, 0.05, 0.03), "L-valine TOCSY": (0.25, 0.1, 0.05)}
GRID = (0.10, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25)
HANKEL_MASKS = 3  # it takes minutes a plane
ROUNDS = 5  # of the times, Hankel in the first alone
HELD_OUT_SEED, N_HELD_OUT = 2_000_000, 200
SIGNS = {"both signs": 0.5, "positive": 0.0}
VALINE_PPM = (0.0, 4.3)  # without the water
CHOICE_RATES, CHOICES, STRONGEST = (0.05, 0.1, 0.2, 0.25), 3, 200
METHYLS, METHYL_POINTS, METHYL_RATE, METHYL_PLANES = ("measured", "coupled", "processed"), (64, 128, 256), 0.25, 5
METHYL_SEED = 1  # no choice was made on it
BRIDGE_RATES = (0.1, 0.2, 0.3, 0.4, 0.5)
BRIDGE_RECORDINGS = 5  # of each residue
REPORTED = [
    "parameters",
    "test",
    "ist",
    "zero_filled",
    "curves",
    "recordings",
    "fids",
    "seed",
    "seconds",
    "resumed",
]


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=Path, default=Path("results/reconstruction"), help="trained networks")
    parser.add_argument("--masks", type=int, default=20, help="schedules of each rate")
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure")
    parser.add_argument("--model", help="trained classifier, for the bridge")
    parser.add_argument("--out", type=Path, default=results_path("reconstruction"), help="results file")
    options = parser.parse_args()
    for part in options.parts.split(","):
        PARTS[part](options, Part(options.out, part))


class Part(Results):
    """Rows of one part of the results by name."""

    def __init__(self, path, part):
        super().__init__(path)
        self.part, self.source = part, provenance()

    def __call__(self, name, measure, *arguments, weights=None):
        """Measure the row of that name if it is not there, or is of other weights."""
        name = f"{self.part} | {name}"
        if name not in self or self[name].get("weights") != weights:
            row = measure(*arguments) | {"commit": self.source["commit"]} | ({"weights": weights} if weights else {})
            self.update({"provenance": self.source, name: row})
            write(self.path, self)
            print(name, row, flush=True)


@dataclass(frozen=True)
class Network:
    """A trained network: its folder, how it is called, and the start of its weights' SHA-256."""

    folder: Path
    method: Callable
    weights: str


def load_networks(folder, suffix=""):
    """Load the trained networks there are, the paper's size before the small one, the first seed."""
    found = {}
    for label, name in NETWORKS.items():
        runs = [
            run.parent for size in ("", "_cpu") for run in sorted(folder.glob(f"{name}{size}{suffix}/*/config.json"))
        ]
        if runs:
            weights = hashlib.sha256((runs[0] / "model.safetensors").read_bytes()).hexdigest()
            found[label] = Network(runs[0], load_network(runs[0]), weights[:12])
    return found


def methods(networks, echo):
    """Return calls of (fid, schedule) for signals of that virtual echo, and weights, None for an algorithm; by name."""
    algorithms = {
        "zero-filling": lambda fid, schedule: fid,
        "IST": ist,
        "IST-D": lambda fid, schedule: ist(fid, schedule, variant="ist_d"),
        "IST, virtual echo": lambda fid, schedule: ist(fid, schedule, echo=echo),
        "IST-D, virtual echo": lambda fid, schedule: ist(fid, schedule, variant="ist_d", echo=echo),
        "low-rank Hankel": hankel,
    }
    named = {name: (call, None) for name, call in algorithms.items()}
    for name, network in networks.items():
        named[name] = (partial(network.method, echo=echo), network.weights)
    return named


def trainings(options, keep):
    """Keep what the trainings reported, curves included."""
    for suffix in ("", "_15"):
        for name, network in load_networks(options.networks, suffix).items():
            report = json.loads((network.folder / "results.json").read_text())
            kept = {key: report[key] for key in REPORTED} | {"trained_at": report["commit"]}
            keep(f"{name}{suffix}", lambda kept=kept: kept, weights=network.weights)


def real_planes():
    """Yield name, signals (points in F2, n), start of t1 and size in F1 of the real spectra."""
    # The measurements were made on signals recovered from this file independently, F1 the other way round.
    try:
        yield "GB1 HSQC", spectrum_to_plane(reference_data("gb1_hsqc.ft2")).fid.conj().resolve_conj(), 0.0, 512
    except InputError as error:
        print(error)
    plane = to_plane(read_experiment(reference_data("valine"), sampling=Sampling()), VALINE_PPM)
    yield "L-valine TOCSY", plane.fid, plane.start, plane.f1.n


def spectra(options, keep):
    """Reconstruct the real spectra by all methods, from the same schedules."""
    networks = load_networks(options.networks)
    for name, full, start, size in real_planes():
        reference = f1_spectrum(full, start, size).numpy().T
        for rate in RATES[name]:
            for method, (call, weights) in methods(networks, "half_dwell" if start else "even").items():
                for i in range(min(options.masks, HANKEL_MASKS) if "Hankel" in method else options.masks):
                    schedule = poisson_gap(full.shape[1], round(rate * full.shape[1]), (1, i))
                    key = f"{name} | {rate:g} | {method} | {i}"
                    keep(key, compare, call, full, schedule, start, size, reference, weights=weights)


@torch.no_grad()
def compare(call, full, schedule, start, size, reference):
    """Reconstruct one plane; return its figures."""
    filled = call(full * sampling_mask(schedule, full.shape[1]), schedule)
    found = recovery(f1_spectrum(filled, start, size).numpy().T, reference)
    return {key: value if value is None else round(value, 6) for key, value in found.items()}


def times(options, keep):
    """Reconstruct the whole GB1 plane at 20% by all methods in turn, round after round: seconds side by side."""
    networks = load_networks(options.networks)
    weights = " ".join(network.weights for network in networks.values())
    for name, full, _, _ in real_planes():
        if name == "GB1 HSQC":
            schedule = poisson_gap(full.shape[1], round(0.2 * full.shape[1]), (3, 0))
            calls = {method: call for method, (call, _) in methods(networks, "even").items()}
            keep(f"{name}, {len(full)} signals", in_turn, calls, full, schedule, weights=weights)


@torch.no_grad()
def in_turn(calls, full, schedule):
    """Seconds of each call, a list of one a round; threads."""
    sampled = full * sampling_mask(schedule, full.shape[1])
    seconds = {method: [] for method in calls}
    for i in range(ROUNDS + 1):  # the first but warms up
        for method, call in calls.items():
            if "Hankel" not in method or i == 1:
                begun = time.perf_counter()
                call(sampled, schedule)
                seconds[method] += [round(time.perf_counter() - begun, 4)] if i else []
    return {"seconds": seconds, "threads": torch.get_num_threads()}


@torch.no_grad()
def synthetic(options, keep):
    """Reconstruct held-out synthetic FIDs, each with a schedule of its own, by all methods."""
    for signs, negative_share in SIGNS.items():
        fids, masks = make_fids(FIDSettings(negative_share=negative_share), HELD_OUT_SEED, range(N_HELD_OUT))
        true = f1_spectrum(fids, 0.0, 512).numpy()

        def measure(call, fids=fids, masks=masks, true=true):
            found = f1_spectrum(call(fids * masks, masks), 0.0, 512).numpy()
            errors = [rlne(a, b) for a, b in zip(found, true, strict=True)]
            return {"rlne": float(np.mean(errors)), "std": float(np.std(errors))}

        for method, (call, weights) in methods(load_networks(options.networks), "even").items():
            keep(f"{signs} | {method}", measure, call, weights=weights)


def rates(options, keep):
    """Reconstruct at rates other than that of training: Figures 4 and S3, and S1-4 with the fixed thresholds."""
    networks = load_networks(options.networks, "_15") | {
        name: network for name, network in load_networks(options.networks).items() if name == ANY_RATE
    }
    for name, full, start, size in real_planes():
        if name != "GB1 HSQC":
            continue
        reference = f1_spectrum(full, start, size).numpy().T
        calls = methods(networks, "even")
        for rate in GRID:
            for method in ("IST, virtual echo", *networks):
                call, weights = calls[method]
                for i in range(options.masks):
                    schedule = poisson_gap(full.shape[1], round(rate * full.shape[1]), (2, i))
                    key = f"{rate:g} | {method} | {i}"
                    keep(key, compare, call, full, schedule, start, size, reference, weights=weights)


@torch.no_grad()
def choices(options, keep):
    """Let `auto` choose for the strongest signals of the real spectra, and reconstruct by all that it chooses among."""
    for name, full, start, size in real_planes():
        strong = full[full.abs().square().sum(dim=1).argsort(descending=True)[:STRONGEST]]
        true = f1_spectrum(strong, start, size).numpy()

        def measure(rate, i, start=start, size=size, strong=strong, true=true):
            n, method = strong.shape[1], AutoMethod()
            schedule = poisson_gap(n, round(rate * n), (4, i))
            sampled, form = strong * sampling_mask(schedule, n), "half_dwell" if start else "even"
            method(sampled, schedule, form)
            filled = {one: call(sampled, schedule, form) for one, call in method.methods.items()}
            errors = {one: rlne(f1_spectrum(fid, start, size).numpy(), true) for one, fid in filled.items()}
            return {"chosen": method.choice.name, "rlne": {one: round(error, 4) for one, error in errors.items()}}

        for rate in CHOICE_RATES:
            for i in range(min(options.masks, CHOICES)):
                keep(f"{name} | {rate:g} | {i}", measure, rate, i)


def methyls(options, keep):
    """Reconstruct synthetic spectra of methyl groups."""
    calls = methods(load_networks(options.networks), "even")
    for kind in METHYLS:
        for n in METHYL_POINTS:
            for i in range(min(options.masks, METHYL_PLANES)):
                full = methyl_plane(kind, METHYL_SEED + i, n)
                reference = f1_spectrum(full, 0.0, 4 * n).numpy().T
                schedule = poisson_gap(n, round(METHYL_RATE * n), (6, i))
                for method in ("IST, virtual echo", ANY_RATE):
                    call, weights = calls[method]
                    key = f"{kind} | {n} | {method} | {i}"
                    keep(key, compare, call, full, schedule, 0.0, 4 * n, reference, weights=weights)


def bridge(options, keep):
    """Classify simulated recordings that were reconstructed from a part of their transients."""
    if options.model is None:
        return
    from nmr_speech.corpus import stack_fid  # noqa: PLC0415 - the classifier is needed for this part alone
    from nmr_speech.inference.load import load_classifier  # noqa: PLC0415
    from nmr_speech.simulate import RESIDUES, draw_recording  # noqa: PLC0415

    model = load_classifier(options.model)
    drawn = [(r, draw_recording(r, HELD_OUT_SEED, i).fid) for r in RESIDUES for i in range(BRIDGE_RECORDINGS)]

    @torch.no_grad()
    def accuracy(call, rate):
        right = 0
        for k, (residue, fid) in enumerate(drawn):
            schedule = poisson_gap(fid.shape[1], round(rate * fid.shape[1]), k)
            wav, _ = stack_fid(reconstruct_pairs(call, fid, schedule))
            logits = model.head(model.embedder(wav[None]))
            right += model.labels.decode_ndim(logits.argmax().item()) == residue
        return {"accuracy": right / len(drawn), "recordings": len(drawn)}

    calls = methods(load_networks(options.networks), "even")
    keep("1 | all transients", accuracy, calls["zero-filling"][0], 1)
    for rate in BRIDGE_RATES:
        for method in ("zero-filling", "IST", "IST, virtual echo", ANY_RATE):
            if method in calls:
                call, weights = calls[method]
                keep(f"{rate:g} | {method}", accuracy, call, rate, weights=weights)


def reconstruct_pairs(call, fid, schedule):
    """Reconstruct both channels of a recording (2, P, Q): transform t2, phase as it is, fill in t1, transform back.

    Cosine and sine are real amplitudes for every real component of F2, so that real and imaginary part of F2 are two
    sets of signals, cos + i sin, each in phase at time zero.
    """
    spectrum = torch.fft.fft(fid, dim=-1)
    cos, sin = spectrum
    signals = torch.stack([torch.complex(cos.real, sin.real), torch.complex(cos.imag, sin.imag)]).transpose(1, 2)
    filled = call(signals * sampling_mask(schedule, fid.shape[1]), schedule).transpose(1, 2)
    both = torch.stack([torch.complex(filled[0].real, filled[1].real), torch.complex(filled[0].imag, filled[1].imag)])
    return torch.fft.ifft(both, dim=-1)


PARTS = {part.__name__: part for part in (trainings, times, spectra, synthetic, rates, choices, methyls, bridge)}

if __name__ == "__main__":
    main()
