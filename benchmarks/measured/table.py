"""Models for measured spectra: one measured spectrum, and recordings unlike those of the training."""

from benchmarks.common import commit, load, percent, table

UNMEASURED = "Not measured: `python -m benchmarks.measured.run`."
PLACES = ("referenced", "not referenced")
COLUMNS = ["seed", "test, disturbed (95% interval)", "test, clean", "linear classifier, disturbed"]
COLUMNS += ["template, disturbed", "VAL, referenced", "VAL, not referenced", "VAL, moved by up to 0.2 ppm"]


def experimental_table():
    """Tabulate the models: simulated recordings, and the rank of VAL in a measured spectrum."""
    runs = load("measured")
    if not runs:
        return UNMEASURED
    (seed, first), *_ = runs.items()
    shifts = first["measured"]["VAL"]["shifts"]
    templates = [key for key in shifts["referenced"] if key.startswith("template")]
    answers = [f"{key}, {place}: {'VAL' if shifts[place][key] else 'another'}" for key in templates for place in PLACES]
    return (
        table(COLUMNS, [[seed, *cells(run)] for seed, run in runs.items()])
        + f"\n\nWhat the templates alone predict for the measured spectrum, seed {seed}: {'; '.join(answers)}."
        + f"\n\n{first['hardware']['processor']}, commit {commit(first)}."
    )


def cells(run):
    """Figures of one seed."""
    low, high = (100 * bound for bound in run["test"]["accuracy_interval"])
    shifts = run["measured"]["VAL"]["shifts"]
    moved = [row for name, row in shifts.items() if name.endswith("ppm")]
    yield f"{percent(run['test']['accuracy'])} ({low:.1f} to {high:.1f})"
    yield percent(run["test_clean"]["accuracy"])
    yield percent(run["baseline"]["test"]["accuracy"])
    yield percent(run["template"]["test"])
    for place in PLACES:
        yield f"rank {shifts[place]['rank']}, p {shifts[place]['probability']:.2f}"
    yield f"rank {max(row['rank'] for row in moved)} at worst, p from {min(row['probability'] for row in moved):.2f}"


def experimental_other():
    """Tabulate the accuracy on recordings measured otherwise than those of the training."""
    runs = load("measured")
    if not runs:
        return UNMEASURED
    first = next(iter(runs.values()))
    n = len(first["test"]["labels"]) * first["recordings_each"]
    columns = [f"{n} new recordings each, disturbed", *(f"seed {seed}" for seed in runs)]
    return table(columns, [[name, *(percent(run["other"][name]) for run in runs.values())] for name in first["other"]])


BLOCKS = {"experimental-table": experimental_table, "experimental-other": experimental_other}
