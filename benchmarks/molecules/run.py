"""Verify residues that were never trained on, with the packaged embedding beside networks as they are born.

> python -m benchmarks.molecules.run
> python -m benchmarks.molecules.run --folder results/molecules/1986    # of another training

Exact recordings of the twenty residues, clean, as the quickstart's. Trials as in `benchmarks.verification`: three folds
of residues, and all twenty. PLDA learns from synthetic molecules that no training saw; scores are calibrated on
held-out molecules of the library, never on residues.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np
import torch
from hyperpyyaml import load_hyperpyyaml
from sklearn.linear_model import LogisticRegression

from benchmarks.common import ROOT, Results, provenance, read, results_path
from benchmarks.verification.run import FOLDS
from nmr_speech.corpus import stack_fid
from nmr_speech.corpus.trials import all_pairs, balanced_draw
from nmr_speech.hub.packaged import TRAINED
from nmr_speech.hub.tensors import BUNDLED, load_weights
from nmr_speech.models.embed import embed, embed_streams
from nmr_speech.models.frontends import SpectralFrontEnd
from nmr_speech.score.backends import Embeddings, score_trials
from nmr_speech.score.detection import cllr, eer, min_cllr, min_dcf
from nmr_speech.simulate import RESIDUES, Acquisition, draw_molecule, draw_recordings, load_molecule, tocsy
from nmr_speech.simulate.first_order import first_order
from nmr_speech.simulate.synthetic import widen
from nmr_speech.training.molecules import Population, Recorder, held_out_ids

SEED, EACH, TRIALS, RANDOM_SEEDS = 1986, 60, 20_000, (1986, 1987, 1988)
UNSEEN = 77  # seed of molecules that no training of ours draws
LISTS = {"fold 1": FOLDS[0], "fold 2": FOLDS[1], "fold 3": FOLDS[2], "all twenty": tuple(RESIDUES)}
BACKENDS = ("cosine", "plda")


def main():
    """Measure what is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--folder", type=Path, default=TRAINED / "molecules", help="of a training; default: the packaged one"
    )
    parser.add_argument("--name", default="molecules", help="of its row")
    options = parser.parse_args()
    results = Results(results_path("molecules"))
    results.keep("first order", first_order_error)
    wavs = torch.stack([stack_fid(one.fid)[0] for name in RESIDUES for one in draw_recordings(name, SEED, range(EACH))])
    report = read(options.folder / "results.json")
    results.keep(options.name, lambda: verify(trained(options.folder), wavs) | {"training": report} | provenance())
    for seed in RANDOM_SEEDS:
        results.keep(f"random weights, seed {seed}", lambda seed=seed: verify(backbone(seed), wavs) | provenance())


def first_order_error():
    """Norm of the difference to the exact simulation as a share of the signal's, over random and library molecules."""
    rng, shares = np.random.default_rng(SEED), {}
    ids = held_out_ids("valid")[::4]
    kinds = {"synthetic": [draw_molecule((UNSEEN, n)) for n in range(40)], "library": [load_molecule(id) for id in ids]}
    for kind, molecules in kinds.items():
        found = []
        for molecule in molecules:
            shifts = molecule.draw_shifts(rng, 1)
            exact = tocsy(molecule, shifts)
            found.append(float((first_order([molecule], [shifts]).fid() - exact).norm() / exact.norm()))
        shares[kind] = {"median": statistics.median(found), "upper_decile": float(np.quantile(found, 0.9))}
    return shares | provenance()


def backbone(seed):
    """The embedding model as it is born."""
    torch.manual_seed(seed)
    return load_hyperpyyaml((ROOT / "hparams" / "backbone" / "ecapa_xs.yaml").read_text())["module"].eval()


def trained(folder):
    """The embedding model of a training."""
    model = backbone(SEED)
    model.load_state_dict(load_weights(folder / BUNDLED))
    return model


@torch.inference_mode()
def verify(model, wavs):
    """Figures of every list and back end."""
    frontend = SpectralFrontEnd()
    vectors = torch.cat([embed(frontend, model, part) for part in wavs.split(30)]).double().numpy()
    names = [f"{residue}_{number}" for residue in RESIDUES for number in range(EACH)]
    residues = Embeddings(names, np.repeat(RESIDUES, EACH), vectors)
    cohort = molecules(model, frontend, Population("synthetic", None, True, 0.25, UNSEEN).take(0, 288), 3)
    held_out = [widen(load_molecule(id), k) for k, id in enumerate(held_out_ids("valid"))]
    development = molecules(model, frontend, held_out, 8)
    found = {}
    for backend in BACKENDS:
        calibration = fit_calibration(backend, development, cohort)
        found[backend] = {}
        for name, allowed in LISTS.items():
            speaker = {id: label for id, label in zip(names, residues.labels, strict=True) if label in allowed}
            trials = balanced_draw(speaker, TRIALS, SEED)
            scores = score_trials(backend, trials, residues, cohort)
            llrs = scores * calibration["slope"] + calibration["offset"]
            kinds = trials.split(llrs)
            found[backend][name] = {
                "eer": float(eer(*kinds)[0]), "min_dcf": float(min_dcf(*kinds)[0]), "cllr": cllr(*kinds),
                "min_cllr": min_cllr(*kinds),
            }  # fmt: skip
        found[backend]["calibration"] = calibration
    unseen = [widen(load_molecule(id), k) for k, id in enumerate(held_out_ids("test"))]
    found["held-out molecules"] = exact_eer(model, frontend, unseen)
    return found | {"seed": SEED, "recordings_each": EACH, "trials": TRIALS}


def exact_eer(model, frontend, speakers, each=4):
    """EER of all pairs of clean, exact recordings of molecules, by the cosine."""
    recorder, parts = Recorder("exact", Acquisition(), {}), []
    for first in range(0, len(speakers), 24):
        wavs = recorder(speakers[first : first + 24], each, (UNSEEN, first))["wavs"]
        parts.append(embed(frontend, model, wavs))
    labels = np.repeat([one.id for one in speakers], each)
    names = [f"{label}_{k % each}" for k, label in enumerate(labels)]
    embeddings = Embeddings(names, labels, torch.cat(parts).double().numpy())
    trials = all_pairs(dict(zip(names, labels, strict=True)))
    return {"eer": float(eer(*trials.split(score_trials("cosine", trials, embeddings, embeddings)))[0])}


def molecules(model, frontend, speakers, each):
    """Embeddings of molecules, simulated to first order and clean."""
    recorder, parts = Recorder("first_order", Acquisition(), {}), []
    for first in range(0, len(speakers), 24):
        lines = recorder(speakers[first : first + 24], each, (UNSEEN, first))
        parts.append(embed_streams(model, frontend.from_lines(**lines)))
    labels = np.repeat([one.id for one in speakers], each)
    return Embeddings(
        [f"{label}_{k % each}" for k, label in enumerate(labels)], labels, torch.cat(parts).double().numpy()
    )


def fit_calibration(backend, development, cohort):
    """Slope and offset of log-likelihood ratios, from held-out molecules."""
    trials = balanced_draw(dict(zip(development.names, development.labels, strict=True)), TRIALS, SEED)
    scores = score_trials(backend, trials, development, cohort)[:, None]
    # As many target as non-target trials, so the log-odds are log-likelihood ratios.
    fitted = LogisticRegression(C=1e6).fit(scores, trials.is_target)
    return {"slope": float(fitted.coef_[0, 0]), "offset": float(fitted.intercept_[0])}


if __name__ == "__main__":
    main()
