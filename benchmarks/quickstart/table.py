"""What the quickstart prints and reaches."""

import statistics

from benchmarks.common import commit, load, percent, table

DEFAULT = "spectral"  # front end of hparams/quickstart.yaml
RIVAL = "quadrature"
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
    """Tabulate the quickstart's front end beside its rival: wrong recordings over seeds and time of a step."""
    rivals = load("quickstart", "frontends")
    seconds = rivals.pop("steps")
    of_each = {
        DEFAULT: load("quickstart"),
        RIVAL: {name.split()[1]: run for name, run in rivals.items() if name.startswith(f"{RIVAL} ")},
    }
    seeds = sorted(set.intersection(*map(set, of_each.values())))
    rows = []
    for name, runs in of_each.items():
        valid = [wrong(runs[seed].get("valid_error"), runs[seed]["recordings"]["valid"]) for seed in seeds]
        test = [wrong(1 - runs[seed]["test"]["accuracy"], runs[seed]["test"]["recordings"]) for seed in seeds]
        mean = percent(statistics.mean(runs[seed]["test"]["accuracy"] for seed in seeds))
        rows.append([f"`{name}`", ", ".join(valid), ", ".join(test), mean, f"{1000 * seconds[name]:.0f}"])
    rows.append(["both", None, None, None, f"{1000 * seconds['spectral_quadrature']:.0f}"])
    parts = runs[seeds[0]]["recordings"]
    columns = [
        "front end",
        f"wrong of {parts['valid']}, validation",
        f"wrong of {parts['test']}, test",
        "test accuracy",
    ]
    return table([*columns, "ms a step"], rows) + (
        f'\n\nSeeds {", ".join(seeds)}; "?" where the validation error was not kept. Steps at {commit(seconds)}.'
    )


def wrong(share, recordings):
    """Count wrong recordings, as text."""
    return "?" if share is None else str(round(share * recordings))


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


def quickstart_precisions():
    """Tabulate the quickstart in bf16 beside itself: wrong recordings over seeds."""
    usual, rows = load("quickstart"), []
    for name, run in load("quickstart", "precisions").items():
        seed = name.split()[1]
        pair = [usual[seed], run]
        valid = [wrong(one.get("valid_error"), one["recordings"]["valid"]) for one in pair]
        rows.append([seed, *valid, *(wrong(1 - one["test"]["accuracy"], one["test"]["recordings"]) for one in pair)])
    parts = run["recordings"]
    columns = [f"wrong of {parts[key]}, {part}" for key, part in (("valid", "validation"), ("test", "test"))]
    titles = [f"{column}, {how}" for column in columns for how in ("float32", "bf16")]
    return table(["seed", *titles], rows)


BLOCKS = {
    "quickstart-output": quickstart_output,
    "quickstart-seeds": quickstart_seeds,
    "quickstart-frontends": quickstart_frontends,
    "quickstart-variants": quickstart_variants,
    "quickstart-precisions": quickstart_precisions,
}
