"""Denoise a 2D experiment: its rows along F2, after F1 has been transformed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.enhancement.denoise import denoise
from nmr_speech.enhancement.network import Denoiser
from nmr_speech.enhancement.noise import noise_std
from nmr_speech.reconstruction.plane import f1_spectrum, t2_window
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase import Phases, find_phases
from nmr_speech.spectrometer.resample import resample_t2


@dataclass(frozen=True, eq=False)
class Denoised2D:
    """A 2D spectrum before and after: real, phased, (f1.n, f2.n), shifts rising.

    Arguments
    ---------
    before, after : np.ndarray
        With and without noise.
    noise_std : float
        Standard deviation of the noise of ``before``.
    f1, f2 : Axis
        Their axes.
    points : tuple[int, int]
        Points of t1 and t2 that were measured, under cosine windows.
    start : float
        Time of the first transient in dwell times.
    steps, warnings : tuple[str, ...]
        What was found and done, and what makes it doubtful.
    """

    before: np.ndarray
    after: np.ndarray
    noise_std: float
    f1: Axis
    f2: Axis
    points: tuple[int, int]
    start: float
    steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """Say in a line of text how much was taken away."""
        share = np.square(self.before - self.after).sum() / max(np.square(self.before).sum(), np.finfo(float).tiny)
        return [f"{share:.1%} of the energy of the spectrum was taken away"]

    def summary(self) -> dict[str, Any]:
        """Return steps, warnings and the noise, ready for JSON."""
        return {"steps": list(self.steps), "warnings": list(self.warnings), "noise_std": self.noise_std}


def denoise_2d(experiment: Experiment, network: Denoiser | None = None, phases: Phases | None = None) -> Denoised2D:
    """Denoise a 2D experiment.

    Both dimensions are phased as for reconstruction. F1 is transformed with a cosine window; then every row is a 1D
    spectrum with white noise along F2. The noise is one number for all rows, for it is that of the receiver.

    Arguments
    ---------
    experiment : Experiment
        As `nmr_speech.spectrometer.read_experiment` returns it, sampled uniformly.
    network : Denoiser | None
        Another network than the one in the package.
    phases : Phases | None
        What is known of the phases and of the start of t1; None finds all.

    Returns
    -------
    Denoised2D

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"H": 1}, {}), [6.0], n_transients=64, n_points=128, decay_time_t1_s=0.02,
    ...     decay_time_t2_s=0.02, carrier_ppm=4.7, spectral_width_hz=6000.0, field_mhz=600.0)
    >>> f1, f2 = Axis(64, 6000.0, 4.7, 600.0), Axis(128, 6000.0, 4.7, 600.0)
    >>> result = denoise_2d(Experiment(fid=fid, f1=f1, f2=f2, n_valid=64))
    >>> result.after.shape, bool(abs(result.after - result.before).max() < 0.01 * result.before.max())
    ((128, 256), True)
    """
    if experiment.schedule is not None:
        raise InputError(f"{experiment.source}: t1 must be sampled uniformly; use `nmr-speech reconstruct` first")
    experiment, phase_rad = find_phases(experiment, experiment.f1, phases)
    rows, start = absorptive_rows(experiment, phase_rad)
    sigma = float(noise_std(torch.fft.fft(rows, norm="ortho")).median())
    clean, _ = denoise(rows, noise_std=sigma, network=network)
    before, after = (f2_spectrum(part) for part in (rows, clean))
    n = rows.shape[1]
    noise = sigma * float(np.sqrt(np.square(t2_window(n)).sum()))
    f1, f2 = experiment.f1.resized(len(rows)), experiment.f2.resized(2 * n)
    share = noise / max(np.abs(before).max(), np.finfo(float).tiny)
    step = f"Rows along F2 were denoised; their noise is {share:.2g} of the largest point."
    steps, warnings = (*experiment.steps, step), experiment.warnings
    return Denoised2D(before, after, noise, f1, f2, (experiment.f1.n, n), start, steps, warnings)


def absorptive_rows(experiment: Experiment, phase_rad: tuple[float, float]) -> tuple[torch.Tensor, float]:
    """Transform t1 to absorption in F1; t2 stays a complex FID from time zero, phased.

    Arguments
    ---------
    experiment : Experiment
        With the phase in F1 removed; see `nmr_speech.spectrometer.phase.find_phases`.
    phase_rad : tuple[float, float]
        Phase in F2.

    Returns
    -------
    tuple[torch.Tensor, float]
        Rows, complex128, (points in F1, n_points), and the start of t1 in dwell times.
    """
    start, f1, f2 = experiment.t1_start, experiment.f1, experiment.f2
    if start[0] != start[1]:
        raise InputError(
            f"{experiment.source}: cosine and sine must be sampled at the same times, in TPPI they are not; measure "
            "with States-TPPI"
        )
    fid = torch.from_numpy(resample_t2(experiment.fid.numpy().astype(complex), experiment.t2_start, f2, f2, phase_rad))
    size = 2 ** int(np.ceil(np.log2(2 * f1.n)))
    cos, sin = fid[0].T, fid[1].T  # (n_points, n_transients)
    parts = [f1_spectrum(torch.complex(a, b), start[0], size) for a, b in ((cos.real, sin.real), (cos.imag, sin.imag))]
    return torch.complex(*parts).T.contiguous(), start[0]


def f2_spectrum(rows: torch.Tensor) -> np.ndarray:
    """Transform t2 of rows (f1, n) with a cosine window to a real spectrum, (f1, 2n), shifts rising.

    Example
    -------
    >>> f2_spectrum(torch.ones(1, 4, dtype=torch.complex128)).argmax()
    np.int64(4)
    """
    n = rows.shape[-1]
    return np.fft.fftshift(np.fft.fft(rows.numpy() * t2_window(n), 2 * n), axes=-1).real
