"""Identify molecules among 1,177 by templates and by the embedding: exact recordings, nuisances of a real spectrum.

> python -m benchmarks.identification.run

One recording of every molecule of the library and of the twenty free amino acids, shifts drawn anew, disturbed by
`REAL_SPECTRUM`. What there is to choose is chosen on every second molecule, the figures are of the others. An unknown
molecule is one whose own entry is taken out of the gallery.
"""

import time

import numpy as np
import torch
from scipy.optimize import minimize

from benchmarks.common import once, results_path
from nmr_speech.corpus import stack_fid
from nmr_speech.inference import load_embedder
from nmr_speech.inference.gallery import load_gallery
from nmr_speech.inference.identify import log_probabilities
from nmr_speech.inference.templates import correlate, make_templates, measured_map
from nmr_speech.models.embed import embed_streams
from nmr_speech.simulate import Acquisition, tocsy
from nmr_speech.simulate.nuisances import REAL_SPECTRUM, disturb
from nmr_speech.training.molecules import Recorder

SEED = 1986
WEIGHTS = (0.0, 0.1, 0.2, 0.5, 1.0)  # of the cosine beside the correlation


def main():
    """Measure, and write the results."""
    once(results_path("identification"), measure_all)


def measure_all():
    """Figures of both scores and their sum, and the calibration."""
    gallery, acquisition = load_gallery("molecules"), Acquisition()
    start = time.perf_counter()
    templates = make_templates(gallery, acquisition)
    seconds = {"templates": time.perf_counter() - start}
    scores = {"template": np.empty((len(gallery), len(gallery)), np.float32)}
    embedder, wavs, rng = load_embedder("molecules"), [], np.random.default_rng(SEED)
    took = []
    for k, molecule in enumerate(gallery):
        fid = tocsy(molecule, molecule.draw_shifts(rng, 1))[0]
        fid = disturb(fid, torch.Generator().manual_seed(SEED + k), REAL_SPECTRUM)
        start = time.perf_counter()
        scores["template"][k] = correlate(measured_map(fid), templates, acquisition.f2)[0]
        took.append(time.perf_counter() - start)
        wavs.append(embedder(stack_fid(fid)[0][None])[0])
    seconds["a query"] = float(np.median(took))
    queries = unit(torch.stack(wavs).numpy())
    scores["embedding"] = queries @ unit(enrolled(embedder, gallery)).T
    known = np.arange(len(gallery))
    chosen, tested = known[::2], known[1::2]
    rank1 = [share_first(scores["template"] + weight * scores["embedding"], chosen) for weight in WEIGHTS]
    weight = WEIGHTS[int(np.argmax(rank1))]
    scores["both"] = scores["template"] + weight * scores["embedding"]
    return {
        "seed": SEED, "gallery": len(gallery), "tested": len(tested), "seconds": seconds, "weight": weight,
        "rows": {name: figures(matrix, chosen, tested) for name, matrix in scores.items()},
    }  # fmt: skip


def unit(vectors):
    """Vectors (N, D) of norm one."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@torch.inference_mode()
def enrolled(embedder, gallery):
    """Embeddings of all molecules, simulated to first order with their mean shifts."""
    recorder, parts = Recorder("first_order", Acquisition(), {}), []
    for first in range(0, len(gallery), 24):
        lines = recorder(gallery[first : first + 24], 1, (SEED, first))
        parts.append(embed_streams(embedder.backbone, embedder.frontend.from_lines(**lines)))
    return torch.cat(parts).numpy()


def share_first(scores, queries, most=1):
    """Share of queries whose own molecule is among the ``most`` highest."""
    own = scores[queries, queries]
    return float(np.mean((scores[queries] > own[:, None]).sum(1) < most))


def without_own(scores, queries):
    """Scores of queries that are no longer in the gallery."""
    rows = scores[queries].copy()
    rows[np.arange(len(queries)), queries] = -np.inf
    return rows


def figures(scores, chosen, tested):
    """What is chosen on one half of the molecules, and how it does on the other."""
    slope, offset = calibration(scores, chosen)
    # Refuse where the best score is low: 95% of the unknown ones of the half for choices.
    threshold = np.quantile(without_own(scores, chosen).max(1), 0.95)
    best = scores[tested].max(1)
    first = scores[tested].argmax(1) == tested
    told = np.exp(log_probabilities(scores[tested], slope, offset))
    absent = np.exp(log_probabilities(without_own(scores, tested), slope, offset))
    return {
        "first": share_first(scores, tested), "first_5": share_first(scores, tested, 5),
        "first_20": share_first(scores, tested, 20),
        "unknown_refused": float(np.mean(without_own(scores, tested).max(1) < threshold)),
        "known_lost": float(np.mean(best < threshold)),
        "known_lost_or_wrong": float(np.mean((best < threshold) | ~first)),
        "slope": slope, "offset": offset, "probability_of_first": float(told[:, :-1].max(1).mean()),
        "none_if_known": float(told[:, -1].mean()), "none_if_unknown": float(absent[:, -1].mean()),
    }  # fmt: skip


def calibration(scores, queries):
    """Slope and offset by which probabilities of known and of unknown molecules together are most likely."""
    present, absent = scores[queries], without_own(scores, queries)

    def cost(parameters):
        right = log_probabilities(present, *parameters)[np.arange(len(queries)), queries]
        return -(right.mean() + log_probabilities(absent, *parameters)[:, -1].mean())

    found = minimize(cost, [40.0, -30.0], method="Nelder-Mead", options={"maxiter": 400})
    return [float(value) for value in found.x]


if __name__ == "__main__":
    main()
