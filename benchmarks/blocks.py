"""What the READMEs say of trainings and scores: one function a block; and all blocks by name."""

import statistics

import experimental_blocks as experimental
import reconstruction_blocks as reconstruction
import simulator_blocks as simulator
import tables_blocks as tables
import transfer_blocks as transfer
from results_files import RESULTS, load


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
    from nmr_speech.report.results import headline as recipe_headline  # noqa: PLC0415 - --check needs no torch otherwise

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


def training_table():
    """Tabulate training steps beside a stock SpeechBrain script."""
    cpu = load("training_cpu")
    lines = ["| model | where | stock, s | ours, s | stock / ours | difference of losses |", "|---" * 6 + "|"]
    for name, row in cpu["rows"].items():
        ratio = row["stock"] / row["ours"]
        where = f"{cpu['hardware']['cores']} cores"
        lines.append(
            f"| {name} | {where} | {row['stock']:.2f} | {row['ours']:.2f} | {ratio:.2f} | {row['loss_difference']:g} |"
        )
    if not (RESULTS / "training_cuda.json").exists():
        command = "not yet run: `python benchmarks/training.py --device=cuda`"
        lines.append(f"| all, bf16 and compiled too | a GPU | {command} | | | |")
    return "\n".join(lines)


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
    "experimental-table": experimental.experimental_table,
    "experimental-other": experimental.experimental_other,
    "quickstart-output": quickstart_output,
    "quickstart-seeds": quickstart_seeds,
    "simulator-summary": simulator.simulator_summary,
    "simulator-table": simulator.simulator_table,
    "simulator-others": simulator.simulator_others,
    "simulator-variants": simulator.simulator_variants,
    "throughput-table": simulator.throughput_table,
    "million": simulator.million,
    "table-1": tables.table_1,
    "table-2": transfer.table_2,
    "table-3": tables.table_3,
    "findings": tables.findings,
    "transfer-table": transfer.transfer_table,
    "training-table": training_table,
    "quickstart-variants": quickstart_variants,
    "reconstruction-summary": reconstruction.reconstruction_summary,
    "reconstruction-trainings": reconstruction.reconstruction_trainings,
    "reconstruction-times": reconstruction.reconstruction_times,
    "reconstruction-spectra": reconstruction.reconstruction_spectra,
    "reconstruction-synthetic": reconstruction.reconstruction_synthetic,
    "reconstruction-rates": reconstruction.reconstruction_rates,
    "reconstruction-bridge": reconstruction.reconstruction_bridge,
    "validation-table": simulator.validation_table,
}
