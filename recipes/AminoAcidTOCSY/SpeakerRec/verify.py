#!/usr/bin/env python3
"""Verify amino acids: score trials with a trained model.

> python recipes/AminoAcidTOCSY/SpeakerRec/verify.py hparams/verification.yaml --source=results/quickstart/1986

Recordings of the training split are the cohort, those of the validation split calibrate the scores. Writes scores.txt
(enrol test label score, the score a natural log-likelihood ratio), trials.txt, results.json, det.png, histogram.png.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import speechbrain as sb
import torch

from nmr_speech.checks import InputError, in_range, one_of, whole
from nmr_speech.corpus.manifest import audio_path, check_recordings, read_manifest
from nmr_speech.corpus.trials import all_pairs, balanced_draw, read_trials, write_trials
from nmr_speech.corpus.wav import read_wav
from nmr_speech.files import write_whole
from nmr_speech.inference.load import load_embedder
from nmr_speech.report.figures import plot_det, plot_histogram
from nmr_speech.report.provenance import provenance
from nmr_speech.score.backends import BACKENDS, Calibration, Cohort, enrol, score_trials
from nmr_speech.score.detection import det_curve, eer
from nmr_speech.score.identification import identify
from nmr_speech.score.uncertainty import bootstrap, by_residue, hardest_pairs
from nmr_speech.training.hparams import load_hparams

KEYS = (
    "seed", "source", "revision", "data_folder", "output_folder", "splits", "residues", "trials", "n_trials",
    "enrol_recordings", "hard_share", "allow_self", "backend", "cohort_top_k", "p_target", "c_miss", "c_fa",
    "other_p_targets", "bootstrap_samples", "batch_size",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recordings:
    """Embeddings of some recordings, with their names and residues."""

    names: list[str]
    labels: np.ndarray
    embeddings: np.ndarray


def load_rows(hparams):
    """Read the manifests, check them, and pick the residues wanted: rows by split."""
    folder = Path(hparams["data_folder"])
    rows = {split: read_manifest(folder / f"{split}.csv") for split in ("train", "valid", "test")}
    for split in hparams["splits"]:
        one_of("splits", split, tuple(rows))
    known = sorted({row.spk_id for split in rows.values() for row in split})
    for residue in hparams["residues"] or ():
        one_of("residues", residue, known)
    return rows


def embed_rows(rows, hparams, embedder, device):
    """Embed recordings, batch after batch."""
    folder, size, parts = hparams["data_folder"], hparams["batch_size"], []
    for start in range(0, len(rows), size):
        wavs = [read_wav(audio_path(row.wav, folder)) for row in rows[start : start + size]]
        parts.append(embedder(torch.stack(wavs).to(device)).cpu().double().numpy())
    return Recordings([row.ID for row in rows], np.array([row.spk_id for row in rows]), np.concatenate(parts))


def choose_trials(hparams, speaker):
    """Make or read the list of trials."""
    if hparams["trials"] == "all":
        return all_pairs(speaker)
    if hparams["trials"] == "balanced":
        draw = {key: hparams[key] for key in ("n_trials", "seed", "enrol_recordings", "hard_share")}
        return balanced_draw(speaker, **draw)
    return read_trials(hparams["trials"], speaker, hparams["allow_self"])


def score(hparams, recordings, trials, cohort):
    """Score trials among recordings, and name the residues of both sides."""
    row = {name: i for i, name in enumerate(recordings.names)}
    members = [[row[name] for name in model] for model in trials.models]
    tests = [row[name] for name in trials.tests]
    model_labels, test_labels = recordings.labels[[rows[0] for rows in members]], recordings.labels[tests]
    models = enrol(recordings.embeddings, members)
    arguments = (
        models,
        model_labels,
        recordings.embeddings[tests],
        test_labels,
        trials,
        cohort,
        hparams["cohort_top_k"],
    )
    scores = score_trials(hparams["backend"], *arguments)
    if np.isnan(scores).any():
        line = int(np.flatnonzero(np.isnan(scores))[0])
        pair = f"{','.join(trials.models[trials.model[line]])} {trials.tests[trials.test[line]]}"
        raise InputError(
            f"{hparams['trials']}, line {line + 1} ({pair}): the score is NaN; "
            f"the model of {hparams['source']} is broken, train it again"
        )
    return scores, model_labels, test_labels


def report(hparams, trials, llrs, model_labels, test_labels, more):
    """Write scores, figures and pictures."""
    target, nontarget = llrs[trials.is_target], llrs[~trials.is_target]
    curve, threshold = det_curve(target, nontarget), eer(target, nontarget)[1]
    p_targets = list(dict.fromkeys([hparams["p_target"], *hparams["other_p_targets"]]))
    sampling = {"samples": hparams["bootstrap_samples"], "seed": hparams["seed"]}
    results = {
        **bootstrap(trials, llrs, p_targets, hparams["c_miss"], hparams["c_fa"], **sampling),
        "eer_threshold": threshold,
        "costs": {key: hparams[key] for key in ("p_target", "c_miss", "c_fa")},
        "trials": {"target": len(target), "nontarget": len(nontarget)},
        "eer_by_residue": by_residue(trials, llrs, model_labels, test_labels, lambda *kinds: eer(*kinds)[0]),
        "hardest_pairs": hardest_pairs(trials, llrs, model_labels, test_labels, threshold),
        **{key: hparams[key] for key in ("source", "backend", "splits", "seed")},
        **more,
        **provenance(),
    }
    lines = zip(trials.model, trials.test, trials.is_target, llrs, strict=True)
    text = "".join(
        f"{','.join(trials.models[m])} {trials.tests[t]} {int(label)} {llr:.6f}\n" for m, t, label, llr in lines
    )
    folder = Path(hparams["output_folder"])
    folder.mkdir(parents=True, exist_ok=True)
    write_trials(folder / "trials.txt", trials)
    write_whole(folder / "scores.txt", text.encode())
    plot_det(curve, folder / "det.png")
    plot_histogram(target, nontarget, threshold, folder / "histogram.png")
    write_whole(folder / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    for name, label in (("eer", "EER"), ("min_dcf", "minDCF"), ("cllr", "Cllr"), ("min_cllr", "minCllr")):
        figure = results[name]
        print(f"{label:8}{figure['value']:.4f} (95% interval {figure['low']:.4f} to {figure['high']:.4f})")
    print(f"{len(trials)} trials; scores.txt, trials.txt, results.json, det.png and histogram.png are in {folder}")


def main(argv):
    """Check, embed, score, calibrate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    one_of("backend", hparams["backend"], tuple(BACKENDS))
    for key, low in (("bootstrap_samples", 2), ("batch_size", 1), ("cohort_top_k", 2), ("seed", 0)):
        whole(key, hparams[key], low, 2**31)
    for p_target in (hparams["p_target"], *hparams["other_p_targets"]):
        in_range("p_target", p_target, 1e-6, 1 - 1e-6, "probability", "0.01")
    start = time.perf_counter()

    rows = load_rows(hparams)
    embedder = load_embedder(hparams["source"], hparams["revision"])
    known = set(embedder.speakers or {row.spk_id for row in rows["train"]})
    wanted = set(hparams["residues"] or {row.spk_id for split in rows.values() for row in split})
    tested = [row for split in hparams["splits"] for row in rows[split] if row.spk_id in wanted]
    trials = choose_trials(hparams, {row.ID: row.spk_id for row in tested})
    for kind, there in (("target", trials.is_target), ("non-target", ~trials.is_target)):
        if not there.any():
            raise InputError(f"`splits`, `residues` and `trials` leave no {kind} trial; error rates need both kinds")
    calibration_trials = all_pairs({row.ID: row.spk_id for row in rows["valid"] if row.spk_id in known})
    if len(set(calibration_trials.is_target)) < 2:
        path = Path(hparams["data_folder"], "valid.csv")
        raise InputError(f"{path}: calibration needs two recordings or more of a residue, and two residues or more")
    for split, chosen in rows.items():
        check_recordings(Path(hparams["data_folder"], f"{split}.csv"), chosen, hparams["data_folder"])

    device = run_opts.get("device", "cpu")
    embedder = embedder.to(device)
    train = embed_rows([row for row in rows["train"] if row.spk_id in known], hparams, embedder, device)
    valid = embed_rows([row for row in rows["valid"] if row.spk_id in known], hparams, embedder, device)
    test = embed_rows(tested, hparams, embedder, device)
    cohort = Cohort(train.embeddings, train.labels)

    calibration = Calibration(score(hparams, valid, calibration_trials, cohort)[0], calibration_trials.is_target)
    scores, model_labels, test_labels = score(hparams, test, trials, cohort)
    more = {
        "calibration": {"slope": calibration.slope / calibration.scale, "offset": calibration.offset},
        "trained_or_calibrated_on": len({*train.names, *valid.names} & set(test.names)),
    }
    fresh = ~np.isin(test.names, train.names)  # the training split enrols
    if known & set(test.labels[fresh]) and set(test.labels[fresh]) - known:
        more["identification"] = identify(train.embeddings, train.labels, test.embeddings[fresh], test.labels[fresh])
    more["seconds"] = round(time.perf_counter() - start, 1)
    report(hparams, trials, calibration(scores), model_labels, test_labels, more)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
