"""Measure how often the truth lies within two standard deviations of a reconstruction, as the jackknife gives them.

> python -m benchmarks.reconstruction.confidence
"""

import argparse

import numpy as np
import torch

from benchmarks.common import Results, provenance, results_path, write
from benchmarks.reconstruction.run import real_planes
from nmr_speech.reconstruction import poisson_gap, sampling_mask
from nmr_speech.reconstruction.confidence import jackknife, within
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.methods import method_of
from nmr_speech.reconstruction.plane import f1_spectrum
from nmr_speech.reconstruction.recovery import pick, threshold_of
from nmr_speech.reconstruction.synthetic import make_fids

RATES = (0.1, 0.2, 0.3)
METHODS = ("modern", "ist")
SIGNALS = 300  # strongest of each spectrum
SEED = 17


def main():
    """Measure what is not yet in the results file."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    results, source = Results(results_path("reconstruction")), provenance()
    synthetic, _ = make_fids(FIDSettings(n_points=160, noise_std=0.003), SEED, range(SIGNALS))
    for name, full, start, size in (*real_planes(), ("synthetic FIDs", synthetic, 0.0, 512)):
        strong = full[full.abs().square().sum(dim=1).argsort(descending=True)[:SIGNALS].sort().values]
        for rate in RATES:
            for method in METHODS:
                key = f"confidence | {name} | {rate:g} | {method}"
                if key not in results:
                    row = coverage(strong, start, size, rate, method) | {"commit": source["commit"]}
                    results.update({key: row})
                    write(results.path, results)
                    print(key, row, flush=True)


@torch.no_grad()
def coverage(full, start, size, rate, name):
    """Share of the points with signal, and of the peaks, whose truth lies within one and two standard deviations."""
    n, method = full.shape[1], method_of(name)
    schedule = poisson_gap(n, round(rate * n), (SEED, 0))

    def spectrum_of(kept):
        filled = method(full * sampling_mask(kept, n), kept, "half_dwell" if start else "even")
        return f1_spectrum(filled, start, size).numpy().T

    true, found, std = f1_spectrum(full, start, size).numpy().T, spectrum_of(schedule), jackknife(spectrum_of, schedule)
    threshold = threshold_of(true)
    chosen = {"points": np.abs(found) > threshold / 2, "peaks": pick(found, threshold)}
    shares = {
        f"{what}_within_{factor}": round(within(found, true, std, where, factor), 4)
        for what, where in chosen.items()
        for factor in (1, 2)
    }
    return shares | {what: int(where.sum()) for what, where in chosen.items()}


if __name__ == "__main__":
    main()
