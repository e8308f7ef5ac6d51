"""The paper's grid as tables: Tables I and III, and its findings, each at three scales."""

import json
from pathlib import Path

import numpy as np

from benchmarks.common import commit, load, percent, table
from nmr_speech.score.classification import confused_pairs, difference_interval, summarise

FRONTENDS = ("mel", "mel_transient", "conv", "quadrature", "spectral")
VARIANTS = (
    *(("ECAPA-TDNN-L", "conv", variant) for variant in ("spin_lock", "shift", "shift, warm-up")),
    *(("ECAPA-TDNN-S", frontend, "warm-up") for frontend in FRONTENDS),
)
BASELINES = {
    "spectrum": "logistic regression, 2D spectrum",
    "first_transient": "the same, first transient only",
    "template": "mean spectrum, offsets up to 0.3 ppm",
}
CELL = "1986 spectral ECAPA-TDNN-S"  # of the grid on the paper's data
PARTS = {
    "warm-up": "10 epochs, not moved",
    "paper": "the paper's training: 10 epochs, constant rate, not moved",
    "best": "as it is",
    "short": "6 epochs instead of 16",
    "fresh": "80,000 recordings, each used once, not moved",
    "without shifts": "recordings not moved",
}
KNOWS = {"names": "shifts and the names of their groups", "protons": "shifts and their protons, unassigned"}
LARGEST = "conv ECAPA-TDNN-L"
WITH_CONV = (LARGEST, "conv ECAPA-TDNN-S")  # the largest first
BASELINES_OF = (" mel_transient x-vector", " spectral ECAPA-TDNN-S")  # runs that measured them
SCALES = {"small": "small scale", "data": "the paper's data, small models", "paper": "the paper's scale"}
UNMEASURED = (
    "Not measured: the paper's scale, on a GPU: `python -m benchmarks.accuracy.run paper --minutes 9`, as often as "
    "needed; what is missing on the paper's data: `python -m benchmarks.accuracy.run data --minutes 150`, likewise."
)


def paper():
    """Return the paper's tables."""
    return json.loads(Path(__file__).with_name("paper.json").read_text())


def pooled(scale):
    """Figures of each cell on unseen recordings, those of all seeds counted together; and of the baselines."""
    by_cell = {}
    for name, run in load("accuracy", scale).items():
        by_cell.setdefault(name.partition(" ")[2], []).append(run["unseen"])
        if name.endswith(BASELINES_OF):
            for baseline, figures in run["baselines"].items():
                by_cell.setdefault(baseline, []).append(figures)
    return {cell: add_up(figures) for cell, figures in by_cell.items()}


def add_up(figures):
    """Count the recordings of several runs together."""
    confusion = sum(np.array(one["confusion"]) for one in figures)
    return summarise(confusion, figures[0]["labels"]) | {"seeds": len(figures)}


def accuracy(cells, name):
    """Format a cell's accuracy with its 95% interval."""
    if name not in cells:
        return None
    low, high = cells[name]["accuracy_interval"]
    seeds = "" if cells[name]["seeds"] > 1 else ", one seed"
    return f"{cells[name]['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f}{seeds})"


def table_1():
    """Tabulate accuracy by front end and embedding model, beside the paper's and the baselines'."""
    scales, rows = {scale: pooled(scale) for scale in SCALES}, []
    for model, row in paper()["table_1"].items():
        for frontend in FRONTENDS:
            published = percent(row[frontend]) if frontend in row else ""
            rows.append([model, f"`{frontend}`", published, f"{frontend} {model}"])
    rows += [[model, f"`{frontend}`, {how}", "", f"{frontend} {model} {how}"] for model, frontend, how in VARIANTS]
    rows += [[title, "", "", name] for name, title in BASELINES.items()]
    rows = [[*row[:3], *(accuracy(cells, row[3]) for cells in scales.values())] for row in rows]
    rows = [row for row in rows if any(row[2:])]
    for row in load("bound")["rows"]:
        if row["condition"] == "h2o" and row["knows"] in KNOWS:
            limits = [percent(row["all"]["value"]) if cells else None for cells in scales.values()]
            rows.append([f"bound: {KNOWS[row['knows']]}", "", "", *limits])
    columns = ["embedding model", "front end", "the paper", *SCALES.values()]
    compared = [beats_linear(SCALES[scale], cells) for scale, cells in scales.items() if cells]
    return "\n\n".join([table(columns, rows, 2, UNMEASURED), *compared])


def beats_linear(scale, cells):
    """Name the networks that beat logistic regression on the spectrum."""
    networks = [name for name in cells if name not in BASELINES]
    ahead = [name for name in networks if cells[name]["accuracy"] > cells["spectrum"]["accuracy"]]
    names = ", ".join("{1} behind `{0}`".format(*name.split(" ", 1)) for name in ahead) or "no network"
    others = len(networks) - len(ahead)
    return f"Ahead of logistic regression on the spectrum, {scale}: {names}.{_those_behind(others)}"


def _those_behind(count):
    if count == 1:
        return " The other network is not."
    return f" The other {count} networks are not." if count else ""


def table_3():
    """Tabulate F1 by class behind the Conv1d front end, beside the paper's."""
    published = paper()["table_3"]
    models, cells = published["columns"], pooled("small")
    columns = ["residue", *(f"{model}, {whose}" for model in models for whose in ("the paper", "small scale"))]
    columns.append(f"{WITH_CONV[1].removeprefix('conv ')}, {SCALES['data']}")
    ours = [cells.get(f"conv {model}", {}).get("per_class_f1", {}) for model in models]
    with_its_data = pooled("data").get(WITH_CONV[1], {}).get("per_class_f1", {})
    rows = []
    for residue, row in published["f1"].items():
        pairs = zip(row, ours, strict=True)
        figures = [figure for pair in pairs for figure in (pair[0], pair[1].get(residue))]
        figures.append(with_its_data.get(residue))
        rows.append([residue, *(None if figure is None else f"{figure:.3f}" for figure in figures)])
    return table(columns, rows, 1, "Not measured: `python -m benchmarks.accuracy.run small`.")


def findings():
    """Compare the paper's findings with ours: confirmed or refuted where the interval of the difference excludes 0."""
    scales = [pooled(scale) for scale in SCALES]
    claims = [(f"`conv` beats `mel`: {model}", f"conv {model}", f"mel {model}") for model in paper()["table_1"]]
    claims += [
        ("(ours) `conv` beats `mel_transient`: ECAPA-TDNN-S", "conv ECAPA-TDNN-S", "mel_transient ECAPA-TDNN-S"),
        ("ECAPA-TDNN-L beats x-vector, `conv`", LARGEST, "conv x-vector"),
        ("x-vector beats DEEP Picker, `conv`", "conv x-vector", "conv DEEP Picker"),
    ]
    rows = [[claim, *(verdict(cells, better, worse) for cells in scales)] for claim, better, worse in claims]
    quadrature = "quadrature ECAPA-TDNN-L"
    rows += [
        ["ILE and LEU are the hardest pair", *(hardest(cells) for cells in scales)],
        ["97.7%: ECAPA-TDNN-L, `conv`", *(accuracy(cells, LARGEST) for cells in scales)],
        ["96.8%: ECAPA-TDNN-S, `conv`", *(accuracy(cells, WITH_CONV[1]) for cells in scales)],
        [
            "(ours) `spectral` beats `conv`: ECAPA-TDNN-S",
            *(verdict(cells, "spectral ECAPA-TDNN-S", WITH_CONV[1]) for cells in scales),
        ],
        [
            "(ours) `quadrature` beats `conv`: ECAPA-TDNN-S",
            *(verdict(cells, "quadrature ECAPA-TDNN-S", WITH_CONV[1]) for cells in scales),
        ],
        [
            "(ours) `quadrature` beats `conv`: ECAPA-TDNN-L",
            *(verdict(cells, quadrature, LARGEST) for cells in scales),
        ],
        [
            "(ours) accuracy with a continuous lock, less that with ideal mixing",
            *(difference(cells, f"{LARGEST} spin_lock", LARGEST) for cells in scales),
        ],
    ]
    return table(["the paper's finding", *(f"at the {scale.removeprefix('the ')}" for scale in SCALES.values())], rows)


def verdict(cells, better, worse):
    """Say whether one cell beats another."""
    if better not in cells or worse not in cells:
        return None
    low, high = interval(cells, better, worse)
    return f"{'confirmed' if low > 0 else 'refuted' if high < 0 else 'open'}: {difference(cells, better, worse)}"


def difference(cells, first, second):
    """Format the difference of two cells' accuracies, in points, with its 95% interval."""
    if first not in cells or second not in cells:
        return None
    low, high = interval(cells, first, second)
    value = cells[first]["accuracy"] - cells[second]["accuracy"]
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def interval(cells, first, second):
    """Interval of the difference of two cells' accuracies."""
    counts = [(cells[name]["accuracy"], cells[name]["recordings"]) for name in (first, second)]
    return difference_interval(*((round(share * total), total) for share, total in counts))


def hardest(cells):
    """Name the three most confused pairs of the largest model behind `conv`."""
    model = next((name for name in WITH_CONV if name in cells), None)
    if model is None:
        return None
    pairs = confused_pairs(cells[model])[:3]
    answer = "confirmed" if pairs[0]["pair"] == ["ILE", "LEU"] else "refuted"
    return f"{answer}: " + ", ".join(f"{'/'.join(row['pair'])} {row['mistaken']:.1%}" for row in pairs)


def best_table():
    """Tabulate the recipe that leads: its seeds, and what it is without each of its parts."""
    runs = load("accuracy", "best")
    grid = load("accuracy", "data")
    runs |= {
        f"1986 {kind}": grid[name] for kind, name in (("warm-up", f"{CELL} warm-up"), ("paper", CELL)) if name in grid
    }
    rows = []
    for name, run in runs.items():
        seed, _, kind = name.partition(" ")
        wrong = round(run["validation"]["error"] * run["recordings"]["valid"]) if "validation" in run else None
        unseen = run["unseen"]
        low, high = unseen["accuracy_interval"]
        missed = unseen["recordings"] - round(unseen["accuracy"] * unseen["recordings"])
        share = f"{unseen['accuracy']:.2%} ({100 * low:.2f} to {100 * high:.2f})"
        pair = min(unseen["per_class_f1"][residue] for residue in ("ILE", "LEU"))
        minutes = f"{run['seconds']['train'] / 60:.0f}"
        rows.append([PARTS[kind], seed, wrong, missed, share, f"{pair:.3f}", minutes, commit(run)])
    columns = [
        "`hparams/best.yaml`",
        "seed",
        "wrong of 4,000, validation",
        "wrong of 4,000, unseen",
        "accuracy, unseen",
    ]
    shown = table([*columns, "F1, the worse of ILE and LEU", "minutes of training", "commit"], rows, 2)
    return f"{shown}\n\n{_all_seeds([run['unseen'] for name, run in runs.items() if name.endswith(' best')])}"


def _all_seeds(unseen):
    total = sum(one["recordings"] for one in unseen)
    wrong = total - sum(round(one["accuracy"] * one["recordings"]) for one in unseen)
    return f"Of all {len(unseen)} seeds {wrong} of {total:,} unseen are wrong: {1 - wrong / total:.2%}."


def mistakes_table():
    """Tabulate what the first seed of the recipe that leads takes for something else."""
    rows = []
    for one in load("accuracy", "best")["1986 best"]["mistakes"]:
        shifts = ", ".join(f"{name} {share:.1%}" for name, share in one["by_shifts"].items() if share > 0.001)
        rows.append([one["residue"], one["predicted"], percent(one["probability"]), shifts])
    return table(["recording of", "taken for", "probability", "what the exact shifts say"], rows, 1)


BLOCKS = {
    "table-1": table_1,
    "table-3": table_3,
    "findings": findings,
    "best": best_table,
    "best-mistakes": mistakes_table,
}
