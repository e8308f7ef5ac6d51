"""The packaged model for measured spectra, beside its rivals."""

import json

import numpy as np

from benchmarks.common import ROOT, commit, load, percent, table

UNMEASURED = "Not measured: `python -m benchmarks.mixtures.run`."
NO_PURE = "Not measured: `python -m benchmarks.mixtures.pure`."
MODEL = ROOT / "nmr_speech" / "models" / "trained" / "measured" / "results.json"
NAMES = {
    "isotropic": "ideal mixing",
    "spin_lock": "continuous lock, 5 to 12 kHz",
    "dipsi2": "DIPSI-2, 5 to 12 kHz",
    "mlev17": "MLEV-17, 5 to 12 kHz",
}


def training_table():
    """Tabulate the test of the packaged model's training, beside the linear baseline."""
    if not MODEL.exists():
        return UNMEASURED
    results = json.loads(MODEL.read_text())
    linear = results["baseline"]
    rows = [
        ["pure, right one ranked first", *(percent(one["test"]["accuracy"]) for one in (results, linear))],
        *(
            [label, *(shown(one["mixtures"][key]) for one in (results, linear))]
            for label, key, shown in (
                ("mixtures of one to five, mean average precision", "average_precision", "{:.3f}".format),
                ("of residues from a tenth of the strongest, found at 2% false ones", "recall", percent),
                ("the same, found at a probability of one half", "found", percent),
                ("residues that are not there, named at one half", "false", percent),
                ("tubes without amino acids, some named with more than 0.5", "none_named", percent),
            )
        ),
    ]
    test = results["mixtures"]
    told = (
        f"{test['tubes']:,} tubes, of them {test['pure']} pure and {test['none']} without amino acids. "
        f"Of the TOCSYs {percent(test['tocsy_recognised'])} are recognised as such, of the other experiments "
        f"{percent(test['others_recognised'])} as none. "
        f"Trained on {results['recordings']['train']:,} tubes; {_duration(results)}. "
        f"{results['hardware']['processor']}, seed {results['seed']}, commit {commit(results)}."
    )
    return table(["test of the training", "network", "linear"], rows) + "\n\n" + told


def _duration(results):
    minutes = f"{results['seconds']['train'] / 60:.0f} min"
    return f"it was interrupted, and took {minutes} from there" if results["resumed"] else f"it took {minutes}"


def reliability_table():
    """Tabulate how often what the model says is true."""
    if not MODEL.exists():
        return UNMEASURED
    rows = json.loads(MODEL.read_text())["mixtures"]["reliability"]
    columns = ["mean probability", "true", "statements"]
    return table(columns, [[f"{row['probability']:.2f}", percent(row["share"]), f"{row['count']:,}"] for row in rows])


def amounts_table():
    """Tabulate how many residues are found by their amount."""
    if not MODEL.exists():
        return UNMEASURED
    rows = json.loads(MODEL.read_text())["mixtures"]["by_amount"]
    names = [f"{row['low']:g} to {min(1, row['high']):g}" for row in rows]
    columns = ["amount relative to the strongest", "found at one half", "residues"]
    return table(columns, [[n, percent(row["found"]), row["count"]] for n, row in zip(names, rows, strict=True)])


def mixing_table():
    """Tabulate the model and its rival by mixing."""
    results = load("mixtures")
    rows = []
    for name, label in NAMES.items():
        for who in ("model", "nnls"):
            one = results.get(name, {}).get(who)
            if one is None:
                continue
            # The rival's amounts are relative to the largest: wrong ones of 1 leave no threshold. It knows no "none".
            only_ours = [percent(one["recall"]), percent(one["none_named"])] if who == "model" else ["-", "-"]
            cells = [percent(one["pure_accuracy"]), f"{one['average_precision']:.3f}", *only_ours]
            rows.append([label, {"model": "network", "nnls": "least squares"}[who], *cells])
    columns = ["mixing", "by", "pure", "average precision", "found at 2% false", "no amino acid, named"]
    return table(columns, rows, labels=2) if rows else UNMEASURED


def measured_table():
    """Tell what strangers, empty tubes and the real valine give."""
    results = load("mixtures")
    if "valine" not in results or "strangers" not in results:
        return UNMEASURED
    strangers, empty, valine = results["strangers"], results["empty"], results["valine"]
    mixtures = results["valine in mixtures"]
    moved = [row for name, row in valine.items() if name.endswith("ppm")]
    both = sum(min(first, second) >= 0.5 for first, second, _ in mixtures.values())
    false = sum(rest >= 0.5 for _, _, rest in mixtures.values())
    rows = [
        [
            f"{strangers['molecules']} molecules that are no amino acids, never trained on",
            f"named with more than 0.5: {percent(strangers['above_05'])}, 0.9: {percent(strangers['above_09'])}",
        ],
        *_referenced(results),
        [f"{empty['tubes']} empty tubes", f"highest probability {empty['highest']:.2f}"],
        ["real valine, referenced", _told(valine["referenced"])],
        ["real valine, not referenced", _told(valine["not referenced"])],
        [
            "real valine, moved by up to 0.4 ppm",
            f"VAL ranked first {sum(row['ranked_first'] == 'VAL' for row in moved)} times of {len(moved)}, "
            f"present from {min(row['VAL'] for row in moved):.2f}, "
            f"another at most {max(row['highest_other'] for row in moved):.2f}",
        ],
        [
            f"real valine with a simulated partner, 9:1 to 1:9, {len(mixtures)} mixtures",
            f"both found in {both}, a third residue named in {false}",
        ],
    ]
    return table(["what", "answer"], rows) + f"\n\nCommit {commit(results['provenance'])}."


def _referenced(results):
    """What the same molecules give with the reference known."""
    found = results.get("strangers, referenced")
    if not found:
        return []
    network, shifts, ph = (percent(found["above_05"][name]) for name in ("network", "shifts", "shifts and pH"))
    told = f"named with more than 0.5: {network} by the network, {shifts} with fitted shifts, {ph} with the pH too"
    return [["the same, their reference known", told]]


def _told(row):
    return f"{row['ranked_first']} ranked first, VAL {row['VAL']:.2f}, another at most {row['highest_other']:.2f}"


def ideal_table():
    """Tabulate how far each mixing is from ideal mixing."""
    rows = load("mixtures").get("ideal", {})
    columns = ["mixing of 60 ms", "difference of spectra, median", "largest", "of"]
    cells = [[name, f"{row['median']:.1%}", f"{row['worst']:.1%}", row["of"]] for name, row in rows.items()]
    return table(columns, cells) if rows else UNMEASURED


def residues_table():
    """Tabulate how well each residue is found in mixtures."""
    found = load("mixtures").get("residues")
    if not found:
        return UNMEASURED
    by_precision = {}
    for name, value in sorted(found["each"].items(), key=lambda pair: -pair[1]):
        by_precision.setdefault(f"{np.floor(20 * value) / 20:.2f}", []).append(f"{name} {value:.2f}")
    rows = [[f"{low} to {float(low) + 0.05:.2f}", ", ".join(names)] for low, names in by_precision.items()]
    told = (
        f"{found['tubes']:,} TOCSYs of one to five residues: average precision {found['all']:.3f}, or "
        f"{found['families']:.3f} where it is right to name a look-alike."
    )
    return table(["average precision", "residues"], rows) + "\n\n" + told


def pure_table():
    """Tabulate how many pure compounds are named, beside what their shifts allow."""
    results, rows = load("mixtures", "pure"), []
    for name in sorted(name for name in results if name.startswith(("d2o", "h2o"))):
        solvent, reference = name.split()
        given = [results[f"best {name}"], *(results[name].get(key) for key in ("network", "shifts", "shifts and pH"))]
        present = (percent(one["found"]) if one else "-" for one in given[1:])
        rows.append([solvent.upper(), reference, *map(_share, given), ", ".join(present)])
    columns = ["solvent", "reference", "best possible", "network", "with fitted shifts", "and the pH"]
    columns.append("of the three: said to be present")
    return table(columns, rows, labels=2) + f"\n\nCommit {commit(results['provenance'])}." if rows else NO_PURE


def _share(one):
    return f"{percent(one['accuracy'])} ({percent(one['low'])} to {percent(one['high'])})" if one else "-"


BLOCKS = {
    "mixtures-residues": residues_table,
    "mixtures-pure": pure_table,
    "mixtures-training": training_table,
    "mixtures-reliability": reliability_table,
    "mixtures-amounts": amounts_table,
    "mixtures-mixing": mixing_table,
    "mixtures-measured": measured_table,
    "mixtures-ideal": ideal_table,
}
