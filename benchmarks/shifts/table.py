"""Shifts: errors of the networks beside their rivals, transfer from homologues, structure from shifts."""

from statistics import mean

from benchmarks.common import commit, load, percent, table

RUN = "python -m benchmarks.shifts.run"
UNMEASURED = f"Not measured: `{RUN}`."
ATOMS = ("N", "CA", "CB", "C", "H", "HA")
TARGETS = {"N": 3.2, "CA": 1.25, "HA": 0.33}
SHIFTX_TARGETS = {"N": 2.48, "CA": 1.10, "HA": 0.298}
Q3_TARGET = 0.88
RIVALS = {
    "BMRB means": "mean of the residue (BMRB)",
    "residue and neighbours": "residue and neighbours",
    "POTENCI's form, fitted to coil": "POTENCI's form, fitted to coil",
    "nearest windows": "15 nearest windows of five",
    "boosted trees": "gradient boosting, windows of nine",
}


def seeds_of(kind, given):
    """Rows of a network of all seeds that were measured."""
    found = load("shifts")
    return [row for name, row in found.items() if name.startswith(f"test | {kind} ") and name.endswith(f"| {given}")]


def averaged(rows, figure="mean_rmse"):
    """Mean of a figure over seeds, by atom."""
    return {atom: mean(row[figure][atom] for row in rows) for atom in ATOMS}


def cells(values):
    """Format an error of each atom."""
    digits = {"H": 3, "HA": 3}
    return [None if values[atom] is None else f"{values[atom]:.{digits.get(atom, 2)}f}" for atom in ATOMS]


def shifts_headline():
    """Say how far the network is from its targets and from the best table."""
    found = load("shifts")
    own = found.get("test | package | with structure")
    rivals = [row for name in RIVALS if (row := found.get(f"test | {name} | with structure"))]
    if not own or len(rivals) < 3:
        return UNMEASURED
    errors = own["mean_rmse"]
    best = {atom: min(row["mean_rmse"][atom] for row in rivals) for atom in ATOMS}
    beaten = [atom for atom in ATOMS if errors[atom] < best[atom]]
    missed = [f"{atom} {errors[atom]:.2f} (target {goal:g})" for atom, goal in TARGETS.items() if errors[atom] > goal]
    text = (
        f"On proteins without a homologue in the training, with secondary structure, the network beats the best rival, "
        f"gradient boosting, for {len(beaten)} of {len(ATOMS)} atoms: CA {errors['CA']:.2f} ppm beside "
        f"{best['CA']:.2f}, N {errors['N']:.2f} beside {best['N']:.2f}, HA {errors['HA']:.3f} beside {best['HA']:.3f}."
    )
    bare, rivals = found.get("test | package | without"), [found.get(f"test | {name} | without") for name in RIVALS]
    if bare and all(rivals):
        best = {atom: min(row["mean_rmse"][atom] or 99.0 for row in rivals) for atom in ATOMS}
        beaten = [atom for atom in ATOMS if bare["mean_rmse"][atom] < best[atom]]
        text += (
            f" From the sequence alone it does for {len(beaten)}: CA {bare['mean_rmse']['CA']:.2f} ppm beside "
            f"{best['CA']:.2f}, N {bare['mean_rmse']['N']:.2f} beside {best['N']:.2f}."
        )
    return text + (f" **Targets missed: {', '.join(missed)}.**" if missed else " All targets are met.")


def shifts_test():
    """Tabulate mean errors a protein on unseen clusters."""
    found, rows = load("shifts"), []
    for given in ("without", "with structure"):
        for name, words in RIVALS.items():
            if row := found.get(f"test | {name} | {given}"):
                rows.append([given, words, *cells(row["mean_rmse"])])
        for kind, words in (
            ("window", "windows of five, PPM_One's size"),
            ("cnn", "convolutions, mean of three seeds"),
        ):
            if own := seeds_of(kind, given):
                rows.append([given, f"**{words}**", *cells(averaged(own))])
        if row := found.get(f"test | package | {given}"):
            rows.append([given, "**convolutions, three averaged (in the package)**", *cells(row["mean_rmse"])])
    columns = ["secondary structure", "method", *ATOMS]
    return table(columns, rows, 2) if rows else UNMEASURED


def shifts_calibration():
    """Tabulate how often the error is within the predicted standard deviation, on unseen clusters."""
    rows = []
    for given in ("without", "with structure"):
        if row := load("shifts").get(f"test | package | {given}"):
            for times, wanted in ((1, "68.3%"), (2, "95.4%")):
                shares = row[f"within_{times}"]
                rows.append([given, f"{times} (Gaussian: {wanted})", *(percent(shares[atom]) for atom in ATOMS)])
    return table(["secondary structure", "within standard deviations", *ATOMS], rows, 2) if rows else UNMEASURED


def shifts_shiftx():
    """Tabulate SHIFTX2's test proteins, with what homologues tell."""
    found, rows = load("shifts"), []
    for given in ("without", "with structure"):
        for name, words in (("network", "network"), ("transfer", "network and homologues")):
            if row := found.get(f"shiftx | {name} | {given}"):
                rows.append([f"{words}, {given}", row["proteins"], *cells(row["mean_rmse"])])
    if plm := found.get("shiftx | PLM-CS"):
        rows.append(["PLM-CS, as printed by its authors", plm["same_proteins"], *cells(plm["same"])])
        rows.append(["the same, on all proteins", plm["proteins"], *cells(plm["all"])])
    if not rows:
        return UNMEASURED
    text = table(["method", "proteins", *ATOMS], rows, 2)
    if row := found.get("shiftx | transfer | without"):
        text += (
            f"\n\nOf these proteins {row['with_homologues']} have a homologue of 30% or more in RefDB less the test "
            f"proteins. Median of the proteins instead of the mean, network and homologues without structure: "
            + ", ".join(f"{atom} {row['median_rmse'][atom]:.2f}" for atom in ATOMS)
            + "."
        )
    return text


def shifts_structure():
    """Tabulate three-state structure on unseen clusters."""
    found, rows = load("shifts"), []
    for name in ("network | all shifts", "network | CA and HA alone", "network | sequence alone"):
        if row := found.get(f"structure | {name}"):
            rows.append([name.replace(" | ", ", "), percent(row["accuracy"]), row["residues"]])
    if row := found.get("structure | logistic regression | all shifts"):
        rows.append(["logistic regression on windows of seven, all shifts", percent(row["accuracy"]), row["residues"]])
    if not rows:
        return UNMEASURED
    text = table(["", f"residues right (target {percent(Q3_TARGET)})", "residues"], rows, 1)
    if row := found.get("structure | network | all shifts"):
        reliable = "; ".join(f"{said:.2f}: {right:.2f}" for said, right, _ in row["reliability"])
        text += f"\n\nMean probability of the predicted structure and share that is right: {reliable}."
    return text


def shifts_slopes():
    """Tabulate how much of a homologue's error is a protein's own."""
    found = load("shifts").get("slopes")
    if not found:
        return UNMEASURED
    rows = [[*name.split(", "), f"{row['slope']:.2f}", row["pairs"]] for name, row in found.items()]
    return table(["identity", "partner", "slope", "pairs of shifts"], rows, 2)


def shifts_source():
    """Say what was measured on and with what."""
    found, own = load("shifts"), seeds_of("cnn", "with structure")
    if "provenance" not in found or not own:
        return UNMEASURED
    source, window = found["provenance"], seeds_of("window", "with structure")
    minutes = mean(row["training_seconds"] for row in own) / 60
    text = (
        f"Convolutions: {own[0]['parameters']:,} parameters, trained in {minutes:.0f} minutes on one core that other "
        f"work shared; windows: {window[0]['parameters']:,} for 36 atoms. {own[0]['proteins']} test proteins."
    )
    if row := found.get("seconds"):
        text += f" A sequence of {row['residues']} residues takes {1000 * row['seconds']:.0f} ms."
    return f"{text} Commit {commit(source)}, {source['hardware']['processor']}."


def shifts_classifier():
    """Compare classifiers trained on BMRB's shifts and on predicted ones, on residues at their measured shifts."""
    found = load("shifts", "classifier")
    rows, lacking = [], []
    for kind, words in (
        ("protein", "BMRB's Gaussians"),
        ("predicted", "predicted, of other proteins"),
        ("sequence known", "predicted, of the proteins tested"),
    ):
        if own := [row for name, row in found.items() if name.startswith(f"{kind} | ")]:
            low, high = own[0]["interval"]
            shown = ", ".join(percent(row["accuracy"]) for row in own)
            rows.append([words, shown, f"{percent(low)} to {percent(high)}", own[0]["residues"]])
        else:
            lacking.append(words)
    command = "`python -m benchmarks.shifts.classifier`"
    if not rows:
        return f"Not measured: {command}."
    columns = ["shifts of the training recordings", "right, by seed", "95% interval of the first", "residues"]
    text = table(columns, rows, 1)
    if lacking:
        text += f"\n\nNot measured: {', '.join(lacking)} ({command})."
    if narrow := found.get("narrowing"):
        shares = {}
        for groups in narrow.values():
            for group, ratio in groups.items():
                shares.setdefault(group if group in ("H", "HA") else "side chains", []).append(ratio)
        parts = ", ".join(f"{name} {mean(values):.2f}" for name, values in shares.items())
        narrowest = sorted((ratio, name, group) for name, own in narrow.items() for group, ratio in own.items())
        least = ", ".join(f"{name} {group} {ratio:.2f}" for ratio, name, group in narrowest[:3])
        most = ", ".join(f"{name} {group} {ratio:.2f}" for ratio, name, group in narrowest[-3:])
        text += (
            f"\n\nPredicted standard deviation over BMRB's, without structure, mean over the residues: {parts}; "
            f"narrowest {least}, widest {most}."
        )
    return text


BLOCKS = {
    "shifts-classifier": shifts_classifier,
    "shifts-headline": shifts_headline,
    "shifts-test": shifts_test,
    "shifts-calibration": shifts_calibration,
    "shifts-shiftx": shifts_shiftx,
    "shifts-structure": shifts_structure,
    "shifts-slopes": shifts_slopes,
    "shifts-source": shifts_source,
}
