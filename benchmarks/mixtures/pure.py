"""Measure how well pure compounds can be told apart under the conditions of measured spectra, and how well they are.

> python -m benchmarks.mixtures.pure [model]

A free amino acid at an unknown pH, in a file that may be off by 0.4 ppm, may be one of several: in D2O ASN, ASP and CYS
show the same groups, and so do GLN and GLU. The rule of Bayes, which is given the exact shifts and the protons of each,
says how often the likeliest residue is the right one; nobody who sees the same does better. It averages over all pH,
and, where the reference is not known, over all offsets. What it leaves unused are couplings, of which a point of a
recording (28 Hz at 600 MHz) shows little, and the heights of cross peaks.
"""

import argparse
import tempfile

import numpy as np
import torch
from scipy.special import logsumexp

from benchmarks.common import Results, provenance, results_path
from benchmarks.mixtures.run import SEQUENCES, tubes_at
from nmr_speech.corpus import stack_fid
from nmr_speech.inference.by_shifts import weigh_by_shifts
from nmr_speech.inference.detect import PRESENT
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import load_classifier
from nmr_speech.score.bound import log_likelihoods, shift_prior
from nmr_speech.score.classification import count_confusion, wilson_interval
from nmr_speech.simulate import RESIDUES, Acquisition, Sample
from nmr_speech.simulate.conditions import draw_conditions
from nmr_speech.simulate.draw import draw_shifts
from nmr_speech.simulate.nuisances import disturb

SEED = 2301
DRAWS = 240  # of each residue, for the rule of Bayes
PH = np.arange(1.0, 12.05, 0.1)
OFFSETS_PPM = np.arange(-0.4, 0.41, 0.02)
CONDITIONS = ("d2o", "h2o")
NUISANCES = {
    "known": {"reference_line": {"amplitude": 0.3, "decay_time_s": 0.2}, "reference_offset": None},
    "unknown": {"reference_line": None},
}


def main():
    """Measure what is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="measured", help="results folder; the packaged model by default")
    model = load_classifier(parser.parse_args().model)
    spread_ppm = training_data(model).sample.free_shift_std_ppm
    results = Results(results_path("mixtures", "pure"))
    for condition in CONDITIONS:
        for reference in NUISANCES:
            results.keep(f"best {condition} {reference}", by_shifts, condition, reference == "known", spread_ppm)
            results.keep(f"{condition} {reference}", by_network, model, condition, reference)
    results.keep("provenance", provenance)


def figures(true, predicted):
    """Accuracy with its 95% interval, and that of each residue."""
    confusion = count_confusion(true, predicted, len(RESIDUES))
    hits, total = int(np.trace(confusion)), int(confusion.sum())
    low, high = wilson_interval(hits, total)
    return {
        "accuracy": hits / total,
        "low": low,
        "high": high,
        "recordings": total,
        "recall": dict(zip(RESIDUES, (np.diag(confusion) / confusion.sum(1)).tolist(), strict=True)),
    }


def by_shifts(condition, is_referenced, spread_ppm):
    """Figures of the rule of Bayes, on shifts of every residue at random pH and offset."""
    rng = np.random.default_rng(SEED)
    at_every_ph = {name: [shift_prior(free(name, condition, spread_ppm, ph)) for ph in PH] for name in RESIDUES}
    offsets = np.zeros(1) if is_referenced else OFFSETS_PPM
    predicted = []
    for name in RESIDUES:
        shifts, source = draw(name, condition, spread_ppm, rng)
        if not is_referenced:
            shifts = shifts + rng.uniform(offsets.min(), offsets.max(), (DRAWS, 1))
        moved = (shifts[:, None] - offsets[:, None]).reshape(-1, shifts.shape[1])
        table = np.full((DRAWS, len(RESIDUES)), -np.inf)
        for column, other in enumerate(RESIDUES):
            if sorted(at_every_ph[other][0].protons) == sorted(source.protons):
                each = log_likelihoods("protons", moved, source, at_every_ph[other])
                table[:, column] = logsumexp(each.reshape(DRAWS, -1), axis=1)
        predicted.append(table.argmax(1))
    return figures(np.repeat(np.arange(len(RESIDUES)), DRAWS), np.concatenate(predicted))


def free(name, condition, spread_ppm, ph):
    """Free amino acid at a pH."""
    return Sample(condition, "free", spread_ppm, ph=float(ph)).residue(name)


def draw(name, condition, spread_ppm, rng):
    """Shifts of free amino acids at random pH, (draws, lines), and what they are shifts of."""
    residues = [free(name, condition, spread_ppm, rng.uniform(PH[0], PH[-1])) for _ in range(DRAWS)]
    own = sorted(set(residues[0].shift_of))
    return np.stack([draw_shifts(residue, rng)[own] for residue in residues]), shift_prior(residues[0])


def by_network(model, condition, reference):
    """Pure compounds under all other conditions of the training: figures of what each answer ranks first."""
    nuisances = {name: one for name, one in (training_data(model).nuisances | NUISANCES[reference]).items() if one}
    seed, answers = SEED + CONDITIONS.index(condition), {name: [] for name in ("network", "shifts", "shifts and pH")}
    with tempfile.TemporaryDirectory() as folder:
        pool = tubes_at(model, list(SEQUENCES), seed, folder, condition=condition).pool
    settings = {name: one for name, one in pool.plan.draw_settings.items() if name != "nuisances"}
    generator = torch.Generator().manual_seed(seed)
    for index, acquisition in enumerate(pool.acquisitions):
        ph = draw_conditions(settings, pool.plan.seed, index)["ph"]
        for residue in RESIDUES:
            fid = disturb(pool.fid(residue, index), generator, nuisances, acquisition)
            ranking, presence = said(model, stack_fid(fid)[0])
            answers["network"].append((ranking, presence))
            if reference == "unknown":
                continue
            for name, known in (("shifts", None), ("shifts and pH", ph)):
                # Any mixing is taken for ideal, as by `nmr_speech.inference.classify_spectrum`.
                ideal = Acquisition(mixing_time_s=acquisition.mixing_time_s)
                weighed = weigh_by_shifts(fid, acquisition.f2, ranking, presence, ideal, known)
                answers[name].append((weighed.ranking, weighed.presence))
    true = np.tile(np.arange(len(RESIDUES)), len(pool))
    tables = {
        name: np.array([[list(one.values()) for one in both] for both in rows]).swapaxes(0, 1)
        for name, rows in answers.items()
        if rows
    }
    return {
        name: figures(true, ranking.argmax(1)) | stated(true, ranking) | {"found": found(true, presence)}
        for name, (ranking, presence) in tables.items()
    }


def said(model, wav):
    """Ranking and presence of the residues."""
    rows = model.log_probabilities(wav[None])[0].exp(), model.detect(wav[None]).probability[0]
    return tuple(dict(zip(RESIDUES, row.tolist(), strict=True)) for row in rows)


def found(true, presence):
    """Share of the recordings whose residue is said to be present."""
    return float((presence[np.arange(len(true)), true] >= PRESENT).mean())


def stated(true, table):
    """Cross-entropy in nats, and how often what is said with 0.8 to 0.95, and with more, is right."""
    right, highest = table.argmax(1) == true, table.max(1)
    bands = {"0.8 to 0.95": (highest >= 0.8) & (highest < 0.95), "0.95 to 1": highest >= 0.95}
    return {
        "cross_entropy": float(-np.log(table[np.arange(len(true)), true] + 1e-12).mean()),
        "right": {name: [int(right[chosen].sum()), int(chosen.sum())] for name, chosen in bands.items()},
    }


if __name__ == "__main__":
    main()
