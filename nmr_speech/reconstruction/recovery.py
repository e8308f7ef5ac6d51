"""How well a reconstructed spectrum agrees with its fully sampled reference, and with itself over several schedules.

One figure is not enough. A correlation of peak heights is near one as soon as the strongest are right, and it misses
that all are too low. Therefore there are also the slope, a correlation of the weak peaks alone, and numbers of peaks
lost and invented.
"""

import numpy as np
from scipy.ndimage import maximum_filter

from nmr_speech.checks import InputError, in_range

WEAK = 0.04  # share of the highest peak below which a peak is weak: Wang et al. (arXiv 2012.14830), supplement S2.2
FLOOR = 0.005  # share of the highest peak below which nothing is called a peak
SIGMAS = 8.0  # standard deviations of the noise that a peak must exceed
MAD_TO_STD = 1.4826  # standard deviation over median magnitude, for Gaussian noise
NEAR = 2  # points by which a peak may move


def rlne(spectrum: np.ndarray, reference: np.ndarray) -> float:
    """Relative l2 norm error (RLNE) of a spectrum (...,): the norm of the difference over that of the reference.

    Example
    -------
    >>> rlne(np.array([3.0, 0.0]), np.array([3.0, 4.0]))
    0.8
    """
    size = np.linalg.norm(reference)
    if spectrum.shape != reference.shape or not size > 0:
        raise InputError(
            f"a reference must have the shape of the spectrum and must not be zero, got {reference.shape} for "
            f"{spectrum.shape}, norm {size:g}"
        )
    return float(np.linalg.norm(spectrum - reference) / size)


def pick(spectrum: np.ndarray, threshold: float) -> np.ndarray:
    """Find peaks: points whose magnitude exceeds a threshold and is the largest within two points.

    Arguments
    ---------
    spectrum : np.ndarray
        Real, of any number of dimensions.
    threshold : float
        In the units of the spectrum.

    Returns
    -------
    np.ndarray
        bool, shape of ``spectrum``.

    Example
    -------
    >>> pick(np.array([0.0, 1.0, 2.0, 1.0, 0.0, 0.0, -3.0]), 0.5).nonzero()[0]
    array([2, 6])
    """
    magnitude = np.abs(spectrum)
    # A discrete Fourier transform is periodic, so both ends of an axis are neighbours.
    return (magnitude == maximum_filter(magnitude, 2 * NEAR + 1, mode="wrap")) & (magnitude > threshold)


def threshold_of(reference: np.ndarray, floor: float = FLOOR) -> float:
    """Return the height above which a reference has peaks, in its units.

    It is a share of the highest peak or eight standard deviations of the noise, whichever is more. The noise is
    estimated from the median magnitude of the rows that hold a signal at all.

    Example
    -------
    >>> threshold_of(np.array([[0.0, 100.0, 0.0, 1.0, -1.0]]))
    11.8...
    """
    in_range("floor", floor, 0, 1, "of the highest peak", "0.005")
    magnitude = np.abs(reference)
    rows = magnitude.reshape(-1, magnitude.shape[-1])
    rows = rows[rows.max(axis=1) > floor * magnitude.max()]
    return float(max(floor * magnitude.max(), SIGMAS * MAD_TO_STD * np.median(rows)))


def recovery(spectrum: np.ndarray, reference: np.ndarray, floor: float = FLOOR) -> dict[str, float | None]:
    """Compare a reconstructed spectrum with its reference.

    Arguments
    ---------
    spectrum : np.ndarray
        Reconstructed, real, phased, (points in F1, points in F2).
    reference : np.ndarray
        Fully sampled, same shape, processed alike.
    floor : float
        Height of the lowest peaks, as a share of the highest.

    Returns
    -------
    dict[str, float | None]
        ``rlne``: relative error of the whole spectrum. ``peaks``, ``weak_peaks``: number of peaks in the reference, and
        of those below 4% of the highest. ``peak_r2``, ``weak_peak_r2``: squared correlations of the heights at these
        peaks, None for fewer than three. ``slope``: of the heights, least squares through zero, 1 where nothing is
        lost. ``weak_recall``: share of the weak peaks with a peak of at least half the threshold within two points.
        ``lost``: number of all peaks without one.
        ``false_peaks``: number of peaks where the reference stays below half the threshold within two points.

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
    # Half the threshold keeps a peak near it from counting as lost or invented by a small error of its height.
    silent = maximum_filter(np.abs(reference), 2 * NEAR + 1, mode="wrap") < threshold / 2
    return {
        "rlne": error,
        "peaks": int(peaks.sum()),
        "weak_peaks": int(weak.sum()),
        "peak_r2": _squared_correlation(ours, true),
        "weak_peak_r2": _squared_correlation(ours[weak], true[weak]),
        "slope": float(ours @ true / (true @ true)) if len(true) else None,
        "weak_recall": float(found[weak].mean()) if weak.any() else None,
        "lost": int((~found).sum()),
        "false_peaks": int((pick(spectrum, threshold) & silent).sum()),
    }


def spread(spectra: np.ndarray, floor: float = FLOOR) -> dict[str, np.ndarray]:
    """Measure how far reconstructions from several schedules agree: a confidence that needs no reference.

    Arguments
    ---------
    spectra : np.ndarray
        Real, (schedules, points in F1, points in F2), two schedules or more.
    floor : float
        Height of the lowest peaks of the mean spectrum, as a share of the highest.

    Returns
    -------
    dict[str, np.ndarray]
        ``mean``, ``std``: (points in F1, points in F2). ``peaks``: indices of the peaks of the mean, (peaks, 2).
        ``height``, ``relative_std``: height of each, and standard deviation there over the height, (peaks,). A peak
        whose value is near 1 cannot be trusted.

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
    return {"mean": mean, "std": std} | peaks_of(mean, std, floor)


def peaks_of(spectrum: np.ndarray, std: np.ndarray, floor: float = FLOOR) -> dict[str, np.ndarray]:
    """List the peaks of a spectrum with the standard deviation of their heights.

    Arguments
    ---------
    spectrum, std : np.ndarray
        Real, of any number of dimensions: the spectrum, and the standard deviation of each point.
    floor : float
        Height of the lowest peaks, as a share of the highest.

    Returns
    -------
    dict[str, np.ndarray]
        ``peaks``, ``height``, ``relative_std`` as `spread` returns them.

    Example
    -------
    >>> spectrum = np.zeros((8, 8))
    >>> spectrum[2, 2] = 10
    >>> peaks_of(spectrum, np.ones((8, 8)))["relative_std"].tolist()
    [0.1]
    """
    places = np.argwhere(pick(spectrum, threshold_of(spectrum, floor)))
    heights = spectrum[tuple(places.T)]
    return {"peaks": places, "height": heights, "relative_std": std[tuple(places.T)] / np.abs(heights)}


def _squared_correlation(ours, true):
    if len(true) < 3 or not np.std(ours) or not np.std(true):
        return None
    return float(np.corrcoef(ours, true)[0, 1] ** 2)
