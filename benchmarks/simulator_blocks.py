"""What the READMEs say of the simulator: one function a block."""

import json

from results_files import RESULTS, load


def simulator_summary():
    """Say how fast and how exact the simulator is."""
    results = load("simulator")
    rate, error = results["recordings_per_second_and_core"], results["largest_error"]
    slowest = max(results["residues"], key=lambda residue: results["residues"][residue]["seconds"])
    return (
        f"Class-balanced mean: {rate:.0f} recordings a second and core; {slowest} takes longest, "
        f"{results['residues'][slowest]['seconds']:.2f} s. Largest error of the default tolerance in five "
        f"draws of each residue: {error:.0e} of the first point "
        f"({results['hardware']['processor']}, commit `{results['commit'][:10]}`)."
    )


def simulator_table():
    """Tabulate the simulator by residue."""
    lines = [
        "| residue | protons | largest block | ms a recording | error / first point | ms with a continuous lock |",
        "|---|---|---|---|---|---|",
    ]
    for residue, row in load("simulator")["residues"].items():
        sizes = f"{row['protons']} | {row['largest_block']}"
        lock = f"{1e3 * row['spin_lock_seconds']:.0f}"
        lines.append(f"| {residue} | {sizes} | {1e3 * row['seconds']:.1f} | {row['error']:.0e} | {lock} |")
    return "\n".join(lines)


def simulator_others():
    """Tabulate the simulator beside Spinguin and brute force."""
    others = load("simulator")["others"]
    lines = [
        "| residue | protons | ms | brute force, ms | Spinguin, ms | Spinguin / ours | distance from Spinguin "
        "| with nothing left out: single precision |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for residue, row in others["residues"].items():
        ours, brute, spinguin = (1e3 * row[key] for key in ("seconds", "brute_force_seconds", "spinguin_seconds"))
        lines.append(
            f"| {residue} | {row['protons']} | {ours:.1f} | {brute:.0f} | {spinguin:.0f} | {spinguin / ours:.0f} | "
            f"{row['spinguin_deviation']:.0e} | {row['spinguin_deviation_nothing_left_out']:.0e} |"
        )
    return "\n".join(lines)


def simulator_variants():
    """Tabulate what each shortcut saves and costs."""
    rows = load("simulator")["variants"]
    lines = [
        "| | " + " | ".join(f"{residue}, ms | error" for residue in rows) + " |",
        "|---" * (1 + 2 * len(rows)) + "|",
    ]
    for of_all in zip(*rows.values(), strict=True):
        cells = [f"{1e3 * row['seconds']:.0f} | {row['error']:.0e}" for row in of_all]
        lines.append(f"| {of_all[0]['variant']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def throughput_table():
    """Tabulate rates of whole data sets, and what was not measured."""
    cpu = load("throughput_cpu")
    hardware = cpu["one process"]["hardware"]
    lines = [
        "| | where | recordings/s | recordings |",
        "|---|---|---|---|",
    ]
    where = f"{hardware['cores']} cores ({hardware['processor']})"
    for name in cpu:
        if name != "memory":
            row = cpu[name]
            lines.append(f"| {name} | {where} | {row['recordings_per_second']:.0f} | {row['recordings']:,} |")
    path = RESULTS / "throughput_cuda.json"
    for name, row in json.loads(path.read_text()).items() if path.exists() else ():
        gpu = row["hardware"]["gpu"]
        lines.append(f"| {name} | {gpu} | {row['recordings_per_second']:.0f} | {row['recordings']:,} |")
    if not path.exists():
        lines.append("| simulated, 20,000 | one GPU | not yet run: `python benchmarks/throughput.py --device=cuda` | |")
    memory = cpu["memory"]
    lines += [
        "",
        f"Memory beyond the result for {memory['residue']}, at a budget of {memory['budget_mb']:.0f} MB: "
        + ", ".join(f"{mb:.0f} MB for {n} recordings" for n, mb in memory["mb"].items())
        + ".",
    ]
    return "\n".join(lines)


def million():
    """Say what a million recordings need, from measured rates."""
    cpu = load("throughput_cpu")
    needs = []
    for audio in ("wav", "flac"):
        row = cpu[f"written as {audio}"]
        needs.append(
            f"{1e6 / row['recordings_per_second'] / 3600:.1f} hours and {row['bytes_each'] / 1e6:.2f} TB as {audio}"
        )
    cores = cpu["written as wav"]["hardware"]["cores"]
    return f"A million recordings, from the rates measured on {cores} cores: {' or '.join(needs)}."


def validation_table():
    """Tabulate the deviations from experiments and from GISSMO's line lists."""
    results = load("validation")
    lines = [
        "| residue | experiment | strong lines | offset / Hz | rms / Hz | worst multiplet, rms / Hz | "
        "rms with couplings of `protein`, of GISSMO / Hz | GISSMO's lines | median / Hz | 90% within / Hz |",
        "|---" * 10 + "|",
    ]
    for residue, row in results["experiment"].items():
        worst = max(row["multiplets"], key=lambda name: row["multiplets"][name]["rms_hz"])
        listed = results["gissmo"].get(residue)
        theirs = f"{listed['lines']} | {listed['median_hz']:.3f} | {listed['p90_hz']:.3f}" if listed else "none | |"
        ours = f"{row['lines']} | {row['offset_hz']:+.2f} | {row['rms_hz']:.2f}"
        worst = f"{worst}, {row['multiplets'][worst]['rms_hz']:.2f}"
        others = ", ".join(f"{rms:.2f}" for rms in row["rms_with_other_couplings_hz"].values())
        lines.append(f"| {residue} | {row['field_mhz']:.0f} MHz | {ours} | {worst} | {others} | {theirs} |")
    furthest = [max(map(abs, peak["off_ppm"])) for peak in results["valine_tocsy"]]
    near = sum(off < 0.03 for off in furthest)
    lines.append("")
    lines.append(
        f"The TOCSY of valine (BMRB, 500 MHz, MLEV-17, 60 ms): {near} of {len(furthest)} simulated cross peaks are "
        f"there within 0.03 ppm, the furthest {max(furthest):.3f} ppm off (commit `{results['commit'][:10]}`)."
    )
    return "\n".join(lines)
