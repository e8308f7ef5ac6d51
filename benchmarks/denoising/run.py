#!/usr/bin/env python3
"""Measure the denoiser beside its rivals: peaks found at equal false peaks, peaks drawn from nothing, integrals.

> python -m benchmarks.denoising.run
> python -m benchmarks.denoising.run --parts dilution --dilution FOLDER   # the series is not part of the repository
> python -m benchmarks.denoising.run --parts detection --spectra 20 --out /tmp/try.json     # a rehearsal

Settings of the rivals are chosen on spectra of validation molecules, figures are of test molecules: no network of this
project has seen either. What is there already is not measured again.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import median_filter

from benchmarks.common import Results, provenance, read, results_path, write
from benchmarks.denoising import dilution, planes
from benchmarks.denoising.rivals import METHODS, Known, load_autoencoder, nmrdenoise
from nmr_speech.enhancement import denoise, load_denoiser
from nmr_speech.enhancement.detection import Found, compare, peaks, recall, threshold
from nmr_speech.enhancement.load import TRAINED
from nmr_speech.enhancement.one_dimension import LISTED
from nmr_speech.enhancement.pairs import Pair, Pairs, PairSettings

SPECTRA = {"n": 16384, "field_mhz": 600.0, "sweep_ppm": 12.0}
"""What a 1D spectrum of 600 MHz usually is: 0.44 Hz a point."""
SETTINGS = PairSettings(
    points=[SPECTRA["n"]], fields_mhz=[SPECTRA["field_mhz"]], sweep_ppm=(12.0, 12.0), snr=(3.0, 300.0),
    water_share=0.5, water=(0.1, 30.0), first_order_share=0.0, baseline_share=0.3, drawn_systems=600,
)  # fmt: skip
SEED = 77
HEIGHTS = ((0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 10.0), (1.0, 10.0))
"""True heights of signals in standard deviations of the noise of one scan: bins, and all of interest."""
SCANS = (1, 2, 4, 8)
RATES = (1.0, 0.3, 0.1, 0.03)  # false peaks a spectrum
FLAT = (201, 40)  # points, and line widths, of the running median: the larger of the two
SLOW = ("Cadzow", "nmrdenoise")  # one scan only
EMPTY = 0.2  # of the noise: nothing else is there
WATER_HZ = 0.2 * SPECTRA["field_mhz"]  # on either side nothing is counted


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One test spectrum: the pair, and its true absorption spectrum in units of the noise of one scan."""

    pair: Pair
    known: Known
    truth: np.ndarray
    keep: np.ndarray

    @classmethod
    def of(cls, pair: Pair) -> "Spectrum":
        """Take what is known of a pair."""
        known = Known(pair.axis, pair.width_hz, pair.phase, pair.noise_std)
        truth = known.absorption(pair.clean.numpy().astype(complex)) / pair.noise_std
        keep = np.abs(np.fft.fftfreq(pair.axis.n) * pair.axis.width_hz) > WATER_HZ
        return cls(pair, known, *(np.fft.fftshift(part) for part in (truth, keep)))

    def scans(self, count: int) -> np.ndarray:
        """Return the mean of so many scans: their noise is that of one over the root of their number."""
        return (self.pair.clean + self.pair.noise / count**0.5).numpy().astype(complex)

    def compare(self, method: Callable, setting: float | None, flat: bool, count: int) -> Found:
        """Compare what a method finds with the truth; scores are in units of the noise that the method leaves even.

        ``flat`` takes a running median off first: on the foot of a strong line noise reaches from its lowest to its
        highest value, so without it the false peaks there set the threshold of every filter.
        """
        known = Known(self.known.axis, self.known.width_hz, self.known.phase, self.known.noise_std / count**0.5)
        absorption, gain = method(self.scans(count), known, setting)
        width = known.width_hz / known.axis.width_hz * known.axis.n
        shown = np.fft.fftshift(absorption) / (known.noise_std * gain)
        if flat:
            shown = shown - median_filter(shown, int(max(FLAT[0], FLAT[1] * width)) | 1, mode="wrap")
        return compare(shown, self.truth, width, self.keep)


def network_method(network):
    """Make the method of a denoiser."""

    def method(spectrum, known, _):
        estimate, _ = denoise(torch.from_numpy(spectrum), domain="spectrum", network=network)
        return known.absorption(estimate.numpy()), 1.0

    return method


def methods(network, options) -> dict:
    """Methods by name, each with the settings to choose from."""
    found = dict(METHODS)
    if (autoencoder := load_autoencoder()) is not None:
        found["nmrdenoise"] = (nmrdenoise(autoencoder), (None,))
    found["network"] = (network_method(network), (None,))
    return {name: one for name, one in found.items() if options.methods is None or name in options.methods.split(",")}


def spectra_of(split: str, count: int) -> list[Spectrum]:
    """Draw spectra of the molecules of a split."""
    pairs = Pairs(SETTINGS, SEED, split)
    return [Spectrum.of(pairs.draw(index)) for index in range(count)]


def figures(found: list[Found]) -> dict:
    """Recall by true height at one false peak a spectrum, with the counts, and the threshold."""
    at = threshold(found)
    counts = {f"{low:g} to {high:g}": recall(found, at, (low, high)) for low, high in HEIGHTS}
    return {"threshold": round(at, 3), "spectra": len(found), "found": counts}


def choose(results, network, options):
    """Choose the setting of each method, and whether a running median is taken off, on development data."""
    spectra = spectra_of("valid", min(40, options.spectra))
    for name, (method, settings) in methods(network, options).items():
        few = spectra[:12] if name in SLOW else spectra
        results.keep(f"choice | {name}", _choose, method, settings, few)


def _choose(method, settings, spectra):
    recalls = []
    for setting in settings:
        for flat in (False, True):
            shares = figures([one.compare(method, setting, flat, 1) for one in spectra])["found"]["1 to 10"]
            recalls.append([setting, flat, round(shares[0] / shares[1], 4)])
    setting, flat, _ = max(recalls, key=lambda one: one[2])
    return {"setting": setting, "flat": flat, "recall": recalls}


def detection(results, network, options):
    """Count peaks found at one false peak a spectrum, for every method and number of scans."""
    choose(results, network, options)
    spectra = spectra_of("test", options.spectra)
    for name, (method, _) in methods(network, options).items():
        chosen = results[f"choice | {name}"]
        slow = name in SLOW
        few = spectra[: max(10, options.spectra // 4)] if slow else spectra
        for count in SCANS[:1] if slow else SCANS:
            results.keep(
                f"detection | {name} | {count}", _detect, few, method, chosen["setting"], chosen["flat"], count
            )


def _detect(spectra, method, setting, flat, count):
    return figures([one.compare(method, setting, flat, count) for one in spectra])


def listed(results, network, options):
    """Count what the command lists, from `LISTED` standard deviations on."""
    results.keep("listed", _listed, network, spectra_of("test", options.spectra))


def _listed(network, spectra):
    found = [one.compare(network_method(network), None, False, 1) for one in spectra]
    false = sum(int((one.false >= LISTED).sum()) for one in found)
    counts = {f"{low:g} to {high:g}": recall(found, LISTED, (low, high)) for low, high in HEIGHTS}
    return {"spectra": len(found), "false": false, "found": counts}


def rates(results, network, options):
    """Count what the network and the matched window find at fewer false peaks, from one scan."""
    spectra = None
    for name in ("matched window", "network"):
        if f"rates | {name}" not in results:
            spectra = spectra or spectra_of("test", options.spectra)
            chosen, method = results[f"choice | {name}"], methods(network, options)[name][0]
            results.keep(f"rates | {name}", _rates, spectra, method, chosen["setting"], chosen["flat"])


def _rates(spectra, *how):
    found = [one.compare(*how, 1) for one in spectra]
    return {f"{rate:g}": recall(found, threshold(found, rate), HEIGHTS[-1]) for rate in RATES}


def noise_only(results, network, options):
    """Count peaks in spectra of noise, at the threshold of one false peak a spectrum, and at that of the list."""
    results.keep("noise alone", _noise_only, network, results["detection | network | 1"]["threshold"], options)


def _noise_only(network, at, options):
    rng, many = np.random.default_rng(SEED), 3 * options.spectra
    above, listed, largest = 0, 0, []
    for _ in range(many):
        noise = torch.view_as_complex(torch.from_numpy(rng.standard_normal((SPECTRA["n"], 2), dtype=np.float32)))
        estimate, _ = denoise(noise, domain="spectrum", network=network)
        score = peaks(estimate.real.double().numpy())[1]
        above, listed = above + int((score >= at).sum()), listed + int((score >= LISTED).sum())
        largest.append(float(score.max(initial=0)))
    return {"spectra": many, "above_threshold": above, "listed": listed, "largest": round(max(largest), 3)}


def left_out(results, network, options):
    """Take one molecule out of each mixture, and count how often the network still draws it."""
    results.keep("left out", _left_out, network, results["detection | network | 1"]["threshold"], options)


def _left_out(network, at, options):
    """A molecule counts as drawn if half of the places of its lines, away from others, hold a peak."""
    settings = PairSettings(**{**vars(SETTINGS), "water_share": 0.0, "systems": (2, 8), "baseline_share": 0.0})
    pairs, method, drawn, counted = Pairs(settings, SEED + 1, "test"), network_method(network), {}, 0
    for index in range(3 * options.spectra):
        with_it, without = pairs.draw(index), pairs.draw(index, leave_out=0)
        spectrum = Spectrum.of(without)
        absorption, _ = method(spectrum.scans(1), spectrum.known, None)
        place, score = peaks(np.fft.fftshift(absorption) / without.noise_std)
        width = without.width_hz / without.axis.width_hz * without.axis.n
        lines = (np.unique(with_it.centres[0]) + without.axis.n // 2) % without.axis.n
        free = lines[np.abs(spectrum.truth[lines]) < EMPTY]
        counted += len(free) > 1
        for name, limit in (("drawn", at), ("listed", LISTED)):
            apart = np.abs(place[score >= limit][:, None] - free)
            seen = (apart <= max(2, width / 2)).any(0).mean() >= 0.5 if len(free) > 1 else False
            drawn[name] = drawn.get(name, 0) + int(seen)
    return {"spectra": counted} | drawn


def errors(results, network, options):
    """Measure the error over that of the input by SNR, how well the network predicts it, and spectra without noise."""
    results.keep("errors", _errors, network, options)


def _errors(network, options):
    rows, ratio, clean_error = {}, [], []
    for one in spectra_of("test", options.spectra):
        pair = one.pair
        estimate, std = denoise(pair.clean + pair.noise, domain="spectrum", network=network)
        error = (estimate - pair.clean).real / pair.noise_std
        snr = float(np.abs(one.truth).max())
        band = "3 to 30" if snr < 30 else "30 to 300"
        rows.setdefault(band, []).append(float(error.square().mean().sqrt()))
        ratio.append(float((error * pair.noise_std / std).square().mean().sqrt()))
        left, _ = denoise(pair.clean, domain="spectrum", network=network)
        clean_error.append(float((left - pair.clean).norm() / pair.clean.norm()))
    return {
        "rms_over_noise": {band: round(float(np.mean(values)), 4) for band, values in sorted(rows.items())},
        "error_over_predicted": round(float(np.median(ratio)), 3),
        "without_noise_largest": float(max(clean_error)),
    }


def speed(results, network, options):
    """Time one spectrum on one thread."""
    results.keep("seconds", _speed, network)


def _speed(network):
    one, seconds = spectra_of("test", 1)[0], []
    for _ in range(7):
        start = time.perf_counter()
        denoise(torch.from_numpy(one.scans(1)), domain="spectrum", network=network)
        seconds.append(time.perf_counter() - start)
    return {"points": SPECTRA["n"], "seconds": round(float(np.median(seconds)), 3), "threads": torch.get_num_threads()}


def narrow(results, network, options):
    """Measure a network of `hparams/denoising/narrow.yaml` on molecules that it has not seen."""
    if options.narrow is None:
        raise SystemExit("--parts narrow needs --narrow FOLDER, the results of its training")
    results.keep("narrow", _narrow, options.narrow, options.spectra)


def _narrow(folder, count):
    report, network = read(folder / "results.json"), load_denoiser(folder)
    pairs = Pairs(PairSettings.of(report["pairs"]), SEED, "test")
    errors, likeness = {"input": [], "network": []}, {"input": [], "network": []}
    for index in range(count):
        pair = pairs.draw(index)
        noisy = pair.clean + pair.noise
        estimate, _ = denoise(noisy, domain="spectrum", network=network)
        for name, spectrum in (("input", noisy), ("network", estimate)):
            errors[name].append(float((spectrum - pair.clean).norm() / pair.clean.norm()))
            cosine = torch.vdot(spectrum, pair.clean).abs() / spectrum.norm() / pair.clean.norm()
            likeness[name].append(float(cosine))
    return {
        "spectra": count,
        "epochs": len(report["curves"]),
        "minutes": round(report["seconds"]["train"] / 60, 1),
        "relative_error": {name: round(float(np.median(one)), 3) for name, one in errors.items()},
        "likeness": {name: round(float(np.median(one)), 3) for name, one in likeness.items()},
    }


PARTS = {
    "detection": detection,
    "listed": listed,
    "rates": rates,
    "noise": noise_only,
    "left_out": left_out,
    "errors": errors,
    "dilution": dilution.measure,
    "planes": planes.measure,
    "speed": speed,
    "narrow": narrow,
}


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default=str(TRAINED), help="trained denoiser")
    parser.add_argument("--spectra", type=int, default=200, help="test spectra")
    parser.add_argument("--dilution", type=Path, help="folder with the five experiments of the dilution series")
    parser.add_argument("--narrow", type=Path, help="results folder of a training by narrow.yaml")
    parser.add_argument(
        "--parts", default="detection,listed,rates,noise,left_out,errors,planes,speed", help="what to measure"
    )
    parser.add_argument("--methods", help="detection by these alone, separated by commas")
    parser.add_argument("--out", type=Path, default=results_path("denoising"), help="results file")
    options = parser.parse_args()
    network, results = load_denoiser(options.network), Results(options.out)
    for part in options.parts.split(","):
        PARTS[part](results, network, options)
        results["provenance"] = provenance() | {"seed": SEED}
        write(options.out, results)


if __name__ == "__main__":
    main()
