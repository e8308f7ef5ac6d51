"""Sampling schedules: which points of the indirect dimensions are measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError, whole

MOST_POINTS = 2**20
TRIES = 10_000
STEP = 1.02  # of the weight, from try to try


def poisson_gap(n: int | tuple[int, int], m: int, seed: int | Sequence[int]) -> np.ndarray:
    """Draw a sine-weighted Poisson-gap schedule.

    Gaps between points are drawn from Poisson distributions whose mean is ``w sin(pi/2 (i + 1/2) / (n + 1))`` at point
    i: small at the beginning, where the signal is strong, large at the end. The weight w starts at ``2 (n / m - 1)``
    and is changed by 2% from try to try until there are exactly m points. From Hyberts, Takeuchi and Wagner, J. Am.
    Chem. Soc. 132, 2145 (2010), in the form for signals that are apodised (a quarter of a sine).

    In two dimensions each cell lies on one thread: threads run along the rows and along the columns by turns, both from
    the diagonal on, with the argument ``pi/2 (i + j + 1/2) / (n_1 + n_2)``.

    Arguments
    ---------
    n : int | tuple[int, int]
        Points of the full grid.
    m : int
        Points to measure.
    seed : int | Sequence[int]
        As for `numpy.random.default_rng`.

    Returns
    -------
    np.ndarray
        int64, rising, (m,); in two dimensions pairs, (m, 2). The first point is always there.

    Example
    -------
    >>> poisson_gap(64, 12, seed=1)
    array([ 0,  1,  3,  6, 10, 12, 20, 28, 34, 40, 54, 62])
    >>> poisson_gap((8, 8), 3, seed=1)
    array([[0, 0],
           [0, 3],
           [3, 0]])
    """
    shape = tuple(whole("n", size, 2, MOST_POINTS) for size in np.atleast_1d(n).tolist())
    size = int(np.prod(shape))
    m = whole("m", m, 1, size)
    rng = np.random.default_rng(seed)
    rise = _sine(shape)
    walk = _along_line if len(shape) == 1 else _along_threads
    weight = 2 * (size / m - 1)
    for _ in range(TRIES):
        points = walk(rng.poisson(weight * rise))
        if len(points) == m:
            return np.array(sorted(points), dtype=np.int64)
        weight *= STEP if len(points) > m else 1 / STEP
    raise InputError(f"no schedule of {m} of {n} points was found in {TRIES} tries; take another `seed` or `m`")


def _sine(shape):
    if len(shape) == 1:
        return np.sin(np.pi / 2 * (np.arange(shape[0]) + 0.5) / (shape[0] + 1))
    return np.sin(np.pi / 2 * (np.add.outer(*map(np.arange, shape)) + 0.5) / sum(shape))


def _along_line(gaps):
    points, gaps, at = [], gaps.tolist(), 0
    while at < len(gaps):
        points.append(at)
        at += 1 + gaps[at]
    return points


def _along_threads(gaps):
    points, gaps = [], gaps.tolist()
    rows, columns = len(gaps), len(gaps[0])
    for k in range(min(rows, columns)):
        at = k + (gaps[k][k] if k else 0)
        while at < columns:
            points.append((k, at))
            at += 1 + gaps[k][at]
        at = k + 1 + gaps[k][k]
        while at < rows:
            points.append((at, k))
            at += 1 + gaps[at][k]
    return points


def poisson_gaps(n: int, m: int, count: int, seed: int) -> torch.Tensor:
    """Draw many schedules as masks; row i is ``poisson_gap(n, m, (seed, i))``. A quarter of a millisecond each.

    Arguments
    ---------
    n, m : int
        As for `poisson_gap`.
    count : int
        Schedules to draw.
    seed : int
        Of all of them.

    Returns
    -------
    torch.Tensor
        bool, (count, n).

    Example
    -------
    >>> poisson_gaps(8, 3, 2, seed=1).int()
    tensor([[1, 1, 0, 0, 0, 1, 0, 0],
            [1, 1, 0, 1, 0, 0, 0, 0]], dtype=torch.int32)
    """
    masks = torch.zeros(whole("count", count, 1, 2**31), n, dtype=torch.bool)
    for i, row in enumerate(masks):
        row[torch.from_numpy(poisson_gap(n, m, (seed, i)))] = True
    return masks


def check_schedule(schedule: Sequence | np.ndarray | torch.Tensor, n: int | tuple[int, ...]) -> np.ndarray:
    """Refuse a list of indices that is no schedule for ``n`` points.

    Arguments
    ---------
    schedule : Sequence | np.ndarray | torch.Tensor
        Indices from 0, (m,); in d dimensions (m, d). In any order.
    n : int | tuple[int, ...]
        Points of the full grid.

    Returns
    -------
    np.ndarray
        int64, in the order given.

    Example
    -------
    >>> check_schedule([0, 3, 3], 8)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the schedule must hold each point once, got 3 more than once (entries 2 and 3)
    """
    shape = tuple(np.atleast_1d(n).tolist())
    entries = np.asarray(schedule)
    if entries.size == 0:
        raise InputError("the schedule must hold at least one point, got none")
    if entries.dtype.kind == "f" and (entries == np.round(entries)).all():
        entries = entries.astype(np.int64)
    if entries.dtype.kind not in "iu":
        raise InputError(f"the schedule must hold whole numbers, got {entries.dtype} ({entries.ravel()[0]!r} first)")
    wanted = "one index" if len(shape) == 1 else f"{len(shape)} indices"
    if entries.ndim != (1 if len(shape) == 1 else 2) or (entries.ndim == 2 and entries.shape[1] != len(shape)):
        raise InputError(f"the schedule must hold {wanted} a point, got an array of shape {entries.shape}")
    entries = entries.astype(np.int64)
    _check_range(entries, shape)
    _check_once(entries)
    return entries


def _check_range(entries, shape):
    outside = ((entries < 0) | (entries >= np.array(shape)[None if entries.ndim == 2 else 0])).reshape(len(entries), -1)
    if outside.any():
        first = int(outside.any(axis=1).argmax())
        counted = "; does it count from 1?" if entries.min() > 0 and (entries.max(axis=0) <= shape).all() else ""
        sizes = " x ".join(map(str, shape))
        raise InputError(
            f"the schedule must hold indices from 0 up to {sizes} less one, got {_said(entries[first])} (entry "
            f"{first + 1}){counted}"
        )


def _check_once(entries):
    _, first, inverse = np.unique(entries, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse.ravel()] != np.arange(len(entries)))
    if len(again):
        one = int(again[0])
        raise InputError(
            f"the schedule must hold each point once, got {_said(entries[one])} more than once (entries "
            f"{first[inverse.ravel()[one]] + 1} and {one + 1})"
        )


def _said(entry):
    return ", ".join(map(str, np.atleast_1d(entry).tolist()))


def sampling_mask(schedule: Sequence | np.ndarray | torch.Tensor, n: int | tuple[int, ...]) -> torch.Tensor:
    """Turn a schedule into a mask; a mask is checked and returned.

    Arguments
    ---------
    schedule : Sequence | np.ndarray | torch.Tensor
        Indices, as for `check_schedule`, or a mask, bool, (..., n): one schedule for each signal.
    n : int | tuple[int, ...]
        Points of the full grid.

    Returns
    -------
    torch.Tensor
        bool, (n,), or as the mask came.

    Example
    -------
    >>> sampling_mask([0, 2], 4)
    tensor([ True, False,  True, False])
    """
    shape = tuple(np.atleast_1d(n).tolist())
    given = schedule if isinstance(schedule, torch.Tensor) else torch.as_tensor(np.asarray(schedule))
    if given.dtype != torch.bool:
        mask = torch.zeros(shape, dtype=torch.bool, device=given.device)
        mask[tuple(torch.from_numpy(check_schedule(given.cpu(), n)).reshape(-1, len(shape)).T)] = True
        return mask
    if given.shape[-len(shape) :] != shape:
        raise InputError(f"a sampling mask must end in {shape} points as the signal does, got {tuple(given.shape)}")
    if not given.flatten(-len(shape)).any(dim=-1).all():
        raise InputError("the schedule must hold at least one point, got a mask without any")
    return given


def read_schedule(path: str | Path, first: int | None = None) -> tuple[np.ndarray, str]:
    r"""Read a schedule file: one point a line, as TopSpin's ``nuslist`` and NMRPipe's schedules are.

    Arguments
    ---------
    path : str | Path
        Text; an index a line, or one for each indirect dimension. What follows ``#`` is left out.
    first : int | None
        Number of the first point, 0 or 1. None: 0 if it occurs; 1 if it occurs and 0 does not.

    Returns
    -------
    schedule : np.ndarray
        int64, from 0, in the order of the file, which is that of measurement; (m,), or (m, d).
    step : str
        What was found.

    Example
    -------
    >>> path = getfixture("tmp_path") / "nuslist"
    >>> _ = path.write_text("1\n2\n5\n")
    >>> read_schedule(path)
    (array([0, 1, 4]), '3 points in the schedule, counted from 1: no 0 occurs.')
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as a schedule ({error}); give a text file, one point a line"
        ) from error
    rows = [
        _row(path, number, text) for number, line in enumerate(lines, 1) if (text := line.partition("#")[0].split())
    ]
    if not rows:
        raise InputError(f"{path}: a schedule must hold at least one point, this file holds none")
    if len({len(row) for row in rows}) > 1:
        raise InputError(f"{path}: every point must have as many indices as the first, {len(rows[0])}")
    entries = np.array(rows, dtype=np.int64)
    first, why = _first(path, entries, first)
    entries -= first
    return entries[:, 0] if entries.shape[1] == 1 else entries, (
        f"{len(rows)} points in the schedule, counted from {first}: {why}."
    )


def _row(path, number, words):
    try:
        return [int(word) for word in words]
    except ValueError as error:
        raise InputError(
            f"{path}: line {number} must hold whole numbers, got {' '.join(words)!r}; one point a line"
        ) from error


def _first(path, entries, given):
    if given is not None:
        return whole("first", given, 0, 1), "as the caller says"
    if (entries == 0).any():
        return 0, "0 occurs"
    if (entries == 1).any():
        return 1, "no 0 occurs"
    raise InputError(f"{path}: holds neither 0 nor 1, so it does not show where it counts from; say so with `first`")
