"""Denoise a 1D experiment: the spectrum without its noise, and its peaks, the doubtful ones marked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number, quoted
from nmr_speech.enhancement.denoise import denoise
from nmr_speech.enhancement.detection import peaks
from nmr_speech.enhancement.network import Denoiser
from nmr_speech.enhancement.noise import noise_std
from nmr_speech.spectrometer.one_dimension import Experiment1D
from nmr_speech.spectrometer.phase import away_from_water
from nmr_speech.spectrometer.phase_search import best_phase, strong_points

MOST_TOLD = 20  # peaks
LISTED = 2.5
"""Height of the faintest peak listed, in standard deviations of the noise of the input: noise alone gives none."""
CERTAIN = 4.0
"""Height above which a peak stands out of the noise of the input, whose largest of 16,384 points is as high.

Below, the network alone says that it is there."""


@dataclass(frozen=True, eq=False)
class Denoised1D:
    """A 1D spectrum before and after; all arrays (n,), shifts rising, in the units of the FID's unitary transform.

    Arguments
    ---------
    fid : np.ndarray
        Without noise, complex, from time zero.
    before, after : np.ndarray
        Spectra with and without noise, complex, not phased.
    std : np.ndarray
        Standard deviation of the error of ``after`` in its real part.
    noise_std : float
        Standard deviation of the noise in the real part of ``before``.
    phase_rad : tuple[float, float]
        Phase that makes the lines absorptive: zero order at the carrier and first order across the width.
    axis : Axis
        Frequencies.
    steps, warnings : tuple[str, ...]
        What was found and done, and what makes it doubtful, one sentence each.
    """

    fid: np.ndarray
    before: np.ndarray
    after: np.ndarray
    std: np.ndarray
    noise_std: float
    phase_rad: tuple[float, float]
    axis: Axis
    steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def absorption(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the real part of a spectrum, phased."""
        across = self.axis.hz() / self.axis.width_hz
        return (spectrum * np.exp(-1j * (self.phase_rad[0] + self.phase_rad[1] * across))).real

    def peaks(self) -> list[dict[str, Any]]:
        """List the peaks by falling height: shift, height and its standard deviation, and whether each is certain.

        Heights are in standard deviations of the noise of the input. A peak is uncertain that does not rise
        above `CERTAIN` of them: nobody could have seen it in the input.
        """
        place, score = peaks(self.absorption(self.after))
        ppm, unit = self.axis.ppm(), max(self.noise_std, np.finfo(float).tiny)
        found = [
            {
                "ppm": round(float(ppm[i]), 4),
                "height": round(float(height / unit), 2),
                "std": round(float(self.std[i] / unit), 2),
                "certain": bool(height >= CERTAIN * unit),
            }
            for i, height in zip(place, score, strict=True)
            if height >= LISTED * unit
        ]
        return sorted(found, key=lambda peak: -peak["height"])

    def told(self) -> list[str]:
        """Say in lines of text how many peaks there are, and list the tallest."""
        found = self.peaks()
        doubtful = sum(not peak["certain"] for peak in found)
        rows = [
            f"{p['ppm']:8.3f} ppm  {p['height']:9.1f} ± {p['std']:.1f}{'' if p['certain'] else '  uncertain'}"
            for p in found[:MOST_TOLD]
        ]
        return [f"{len(found)} peaks in standard deviations of the noise, {doubtful} of them uncertain", *rows]

    def summary(self) -> dict[str, Any]:
        """Return steps, the noise and the peaks, ready for JSON."""
        return {"steps": list(self.steps), "noise_std": self.noise_std, "peaks": self.peaks()}


def denoise_1d(
    experiment: Experiment1D, network: Denoiser | None = None, phase_deg: tuple[float, float] | None = None
) -> Denoised1D:
    """Denoise a 1D experiment.

    Arguments
    ---------
    experiment : Experiment1D
        As `nmr_speech.spectrometer.read_1d` returns it.
    network : Denoiser | None
        Another network than the one in the package.
    phase_deg : tuple[float, float] | None
        Zero order at the carrier and first order across the width, in degrees, for the list of peaks and the picture;
        None finds them. The spectrum itself is not phased.

    Returns
    -------
    Denoised1D

    Example
    -------
    >>> rng, axis = np.random.default_rng(0), Axis(4096, 6000.0, 5.0, 500.0)
    >>> line = 3 * np.exp((2j * np.pi * 500 - 6) * axis.seconds())  # at 6 ppm
    >>> noisy = line + rng.normal(size=4096) + 1j * rng.normal(size=4096)
    >>> result = denoise_1d(Experiment1D(fid=noisy, axis=axis), phase_deg=(0.0, 0.0))
    >>> result.peaks()[0]["ppm"].__round__(2), result.peaks()[0]["certain"]
    (6.0, True)
    """
    fid = torch.from_numpy(experiment.fid)
    before = torch.fft.fft(fid, norm="ortho")
    sigma = noise_std(before)
    after, std = denoise(before, domain="spectrum", noise_std=sigma, network=network)
    result = torch.fft.ifft(after, norm="ortho")
    share = float(sigma) / max(float(before.abs().max()), np.finfo(float).tiny)
    noise = f"The noise of the spectrum is {share:.2g} of its largest point."
    phase_rad, phased = find_phase(after, experiment.axis, phase_deg)
    rising = {"before": before, "after": after, "std": std}
    shifted: dict[str, Any] = {name: np.fft.fftshift(part.numpy()) for name, part in rising.items()}
    steps = (*experiment.steps, noise, phased)
    settings: dict[str, Any] = {"phase_rad": phase_rad, "axis": experiment.axis, "steps": steps}
    return Denoised1D(fid=result.numpy(), noise_std=float(sigma), **shifted, **settings)


def find_phase(
    spectrum: torch.Tensor, axis: Axis, given: tuple[float, float] | None = None
) -> tuple[tuple[float, float], str]:
    """Find the phase that makes the lines of a spectrum absorptive, as most of their energy is then positive.

    Arguments
    ---------
    spectrum : torch.Tensor
        Complex, (n,), in the order of `torch.fft.fft`.
    axis : Axis
        Its axis.
    given : tuple[float, float] | None
        Phase that is known, in degrees.

    Returns
    -------
    tuple[tuple[float, float], str]
        Zero order at the carrier and first order across the width, in rad, and a sentence that says them.

    Example
    -------
    >>> axis = Axis(512, 5000.0, 5.0, 500.0)
    >>> fid = torch.from_numpy(np.exp((6000j - 40) * axis.seconds() + 1j))  # turned by 1 rad
    >>> (zero, _), _ = find_phase(torch.fft.fft(fid), axis)
    >>> round(zero)
    1
    """
    if given is not None:
        if len(given) != 2 or not all(map(is_number, given)):
            raise InputError(f"`phase_deg` must be two numbers, zero and first order in degrees, got {quoted(given)}")
        zero, first = np.deg2rad(given)
        return (float(zero), float(first)), f"The phase is {given[0]:g} and {given[1]:g} degrees, as given."
    fid = torch.fft.ifft(spectrum).numpy()
    keep = away_from_water(Axis(2 * axis.n, axis.width_hz, axis.carrier_ppm, axis.field_mhz))
    zero, first, energy = best_phase(strong_points(fid[None], 0.0, keep))
    step = (
        f"For the peaks and the picture, the phase is {np.rad2deg(zero):.0f} degrees at the carrier and "
        f"{np.rad2deg(first):.0f} across the width: this leaves {energy:.3f} of the energy negative."
    )
    return (zero, first), step
