"""Band-limited resampling of both time dimensions, continued to negative times by symmetry.

An ideal FID starts abruptly at time zero, which no band-limited curve can do. But a line in phase at time zero
continues to negative times: in t1 the cosine channel is even and the sine channel odd, in t2 the signal becomes its
conjugate. The continued signal has no edge, so sums of sinc functions give it between its samples: for a start half a
dwell late, for another spectral width, for a group delay of a fraction of a point.
"""

import numpy as np

from nmr_speech.axis import Axis

MARGIN, MORE_POINTS = 1.2, 64  # samples used beyond the last time wanted: sinc functions decay slowly


def resample_t2(
    rows: np.ndarray, start: float, have: Axis, want: Axis, phase_rad: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Bring t2 to another sampling.

    The build-up of a digital filter, recorded at negative times, is folded onto positive ones as its conjugate; a first
    point at time zero counts half on either side. So the first point of the result is real.

    Arguments
    ---------
    rows : np.ndarray
        complex, (..., n_points).
    start : float
        Time of the first point in dwell times.
    have : Axis
        Its sampling.
    want : Axis
        The sampling wanted, in the field of ``have``.
    phase_rad : tuple[float, float]
        Phase to remove, radians: zero order at zero frequency and first order across the width, which is a shift in
        time.

    Returns
    -------
    np.ndarray
        complex, (..., want.n); zero after the last point measured.

    Example
    -------
    >>> line = np.exp(2j * np.pi * 0.05 * np.arange(400))
    >>> same, half = Axis(400, 100.0, 0.0, 1.0), Axis(100, 50.0, 0.0, 1.0)
    >>> abs(resample_t2(line, 0.0, same, half) - line[:200:2]).max() < 0.01
    np.True_
    """
    start = start + phase_rad[1] / (2 * np.pi)
    n_used = min(rows.shape[-1], int(want.n * want.dwell_s / have.dwell_s * MARGIN - start) + MORE_POINTS)
    times = (np.arange(n_used) + start) * have.dwell_s
    weights = np.ones(n_used)
    if abs(start) < 0.5:
        weights[0] = 0.5 + start  # its half before time zero is its mirror image's
    at = want.seconds()
    taken = rows[..., :n_used] * (weights * np.exp(-1j * phase_rad[0]))
    folded = taken @ _kernel(at, times, have, want).T + (taken @ _kernel(-at, times, have, want).T).conj()
    return folded * (at <= times[-1])


def resample_t1(fid: np.ndarray, start: tuple[float, float], have: Axis, want: Axis) -> tuple[np.ndarray, int]:
    """Bring t1 of a States pair to another sampling.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n_transients, ...): cosine and sine channel.
    start : tuple[float, float]
        Time of the first transient of either channel in dwell times, a multiple of a half.
    have : Axis
        Its sampling.
    want : Axis
        The sampling wanted, in the field of ``have``.

    Returns
    -------
    fid : np.ndarray
        complex, (2, want.n, ...); zero after the last transient measured.
    n_valid : int
        Number of transients before that.

    Example
    -------
    >>> t = np.arange(300) + 0.5
    >>> late = np.stack([np.cos(0.3 * t), np.sin(0.3 * t)])[..., None]
    >>> fid, n_valid = resample_t1(late, (0.5, 0.5), Axis(300, 100.0, 0.0, 1.0), Axis(100, 100.0, 0.0, 1.0))
    >>> abs(fid[0, :, 0] - np.cos(0.3 * np.arange(100))).max() < 0.01, n_valid
    (np.True_, 100)
    """
    at = want.seconds()
    fid = fid[:, : int(want.n * want.dwell_s / have.dwell_s * MARGIN) + MORE_POINTS]
    shape = (2, want.n, *fid.shape[2:])
    result = np.zeros((2, want.n, int(np.prod(fid.shape[2:]))), dtype=complex)
    for channel, first, sign in zip(fid, start, (1, -1), strict=True):
        times = (np.arange(len(channel)) + first) * have.dwell_s
        mirrored = _kernel(at, -times, have, want) * (times > 0)
        weights = _kernel(at, times, have, want) + sign * mirrored
        if sign < 0:
            weights = 1j * weights * (times > 0)  # the sine is zero at time zero
        # Another carrier mixes cosine and sine, by the real and the imaginary part of the kernel. Real matrices on the
        # parts of complex numbers take half the time of complex ones.
        parts = np.ascontiguousarray(channel, dtype=complex).reshape(len(channel), -1).view(float)
        result += (np.stack([weights.real, weights.imag]) @ parts).view(complex)
    last_s = (fid.shape[1] - 1 + min(start)) * have.dwell_s
    n_valid = min(want.n, int(last_s / want.dwell_s + 1e-9) + 1)  # a last transient on the grid counts
    result[:, n_valid:] = 0
    return result.reshape(shape), n_valid


def _kernel(at: np.ndarray, times: np.ndarray, have: Axis, want: Axis) -> np.ndarray:
    """What each sample adds at each time wanted, (wanted, samples): the band that both samplings share."""
    low, high = (edge(a, b) - want.centre_hz for edge, a, b in zip((max, min), have.band_hz, want.band_hz, strict=True))
    apart = at[:, None] - times
    band = (high - low) * have.dwell_s * np.sinc((high - low) * apart) * np.exp(1j * np.pi * (high + low) * apart)
    return band * np.exp(2j * np.pi * (have.centre_hz - want.centre_hz) * times)
