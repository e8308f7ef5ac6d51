"""One call for all pickers: from a spectrum to a table of its peaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, one_of
from nmr_speech.picking.deep_picker import find_deep_picker, find_nmr_net
from nmr_speech.picking.fit import fit_peaks
from nmr_speech.picking.maxima import find_maxima
from nmr_speech.picking.noise import noise_std
from nmr_speech.picking.peaks import Candidates, Peaks

Find: TypeAlias = Callable[[np.ndarray, float], Candidates]
"""``find(plane, noise_std)``: real (n,) or (n1, n2), standard deviation of its noise, to candidates."""


@dataclass(frozen=True)
class Picker:
    """A way to find peaks.

    Arguments
    ---------
    find : Find
        From a plane and the standard deviation of its noise to candidates.
    threshold : float
        Probability above which a candidate is a peak, where the caller gives none.
    dimensions : tuple[int, ...]
        Numbers of dimensions that it can pick in.
    splits : bool
        Whether the fit looks for two lines where one was proposed, unless the caller says.

    Example
    -------
    >>> METHODS["maxima"].dimensions
    (1, 2)
    """

    find: Find
    threshold: float = 0.5
    dimensions: tuple[int, ...] = (1, 2)
    splits: bool = False


def find_auto(plane: np.ndarray, noise: float) -> Candidates:
    """Find peaks by what measured best: NMR-Net in planes (n1, n2), local maxima in spectra (n,); see `Find`."""
    return find_nmr_net(plane, noise) if plane.ndim == 2 else find_maxima(plane, noise)


METHODS = {
    "auto": Picker(find_auto),
    "deep_picker": Picker(find_deep_picker, threshold=0.6, splits=True),
    "nmr_net": Picker(find_nmr_net, dimensions=(2,)),
    "maxima": Picker(find_maxima),
}
DEFAULT = "auto"


def pick(
    spectrum: np.ndarray,
    axes: Axis | tuple[Axis, ...],
    method: str = DEFAULT,
    threshold: float | None = None,
    fit: bool = True,
    split: bool | None = None,
) -> Peaks:
    """Pick the peaks of a spectrum.

    Arguments
    ---------
    spectrum : np.ndarray
        Real and phased, (n,) or (n1, n2), shifts rising along each axis.
    axes : Axis | tuple[Axis, ...]
        Its axes, (F1, F2) for a plane.
    method : str
        One of `METHODS`.
    threshold : float | None
        Least probability of a peak, from 0 to 1; None for that of the method.
    fit : bool
        Whether to refine positions, heights and widths by a fit of Voigt lines; without it they are read off the
        points.
    split : bool | None
        Whether the fit puts two lines in the place of a peak where they explain its points and one does not; None for
        what is usual with the method. It takes the multiplets of a TOCSY apart too.

    Returns
    -------
    Peaks
        By falling probability; empty for a constant spectrum.

    Example
    -------
    >>> axis = Axis(128, width_hz=1280.0, carrier_ppm=5.0, field_mhz=500.0)
    >>> spectrum = 10 / (1 + ((axis.hz() - 100) / 20) ** 2)  # 40 Hz wide, at 5.2 ppm
    >>> peaks = pick(spectrum, axis, method="maxima")
    >>> peaks.position_ppm.round(4), peaks.width_hz.round(2), peaks.height.round(3)
    (array([[5.2]]), array([[40.]]), array([10.]))
    """
    axes = (axes,) if isinstance(axes, Axis) else tuple(axes)
    picker = METHODS[one_of("method", method, METHODS)]
    splits = picker.splits if split is None else one_of("split", split, (True, False))
    plane = _checked(spectrum, axes, method, picker)
    least = picker.threshold if threshold is None else in_range("threshold", threshold, 0, 1, "as a probability")
    level = noise_std(plane)
    if plane.min() == plane.max():
        return Peaks.none(plane.ndim)
    found = picker.find(plane, level)
    chosen = found.probability >= least
    found = Candidates(found.points[chosen], found.probability[chosen])
    return fit_peaks(plane, axes, found, level, refine=fit, split=splits).ranked()


def _checked(spectrum, axes, method, picker) -> np.ndarray:
    plane = np.asarray(spectrum)
    if plane.ndim not in picker.dimensions:
        wanted = " or ".join(f"{d}D" for d in picker.dimensions)
        raise InputError(
            f"`spectrum` must be {wanted} for the method {method!r}, got {plane.ndim}D of shape {plane.shape}"
        )
    if not np.issubdtype(plane.dtype, np.floating) and not np.issubdtype(plane.dtype, np.integer):
        raise InputError(f"`spectrum` must be real, got {plane.dtype}; phase it and give its real part")
    if not all(isinstance(axis, Axis) for axis in axes):
        raise InputError("`axes` must be of nmr_speech.axis.Axis: they say which point has which ppm")
    if tuple(axis.n for axis in axes) != plane.shape:
        sizes = " x ".join(str(axis.n) for axis in axes)
        raise InputError(f"`axes` must have the points of the spectrum, {plane.shape}, got {sizes}")
    if not plane.size or not np.isfinite(plane).all():
        raise InputError("`spectrum` must hold finite numbers, got NaN or infinity, or nothing")
    return np.ascontiguousarray(plane, dtype=float)
