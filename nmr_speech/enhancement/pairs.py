"""Pairs to train a denoiser: a 1D spectrum of a mixture with noise, and the same spectrum without.

The lines are those of `nmr_speech.simulate.pulse_acquire`; each is moved by less than an eighth of a point, so that an
FID is one Fourier transform whatever the number of its lines. Spectrum i depends only on (seed, i).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, is_number, quoted, whole
from nmr_speech.enhancement.molecules import molecules_of
from nmr_speech.enhancement.noise import noise_std
from nmr_speech.enhancement.signals import bad_shim, decay, fourier, log_uniform, undamped, voigt_widths, water_line
from nmr_speech.simulate import RESIDUES, Sample, load_molecule
from nmr_speech.simulate.lines import lines

WATER_PPM = 4.7
BUILD_UP = 64  # points of a digital filter's build-up that matter
FREE = Sample("d2o", "free")
LIMITS = {
    "amount": (1e-6, 1e6, "of any unit"),
    "width_hz": (0.05, 1000.0, "Hz"),
    "snr": (1e-3, 1e6, "of the tallest line"),
    "sweep_ppm": (8.0, 100.0, "ppm"),
    "water": (0.0, 1e6, "of the tallest line"),
}


@dataclass(frozen=True)
class PairSettings:
    """Distributions of spectra: pairs are drawn log-uniformly, from the least to the largest value.

    Arguments
    ---------
    systems : tuple[int, int]
        Number of molecules in a mixture, uniform.
    amount : tuple[float, float]
        Amount of each.
    width_hz : tuple[float, float]
        Full line width at half height of a spectrum; that of each molecule is up to 1.5 times more or less.
    snr : tuple[float, float]
        Height of the tallest line over the standard deviation of the noise, without apodisation.
    sweep_ppm : tuple[float, float]
        Spectral width.
    water : tuple[float, float]
        Height of the water line over that of the tallest line.
    water_share, baseline_share, filter_share, first_order_share, shim_share : float
        Shares of the spectra with water, with wrong first points (a rolling baseline), with the build-up of a digital
        filter at the end of the FID (ripples), with a phase error of first order (up to 90 degrees at the ends), and
        with lines that a bad shim has split or skewed.
    points : Sequence[int]
        Lengths of FIDs to choose from, powers of two; one that stands twice is chosen twice as often.
    fields_mhz : Sequence[float]
        Fields to choose from.
    drawn_systems : int
        Molecules with drawn shifts that are kept for each field, to be mixed.
    narrow_hz : float | None
        Line width of the target, as in Lee and Kim's task: without water, baseline and bad shim as well as without
        noise. None for the spectrum as it is, without noise.

    Example
    -------
    >>> PairSettings(snr=(3, 30)).snr
    (3, 30)
    """

    systems: tuple[int, int] = (1, 8)
    amount: tuple[float, float] = (1.0, 1000.0)
    width_hz: tuple[float, float] = (0.5, 8.0)
    snr: tuple[float, float] = (1.0, 300.0)
    sweep_ppm: tuple[float, float] = (10.0, 20.0)
    water: tuple[float, float] = (0.1, 300.0)
    water_share: float = 0.6
    baseline_share: float = 0.5
    filter_share: float = 0.3
    first_order_share: float = 0.3
    shim_share: float = 0.3
    points: Sequence[int] = (1024, 2048, 4096, 8192, 8192, 16384, 16384, 16384, 32768, 32768)
    fields_mhz: Sequence[float] = (400.0, 500.0, 600.0, 700.0, 800.0)
    drawn_systems: int = 1500
    narrow_hz: float | None = None

    def __post_init__(self) -> None:
        for name, (low, high, unit) in LIMITS.items():
            _check_span(self, name, low, high, unit)
        for end in span("systems", self.systems):
            whole("systems", end, 0, 100)
        for name in ("water_share", "baseline_share", "filter_share", "first_order_share", "shim_share"):
            in_range(name, getattr(self, name), 0, 1, "of the spectra")
        if odd := [n for n in self.points if whole("points", n, 64, 2**17) & (n - 1)]:
            raise InputError(f"`points` must be powers of two, got {odd[0]}")
        for field in self.fields_mhz:
            in_range("fields_mhz", field, 40, 1300, "MHz", "400 to 1200")
        whole("drawn_systems", self.drawn_systems, 1, 10**6)
        if self.narrow_hz is not None:
            in_range("narrow_hz", self.narrow_hz, *LIMITS["width_hz"])

    @classmethod
    def of(cls, pairs: Mapping[str, Any]) -> "PairSettings":
        """Make the settings of the mapping ``pairs`` of a YAML file.

        Example
        -------
        >>> PairSettings.of({"widths_hz": [1, 2]})
        Traceback (most recent call last):
        ...
        nmr_speech.checks.InputError: `pairs` may hold systems, amount, ..., narrow_hz; got widths_hz
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(pairs, Mapping):
            raise InputError(f"`pairs` must hold settings by name, got {quoted(pairs)}")
        if unknown := sorted(set(pairs) - set(known)):
            raise InputError(f"`pairs` may hold {', '.join(known)}; got {', '.join(unknown)}")
        return cls(**pairs)


@dataclass(frozen=True, eq=False)
class Pair:
    """One spectrum, by whole points, not apodised.

    Arguments
    ---------
    clean : torch.Tensor
        What is to be left, complex64, (n,).
    noise : torch.Tensor
        What is to be taken away, complex64, (n,): the noise, and for a narrow target all else that is too much.
    noise_std : float
        Standard deviation of the noise in the real part.
    centres : list[np.ndarray]
        Points at which the lines of each molecule stand.
    axis : Axis
        Frequencies; zero, at ``axis.carrier_ppm``, is the first point.
    width_hz : float
        Line width of the spectrum, from which those of its molecules differ by up to 1.5 times.
    phase : complex
        What the absorption spectrum was multiplied by at frequency zero.
    """

    clean: torch.Tensor
    noise: torch.Tensor
    noise_std: float
    centres: list[np.ndarray]
    axis: Axis
    width_hz: float
    phase: complex


class Pairs:
    """A supply of spectra of one split's molecules.

    Arguments
    ---------
    settings : PairSettings
        Distributions to draw from.
    seed : int
        Seed of the supply.
    split : str
        Whose molecules; see `nmr_speech.enhancement.molecules.molecules_of`.

    Example
    -------
    >>> pairs = Pairs(PairSettings(points=[1024], fields_mhz=[600.0], drawn_systems=5), seed=1, split="valid")
    >>> pair = pairs.draw(0)
    >>> pair.clean.shape, torch.equal(pair.noise, pairs.draw(0).noise), torch.equal(pair.noise, pairs.draw(1).noise)
    (torch.Size([1024]), True, False)
    """

    def __init__(self, settings: PairSettings, seed: int, split: str) -> None:
        self.settings, self.seed = settings, whole("seed", seed, 0, 2**63 - 1)
        self.names = molecules_of(split)
        rng = np.random.default_rng((self.seed, 0, 1))
        self.systems = {
            field: [self._draw_system(rng, field) for _ in range(settings.drawn_systems)]
            for field in settings.fields_mhz
        }

    def draw(self, index: int, leave_out: int | None = None) -> Pair:
        """Draw one spectrum; ``leave_out`` names a molecule, from 0, whose signals are then not there."""
        rng = np.random.default_rng((self.seed, index, 2))
        s = self.settings
        field = s.fields_mhz[int(rng.integers(len(s.fields_mhz)))]
        axis = Axis(s.points[int(rng.integers(len(s.points)))], log_uniform(rng, s.sweep_ppm) * field, WATER_PPM, field)
        count = rng.integers(s.systems[0], s.systems[1] + 1)
        chosen = [self.systems[field][i] for i in rng.integers(s.drawn_systems, size=count)]
        fid, ideal, centres, width_hz = self._mix(rng, chosen, axis, leave_out)
        height = float(fourier(fid).abs().max()) if count else 1.0
        fid = self._spoil(rng, fid, axis, width_hz, height)
        turn = np.exp(2j * np.pi * rng.random(), dtype=np.complex64)
        if rng.random() < s.first_order_share:
            turn = turn * np.exp(1j * rng.uniform(-np.pi / 2, np.pi / 2) * 2 * np.fft.fftfreq(axis.n))
        turned = torch.as_tensor(turn).to(torch.complex64)
        std = height / log_uniform(rng, s.snr)
        white = torch.view_as_complex(torch.from_numpy(rng.standard_normal((axis.n, 2), dtype=np.float32)))
        spoilt = fourier(fid) * turned
        clean = spoilt if s.narrow_hz is None else fourier(ideal) * turned
        return Pair(clean, spoilt - clean + std * white, std, centres, axis, width_hz, complex(np.ravel(turn)[0]))

    def _mix(self, rng, chosen, axis, leave_out):
        """Sum the FIDs of molecules in drawn amounts, as they are and with narrow lines."""
        s = self.settings
        width_hz = log_uniform(rng, s.width_hz)
        fid, ideal, centres = torch.zeros(axis.n, dtype=torch.complex64), torch.zeros(axis.n, dtype=torch.complex64), []
        for number, (frequency_hz, intensity) in enumerate(chosen):
            own_hz = np.clip(width_hz * log_uniform(rng, (1 / 1.5, 1.5)), *s.width_hz)
            signal = log_uniform(rng, s.amount) * undamped(frequency_hz, intensity, axis) * (number != leave_out)
            envelope = torch.from_numpy(decay(axis, *voigt_widths(rng, own_hz)))
            fid += envelope * signal
            if s.narrow_hz is not None:
                ideal += torch.from_numpy(decay(axis, s.narrow_hz, 0.0)) * signal
            centres.append(np.round(frequency_hz / axis.width_hz * axis.n).astype(int) % axis.n)
        return fid, ideal, centres, width_hz

    def _spoil(self, rng, fid, axis, width_hz, height):
        """Add what a spectrum has besides noise."""
        s = self.settings
        if rng.random() < s.shim_share:
            fid *= torch.from_numpy(bad_shim(rng, axis, width_hz))
        if rng.random() < s.water_share:
            fid += water_line(rng, axis, height * log_uniform(rng, s.water))
        if rng.random() < s.baseline_share:
            first = rng.integers(1, 5)
            fid[:first] *= torch.from_numpy(rng.uniform(-1, 1.5, first)).to(fid.dtype)
        if rng.random() < s.filter_share:
            ripple = rng.standard_normal((BUILD_UP, 2)) @ (1, 1j) * np.exp((np.arange(BUILD_UP) - BUILD_UP) / 16)
            fid[-BUILD_UP:] += (
                torch.from_numpy(ripple * log_uniform(rng, (1e-3, 0.1))).to(fid.dtype) * fid[:8].abs().max()
            )
        return fid

    def _draw_system(self, rng, field_mhz):
        name = self.names[rng.integers(len(self.names))]
        molecule = FREE.residue(name) if name in RESIDUES else load_molecule(name)
        shifts = molecule.draw_shifts(rng, 1)[0]
        frequency_hz, intensity = lines(molecule, shifts, field_mhz=field_mhz, carrier_ppm=WATER_PPM, tolerance=1e-3)
        keep = intensity > 1e-4 * intensity.sum()
        return frequency_hz[keep].astype(np.float32), intensity[keep].astype(np.float32)


class Windows(torch.utils.data.Dataset):
    """Windows of a stretch of a supply of spectra.

    Arguments
    ---------
    pairs : Pairs
        The supply.
    spectra : int
        Number of spectra, from ``first`` on.
    first : int
        Index of the first; a training moves it on by ``spectra`` each epoch, so that no spectrum comes twice.
    count : int
        Windows of each spectrum.
    n : int
        Points of a window.
    """

    def __init__(self, pairs: Pairs, spectra: int, first: int, count: int, n: int) -> None:
        self.pairs, self.spectra, self.first, self.count, self.n = pairs, spectra, first, count, n

    def __len__(self) -> int:
        return self.spectra

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        index = self.first + i
        rng = np.random.default_rng((self.pairs.seed, index, 3))
        return windows(self.pairs.draw(index), rng, self.count, self.n)

    @staticmethod
    def collate(batch: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Join the windows of several spectra."""
        noisy, removed = zip(*batch, strict=True)
        return torch.cat(noisy), torch.cat(removed)


def windows(pair: Pair, rng: np.random.Generator, count: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut windows out of a spectrum, most of them round a line of a molecule that each may be, faint ones too.

    Arguments
    ---------
    pair : Pair
        The spectrum, of at least n points.
    rng : np.random.Generator
        Source of the draws.
    count : int
        Number of windows.
    n : int
        Points of a window.

    Returns
    -------
    tuple[torch.Tensor, torch.Tensor]
        With noise, and the noise alone, complex64, (count, n), in units of the estimated standard deviation.
    """
    length = len(pair.clean)
    noisy = pair.clean + pair.noise
    scale = noise_std(noisy)
    starts = rng.integers(length, size=count)
    for i in range(count):
        if pair.centres and rng.random() < 0.7:
            of_one = pair.centres[rng.integers(len(pair.centres))]
            starts[i] = of_one[rng.integers(len(of_one))] - rng.integers(n)
    points = torch.from_numpy((starts[:, None] + np.arange(n)) % length)
    return noisy[points] / scale, pair.noise[points] / scale


def span(name: str, ends: Any) -> tuple[float, float]:
    """Check a pair of numbers, the least and the largest."""
    if isinstance(ends, str) or not isinstance(ends, Collection) or len(ends) != 2 or not all(map(is_number, ends)):
        raise InputError(f"`{name}` must be two numbers, the least and the largest, got {quoted(ends)}")
    low, high = ends
    if low > high:
        raise InputError(f"`{name}` must be two numbers, the least and the largest, got {low!r} before {high!r}")
    return low, high


def _check_span(settings, name, low, high, unit):
    for end in span(name, getattr(settings, name)):
        in_range(name, end, low, high, unit)
