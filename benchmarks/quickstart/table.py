"""What the quickstart prints and reaches."""

import statistics

from benchmarks.common import commit, load, percent, table

VARIANTS = {"flac": "stored as FLAC, 16 bits", "fresh": "simulated anew in every epoch, never stored"}


def quickstart_output():
    """Show what the quickstart printed at its own seed."""
    from nmr_speech.report.results import headline  # noqa: PLC0415 - the only block that needs torch

    run = load("quickstart")["1986"]
    stages = {"simulate": "simulation", "train": "training", "baseline": "the baseline"}
    parts = ", ".join(f"{run['seconds'][key]:.0f} s {name}" for key, name in stages.items())
    hardware = run["hardware"]
    return (
        f"```\n{headline(run)}\n```\n\n{run['seconds']['command'] / 60:.1f} minutes in all ({parts}) on "
        f"{hardware['cores']} cores ({hardware['processor']}), commit {commit(run)}."
    )


def quickstart_seeds():
    """Tabulate the network beside its baseline over seeds."""
    runs = load("quickstart")
    columns = ["seed", "recordings (train / test)", "ECAPA-TDNN behind quadrature filters", "linear baseline", "commit"]
    pairs = [(run["test"]["accuracy"], run["baseline"]["test"]["accuracy"]) for run in runs.values()]
    rows = [
        [seed, f"{run['recordings']['train']} / {run['recordings']['test']}", *map(percent, pair), commit(run)]
        for (seed, run), pair in zip(runs.items(), pairs, strict=True)
    ]
    means = [percent(statistics.mean(column)) for column in zip(*pairs, strict=True)]
    return table(columns, [*rows, ["mean", "", *means, ""]])


def quickstart_variants():
    """Tabulate the quickstart with recordings stored or made in another way, beside itself."""
    runs, variants = load("quickstart"), load("quickstart", "variants")
    missing = [f"{name} 1986" for name in VARIANTS if f"{name} 1986" not in variants]
    rows = []
    for name, seed in (key.split() for key in [*variants, *missing]):
        run = variants.get(f"{name} {seed}")
        figures = [percent(one["test"]["accuracy"]) for one in (run, runs[seed])] if run else [None, None]
        rows.append([VARIANTS[name], seed, *figures])
    columns = ["training recordings", "seed", "test accuracy", "as WAV, same seed"]
    lacking = ", ".join(VARIANTS[name.split()[0]] for name in missing)
    return table(columns, rows, 2, f"Not measured: {lacking}: `python -m benchmarks.quickstart.run --variants`.")


BLOCKS = {
    "quickstart-output": quickstart_output,
    "quickstart-seeds": quickstart_seeds,
    "quickstart-variants": quickstart_variants,
}
