"""Identification among the library."""

from benchmarks.common import commit, load, percent, table

SCORES = {"template": "template: the command", "embedding": "embedding", "both": "their weighted sum"}


def gallery_table():
    """Tabulate shares of first places, and what refusal costs."""
    results = load("identification")
    rows = [
        [
            text,
            *(percent(results["rows"][name][key]) for key in ("first", "first_5", "first_20")),
            percent(results["rows"][name]["unknown_refused"]),
            percent(results["rows"][name]["known_lost"]),
            f"{results['rows'][name]['none_if_unknown']:.2f}, {results['rows'][name]['none_if_known']:.2f}",
        ]
        for name, text in SCORES.items()
    ]
    columns = [
        "score", "right one first", "among 5", "among 20", "unknown refused", "known refused then",
        "P(none) if unknown, if known",
    ]  # fmt: skip
    seconds = results["seconds"]
    about = (
        f"{results['tested']} molecules among {results['gallery']:,}, exact, with all nuisances of a real spectrum",
        "choices, threshold and calibration are of the other molecules",
        "an unknown molecule is one that was taken out of the gallery",
        f"the gallery takes {seconds['templates']:.0f} s to simulate, once, and a spectrum {seconds['a query']:.1f} s, "
        "on one core of a machine with other work",
        f"measured at {commit(results)}",
    )
    aims = (
        "Aims: 95% first, and 95% of unknown ones refused with at most 5% of the known ones. Both are missed: the "
        "library has many molecules with one or two lines in the same places."
    )
    return f"{table(columns, rows)}\n\n{'; '.join(about)}. {aims}"


BLOCKS = {"gallery-table": gallery_table}
