"""Phases and the order of channels, found from the data."""

import numpy as np
import scipy.optimize
import torch

from nmr_speech.simulate.fid import spectrum

TINY = 1e-300
ROWS = 24  # strongest ones of the spectrum that the phase is found on
STRONG = 0.03  # points that count, relative to the largest
FIRST_ORDER_DEG = 270
PRIOR = 0.002  # share of negative energy that a first order of 360 degrees must gain: with one line it says nothing


def absorption_f1(fid: np.ndarray) -> np.ndarray:
    """Transform t1 of a States pair, absorption in F1; t2 stays as it is, complex.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n_transients, ...): cosine and sine channel.

    Returns
    -------
    np.ndarray
        complex, (n_transients, ...).

    Example
    -------
    >>> t = 2 * np.pi * np.arange(8) / 8
    >>> absorption_f1(np.stack([np.cos(3 * t), np.sin(3 * t)])[..., None] * 1j)[:, 0].imag.argmax()
    np.int64(3)
    """
    n = fid.shape[1]
    window = np.cos(np.arange(n) * np.pi / (2 * n)) ** 2
    window[0] = 0.5
    cos, sin = fid * window.reshape(-1, *[1] * (fid.ndim - 2))
    positive, negative = np.fft.fft(cos + 1j * sin, axis=0), np.fft.fft(cos - 1j * sin, axis=0)
    return (positive + np.roll(negative[::-1], 1, axis=0)) / 2


def phase_f2(
    rows: np.ndarray,
    start: float,
    exclude: np.ndarray | None = None,
    given: tuple[float, float] | None = None,
) -> tuple[float, float, float]:
    """Find zero and first order of the phase in F2 for which the least energy is negative, on the strongest rows.

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points): rows of a spectrum that is absorptive in F1, t2 not transformed.
    start : float
        Time of the first point in dwell times.
    exclude : np.ndarray | None
        Frequencies to leave out: bool, (2 n_points,), rising as of ``fftshift(fftfreq(...))``.
    given : tuple[float, float] | None
        Phases that are known; None looks for them.

    Returns
    -------
    zero, first : float
        At zero frequency and across the width, radians.
    energy : float
        Share of the energy of these rows that is then negative, and a little for a large first order.

    Example
    -------
    >>> t = np.arange(512)
    >>> lines = np.exp(2j * np.pi * np.outer([0.1, -0.2, 0.3], t)) * np.exp(-t / 60)
    >>> phases = np.exp(1j * (0.4 + 1.2 * np.array([0.1, -0.2, 0.3])))
    >>> zero, first, _ = phase_f2(lines * phases[:, None], 0.0)
    >>> bool(abs(zero - 0.4) < 0.05), bool(abs(first - 1.2) < 0.2)
    (True, True)
    """
    values, frequency = _strong_points(rows, start, exclude)

    def energy(phase):
        real = (values * np.exp(-1j * (phase[0] + phase[1] * frequency))).real
        negative = np.square(np.minimum(real, 0)).sum() / max(np.square(real).sum(), TINY)
        return negative + PRIOR * (phase[1] / (2 * np.pi)) ** 2

    if given is not None:
        return *given, float(energy(given))
    zeros, firsts = np.deg2rad(np.arange(-180, 180, 15)), np.deg2rad(np.arange(-FIRST_ORDER_DEG, 271, 30))
    coarse = min(((zero, first) for zero in zeros for first in firsts), key=energy)
    found = scipy.optimize.minimize(energy, coarse, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6})
    return float(found.x[0]), float(found.x[1]), float(found.fun)


def _strong_points(rows, start, exclude):
    """Values and frequencies of the points of the strongest rows that stand out."""
    n = rows.shape[-1]
    times = np.arange(n) + start
    window = np.cos(np.clip(times, 0, None) * np.pi / (2 * (times[-1] + 1))) ** 2
    window[0] *= 0.5 if abs(start) < 0.5 else 1.0
    frequency = np.fft.fftfreq(2 * n)
    transformed = np.fft.fft(rows * window, 2 * n) * np.exp(-2j * np.pi * frequency * start)
    if exclude is not None and not exclude.all():
        transformed = transformed * ~np.fft.ifftshift(exclude)
    strongest = transformed[np.argsort(np.square(np.abs(transformed)).sum(axis=1))[-ROWS:]]
    strong = np.abs(strongest) >= STRONG * np.abs(strongest).max()
    return strongest[strong], np.broadcast_to(frequency, strongest.shape)[strong]


def negative_energy(fid: torch.Tensor, keep: torch.Tensor | None = None) -> float:
    """Share of the energy of the phased spectrum that is negative: 0 for TOCSY with right phases.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (2, n_transients, n_points).
    keep : torch.Tensor | None
        Points of the spectrum that count, bool; None for all.

    Returns
    -------
    float
        0 to 1.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"H": 1}, {}), [4.5], decay_time_t1_s=0.01, decay_time_t2_s=0.01)
    >>> negative_energy(fid) < 0.001, negative_energy(-fid) > 0.999
    (True, True)
    """
    absorption = spectrum(fid).real.double()
    energy = absorption.square() if keep is None else absorption.square() * keep
    return (energy[absorption < 0].sum() / energy.sum().clamp_min(TINY)).item()


def turned(fid: np.ndarray, start: tuple[float, float], quarters: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Take quarter turns away from the phase in F1: (cos, sin) becomes (sin, -cos), and so on.

    Arguments
    ---------
    fid : np.ndarray
        (2, n_transients, ...).
    start : tuple[float, float]
        Times of the first transients, which go with their channels.
    quarters : int
        0 to 3.

    Returns
    -------
    fid : np.ndarray
    start : tuple[float, float]

    Example
    -------
    >>> fid, start = turned(np.array([[1.0], [2.0]]), (0.0, 0.5), 1)
    >>> fid.tolist(), start
    ([[2.0], [-1.0]], (0.5, 0.0))
    """
    for _ in range(quarters):
        fid, start = np.stack([fid[1], -fid[0]]), start[::-1]
    return fid, start


def diagonal_share(fid: np.ndarray, keep: np.ndarray) -> float:
    """Share of the energy of the magnitude spectrum that lies within two points of the diagonal.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n, n), equally sampled.
    keep : np.ndarray
        Frequencies in F2 that count, bool, (n,).

    Returns
    -------
    float

    Example
    -------
    >>> t = np.arange(32)
    >>> line = np.exp(2j * np.pi * t / 4) * np.exp(-t / 8)
    >>> right = np.stack([line.real[:, None] * line, line.imag[:, None] * line])
    >>> keep = np.ones(32, dtype=bool)
    >>> diagonal_share(right, keep) > 0.5 > diagonal_share(right * [[[1]], [[-1]]], keep)
    True
    """
    n = fid.shape[-1]
    window = np.cos(np.arange(n) * np.pi / (2 * n)) ** 2
    transformed = np.fft.fftshift(np.fft.fft2((fid[0] + 1j * fid[1]) * window[:, None] * window))
    energy = np.abs(transformed) ** 2 * keep
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 2
    return float(energy[near].sum() / max(energy.sum(), np.finfo(float).tiny))
