"""TOCSY planes whose peaks are known: where pairs of groups of a molecule have them, and what stands there.

A peak is the diagonal or cross peak of two groups, however its multiplet looks.
"""

from collections.abc import Sequence

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.enhancement.signals import log_uniform
from nmr_speech.picking.planes import Plane, spoilt
from nmr_speech.simulate import Acquisition, draw_molecule
from nmr_speech.simulate.fid import cosine_window
from nmr_speech.simulate.first_order import first_order
from nmr_speech.simulate.molecule import Molecule

WIDTH = 3.0  # points of a plane zero filled once: windows over all transients, and the multiplets
REACH = 2  # points within which a peak may be highest
MOLECULES = 5  # of a drawn plane, at most
FIELD_MHZ = (400.0, 900.0)
CARRIER_PPM = 3.5
INSIDE = 0.95  # share of the width within which all lines of a molecule lie
DECAY_S = (0.03, 0.15)
MIXING_S = (0.02, 0.1)
AMOUNTS = 10.0  # largest over smallest
SNR = (50.0, 100_000.0)  # of the highest peak; a sample of small molecules reaches that
SPOILT = 0.7  # share of the planes with more than white noise
FAINTEST = 1e-3  # share of the highest point below which nothing is called a peak: what mixing hardly reaches


def plane_of(
    signals: Sequence[tuple[torch.Tensor, np.ndarray]], axis: Axis, noise: np.ndarray | float, power: float = 2
) -> Plane:
    """Make a plane of the sum of molecules.

    Arguments
    ---------
    signals : Sequence[tuple[torch.Tensor, np.ndarray]]
        States pair (2, n, n) and shifts in ppm (groups,) of each molecule.
    axis : Axis
        Of both dimensions of the signals, n points.
    noise : np.ndarray | float
        Standard normal numbers (2 n, 2 n) times the ratio of noise to the highest point; 0 for none.
    power : float
        Of the cosine window in both dimensions.

    Returns
    -------
    Plane
        2 n points along both axes. A peak has no height where it need not be found: on the flank of another, or within
        two points of a higher one.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> pair, axis = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}), Axis(64)
    >>> fid = tocsy(pair, [4.0, 2.0], n_transients=64, n_points=64, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> plane = plane_of([(fid, np.array([4.0, 2.0]))], axis, 0.0)
    >>> plane.values.shape, len(plane.points), bool((plane.height > 0).all())
    ((128, 128), 4, True)
    """
    planes = [absorption(fid, power) for fid, _ in signals]
    total, points, heights = sum(planes), [], []
    fine = axis.resized(2 * axis.n)
    floor = FAINTEST * np.abs(total).max()
    for own, (_, shifts) in zip(planes, signals, strict=True):
        where = (shifts - fine.ppm()[0]) / (fine.width_ppm / fine.n)
        for place in ((a, b) for a in where for b in where):
            top = _near(own, *place)
            if top is not None:
                points.append(place)
                heights.append(top if abs(top) > floor else 0.0)
    centres = np.array(points).reshape(-1, 2)
    values = total + noise * np.abs(total).max()
    std = float(np.std(noise) * np.abs(total).max())
    return Plane(values, std, centres, _told_apart(centres, np.array(heights)), np.full(centres.shape, WIDTH))


def draw_tocsy_plane(rng: np.random.Generator, n: int = 128) -> Plane:
    """Draw a TOCSY of synthetic molecules, to first order.

    Arguments
    ---------
    rng : np.random.Generator
        Source of the draws.
    n : int
        Transients, and points of each.

    Returns
    -------
    Plane
        (2 n, 2 n); no molecule is near an amino acid.

    Example
    -------
    >>> draw_tocsy_plane(np.random.default_rng(0), 64).values.shape
    (128, 128)
    """
    field_mhz = rng.uniform(*FIELD_MHZ)
    acquisition = Acquisition(
        n_transients=n,
        n_points=n,
        field_mhz=field_mhz,
        spectral_width_hz=12.0 * field_mhz * n / 256,  # as fine as 256 points over 12 ppm
        carrier_ppm=CARRIER_PPM,
        mixing_time_s=log_uniform(rng, MIXING_S),
        decay_time_t1_s=log_uniform(rng, DECAY_S),
        decay_time_t2_s=log_uniform(rng, DECAY_S),
    )
    count = rng.integers(1, MOLECULES + 1)
    molecules: list[Molecule] = []
    shifts: list[np.ndarray] = []
    while len(molecules) < count:
        molecule = draw_molecule(int(rng.integers(2**62)))
        own = molecule.draw_shifts(rng, 1)
        if (np.abs(own - CARRIER_PPM) < INSIDE * acquisition.f2.width_ppm / 2).all():  # what folds has no place here
            molecules.append(molecule)
            shifts.append(own)
    amounts = np.exp(rng.uniform(-np.log(AMOUNTS), 0, len(molecules)))
    fids = first_order(molecules, shifts, acquisition).fid()
    signals = [(amount * fid, own[0]) for amount, fid, own in zip(amounts, fids, shifts, strict=True)]
    power = rng.choice([1.0, 2.0])
    plane = plane_of(signals, acquisition.f2, rng.normal(size=(2 * n, 2 * n)) / log_uniform(rng, SNR), power)
    if rng.uniform() > SPOILT:
        return plane
    clean = plane_of(signals, acquisition.f2, 0.0, power).values
    return Plane(
        spoilt(rng, plane.values, clean, plane.noise_std), plane.noise_std, plane.points, plane.height, plane.width
    )


def absorption(fid: torch.Tensor, power: float = 2) -> np.ndarray:
    """Transform a States pair (2, n, n) under powers of a cosine, with as many zeros as points, to (2 n, 2 n).

    Example
    -------
    >>> t = torch.arange(32)
    >>> line = torch.exp(2j * torch.pi * 4 / 32 * t - 0.1 * t)
    >>> plane = absorption(torch.stack([line.real[:, None] * line, line.imag[:, None] * line]))
    >>> [int(k) for k in np.unravel_index(plane.argmax(), plane.shape)]
    [40, 40]
    """
    n = fid.shape[-1]
    window = cosine_window(n, power)
    weighted = fid.numpy() * window[:, None] * window
    rows = np.fft.fft(weighted, 2 * n).real
    return np.fft.fftshift(np.fft.fft(rows[0] + 1j * rows[1], 2 * n, axis=0).real)


def _near(plane, a, b):
    """What stands at a pair of groups: 0 on the flank of another peak; None at the border, or where it has folded."""
    i, j = round(a), round(b)
    if not (REACH < i < len(plane) - REACH and REACH < j < len(plane) - REACH):
        return None
    part = np.abs(plane[i - REACH : i + REACH + 1, j - REACH : j + REACH + 1])
    k, m = np.unravel_index(part.argmax(), part.shape)
    shoulder = max(abs(k - REACH), abs(m - REACH)) == REACH
    return 0.0 if shoulder else float(plane[i - REACH + k, j - REACH + m])


def _told_apart(points, heights):
    """Heights, 0 for peaks that stand within two points of a higher one: they may be found, but need not be."""
    near = np.abs(points[:, None] - points[None]).max(axis=2) < REACH
    order = np.argsort(np.argsort(-np.abs(heights), kind="stable"))
    hidden = (near & (order[None] < order[:, None])).any(axis=1)
    return np.where(hidden, 0.0, heights)
