"""Measure how far a recording is from the nearest that another residue with the same groups could give.

> python -m benchmarks.bound.recordings

`nmr_speech.score.bound` knows the shifts alone, and residues with the same groups (ASP, CYS and SER) have to share
them. A recording also shows couplings, which are fixed for each residue. So the shifts of the others are fitted to it,
as a chemist with a simulator would: whatever difference is left, no shifts explain. Noise can hide it, which gives the
accuracy that the best classifier has at each signal-to-noise ratio.
"""

import numpy as np
import torch
from scipy.optimize import least_squares
from scipy.stats import norm

from benchmarks.common import once, results_path
from nmr_speech.score.bound import shift_prior
from nmr_speech.simulate import RESIDUES, draw_recording, load_residue, tocsy

SEED, DRAWS = 1987, 60
SNR = (10.0, 1.0, 0.3, 0.1, 0.03)  # of the white noise of `nmr_speech.simulate.nuisances`
STEP_PPM = 1e-3  # of the derivatives: far below a line width of 0.04 ppm, far above what single precision resolves


def main():
    """Measure all residues that share their groups with another one."""
    once(results_path("bound", "recordings"), measure_all)


def measure_all():
    """Rows of every recording, and what they say together."""
    rows = [row for family in families() for residue in family for row in measure(residue, family)]
    return {"seed": SEED, "draws": DRAWS, "families": families(), "rows": rows, "accuracy": accuracies(rows)}


def families():
    """Sets of residues that have the same groups in H2O."""
    by_groups = {}
    for residue in RESIDUES:
        prior = shift_prior(load_residue(residue))
        by_groups.setdefault((prior.names, prior.protons), []).append(residue)
    return [family for family in by_groups.values() if len(family) > 1]


def measure(residue, family):
    """Fit every other residue of a family to recordings of this one."""
    for index in range(DRAWS):
        recording = draw_recording(residue, SEED, index)
        signal = recording.fid / recording.fid.abs().max()
        own = log_prior(residue, list(recording.shifts_ppm.values()))
        row = {"residue": residue, "index": index, "norm": float(signal.norm())}
        for other in family:
            if other != residue:
                distance, shifts = nearest(signal, other, list(recording.shifts_ppm.values()))
                row[other] = {"distance": distance, "log_prior_ratio": own - log_prior(other, shifts)}
        yield row


def nearest(signal, residue, shifts_ppm):
    """Distance of a signal from the nearest recording of a residue, of any size, and the shifts of that one."""
    molecule = load_residue(residue)
    names = list(molecule.system.names)
    swapped = list(shifts_ppm)
    b2, b3 = names.index("HB2"), names.index("HB3")
    swapped[b2], swapped[b3] = swapped[b3], swapped[b2]

    def rest(shifts):
        model = tocsy(molecule, shifts)
        scale = torch.vdot(model.flatten(), signal.flatten()).real / model.norm() ** 2
        return torch.view_as_real(signal - scale * model).flatten().double().numpy()

    def jacobian(shifts):
        steps = STEP_PPM * np.eye(len(shifts))
        return np.stack([(rest(shifts + step) - rest(shifts - step)) / (2 * STEP_PPM) for step in steps], axis=1)

    fits = [least_squares(rest, start, jacobian, method="lm", xtol=1e-6, ftol=1e-6) for start in (shifts_ppm, swapped)]
    best = min(fits, key=lambda fit: fit.cost)
    return float(np.sqrt(2 * best.cost)), best.x.tolist()


def log_prior(residue, shifts_ppm):
    """Log-density of the shifts of a residue, in the order of its groups; all of these are drawn independently."""
    prior = shift_prior(load_residue(residue))
    return float(norm.logpdf(shifts_ppm, prior.mean_ppm, prior.std_ppm).sum())


def accuracies(rows):
    """Accuracy of the likelihood ratio at each signal-to-noise ratio, by residue.

    With white noise of deviation s in every real number, the logarithm of the ratio of two likelihoods at a distance d
    is normal with mean ``d^2 / 2 s^2`` and deviation ``d / s``; the ratio of the priors adds to it.
    """
    found = {}
    for snr in SNR:
        for row in rows:
            others = [value for value in row.values() if isinstance(value, dict)]
            means = np.array([(one["distance"] * snr) ** 2 / 2 + one["log_prior_ratio"] for one in others])
            right = norm.cdf(means / np.array([one["distance"] * snr for one in others])).prod()
            found.setdefault(row["residue"], {}).setdefault(f"{snr:g}", []).append(right)
    return {residue: {snr: float(np.mean(one)) for snr, one in by.items()} for residue, by in found.items()}


if __name__ == "__main__":
    main()
