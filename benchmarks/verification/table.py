"""Figures of verification: same amino acid or not."""

import statistics

from benchmarks.common import load, percent, table

FOLDS = ("fold1", "fold2", "fold3")
BACKENDS = ("cosine", "centred", "s_norm", "plda")
HEADS = {"linear head": ("linear",), "margin 0.2": ("margin",), "linear head, mean of 3 folds": FOLDS}


def verification_table():
    """Tabulate the figures of every model and back end; folds are averaged."""
    found = [row for row in load("verification")["rows"] if row["setting"] != "identification"]
    rows = []
    for head, models in HEADS.items():
        for backend in BACKENDS:
            chosen = [row for row in found if row["model"] in models and row["backend"] == backend]
            figures = [interval(chosen, key, 1, 3) for key in ("min_dcf", "cllr", "min_cllr")]
            rows.append([chosen[0]["setting"], head, f"`{backend}`", interval(chosen, "eer", 100, 1), *figures])
    return table(["trials", "model", "back end", "EER %", "minDCF", "Cllr", "minCllr"], rows, 3)


def interval(rows, key, factor, digits):
    """Format the mean of a figure over rows with the mean of its bounds."""
    value = factor * statistics.mean(row[key]["value"] for row in rows)
    if any(row[key]["low"] is None for row in rows):
        return f"{value:.{digits}f}"
    low, high = (factor * statistics.mean(row[key][bound] for row in rows) for bound in ("low", "high"))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def identification_table():
    """Tabulate accuracy against false-alarm rate, over the folds."""
    folds = [row["identification"] for row in load("verification")["rows"] if row["setting"] == "identification"]
    means = [
        [percent(statistics.mean(point[key] for point in points)) for key in ("false_alarm_rate", "accuracy")]
        for points in zip(*folds, strict=True)
    ]
    return table(["false alarms on unknown residues", "accuracy on known residues"], means)


BLOCKS = {"verification-table": verification_table, "identification-table": identification_table}
