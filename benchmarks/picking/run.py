#!/usr/bin/env python3
"""Measure the pickers beside one another: peaks found and invented, close pairs, positions, artefacts, real spectra.

> python -m benchmarks.picking.run                                          # half an hour on one core
> python -m benchmarks.picking.run --parts protein_l --protein-l FOLDER     # a plane that is not part of the repository

Thresholds are chosen on development planes for all methods alike, figures are of other planes. No network has seen a
simulated TOCSY: they are trained on Voigt lines. What is there already is not measured again.
"""

import argparse
import time
from pathlib import Path

import nmrglue
import numpy as np
import torch

from benchmarks.common import ROOT, Results, provenance, results_path, write
from benchmarks.picking.truth import SEED, pair, tocsy_planes, voigt_planes
from nmr_speech.axis import Axis
from nmr_speech.picking import pick
from nmr_speech.picking.noise import noise_std
from nmr_speech.picking.peaks import Candidates
from nmr_speech.picking.pick import METHODS as PICKERS
from nmr_speech.picking.planes import BORDER, draw_plane, matches, sparsely_sampled
from nmr_speech.picking.run import read_to_pick
from nmr_speech.picking.synthetic import voigt_lines

METHODS = ("deep_picker", "nmr_net", "maxima", "nmrglue")
SEEN = 5.0  # standard deviations of the noise: fainter peaks need not be found, nor are they wrong
DEVELOPMENT, TESTED = 15, 30  # planes
VALINE = {"HA": 3.46, "HB": 2.13, "MG1": 0.88, "MG2": 0.84}  # as the axes of the file have them, DSS at -0.14 ppm


def found_by(method, plane, threshold=0.0):
    """Positions in points and scores of what a method finds, by falling score."""
    if method == "nmrglue":
        level = 4 * noise_std(plane)
        table = nmrglue.analysis.peakpick.pick(
            plane, level, -level, algorithm="connected", est_params=False, table=False
        )
        points = np.array(table[0] if isinstance(table, tuple) else table, float).reshape(-1, 2)
        at = tuple(np.rint(points).astype(int).T)
        return _ranked(points, np.abs(plane[at]) / level)
    axes = tuple(Axis(n, 14.0 * n, 5.0, 600.0) for n in plane.shape)
    fit = "fitted" in method or "split" in method
    peaks = pick(plane, axes, method.split(",")[0], threshold, fit=fit, split="split" in method)
    # The probability of maxima is 1 for all but the faintest: among them, the height decides.
    score = peaks.probability + 1e-9 * np.abs(peaks.height) / np.abs(plane).max()
    return _ranked(peaks.position_points, score)


def _ranked(points, score):
    order = np.argsort(-score, kind="stable")
    return Candidates(points[order], score[order])


def compared(planes, method):
    """Scores of what was found, whether each is right, and the number of peaks that must be found."""
    score, right, total = [], [], 0
    for plane in planes:
        found = found_by(method, plane.values)
        must = np.abs(plane.height) > SEEN * plane.noise_std
        partner = partners(found.points, plane, must)
        counted = (partner < 0) | must[partner]  # a faint peak that was found is neither right nor wrong
        score.append(found.probability[counted])
        right.append(partner[counted] >= 0)
        total += int(must.sum())
    return np.concatenate(score), np.concatenate(right), total


def partners(points, plane, must):
    """Index of the peak that each place belongs to, -1 for none: one that must be found before one that may be."""
    tolerance, partner = np.maximum(plane.width / 2, 1.0), np.full(len(points), -1)
    for of in (np.flatnonzero(must), np.flatnonzero(~must)):
        left = np.flatnonzero(partner < 0)
        own = matches(points[left], plane.points[of], tolerance[of])
        partner[left[own >= 0]] = of[own[own >= 0]]
    return partner


def curve(score, right, total):
    """Precision and recall by falling score."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(right[order])
    return score[order], hits / np.arange(1, len(hits) + 1), hits / total


def average_precision(precision, recall):
    """Area under the curve, with the precision that is reached at this recall or a higher one."""
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * best))


def figures(planes, method, threshold):
    """Average precision, and precision, recall and F1 at a threshold chosen before."""
    score, right, total = compared(planes, method)
    ordered, precision, recall = curve(score, right, total)
    at = max(0, int((ordered >= threshold).sum()) - 1)
    p, r = float(precision[at]), float(recall[at])
    return {
        "planes": len(planes), "peaks": total, "average_precision": round(average_precision(precision, recall), 4),
        "precision": round(p, 4), "recall": round(r, 4), "f1": round(2 * p * r / max(p + r, 1e-9), 4),
    }  # fmt: skip


def planes(results, _):
    """Choose thresholds on development planes, and measure on others: Voigt planes and simulated TOCSY."""
    for name, draw in (("voigt", voigt_planes), ("tocsy", tocsy_planes)):
        for method in METHODS:
            results.keep(f"threshold | {name} | {method}", _threshold, draw, method)
            threshold = results[f"threshold | {name} | {method}"]["threshold"]
            results.keep(
                f"planes | {name} | {method}", lambda d, m, t: figures(d(1, TESTED), m, t), draw, method, threshold
            )


def _threshold(draw, method):
    ordered, precision, recall = curve(*compared(draw(0, DEVELOPMENT), method))
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return {"threshold": float(ordered[f1.argmax()]), "f1": round(float(f1.max()), 4)}


def pairs(results, _):
    """Recall of both of two peaks against their distance in line widths and the ratio of their heights, SNR 50."""
    for method in (*METHODS[:3], *(f"{method}, split" for method in METHODS[:3])):
        for ratio in (1.0, 0.5, 0.2):
            results.keep(f"pairs | {method} | {ratio:g}", _pairs, method, ratio)


DISTANCES = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 2.0)
DRAWS = 25


def _pairs(method, ratio):
    shares, extra = {}, 0
    for distance in DISTANCES:
        both = 0
        for k in range(DRAWS):
            rng = np.random.default_rng((SEED, int(100 * distance), k))
            plane, points, width = pair(rng, distance, ratio)
            found = found_by(method, plane, 0.5)
            partner = matches(found.points, points, np.tile(np.maximum(distance * width / 2, 1.0), (2, 1)))
            both += set(partner) >= {0, 1}
            extra += int((partner < 0).sum())
        shares[f"{distance:g}"] = round(both / DRAWS, 3)
    return {"both": shares, "extra_peaks": extra, "draws": DRAWS * len(DISTANCES)}


def position(results, _):
    """Error of the position of a single peak beside the Cramer-Rao bound."""
    for method in ("deep_picker", "maxima", "maxima, fitted", "deep_picker, fitted"):
        results.keep(f"position | {method}", _position, method)


def _position(method):
    found = {}
    for snr in (10, 30, 100):
        errors, bound = [], []
        for k in range(80):
            rng = np.random.default_rng((SEED, 5, k))
            width, x = rng.uniform(6, 12, 2), np.arange(64)
            centre = 32 + rng.uniform(-0.5, 0.5, 2)
            lines = [np.exp(-4 * np.log(2) * ((x - centre[a]) / width[a]) ** 2) for a in range(2)]
            plane = np.outer(*lines) + rng.normal(size=(64, 64)) / snr
            candidates = found_by(method, plane, 0.3)
            near = np.abs(candidates.points - centre).max(axis=1) if len(candidates.points) else np.array([np.inf])
            if near.min() < 3:
                errors.append(candidates.points[near.argmin()] - centre)
                slope = -8 * np.log(2) * (x - centre[1]) / width[1] ** 2 * lines[1]
                bound.append(1 / snr / np.sqrt((np.outer(lines[0], slope) ** 2).sum()))
        rms = float(np.sqrt(np.mean(np.square([error[1] for error in errors]))))
        found[str(snr)] = {
            "rms_points": round(rms, 4),
            "bound_points": round(float(np.sqrt(np.mean(np.square(bound)))), 4),
            "found": len(errors),
        }
    return found


def artefacts(results, _):
    """False peaks a plane where there is little or nothing to find."""
    for method in METHODS[:3]:
        results.keep(f"noise | {method}", _noise, method)
        for rate in (0.1, 0.2):
            results.keep(f"sparse | {method} | {rate:g}", _sparse, method, rate)


def _noise(method):
    counts = []
    for k in range(30):
        rng = np.random.default_rng((SEED, 6, k))
        plain = rng.normal(size=(256, 256))
        ridges = plain * np.where(rng.uniform(size=256) < 0.03, rng.uniform(5, 50, 256), 1.0)
        counts.append([len(found_by(method, one, default(method)).points) for one in (plain, ridges)])
    plain, ridges = np.mean(counts, axis=0)
    return {"noise": round(float(plain), 2), "ridges": round(float(ridges), 2), "planes": 30}


def default(method):
    """The threshold of the package."""
    return PICKERS[method.split(",")[0]].threshold


def _sparse(method, rate):
    found, false, total = 0, 0, 0
    for k in range(20):
        rng = np.random.default_rng((SEED, 7, k))
        plane = draw_plane(rng, nuisances=False, size=256, close_share=0.0)
        values = sparsely_sampled(rng, plane.values, rate)
        candidates = found_by(method, values, default(method))
        partner = matches(candidates.points, plane.points, np.maximum(plane.width / 2, 1.0))
        must = np.abs(plane.height) > 0.05 * np.abs(plane.height).max()
        found += int(must[partner[partner >= 0]].sum())
        false += int((partner < 0).sum())
        total += int(must.sum())
    return {"found": round(found / total, 4), "false_per_plane": round(false / 20, 2), "peaks": total}


def calibration(results, _):
    """Mean probability and share that is right, of drawn planes."""
    for method in METHODS[:3]:
        results.keep(f"calibration | {method}", _calibration, method)


def _calibration(method):
    score, right, _ = compared(voigt_planes(2, TESTED), method)
    rows = []
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        own = (score >= low) & (score < high)
        if own.any():
            rows.append([round(float(score[own].mean()), 3), round(float(right[own].mean()), 3), int(own.sum())])
    return {"reliability": rows}


def valine(results, _):
    """The valine of the repository: all diagonal and cross peaks of four groups are known."""
    for method in METHODS[:3]:
        results.keep(f"valine | {method}", _valine, method)


def _valine(method):
    read = read_to_pick(ROOT / "examples" / "valine")
    start = time.perf_counter()
    peaks = pick(read.values, read.axes, method)
    seconds = time.perf_counter() - start
    ppm = np.array(list(VALINE.values()))
    # The two methyl groups are nearer than F1 resolves: with either, one peak.
    known = np.array([(a, b) for a in ppm[:3] for b in ppm[:3]])
    tolerance = np.array([0.08, 0.05])
    near = (np.abs(peaks.position_ppm[:, None] - known[None]) < tolerance).all(axis=2)
    methyl = (np.abs(peaks.position_ppm - ppm[2:].mean()) < 0.12).all(axis=1)
    reference = (np.abs(peaks.position_ppm + 0.14) < 0.1).all(axis=1)
    water = np.abs(peaks.position_ppm[:, 1] - 4.7) < 0.15
    partly = np.zeros(len(peaks), bool)
    for k in range(2):
        partly |= (np.abs(peaks.position_ppm[:, k, None] - ppm[2:]) < 0.06).any(axis=1)
    other = ~near.any(axis=1) & ~methyl & ~reference & ~water
    diagonal = np.abs(np.diff(peaks.position_ppm, axis=1))[:, 0] < 0.05
    return {
        "known_found": int(near.any(axis=0).sum()), "known": len(known), "others": int((other & ~diagonal).sum()),
        "others_on_the_diagonal": int((other & diagonal).sum()), "peaks": len(peaks), "seconds": round(seconds, 2),
    }  # fmt: skip


def protein_l(results, options):
    """A real 15N HSQC with a list of 63 peaks; saturated, a sanity check."""
    if options.protein_l is None:
        raise SystemExit(
            "--parts protein_l needs --protein-l FOLDER with protein_L_hsqc.ft2 and protein_L_peaks.sparky"
        )
    for method in METHODS[:3]:
        results.keep(f"protein_l | {method}", _protein_l, method, options.protein_l)


def _protein_l(method, folder):
    dictionary, data = nmrglue.pipe.read(str(folder / "protein_L_hsqc.ft2"))
    plane = data[0] if data.ndim == 3 else data
    scales = [nmrglue.pipe.make_uc(dictionary, data, data.ndim - 2 + k).ppm_scale() for k in range(2)]
    lines = (folder / "protein_L_peaks.sparky").read_text().splitlines()
    listed = np.array(
        [
            [float(cell) for cell in line.split()[1:3]]
            for line in lines
            if len(line.split()) >= 3 and line.split()[1][0].isdigit()
        ]
    )
    points = np.stack([np.interp(-listed[:, k], -scales[k], np.arange(len(scales[k]))) for k in range(2)], axis=1)
    values = np.ascontiguousarray(plane[::-1, ::-1]).astype(float)
    points = np.array(values.shape) - 1 - points
    found = found_by(method, values, default(method))
    partner = matches(found.points, points, np.full(points.shape, 4.0))
    hits, count = int((partner >= 0).sum()), len(partner)
    return {"found": hits, "listed": len(points), "picked": count, "f1": round(2 * hits / (count + len(points)), 3)}


def speed(results, _):
    """Time a plane of 1024 x 512 with a hundred peaks."""
    for method in METHODS[:3]:
        results.keep(f"seconds | {method}", _speed, method)


def _speed(method):
    rng, shape = np.random.default_rng((SEED, 8)), (1024, 512)
    x = [np.arange(n) for n in shape]
    plane = rng.normal(size=shape)
    for _ in range(100):
        centre = rng.uniform(BORDER, np.array(shape) - BORDER)
        lines = [voigt_lines(x[a], centre[a], np.array(9.0), np.array(0.5)) for a in range(2)]
        plane += rng.uniform(10, 300) * np.outer(*lines)
    axes = tuple(Axis(n, 14.0 * n, 5.0, 600.0) for n in shape)
    taken = {}
    for name, fit in (("picked", False), ("fitted", True)):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            pick(plane, axes, method, fit=fit)
            seconds.append(time.perf_counter() - start)
        taken[name] = round(float(np.median(seconds)), 2)
    return taken | {"threads": torch.get_num_threads()}


PARTS = {
    "planes": planes, "pairs": pairs, "position": position, "artefacts": artefacts, "calibration": calibration,
    "valine": valine, "protein_l": protein_l, "speed": speed,
}  # fmt: skip


def main():
    """Measure what is not yet in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--parts", default=",".join(part for part in PARTS if part != "protein_l"), help="what to measure"
    )
    parser.add_argument("--protein-l", type=Path, help="folder with the plane of protein L and its list")
    options = parser.parse_args()
    results = Results(results_path("picking"))
    for part in options.parts.split(","):
        PARTS[part](results, options)
        results["provenance"] = provenance() | {"seed": SEED}
        write(results.path, results)


if __name__ == "__main__":
    main()
