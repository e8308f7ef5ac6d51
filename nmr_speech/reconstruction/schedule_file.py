"""Schedule files as spectrometers and people write them."""

import re
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, quoted, whole
from nmr_speech.files import decode
from nmr_speech.reading import read_bytes

OWN = {"nuslist": "acqus", "sampling.sch": "procpar"}
"""Names of the schedules that lie in a Bruker or Varian folder, each with a file beside it; both count from 0."""
COMMENTS = ("#", "%", ";", "!", "//")
MOST_POINTS = 2**16  # of a dimension; the largest grids have some thousand
MOST_DIMENSIONS = 3  # more numbers in a line are points of one dimension, not indices of one point


def own_schedule(path: str | Path) -> Path | None:
    """Find the schedule that lies in the folder of an experiment.

    Arguments
    ---------
    path : str | Path
        The folder, or a file in it.

    Returns
    -------
    Path | None
        ``nuslist`` of Bruker, ``sampling.sch`` of Varian.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "nuslist").write_text("0"), (folder / "acqus").write_text("")
    >>> own_schedule(folder).name
    'nuslist'
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    found = (folder / name for name, beside in OWN.items() if (folder / beside).is_file())
    return next((one for one in found if one.is_file()), None)


def read_schedule(path: str | Path, index_base: int | None = None) -> tuple[np.ndarray, str]:
    r"""Read a schedule file, such as TopSpin's ``nuslist`` or a schedule of NMRPipe.

    Arguments
    ---------
    path : str | Path
        Text; each line holds one index, or one for each indirect dimension. The indices of one dimension may also stand
        in one line, and their number before them. Commas may separate them; lines that begin with ``#``, ``%`` or ``;``
        are comments.
    index_base : int | None
        Number of the first point of the grid, 0 or 1. None: 0 in an experiment's own folder; elsewhere 0 if it occurs,
        1 if it occurs and 0 does not.

    Returns
    -------
    schedule : np.ndarray
        int64, from 0, in the order of the file, which is that of the measurement; (m,) or (m, d).
    step : str
        What was found, one sentence.

    Example
    -------
    >>> path = getfixture("tmp_path") / "nuslist"
    >>> _ = path.write_text("1\n2\n5\n")
    >>> read_schedule(path)
    (array([0, 1, 4]), '3 points in the schedule, counted from 1: no 0 occurs.')
    """
    path = Path(path)
    try:
        text, _ = decode(read_bytes(path))
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as a schedule ({error}); give a text file, one point a line"
        ) from error
    lines = ((number, _words(line)) for number, line in enumerate(text.splitlines(), 1))
    rows = [_row(path, number, words) for number, words in lines if words]
    if not rows:
        raise InputError(f"{path}: a schedule must hold at least one point, this file holds none")
    entries, counted = _entries(path, rows)
    base, why = _index_base(path, entries, index_base)
    entries -= base
    step = f"{len(entries)} points in the schedule, counted from {base}: {why}.{counted}"
    if entries.min() < 0:
        raise InputError(
            f"{path}: indices must be {base} or more, got {int(entries.min()) + base}; correct the schedule"
        )
    return entries[:, 0] if entries.shape[1] == 1 else entries, step


def _words(line: str) -> list[str]:
    if line.strip().startswith(COMMENTS):
        return []
    return re.sub(r"[,;]", " ", line.partition("#")[0]).split()


def _row(path: Path, number: int, words: list[str]) -> list[int]:
    try:
        values = [float(word) for word in words]
        indices = [int(value) for value in values]
    except (ValueError, OverflowError):
        values, indices = [], []
    if not indices or indices != values:
        raise InputError(
            f"{path}: line {number} must hold whole numbers, got {quoted(' '.join(words))}; one point a line"
        )
    if min(indices) < 0:
        raise InputError(f"{path}: line {number} must hold indices from 0 or 1, got {quoted(min(indices))}; correct it")
    if max(indices) >= MOST_POINTS:
        raise InputError(
            f"{path}: line {number} must hold indices below {MOST_POINTS}, got {quoted(max(indices))}; correct it"
        )
    return indices


def _entries(path: Path, rows: list[list[int]]) -> tuple[np.ndarray, str]:
    """Indices (m, d), and a sentence where the first number was that of the points."""
    longest = max(map(len, rows))
    if len(rows) == 1 or longest > MOST_DIMENSIONS:
        rows = [[index] for row in rows for index in row]
    if len({len(row) for row in rows}) > 1:
        raise InputError(f"{path}: every point must have as many indices as the first, {len(rows[0])}")
    entries = np.array(rows, dtype=np.int64)
    first, rest = entries[0], entries[1:]
    # Some programs write the number of points first. It is taken so only where it could not be a point.
    if entries.shape[1] == 1 and len(rest) > 1 and first[0] == len(rest):
        rises = bool((np.diff(rest[:, 0]) > 0).all())
        if (rises and rest[0, 0] < first[0]) or (rest == first).any():
            return rest, " The first number of the file is that of the points."
    return entries, ""


def _index_base(path: Path, entries: np.ndarray, given: int | None) -> tuple[int, str]:
    if given is not None:
        return whole("index_base", given, 0, 1), "as the caller says"
    if path.name in OWN and (path.parent / OWN[path.name]).is_file():
        return 0, "the spectrometer's own schedule"
    if (entries == 0).any():
        return 0, "0 occurs"
    if (entries == 1).any():
        return 1, "no 0 occurs"
    raise InputError(f"{path}: holds neither 0 nor 1, so it does not show where it counts from; give `index_base`")
