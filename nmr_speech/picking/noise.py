"""The noise of a processed spectrum, whose points window and zero filling have made depend on one another."""

import numpy as np

MAD_TO_STD = 1.4826  # standard deviation over median absolute deviation, for Gaussian noise
BLOCK = {1: 128, 2: 24}  # points along each axis
BLANK = 0.03  # share of the upper decile below which a block holds no noise: zeros, or what a soft threshold left


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


def local_noise(plane: np.ndarray, noise: float) -> np.ndarray:
    """Raise the noise where a whole row or column has more of it: t1 ridges, wiggles of a truncated strong line.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n,) or (n1, n2).
    noise : float
        Standard deviation of the noise of the whole plane.

    Returns
    -------
    np.ndarray
        Standard deviation at each point, shape of ``plane``; ``noise`` everywhere in one dimension.

    Example
    -------
    >>> plane = np.random.default_rng(0).normal(size=(512, 64))
    >>> plane[:, 10] *= 20
    >>> local = local_noise(plane, 1.0)
    >>> bool(15 < local[0, 10] < 25), round(float(np.median(local)), 1)
    (True, 1.1)
    """
    local = np.full(plane.shape, float(noise))
    if plane.ndim == 2:
        for axis in (0, 1):
            spread = MAD_TO_STD * np.median(np.abs(plane), axis=axis, keepdims=True)
            local = np.maximum(local, spread)
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
