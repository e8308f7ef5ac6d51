"""What the recipe's README says of measured spectra: one function a block."""

from results_files import RESULTS, load

NOT_YET = "not yet run: `python benchmarks/experimental.py`"
PLACES = ("referenced", "not referenced")


def experimental_table():
    """Tabulate the models: simulated recordings, and the rank of VAL in a measured spectrum."""
    if not (RESULTS / "experimental.json").exists():
        return NOT_YET
    lines = [
        "| seed | test, disturbed (95% interval) | test, clean | linear classifier, disturbed | template, disturbed "
        "| VAL, referenced | VAL, not referenced | VAL, moved by up to 0.2 ppm |",
        "|---" * 8 + "|",
    ]
    runs = load("experimental")
    lines += [f"| {seed} | {' | '.join(_cells(run))} |" for seed, run in runs.items()]
    first = next(iter(runs.values()))
    rows = first["measured"]["VAL"]["shifts"]
    templates = [key for key in rows["referenced"] if key.startswith("template")]
    said = [f"{key}, {place}: {'VAL' if rows[place][key] else 'another'}" for key in templates for place in PLACES]
    lines += ["", f"What the templates alone call the measured spectrum, seed {next(iter(runs))}: {'; '.join(said)}."]
    lines += ["", f"{first['hardware']['processor']}, commit `{first['commit'][:10]}`."]
    return "\n".join(lines)


def experimental_other():
    """Tabulate the share named rightly of recordings measured otherwise than those of the training."""
    if not (RESULTS / "experimental.json").exists():
        return NOT_YET
    runs = load("experimental")
    first = next(iter(runs.values()))
    n = len(first["test"]["labels"]) * first["recordings_each"]
    lines = [
        f"| {n} new recordings each, disturbed | {' | '.join(f'seed {seed}' for seed in runs)} |",
        "|---" * (1 + len(runs)) + "|",
    ]
    for name in first["other"]:
        shares = " | ".join(f"{run['other'][name]:.1%}" for run in runs.values())
        lines.append(f"| {name} | {shares} |")
    return "\n".join(lines)


def _cells(run):
    low, high = (100 * bound for bound in run["test"]["accuracy_interval"])
    rows = run["measured"]["VAL"]["shifts"]
    moved = [row for name, row in rows.items() if name.endswith("ppm")]
    yield f"{run['test']['accuracy']:.1%} ({low:.1f} to {high:.1f})"
    yield f"{run['test_clean']['accuracy']:.1%}"
    yield f"{run['baseline']['test']['accuracy']:.1%}"
    yield f"{run['template']['test']:.1%}"
    for place in PLACES:
        yield f"rank {rows[place]['rank']}, p {rows[place]['probability']:.2f}"
    yield f"rank {max(row['rank'] for row in moved)} at worst, p from {min(row['probability'] for row in moved):.2f}"
