"""3D experiments as States pairs in both indirect dimensions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import LONGEST_MESSAGE, InputError, printable
from nmr_speech.spectrometer.rows import states_pairs

MOST_POINTS = 2**27  # complex points of a cube, 1 GiB
COMPONENTS = 4  # cosine and sine in t1, cosine and sine in t2


@dataclass(frozen=True, eq=False, kw_only=True)
class CubeExperiment:
    """A 3D experiment as it was measured.

    Arguments
    ---------
    fid : np.ndarray
        complex64, (n_1, 2, n_2, 2, n_points): cosine and sine in t1 and t2; zeros where nothing was measured.
    f1, f2, f3 : Axis
        Axes of both indirect dimensions, and of the observed one.
    t3_start : float
        Time of the first point in dwell times of t3: minus the group delay where a digital filter builds up.
    schedule : np.ndarray | None
        Indices in t1 and t2 of the points measured, from 0, (m, 2), where they were sampled non-uniformly.
    nucleus : str
        Nucleus of F3.
    source : str
        The file or folder.
    steps, warnings : tuple[str, ...]
        What was found and done, and what makes the result doubtful, one sentence each.
    """

    fid: np.ndarray
    f1: Axis
    f2: Axis
    f3: Axis
    t3_start: float = 0.0
    schedule: np.ndarray | None = None
    nucleus: str = "1H"
    source: str = "simulated"
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("steps", "warnings"):
            object.__setattr__(self, name, tuple(printable(line, LONGEST_MESSAGE) for line in getattr(self, name)))
        shape = (self.f1.n, 2, self.f2.n, 2, self.f3.n)
        if not np.iscomplexobj(self.fid) or self.fid.shape != shape:
            raise InputError(f"`fid` must be complex with shape {shape}, got {self.fid.dtype} {self.fid.shape}")


def place_points(
    rows: np.ndarray,
    grid: tuple[int, int],
    schedule: np.ndarray | None,
    source: str | Path,
    t1_faster: bool = False,
) -> np.ndarray:
    """Put rows at their places on the grid of both indirect times, zeros elsewhere.

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points), in the order of measurement: all of the grid, t2 faster than t1, with both parts of
        t2 before the next of t1; or, with a schedule, the four of each point, t2 faster.
    grid : tuple[int, int]
        Complex points n_1 and n_2.
    schedule : np.ndarray | None
        Indices of the points measured, (m, 2).
    source : str | Path
        The file, for messages.
    t1_faster : bool
        Whether t1 and t2 have changed places in the order of measurement.

    Returns
    -------
    np.ndarray
        complex, (n_1, 2, n_2, 2, n_points).

    Example
    -------
    >>> place_points(np.arange(4)[:, None] + 0j, (2, 2), np.array([[1, 0]]), "ser")[1, :, 0, :, 0].real.tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    if t1_faster:
        turned = None if schedule is None else schedule[:, ::-1]
        return place_points(rows, (grid[1], grid[0]), turned, source).transpose(2, 3, 0, 1, 4)
    n_1, n_2 = grid
    n_rows, n_points = rows.shape
    if n_1 * n_2 * COMPONENTS * n_points > MOST_POINTS:
        raise InputError(f"{source}: a cube must have at most {MOST_POINTS} complex points, got {rows.shape}; cut it")
    full = n_1 * n_2 * COMPONENTS
    if n_rows == full:
        return rows.reshape(n_1, 2, n_2, 2, n_points)
    m = None if schedule is None else len(schedule)
    if schedule is None or m is None or n_rows != COMPONENTS * m:
        listed = "no schedule" if m is None else f"a schedule of {m} points, {COMPONENTS * m} rows"
        hint = "give the `schedule`" if m is None else "is it the schedule of this experiment?"
        raise InputError(
            f"{source}: must hold the {full} rows of a grid of {n_1} x {n_2} points, four for each, or four for each "
            f"point of a schedule, got {n_rows} rows and {listed}; {hint}"
        )
    placed = np.zeros((n_1, n_2, 2, 2, n_points), dtype=rows.dtype)
    placed[tuple(schedule.T)] = rows.reshape(m, 2, 2, n_points)
    return placed.transpose(0, 2, 1, 3, 4)


def sort_pairs(placed: np.ndarray, quadratures: tuple[str, str], source: str | Path) -> np.ndarray:
    """Make cosine and sine of both indirect dimensions, as they were sampled.

    Arguments
    ---------
    placed : np.ndarray
        complex, (n_1, 2, n_2, 2, n_points), as `place_points` returns it.
    quadratures : tuple[str, str]
        How t1 and t2 were sampled; see `nmr_speech.spectrometer.rows.states_pairs`.
    source : str | Path
        The file, for messages.

    Returns
    -------
    np.ndarray
        complex64, the same shape.

    Example
    -------
    >>> placed = np.ones((2, 2, 1, 2, 1)) + 0j
    >>> sort_pairs(placed, ("states_tppi", "states"), "ser")[:, 0, 0, 0, 0].real.tolist()
    [1.0, -1.0]
    """
    if "tppi" in quadratures:
        raise InputError(
            f"{source}: cosine and sine must be sampled at the same times, in TPPI they are not; measure with "
            "States-TPPI"
        )
    n_1, _, n_2, _, n_points = placed.shape
    first, _ = states_pairs(placed.reshape(2 * n_1, -1), quadratures[0])
    turned = first.reshape(2, n_1, 2 * n_2, n_points).transpose(2, 0, 1, 3)
    second, _ = states_pairs(turned.reshape(2 * n_2, -1), quadratures[1])  # (2, n_2, 2 n_1 n_points)
    return second.reshape(2, n_2, 2, n_1, n_points).transpose(3, 2, 1, 0, 4).astype(np.complex64)
