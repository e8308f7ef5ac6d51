"""What the READMEs say of transfer from speech: one function a block."""

import json
import statistics

import tables_blocks as tables
from results_files import RESULTS


def read(name):
    """Results of a file; none where it was not run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def table_2():
    """Tabulate the four cells beside the paper's, by the source of the weights; and what a linear classifier finds."""
    paper = tables.paper()["table_2"]
    cells = [(frontend, how) for frontend in ("mel", "conv") for how in ("frozen", "trainable")]
    names = ["weights", "scale", *(f"`{frontend}`, {how}" for frontend, how in cells)]
    names += ["linear probe of the frozen, `mel`", "`conv`"]
    published = [f"{100 * paper[frontend][how]:.1f}%" for frontend, how in cells]
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    lines.append("| VoxCeleb | published | " + " | ".join(published) + " | | |")
    rows = (("VoxCeleb", "paper"), ("random", "paper"), ("synthetic voices", "small"), ("random", "small"))
    for source, scale in rows:
        runs = read(f"table_2_{scale}")
        row = [_cell(runs, f"{source}, {frontend}, {how}") for frontend, how in cells]
        row += [_probed(runs, f"{source}, {frontend}, frozen") for frontend in ("mel", "conv")]
        lines.append(f"| {source} | {'the paper' if scale == 'paper' else scale} | " + " | ".join(row) + " |")
    return "\n".join([*lines, "", _pretraining(read("table_2_small"))])


def transfer_table():
    """Tabulate seconds and memory of steps with a frozen and a trained embedding model."""
    head = ["model", "front end", "embedding model", "s a step", "MiB a step", "s to embed the batch once"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for device, model in (("cpu", "ECAPA-TDNN, 64 channels, 2 cores"), ("cuda", "ECAPA-TDNN-L, a GPU")):
        results = read(f"transfer_{device}")
        if not results:
            option = "" if device == "cpu" else " --device=cuda"
            lines.append(f"| {model} | | not yet run: `python benchmarks/transfer.py{option}` | | | |")
        for row in results.get("rows", ()):
            how = {"once": "frozen, embedded once"}.get(row["how"], row["how"])
            once = f"{row['seconds_to_embed']:.2f}" if "seconds_to_embed" in row else ""
            lines.append(
                f"| {model} | `{row['frontend']}` | {how} | {row['seconds']:.3f} | {row['mib']:.0f} | {once} |"
            )
    return "\n".join(lines)


def _cell(runs, rest):
    """Accuracy on unseen recordings, those of all seeds counted together, with its interval."""
    figures = [run["unseen"] for name, run in runs.items() if name.partition(" ")[2] == rest]
    cells = {rest: tables.add_up(figures) | {"seeds": len(figures)}} if figures else {}
    return tables.accuracy(cells, rest)


def _probed(runs, rest):
    values = [run["linear_probe"] for name, run in runs.items() if name.partition(" ")[2] == rest]
    return f"{statistics.mean(values):.1%}" if values else tables.NOT_YET


def _pretraining(runs):
    if "pretraining" not in runs:
        return "The pretraining on synthetic voices is not yet run."
    run = runs["pretraining"]
    test = run["test"]
    return (
        f"Pretraining: {len(test['labels'])} voices, {run['recordings']['train']} recordings, "
        f"{100 * test['accuracy']:.1f}% of {test['recordings']} test recordings named "
        f"({run['seconds']['train'] / 60:.1f} minutes of training, commit `{run['commit'][:10]}`)."
    )
