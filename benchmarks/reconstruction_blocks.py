"""What the READMEs say of reconstruction: one function a block."""

import json
import statistics

from results_files import RESULTS

COMMAND = "not yet run: `python benchmarks/reconstruction.py`"
NETWORKS = ("MoDern", "MoDern, fixed thresholds", "DLNMR", "LSTM")
CLASSICAL = ("zero-filling", "IST", "IST-D", "IST, virtual echo", "IST-D, virtual echo", "low-rank Hankel")
COLUMNS = {
    "rlne": ("RLNE", "{:.3f}"),
    "peak_r2": ("peak R²", "{:.4f}"),
    "weak_peak_r2": ("weak-peak R²", "{:.3f}"),
    "slope": ("slope", "{:.3f}"),
    "weak_recall": ("weak peaks found", "{:.0%}"),
    "false_peaks": ("false peaks", "{:.0f}"),
    "seconds": ("seconds", "{:.2f}"),
}


def results(part):
    """Rows of one part by name, none where it was not run."""
    path = RESULTS / "reconstruction.json"
    return json.loads(path.read_text()).get(part, {}) if path.exists() else {}


def table(head, rows):
    """Lay out a table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def chosen(part, *parts):
    """Rows of all schedules whose names begin so."""
    begin = " | ".join(parts) + " | "
    return [row for name, row in results(part).items() if name.startswith(begin)]


def mean(rows, key, form):
    """Format the mean over schedules with the standard deviation."""
    values = [row[key] for row in rows if row[key] is not None]
    if not values:
        return ""
    several = f" ± {form.format(statistics.stdev(values))}" if len(values) > 1 and key != "seconds" else ""
    return form.format(statistics.mean(values)) + several


def reconstruction_spectra():
    """Tabulate all methods on the real spectra."""
    rows = []
    for spectrum, rate in (("GB1 HSQC", "0.2"), ("GB1 HSQC", "0.1"), ("L-valine TOCSY", "0.25")):
        for method in (*CLASSICAL, *NETWORKS):
            found = chosen("spectra", spectrum, rate, method)
            cells = [mean(found, key, form) for key, (_, form) in COLUMNS.items()] if found else []
            name = [spectrum, f"{float(rate):.0%}", method, str(len(found)) if found else ""]
            rows.append(name + (cells or [COMMAND] + [""] * (len(COLUMNS) - 1)))
    return table(["spectrum", "rate", "method", "schedules", *(title for title, _ in COLUMNS.values())], rows)


def reconstruction_synthetic():
    """Tabulate all methods on held-out synthetic FIDs."""
    found = results("synthetic")
    rows = []
    for method in (*CLASSICAL, *NETWORKS):
        row = found.get(method)
        rows.append(
            [method, f"{row['rlne']:.3f} ± {row['std']:.3f}", f"{row['seconds']:.2f}"] if row else [method, COMMAND, ""]
        )
    return table(["method", "RLNE, 200 FIDs at 20%", "seconds"], rows)


def reconstruction_rates():
    """Tabulate RLNE and correlations against the rate, for networks trained at 15%."""
    methods = ("IST, virtual echo", *NETWORKS)
    rates = sorted({float(name.split(" | ")[0]) for name in results("rates")}) or (0.1, 0.15, 0.2, 0.25)
    rows = []
    for rate in rates:
        found = [chosen("rates", f"{rate:g}", method) for method in methods]
        cells = [
            f"{mean(of, 'rlne', '{:.3f}')}; {mean(of, 'peak_r2', '{:.4f}')}" if of else "not yet run" for of in found
        ]
        rows.append([f"{rate:.1%}", *cells])
    said = "RLNE; peak R² on GB1, networks trained at 15% (`python benchmarks/reconstruction.py --parts rates`)."
    return f"{said}\n\n" + table(["rate", *methods], rows)


def reconstruction_bridge():
    """Tabulate accuracy of classification against the share of transients."""
    methods = ("zero-filling", "IST", "IST, virtual echo", "MoDern")
    found = results("bridge")
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
