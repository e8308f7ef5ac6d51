#!/usr/bin/env python3
"""Verify amino acids: score trials with a trained model.

> python recipes/AminoAcidTOCSY/SpeakerRec/verify.py hparams/verification.yaml --source=results/quickstart/1986

Recordings of the training split are the cohort, those of the validation split calibrate the scores. Writes scores.txt
(enrol test label score, the score a natural log-likelihood ratio), trials.txt, results.json, det.png, histogram.png.

To read this file, begin with `main` at the bottom.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

from pathlib import Path

import numpy as np
import speechbrain as sb
import torch

from nmr_speech.checks import InputError, in_range, one_of, quoted, whole
from nmr_speech.corpus.manifest import audio_path, check_recordings, read_manifest, refuse_shared_recordings
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.corpus.trials import all_pairs, balanced_draw, read_trials
from nmr_speech.corpus.wav import read_wav
from nmr_speech.inference.load import load_embedder
from nmr_speech.report.results import write_verification
from nmr_speech.score import DetCurve, det_curve
from nmr_speech.score.backends import BACKENDS, Embeddings, score_trials
from nmr_speech.score.calibration import Calibration
from nmr_speech.score.identification import identify
from nmr_speech.score.uncertainty import bootstrap, by_residue, hardest_pairs
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import choose_device
from nmr_speech.training.objects import check_name, check_names, check_objects
from nmr_speech.training.script import Clock, run_script

COSTS = ("p_target", "c_miss", "c_fa")
DRAW = ("n_trials", "seed", "enrol_recordings", "hard_share")
KEYS = (
    "source", "revision", "data_folder", "output_folder", "splits", "residues", "trials", *DRAW, "allow_self",
    "backend", "cohort_top_k", *COSTS, "other_p_targets", "bootstrap_samples", "batch_size",
)  # fmt: skip


def read_rows(hparams):
    """Read the manifests: rows by split."""
    rows = {split: read_manifest(Path(hparams["data_folder"], f"{split}.csv")) for split in SPLITS}
    refuse_shared_recordings({f"{split}.csv": rows[split] for split in SPLITS}, hparams["data_folder"])
    for split in hparams["splits"]:
        one_of("splits", split, tuple(SPLITS))
    residues = sorted({row.spk_id for split in rows.values() for row in split})
    for residue in hparams["residues"] or ():
        one_of("residues", residue, residues)
    return rows


def choose_trials(hparams, rows):
    """Make or read the list of trials among recordings."""
    speaker = {row.ID: row.spk_id for row in rows}
    if hparams["trials"] == "all":
        trials = all_pairs(speaker)
    elif hparams["trials"] == "balanced":
        trials = balanced_draw(speaker, **{key: hparams[key] for key in DRAW})
    else:
        trials = read_trials(hparams["trials"], speaker, hparams["allow_self"])
    for kind, there in (("target", trials.is_target), ("non-target", ~trials.is_target)):
        if not there.any():
            raise InputError(f"`splits`, `residues` and `trials` leave no {kind} trial; error rates need both kinds")
    return trials


def choose_calibration_trials(hparams, rows):
    """Pair all recordings of the validation split."""
    trials = all_pairs({row.ID: row.spk_id for row in rows})
    if len(set(trials.is_target)) < 2:
        path = Path(hparams["data_folder"], "valid.csv")
        raise InputError(f"{path}: calibration needs two recordings or more of a residue, and two residues or more")
    return trials


def embed(hparams, embedder, device, rows):
    """Embed recordings, batch after batch."""
    parts = []
    for start in range(0, len(rows), hparams["batch_size"]):
        batch = rows[start : start + hparams["batch_size"]]
        wavs = torch.stack([read_wav(audio_path(row.wav, hparams["data_folder"])) for row in batch])  # (B, T, 4)
        parts.append(embedder(wavs.to(device)).cpu().double().numpy())
    return Embeddings([row.ID for row in rows], np.array([row.spk_id for row in rows]), np.concatenate(parts))


def score(hparams, trials, recordings, cohort):
    """Score trials; a broken model is refused."""
    scores = score_trials(hparams["backend"], trials, recordings, cohort, hparams["cohort_top_k"])
    if np.isnan(scores).any():
        line = int(np.flatnonzero(np.isnan(scores))[0])
        raise InputError(
            f"{hparams['trials']}, line {line + 1} ({trials.name(line)}): the score is NaN; "
            f"the model of {hparams['source']} is broken, train it again"
        )
    return scores


def evaluate(hparams, trials, llrs):
    """Figures of calibrated scores, by name."""
    p_targets = list(dict.fromkeys([hparams["p_target"], *hparams["other_p_targets"]]))
    sampling = {"samples": hparams["bootstrap_samples"], "seed": hparams["seed"]}
    threshold = det_curve(*trials.split(llrs)).eer_threshold()
    n_targets = int(trials.is_target.sum())
    return {
        **bootstrap(trials, llrs, p_targets, hparams["c_miss"], hparams["c_fa"], **sampling),
        "eer_threshold": threshold,
        "costs": {key: hparams[key] for key in COSTS},
        "trials": {"target": n_targets, "nontarget": len(trials) - n_targets},
        "eer_by_residue": by_residue(trials, llrs, DetCurve.eer),
        "hardest_pairs": hardest_pairs(trials, llrs, threshold),
        **{key: hparams[key] for key in ("source", "backend", "splits")},
    }


def identify_open_set(train, test):
    """Figures of identification with the training split enrolled, where known and unknown residues are tested."""
    test = test[~np.isin(test.names, train.names)]
    is_known = np.isin(test.labels, train.labels)
    return {"identification": identify(train, test)} if is_known.any() and not is_known.all() else {}


def check(hparams):
    """Refuse settings that cannot be used."""
    check_objects(hparams)
    check_names("splits", hparams["splits"])
    check_names("residues", [] if hparams["residues"] is None else hparams["residues"])
    for key, value in (("source", hparams["source"]), ("trials", hparams["trials"]), ("revision", hparams["revision"])):
        check_name(key, "main" if key == "revision" and value is None else value)
    one_of("allow_self", hparams["allow_self"], (True, False))
    if not isinstance(hparams["other_p_targets"], list):
        raise InputError(f"`other_p_targets` must be a list of priors, got {quoted(hparams['other_p_targets'])}")
    for key in ("c_miss", "c_fa"):
        in_range(key, hparams[key], 1e-6, 1e6, "cost", "1")
    one_of("backend", hparams["backend"], tuple(BACKENDS))
    for key, low in (("bootstrap_samples", 2), ("batch_size", 1), ("cohort_top_k", 2), ("seed", 0)):
        whole(key, hparams[key], low, 2**31)
    for p_target in (hparams["p_target"], *hparams["other_p_targets"]):
        in_range("p_target", p_target, 1e-6, 1 - 1e-6, "probability", "0.01")


def main(argv):
    """Choose trials, embed, score, calibrate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    device = choose_device(run_opts.get("device") or "cpu")
    clock = Clock()

    # All input is checked before anything is embedded.
    experiment = Experiment(hparams, hparams_file, overrides, settings="verification.yaml")
    experiment.refuse_other_settings()
    rows = read_rows(hparams)
    embedder = load_embedder(hparams["source"], hparams["revision"])
    known = set(embedder.speakers or {row.spk_id for row in rows["train"]})
    cohort, calibrating = ([row for row in rows[split] if row.spk_id in known] for split in ("train", "valid"))
    wanted = set(hparams["residues"] or {row.spk_id for split in rows.values() for row in split})
    tested = [row for split in hparams["splits"] for row in rows[split] if row.spk_id in wanted]
    trials, calibration_trials = choose_trials(hparams, tested), choose_calibration_trials(hparams, calibrating)
    for split in SPLITS:
        check_recordings(Path(hparams["data_folder"], f"{split}.csv"), rows[split], hparams["data_folder"])

    embedder = embedder.to(device)
    train, valid, test = (embed(hparams, embedder, device, some) for some in (cohort, calibrating, tested))
    calibration = Calibration(score(hparams, calibration_trials, valid, train), calibration_trials.is_target)
    llrs = calibration(score(hparams, trials, test, train))
    figures = {
        **evaluate(hparams, trials, llrs),
        "calibration": {"slope": calibration.slope, "offset": calibration.offset},
        "trained_or_calibrated_on": len({*train.names, *valid.names} & set(test.names)),
        **identify_open_set(train, test),
    }
    clock.lap("verify")
    with experiment.begin():
        write_verification(hparams, trials, llrs, figures | {"seconds": round(clock.seconds["verify"], 1)})


if __name__ == "__main__":
    run_script(main, again="run the same command again")
