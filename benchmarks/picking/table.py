"""Peak picking: what the networks find and invent beside their rivals."""

from benchmarks.common import commit, load, percent, table

RUN = "python -m benchmarks.picking.run"
UNMEASURED = f"Not measured: `{RUN}`."
METHODS = {
    "nmr_net": "NMR-Net (default)",
    "deep_picker": "DEEP Picker, hills judged by NMR-Net",
    "maxima": "local maxima, parabola",
    "nmrglue": "nmrglue.analysis.peakpick",
}
TARGET = 0.98
DISTANCES = ("0.4", "0.5", "0.6", "0.7", "0.8", "1", "1.2", "1.5", "2")


def picking_headline():
    """Say how the networks compare with local maxima on simulated TOCSY and on close pairs."""
    found = load("picking")
    rows = {name: found.get(f"planes | tocsy | {name}") for name in METHODS}
    pairs = {name: found.get(f"pairs | {name} | 1") for name in ("nmr_net, split", "deep_picker", "maxima")}
    if not all(rows[name] for name in ("deep_picker", "nmr_net", "maxima")) or not all(pairs.values()):
        return UNMEASURED
    own, net, maxima = (rows[name]["average_precision"] for name in ("deep_picker", "nmr_net", "maxima"))
    split, close, theirs = (pairs[name]["both"]["0.6"] for name in pairs)
    verdict = "" if own >= TARGET else f" **The target of {TARGET} is missed.**"
    return (
        f"On simulated TOCSY spectra DEEP Picker reaches an average precision of {own:.3f}, NMR-Net {net:.3f}, local "
        f"maxima {maxima:.3f}."
        f"{verdict} Both of two equal peaks 0.6 line widths apart, at a signal-to-noise ratio of 50, are found in "
        f"{percent(split)} by NMR-Net with `--split`, in {percent(close)} by DEEP Picker's network alone, and in "
        f"{percent(theirs)} by local maxima."
    )


def picking_planes():
    """Tabulate average precision, and precision and recall at the chosen threshold."""
    found, rows = load("picking"), []
    for kind, words in (("tocsy", "simulated TOCSY"), ("voigt", "Voigt planes with artefacts")):
        for name, method in METHODS.items():  # a fit moves no peak by half a width, so it is not in this table
            if row := found.get(f"planes | {kind} | {name}"):
                cells = [f"{row['average_precision']:.3f}", percent(row["precision"]), percent(row["recall"])]
                rows.append([words, method, *cells, f"{row['f1']:.3f}", row["peaks"]])
    columns = ["planes", "method", "average precision", "precision", "recall", "F1", "peaks"]
    return table(columns, rows, 2) if rows else UNMEASURED


def picking_pairs():
    """Tabulate how often both of two peaks are found, by distance and ratio of heights."""
    found, rows = load("picking"), []
    for name in (f"{name}{split}" for split in (", split", "") for name in ("nmr_net", "deep_picker", "maxima")):
        for ratio in ("1", "0.5", "0.2"):
            if row := found.get(f"pairs | {name} | {ratio}"):
                extra = f"{row['extra_peaks'] / row['draws']:.2f}"
                method = METHODS[name.removesuffix(", split")] + ", `--split`" * name.endswith("split")
                rows.append([method, ratio, *(percent(row["both"][d]) for d in DISTANCES), extra])
    columns = ["method", "height ratio", *(f"{d} widths" for d in DISTANCES), "other peaks a plane"]
    return table(columns, rows, 2) if rows else UNMEASURED


def picking_position():
    """Tabulate errors of positions beside the Cramer-Rao bound."""
    found, rows = load("picking"), []
    for name in ("deep_picker", "maxima", "deep_picker, fitted", "maxima, fitted"):
        if row := found.get(f"position | {name}"):
            cells = [f"{row[snr]['rms_points']:.3f} ({row[snr]['bound_points']:.3f})" for snr in ("10", "30", "100")]
            rows.append([name.replace("_", " "), *cells])
    columns = ["method", *(f"SNR {snr}: points (bound)" for snr in (10, 30, 100))]
    return table(columns, rows, 1) if rows else UNMEASURED


def picking_artefacts():
    """Tabulate false peaks where there is little to find, at the thresholds of the package."""
    found, rows = load("picking"), []
    for name in ("deep_picker", "nmr_net", "maxima"):
        noise = found.get(f"noise | {name}")
        sparse = [found.get(f"sparse | {name} | {rate}") for rate in ("0.1", "0.2")]
        if noise and all(sparse):
            cells = [f"{row['false_per_plane']:.1f} ({percent(row['found'])})" for row in sparse]
            rows.append([METHODS[name], f"{noise['noise']:.2f}", f"{noise['ridges']:.2f}", *cells])
    columns = ["false peaks a plane", "noise", "noise and ridges", "from 10% of the transients (found)", "from 20%"]
    return table(columns, rows, 1) if rows else UNMEASURED


def picking_calibration():
    """Tabulate mean probability and the share that is right."""
    found, rows = load("picking"), []
    for name in ("deep_picker", "nmr_net", "maxima"):
        if row := found.get(f"calibration | {name}"):
            rows.append([METHODS[name], "; ".join(f"{said:.2f}: {right:.2f}" for said, right, _ in row["reliability"])])
    return table(["method", "mean probability: share that is right"], rows, 1) if rows else UNMEASURED


def picking_real():
    """Tabulate real spectra and seconds."""
    found, rows = load("picking"), []
    for name in ("deep_picker", "nmr_net", "maxima"):
        valine, protein, seconds = (found.get(f"{topic} | {name}") for topic in ("valine", "protein_l", "seconds"))
        if valine and seconds:
            own = f"{valine['known_found']} of {valine['known']}"
            others = f"{valine['others']} + {valine['others_on_the_diagonal']} on the diagonal"
            listed = f"{protein['found']} of {protein['listed']}, {protein['picked']} picked" if protein else None
            rows.append([METHODS[name], own, others, listed, f"{seconds['picked']:.1f} / {seconds['fitted']:.1f}"])
    columns = ["method", "valine: known peaks", "valine: others", "protein L", "seconds, 1024 x 512 (with the fit)"]
    return table(columns, rows, 1) if rows else UNMEASURED


def picking_source():
    """Say with which commit and on what machine all of it was measured."""
    found = load("picking")
    if "provenance" not in found:
        return UNMEASURED
    source = found["provenance"]
    return f"Commit {commit(source)}, {source['hardware']['processor']}, one thread."


def picking_regions():
    """Tabulate what the finder of regions finds and invents, beside a threshold."""
    found = load("picking", "regions")
    names = {"network": "network", "threshold": f"{found['multiple']:g} times the noise"}
    rows = []
    for name, row in found["rows"].items():
        method, where = name.split(" | ")
        shares = [percent(row[key]) for key in ("recall", "precision", "energy")]
        rows.append([where, names[method], *shares, f"{row['false']:.2f}", f"{row['false_not_water']:.2f}"])
    columns = ["highest line over noise", "method", "groups found", "regions with signal", "energy inside"]
    return table([*columns, "false regions a spectrum", "not at the water"], rows, 2) + f"\n\nCommit {commit(found)}."


BLOCKS = {
    "picking-regions": picking_regions,
    "picking-headline": picking_headline,
    "picking-planes": picking_planes,
    "picking-pairs": picking_pairs,
    "picking-position": picking_position,
    "picking-artefacts": picking_artefacts,
    "picking-calibration": picking_calibration,
    "picking-real": picking_real,
    "picking-source": picking_source,
}
