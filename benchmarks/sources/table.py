"""Table II of sources: what an embedding model knows of amino acids, by what its weights were trained on."""

import statistics

from benchmarks.common import load, percent, table
from benchmarks.transfer.table import pretraining

COUNTS = ("1", "2", "5", "10", "28", "84")
FRONTENDS = ("mel", "conv", "quadrature", "spectral", "spectral_centred")
BASELINE = "no network, spectrum"
ROWS = {
    "molecules": "simulated molecules, ECAPA",
    "synthetic voices": "synthetic voices, ECAPA",
    "random ECAPA": "random, ECAPA",
    "real speech": "real speech (GE2E), LSTM",
    "random LSTM": "random, LSTM",
}
KINDS = {"Pretraining on NMR": ("molecules",), "Pretraining on speech": ("real speech", "synthetic voices")}
TWINS = {"molecules": "random ECAPA", "synthetic voices": "random ECAPA", "real speech": "random LSTM"}
MARGIN = 1.0  # points that a source must be ahead by to be called a help: about the spread of the seeds
COMMAND = "`python -m benchmarks.sources.run`"
VOXCELEB = (
    "Not measured: VoxCeleb's ECAPA, which has to be downloaded: `python -m benchmarks.transfer.run paper --minutes 9` "
    "(the paper reports 41.6% frozen behind `mel`, 72.7% behind `conv`, from 700 recordings a residue)."
)


def sources_table():
    """Tabulate the accuracy of the probe by source, front end and number of recordings of each residue."""
    runs, rows = load("sources"), []
    for source, title in ROWS.items():
        rows += [[title, f"`{frontend}`", *cells(runs, f"{source}, {frontend}")] for frontend in FRONTENDS]
    rows.append(["none: logistic regression", "2D spectrum", *cells(runs, BASELINE)])
    columns = ["weights", "front end", "seeds", *COUNTS]
    missing = [source for source in ROWS if not any(f" {source}, " in name for name in runs)]
    lacking = f"Not measured: {', '.join(missing)}: {COMMAND}." if missing else ""
    return "\n\n".join([table(columns, rows, 2, lacking), *pretraining(runs), VOXCELEB])


def found(runs, rest):
    """Results of every seed."""
    return [run for name, run in runs.items() if name.partition(" ")[2] == rest]


def mean(runs, rest, count):
    """Mean accuracy over the seeds."""
    return statistics.mean(run["accuracy"][count] for run in found(runs, rest))


def cells(runs, rest):
    """Number of seeds, and mean accuracies over them."""
    of = found(runs, rest)
    return [len(of) or None, *(percent(mean(runs, rest, count)) if of else None for count in COUNTS)]


def best(runs, source, count):
    """Accuracy and name of the front end behind which a source is best."""
    return max(
        (mean(runs, f"{source}, {front}", count), front) for front in FRONTENDS if found(runs, f"{source}, {front}")
    )


def sources_answer():
    """Say what helps: the best front end of each source, from 5 and from 28 recordings of each residue."""
    runs, parts = load("sources"), []
    measured = [source for source in ROWS if any(f" {source}, " in name for name in runs)]
    for source in measured:
        few, more = (best(runs, source, count) for count in ("5", "28"))
        parts.append(f"{ROWS[source]} {percent(few[0])} (`{few[1]}`) and {percent(more[0])} (`{more[1]}`)")
    few, more = (mean(runs, BASELINE, count) for count in ("5", "28"))
    parts.append(f"no network at all {percent(few)} and {percent(more)}")
    verdicts = filter(None, [verdict(runs, measured, kind, sources) for kind, sources in KINDS.items()])
    return (
        f"**{'. '.join(verdicts)}.** From 5 and from 28 recordings of each residue, each source behind the front end "
        f"that turned out best for it: {'; '.join(parts)}. Points gained on random weights of the same architecture: "
        f"{'; '.join(over_twins(runs, measured))}."
    )


def verdict(runs, measured, kind, sources):
    """Say whether a kind of source beats random weights and no network, from 5 and from 28 recordings."""
    ours = [source for source in sources if source in measured]
    randoms = [source for source in measured if source.startswith("random")]
    if not ours or not randoms:
        return None
    rivals = [
        max(*(best(runs, one, count)[0] for one in randoms), mean(runs, BASELINE, count)) for count in ("5", "28")
    ]
    reached = [max(best(runs, source, count)[0] for source in ours) for count in ("5", "28")]
    gains = [100 * (one - other) for one, other in zip(reached, rivals, strict=True)]
    helps = "helps" if min(gains) > MARGIN else "does not help" if max(gains) < MARGIN else "helps only in part"
    return f"{kind} {helps} ({gains[0]:+.1f} and {gains[1]:+.1f} points to the best of random weights and no network)"


def over_twins(runs, measured):
    """Say what each source gains on random weights of its own architecture, behind the front end best for each."""
    for source, twin in TWINS.items():
        if source in measured and twin in measured:
            few, more = (100 * (best(runs, source, n)[0] - best(runs, twin, n)[0]) for n in ("5", "28"))
            yield f"{ROWS[source]} {few:+.1f} and {more:+.1f}"


def sources_trainable():
    """Tabulate the training of the whole model, from molecules and from scratch, beside the frozen embedding."""
    runs, frozen, rows = load("sources", "trainable"), load("sources"), []
    for source, title in (("molecules", "simulated molecules"), ("random ECAPA", "random")):
        for count in ("5", "28"):
            of = found(runs, f"{source}, {count}")
            accuracy = percent(statistics.mean(run["accuracy"] for run in of)) if of else None
            probe = (
                percent(mean(frozen, f"{source}, spectral", count)) if found(frozen, f"{source}, spectral") else None
            )
            rows.append([title, count, len(of) or None, accuracy, probe])
    columns = ["weights to begin with", "recordings of each residue", "seeds", "trained", "frozen, linear probe"]
    return table(columns, rows, 2, "Not measured: what is missing: `python -m benchmarks.sources.run --trainable`.")


BLOCKS = {"sources-answer": sources_answer, "sources-table": sources_table, "sources-trainable": sources_trainable}
