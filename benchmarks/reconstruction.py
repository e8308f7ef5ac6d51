#!/usr/bin/env python3
"""Measure all reconstruction methods on real and synthetic spectra, on the same machine.

> python benchmarks/reconstruction.py --data ../shared/data/real --networks results/reconstruction
> python benchmarks/reconstruction.py --masks 2 --parts spectra,synthetic       # a rehearsal
> python benchmarks/reconstruction.py --parts bridge --model results/quickstart/1986

``--networks`` holds one folder a training, NAME/SEED, as the recipe leaves them: modern_cpu, modern_fixed_cpu,
dlnmr_cpu and lstm_cpu (or the names without _cpu, which are preferred), trained at 20%; NAME_15 for the grid of rates,
trained at 15%. What is not there is left out, and the README says so. Results are kept after every schedule, so the
same command goes on where it was stopped; rows of other code or other weights are not told apart: delete the file to
begin anew.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from nmr_speech.corpus.files import write_whole
from nmr_speech.corpus.spectrometer import Sampling, read_experiment
from nmr_speech.reconstruction import hankel, ist, load_network, poisson_gap, sampling_mask
from nmr_speech.reconstruction.plane import f1_spectrum, to_plane
from nmr_speech.reconstruction.synthetic import FIDSettings, make_fids
from nmr_speech.score.provenance import provenance
from nmr_speech.score.recovery import recovery, rlne

RESULTS = Path(__file__).resolve().parent / "results" / "reconstruction.json"
NETWORKS = {"MoDern": "modern", "MoDern, fixed thresholds": "modern_fixed", "DLNMR": "dlnmr", "LSTM": "lstm"}
RATES = {"GB1 HSQC": (0.2, 0.1), "L-valine TOCSY": (0.25,)}
GRID = (0.10, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25)
HANKEL_MASKS = 3  # it takes minutes a plane
HELD_OUT_SEED, N_HELD_OUT = 2_000_000, 200
VALINE_PPM = (0.0, 4.3)  # without the water
BRIDGE_RATES = (0.1, 0.2, 0.3, 0.4, 0.5)
BRIDGE_RECORDINGS = 5  # of each residue


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/real"))
    parser.add_argument("--networks", type=Path, default=Path("results/reconstruction"))
    parser.add_argument("--masks", type=int, default=20)
    parser.add_argument("--parts", default="spectra,synthetic,rates,bridge")
    parser.add_argument("--model", help="trained classifier, for the bridge")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    done = json.loads(options.out.read_text()) if options.out.exists() else {}
    networks = load_networks(options.networks, "")
    parts = {
        "spectra": lambda keep: spectra(options, networks, keep),
        "synthetic": lambda keep: synthetic(networks, keep),
        "rates": lambda keep: rates(options, load_networks(options.networks, "_15"), keep),
        "bridge": lambda keep: bridge(options, networks, keep),
    }
    for part in options.parts.split(","):
        parts[part](Keeper(options.out, done, part))


class Keeper:
    """Rows of one part of the results by name; each is measured once and written at once."""

    def __init__(self, path, results, part):
        self.path, self.results = path, results
        self.rows = results.setdefault(part, {})

    def __call__(self, name, measure, *arguments):
        """Return the row of that name, measured if it is not there."""
        if name not in self.rows:
            self.rows[name] = measure(*arguments)
            self.results |= provenance()
            self.path.parent.mkdir(exist_ok=True)
            write_whole(self.path, (json.dumps(self.results, indent=1) + "\n").encode())
            print(name, self.rows[name], flush=True)
        return self.rows[name]


def load_networks(folder, suffix):
    """Load the trained networks there are, the paper's size before the small one, the first seed."""
    found = {}
    for label, name in NETWORKS.items():
        runs = [run for size in ("", "_cpu") for run in sorted(folder.glob(f"{name}{size}{suffix}/*/config.json"))]
        if runs:
            found[label] = load_network(runs[0].parent)
    return found


def methods(networks, echo):
    """Return all methods as calls of (fid, schedule) for signals of that virtual echo."""
    named = {
        "zero-filling": lambda fid, schedule: fid,
        "IST": ist,
        "IST-D": lambda fid, schedule: ist(fid, schedule, variant="ist_d"),
        "IST, virtual echo": lambda fid, schedule: ist(fid, schedule, echo=echo),
        "IST-D, virtual echo": lambda fid, schedule: ist(fid, schedule, variant="ist_d", echo=echo),
        "low-rank Hankel": hankel,
    }
    for name, network in networks.items():
        named[name] = lambda fid, schedule, network=network: network(fid, schedule, echo=echo)
    return named


def real_planes(folder):
    """Yield name, signals (points in F2, n), start of t1 and size in F1 of the real spectra that are there."""
    gb1 = folder / "GB1_HSQC" / "gb1_15n_hsqc.npz"
    if gb1.exists():
        yield "GB1 HSQC", torch.from_numpy(np.load(gb1)["t"]), 0.0, 512
    if (folder / "L-Valine_TOCSY").exists():
        plane = to_plane(read_experiment(folder / "L-Valine_TOCSY", sampling=Sampling()), VALINE_PPM)
        yield "L-valine TOCSY", plane.fid, plane.start, plane.f1.size


def spectra(options, networks, keep):
    """Reconstruct the real spectra by all methods, from the same schedules."""
    for name, full, start, size in real_planes(options.data):
        reference = f1_spectrum(full, start, size).numpy().T
        for rate in RATES[name]:
            for method, call in methods(networks, "half_dwell" if start else "even").items():
                for i in range(min(options.masks, HANKEL_MASKS) if "Hankel" in method else options.masks):
                    schedule = poisson_gap(full.shape[1], round(rate * full.shape[1]), (1, i))
                    key = f"{name} | {rate:g} | {method} | {i}"
                    keep(key, compare, call, full, schedule, start, size, reference)


@torch.no_grad()
def compare(call, full, schedule, start, size, reference):
    """Reconstruct one plane; return its figures and the seconds that it took."""
    sampled = full * sampling_mask(schedule, full.shape[1])
    begun = time.perf_counter()
    filled = call(sampled, schedule)
    seconds = time.perf_counter() - begun
    return recovery(f1_spectrum(filled, start, size).numpy().T, reference) | {"seconds": seconds}


@torch.no_grad()
def synthetic(networks, keep):
    """Reconstruct held-out synthetic FIDs, each with a schedule of its own, by all methods."""
    fids, masks = make_fids(FIDSettings(), HELD_OUT_SEED, range(N_HELD_OUT))
    true = f1_spectrum(fids, 0.0, 512).numpy()
    for method, call in methods(networks, "even").items():

        def measure(call=call):
            begun = time.perf_counter()
            filled = call(fids * masks, masks)
            seconds = time.perf_counter() - begun
            errors = [rlne(a, b) for a, b in zip(f1_spectrum(filled, 0.0, 512).numpy(), true, strict=True)]
            return {"rlne": float(np.mean(errors)), "std": float(np.std(errors)), "seconds": seconds}

        keep(method, measure)


def rates(options, networks, keep):
    """Reconstruct at rates other than that of training: Figures 4 and S3, and S1-4 with the fixed thresholds."""
    for name, full, start, size in real_planes(options.data):
        if name != "GB1 HSQC":
            continue
        reference = f1_spectrum(full, start, size).numpy().T
        calls = methods(networks, "even")
        for rate in GRID:
            for method in ("IST, virtual echo", *networks):
                for i in range(options.masks):
                    schedule = poisson_gap(full.shape[1], round(rate * full.shape[1]), (2, i))
                    key = f"{rate:g} | {method} | {i}"
                    keep(key, compare, calls[method], full, schedule, start, size, reference)


def bridge(options, networks, keep):
    """Classify simulated recordings that were reconstructed from a part of their transients."""
    if options.model is None:
        return
    from nmr_speech.corpus import stack_fid  # noqa: PLC0415 - the classifier is needed for this part alone
    from nmr_speech.models.load import load_classifier  # noqa: PLC0415
    from nmr_speech.simulate import RESIDUES, draw_recording  # noqa: PLC0415

    model = load_classifier(options.model)
    drawn = [(r, draw_recording(r, HELD_OUT_SEED, i).fid) for r in RESIDUES for i in range(BRIDGE_RECORDINGS)]

    @torch.no_grad()
    def accuracy(call, rate):
        right = 0
        for k, (residue, fid) in enumerate(drawn):
            schedule = poisson_gap(fid.shape[1], round(rate * fid.shape[1]), k)
            wav, _ = stack_fid(reconstruct_pairs(call, fid, schedule))
            logits = model.head(model.embedder(wav.T[None]))
            right += model.labels.decode_ndim(logits.argmax().item()) == residue
        return {"accuracy": right / len(drawn), "recordings": len(drawn)}

    calls = methods({k: v for k, v in networks.items() if k == "MoDern"}, "even")
    keep("1 | all transients", accuracy, calls["zero-filling"], 1)
    for rate in BRIDGE_RATES:
        for method in ("zero-filling", "IST", "IST, virtual echo", "MoDern"):
            if method in calls:
                keep(f"{rate:g} | {method}", accuracy, calls[method], rate)


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


if __name__ == "__main__":
    main()
