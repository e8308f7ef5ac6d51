"""The paper's Table II: accuracy after transfer, by the source of the weights."""

import statistics

from benchmarks.accuracy import table as accuracy
from benchmarks.common import commit, load, percent, table

CELLS = [(frontend, how) for frontend in ("mel", "conv") for how in ("frozen", "trainable")]
ROWS = (("VoxCeleb", "paper"), ("random", "paper"), ("synthetic voices", "small"), ("random", "small"))
UNMEASURED = (
    "Not measured: the paper's scale, on a GPU: `python -m benchmarks.transfer.run paper --minutes 9`, as often as "
    "needed. It downloads the VoxCeleb weights."
)


def table_2():
    """Tabulate the four cells beside the paper's; and what a linear classifier finds."""
    published = accuracy.paper()["table_2"]
    columns = ["weights", "scale", *(f"`{frontend}`, {how}" for frontend, how in CELLS)]
    columns += ["linear probe of the frozen, `mel`", "`conv`"]
    rows = [["VoxCeleb", "published", *(percent(published[frontend][how]) for frontend, how in CELLS), "", ""]]
    for source, scale in ROWS:
        runs = load("transfer", scale)
        row = [cell(runs, f"{source}, {frontend}, {how}") for frontend, how in CELLS]
        row += [probed(runs, f"{source}, {frontend}, frozen") for frontend in ("mel", "conv")]
        rows.append([source, "the paper's" if scale == "paper" else scale, *row])
    return "\n\n".join([table(columns, rows, 2, UNMEASURED), *pretraining(load("transfer", "small"))])


def cell(runs, rest):
    """Accuracy on unseen recordings, those of all seeds counted together, with its interval."""
    figures = [run["unseen"] for name, run in runs.items() if name.partition(" ")[2] == rest]
    return accuracy.accuracy({rest: accuracy.add_up(figures)} if figures else {}, rest)


def probed(runs, rest):
    """Mean accuracy of the linear probe over the seeds."""
    values = [run["linear_probe"] for name, run in runs.items() if name.partition(" ")[2] == rest]
    return percent(statistics.mean(values)) if values else None


def pretraining(runs):
    """Say what the speaker model was trained on, and how well it knows its voices."""
    if run := runs.get("pretraining"):
        test, minutes = run["test"], run["seconds"]["train"] / 60
        yield (
            f"Pretraining: {len(test['labels'])} voices, {run['recordings']['train']} recordings, "
            f"{percent(test['accuracy'])} of {test['recordings']} test recordings classified correctly "
            f"({minutes:.1f} minutes of training, commit {commit(run)})."
        )


BLOCKS = {"table-2": table_2}
