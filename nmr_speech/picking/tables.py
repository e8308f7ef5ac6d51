"""Tables of peaks as files that other programs open: NMRPipe (``.tab``), Sparky (``.list``), and CSV."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.files import write_whole
from nmr_speech.picking.peaks import Peaks

CSV = ("f2_ppm", "f1_ppm", "height", "volume", "f2_width_hz", "f1_width_hz", "probability")
UNASSIGNED = "?"
Column: TypeAlias = tuple[str, str, np.ndarray]  # name, format, values (K,)


def write_peaks(path: str | Path, peaks: Peaks, axes: Sequence[Axis]) -> None:
    r"""Write a table of peaks; the ending of the name chooses the format.

    Arguments
    ---------
    path : str | Path
        ``.tab`` as nmrDraw writes it, ``.list`` as Sparky does, or ``.csv``.
    peaks : Peaks
        The table.
    axes : Sequence[Axis]
        Axes of the spectrum, F1 first.

    Example
    -------
    >>> path, axis = getfixture("tmp_path") / "none.csv", Axis()
    >>> write_peaks(path, Peaks.none(2), (axis, axis))
    >>> path.read_text()
    'f2_ppm,f1_ppm,height,volume,f2_width_hz,f1_width_hz,probability\n'
    """
    path = Path(path)
    write_whole(path, WRITERS[check_ending(path)](peaks, axes).encode())


def check_ending(path: str | Path) -> str:
    """Return the ending of a name if it is one of those for tables of peaks.

    Example
    -------
    >>> check_ending("peaks.tab")
    '.tab'
    """
    ending = Path(path).suffix.lower()
    if ending not in WRITERS:
        raise InputError(f"{path}: the name of a table of peaks must end in {', '.join(WRITERS)}")
    return ending


def _csv(peaks: Peaks, axes: Sequence[Axis]) -> str:
    names = [name for name in CSV if peaks.dimensions == 2 or not name.startswith("f1")]
    lines = [",".join(f"{row[name]:.9g}" for name in names) for row in peaks.rows()]
    return "\n".join([",".join(names), *lines]) + "\n"


def _sparky(peaks: Peaks, axes: Sequence[Axis]) -> str:
    ways = range(peaks.dimensions)
    titles = [f"w{k + 1}" for k in ways] + ["Data Height", "Volume"] + [f"lw{k + 1} (hz)" for k in ways]
    lines = [f"{'Assignment':>17} " + " ".join(f"{title:>14}" for title in titles), ""]
    name = "-".join(UNASSIGNED for _ in ways)
    for k in range(len(peaks)):
        shifts = " ".join(f"{ppm:14.4f}" for ppm in peaks.position_ppm[k])
        widths = " ".join(f"{hz:14.2f}" for hz in peaks.width_hz[k])
        lines.append(f"{name:>17} {shifts} {peaks.height[k]:14.6g} {peaks.volume[k]:14.6g} {widths}")
    return "\n".join(lines) + "\n"


def _nmrpipe(peaks: Peaks, axes: Sequence[Axis]) -> str:
    ones, number = np.ones(len(peaks), dtype=int), np.arange(1, len(peaks) + 1)
    columns: list[Column] = [("INDEX", "%5d", number)]
    # As nmrDraw orders them: X_AXIS Y_AXIS DX DY ..., X1 X3 Y1 Y3; X is F2.
    by_axis = [_axis_columns(peaks, dim, axis) for dim, axis in enumerate(axes)][::-1]
    named = [
        [(name.format(letter), form, column) for name, form, column in one]
        for letter, one in zip("XY", by_axis, strict=False)
    ]
    columns += [column for together in zip(*(one[:-2] for one in named), strict=True) for column in together]
    columns += [column for one in named for column in one[-2:]]
    columns += [
        ("HEIGHT", "%+e", peaks.height),
        ("DHEIGHT", "%+e", np.nan_to_num(peaks.height_std)),
        ("VOL", "%+e", peaks.volume),
        ("PCHI2", "%.5f", 0.0 * ones),
        ("TYPE", "%d", ones),
        ("ASS", "%s", np.full(len(peaks), "None")),
        ("CLUSTID", "%4d", number),
        ("MEMCNT", "%4d", ones),
        ("CONFIDENCE", "%6.4f", peaks.probability),
    ]
    head = [f"VARS   {' '.join(name for name, _, _ in columns)}", f"FORMAT {' '.join(form for _, form, _ in columns)}"]
    lines = [" ".join(form % column[k] for _, form, column in columns) for k in range(len(peaks))]
    return "\n".join([*head, "", *lines]) + "\n"


def _axis_columns(peaks: Peaks, dim: int, axis: Axis) -> list[Column]:
    """Columns of one axis. Points count from 1 and run as NMRPipe stores them, from the highest shift."""
    per_hz = axis.n / axis.width_hz
    place, ppm, width = axis.n - peaks.position_points[:, dim], peaks.position_ppm[:, dim], peaks.width_hz[:, dim]
    error = np.nan_to_num(peaks.position_std_ppm[:, dim] * axis.field_mhz * per_hz)
    ends = [np.rint(np.clip(place + side * width * per_hz, 1, axis.n)) for side in (-1, 1)]
    return [
        ("{}_AXIS", "%9.3f", place),
        ("D{}", "%6.3f", error),
        ("{}_PPM", "%8.3f", ppm),
        ("{}_HZ", "%9.3f", ppm * axis.field_mhz),
        ("{}W", "%7.3f", width * per_hz),
        ("{}W_HZ", "%8.3f", width),
        ("{}1", "%4d", ends[0]),
        ("{}3", "%4d", ends[1]),
    ]


WRITERS: dict[str, Callable[[Peaks, Sequence[Axis]], str]] = {".tab": _nmrpipe, ".list": _sparky, ".csv": _csv}
