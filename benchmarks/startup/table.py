"""What the settings of a process change."""

from benchmarks.common import commit, load, table

UNIT = {"training": "a step of 20 recordings", "simulation": "8 recordings of LYS", "reconstruction": "64 signals, IST"}


def memory_table():
    """Tabulate seconds, page faults and memory with freed memory given back and kept."""
    rows = []
    for work, settings in load("startup")["memory"].items():
        before, after = settings["given back"], settings["kept"]
        rows.append(
            [
                f"{work}: {UNIT[work]}",
                f"{before['seconds']:.3f} → {after['seconds']:.3f}",
                f"{before['seconds'] / after['seconds']:.2f}",
                f"{before['page_faults']:,.0f} → {after['page_faults']:,.0f}",
                f"{before['held_mb']:.0f} → {after['held_mb']:.0f}",
            ]
        )
    return table(["one thread", "s", "ratio", "page faults", "MB held at most"], rows)


def threads_table():
    """Tabulate seconds of a training step by what threads do while they wait."""
    results = load("startup")
    quiet, busy = results["threads"]["quiet"], results["threads"]["busy"]
    rows = [[how, f"{quiet[how]['seconds']:.2f}", f"{busy[how]['seconds']:.2f}"] for how in quiet]
    cores = results["hardware"]["cores"]
    columns = [f"threads while they wait, {cores} cores", "s a step, quiet", f"s a step beside {cores} busy processes"]
    return table(columns, rows) + f"\n\nMeasured at {commit(results)}, medians of {results['rounds']} alternating runs."


def commands_table():
    """Tabulate seconds of whole commands beside those of the imports."""
    results = load("startup", "commands")
    floor = results["seconds"]["import torch"]
    rows = [[f"`{name}`", f"{seconds:.2f}", f"{seconds / floor:.2f}"] for name, seconds in results["seconds"].items()]
    columns = ["from start to end", "s", "relative to `import torch`"]
    return table(columns, rows) + f"\n\nMeasured at {commit(results)}, medians of {results['rounds']} rounds."


BLOCKS = {"startup-memory": memory_table, "startup-threads": threads_table, "startup-commands": commands_table}
