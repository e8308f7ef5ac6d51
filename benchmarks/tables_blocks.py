"""What the READMEs say of the paper's grid: Tables I and III, and its findings, each at two scales."""

import json

import numpy as np
from results_files import RESULTS, load

NOT_YET = "not yet run"
FRONTENDS = ("mel", "mel_transient", "conv", "quadrature")
VARIANTS = ("spin_lock", "shift", "shift, warm-up")
BASELINES = {
    "spectrum": "logistic regression, 2D spectrum",
    "first_transient": "the same, first transient only",
    "template": "mean spectrum, offsets up to 0.3 ppm",
}
KNOWS = {"names": "shifts and the names of their groups", "protons": "shifts and their protons, unassigned"}
LARGEST = "conv ECAPA-TDNN-L"


def paper():
    """Return the paper's tables."""
    return json.loads((RESULTS.parent / "paper.json").read_text())


def pooled(scale):
    """Figures of each cell on unseen recordings, those of all seeds counted together; and of the baselines."""
    path = RESULTS / f"tables_{scale}.json"
    runs = json.loads(path.read_text()) if path.exists() else {}
    by_cell = {}
    for name, run in runs.items():
        by_cell.setdefault(name.partition(" ")[2], []).append(run["unseen"])
        if name.endswith(" mel_transient x-vector"):
            for baseline, figures in run["baselines"].items():
                by_cell.setdefault(baseline, []).append(figures)
    return {cell: add_up(figures) | {"seeds": len(figures)} for cell, figures in by_cell.items()}


def add_up(figures):
    """Count the recordings of several runs together."""
    from nmr_speech.score.classification import summarise  # noqa: PLC0415 - --check needs no torch otherwise

    return summarise(sum(np.array(one["confusion"]) for one in figures), figures[0]["labels"])


def accuracy(cells, name):
    """Format a cell's accuracy with its 95% interval."""
    if name not in cells:
        return NOT_YET
    low, high = cells[name]["accuracy_interval"]
    seeds = "" if cells[name]["seeds"] > 1 else ", one seed"
    return f"{cells[name]['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f}{seeds})"


def table_1():
    """Tabulate accuracy by front end and embedding model, beside the paper's and the baselines'."""
    published = paper()["table_1"]
    scales = [pooled(scale) for scale in ("small", "paper")]
    lines = ["| embedding model | front end | the paper | small scale | the paper's scale |", "|---" * 5 + "|"]
    for model, row in published.items():
        for frontend in FRONTENDS:
            said = f"{row[frontend]:.1%}" if frontend in row else ""
            cells = [accuracy(cells, f"{frontend} {model}") for cells in scales]
            lines.append(f"| {model} | `{frontend}` | {said} | {' | '.join(cells)} |")
    for variant in VARIANTS:
        cells = [accuracy(cells, f"{LARGEST} {variant}") for cells in scales]
        lines.append(f"| ECAPA-TDNN-L | `conv`, {variant} | | {' | '.join(cells)} |")
    for name, said in BASELINES.items():
        cells = [accuracy(cells, name) for cells in scales]
        lines.append(f"| {said} | | | {' | '.join(cells)} |")
    for row in load("bound")["rows"]:
        if row["condition"] == "h2o" and row["knows"] in KNOWS:
            lines.append(f"| bound: {KNOWS[row['knows']]} | | |" + f" {row['all']['value']:.1%} |" * 2)
    return "\n".join(
        [*lines, "", *(weaker_than_linear(*pair) for pair in zip(("small", "paper's"), scales, strict=True))]
    )


def weaker_than_linear(scale, cells):
    """Name the networks that beat logistic regression on the spectrum; all others do not."""
    if "spectrum" not in cells:
        return f"At the {scale} scale: {NOT_YET}."
    networks = [name for name in cells if name not in BASELINES]
    ahead = [name for name in networks if cells[name]["accuracy"] > cells["spectrum"]["accuracy"]]
    names = ", ".join("{1} behind `{0}`".format(*name.split(" ", 1)) for name in ahead) or "no network"
    others = len(networks) - len(ahead)
    return f"At the {scale} scale {names} beat logistic regression on the spectrum; the other {others} do not."


def table_3():
    """Tabulate F1 by class behind the Conv1d front end, beside the paper's."""
    published = paper()["table_3"]
    models = published["columns"]
    cells = pooled("small")
    columns = [f"{model}, {whose}" for model in models for whose in ("the paper", "small scale")]
    lines = ["| residue | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    ours = [cells.get(f"conv {model}", {}).get("per_class_f1", {}) for model in models]
    for residue, row in published["f1"].items():
        pairs = zip(row, ours, strict=True)
        texts = [f"{said:.3f} | {f1[residue]:.3f}" if f1 else f"{said:.3f} | {NOT_YET}" for said, f1 in pairs]
        lines.append(f"| {residue} | {' | '.join(texts)} |")
    return "\n".join(lines)


def findings():
    """Hold the paper's findings against ours: confirmed or refuted where the interval of the difference leaves zero."""
    scales = [pooled(scale) for scale in ("small", "paper")]
    models = list(paper()["table_1"])
    lines = ["| the paper's finding | at the small scale | at the paper's scale |", "|---" * 3 + "|"]
    claims = [(f"`conv` beats `mel`: {model}", f"conv {model}", f"mel {model}") for model in models]
    claims += [
        ("ECAPA-TDNN-L beats x-vector, `conv`", LARGEST, "conv x-vector"),
        ("x-vector beats DEEP Picker, `conv`", "conv x-vector", "conv DEEP Picker"),
    ]
    for claim, better, worse in claims:
        lines.append(f"| {claim} | " + " | ".join(verdict(cells, better, worse) for cells in scales) + " |")
    lines.append("| ILE and LEU are the hardest pair | " + " | ".join(hardest(cells) for cells in scales) + " |")
    lines.append("| 97.7%: ECAPA-TDNN-L, `conv` | " + " | ".join(accuracy(cells, LARGEST) for cells in scales) + " |")
    lines.append("| (ours) `quadrature` beats `conv`: ECAPA-TDNN-L | ")
    lines[-1] += " | ".join(verdict(cells, "quadrature ECAPA-TDNN-L", LARGEST) for cells in scales) + " |"
    lines.append("| (ours) a continuous lock is as easy to name as ideal mixing | ")
    lines[-1] += " | ".join(difference(cells, f"{LARGEST} spin_lock", LARGEST) for cells in scales) + " |"
    return "\n".join(lines)


def verdict(cells, better, worse):
    """Say whether one cell beats another."""
    if better not in cells or worse not in cells:
        return NOT_YET
    low, high = interval(cells, better, worse)
    return f"{'confirmed' if low > 0 else 'refuted' if high < 0 else 'open'}: {difference(cells, better, worse)}"


def difference(cells, first, second):
    """Format the difference of two cells' accuracies, in points, with its 95% interval."""
    if first not in cells or second not in cells:
        return NOT_YET
    low, high = interval(cells, first, second)
    value = cells[first]["accuracy"] - cells[second]["accuracy"]
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def interval(cells, first, second):
    """Interval of the difference of two cells' accuracies."""
    from nmr_speech.score.classification import difference_interval  # noqa: PLC0415 - as above

    hits = [
        (round(cells[name]["accuracy"] * cells[name]["recordings"]), cells[name]["recordings"])
        for name in (first, second)
    ]
    return difference_interval(*hits)


def hardest(cells):
    """Name the three most confused pairs of the largest model."""
    from nmr_speech.score.classification import confused_pairs  # noqa: PLC0415 - as above

    if LARGEST not in cells:
        return NOT_YET
    pairs = confused_pairs(cells[LARGEST])[:3]
    said = "confirmed" if pairs[0]["pair"] == ["ILE", "LEU"] else "refuted"
    return f"{said}: " + ", ".join(f"{'/'.join(row['pair'])} {row['mistaken']:.1%}" for row in pairs)
