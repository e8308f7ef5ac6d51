"""Reconstruction: what was trained, and all methods on real and synthetic spectra."""

import statistics

from benchmarks.common import load, percent, table

RUN = "python -m benchmarks.reconstruction.run"
UNMEASURED = f"Not measured: `{RUN}`."
ANY_RATE = "MoDern, 10 to 50%"
NETWORKS = ("MoDern", ANY_RATE, "MoDern, 3 to 50%", "MoDern, any phase", "MoDern, fixed thresholds", "DLNMR", "LSTM")
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
LOW = (
    ("GB1 HSQC", "0.1"),
    ("GB1 HSQC", "0.05"),
    ("GB1 HSQC", "0.03"),
    ("L-valine TOCSY", "0.1"),
    ("L-valine TOCSY", "0.05"),
)
LOW_METHODS = ("IST, virtual echo", "low-rank Hankel", ANY_RATE, "MoDern, 3 to 50%", "MoDern, any phase")
METHYLS = {
    "measured": "singlets",
    "coupled": "split by couplings of 35 Hz",
    "processed": "split, and with a window on them",
}
METHYL_COLUMNS = {
    "RLNE": ("rlne", "{:.3f}"),
    "peaks": ("peaks", "{:.0f}"),
    "lost": ("lost", "{:.0f}"),
    "false peaks": ("false_peaks", "{:.0f}"),
}
CUBES = ("TOCSY-HSQC, real", "HNCO, synthetic", "HNCACB, synthetic")
CUBE_METHODS = ("zero-filling", "IST", "IST, virtual echo", "low-rank Hankel", "MoDern")


def rows_of(*parts):
    """Rows of all names that begin so, by the rest of the name."""
    begin = " | ".join(parts) + " | "
    found = load("reconstruction")
    return {name.removeprefix(begin): row for name, row in found.items() if name.startswith(begin)}


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
    parts = []
    for method in (ANY_RATE, "IST, virtual echo", "low-rank Hankel"):
        found = list(rows_of("spectra", "GB1 HSQC", "0.2", method).values())
        seconds = [row["seconds"][method] for row in rows_of("times").values() if method in row["seconds"]]
        if found and seconds:
            error = statistics.mean(row["rlne"] for row in found)
            name = "the MoDern of the package" if method == ANY_RATE else method.replace(", ", " with ")
            parts.append(f"{error:.3f} in {two_digits(statistics.median(seconds[0]))} s by {name}")
    return f"RLNE of the GB1 HSQC from 20%, two cores: {', '.join(parts)}." if len(parts) == 3 else UNMEASURED


def reconstruction_trainings():
    """Tabulate what was trained, on what, how long, and the result on held-out FIDs of its own kind."""
    columns = ["network", "trained at", "parameters", "FIDs", "epochs", "minutes", "RLNE", "RLNE of IST, virtual echo"]
    found, rows, lacking = rows_of("trainings"), [], []
    for suffix, rate in (("", "20%"), ("_15", "15%")):
        for method in NETWORKS if not suffix else [name for name in NETWORKS if name != ANY_RATE]:
            row = found.get(method + suffix)
            if row is None:
                lacking.append(f"{method} at {rate}")
                rows.append([method, rate, *[None] * 6])
                continue
            rates = " to ".join(f"{rate:.0%}" for rate in dict.fromkeys(row["fids"]["rate"]))
            sizes = [f"{row['parameters']:,}", f"{row['recordings']['train']:,}", len(row["curves"])]
            minutes = "resumed" if row["resumed"] else f"{row['seconds']['train'] / 60:.0f}"
            rows.append([method, rates, *sizes, minutes, f"{row['test']['rlne']:.3f}", f"{row['ist']['rlne']:.3f}"])
    return table(columns, rows, 2, f"Not trained: {', '.join(lacking)}.")


def reconstruction_spectra():
    """Tabulate all methods on the real spectra."""
    rows = []
    for spectrum, rate in SPECTRA:
        for method in (*CLASSICAL, *NETWORKS):
            found = list(rows_of("spectra", spectrum, rate, method).values())
            figures = [mean(found, key, form) for key, (_, form) in COLUMNS.items()] if found else [None] * len(COLUMNS)
            rows.append([spectrum, f"{float(rate):.0%}", method, len(found) or None, *figures])
    columns = ["spectrum", "rate", "method", "schedules", *(title for title, _ in COLUMNS.values())]
    return table(columns, rows, 3, UNMEASURED)


def reconstruction_times():
    """Tabulate the seconds of all methods for one plane, side by side."""
    for plane, row in rows_of("times").items():
        medians = {method: statistics.median(seconds) for method, seconds in row["seconds"].items()}
        rows = [
            [method, two_digits(seconds), two_digits(seconds / medians[ANY_RATE])]
            for method, seconds in medians.items()
            if seconds > 1e-3
        ]
        hardware = load("reconstruction")["provenance"]["hardware"]
        title = f"{plane}, 20%; {row['threads']} threads of {hardware['processor']}; medians over rounds."
        return f"{title}\n\n" + table(["method", "seconds", "relative to the MoDern of the package"], rows)
    return f"Not measured: `{RUN} --parts times`."


def reconstruction_synthetic():
    """Tabulate all methods on held-out synthetic FIDs."""
    signs, found = ("both signs", "positive"), rows_of("synthetic")
    rows = []
    for method in (*CLASSICAL, *NETWORKS):
        cells = [found.get(f"{sign} | {method}") for sign in signs]
        rows.append([method, *(f"{row['rlne']:.3f} ± {row['std']:.3f}" if row else None for row in cells)])
    columns = ["RLNE, 200 FIDs of 256 points at 20%", *(f"peaks: {sign}" for sign in signs)]
    return table(columns, rows, 1, UNMEASURED)


def reconstruction_rates():
    """Tabulate RLNE and correlations against the rate, for networks trained at 15%."""
    methods = ("IST, virtual echo", *NETWORKS)
    rows = []
    for rate in sorted({float(name.split(" | ")[0]) for name in rows_of("rates")}):
        found = [list(rows_of("rates", f"{rate:g}", method).values()) for method in methods]
        figures = [f"{mean(of, 'rlne', '{:.3f}')}; {mean(of, 'peak_r2', '{:.4f}')}" if of else None for of in found]
        rows.append([percent(rate), *figures])
    lacking = [method for method in methods if not any(f"| {method} |" in name for name in rows_of("rates"))]
    title = "RLNE; peak R² on GB1; all networks but that for 10 to 50% were trained at 15%"
    return f"{title} (`{RUN} --parts rates`).\n\n" + table(
        ["rate", *methods], rows, 1, f"Not measured: {', '.join(lacking)} (not trained at 15%)."
    )


def reconstruction_bridge():
    """Tabulate accuracy of classification against the share of transients."""
    methods = ("zero-filling", "IST", "IST, virtual echo", ANY_RATE)
    found = rows_of("bridge")
    rows = []
    for rate in (0.1, 0.2, 0.3, 0.4, 0.5):
        cells = [found.get(f"{rate:g} | {method}") for method in methods]
        rows.append([f"{rate:.0%}", *(percent(row["accuracy"]) if row else None for row in cells)])
    text = table(
        ["transients", *methods], rows, 1, f"Not measured: `{RUN} --parts bridge --model results/quickstart/1986`."
    )
    whole = found.get("1 | all transients")
    return text + (
        f"\n\nAll transients: {percent(whole['accuracy'])} of {whole['recordings']} recordings." if whole else ""
    )


def reconstruction_low():
    """Tabulate RLNE, slope and false peaks at low rates."""
    rows = []
    for spectrum, rate in LOW:
        for method in LOW_METHODS:
            found = list(rows_of("spectra", spectrum, rate, method).values())
            if found:
                figures = [mean(found, key, form) for key, form in (("rlne", "{:.3f}"), ("slope", "{:.2f}"))]
                rows.append([spectrum, f"{float(rate):.0%}", method, *figures, mean(found, "false_peaks", "{:.0f}")])
    return table(["spectrum", "rate", "method", "RLNE", "slope", "false peaks"], rows, 3, UNMEASURED)


def reconstruction_cubes():
    """Tabulate RLNE and peak R2 of 3D spectra against the rate."""
    rates = ("0.4", "0.25", "0.2", "0.1", "0.05")
    rows = []
    for cube in CUBES:
        for method in CUBE_METHODS:
            cells = []
            for rate in rates:
                row = load("reconstruction").get(f"cubes | {cube} | {rate} | {method}")
                means = [statistics.mean(value for value in row[key]) for key in ("rlne", "peak_r2")] if row else None
                cells.append(f"{means[0]:.3f}; {means[1]:.4f}" if means else None)
            if any(cells):
                rows.append([cube, method, *cells])
    text = "RLNE; peak R²: means over the schedules of the 40 strongest columns."
    columns = ["cube", "method", *(f"{float(rate):.0%}" for rate in rates)]
    done = table(columns, rows, 2, "Not measured: `python -m benchmarks.reconstruction.cubes --cube FILE`.")
    times = load("reconstruction").get("cubes | times")
    if times:
        seconds = ", ".join(f"{method} {value:.0f} s" for method, value in times["seconds"].items())
        done += f"\n\nA cube of {' x '.join(map(str, times['size']))}, {times['threads']} threads: {seconds}."
    return f"{text}\n\n{done}"


def reconstruction_methyls():
    """Tabulate RLNE, lost and invented peaks of synthetic spectra of methyl groups."""
    rows = []
    for kind, title in METHYLS.items():
        for points in ("64", "128", "256"):
            for method in ("IST, virtual echo", ANY_RATE):
                found = list(rows_of("methyls", kind, points, method).values())
                if found:
                    figures = [mean(found, key, form) for key, form in METHYL_COLUMNS.values()]
                    rows.append([title, points, method, *figures])
    return table(["lines", "points", "method", *METHYL_COLUMNS], rows, 3, UNMEASURED)


def reconstruction_confidence():
    """Tabulate how often the truth lies within two standard deviations."""
    rows = []
    for spectrum in ("GB1 HSQC", "L-valine TOCSY", "synthetic FIDs"):
        for rate in ("0.1", "0.2", "0.3"):
            found = [rows_of("confidence", spectrum, rate).get(method) for method in ("modern", "ist")]
            cells = [f"{row['points_within_2']:.0%}; {row['peaks_within_2']:.0%}" if row else None for row in found]
            rows.append([spectrum, f"{float(rate):.0%}", *cells])
    columns = ["spectrum", "rate", "MoDern of the package", "IST, virtual echo"]
    lacking = "Not measured: `python -m benchmarks.reconstruction.confidence`."
    return "Points with signal; peaks.\n\n" + table(columns, rows, 2, lacking)


def reconstruction_choices():
    """Say how often `auto` took the best method, and how much worse the others were."""
    found = rows_of("choices")
    if not found:
        return f"Not measured: `{RUN} --parts choices`."
    lost = [row["rlne"][row["chosen"]] - min(row["rlne"].values()) for row in found.values()]
    best = sum(not one for one in lost)
    worst = f"lost {max(lost):.3f} in RLNE at most"
    return f"`--method auto` took the best method in {best} of {len(lost)} trials, and {worst}."


BLOCKS = {
    "reconstruction-methyls": reconstruction_methyls,
    "reconstruction-choices": reconstruction_choices,
    "reconstruction-confidence": reconstruction_confidence,
    "reconstruction-low": reconstruction_low,
    "reconstruction-cubes": reconstruction_cubes,
    "reconstruction-summary": reconstruction_summary,
    "reconstruction-trainings": reconstruction_trainings,
    "reconstruction-times": reconstruction_times,
    "reconstruction-spectra": reconstruction_spectra,
    "reconstruction-synthetic": reconstruction_synthetic,
    "reconstruction-rates": reconstruction_rates,
    "reconstruction-bridge": reconstruction_bridge,
}
