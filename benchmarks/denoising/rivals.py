"""What the network is compared with: filters, wavelets, low rank, and the network of the package nmrdenoise.

Each maps a noisy spectrum to an absorption spectrum, and says by how much it scales the noise where it does so evenly.
They are given the true phase, line width and noise, which is more than a user knows.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.signal
import torch
from torch import nn

from nmr_speech.axis import Axis

BAND, OVERLAP = 256, 64  # points of a stretch of the spectrum, and how far it reaches into its neighbours
CHECKPOINT = "autoencoder_20000_bruker_ver_135_percent_noise_with_noshuffle_v4_rm_spikelets_with_lb_5.pt"


@dataclass(frozen=True)
class Known:
    """What a method is told about a spectrum: its axis, its line width, its phase and the noise in the real part."""

    axis: Axis
    width_hz: float
    phase: complex
    noise_std: float

    def absorption(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the absorption spectrum, real, (n,)."""
        return (spectrum * np.conj(self.phase)).real


def untouched(spectrum, known, _):
    """Return the spectrum as it was measured."""
    return known.absorption(spectrum), 1.0


def matched_window(spectrum, known, factor):
    """Multiply the FID by an exponential whose line width is that of the lines, times a factor."""
    window = np.exp(-np.pi * factor * known.width_hz * known.axis.seconds())
    return known.absorption(np.fft.fft(np.fft.ifft(spectrum) * window)), np.sqrt(np.mean(window**2))


def savitzky_golay(spectrum, known, factor):
    """Fit a cubic to a stretch of some line widths round each point."""
    points = factor * known.width_hz / known.axis.width_hz * known.axis.n
    length = max(5, 2 * round(points / 2) + 1)
    gain = np.sqrt(np.square(scipy.signal.savgol_coeffs(length, 3)).sum())
    return scipy.signal.savgol_filter(known.absorption(spectrum), length, 3, mode="wrap"), gain


def wavelets(spectrum, known, factor, level=6):
    """Shrink the coefficients of a stationary wavelet transform by the garrote, at a part of the universal limit."""
    import pywt  # noqa: PLC0415 - in the extra of the benchmarks alone

    real = known.absorption(spectrum)
    coefficients = pywt.swt(real, "sym6", level, trim_approx=True, norm=True)
    limit = factor * known.noise_std * np.sqrt(2 * np.log(len(real)))
    shrunk = [np.where(abs(c) > limit, c - limit**2 / np.where(c == 0, 1, c), 0) for c in coefficients[1:]]
    return pywt.iswt([coefficients[0], *shrunk], "sym6", norm=True), 1.0


def cadzow(spectrum, known, factor, passes=2):
    """Keep the singular values above the noise of the Hankel matrix of each stretch of the spectrum."""
    n, step = len(spectrum), BAND - 2 * OVERLAP
    result, half = np.empty(n, complex), BAND // 2
    rows = np.arange(half)[:, None] + np.arange(half + 1)
    counts = np.bincount(rows.ravel())
    for start in range(0, n, step):
        points = np.arange(start - OVERLAP, start - OVERLAP + BAND) % n
        fid = np.fft.ifft(np.fft.ifftshift(spectrum[points]), norm="ortho")
        for _ in range(passes):
            u, s, v = np.linalg.svd(fid[rows], full_matrices=False)
            # The largest singular value of noise alone: twice the root of the size, in units of a complex point.
            s = np.where(s > factor * 2 * np.sqrt(2 * half) * known.noise_std, s, 0)
            matrix = (u * s) @ v
            real, imaginary = (np.bincount(rows.ravel(), part.ravel()) for part in (matrix.real, matrix.imag))
            fid = (real + 1j * imaginary) / counts
        inner = slice(OVERLAP, OVERLAP + step)
        result[points[inner]] = np.fft.fftshift(np.fft.fft(fid, norm="ortho"))[inner]
    return known.absorption(result), 1.0


class Autoencoder(nn.Module):
    """The layers of nmrdenoise 0.3.6 (MIT), so that its weights alone are loaded and none of its code runs."""

    def __init__(self):
        super().__init__()
        sizes = (64, 128, 256, 512)
        encoder = [nn.Conv1d(1, 64, 3, padding=1), nn.LeakyReLU(0.2)]
        for a, b in pairwise(sizes):
            encoder += [nn.Conv1d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        decoder = []
        for a, b in ((512, 512), (512, 256), (256, 128)):
            decoder += [nn.ConvTranspose1d(a, b, 3, stride=2, padding=1, output_padding=1), nn.LeakyReLU(0.2)]
        decoder += [nn.Conv1d(128, 64, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv1d(64, 1, 3), nn.Tanh()]
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)

    def forward(self, x):
        """(B, 1, n) to (B, 1, n - 2): the last convolution is not padded."""
        return self.decoder(self.encoder(x))


def load_autoencoder() -> Autoencoder | None:
    """Load the weights out of the installed package, without importing it; None where it is not installed."""
    found = find_spec("nmrdenoise")
    if found is None:
        return None
    path = Path(found.submodule_search_locations[0], "checkpoints", CHECKPOINT)
    network = Autoencoder().eval().requires_grad_(False)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network


def nmrdenoise(network):
    """Make the method of a network of nmrdenoise: it sees the real part over its largest magnitude."""

    def method(spectrum, known, _):
        real = known.absorption(spectrum)
        scale = abs(real).max()
        shown = torch.from_numpy(np.fft.fftshift(real) / scale).float()[None, None]
        inner = network(shown)[0, 0].double().numpy()
        return np.fft.ifftshift(np.pad(inner, 1) * scale), 1.0

    return method


METHODS = {
    "input": (untouched, (None,)),
    "matched window": (matched_window, (0.5, 1.0, 1.5, 2.0)),
    "Savitzky-Golay": (savitzky_golay, (1.0, 2.0, 3.0, 4.0)),
    "wavelets": (wavelets, (0.05, 0.1, 0.2, 0.3)),
    "Cadzow": (cadzow, (0.8, 1.0, 1.2, 1.4)),
}
"""Methods by name, each with the settings to choose from on development data."""
