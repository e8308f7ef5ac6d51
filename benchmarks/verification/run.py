"""Verify with models of the quickstart's size: closed set, with and without a margin, and residues never trained on.

> python -m benchmarks.verification.run

Models are trained into results/verification/ where they are not there yet, on the quickstart's recordings; on two cores
each takes about four minutes. Every residue is held out in one of three folds.
"""

import json

from benchmarks.common import ROOT, WORK, once, results_path, run_recipe

DATA = ROOT / "data" / "quickstart" / "1986"
FRONTEND = "--frontend=!include:frontend/quadrature.yaml"
FOLDS = (
    ("ALA", "ASP", "GLU", "ILE", "MET", "SER", "TYR"),
    ("ARG", "CYS", "GLY", "LEU", "PHE", "THR", "VAL"),
    ("ASN", "GLN", "HIS", "LYS", "PRO", "TRP"),
)
KEPT = ["eer", "min_dcf", "cllr", "min_cllr", "trials", "eer_by_residue", "hardest_pairs", "identification", "seconds"]
BACKENDS = ("cosine", "centred", "s_norm", "plda")


def main():
    """Train what is missing, verify with every back end, keep the figures."""
    once(results_path("verification"), measure_all)


def measure_all():
    """Rows of every model and back end."""
    rows = []
    for model, overrides in (("linear", ()), ("margin", ("--head=!include:head/margin.yaml",))):
        train(model, overrides)
        rows += [verify(model, backend, "closed set") for backend in BACKENDS]
    for number, residues in enumerate(FOLDS, start=1):
        held_out = f"[{','.join(residues)}]"
        train(f"fold{number}", (f"--held_out_residues={held_out}",))
        open_set = ("--splits=[train,valid,test]", f"--residues={held_out}", "--trials=balanced", "--n_trials=20000")
        rows += [verify(f"fold{number}", backend, "held out", *open_set) for backend in BACKENDS]
        rows.append(verify(f"fold{number}", "cosine", "identification", "--splits=[test]"))
    return {"folds": FOLDS, "rows": rows}


def train(model, overrides):
    """Train a model unless its results are there."""
    if not (folder(model) / "results.json").exists():
        run("train.py", "quickstart.yaml", f"--output_folder={folder(model)}", "--noprogressbar", FRONTEND, *overrides)


def verify(model, backend, setting, *overrides):
    """Return the figures of one model and back end."""
    out = folder(model) / f"{setting.replace(' ', '_')}_{backend}"
    paths = (f"--source={folder(model)}", f"--output_folder={out}", f"--backend={backend}")
    run("verify.py", "verification.yaml", *paths, *overrides)
    results = json.loads((out / "results.json").read_text())
    trained = json.loads((folder(model) / "results.json").read_text())
    row = {"model": model, "backend": backend, "setting": setting, "trained_at": trained["commit"]}
    return row | {key: results[key] for key in KEPT if key in results}


def run(script, yaml, *overrides):
    """Run a recipe on the quickstart's recordings."""
    run_recipe(f"AminoAcidTOCSY/SpeakerRec/{script}", yaml, f"--data_folder={DATA}", *overrides)


def folder(model):
    """Where a model is trained to."""
    return WORK / "verification" / model


if __name__ == "__main__":
    main()
