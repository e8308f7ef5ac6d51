"""Residues never trained on: the packaged embedding beside networks as they are born."""

import statistics

from benchmarks.common import commit, load, percent, table

LISTS = ("fold 1", "fold 2", "fold 3", "all twenty")
CONTROL = "control: "
TARGETS = "Aims: 3.0% or less on average over the folds, 6% or less over all twenty, 2% on held-out molecules."


def headline():
    """Say what the packaged embedding was trained on, and what became of it."""
    row = load("molecules")["molecules"]
    report = row["training"]
    clean, disturbed = (percent(figures["eer"]) for figures in (row["held-out molecules"], report["test"]))
    folds = [statistics.mean(row[how][name]["eer"] for name in LISTS[:3]) for how in ("cosine", "plda")]
    return (
        f"Trained on {report['presentations']:,} recordings of {report['speakers']:,} synthetic molecules and on no "
        f"residue, the packaged embedding verifies residues with an EER of {percent(folds[0])} (cosine) and "
        f"{percent(folds[1])} (PLDA) on average over three folds, {percent(row['cosine']['all twenty']['eer'])} and "
        f"{percent(row['plda']['all twenty']['eer'])} over all twenty. On {report['test']['molecules']} held-out "
        f"molecules of the library, as spread as residues in proteins, it is {clean} on clean ones and {disturbed} "
        f"where half are disturbed. {TARGETS}"
    )


def open_set_table():
    """Tabulate EER, minDCF and Cllr by back end."""
    results = load("molecules")
    rows = []
    for name, row in results.items():
        if name == "first order" or name.startswith(CONTROL):
            continue
        for backend in ("cosine", "plda"):
            found = row[backend]
            mean = statistics.mean(found[part]["eer"] for part in LISTS[:3])
            cells = [percent(found[part]["eer"]) for part in LISTS]
            every = found["all twenty"]
            costs = [f"{every['min_dcf']:.2f}", f"{every['cllr']:.2f} ({every['min_cllr']:.2f})"]
            rows.append([name, backend, *cells[:3], percent(mean), cells[3], *costs])
    columns = ["model", "back end", *LISTS[:3], "mean of folds", "all twenty", "minDCF", "Cllr (smallest)"]
    row = results["molecules"]
    return table(columns, rows, 2) + (
        f"\n\nEER; minDCF at a prior of 0.01 and Cllr over all twenty. {row['recordings_each']} clean recordings "
        f"of each residue, {row['trials']:,} trials a list, half of them of one residue; measured at {commit(row)}."
    )


def controls_table():
    """Tabulate short trainings at equal presentations."""
    rows, presentations = [], None
    for name, row in load("molecules").items():
        if name.startswith(CONTROL):
            figures = [row[how] for how in ("cosine", "plda")]
            means = [statistics.mean(found[part]["eer"] for part in LISTS[:3]) for found in figures]
            cells = [*map(percent, means), *(percent(found["all twenty"]["eer"]) for found in figures)]
            presentations = row["training"]["presentations"]
            rows.append([name.removeprefix(CONTROL), f"{row['training']['speakers']:,}", *cells])
    columns = [
        "training",
        "speakers",
        *(f"{part}, {how}" for part in ("folds", "all twenty") for how in ("cosine", "PLDA")),
    ]
    return f"{table(columns, rows)}\n\nEER, one seed, {presentations:,} recordings each."


def first_order():
    """State the error of the first-order simulation."""
    found = load("molecules")["first order"]
    parts = [
        f"{percent(row['median'])} in the median and {percent(row['upper_decile'])} in the upper decile of {kind} ones"
        for kind, row in found.items()
        if kind in ("synthetic", "library")
    ]
    return f"As a share of its norm, a first-order recording differs from the exact one by {' and '.join(parts)}."


BLOCKS = {
    "molecules-headline": headline,
    "molecules-open-set": open_set_table,
    "molecules-controls": controls_table,
    "molecules-first-order": first_order,
}
