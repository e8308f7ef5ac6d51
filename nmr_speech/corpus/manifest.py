"""SpeechBrain CSV manifests: one row per recording."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nmr_speech.checks import InputError
from nmr_speech.constants import DURATION_S, N_SAMPLES
from nmr_speech.corpus.wav import read_wav
from nmr_speech.files import decode, write_whole


@dataclass(frozen=True, kw_only=True)
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
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
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
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such manifest; run the recipe without `skip_prep`, or correct `data_folder`")
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    _check_header(path, reader.fieldnames or ())
    rows: list[Row] = []
    first_seen: dict[str, int] = {}
    for record in reader:
        where = f"{path}, row {reader.line_num}"
        row = _row(record, where)
        if row.ID in first_seen:
            raise InputError(f"{where}: ID {row.ID} is already in row {first_seen[row.ID]}; IDs must be unique")
        if speakers is not None and row.spk_id not in speakers:
            raise InputError(
                f"{where}: spk_id {row.spk_id!r} is not one of {', '.join(speakers)}; correct it or set `residues`"
            )
        first_seen[row.ID] = reader.line_num
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: the manifest lists no recordings; write it again")
    return rows


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


def _text(path: Path) -> str:
    """Text of a manifest, which must be UTF-8, with or without Excel's byte-order mark."""
    try:
        text, encoding = decode(path.read_bytes())
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot be read as UTF-16 ({error}); save it as CSV in UTF-8") from error
    if encoding != "UTF-8":
        # SpeechBrain reads manifests as UTF-8 too, so they are not converted in passing.
        raise InputError(f"{path}: a manifest must be UTF-8, this is {encoding}; save it as CSV in UTF-8")
    return text


def _check_header(path: Path, names: Collection[str]) -> None:
    missing = [column for column in NEEDED if column not in names]
    if not missing:
        return
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(separator in one for one in names):
            raise InputError(f"{path}: columns must be separated by commas, not {name}; save it with commas")
    raise InputError(f"{path}: the header lacks the column {missing[0]}; it must have {','.join(NEEDED)}")


def _row(record: Mapping[str, str | None], where: str) -> Row:
    record = {"scale": "1", **record}
    text = {column: record[column] or "" for column in COLUMNS}  # csv fills a short row with None
    empty = [column for column in COLUMNS if not text[column]]
    if empty:
        raise InputError(f"{where}: the column {empty[0]} is empty; was the file cut off?")
    try:
        scale, duration = float(text["scale"]), float(text["duration"])
        start, stop = (float(text[key]) for key in ("start", "stop"))  # pandas writes 65536.0
    except ValueError as error:
        raise InputError(
            f"{where}: duration and scale must be numbers, start and stop whole numbers ({error})"
        ) from error
    if (start, stop) != (0, N_SAMPLES):
        raise InputError(f"{where}: start and stop must be 0 and {N_SAMPLES}, got {text['start']} and {text['stop']}")
    if not 0 < scale < float("inf"):
        raise InputError(f"{where}: scale must be a positive number, got {text['scale']}")
    return Row(ID=text["ID"], wav=text["wav"], spk_id=text["spk_id"], duration=duration, scale=scale)
