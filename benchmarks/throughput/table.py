"""Rates of whole data sets."""

from benchmarks.common import load, table


def throughput_table():
    """Tabulate the rates, and the memory of the simulator."""
    results = load("throughput", "cpu")
    rows = []
    for found in (results, load("throughput", "cuda")):
        for name, row in found.items():
            if name not in ("memory", "manifest"):
                hardware = row["hardware"]
                where = hardware["gpu"] or f"{hardware['cores']} cores ({hardware['processor']})"
                rows.append([name, where, f"{row['recordings_per_second']:.0f}", f"{row['recordings']:,}"])
    if not load("throughput", "cuda"):
        rows.append(["simulated, 20,000", "one GPU", None, None])
    elif "written as wav" not in load("throughput", "cuda"):
        rows.append(["written as wav, 10,000", "one GPU", None, None])
    memory = results["memory"]
    peaks = ", ".join(f"{mb:.0f} MB for {n} recordings" for n, mb in memory["mb"].items())
    gpu = "Not measured: all of it on one GPU: `python -m benchmarks.throughput.run --device=cuda`."
    return (
        table(["", "where", "recordings/s", "recordings"], rows, 2, gpu)
        + f"\n\nMemory beyond the result for {memory['residue']}, at a budget of {memory['budget_mb']:.0f} MB: {peaks}."
        + f"\n\n{manifest(results['manifest'])}"
    )


def manifest(row):
    """Say what a long manifest takes."""
    seconds, (before, most) = row["seconds"], row["mb"]
    return (
        f"A manifest of {row['rows']:,} rows is written in {seconds['write']:.0f} s, read in "
        f"{seconds['read']:.0f} s, and its links are followed in "
        f"{seconds['compare']:.0f} s; the process grows from {before:.0f} to {most:.0f} MB."
    )


def million():
    """Say what a million recordings need, from measured rates."""
    found = load("throughput", "cpu")
    needs = []
    for audio in ("wav", "flac"):
        row = found[f"written as {audio}"]
        hours, terabytes = 1e6 / row["recordings_per_second"] / 3600, row["bytes_each"] / 1e6
        needs.append(f"{hours:.1f} hours and {terabytes:.2f} TB as {audio}")
    cores = found["written as wav"]["hardware"]["cores"]
    return f"A million recordings, from the rates measured on {cores} cores: {' or '.join(needs)}."


BLOCKS = {"throughput-table": throughput_table, "million": million}
