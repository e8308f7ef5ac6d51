"""The one table of the front page: a row for each task, beside what it is compared with."""

import statistics

from benchmarks.accuracy.table import CELL, paper
from benchmarks.common import load, percent, read, table
from benchmarks.denoising.table import recall_of
from benchmarks.mixtures.table import MODEL
from benchmarks.reconstruction.table import ANY_RATE, rows_of


def results_table():
    """Tabulate the most important result of each task."""
    simulated = [classification(), *paper_data(), *verification(), mixtures()]
    rows = [*simulated, measured(), reconstruction(), denoising(), simulation()]
    return table(["task", "result", "compared with"], rows)


def classification():
    """Accuracy of the quickstart, over seeds."""
    runs = load("quickstart").values()
    network, linear = (
        percent(statistics.mean(figures["accuracy"] for figures in column))
        for column in zip(*((run["test"], run["baseline"]["test"]) for run in runs), strict=True)
    )
    seeds = "one seed" if len(runs) == 1 else f"{len(runs)} seeds"
    return [f"classify 20 residues, simulated, {seeds}", network, f"linear classifier {linear}, chance 5.0%"]


def paper_data():
    """Accuracy of the most accurate small model on the paper's data."""
    runs = [run for name, run in load("accuracy", "best").items() if name.endswith(" best")]
    if runs:
        ours = statistics.mean(run["unseen"]["accuracy"] for run in runs)
        linear = load("accuracy", "data")[CELL]["baselines"]["spectrum"]["accuracy"]
        best = max(share for row in paper()["table_1"].values() for share in row.values())
        seeds = "one seed" if len(runs) == 1 else f"{len(runs)} seeds"
        beside = f"linear classifier {percent(linear)}, the paper's best {percent(best)}"
        yield [f"the same on the paper's 14,000 recordings, {seeds}", percent(ours), beside]


def verification():
    """Equal error rates of known and of held-out residues."""
    rows = [row for row in load("verification")["rows"] if row["backend"] == "cosine" and row["model"] != "margin"]
    closed, held_out = (
        statistics.mean(row["eer"]["value"] for row in rows if row["setting"] == setting)
        for setting in ("closed set", "held out")
    )
    yield ["verify residues of the training, cosine", f"EER {percent(closed)}", "chance 50.0%"]
    yield ["verify residues never trained on, cosine", f"EER {percent(held_out)}", "chance 50.0%"]


def mixtures():
    """Average precision of the packaged model on tubes of one to five residues, as they are measured."""
    results = read(MODEL)
    ours, linear = (f"{one['mixtures']['average_precision']:.2f}" for one in (results, results["baseline"]))
    task = "detect residues in simulated mixtures, with nuisances"
    return [task, f"average precision {ours}", f"linear classifier {linear}"]


def measured():
    """Rank of valine in its measured spectrum."""
    found = [run["measured"]["VAL"]["shifts"]["referenced"] for run in load("measured").values()]
    ranks = ", ".join(f"rank {one['rank']} of 20" for one in found)
    return ["classify the measured TOCSY of valine", ranks, "trained on simulated spectra alone"]


def reconstruction():
    """Error on the GB1 HSQC."""
    ours, ist = (
        statistics.mean(row["rlne"] for row in rows_of("spectra", "GB1 HSQC", "0.2", method).values())
        for method in (ANY_RATE, "IST, virtual echo")
    )
    return ["reconstruct an HSQC of GB1 from 20%, MoDern", f"RLNE {ours:.3f}", f"IST with virtual echo {ist:.3f}"]


def denoising():
    """Faint signals found at one false peak a spectrum."""
    own, window, doubled = recall_of("network", 1), recall_of("matched window", 1), recall_of("matched window", 2)
    beside = f"matched window {percent(window)}, on twice the scans {percent(doubled)}"
    return ["find faint signals of 1D mixtures, denoised", percent(own), beside]


def simulation():
    """Speed of the simulator."""
    results = load("simulator")
    others = results["others"]["residues"].values()
    protons = [row["protons"] for row in others]
    ratios = [row["spinguin_seconds"] / row["seconds"] for row in others]
    rate = f"{results['recordings_per_second_and_core']:.0f} per second and core"
    beside = (
        f"{min(ratios):.0f} to {max(ratios):,.0f} times faster than Spinguin ({min(protons)} to {max(protons)} protons)"
    )
    return ["simulate a TOCSY", rate, beside]


BLOCKS = {"results-table": results_table}
