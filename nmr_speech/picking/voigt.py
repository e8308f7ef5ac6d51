"""The Voigt line: a Lorentzian, as decay in time makes it, convolved with a Gaussian, as windows and shims do."""

import numpy as np
from scipy.special import erfcx, wofz

STD_PER_FWHM = 1 / np.sqrt(8 * np.log(2))  # of a Gaussian


def voigt(x: np.ndarray, gaussian: float, lorentzian: float) -> np.ndarray:
    """Return a Voigt line of height 1 at x = 0.

    It is Re w((x + i gamma) / (sigma sqrt 2)) over its value at zero, where w is the Faddeeva function (NIST Digital
    Library of Mathematical Functions, 7.19).

    Arguments
    ---------
    x : np.ndarray
        Distances from the centre, any shape.
    gaussian, lorentzian : float
        Full widths at half height of the two parts, in the unit of ``x``; the first above zero.

    Returns
    -------
    np.ndarray
        Shape of ``x``.

    Example
    -------
    >>> voigt(np.array([0.0, 1.0]), 2.0, 0.0)  # a Gaussian has half its height at half its width
    array([1. , 0.5])
    >>> voigt(np.array([0.0, 1.0]), 1e-3, 2.0).round(4)  # and so has a Lorentzian
    array([1. , 0.5])
    """
    return voigt_and_slopes(x, gaussian, lorentzian)[0]


def voigt_and_slopes(x: np.ndarray, gaussian: float, lorentzian: float) -> np.ndarray:
    """Return `voigt` and its derivatives by x and by both widths, (4, *shape of x).

    They follow from w'(z) = -2 z w(z) + 2i / sqrt(pi).

    Example
    -------
    >>> value, by_x, _, _ = voigt_and_slopes(np.array([0.5, 0.5001]), 1.0, 1.0)
    >>> bool(abs((value[1] - value[0]) / 1e-4 - by_x[0]) < 1e-4)
    True
    """
    root = gaussian * STD_PER_FWHM * np.sqrt(2)
    y = lorentzian / 2 / root
    z = x / root + 1j * y
    w = wofz(z)
    slope = -2 * z * w + 2j / np.sqrt(np.pi)
    top, top_slope = erfcx(y), 2 * y * erfcx(y) - 2 / np.sqrt(np.pi)
    value = w.real / top
    by_x = slope.real / root / top
    by_gaussian = (-(slope * z).real + value * top_slope * y) / gaussian / top
    by_lorentzian = (-slope.imag - value * top_slope) / (2 * root) / top
    return np.stack([value, by_x, by_gaussian, by_lorentzian])


def full_width(gaussian: float, lorentzian: float) -> tuple[float, np.ndarray]:
    """Return the full width at half height, and its derivatives by both widths.

    The formula is that of Olivero and Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977) 233, right to 0.02%.

    Example
    -------
    >>> bool(full_width(1.0, 0.0)[0] == 1), bool(abs(full_width(1e-9, 1.0)[0] - 1) < 1e-4)
    (True, True)
    """
    root = np.sqrt(0.2166 * lorentzian**2 + gaussian**2)
    return 0.5346 * lorentzian + root, np.array([gaussian / root, 0.5346 + 0.2166 * lorentzian / root])


def area(gaussian: float, lorentzian: float) -> tuple[float, np.ndarray]:
    """Return the integral of a `voigt` of height 1, and its derivatives by both widths.

    Example
    -------
    >>> round(area(1e-9, 1.0)[0], 4) == round(np.pi / 2, 4)  # of a Lorentzian of width 1
    True
    """
    sigma = gaussian * STD_PER_FWHM
    y = lorentzian / 2 / (sigma * np.sqrt(2))
    top, top_slope = erfcx(y), 2 * y * erfcx(y) - 2 / np.sqrt(np.pi)
    result = sigma * np.sqrt(2 * np.pi) / top
    by_gaussian = result / gaussian * (1 + top_slope * y / top)
    by_lorentzian = -result * top_slope / top / (2 * sigma * np.sqrt(2))
    return float(result), np.array([by_gaussian, by_lorentzian])
