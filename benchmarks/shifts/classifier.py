#!/usr/bin/env python3
"""Train classifiers on shifts drawn from BMRB and on predicted ones, and name residues of proteins never seen.

> python -m benchmarks.shifts.classifier        # an hour on one core

Tested are residues of proteins of RefDB's test split, simulated at their measured shifts. The classifiers are those of
`hparams/quickstart.yaml`; only the shifts of their recordings differ:

- "protein": BMRB's Gaussian of each atom over all proteins;
- "predicted": for each recording a residue of a protein of the training split, drawn from its predicted Gaussians;
- "sequence known": the same, of the proteins tested, whose sequences but not whose shifts are used.
"""

import argparse

import numpy as np
import torch

from benchmarks.common import WORK, Results, provenance, results_path, run_recipe, write
from nmr_speech.corpus import stack_fid
from nmr_speech.files import write_whole
from nmr_speech.inference import AminoAcidClassifier
from nmr_speech.score.classification import wilson_interval
from nmr_speech.shifts import predict
from nmr_speech.shifts.atoms import ATOMS
from nmr_speech.shifts.files import write_shifts
from nmr_speech.shifts.split import proteins_of
from nmr_speech.simulate import RESIDUES, load_residue, tocsy
from nmr_speech.simulate.residues import ONE_LETTER
from nmr_speech.simulate.shift_table import COLUMNS

FOLDER = WORK / "shifts" / "classifier"
TESTED = 60  # of each residue
PROTEINS = 300  # of the training split in the table of predicted shifts
SEEDS = (1986, 1987)
RECIPE = "AminoAcidTOCSY/SpeakerRec/train.py"


def table_of(path, proteins):
    """Write the predicted shifts of many proteins as one table, numbered throughout."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lines, number = [",".join(COLUMNS)], 0
    for protein in proteins:
        write_shifts(part := path.with_name("one.csv"), predict(protein.sequence, side_chains=True))
        for line in part.read_text().splitlines()[1:]:
            place, rest = line.split(",", 1)
            lines.append(f"{number + int(place)},{rest}")
        number += len(protein.sequence)
    part.unlink()
    write_whole(path, ("\n".join(lines) + "\n").encode())


def measured_residues(proteins, seed=0):
    """Residues of which all shifts but at most one were measured, so many of each kind.

    Returns
    -------
    list[tuple[str, list[float]]]
        Three-letter code, and shifts in the order of the groups; one that is missing is drawn from BMRB.
    """
    rng, found = np.random.default_rng(seed), {name: [] for name in RESIDUES}
    for protein in proteins:
        for letter, shifts in zip(protein.sequence[1:], protein.shifts_ppm[1:], strict=True):  # the first has no NH
            if (name := ONE_LETTER.get(letter)) is None:
                continue
            residue = load_residue(name)
            drawn = residue.draw_shifts(rng, 1)[0]
            own = [_shift(shifts, residue, place) for place in range(len(drawn))]
            if np.isnan([own[place] for place in set(residue.shift_of)]).sum() <= 1:
                found[name].append((name, np.where(np.isnan(own), drawn, own).tolist()))
    chosen = []
    for rows in found.values():
        picked = rng.permutation(len(rows))[:TESTED]
        chosen += [rows[k] for k in picked]
    return chosen


def _shift(shifts, residue, place):
    atom = residue.system.names[residue.shift_of[place]]
    return shifts[ATOMS.index(atom)] if atom in ATOMS else np.nan


def accuracy(model, residues):
    """Share of the residues that a classifier names, with its interval."""
    hits = []
    for start in range(0, len(residues), 50):
        part = residues[start : start + 50]
        wavs = torch.stack([stack_fid(tocsy(load_residue(name), shifts))[0] for name, shifts in part])
        labels = model.classify_batch(wavs)[3]
        hits += [label == name for label, (name, _) in zip(labels, part, strict=True)]
    by_residue = {}
    for (name, _), hit in zip(residues, hits, strict=True):
        by_residue.setdefault(name, []).append(hit)
    return {
        "accuracy": round(float(np.mean(hits)), 4),
        "interval": wilson_interval(int(sum(hits)), len(hits)),
        "residues": len(hits),
        "by_residue": {name: round(float(np.mean(own)), 3) for name, own in by_residue.items()},
    }


def narrowing(proteins):
    """Predicted standard deviations over those of BMRB, median over the residues of a kind, by atom."""
    found = {}
    for protein in proteins:
        predicted = predict(protein.sequence, side_chains=True)
        for letter, own in zip(protein.sequence, predicted.gaussians(), strict=True):
            if letter in ONE_LETTER:
                residue = load_residue(ONE_LETTER[letter])
                for name, std in zip(residue.system.names, residue.shift_std_ppm, strict=True):
                    if name in own:
                        found.setdefault(residue.name, {}).setdefault(name, []).append(own[name][1] / std)
    return {
        name: {group: round(float(np.median(values)), 3) for group, values in groups.items()}
        for name, groups in sorted(found.items())
    }


def trained(kind, seed):
    """Train the quickstart's classifier on one kind of shifts, unless it is there."""
    folder = FOLDER / f"{kind.replace(' ', '_')}_{seed}"
    if not (folder / "results.json").exists():
        table = FOLDER / f"{kind.replace(' ', '_')}.csv"
        settings = [] if kind == "protein" else ["--shift_source=predicted", f"--shift_table={table}"]
        data = FOLDER / "data" / f"{kind.replace(' ', '_')}_{seed}"
        places = [f"--seed={seed}", f"--data_folder={data}", f"--output_folder={folder}", "--simulation_workers=0"]
        run_recipe(RECIPE, "quickstart.yaml", *places, *settings)
    return folder


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="number of seeds")
    options = parser.parse_args()
    results = Results(results_path("shifts", "classifier"))
    train, unseen = proteins_of("train"), proteins_of("test")
    table_of(FOLDER / "predicted.csv", train[:: max(1, len(train) // PROTEINS)])
    table_of(FOLDER / "sequence_known.csv", unseen)
    residues = measured_residues(unseen)
    results.keep("narrowing", narrowing, unseen)
    for seed in SEEDS[: options.seeds]:
        for kind in ("protein", "predicted", "sequence known"):
            results.keep(
                f"{kind} | {seed}",
                lambda *of: accuracy(AminoAcidClassifier.from_hparams(str(trained(*of))), residues),
                kind,
                seed,
            )
    results["provenance"] = provenance() | {"seeds": list(SEEDS[: options.seeds])}
    write(results.path, results)


if __name__ == "__main__":
    main()
