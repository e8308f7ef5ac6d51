"""What the quickstart prints and reaches."""

import statistics

from benchmarks.common import commit, load, percent, table

DEFAULT = "spectral"  # front end of hparams/quickstart.yaml
RIVALS = {"quadrature": "`quadrature`", "spectral_quadrature": "both, one embedding model"}
VARIANTS = {"flac": "stored as FLAC, 16 bits", "fresh": "simulated anew in every epoch, never stored"}


def quickstart_output():
    """Show what the quickstart printed at its own seed."""
    from nmr_speech.report.results import headline  # noqa: PLC0415 - the only block that needs torch

    run = load("quickstart")["1986"]
    stages = {"simulate": "simulation", "train": "training", "baseline": "the baseline"}
    parts = ", ".join(f"{run['seconds'][key]:.0f} s {name}" for key, name in stages.items())
    return (
        f"```\n{headline(run)}\n```\n\n{run['seconds']['command'] / 60:.1f} minutes in all ({parts}) on\n"
        f"{hardware(run)}, commit {commit(run)}."
    )


def hardware(run):
    """Say what a run ran on."""
    found = run["hardware"]
    threads = "one thread" if found["threads"] == 1 else f"{found['threads']} threads"
    return f"{found['cores']} cores ({found['processor']}), {threads} for the training"


def quickstart_seeds():
    """Tabulate the network beside its baseline over seeds."""
    runs = load("quickstart")
    columns = ["seed", "recordings (train / test)", f"ECAPA-TDNN behind `{DEFAULT}`", "linear baseline", "commit"]
    pairs = [(run["test"]["accuracy"], run["baseline"]["test"]["accuracy"]) for run in runs.values()]
    rows = [
        [seed, f"{run['recordings']['train']} / {run['recordings']['test']}", *map(percent, pair), commit(run)]
        for (seed, run), pair in zip(runs.items(), pairs, strict=True)
    ]
    means = [percent(statistics.mean(column)) for column in zip(*pairs, strict=True)]
    return table(columns, [*rows, ["mean", "", *means, ""]])


def quickstart_frontends():
    """Tabulate the quickstart's front end beside its rivals: accuracy over seeds and time of a step."""
    runs = {f"{DEFAULT} {seed}": run for seed, run in load("quickstart").items()} | load("quickstart", "frontends")
    seconds = runs.pop("steps")
    rows = []
    for name, title in {DEFAULT: f"`{DEFAULT}`, the default", **RIVALS}.items():
        found = {key.split()[1]: run for key, run in runs.items() if key.split()[0] == name}
        step = f"{1000 * seconds[name]:.0f} ms ({seconds[name] / seconds[DEFAULT]:.1f})"
        rows.append([title, ", ".join(found) or None, *wrong(found, "valid"), *wrong(found, "test"), step])
    columns = ["front end", "seeds", "validation", "mean", "test", "mean", "a step of 20 (relative)"]
    lacking = ", ".join(
        f"`{name}` at all seeds" for name in RIVALS if sum(key.startswith(f"{name} ") for key in runs) < 3
    )
    return table(columns, rows, 1, f"Not measured: {lacking}: `python -m benchmarks.quickstart.run --frontends`.")


def wrong(runs, split):
    """Wrong recordings of a split at each seed, and the mean accuracy."""
    if not runs:
        return None, None
    if split == "valid":
        pairs = [
            (round(run["valid_error"] * run["recordings"]["valid"]), run["recordings"]["valid"])
            for run in runs.values()
        ]
    else:
        pairs = [
            (round((1 - run["test"]["accuracy"]) * run["test"]["recordings"]), run["test"]["recordings"])
            for run in runs.values()
        ]
    return (
        f"{', '.join(str(missed) for missed, _ in pairs)} wrong of {pairs[0][1]}",
        percent(1 - statistics.mean(missed / count for missed, count in pairs)),
    )


def quickstart_variants():
    """Tabulate the quickstart with recordings stored or made in another way, beside itself."""
    runs, variants = load("quickstart", "frontends"), load("quickstart", "variants")
    missing = [f"{name} 1986" for name in VARIANTS if f"{name} 1986" not in variants]
    rows = []
    for name, seed in (key.split() for key in [*variants, *missing]):
        pair = [variants.get(f"{name} {seed}"), runs.get(f"quadrature {seed}")]
        figures = [one and percent(one["test"]["accuracy"]) for one in pair] if pair[0] else [None, None]
        rows.append([VARIANTS[name], seed, *figures])
    columns = ["training recordings", "seed", "test accuracy", "as WAV, same seed"]
    lacking = ", ".join(VARIANTS[name.split()[0]] for name in missing)
    return table(columns, rows, 2, f"Not measured: {lacking}: `python -m benchmarks.quickstart.run --variants`.")


BLOCKS = {
    "quickstart-output": quickstart_output,
    "quickstart-seeds": quickstart_seeds,
    "quickstart-frontends": quickstart_frontends,
    "quickstart-variants": quickstart_variants,
}
