#!/usr/bin/env python3
"""Measure predicted shifts beside tables, nearest windows and boosted trees; transfer from homologues; structure.

> pip install -e '.[shifts]'
> python -m benchmarks.shifts.run                       # trains networks of three seeds, half an hour on one core
> python -m benchmarks.shifts.run --parts shiftx        # one part

Networks and settings were chosen on the validation split; all figures are of the test split or of SHIFTX2's test
proteins. What is there already is not measured again.
"""

import argparse
import csv
import time

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.common import FOLDER, WORK, Results, provenance, read, results_path, run_recipe, write
from benchmarks.shifts.rivals import RIVALS, WITHOUT_STRUCTURE
from nmr_speech.shifts import predict, structure_from_shifts
from nmr_speech.shifts.atoms import ATOMS, BACKBONE, letter_numbers
from nmr_speech.shifts.figures import mean_rmse, pooled_rmse, rmse_by_protein, within
from nmr_speech.shifts.homology import homologues, predict_by_homology, transferred
from nmr_speech.shifts.load import packaged
from nmr_speech.shifts.predict import NOT_GIVEN, STRUCTURES
from nmr_speech.shifts.refdb import read_refdb
from nmr_speech.shifts.split import SHIFTX, proteins_of

SEEDS = (1986, 1987, 1988)
RECIPE = "RefDB/ShiftPrediction/train.py"
N_BACKBONE = len(BACKBONE)
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
IDENTITY_BINS = (0.3, 0.4, 0.6, 0.8, 0.95, 1.01)


def figures(errors, std=None):
    """Mean error a protein, pooled error and calibration, by atom."""
    named = {"mean_rmse": mean_rmse(errors), "pooled_rmse": pooled_rmse(errors)}
    if std is not None:
        named |= {"within_1": within(errors, std, 1.0), "within_2": within(errors, std, 2.0)}
    return {name: by_atom(values) for name, values in named.items()} | {"proteins": len(errors)}


def by_atom(values):
    """Numbers by the name of the atom, None where there is none."""
    return {atom: round(float(one), 4) if np.isfinite(one) else None for atom, one in zip(ATOMS, values, strict=False)}


def trained(kind, seed):
    """Train a network unless it is there; return its folder."""
    folder = WORK / "shifts" / kind / str(seed)
    if not (folder / "results.json").exists():
        run_recipe(RECIPE, f"shifts/{kind}.yaml", f"--seed={seed}", f"--output_folder={folder}")
    return folder


def errors_of(proteins, with_structure, source, side_chains=False):
    """Predicted less measured shifts of each protein, and the predicted standard deviations."""
    errors, std = [], []
    for protein in proteins:
        structure = protein.structure if with_structure else None
        found = predict(protein.sequence, structure, side_chains=side_chains, source=source)
        errors.append(found.shift_ppm - protein.shifts_ppm[:, : len(found.atoms)])
        std.append(found.std_ppm)
    return errors, std


def test(results):
    """Measure rivals and networks on clusters that no training has seen."""
    train, unseen = proteins_of("train"), proteins_of("test")
    measured = [protein.shifts_ppm[:, :N_BACKBONE] for protein in unseen]
    for with_structure in (True, False):
        given = "with structure" if with_structure else "without"
        for name, rival in RIVALS.items():
            if name not in WITHOUT_STRUCTURE or not with_structure:
                results.keep(f"test | {name} | {given}", _rival, rival, train, unseen, measured, with_structure)
        for kind in ("window", "cnn"):
            for seed in SEEDS if kind == "cnn" else SEEDS[:1]:
                name = f"test | {kind} {seed} | {given}"
                results.keep(name, lambda *about: _network(unseen, *about), with_structure, kind, seed)
        results.keep(
            f"test | package | {given}", lambda known: figures(*errors_of(unseen, known, None)), with_structure
        )


def _rival(rival, train, unseen, measured, with_structure):
    start = time.perf_counter()
    found = rival(train, unseen, with_structure)
    seconds = round(time.perf_counter() - start, 1)
    return figures([one - true for one, true in zip(found, measured, strict=True)]) | {"seconds": seconds}


def _network(proteins, with_structure, kind, seed):
    folder = trained(kind, seed)
    report = read(folder / "results.json")
    found = figures(*errors_of(proteins, with_structure, folder))
    return found | {"parameters": report["parameters"], "training_seconds": report["seconds"]["train"]}


def side_chains(results):
    """Measure the network of the package on the protons of side chains."""
    results.keep("side chains", lambda: figures(*errors_of(proteins_of("test"), False, None, side_chains=True)))


def slopes(results):
    """Fit how much of a homologue's error is a protein's own, on the validation split."""
    results.keep("slopes", _slopes)


def _slopes():
    pairs = {}  # of errors, by bin of identity and whether the residue is the same
    library = read_refdb()
    for protein in proteins_of("valid"):
        others = [one for one in library if one.id != protein.id and one.sequence != protein.sequence]
        own = predict(protein.sequence, protein.structure)
        wrong = protein.shifts_ppm[:, :N_BACKBONE] - own.shift_ppm
        for homologue in homologues(protein.sequence, others):
            there, same = transferred(own, homologue)
            both = np.isfinite(wrong) & np.isfinite(there)
            scale = own.std_ppm
            for alike in (True, False):
                use = both & (same == alike)[:, None]
                key = int(np.digitize(homologue.identity, IDENTITY_BINS)), alike
                pairs.setdefault(key, []).append(np.stack([(wrong / scale)[use], (there / scale)[use]]))
    found = {}
    for (number, alike), parts in sorted(pairs.items()):
        x, y = np.concatenate(parts, axis=1).clip(-5, 5)
        low, high = IDENTITY_BINS[number - 1], IDENTITY_BINS[number]
        slope = float((x * y).sum() / (y * y).sum())
        name = f"{low:g} to {min(high, 1):g}, {'same' if alike else 'another'} residue"
        found[name] = {"slope": round(slope, 3), "pairs": x.size}
    return found


def shiftx(results):
    """Measure SHIFTX2's test proteins that are in RefDB, with and without what homologues tell."""
    proteins = proteins_of("shiftx")
    library = [protein for protein in read_refdb() if protein.id not in SHIFTX]
    for with_structure in (True, False):
        given = "with structure" if with_structure else "without"
        results.keep(
            f"shiftx | network | {given}", lambda known: figures(*errors_of(proteins, known, None)), with_structure
        )
        results.keep(f"shiftx | transfer | {given}", _transfer, proteins, library, with_structure)
    results.keep("shiftx | PLM-CS", _plm_cs, {protein.id for protein in proteins})


def _transfer(proteins, library, with_structure):
    errors, std, alike = [], [], []
    for protein in proteins:
        structure = protein.structure if with_structure else None
        found, used = predict_by_homology(protein.sequence, structure, library=library)
        errors.append(found.shift_ppm - protein.shifts_ppm[:, :N_BACKBONE])
        std.append(found.std_ppm)
        alike.append(used[0].identity if used else 0.0)
    near = [error for error, identity in zip(errors, alike, strict=True) if identity >= IDENTITY_BINS[0]]
    own = rmse_by_protein(errors)
    return figures(errors, std) | {
        "with_homologues": len(near),
        "mean_rmse_with_homologues": by_atom(mean_rmse(near)),
        "median_rmse": by_atom(np.nanmedian(own, axis=0)),
    }


def _plm_cs(ids):
    with (FOLDER / "shifts" / "shiftx_plm_cs.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))

    def mean(chosen):
        table = np.array([[float(row[atom]) for atom in BACKBONE] for row in chosen])
        return by_atom(np.nanmean(table, axis=0))

    same = [row for row in rows if row["bmrb_id"] in ids]
    return {"all": mean(rows), "proteins": len(rows), "same": mean(same), "same_proteins": len(same)}


def structure(results):
    """Measure three-state structure from shifts on clusters that no training has seen."""
    unseen = proteins_of("test")
    for name, hidden in (("all shifts", ()), ("CA and HA alone", ("N", "CB", "C", "H")), ("sequence alone", BACKBONE)):
        results.keep(f"structure | network | {name}", _structure, unseen, hidden)
    results.keep("structure | logistic regression | all shifts", _logistic, proteins_of("train"), unseen)


def _structure(proteins, hidden):
    true, predicted, certain = [], [], []
    for protein in proteins:
        shown = {atom: protein.shifts_ppm[:, place] for place, atom in enumerate(BACKBONE) if atom not in hidden}
        found = structure_from_shifts(protein.sequence, shown)
        true.append([STRUCTURES[letter] for letter in protein.structure])
        predicted.append(found.argmax(axis=1))
        certain.append(found.max(axis=1))
    return _q3(*(np.concatenate(parts) for parts in (true, predicted)), proteins) | _reliability(
        true, predicted, certain
    )


def _q3(true, predicted, proteins):
    measured = np.concatenate([np.isfinite(one.shifts_ppm[:, :N_BACKBONE]).any(axis=1) for one in proteins])
    counted = (true != NOT_GIVEN) & measured  # residues without any shift are no test of this
    table = np.zeros((3, 3), int)
    np.add.at(table, (true[counted], predicted[counted]), 1)
    return {
        "accuracy": round(float(table.trace() / table.sum()), 4),
        "residues": int(table.sum()),
        "confusion": table.tolist(),
    }


def _reliability(true, predicted, certain):
    true, predicted, certain = (np.concatenate(parts) for parts in (true, predicted, certain))
    rows = []
    for low, high in ((0.0, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01)):
        own = (true != NOT_GIVEN) & (certain >= low) & (certain < high)
        rows.append(
            [round(float(certain[own].mean()), 3), round(float((true == predicted)[own].mean()), 3), int(own.sum())]
        )
    return {"reliability": rows}


def _logistic(train, unseen, reach=3):
    scale = packaged("structure")[0].scale

    def features(protein):
        letters = letter_numbers(protein.sequence)
        deviations = (protein.shifts_ppm[:, :N_BACKBONE] - scale.mean_ppm.numpy()[letters]) / scale.std_ppm.numpy()[
            letters
        ]
        own = np.concatenate([np.nan_to_num(deviations), np.isfinite(deviations), np.eye(21)[letters]], axis=1)
        padded = np.pad(own, ((reach, reach), (0, 0)))
        return np.concatenate([padded[k : k + len(own)] for k in range(2 * reach + 1)], axis=1).astype(np.float32)

    def labels(proteins):
        return np.array([STRUCTURES[letter] for protein in proteins for letter in protein.structure])

    x, y = np.concatenate([features(protein) for protein in train]), labels(train)
    model = LogisticRegression(max_iter=200).fit(x[y != NOT_GIVEN], y[y != NOT_GIVEN])
    return _q3(labels(unseen), model.predict(np.concatenate([features(protein) for protein in unseen])), unseen)


def seconds(results):
    """Time one sequence of 76 residues on one thread, the network loaded."""
    results.keep("seconds", _seconds)


def _seconds():
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        predict(UBIQUITIN)
        taken.append(time.perf_counter() - start)
    return {"residues": len(UBIQUITIN), "seconds": round(float(np.median(taken)), 4)}


PARTS = {
    "test": test,
    "side_chains": side_chains,
    "slopes": slopes,
    "shiftx": shiftx,
    "structure": structure,
    "seconds": seconds,
}


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure")
    options = parser.parse_args()
    results = Results(results_path("shifts"))
    for part in options.parts.split(","):
        PARTS[part](results)
        results["provenance"] = provenance() | {"seeds": list(SEEDS)}
        write(results.path, results)


if __name__ == "__main__":
    main()
