"""Seconds and memory of training steps."""

from benchmarks.common import load, table


def training_table():
    """Tabulate training steps beside a stock SpeechBrain script."""
    columns = ["model", "where", "stock, ms", "ours, ms", "ours, bf16, ms", "the same, compiled, ms"]
    columns += ["stock / ours", "stock / bf16", "difference of losses in float32"]
    rows = []
    for device in ("cpu", "cuda"):
        found = load("steps", f"stock_{device}")
        for name, row in found.get("rows", {}).items():
            where = found["hardware"]["gpu"] or f"{found['hardware']['cores']} cores"
            rows.append([name, where, *_times(row), f"{row['loss_difference']:.1g}"])
    if not load("steps", "stock_cuda"):
        rows.append(["all", "a GPU", *[None] * 7])
    gpu = "Not measured: all models on a GPU, one compiled too: `python -m benchmarks.steps.stock --device=cuda`."
    return table(columns, rows, 2, gpu)


def _times(row):
    """Milliseconds a step of each script, and two ratios."""
    scripts = ("stock", "ours", "ours, bf16", "ours, bf16, compiled")
    milliseconds = [f"{1000 * row[name]:.0f}" if name in row else "" for name in scripts]
    return [*milliseconds, *(f"{row['stock'] / row[name]:.2f}" for name in scripts[1:3])]


def transfer_table():
    """Tabulate seconds and memory of steps with a frozen and a trained embedding model."""
    columns = ["model", "front end", "embedding model", "s a step", "MiB a step", "s to embed the batch once"]
    rows = []
    for device, model in (("cpu", "ECAPA-TDNN, 64 channels, 2 cores"), ("cuda", "ECAPA-TDNN-L, a GPU")):
        for row in load("steps", f"frozen_{device}").get("rows", [{"frontend": "", "how": ""}]):
            how = {"once": "frozen, embedded once"}.get(row["how"], row["how"])
            once = f"{row['seconds_to_embed']:.2f}" if "seconds_to_embed" in row else ""
            figures = [f"{row['seconds']:.3f}", f"{row['mib']:.0f}", once] if "seconds" in row else [None] * 3
            rows.append([model, f"`{row['frontend']}`", how, *figures])
    gpu = "Not measured: ECAPA-TDNN-L on a GPU: `python -m benchmarks.steps.frozen --device=cuda`."
    return table(columns, rows, 3, gpu)


BLOCKS = {"training-table": training_table, "transfer-table": transfer_table}
