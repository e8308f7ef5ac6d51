"""Seconds and memory of training steps."""

from benchmarks.common import load, table


def training_table():
    """Tabulate training steps beside a stock SpeechBrain script."""
    cpu = load("steps", "stock_cpu")
    columns = ["model", "where", "stock, s", "ours, s", "ours, bf16, s"]
    columns += ["stock / ours", "stock / bf16", "difference of losses in float32"]
    rows = [
        [
            name,
            f"{cpu['hardware']['cores']} cores",
            f"{row['stock']:.2f}",
            f"{row['ours']:.2f}",
            f"{row['ours, bf16']:.2f}",
            f"{row['stock'] / row['ours']:.2f}",
            f"{row['stock'] / row['ours, bf16']:.2f}",
            f"{row['loss_difference']:.1g}",
        ]
        for name, row in cpu["rows"].items()
    ]
    if not load("steps", "stock_cuda"):
        rows.append(["all", "a GPU", *[None] * 6])
    gpu = (
        "Not measured: all models on a GPU, in bf16 and compiled too: `python -m benchmarks.steps.stock --device=cuda`."
    )
    return table(columns, rows, 2, gpu)


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
