"""What the READMEs say of reconstruction: one function a block."""

import statistics

from results_files import RESULTS, load

COMMAND = "not yet run: `python benchmarks/reconstruction.py`"
ANY_RATE = "MoDern, 10 to 50%"
NETWORKS = ("MoDern", ANY_RATE, "MoDern, fixed thresholds", "DLNMR", "LSTM")
CLASSICAL = ("zero-filling", "IST", "IST-D", "IST, virtual echo", "IST-D, virtual echo", "low-rank Hankel")
COLUMNS = {
    "rlne": ("RLNE", "{:.3f}"),
    "peak_r2": ("peak R²", "{:.4f}"),
    "weak_peak_r2": ("weak-peak R²", "{:.3f}"),
    "slope": ("slope", "{:.3f}"),
    "weak_recall": ("weak peaks found", "{:.0%}"),
    "false_peaks": ("false peaks", "{:.0f}"),
}
SPECTRA = (("GB1 HSQC", "0.2"), ("GB1 HSQC", "0.1"), ("L-valine TOCSY", "0.25"))


def rows_of(*parts):
    """Rows of all names that begin so, by the rest of the name."""
    begin = " | ".join(parts) + " | "
    found = load("reconstruction") if (RESULTS / "reconstruction.json").exists() else {}
    return {name.removeprefix(begin): row for name, row in found.items() if name.startswith(begin)}


def table(head, rows):
    """Lay out a table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def two_digits(number):
    """Format a positive number with two significant digits, or with all before the point."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def mean(rows, key, form):
    """Format the mean over schedules with the standard deviation."""
    values = [row[key] for row in rows if row[key] is not None]
    if not values:
        return ""
    several = f" ± {form.format(statistics.stdev(values))}" if len(values) > 1 else ""
    return form.format(statistics.mean(values)) + several


def reconstruction_summary():
    """Say the most important of it in a sentence."""
    said = (
        "A spectrum from part of its transients, non-uniformly sampled: IST, low-rank Hankel, MoDern and its rivals "
        "([recipe](recipes/SyntheticFID/README.md))."
    )
    parts = []
    for method in (ANY_RATE, "IST, virtual echo", "low-rank Hankel"):
        found = list(rows_of("spectra", "GB1 HSQC", "0.2", method).values())
        seconds = [row["seconds"][method] for row in rows_of("times").values() if method in row["seconds"]]
        if found and seconds:
            error = statistics.mean(row["rlne"] for row in found)
            name = "the MoDern of the package" if method == ANY_RATE else method.replace(", ", " with ")
            parts.append(f"{error:.3f} in {two_digits(statistics.median(seconds[0]))} s by {name}")
    if len(parts) < 3:
        return f"{said} {COMMAND}"
    return f"{said} Error (RLNE) of the GB1 HSQC from 20%, two cores: {', '.join(parts)}."


def reconstruction_trainings():
    """Tabulate what was trained, on what, how long, and what came of it on held-out FIDs of its own kind."""
    columns = (
        "network",
        "trained at",
        "parameters",
        "FIDs",
        "epochs",
        "minutes",
        "RLNE",
        "RLNE of IST, virtual echo",
    )
    found, rows = rows_of("trainings"), []
    for suffix in ("", "_15"):
        for method in NETWORKS if not suffix else [name for name in NETWORKS if name != ANY_RATE]:
            row = found.get(method + suffix)
            if row is None:
                rows.append([method, "15%" if suffix else "20%", "not yet run: the recipe's `train.py`, as above"])
                rows[-1] += [""] * (len(columns) - 3)
                continue
            rates = " to ".join(f"{rate:.0%}" for rate in dict.fromkeys(row["fids"]["rate"]))
            sizes = [f"{row['parameters']:,}", f"{row['recordings']['train']:,}", str(len(row["curves"]))]
            minutes = "resumed" if row["resumed"] else f"{row['seconds']['train'] / 60:.0f}"
            rows.append([method, rates, *sizes, minutes, f"{row['test']['rlne']:.3f}", f"{row['ist']['rlne']:.3f}"])
    return table(columns, rows)


def reconstruction_spectra():
    """Tabulate all methods on the real spectra."""
    rows = []
    for spectrum, rate in SPECTRA:
        for method in (*CLASSICAL, *NETWORKS):
            found = list(rows_of("spectra", spectrum, rate, method).values())
            cells = [mean(found, key, form) for key, (_, form) in COLUMNS.items()] if found else []
            name = [spectrum, f"{float(rate):.0%}", method, str(len(found)) if found else ""]
            rows.append(name + (cells or [COMMAND] + [""] * (len(COLUMNS) - 1)))
    return table(["spectrum", "rate", "method", "schedules", *(title for title, _ in COLUMNS.values())], rows)


def reconstruction_times():
    """Tabulate the seconds of all methods for one plane, side by side."""
    for plane, row in rows_of("times").items():
        medians = {method: statistics.median(seconds) for method, seconds in row["seconds"].items()}
        rows = [
            [method, two_digits(seconds), two_digits(seconds / medians["MoDern"]) if "MoDern" in medians else ""]
            for method, seconds in medians.items()
            if seconds > 1e-3
        ]
        hardware = load("reconstruction")["provenance"]["hardware"]
        said = f"{plane}, 20%; {row['threads']} threads of {hardware['processor']}; medians over rounds."
        return f"{said}\n\n" + table(["method", "seconds", "times MoDern's"], rows)
    return "not yet run: `python benchmarks/reconstruction.py --parts times`"


def reconstruction_synthetic():
    """Tabulate all methods on held-out synthetic FIDs."""
    signs = ("both signs", "positive")
    found = rows_of("synthetic")
    rows = []
    for method in (*CLASSICAL, *NETWORKS):
        cells = [found.get(f"{sign} | {method}") for sign in signs]
        rows.append([method, *(f"{row['rlne']:.3f} ± {row['std']:.3f}" if row else COMMAND for row in cells)])
    return table(["RLNE, 200 FIDs of 256 points at 20%", *(f"peaks: {sign}" for sign in signs)], rows)


def reconstruction_rates():
    """Tabulate RLNE and correlations against the rate, for networks trained at 15%."""
    methods = ("IST, virtual echo", *NETWORKS)
    rates = sorted({float(name.split(" | ")[0]) for name in rows_of("rates")}) or (0.1, 0.15, 0.2, 0.25)
    rows = []
    for rate in rates:
        found = [list(rows_of("rates", f"{rate:g}", method).values()) for method in methods]
        cells = [
            f"{mean(of, 'rlne', '{:.3f}')}; {mean(of, 'peak_r2', '{:.4f}')}" if of else "not yet run" for of in found
        ]
        rows.append([f"{rate:.1%}", *cells])
    said = "RLNE; peak R² on GB1, networks trained at 15% (`python benchmarks/reconstruction.py --parts rates`)."
    return f"{said}\n\n" + table(["rate", *methods], rows)


def reconstruction_bridge():
    """Tabulate accuracy of classification against the share of transients."""
    methods = ("zero-filling", "IST", "IST, virtual echo", ANY_RATE)
    found = rows_of("bridge")
    rows = []
    for rate in (0.1, 0.2, 0.3, 0.4, 0.5):
        cells = [found.get(f"{rate:g} | {method}") for method in methods]
        rows.append([f"{rate:.0%}", *(f"{row['accuracy']:.1%}" if row else "not yet run" for row in cells)])
    everything = found.get("1 | all transients")
    said = (
        f"All transients: {everything['accuracy']:.1%} of {everything['recordings']} recordings."
        if everything
        else "Not yet run: `python benchmarks/reconstruction.py --parts bridge --model results/quickstart/1986`"
    )
    return table(["transients", *methods], rows) + f"\n\n{said}"
