"""Deviations of the simulator from what others measured and computed."""

from benchmarks.common import commit, load, table


def validation_table():
    """Tabulate the deviations from experiments and from GISSMO's line lists."""
    results = load("validation")
    columns = ["residue", "experiment", "strong lines", "offset / Hz", "rms / Hz", "worst multiplet, rms / Hz"]
    columns += ["rms with couplings of `protein`, of GISSMO / Hz", "GISSMO's lines", "median / Hz", "90% within / Hz"]
    rows = []
    for residue, row in results["experiment"].items():
        worst = max(row["multiplets"], key=lambda name: row["multiplets"][name]["rms_hz"])
        ours = [row["lines"], f"{row['offset_hz']:+.2f}", f"{row['rms_hz']:.2f}"]
        others = ", ".join(f"{rms:.2f}" for rms in row["rms_with_other_couplings_hz"].values())
        listed = results["gissmo"].get(residue)
        theirs = [listed["lines"], *(f"{listed[key]:.3f}" for key in ("median_hz", "p90_hz"))] if listed else ["none"]
        worst = f"{worst}, {row['multiplets'][worst]['rms_hz']:.2f}"
        rows.append([residue, f"{row['field_mhz']:.0f} MHz", *ours, worst, others, *theirs, *[""] * (3 - len(theirs))])
    furthest = [max(map(abs, peak["off_ppm"])) for peak in results["valine_tocsy"]]
    near = sum(off < 0.03 for off in furthest)
    return table(columns, rows) + (
        f"\n\nThe TOCSY of valine (BMRB, 500 MHz, MLEV-17, 60 ms): {near} of {len(furthest)} simulated cross peaks are "
        f"there within 0.03 ppm, the furthest {max(furthest):.3f} ppm off (commit {commit(results)})."
    )


BLOCKS = {"validation-table": validation_table}
