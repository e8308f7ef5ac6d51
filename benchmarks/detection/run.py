"""Measure EER and minDCF beside SpeechBrain's, on equal scores in one run, and alone on ten million trials.

> python -m benchmarks.detection.run

SpeechBrain's minDCF holds a matrix of thresholds x trials; it is run where that fits, its EER up to 37,720 trials, the
size of VoxCeleb1-O. Each figure is timed once a size, in a process of its own, so that its peak memory can be read.
"""

import multiprocessing
import resource
import time

import numpy as np
import torch
from speechbrain.utils.metric_stats import EER, minDCF

from benchmarks.common import once, results_path
from nmr_speech.score import eer, min_dcf

FIGURES = {"eer": eer, "min_dcf": min_dcf, "SpeechBrain EER": EER, "SpeechBrain minDCF": minDCF}
SIZES = {"eer": (8_000, 37_720, 10_000_000), "min_dcf": (8_000, 37_720, 10_000_000)}
SIZES |= {"SpeechBrain EER": (8_000, 37_720), "SpeechBrain minDCF": (8_000,)}


def main():
    """Measure every figure at every size."""
    once(results_path("detection"), measure_all)


def measure_all():
    """Rows of every figure at every size."""
    rows = []
    for name, sizes in SIZES.items():
        for trials in sizes:
            # Spawned: a forked process would count its parent's memory as its own.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows.append(pool.apply(measure, (name, trials)))
            print(rows[-1], flush=True)
    return {"rows": rows}


def measure(name, trials):
    """Return value, seconds and memory of one figure: one trial in twenty is a target."""
    rng = np.random.default_rng(0)
    target, nontarget = rng.normal(2, 1, trials // 20), rng.normal(0, 1, trials - trials // 20)
    if name.startswith("SpeechBrain"):
        target, nontarget = torch.from_numpy(target), torch.from_numpy(nontarget)
    before, start = peak_mib(), time.perf_counter()
    value = FIGURES[name](target, nontarget)[0]
    seconds = time.perf_counter() - start
    return {"figure": name, "trials": trials, "value": value, "seconds": seconds, "mib": peak_mib() - before}


def peak_mib():
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
