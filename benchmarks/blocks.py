"""What the READMEs say of the results: one function a block."""

import json
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def load(name):
    """Read one results file."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def quickstart_output():
    """Show what the quickstart printed at its own seed."""
    run = load("quickstart")["1986"]
    lines = ["```", *headline(run).splitlines(), "```"]
    stages = {"simulate": "simulation", "train": "training", "baseline": "the baseline"}
    parts = ", ".join(f"{run['seconds'][key]:.0f} s {name}" for key, name in stages.items())
    hardware = run["hardware"]
    lines += [
        "",
        f"{run['seconds']['command'] / 60:.1f} minutes in all ({parts}) on {hardware['cores']} cores "
        f"({hardware['processor']}), commit `{run['commit'][:10]}`.",
    ]
    return "\n".join(lines)


def headline(run):
    """Say a run's result as the recipe prints it."""
    from nmr_speech.score.report import headline as recipe_headline  # noqa: PLC0415 - --check needs no torch otherwise

    return recipe_headline(run)


def quickstart_seeds():
    """Tabulate the network beside its baseline over seeds."""
    runs = load("quickstart")
    lines = [
        "| seed | recordings (train / test) | ECAPA-TDNN behind quadrature filters | linear baseline | commit |",
        "|---|---|---|---|---|",
    ]
    for seed, run in runs.items():
        sizes = f"{run['recordings']['train']} / {run['recordings']['test']}"
        network, linear = (100 * figures["accuracy"] for figures in (run["test"], run["baseline"]["test"]))
        lines.append(f"| {seed} | {sizes} | {network:.1f}% | {linear:.1f}% | `{run['commit'][:10]}` |")
    means = [
        statistics.mean(100 * figures["accuracy"] for figures in column)
        for column in ([r["test"] for r in runs.values()], [r["baseline"]["test"] for r in runs.values()])
    ]
    lines.append(f"| mean | | {means[0]:.1f}% | {means[1]:.1f}% | |")
    return "\n".join(lines)


def simulator_summary():
    """Say how fast and how exact the simulator is."""
    results = load("simulator")
    rate, error = results["recordings_per_second_and_core"], results["largest_error"]
    slowest = max(results["residues"], key=lambda residue: results["residues"][residue]["seconds"])
    return (
        f"Class-balanced mean: {rate:.0f} recordings a second and core; {slowest} takes longest, "
        f"{results['residues'][slowest]['seconds']:.2f} s. Largest error of the default tolerance in five "
        f"draws of each residue: {error:.0e} of the first point "
        f"({results['hardware']['processor']}, commit `{results['commit'][:10]}`)."
    )


def simulator_table():
    """Tabulate the simulator by residue."""
    lines = [
        "| residue | protons | largest block | ms a recording | error / first point | ms with a continuous lock |",
        "|---|---|---|---|---|---|",
    ]
    for residue, row in load("simulator")["residues"].items():
        sizes = f"{row['protons']} | {row['largest_block']}"
        lock = f"{1e3 * row['spin_lock_seconds']:.0f}"
        lines.append(f"| {residue} | {sizes} | {1e3 * row['seconds']:.1f} | {row['error']:.0e} | {lock} |")
    return "\n".join(lines)


def simulator_others():
    """Tabulate the simulator beside Spinguin and brute force."""
    others = load("simulator")["others"]
    lines = [
        "| residue | protons | ms | brute force, ms | Spinguin, ms | Spinguin / ours | distance from Spinguin "
        "| with nothing left out: single precision |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for residue, row in others["residues"].items():
        ours, brute, spinguin = (1e3 * row[key] for key in ("seconds", "brute_force_seconds", "spinguin_seconds"))
        lines.append(
            f"| {residue} | {row['protons']} | {ours:.1f} | {brute:.0f} | {spinguin:.0f} | {spinguin / ours:.0f} | "
            f"{row['spinguin_deviation']:.0e} | {row['spinguin_deviation_nothing_left_out']:.0e} |"
        )
    return "\n".join(lines)


def simulator_variants():
    """Tabulate what each shortcut saves and costs."""
    rows = load("simulator")["variants"]
    lines = [
        "| | " + " | ".join(f"{residue}, ms | error" for residue in rows) + " |",
        "|---" * (1 + 2 * len(rows)) + "|",
    ]
    for of_all in zip(*rows.values(), strict=True):
        cells = [f"{1e3 * row['seconds']:.0f} | {row['error']:.0e}" for row in of_all]
        lines.append(f"| {of_all[0]['variant']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def throughput_table():
    """Tabulate rates of whole data sets, and what was not measured."""
    cpu = load("throughput_cpu")
    hardware = cpu["one process"]["hardware"]
    lines = [
        "| | where | recordings/s | recordings |",
        "|---|---|---|---|",
    ]
    where = f"{hardware['cores']} cores ({hardware['processor']})"
    for name in cpu:
        if name != "memory":
            row = cpu[name]
            lines.append(f"| {name} | {where} | {row['recordings_per_second']:.0f} | {row['recordings']:,} |")
    path = RESULTS / "throughput_cuda.json"
    for name, row in json.loads(path.read_text()).items() if path.exists() else ():
        gpu = row["hardware"]["gpu"]
        lines.append(f"| {name} | {gpu} | {row['recordings_per_second']:.0f} | {row['recordings']:,} |")
    if not path.exists():
        lines.append("| simulated, 20,000 | one GPU | not yet run: `python benchmarks/throughput.py --device=cuda` | |")
    memory = cpu["memory"]
    lines += [
        "",
        f"Memory beyond the result for {memory['residue']}, at a budget of {memory['budget_mb']:.0f} MB: "
        + ", ".join(f"{mb:.0f} MB for {n} recordings" for n, mb in memory["mb"].items())
        + ".",
    ]
    return "\n".join(lines)


def million():
    """Say what a million recordings need, from measured rates."""
    cpu = load("throughput_cpu")
    needs = []
    for audio in ("wav", "flac"):
        row = cpu[f"written as {audio}"]
        needs.append(
            f"{1e6 / row['recordings_per_second'] / 3600:.1f} hours and {row['bytes_each'] / 1e6:.2f} TB as {audio}"
        )
    cores = cpu["written as wav"]["hardware"]["cores"]
    return f"A million recordings, from the rates measured on {cores} cores: {' or '.join(needs)}."


def quickstart_variants():
    """Tabulate the quickstart with recordings stored or made in another way, beside itself."""
    runs, variants = load("quickstart"), load("quickstart_variants")
    names = {"flac": "stored as FLAC, 16 bits", "fresh": "simulated anew in every epoch, never stored"}
    columns = ("training recordings", "seed", "test accuracy", "as WAV, same seed")
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    missing = [f"{name} 1986" for name in names if f"{name} 1986" not in variants]
    for key in [*variants, *missing]:
        name, seed = key.split()
        accuracy = "not yet run: `python benchmarks/quickstart.py --variants`"
        if key in variants:
            accuracy = f"{100 * variants[key]['test']['accuracy']:.1f}%"
        lines.append(f"| {names[name]} | {seed} | {accuracy} | {100 * runs[seed]['test']['accuracy']:.1f}% |")
    return "\n".join(lines)


def grid(scale):
    """Runs of the grid by name, none where it was not run."""
    path = RESULTS / f"tables_{scale}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def mean_accuracy(runs, rest):
    """Mean over seeds of the runs whose name ends so, in percent, with the seeds' range."""
    values = [100 * run["test"]["accuracy"] for name, run in runs.items() if name.partition(" ")[2] == rest]
    if not values:
        return "not yet run"
    spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}%{spread}"


def table_1():
    """Tabulate accuracy by front end and embedding model, beside the paper's."""
    paper = json.loads((RESULTS.parent / "paper.json").read_text())["table_1"]
    scales = {scale: grid(scale) for scale in ("small", "paper")}
    lines = [
        "| embedding model | front end | the paper | small scale | the paper's scale |",
        "|---|---|---|---|---|",
    ]
    for model, published in paper.items():
        for frontend in ("mel", "conv", "quadrature"):
            cells = [f"{100 * published[frontend]:.1f}%" if frontend in published else "none"]
            cells += [mean_accuracy(runs, f"{frontend} {model}") for runs in scales.values()]
            lines.append(f"| {model} | `{frontend}` | " + " | ".join(cells) + " |")
    for variant in ("spin_lock", "shift", "shift, warm-up"):
        cells = [mean_accuracy(runs, f"conv ECAPA-TDNN-L {variant}") for runs in scales.values()]
        lines.append(f"| ECAPA-TDNN-L | `conv`, {variant} | none | " + " | ".join(cells) + " |")
    for name in ("spectrum", "first_transient", "template"):
        cells = []
        for runs in scales.values():
            found = [100 * run["baselines"][name]["accuracy"] for run in runs.values() if "baselines" in run]
            cells.append(f"{statistics.mean(found):.1f}%" if found else "not yet run")
        lines.append(f"| baseline `{name}` | | none | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def validation_table():
    """Tabulate the deviations from experiments and from GISSMO's line lists."""
    results = load("validation")
    lines = [
        "| residue | experiment | strong lines | offset / Hz | rms / Hz | worst multiplet, rms / Hz | "
        "rms with couplings of `protein`, of GISSMO / Hz | GISSMO's lines | median / Hz | 90% within / Hz |",
        "|---" * 10 + "|",
    ]
    for residue, row in results["experiment"].items():
        worst = max(row["multiplets"], key=lambda name: row["multiplets"][name]["rms_hz"])
        listed = results["gissmo"].get(residue)
        theirs = f"{listed['lines']} | {listed['median_hz']:.3f} | {listed['p90_hz']:.3f}" if listed else "none | |"
        ours = f"{row['lines']} | {row['offset_hz']:+.2f} | {row['rms_hz']:.2f}"
        worst = f"{worst}, {row['multiplets'][worst]['rms_hz']:.2f}"
        others = ", ".join(f"{rms:.2f}" for rms in row["rms_with_other_couplings_hz"].values())
        lines.append(f"| {residue} | {row['field_mhz']:.0f} MHz | {ours} | {worst} | {others} | {theirs} |")
    furthest = [max(map(abs, peak["off_ppm"])) for peak in results["valine_tocsy"]]
    near = sum(off < 0.03 for off in furthest)
    lines.append("")
    lines.append(
        f"The TOCSY of valine (BMRB, 500 MHz, MLEV-17, 60 ms): {near} of {len(furthest)} simulated cross peaks are "
        f"there within 0.03 ppm, the furthest {max(furthest):.3f} ppm off (commit `{results['commit'][:10]}`)."
    )
    return "\n".join(lines)


def baseline_table():
    """Tabulate the baseline's accuracy by its two dials."""
    rows = load("baseline")["rows"]
    penalties = sorted({row["inverse_penalty"] for row in rows})
    accuracy = {(row["exponent"], row["inverse_penalty"]): row["accuracy"] for row in rows}
    lines = [
        "| exponent of the magnitude | " + " | ".join(f"C = {penalty:g}" for penalty in penalties) + " |",
        "|---" * (len(penalties) + 1) + "|",
    ]
    for exponent in sorted({row["exponent"] for row in rows}, reverse=True):
        lines.append(
            f"| {exponent:g} | " + " | ".join(f"{accuracy[exponent, penalty]:.1%}" for penalty in penalties) + " |"
        )
    return "\n".join(lines)


def baselines_table():
    """Tabulate what the baselines see, and their accuracy, at the recipe's dials and at the best."""
    results = load("baseline")
    lines = ["| baseline | accuracy (95% interval) | best of its dials |", "|---|---|---|"]
    for key, name, used in (
        ("rows", "logistic regression, 2D spectrum", {"exponent": 0.25, "inverse_penalty": 100.0}),
        ("first_transient", "the same, first transient only", {"exponent": 0.25, "inverse_penalty": 100.0}),
        ("template", "mean spectrum, offsets up to 0.3 ppm", {"search_ppm": 0.3}),
        ("template", "mean spectrum, no search", {"search_ppm": 0.0}),
    ):
        (row,) = (row for row in results[key] if row.items() >= used.items())
        low, high = row["interval"]
        best = "" if key == "template" else f"{max(row['accuracy'] for row in results[key]):.1%}"
        lines.append(f"| {name} | {row['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f}) | {best} |")
    return "\n".join(lines)


def bound_table():
    """Tabulate the accuracy of classifiers that are given the shifts."""
    results = load("bound")
    said = {
        "names": "`names`: shifts, names and protons of their groups",
        "protons": "`protons`: set of shifts, protons of each",
        "shifts": "`shifts`: set of shifts",
        "cells": "`cells`: occupied cells of {:.2f} ppm",
        "shared_names": "`shared_names`: as `names`, whatever groups there are",
        "any_number": "`any_number`: as `shifts`, however many there are",
    }
    lines = [
        "| known of a recording | H2O | hardest pair | ILE or LEU | D2O | hardest pair | ILE or LEU |",
        "|---" * 7 + "|",
    ]
    by_condition = [[row for row in results["rows"] if row["condition"] == condition] for condition in ("h2o", "d2o")]
    for pair in zip(*by_condition, strict=True):
        cells = [said[pair[0]["knows"]].format(pair[0].get("cell_ppm"))]
        for row in pair:
            hardest = row["hardest"][0]
            everyone, two = (f"{100 * row[key]['value']:.1f}%" for key in ("all", "ILE or LEU"))
            cells += [everyone, f"{'/'.join(hardest['pair'])} {hardest['mistaken']:.1%}", two]
        lines.append("| " + " | ".join(cells) + " |")
    halves = [max((row[key]["high"] - row[key]["low"]) / 2 for row in results["rows"]) for key in ("all", "ILE or LEU")]
    lines += [
        "",
        f"{results['draws']:,} draws of each residue; 95% intervals reach {100 * halves[0]:.1f} points either way at "
        f"most, {100 * halves[1]:.1f} for ILE or LEU (commit `{results['commit'][:10]}`).",
    ]
    return "\n".join(lines)


def verification_table():
    """Tabulate the figures of every model and back end; folds are averaged."""
    rows = [row for row in load("verification")["rows"] if row["setting"] != "identification"]
    lines = ["| trials | model | back end | EER % | minDCF | Cllr | minCllr |", "|---|---|---|---|---|---|---|"]
    for name, of in (
        ("linear head", ("linear",)),
        ("margin 0.2", ("margin",)),
        ("held out", ("fold1", "fold2", "fold3")),
    ):
        for backend in ("cosine", "centred", "s_norm", "plda"):
            chosen = [row for row in rows if row["model"] in of and row["backend"] == backend]
            setting, head = (chosen[0]["setting"], name if len(of) == 1 else "linear head, mean of 3 folds")
            cells = [interval(chosen, "eer", 100, 1)] + [
                interval(chosen, key, 1, 3) for key in ("min_dcf", "cllr", "min_cllr")
            ]
            lines.append(f"| {setting} | {head} | `{backend}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def interval(rows, key, factor, digits):
    """Format the mean of a figure over rows with the mean of its bounds."""
    value, low, high = (factor * statistics.mean(row[key][bound] for row in rows) for bound in ("value", "low", "high"))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def identification_table():
    """Tabulate accuracy against false-alarm rate, over the folds."""
    folds = [row["identification"] for row in load("verification")["rows"] if row["setting"] == "identification"]
    lines = ["| false alarms on unknown residues | accuracy on known residues |", "|---|---|"]
    for points in zip(*folds, strict=True):
        rate, accuracy = (statistics.mean(point[key] for point in points) for key in ("false_alarm_rate", "accuracy"))
        lines.append(f"| {rate:.1%} | {accuracy:.1%} |")
    return "\n".join(lines)


def detection_table():
    """Tabulate time and memory of the detection figures."""
    lines = ["| figure | trials | value | seconds | MiB beyond the scores |", "|---|---|---|---|---|"]
    for row in load("detection")["rows"]:
        figure = row["figure"] if row["figure"].startswith("SpeechBrain") else f"`{row['figure']}`"
        value = row["value"] / 0.01 if row["figure"] == "SpeechBrain minDCF" else row["value"]
        lines.append(f"| {figure} | {row['trials']:,} | {value:.5f} | {row['seconds']:.3g} | {row['mib']:.0f} |")
    lines.append("")
    lines.append("SpeechBrain's minDCF is not normalised; its value is divided by 0.01 here.")
    return "\n".join(lines)


BLOCKS = {
    "verification-table": verification_table,
    "identification-table": identification_table,
    "detection-table": detection_table,
    "baseline-table": baseline_table,
    "baselines-table": baselines_table,
    "bound-table": bound_table,
    "quickstart-output": quickstart_output,
    "quickstart-seeds": quickstart_seeds,
    "simulator-summary": simulator_summary,
    "simulator-table": simulator_table,
    "simulator-others": simulator_others,
    "simulator-variants": simulator_variants,
    "throughput-table": throughput_table,
    "million": million,
    "table-1": table_1,
    "quickstart-variants": quickstart_variants,
    "validation-table": validation_table,
}
