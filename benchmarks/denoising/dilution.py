"""Integrals against amount on a real dilution series, with noise added.

Seven amino acids, glucose and DSS at 1.0, 0.8, 0.6, 0.4 and 0.2 mM: AI4DBiological-Systems/NMRData at 6ae815d8,
experiments_1D1H/NRC/NRC_8_amino_acid_mixutre_Apr_2021, MIT. Sample 3 is badly shimmed.
"""

import numpy as np
import torch

from nmr_speech.enhancement import denoise
from nmr_speech.spectrometer import read_1d

MILLIMOLAR = (1.0, 0.8, 0.6, 0.4, 0.2)
ALANINE_PPM, FLANK_PPM = (1.43, 1.50), 0.03  # of the methyl doublet; a straight line through both flanks is taken off
WIDTH_HZ = 1.5  # of the doublet's lines, for the matched window
SNRS = (3.0, 10.0, 30.0)
DRAWS = 10


def measure(results, network, options):
    """Fit lines through the integrals of every method, at each SNR."""
    if options.dilution is None:
        raise SystemExit("--parts dilution needs --dilution FOLDER, with the experiments 1 to 5")
    samples = [Sample(options.dilution / str(number)) for number in range(1, 6)]
    results.keep("dilution | raw", lambda: line([one.integral(one.spectrum, cosine) for one in samples]))
    for snr in SNRS:
        results.keep(f"dilution | {snr:g}", _with_noise, samples, network, snr)


class Sample:
    """One experiment of the series, with the zero-order phase of its alanine methyl."""

    def __init__(self, folder):
        experiment = read_1d(folder)
        self.axis, self.ppm = experiment.axis, experiment.axis.ppm()
        self.spectrum = np.fft.fft(experiment.fid, norm="ortho")
        turns = np.exp(-1j * np.linspace(-np.pi, np.pi, 1441))
        doublet = self.doublet(self.spectrum, cosine)
        wrong = [np.square(np.minimum((doublet * turn).real, 0)).sum() for turn in turns]
        self.turn = turns[int(np.argmin(wrong))]

    def doublet(self, spectrum, window):
        """Apodise, and cut out the doublet without a straight line through both flanks, complex.

        Without a window the ripples of the water, whose signal has not decayed at the end, reach under the doublet.
        """
        fid = np.fft.ifft(spectrum, norm="ortho") * window(self.axis)
        fid[0] /= 2
        shown, (low, high) = np.fft.fftshift(np.fft.fft(fid, norm="ortho")), ALANINE_PPM
        near = (self.ppm >= low - FLANK_PPM) & (self.ppm <= high + FLANK_PPM)
        inside = (self.ppm >= low) & (self.ppm <= high)
        flank = near & ~inside
        real, imaginary = (np.polyfit(self.ppm[flank], part[flank], 1) for part in (shown.real, shown.imag))
        return shown[inside] - np.polyval(real, self.ppm[inside]) - 1j * np.polyval(imaginary, self.ppm[inside])

    def integral(self, spectrum, window):
        """Integral of the doublet in absorption."""
        return float((self.doublet(spectrum, window) * self.turn).real.sum())


def cosine(axis):
    """Cosine over the whole FID."""
    return np.cos(np.arange(axis.n) * (np.pi / 2 / axis.n))


def matched(axis):
    """Exponential as wide as the lines."""
    return np.exp(-np.pi * WIDTH_HZ * axis.seconds())


def line(integrals):
    """Slope, intercept and R² of integrals relative to the first, against amount."""
    relative = np.array(integrals) / integrals[0]
    slope, intercept = np.polyfit(MILLIMOLAR, relative, 1)
    r2 = np.corrcoef(MILLIMOLAR, relative)[0, 1] ** 2
    return {"slope": round(float(slope), 4), "intercept": round(float(intercept), 4), "r2": round(float(r2), 5)}


def _with_noise(samples, network, snr):
    """Add noise so that the doublet of the most dilute sample, not apodised, has this SNR."""
    rng = np.random.default_rng(int(snr))
    weakest = samples[-1]
    height = np.abs((weakest.doublet(weakest.spectrum, lambda axis: np.ones(axis.n)) * weakest.turn).real).max()
    std, fits = height / snr, {"input": [], "matched window": [], "network": []}
    for _ in range(DRAWS):
        found = {name: [] for name in fits}
        for one in samples:
            noisy = one.spectrum + std * (rng.standard_normal((one.axis.n, 2)) @ (1, 1j))
            clean = denoise(torch.from_numpy(noisy), domain="spectrum", network=network)[0].numpy()
            shown = (noisy, cosine), (noisy, matched), (clean, cosine)
            for name, pair in zip(fits, shown, strict=True):
                found[name].append(one.integral(*pair))
        for name, integrals in found.items():
            fits[name].append(line(integrals))
    return {name: {key: _mean_std([one[key] for one in rows]) for key in rows[0]} for name, rows in fits.items()}


def _mean_std(values):
    return [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)]
