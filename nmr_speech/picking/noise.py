"""The noise of a processed spectrum, whose points window and zero filling have made depend on one another."""

import numpy as np
from scipy.ndimage import maximum_filter1d

MAD_TO_STD = 1.4826  # standard deviation over median absolute deviation, for Gaussian noise
BLOCK = {1: 128, 2: 24}  # points along each axis
BLANK = 0.03  # share of the upper decile below which a block holds no noise: zeros, or what a soft threshold left

WIGGLE = 0.02  # share of a strong point that counts as noise near it: a cosine window leaves side lobes of 7%
BESIDE = 24  # points along its row and column within which it does
RIDGE = 0.003  # share of a strong point of a plane that counts as noise anywhere in its row and column


def noise_std(spectrum: np.ndarray) -> float:
    """Estimate the standard deviation of the noise of a real spectrum.

    It is the median over blocks of a robust estimate in each. The median over the whole spectrum is near zero where
    more than half of it is blank, as reconstructions and cut-out water are; such blocks are left out here.

    Arguments
    ---------
    spectrum : np.ndarray
        Real, (n,) or (n1, n2).

    Returns
    -------
    float
        In the units of the spectrum; 0 for a constant spectrum.

    Example
    -------
    >>> plane = np.random.default_rng(0).normal(size=(256, 256))
    >>> plane[:, :180] = 0
    >>> round(noise_std(plane), 1)
    1.0
    """
    by_block = np.array([_std(block) for block in _blocks(np.asarray(spectrum, dtype=float))])
    by_block = by_block[by_block > 0]
    if not len(by_block):
        return 0.0
    return float(np.median(by_block[by_block > BLANK * np.quantile(by_block, 0.9)]))


def local_noise(plane: np.ndarray, noise: float, caution: float = 1.0) -> np.ndarray:
    """Raise the noise where there is more of it: in rows and columns with t1 ridges, and beside strong lines.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise : float
        Standard deviation of the noise of the whole plane.
    caution : float
        Factor of the shares of strong points that count as noise; 0 to count none.

    Returns
    -------
    np.ndarray
        Standard deviation at each point, shape of ``plane``.

    Example
    -------
    >>> plane = np.random.default_rng(0).normal(size=(512, 64))
    >>> plane[:, 10] *= 20
    >>> local = local_noise(plane, 1.0)
    >>> bool(15 < local[0, 10] < 25), round(float(np.median(local)), 1)
    (True, 1.1)
    """
    magnitude = np.abs(plane)
    local = np.full(plane.shape, float(noise))
    for axis in range(plane.ndim):
        if plane.ndim > 1:
            local = np.maximum(local, MAD_TO_STD * np.median(magnitude, axis=axis, keepdims=True))
            local = np.maximum(local, caution * RIDGE * magnitude.max(axis=axis, keepdims=True))
        local = np.maximum(local, caution * WIGGLE * maximum_filter1d(magnitude, 2 * BESIDE + 1, axis=axis))
    return local


def _std(block: np.ndarray) -> float:
    return MAD_TO_STD * float(np.median(np.abs(block - np.median(block))))


def _blocks(spectrum: np.ndarray) -> list[np.ndarray]:
    size = BLOCK[spectrum.ndim]
    parts = [spectrum]
    for axis in range(spectrum.ndim):
        count = max(1, spectrum.shape[axis] // size)
        parts = [piece for part in parts for piece in np.array_split(part, count, axis=axis)]
    return parts
