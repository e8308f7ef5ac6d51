"""How well a reconstructed spectrum agrees with its fully sampled reference, and with itself over several schedules.

One figure is not enough. A correlation of peak heights is near one as soon as the strongest are right, and it does not
see that all are too low; a slope does, a correlation of the weak ones alone, and what was lost or invented.
"""

import numpy as np
from scipy.ndimage import maximum_filter

from nmr_speech.checks import InputError, in_range

WEAK = 0.04  # of the highest peak: Wang et al., supplement S2.2
FLOOR = 0.005  # of the highest peak, below which nothing is called a peak
SIGMAS = 8.0
NEAR = 2  # points by which a peak may move


def rlne(spectrum: np.ndarray, reference: np.ndarray) -> float:
    """Relative l2 norm error: the norm of the difference over that of the reference.

    Example
    -------
    >>> rlne(np.array([3.0, 0.0]), np.array([3.0, 4.0]))
    0.8
    """
    size = np.linalg.norm(reference)
    if spectrum.shape != reference.shape or not size > 0:
        raise InputError(
            f"a reference must have the shape of the spectrum and hold a signal, got {reference.shape} for "
            f"{spectrum.shape}, norm {size:g}"
        )
    return float(np.linalg.norm(spectrum - reference) / size)


def pick(spectrum: np.ndarray, threshold: float) -> np.ndarray:
    """Find peaks: points whose magnitude is above a threshold and the largest within two points.

    Arguments
    ---------
    spectrum : np.ndarray
        Real, of any number of dimensions.
    threshold : float
        In its units.

    Returns
    -------
    np.ndarray
        bool, as ``spectrum``.

    Example
    -------
    >>> pick(np.array([0.0, 1.0, 2.0, 1.0, 0.0, 0.0, -3.0]), 0.5).nonzero()[0]
    array([2, 6])
    """
    magnitude = np.abs(spectrum)
    return (magnitude == maximum_filter(magnitude, 2 * NEAR + 1, mode="wrap")) & (magnitude > threshold)


def threshold_of(reference: np.ndarray, floor: float = FLOOR) -> float:
    """Height above which a reference has peaks: a share of its highest, or eight standard deviations of its noise.

    The noise is taken from the median magnitude of the rows that hold a signal at all.

    Example
    -------
    >>> threshold_of(np.array([[0.0, 100.0, 0.0, 1.0, -1.0]]))
    11.8...
    """
    in_range("floor", floor, 0, 1, "of the highest peak", "0.005")
    magnitude = np.abs(reference)
    rows = magnitude.reshape(-1, magnitude.shape[-1])
    rows = rows[rows.max(axis=1) > floor * magnitude.max()]
    return float(max(floor * magnitude.max(), SIGMAS * 1.4826 * np.median(rows)))


def recovery(spectrum: np.ndarray, reference: np.ndarray, floor: float = FLOOR) -> dict:
    """Compare a reconstructed spectrum with its reference.

    Arguments
    ---------
    spectrum : np.ndarray
        Reconstructed, real, phased, (points in F1, points in F2).
    reference : np.ndarray
        Fully sampled, processed alike.
    floor : float
        Height of the lowest peaks, as a share of the highest.

    Returns
    -------
    dict
        ``rlne``; ``peaks`` and ``weak_peaks`` of the reference, weak being below 4% of the highest; ``peak_r2`` and
        ``weak_peak_r2``, squared correlations of heights at their places (None for fewer than three); ``slope`` of the
        heights, least squares through zero, 1 where nothing is lost; ``weak_recall``, share of the weak ones within two
        points of which a peak of half the threshold or more is found; ``false_peaks``, above the threshold where the
        reference stays below half of it within two points.

    Example
    -------
    >>> rng = np.random.default_rng(1)
    >>> reference = rng.normal(size=(64, 64))
    >>> reference[8::16, 8::16] += 1000 * np.outer([1, 0.5, 0.2, 0.1], [1, 0.8, 0.6, 0.4])
    >>> found = recovery(0.9 * reference, reference)
    >>> found["peaks"], round(found["slope"], 3), round(found["peak_r2"], 3), found["false_peaks"]
    (16, 0.9, 1.0, 0)
    """
    error = rlne(spectrum, reference)
    threshold = threshold_of(reference, floor)
    peaks = pick(reference, threshold)
    true, ours = reference[peaks], spectrum[peaks]
    weak = np.abs(true) < WEAK * np.abs(reference).max()
    found = maximum_filter(pick(spectrum, threshold / 2), 2 * NEAR + 1, mode="wrap")[peaks]
    silent = maximum_filter(np.abs(reference), 2 * NEAR + 1, mode="wrap") < threshold / 2
    return {
        "rlne": error,
        "peaks": int(peaks.sum()),
        "weak_peaks": int(weak.sum()),
        "peak_r2": _squared_correlation(ours, true),
        "weak_peak_r2": _squared_correlation(ours[weak], true[weak]),
        "slope": float(ours @ true / (true @ true)) if len(true) else None,
        "weak_recall": float(found[weak].mean()) if weak.any() else None,
        "false_peaks": int((pick(spectrum, threshold) & silent).sum()),
    }


def spread(spectra: np.ndarray, floor: float = FLOOR) -> dict:
    """Say how far reconstructions from several schedules agree: a confidence that needs no reference.

    Arguments
    ---------
    spectra : np.ndarray
        Real, (schedules, points in F1, points in F2), two schedules or more.
    floor : float
        Height of the lowest peaks of the mean spectrum, as a share of the highest.

    Returns
    -------
    dict
        ``mean`` and ``std``, (points in F1, points in F2); ``peaks`` of the mean, places (peaks, 2), with ``height``
        and ``relative_std``: the standard deviation at each over its height. Near 1 a peak is not to be believed.

    Example
    -------
    >>> spectra = np.zeros((2, 8, 8))
    >>> spectra[:, 2, 2], spectra[0, 6, 6] = 10, 2
    >>> agreed = spread(spectra)
    >>> agreed["peaks"].tolist(), agreed["relative_std"].round(2).tolist()
    ([[2, 2], [6, 6]], [0.0, 1.41])
    """
    if len(spectra) < 2:
        raise InputError(f"a spread needs the spectra of two schedules or more, got {len(spectra)}")
    mean, std = spectra.mean(axis=0), spectra.std(axis=0, ddof=1)
    places = np.argwhere(pick(mean, threshold_of(mean, floor)))
    heights = mean[tuple(places.T)]
    return {
        "mean": mean,
        "std": std,
        "peaks": places,
        "height": heights,
        "relative_std": std[tuple(places.T)] / np.abs(heights),
    }


def _squared_correlation(ours, true):
    if len(true) < 3 or not np.std(ours) or not np.std(true):
        return None
    return float(np.corrcoef(ours, true)[0, 1] ** 2)
