"""SpeechBrain CSV manifests: one row per recording."""

import codecs
import csv
import io
import math
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import TextIO

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.constants import DURATION_S, N_SAMPLES
from nmr_speech.corpus.wav import read_wav
from nmr_speech.files import write_whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One recording in a manifest; the fields are the columns.

    Arguments
    ---------
    ID : str
        Unique name.
    duration : float
        Length in seconds.
    wav : str
        Audio file; ``$data_root`` stands for the data folder.
    start : int
        Index of the first sample.
    stop : int
        Index after the last sample.
    spk_id : str
        The speaker: the residue's three-letter code.
    scale : float
        Divisor of the FID that gave the waveform; 1 where it is unknown. No training or test needs it.
    """

    ID: str
    duration: float = DURATION_S
    wav: str
    start: int = 0
    stop: int = N_SAMPLES
    spk_id: str
    scale: float = 1.0


COLUMNS = tuple(field.name for field in fields(Row))
USUAL = (str(DURATION_S), "0", str(N_SAMPLES))  # duration, start and stop
LONGEST_LINE = 2**17
NEEDED = COLUMNS[:-1]  # SpeechBrain's own manifests have no scale


def write_manifest(path: str | Path, rows: Iterable[Row]) -> None:
    """Write a manifest; it appears whole or not at all.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.csv"
    >>> write_manifest(path, [Row(ID="GLY_0", wav="$data_root/GLY_0.wav", spk_id="GLY", scale=4.0)])
    >>> print(path.read_text().strip())
    ID,duration,wav,start,stop,spk_id,scale
    GLY_0,8.192,$data_root/GLY_0.wav,0,65536,GLY,4.0
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(attrgetter(*COLUMNS), rows))
    write_whole(path, text.getvalue().encode())


def read_manifest(path: str | Path, speakers: Sequence[str] | None = None) -> list[Row]:
    r"""Read and check a manifest; the audio is not opened.

    Arguments
    ---------
    path : str | Path
        CSV file.
    speakers : Sequence[str] | None
        Allowed labels; None allows any.

    Returns
    -------
    list[Row]

    Example
    -------
    >>> path = getfixture("tmp_path") / "empty.csv"
    >>> _ = path.write_text("ID,duration,wav,start,stop,spk_id,scale\n")
    >>> read_manifest(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...empty.csv: the manifest lists no recordings; write it again
    """
    rows: list[Row] = []
    seen: set[str] = set()
    allowed = None if speakers is None else frozenset(speakers)
    for number, cells in _records(Path(path)):
        row = _usual_row(cells) or _row(cells, f"{path}, row {number}")
        if row.ID in seen:
            first = next(at for at, other in enumerate(rows, start=2) if other.ID == row.ID)
            raise InputError(
                f"{path}, row {number}: ID {printable(row.ID)} is already in row {first}; IDs must be unique"
            )
        if allowed is not None and row.spk_id not in allowed:
            known = printable(", ".join(speakers or ()))
            raise InputError(
                f"{path}, row {number}: spk_id {quoted(row.spk_id)} is not one of {known}; correct it or set `residues`"
            )
        seen.add(row.ID)
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: the manifest lists no recordings; write it again")
    return rows


def refuse_shared_recordings(rows: Mapping[str, Iterable[Row]], data_root: str | Path) -> None:
    """Refuse splits that share a recording, by its ID or by its file: a test must not be of what was trained on.

    Arguments
    ---------
    rows : Mapping[str, Iterable[Row]]
        Rows of each manifest, by its name.
    data_root : str | Path
        The data folder, in place of ``$data_root``.

    Example
    -------
    >>> row = Row(ID="GLY_0", wav="$data_root/GLY_0.wav", spk_id="GLY")
    >>> refuse_shared_recordings({"train.csv": [row], "test.csv": [row]}, "data")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: test.csv, row 2: the ID GLY_0 is in train.csv as well; a recording belongs to one ...
    """
    ids: dict[str, str] = {}
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name, some in rows.items():
        own_ids, own_files = [], []
        for number, row in enumerate(some, start=2):
            path = _real_path(audio_path(row.wav, data_root), folders)  # links lead to the same file
            for kind, value, seen in (("ID", row.ID, ids), ("file", path, files)):
                if value in seen:
                    raise InputError(
                        f"{name}, row {number}: the {kind} {printable(value)} is in {seen[value]} as well; a recording "
                        "belongs to one split"
                    )
            own_ids.append(row.ID)
            own_files.append(path)
        ids |= dict.fromkeys(own_ids, name)
        files |= dict.fromkeys(own_files, name)


def _real_path(path: str, folders: dict[str, str]) -> str:
    """Follow links as `os.path.realpath` does, but look at the folders above a file only once."""
    folder, name = os.path.split(path)
    if name in ("", os.curdir, os.pardir):
        return os.path.realpath(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    path = f"{folders[folder]}{os.sep}{name}"
    return os.path.realpath(path) if Path(path).is_symlink() else path


def check_recordings(path: str | Path, rows: Iterable[Row], data_root: str | Path) -> None:
    """Open every recording of a manifest once, so that a bad one stops the run before training.

    Arguments
    ---------
    path : str | Path
        The manifest, for messages.
    rows : Iterable[Row]
        Its rows, in order.
    data_root : str | Path
        The data folder, in place of ``$data_root``.

    Example
    -------
    >>> row = Row(ID="GLY_0", wav="$data_root/GLY_0.wav", spk_id="GLY", scale=4.0)
    >>> check_recordings("train.csv", [row], getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: train.csv, row 2 (GLY_0): ...GLY_0.wav: cannot be read as audio ...
    """
    for number, row in enumerate(rows, start=2):  # row 1 is the header
        try:
            read_wav(audio_path(row.wav, data_root))
        except InputError as error:
            raise InputError(f"{path}, row {number} ({row.ID}): {error}") from error


def audio_path(wav: str, data_root: str | Path) -> str:
    """Replace ``$data_root`` in the path of a manifest by the data folder.

    Example
    -------
    >>> audio_path("$data_root/wav/GLY_0.wav", "data")
    'data/wav/GLY_0.wav'
    """
    return wav.replace("$data_root", str(data_root))


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of each row, and its cells in the order of `COLUMNS`; line by line, for a manifest may have millions."""
    if not path.is_file():
        raise InputError(f"{path}: no such manifest; run the recipe without `skip_prep`, or correct `data_folder`")
    _check_encoding(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(_short_lines(path, lines))
            names = next(reader, [])
            _check_header(path, names)
            if len(set(names)) < len(names):
                raise InputError(f"{path}: the header names a column twice; remove one")
            at = [names.index(column) if column in names else None for column in COLUMNS]
            usual = at == list(range(len(names)))
            for cells in reader:
                if not cells:  # csv gives a blank line as an empty row
                    continue
                if not usual or len(cells) < len(COLUMNS):  # a row that was cut off lacks the last columns
                    there = [("1" if i is None else cells[i] if i < len(cells) else "") for i in at]
                    yield reader.line_num, there
                else:
                    yield reader.line_num, cells
    except UnicodeDecodeError as error:
        # SpeechBrain reads manifests as UTF-8 too, so they are not converted in passing.
        raise InputError(f"{path}: a manifest must be UTF-8, this is latin-1; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); write it again") from error


def _check_encoding(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise InputError(f"{path}: a manifest must be UTF-8, this is UTF-16; save it as CSV in UTF-8")


def _short_lines(path: Path, lines: TextIO) -> Iterator[str]:
    # The longest that csv takes for a field; a line without an end would be read into memory first.
    number = 0
    while line := lines.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InputError(
                f"{path}, row {number}: a line must have at most {LONGEST_LINE} characters; write it again"
            )
        if "\0" in line:
            raise InputError(f"{path}, row {number}: a manifest must be text, this row has zero bytes; write it again")
        yield line


def _check_header(path: Path, names: Collection[str]) -> None:
    missing = [column for column in NEEDED if column not in names]
    if not missing:
        return
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(separator in one for one in names):
            raise InputError(f"{path}: columns must be separated by commas, not {name}; save it with commas")
    raise InputError(f"{path}: the header lacks the column {missing[0]}; it must have {','.join(NEEDED)}")


def _usual_row(cells: list[str]) -> Row | None:
    """Make a row as `write_manifest` writes it, in a fraction of the time of the checks; None for any other."""
    name, duration, wav, start, stop, speaker, scale, *_ = cells
    if not (name and wav and speaker and duration == USUAL[0] and start == USUAL[1] and stop == USUAL[2]):
        return None
    try:
        divisor = float(scale)
    except ValueError:
        return None
    return Row(ID=name, wav=wav, spk_id=sys.intern(speaker), scale=divisor) if 0 < divisor < math.inf else None


def _row(cells: list[str], where: str) -> Row:
    record = dict(zip(COLUMNS, cells, strict=False))
    empty = [column for column in COLUMNS if not record[column]]
    if empty:
        raise InputError(f"{where}: the column {empty[0]} is empty; was the file cut off?")
    try:
        scale, duration = float(record["scale"]), float(record["duration"])
        start, stop = (float(record[key]) for key in ("start", "stop"))  # pandas writes 65536.0
    except ValueError as error:
        raise InputError(
            f"{where}: duration and scale must be numbers, start and stop whole numbers ({printable(error)})"
        ) from error
    if (start, stop) != (0, N_SAMPLES):
        span = f"{printable(record['start'])} and {printable(record['stop'])}"
        raise InputError(f"{where}: start and stop must be 0 and {N_SAMPLES}, got {span}")
    if not 0 < scale < float("inf"):
        raise InputError(f"{where}: scale must be a positive number, got {printable(record['scale'])}")
    # Equal numbers and names are kept once: a manifest may have millions of rows.
    duration = DURATION_S if duration == DURATION_S else duration
    return Row(ID=record["ID"], wav=record["wav"], spk_id=sys.intern(record["spk_id"]), duration=duration, scale=scale)
