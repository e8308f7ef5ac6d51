"""Speed and accuracy of the simulator."""

from benchmarks.common import commit, load, table


def simulator_summary():
    """Say how fast and how exact the simulator is."""
    results = load("simulator")
    rate, error = results["recordings_per_second_and_core"], results["largest_error"]
    slowest = max(results["residues"], key=lambda residue: results["residues"][residue]["seconds"])
    return (
        f"Class-balanced mean: {rate:.0f} recordings per second and core; {slowest} takes longest, "
        f"{results['residues'][slowest]['seconds']:.2f} s. Largest error of the default tolerance in five "
        f"draws of each residue: {error:.0e} of the first point "
        f"({results['hardware']['processor']}, commit {commit(results)})."
    )


def simulator_table():
    """Tabulate the simulator by residue."""
    columns = ["residue", "protons", "largest block", "ms a recording", "error / first point"]
    rows = [
        [
            residue,
            row["protons"],
            row["largest_block"],
            f"{1e3 * row['seconds']:.1f}",
            f"{row['error']:.0e}",
            f"{1e3 * row['spin_lock_seconds']:.0f}",
        ]
        for residue, row in load("simulator")["residues"].items()
    ]
    return table([*columns, "ms with a continuous lock"], rows)


def simulator_others():
    """Tabulate the simulator beside Spinguin and brute force."""
    columns = ["residue", "protons", "ms", "brute force, ms", "Spinguin, ms", "Spinguin / ours"]
    columns += ["distance from Spinguin", "with nothing left out: single precision"]
    rows = []
    for residue, row in load("simulator")["others"]["residues"].items():
        ours, brute, spinguin = (1e3 * row[key] for key in ("seconds", "brute_force_seconds", "spinguin_seconds"))
        times = [f"{ours:.1f}", f"{brute:.0f}", f"{spinguin:.0f}", f"{spinguin / ours:.0f}"]
        distances = [f"{row[f'spinguin_deviation{kind}']:.0e}" for kind in ("", "_nothing_left_out")]
        rows.append([residue, row["protons"], *times, *distances])
    return table(columns, rows)


def simulator_variants():
    """Tabulate what each shortcut saves and costs."""
    found = load("simulator")["variants"]
    rows = []
    for of_all in zip(*found.values(), strict=True):
        cells = [text for row in of_all for text in (f"{1e3 * row['seconds']:.0f}", f"{row['error']:.0e}")]
        rows.append([of_all[0]["variant"], *cells])
    return table(["", *(title for residue in found for title in (f"{residue}, ms", "error"))], rows)


BLOCKS = {
    "simulator-summary": simulator_summary,
    "simulator-table": simulator_table,
    "simulator-others": simulator_others,
    "simulator-variants": simulator_variants,
}
