"""Accuracy of the baselines, by their hyperparameters."""

from benchmarks.common import load, percent, table

REGRESSION = {"exponent": 0.25, "inverse_penalty": 100.0}  # what the recipe uses
USED = (
    ("rows", "logistic regression, 2D spectrum", REGRESSION),
    ("first_transient", "the same, first transient only", REGRESSION),
    ("template", "mean spectrum, offsets up to 0.3 ppm", {"search_ppm": 0.3}),
    ("template", "mean spectrum, no search", {"search_ppm": 0.0}),
)


def baseline_table():
    """Tabulate the accuracy of the linear baseline by its two hyperparameters."""
    found = {(row["exponent"], row["inverse_penalty"]): row["accuracy"] for row in load("baselines")["rows"]}
    exponents, penalties = (sorted(set(values)) for values in zip(*found, strict=True))
    rows = [
        [f"{exponent:g}", *(percent(found[exponent, penalty]) for penalty in penalties)]
        for exponent in reversed(exponents)
    ]
    return table(["exponent of the magnitude", *(f"C = {penalty:g}" for penalty in penalties)], rows)


def baselines_table():
    """Tabulate what the baselines see, and their accuracy, with the recipe's hyperparameters and with the best."""
    results, rows = load("baselines"), []
    for key, name, used in USED:
        (row,) = (row for row in results[key] if row.items() >= used.items())
        low, high = row["interval"]
        best = "" if key == "template" else percent(max(row["accuracy"] for row in results[key]))
        rows.append([name, f"{percent(row['accuracy'])} ({100 * low:.1f} to {100 * high:.1f})", best])
    return table(["baseline", "accuracy (95% interval)", "best hyperparameters"], rows)


BLOCKS = {"baseline-table": baseline_table, "baselines-table": baselines_table}
