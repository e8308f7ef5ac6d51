"""Band-limited resampling of both time dimensions, continued to negative times by symmetry.

An ideal FID ends abruptly at time zero, which no band-limited curve does. But a line in phase at time zero continues
to negative times: in t1 the cosine channel is even and the sine channel odd, in t2 the signal turns into its conjugate.
The continued signal has no edge, so that sums of sinc functions give it between its samples: for a start half a dwell
late, for another spectral width, for a group delay of a fraction of a point.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Line:
    """How one dimension is sampled: dwell time in s, zero frequency in Hz from a common origin."""

    dwell_s: float
    centre_hz: float

    @property
    def band_hz(self):
        """Lowest and highest frequency."""
        return self.centre_hz - 0.5 / self.dwell_s, self.centre_hz + 0.5 / self.dwell_s


def resample_t2(
    rows: np.ndarray, start: float, have: Line, want: Line, n: int, phase: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Bring t2 to another sampling.

    What was recorded at negative times, the build-up of a digital filter, is folded onto positive ones as its
    conjugate; a first point at time zero counts half on either side. So the first point of the result is real.

    Arguments
    ---------
    rows : np.ndarray
        complex, (..., n_points).
    start : float
        Time of the first point in dwell times.
    have : Line
        How it is sampled.
    want : Line
        How it is to be.
    n : int
        Points of the result.
    phase : tuple[float, float]
        Zero and first order of the phase at zero frequency and across the width, radians, to be taken away. The first
        order is a shift of time.

    Returns
    -------
    np.ndarray
        complex, (..., n); zero after the last point measured.

    Example
    -------
    >>> line = np.exp(2j * np.pi * 0.05 * np.arange(400))
    >>> same, half = Line(1.0, 0.0), Line(2.0, 0.0)
    >>> abs(resample_t2(line, 0.0, same, half, 100) - line[:200:2]).max() < 0.01
    np.True_
    """
    start = start + phase[1] / (2 * np.pi)
    n_used = min(rows.shape[-1], int(n * want.dwell_s / have.dwell_s * 1.2 - start) + 64)
    times = (np.arange(n_used) + start) * have.dwell_s
    weights = np.ones(n_used)
    if abs(start) < 0.5:
        weights[0] = 0.5 + start  # up to time zero, beyond which its mirror image counts
    at = np.arange(n) * want.dwell_s
    taken = rows[..., :n_used] * (weights * np.exp(-1j * phase[0]))
    folded = taken @ _kernel(at, times, have, want).T + (taken @ _kernel(-at, times, have, want).T).conj()
    return folded * (at <= times[-1])


def resample_t1(fid: np.ndarray, start: tuple[float, float], have: Line, want: Line, n: int) -> tuple[np.ndarray, int]:
    """Bring t1 of a States pair to another sampling.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n_transients, ...): cosine and sine channel.
    start : tuple[float, float]
        Time of the first transient of either channel in dwell times, a multiple of a half.
    have : Line
        How it is sampled.
    want : Line
        How it is to be.
    n : int
        Transients of the result.

    Returns
    -------
    fid : np.ndarray
        complex, (2, n, ...); zero after the last transient measured.
    n_valid : int
        How many are not.

    Example
    -------
    >>> t = np.arange(300) + 0.5
    >>> late = np.stack([np.cos(0.3 * t), np.sin(0.3 * t)])[..., None]
    >>> fid, n_valid = resample_t1(late, (0.5, 0.5), Line(1.0, 0.0), Line(1.0, 0.0), 100)
    >>> abs(fid[0, :, 0] - np.cos(0.3 * np.arange(100))).max() < 0.01, n_valid
    (np.True_, 100)
    """
    at = np.arange(n) * want.dwell_s
    fid = fid[:, : int(n * want.dwell_s / have.dwell_s * 1.2) + 64]
    result = 0
    for channel, first, sign in zip(fid, start, (1, -1), strict=True):
        times = (np.arange(len(channel)) + first) * have.dwell_s
        mirrored = _kernel(at, -times, have, want) * (times > 0)
        weights = _kernel(at, times, have, want) + sign * mirrored
        if sign < 0:
            weights = 1j * weights * (times > 0)  # the sine is zero at time zero
        flat = channel.reshape(len(channel), -1)
        result = result + np.stack([weights.real @ flat, weights.imag @ flat])
    last_s = (fid.shape[1] - 1 + min(start)) * have.dwell_s
    n_valid = min(n, int(last_s / want.dwell_s + 1e-9) + 1)
    result[:, n_valid:] = 0
    return result.reshape(2, n, *fid.shape[2:]), n_valid


def _kernel(at, times, have, want):
    """What each sample adds to each time wanted: the band that both samplings share, about the centre wanted."""
    low, high = (edge(a, b) - want.centre_hz for edge, a, b in zip((max, min), have.band_hz, want.band_hz, strict=True))
    apart = at[:, None] - times
    band = (high - low) * have.dwell_s * np.sinc((high - low) * apart) * np.exp(1j * np.pi * (high + low) * apart)
    return band * np.exp(2j * np.pi * (have.centre_hz - want.centre_hz) * times)
