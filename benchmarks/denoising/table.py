"""Denoising: what the network finds and invents beside its rivals."""

from benchmarks.common import commit, load, percent, table

RUN = "python -m benchmarks.denoising.run"
UNMEASURED = f"Not measured: `{RUN}`."
NAMES = ("input", "matched window", "Savitzky-Golay", "wavelets", "Cadzow", "nmrdenoise", "network")
BINS = ("0.5 to 1", "1 to 2", "2 to 4", "4 to 10", "1 to 10")
SCANS = (1, 2, 4, 8)


def share(counts):
    """Format found over all as a percentage."""
    found, count = counts
    return percent(found / count) if count else None


def recall_of(method, scans):
    """Share of the signals of one to ten standard deviations that a method finds; None where not measured."""
    row = load("denoising").get(f"detection | {method} | {scans}")
    return row["found"]["1 to 10"][0] / row["found"]["1 to 10"][1] if row else None


def denoising_headline():
    """Say whether the network beats the matched window, and whether it is worth twice the scans."""
    own, window, doubled = recall_of("network", 1), recall_of("matched window", 1), recall_of("matched window", 2)
    if None in (own, window, doubled):
        return UNMEASURED
    beats = "finds more" if own > window else "**does not find more**"
    claim = "is worth two scans" if own >= doubled else "is **not** worth two scans"
    return (
        f"At one false peak a spectrum, the network {beats} of the faint signals than a matched window on the same "
        f"scan: {percent(own)} beside {percent(window)}. One scan denoised {claim} with a matched window, which show "
        f"{percent(doubled)}."
    )


def denoising_detection():
    """Tabulate recall by height at one false peak a spectrum, from one scan."""
    found, rows = load("denoising"), []
    for name in NAMES:
        row = found.get(f"detection | {name} | 1")
        cells = [share(row["found"][one]) for one in BINS] if row else [None] * len(BINS)
        rows.append([name, row and row["spectra"], *cells])
    text = table(["method", "spectra", *(f"{one} sd" for one in BINS)], rows, 1, UNMEASURED)
    compared = [(name, found.get(f"rates | {name}")) for name in ("matched window", "network")]
    if all(row for _, row in compared):
        rates = compared[0][1]
        title = "false peaks a spectrum (signals of 1 to 10 sd)"
        rows = [[name, *(share(row[rate]) for rate in rates)] for name, row in compared]
        text += "\n\n" + table([title, *rates], rows)
    if row := found.get("listed"):
        shown = ", ".join(f"{share(row['found'][one])} of {one} sd" for one in BINS)
        text += (
            f"\n\nThe command lists peaks from 2.5 sd on, which are fewer: {shown}. False peaks in {row['spectra']} "
            f"spectra: {row['false']}."
        )
    return text


def denoising_scans():
    """Tabulate the recall of signals of one to ten standard deviations against the number of scans."""
    rows = []
    for name in ("input", "matched window", "Savitzky-Golay", "wavelets", "network"):
        recalls = [recall_of(name, count) for count in SCANS]
        rows.append([name, *(None if one is None else percent(one) for one in recalls)])
    return table(["scans", *map(str, SCANS)], rows, 1, UNMEASURED)


def denoising_safety():
    """Tabulate what is drawn that is not there, and how large errors are."""
    found = load("denoising")
    noise, left, errors, seconds = (found.get(name) for name in ("noise alone", "left out", "errors", "seconds"))
    rows = []
    if noise:
        count = noise["spectra"]
        text = f"peaks in {count} spectra of noise, above the threshold of the tables"
        rows.append([text, noise["above_threshold"], f"fewer than {count / 100:g}"])
        rows.append(["the same, that the command lists (2.5 sd)", noise["listed"], f"fewer than {count / 100:g}"])
    if left:
        text = f"spectra of {left['spectra']} that show a molecule that is not there"
        rows.append([text, left["drawn"], f"fewer than {left['spectra'] / 100:g}"])
    if errors:
        bands = errors["rms_over_noise"].items()
        rows += [[f"error over noise, tallest line {band} sd", f"{value:.3f}", ""] for band, value in bands]
        rows.append(["error over the predicted one, median", f"{errors['error_over_predicted']:.2f}", "1"])
        rows.append(["largest relative error without noise", f"{errors['without_noise_largest']:.1g}", "0.01"])
    if seconds:
        rows.append([f"seconds for {seconds['points']:,} points, one thread", f"{seconds['seconds']:.2f}", ""])
    return table(["", "measured", "target"], rows, 1) if rows else UNMEASURED


def denoising_dilution():
    """Tabulate lines through integrals of the real dilution series."""
    found, rows = load("denoising"), []
    if raw := found.get("dilution | raw"):
        rows.append(["as measured", "no noise added", f"{raw['slope']:.3f}", f"{raw['r2']:.4f}"])
    for snr in ("3", "10", "30"):
        for name, row in (found.get(f"dilution | {snr}") or {}).items():
            slope, r2 = (f"{row[key][0]:.3f} ± {row[key][1]:.3f}" for key in ("slope", "r2"))
            rows.append([snr, name, slope, r2])
    return table(["SNR of 0.2 mM", "method", "slope", "R²"], rows, 2) if rows else UNMEASURED


def denoising_planes():
    """Tabulate 2D spectra denoised along either dimension."""
    found, rows = load("denoising"), []
    for snr in ("5", "10", "20"):
        for name, row in (found.get(f"planes | {snr}") or {}).items():
            rows.append([snr, name, f"{row['rms_over_noise']:.3f}", share(row["recall"])])
    columns = ["SNR", "network along", "error over noise", "peaks of 1 to 10 sd found"]
    return table(columns, rows, 2) if rows else UNMEASURED


def denoising_narrow():
    """Say how near a network of Lee and Kim's task comes to its target."""
    row = load("denoising").get("narrow")
    if row is None:
        return (
            "Not measured: the task of Lee and Kim, whose training is "
            "`python recipes/SimulatedSpectra/Denoising/train.py hparams/denoising/narrow.yaml`."
        )
    error, likeness = row["relative_error"], row["likeness"]
    return (
        f"The task of Lee and Kim (broad lines, baseline, water and noise in, narrow lines out), after {row['epochs']} "
        f"epochs only, on {row['spectra']} spectra of molecules never trained on: median relative error "
        f"{error['network']:.2f}, that of the input {error['input']:.2f}; correlation with the target "
        f"{likeness['network']:.2f}, that of the input {likeness['input']:.2f}."
    )


def denoising_source():
    """Say with which commit, on what machine and with which settings of the rivals all of it was measured."""
    found = load("denoising")
    if "provenance" not in found:
        return UNMEASURED
    chosen = []
    for name in NAMES:
        if one := found.get(f"choice | {name}"):
            setting = "" if one["setting"] is None else f" {one['setting']:g}"
            chosen.append(f"{name}{setting}{' less a median' if one['flat'] else ''}")
    source = found["provenance"]
    hardware = source["hardware"]["processor"]
    return f"Settings chosen on development data: {', '.join(chosen)}. Commit {commit(source)}, {hardware}."


BLOCKS = {
    "denoising-headline": denoising_headline,
    "denoising-detection": denoising_detection,
    "denoising-scans": denoising_scans,
    "denoising-safety": denoising_safety,
    "denoising-dilution": denoising_dilution,
    "denoising-planes": denoising_planes,
    "denoising-narrow": denoising_narrow,
    "denoising-source": denoising_source,
}
