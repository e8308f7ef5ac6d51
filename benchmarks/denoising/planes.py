"""2D: the same network along F2, along F1, and the mean of both, on simulated TOCSY spectra of residues."""

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.enhancement import denoise
from nmr_speech.enhancement.noise import noise_std
from nmr_speech.enhancement.two_dimensions import absorptive_rows, f2_spectrum
from nmr_speech.reconstruction.plane import f1_spectrum, t2_window
from nmr_speech.simulate import RESIDUES, load_residue, tocsy
from nmr_speech.spectrometer import Experiment

F1, F2 = Axis(128, 7200.0, 4.7, 600.0), Axis(1024, 7200.0, 4.7, 600.0)
SNRS = (5.0, 10.0, 20.0)  # of the largest point of the plane without noise


def measure(results, network, options):
    """Compare the errors, and the cross peaks found at one false peak for every twenty points of F1."""
    for snr in SNRS:
        results.keep(f"planes | {snr:g}", _measure, network, snr, max(4, options.spectra // 20))


def _plane(rng, seed):
    """An experiment of three residues in drawn amounts, without noise."""
    fid = torch.zeros(2, F1.n, F2.n, dtype=torch.complex64)
    for name in rng.choice(RESIDUES, 3, replace=False):
        residue = load_residue(str(name), "d2o", "free")
        fid += float(np.exp(rng.uniform(0, np.log(30)))) * tocsy(
            residue, residue.draw_shifts(rng, 1)[0], n_transients=F1.n, n_points=F2.n, carrier_ppm=4.7,
            spectral_width_hz=7200.0, field_mhz=600.0, decay_time_t1_s=0.05, decay_time_t2_s=0.15,
        )  # fmt: skip
    return fid


def _along_f1(rows_f2, network):
    """Denoise signals in t1, one for each point of F2, as reconstruction sees them; real spectrum."""
    sigma = float(noise_std(torch.fft.fft(rows_f2, norm="ortho")).median())
    clean, _ = denoise(rows_f2, noise_std=sigma, network=network)
    return f1_spectrum(clean, 0.0, 2 * F1.n).numpy().T


def _estimates(fid, network):
    experiment = Experiment(fid=fid, f1=F1, f2=F2, n_valid=F1.n)
    rows, _ = absorptive_rows(experiment, (0.0, 0.0))
    sigma = float(noise_std(torch.fft.fft(rows, norm="ortho")).median())
    along_f2 = f2_spectrum(denoise(rows, noise_std=sigma, network=network)[0])
    window = t2_window(F2.n)
    cos, sin = np.fft.fftshift(np.fft.fft(fid.numpy() * window, 2 * F2.n), axes=-1).real
    along_f1 = _along_f1(torch.from_numpy((cos + 1j * sin).T.copy()), network)
    return {"input": f2_spectrum(rows), "F2": along_f2, "F1": along_f1, "mean of both": (along_f1 + along_f2) / 2}


def _measure(network, snr, count):
    rng = np.random.default_rng(int(snr))
    errors, found = {}, {}
    for number in range(count):
        fid = _plane(rng, number)
        truth = f2_spectrum(absorptive_rows(Experiment(fid=fid, f1=F1, f2=F2, n_valid=F1.n), (0.0, 0.0))[0])
        noise = torch.view_as_complex(torch.from_numpy(rng.standard_normal((*fid.shape, 2), dtype=np.float32)))
        unit = float(np.std(f2_spectrum(absorptive_rows(Experiment(fid=noise, f1=F1, f2=F2, n_valid=F1.n), (0, 0))[0])))
        std = float(truth.max()) / snr / unit
        for name, estimate in _estimates(fid + std * noise, network).items():
            errors.setdefault(name, []).append(float(np.sqrt(np.mean((estimate - truth) ** 2)) / (std * unit)))
            found.setdefault(name, []).append(_regions(estimate, truth, std * unit))
    return {
        name: {"rms_over_noise": round(float(np.mean(errors[name])), 4), "recall": _recall(found[name])}
        for name in errors
    }


def _regions(estimate, truth, unit):
    """Largest point of the estimate at each true peak of one to ten standard deviations, and maxima elsewhere."""
    from scipy.ndimage import maximum_filter  # noqa: PLC0415 - with what it is for

    size = (5, 9)
    peak = (truth == maximum_filter(truth, size)) & (truth > unit) & (truth < 10 * unit)
    at = maximum_filter(estimate, size)[peak] / unit
    maxima = (estimate == maximum_filter(estimate, size)) & (maximum_filter(truth, size) < 0.1 * unit)
    return at, estimate[maxima] / unit


def _recall(found):
    """Share of true peaks above the threshold that leaves ten false maxima a plane."""
    false = np.sort(np.concatenate([one[1] for one in found]))[::-1]
    allowed = 10 * len(found)
    limit = false[allowed] if allowed < len(false) else 0.0
    true = np.concatenate([one[0] for one in found])
    return [int((true > limit).sum()), len(true)]
