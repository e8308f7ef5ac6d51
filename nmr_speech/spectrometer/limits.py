"""Sizes of measured data that are read: larger files are damaged, or made to fill the memory."""

from pathlib import Path

from nmr_speech.checks import InputError

MOST_POINTS = 2**23
"""Complex points of an experiment, 2048 rows of 4096, say; reading takes some 100 bytes for each."""

MOST_PARAMETER_BYTES = 2**20
PARAMETERS = (
    "acqus", "acqu2s", "acqu3s", "acqu4s", "procpar", "nuslist", "sampling.sch", "vdlist", "vclist", "vplist", "valist",
    "difflist",
)  # fmt: skip
PROCESSED = ("procs", "proc2s", "proc3s")


def refuse_large(path: Path) -> None:
    """Refuse a folder or a file that is too large for an experiment, by the sizes of its files alone.

    Arguments
    ---------
    path : Path
        Folder of an experiment, or a file in it, or a file with all of an experiment.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "acqus").write_bytes(bytes(2**20 + 1))
    >>> refuse_large(folder)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...acqus: a parameter file must have at most 1 MiB, got 1048577 bytes; copy it again
    """
    if path.is_file() and path.name not in (*PARAMETERS, "ser", "fid"):
        _limit(path, 8 * MOST_POINTS, "an experiment")
        return
    folder = path if path.is_dir() else path.parent
    small = [folder / name for name in PARAMETERS]
    small += [one for name in PROCESSED for one in folder.glob(f"pdata/*/{name}")]
    for one in small:
        if one.is_file():
            _limit(one, MOST_PARAMETER_BYTES, "a parameter file")
    for one in (folder / "ser", folder / "fid", *folder.glob("pdata/*/2rr")):
        if one.is_file():
            _limit(one, 8 * MOST_POINTS, "an experiment")


def refuse_many_points(source: str | Path, rows: int, points: int) -> None:
    """Refuse a number of rows and of complex points in each that no memory is made for.

    Example
    -------
    >>> refuse_many_points("ser", 65536, 65536)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ser: an experiment must have at most 8388608 complex points, got 65536 rows of ...
    """
    if rows * points > MOST_POINTS:
        raise InputError(
            f"{source}: an experiment must have at most {MOST_POINTS} complex points, got {rows} rows of {points}; "
            "cut it"
        )


def _limit(path: Path, most: int, what: str) -> None:
    if (size := path.stat().st_size) > most:
        raise InputError(f"{path}: {what} must have at most {most >> 20} MiB, got {size} bytes; copy it again")
