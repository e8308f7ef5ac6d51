"""Measure the finder of regions in 1D spectra beside a threshold: signals found, stretches invented.

> python -m benchmarks.picking.regions

Spectra of one to four free amino acids in D2O, of which the network has seen none. The multiple of the noise that the
threshold takes is chosen on development spectra, the figures are of others. Disturbed spectra have water, which counts
as no signal, and a baseline that rolls, from wrong first points of the FID.
"""

import itertools

import numpy as np

from benchmarks.common import once, results_path
from nmr_speech.axis import Axis
from nmr_speech.picking import find_regions
from nmr_speech.picking.noise import noise_std
from nmr_speech.picking.regions import GAP_POINTS, LEAST_POINTS
from nmr_speech.simulate import RESIDUES, Sample
from nmr_speech.simulate.fid import cosine_window
from nmr_speech.simulate.pulse_acquire import pulse_acquire

SEED, DEVELOPMENT, TESTED = 79, 20, 120
N_POINTS, ZERO_FILLED = 16384, 32768
AXIS = Axis(ZERO_FILLED, width_hz=7200.0, carrier_ppm=5.0, field_mhz=600.0)
RATIOS = (20.0, 700.0, 30_000.0)  # of the highest line to the noise; drawn log-uniformly
SEEN = 5.0  # standard deviations of the noise: fainter groups need not be found
SILENT = 1.0  # the same: a region without any higher point of the clean spectrum is false
NEAR_PPM = 0.02  # a group shows if anything high is as near
WATER_PPM = (4.65, 4.8)
MULTIPLES = (3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0)


def main():
    """Measure once."""
    once(results_path("picking", "regions"), measure)


def measure():
    """Figures of the network and of the threshold, by signal-to-noise ratio."""
    kinds = (False, True)
    development = [spectrum((SEED, 0, k), kinds[k % 2]) for k in range(DEVELOPMENT)]
    multiple = max(MULTIPLES, key=lambda one: figures(development, lambda values: above(values, one))["f1"])
    methods = {"network": network, "threshold": lambda values: above(values, multiple)}
    rows = {}
    for disturbed in kinds:
        tested = [spectrum((SEED, 1, k), disturbed) for k in range(TESTED)]
        for low, high in itertools.pairwise(RATIOS):
            spectra = [one for one in tested if low <= one[3] < high]
            where = f"{low:g} to {high:g}{', disturbed' * disturbed}"
            rows |= {f"{name} | {where}": figures(spectra, method) for name, method in methods.items()}
    return {"multiple": multiple, "rows": rows}


def spectrum(seed, disturbed):
    """One disturbed spectrum, the clean one in standard deviations of its noise, its groups in ppm, and the ratio."""
    rng = np.random.default_rng(seed)
    fid, groups = 0, []
    for name in rng.choice(RESIDUES, rng.integers(1, 5), replace=False):
        molecule = Sample("d2o", "free").residue(name)
        shifts = molecule.draw_shifts(rng, 1)[0]
        settings = {"n_points": N_POINTS, "decay_time_t2_s": float(rng.uniform(0.15, 0.6))}
        fid = fid + 10 ** -rng.uniform(0, 1) * pulse_acquire(molecule.system, shifts, **settings).numpy()
        groups.extend(shifts)
    window = cosine_window(N_POINTS, 1)
    clean = np.fft.fftshift(np.fft.fft(fid * window, ZERO_FILLED)).real
    ratio = float(np.exp(rng.uniform(*np.log([RATIOS[0], RATIOS[-1]]))))
    noise = np.array([1, 1j]) @ rng.normal(size=(2, N_POINTS))
    noise = np.fft.fftshift(np.fft.fft(noise * window, ZERO_FILLED)).real
    clean *= ratio / clean.max()
    values = clean + noise / noise.std()
    if disturbed:
        values = values + ratio * artefacts(rng, window)
    return values, clean, np.array(groups), ratio


def artefacts(rng, window):
    """Water out of phase and a rolling baseline, relative to the highest line."""
    times = np.arange(N_POINTS) / AXIS.width_hz
    offset_hz = (rng.uniform(*WATER_PPM) - AXIS.carrier_ppm) * AXIS.field_mhz
    water = np.exp((2j * np.pi * offset_hz - rng.uniform(10, 60)) * times + 1j * rng.uniform(-1, 1))
    first = np.where(np.arange(N_POINTS) < 3, rng.normal(size=N_POINTS), 0)
    water, rolling = (np.fft.fftshift(np.fft.fft(fid * window, ZERO_FILLED)).real for fid in (water, first))
    heights = 10 ** rng.uniform((-1, -3), (1, -1.5))
    return heights[0] * water / np.abs(water).max() + heights[1] * rolling / np.abs(rolling).max()


def network(values):
    """First and last ppm of each region that the network finds."""
    return [(region["low_ppm"], region["high_ppm"]) for region in find_regions(values, AXIS)]


def above(values, multiple):
    """The same of each stretch above a multiple of the noise, joined and sorted out as the network's are."""
    values = values - np.median(values)
    points = np.flatnonzero(np.abs(values) > multiple * noise_std(values))
    runs = np.split(points, np.flatnonzero(np.diff(points) > GAP_POINTS) + 1)
    ppm = AXIS.ppm()
    return [(ppm[run[0]], ppm[run[-1]]) for run in runs if len(run) >= LEAST_POINTS]


def figures(spectra, method):
    """Share of the groups that are found and of the regions that are real, and false ones and signal covered."""
    found = must = real = total = water = 0
    covered, ppm = [], AXIS.ppm()
    for values, clean, groups, _ in spectra:
        inside = np.zeros(len(ppm), bool)
        for low, high in method(values):
            own = (ppm >= low) & (ppm <= high)
            inside |= own
            total += 1
            is_real = bool((np.abs(clean[own]) > SILENT).any())
            real += is_real
            water += not is_real and low < WATER_PPM[1] + NEAR_PPM and high > WATER_PPM[0] - NEAR_PPM
        for group in groups:
            near = np.abs(ppm - group) < NEAR_PPM
            if np.abs(clean[near]).max() > SEEN:
                must += 1
                found += bool((inside & near).any())
        covered.append(np.square(clean[inside]).sum() / np.square(clean).sum())
    recall, precision = found / must, real / max(total, 1)
    return {
        "spectra": len(spectra), "groups": must, "recall": recall, "precision": precision,
        "f1": 2 * recall * precision / max(recall + precision, 1e-9), "false": (total - real) / len(spectra),
        "false_not_water": (total - real - water) / len(spectra),
        "energy": float(np.mean(covered)),
    }  # fmt: skip


if __name__ == "__main__":
    main()
