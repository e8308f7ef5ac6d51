"""Accuracy of classifiers that are given the shifts."""

from benchmarks.common import commit, load, percent, table

KNOWS = {
    "names": "`names`: shifts, names and protons of their groups",
    "protons": "`protons`: set of shifts, protons of each",
    "shifts": "`shifts`: set of shifts",
    "cells": "`cells`: occupied cells of {:.2f} ppm",
    "shared_names": "`shared_names`: as `names`, whatever groups there are",
    "any_number": "`any_number`: as `shifts`, however many there are",
}


def bound_table():
    """Tabulate them by what they know."""
    results = load("bound")
    conditions = [[row for row in results["rows"] if row["condition"] == name] for name in ("h2o", "d2o")]
    rows = []
    for pair in zip(*conditions, strict=True):
        cells = [KNOWS[pair[0]["knows"]].format(pair[0].get("cell_ppm"))]
        for row in pair:
            hardest = row["hardest"][0]
            cells += [
                percent(row["all"]["value"]),
                f"{'/'.join(hardest['pair'])} {percent(hardest['mistaken'])}",
                percent(row["ILE or LEU"]["value"]),
            ]
        rows.append(cells)
    columns = ["known of a recording", "H2O", "hardest pair", "ILE or LEU", "D2O", "hardest pair", "ILE or LEU"]
    halves = [max((row[key]["high"] - row[key]["low"]) / 2 for row in results["rows"]) for key in ("all", "ILE or LEU")]
    return table(columns, rows) + (
        f"\n\n{results['draws']:,} draws of each residue; 95% intervals reach at most {100 * halves[0]:.1f} points "
        f"either way, {100 * halves[1]:.1f} for ILE or LEU (commit {commit(results)})."
    )


def recordings_table():
    """Tabulate what remains when the shifts of others are fitted to a recording, and the accuracy in noise."""
    results = load("bound", "recordings")
    accuracy, rows = results["accuracy"], []
    for residue in accuracy:
        own = [row for row in results["rows"] if row["residue"] == residue]
        others = {name: one for row in own for name, one in row.items() if isinstance(one, dict)}
        left = [f"{name} {min(row[name]['distance'] / row['norm'] for row in own):.0%}" for name in others]
        rows.append([residue, ", ".join(left), *(percent(share) for share in accuracy[residue].values())])
    columns = [
        "residue",
        "least that fitted recordings of the others leave",
        *(f"SNR {snr}" for snr in accuracy[rows[0][0]]),
    ]
    return table(columns, rows, 1) + f"\n\n{results['draws']} recordings of each (commit {commit(results)})."


BLOCKS = {"bound-table": bound_table, "bound-recordings": recordings_table}
