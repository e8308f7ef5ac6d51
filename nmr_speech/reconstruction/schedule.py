"""Sampling schedules: which points of the indirect dimensions are measured."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch

from nmr_speech.checks import InputError, quoted, whole

MOST_POINTS = 2**20
KEPT = 0.9  # share of a schedule's points in each of its random parts
TRIES = 10_000
STEP = 1.02  # factor of the weight from try to try

Schedule: TypeAlias = Sequence | np.ndarray | torch.Tensor
"""Indices from 0 of the points measured, (m,), in d dimensions (m, d); or a mask, bool, (n,) or (..., n)."""


def poisson_gap(n: int | tuple[int, int], m: int, seed: int | Sequence[int]) -> np.ndarray:
    """Draw a sine-weighted Poisson-gap schedule.

    The gap behind point i follows a Poisson distribution with mean ``w sin(pi/2 (i + 1/2) / (n + 1))``: small at the
    beginning, where the signal is strong, and large at the end. The weight w starts at ``2 (n / m - 1)`` and changes by
    2% from try to try until the schedule has exactly m points. From Hyberts, Takeuchi and Wagner, J. Am. Chem. Soc.
    132, 2145 (2010), doi 10.1021/ja908004w, in the form for apodised signals (a quarter of a sine).

    In two dimensions every cell lies on one thread. Threads start on the diagonal and run along the rows and along the
    columns by turns, with the argument ``pi/2 (i + j + 1/2) / (n_1 + n_2)``.

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
        int64, rising, (m,); in two dimensions pairs, (m, 2). The first point is always measured.

    Example
    -------
    >>> schedule = poisson_gap(64, 12, seed=1)
    >>> len(schedule), schedule[0].item()
    (12, 0)
    >>> poisson_gap((8, 8), 3, seed=1)[0].tolist()
    [0, 0]
    """
    shape = tuple(whole("n", size, 2, MOST_POINTS) for size in np.atleast_1d(n).tolist())
    size = int(np.prod(shape))
    m = whole("m", m, 1, size)
    rng = np.random.default_rng(seed)
    rise = _sine(shape)
    walk = _along_line if len(shape) == 1 else _along_threads
    weight = 2 * (size / m - 1)  # a first guess: the mean gap must be n / m - 1, that of the sine is 2/pi
    for _ in range(TRIES):
        points = walk(rng.poisson(weight * rise))
        if len(points) == m:
            return np.array(sorted(points), dtype=np.int64)
        weight *= STEP if len(points) > m else 1 / STEP
    raise InputError(f"no schedule of {m} of {n} points was found in {TRIES} tries; change `seed` or `m`")


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
        at = k + (gaps[k][k] if k else 0)  # the origin is always measured, other threads may start later
        while at < columns:
            points.append((k, at))
            at += 1 + gaps[k][at]
        at = k + 1 + gaps[k][k]
        while at < rows:
            points.append((at, k))
            at += 1 + gaps[at][k]
    return points


def dims_of(schedule: Schedule) -> int:
    """Return the number of dimensions that the indices of a schedule name; 1 for a mask, which does not say.

    Example
    -------
    >>> dims_of([0, 2, 5]), dims_of([[0, 0], [1, 3]])
    (1, 2)
    """
    given = schedule if isinstance(schedule, torch.Tensor) else torch.as_tensor(np.asarray(schedule))
    return given.shape[1] if given.ndim == 2 and given.dtype != torch.bool and given.shape[1] > 1 else 1


def check_schedule(schedule: Schedule, n: int | tuple[int, ...]) -> np.ndarray:
    """Refuse indices that are no schedule for ``n`` points.

    Arguments
    ---------
    schedule : Schedule
        Indices from 0 in any order, (m,); in d dimensions (m, d).
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
        raise InputError(
            f"the schedule must hold whole numbers, got {entries.dtype} ({quoted(entries.ravel()[0])} first)"
        )
    wanted = "one index" if len(shape) == 1 else f"{len(shape)} indices"
    if entries.ndim != (1 if len(shape) == 1 else 2) or (entries.ndim == 2 and entries.shape[1] != len(shape)):
        raise InputError(f"the schedule must hold {wanted} a point, got an array of shape {entries.shape}")
    entries = entries.astype(np.int64)
    _check_range(entries, shape)
    _check_unique(entries)
    return entries


def random_parts(schedule: np.ndarray, count: int, seed: int | Sequence[int]) -> list[np.ndarray]:
    """Return a schedule in the order of its indices, and random parts of nine tenths of it.

    The first point is in all of them: a virtual echo takes its phase from there.

    Arguments
    ---------
    schedule : np.ndarray
        Indices (m,) or (m, d), as `check_schedule` returns them.
    count : int
        Number of schedules, with the whole one.
    seed : int | Sequence[int]
        As for `numpy.random.default_rng`.

    Returns
    -------
    list[np.ndarray]

    Example
    -------
    >>> [len(part) for part in random_parts(np.arange(20), 3, seed=1)]
    [20, 18, 18]
    >>> random_parts(np.array([[1, 0], [0, 2], [0, 0]]), 1, seed=1)[0].tolist()
    [[0, 0], [0, 2], [1, 0]]
    """
    whole_one, rng = np.unique(schedule, axis=0), np.random.default_rng(seed)
    kept = max(1, round(KEPT * len(whole_one))) - 1
    parts = (np.sort(rng.permutation(len(whole_one) - 1)[:kept]) + 1 for _ in range(count - 1))
    return [whole_one, *(whole_one[np.r_[0, part]] for part in parts)]


def _check_range(entries, shape):
    outside = ((entries < 0) | (entries >= np.array(shape)[None if entries.ndim == 2 else 0])).reshape(len(entries), -1)
    if outside.any():
        first = int(outside.any(axis=1).argmax())
        hint = "; does it count from 1?" if entries.min() > 0 and (entries.max(axis=0) <= shape).all() else ""
        sizes = " x ".join(map(str, shape))
        raise InputError(
            f"the schedule must hold indices from 0 up to {sizes} less one, got {_text(entries[first])} (entry "
            f"{first + 1}){hint}"
        )


def _check_unique(entries):
    _, first, inverse = np.unique(entries, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse.ravel()] != np.arange(len(entries)))
    if len(again):
        one = int(again[0])
        raise InputError(
            f"the schedule must hold each point once, got {_text(entries[one])} more than once (entries "
            f"{first[inverse.ravel()[one]] + 1} and {one + 1})"
        )


def _text(entry):
    return ", ".join(map(str, np.atleast_1d(entry).tolist()))


def sampling_mask(schedule: Schedule, n: int | tuple[int, ...]) -> torch.Tensor:
    """Turn a schedule into a mask. A mask is checked and returned.

    Arguments
    ---------
    schedule : Schedule
        Indices, as for `check_schedule`, or a mask, bool, (..., n), with one schedule for each signal.
    n : int | tuple[int, ...]
        Points of the full grid.

    Returns
    -------
    torch.Tensor
        bool, (n,), or the shape of the mask given.

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
