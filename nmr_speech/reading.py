"""Read small files of unknown origin: their size, their encoding and the types in them are checked first.

JSON is compared with a shape: a check (`number`, `count`, `text`), a mapping of keys that must be there,
``{str: shape}`` for any keys, ``[shape]`` for a list, or `Optional` around one of these. Keys that a shape does not
name are not looked at.

Rows of a CSV table are read by `read_rows`, and the numbers in them by `number_in`.
"""

import csv
import io
import json
import math
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from nmr_speech.checks import InputError, is_number, printable, quoted

LONGEST = 2**22  # bytes of any file of parameters or results; the largest of this project has 200 kB
LONGEST_TABLE = 2**24  # bytes of a CSV table
MOST_DIGITS = 18  # a whole number of 64 bits


@dataclass(frozen=True)
class Optional:
    """A shape that may be absent or null.

    Example
    -------
    >>> checked({"seed": None}, {"seed": Optional(count)}, "results.json")
    {'seed': None}
    """

    shape: Any


def read_bytes(path: str | Path, longest: int = LONGEST, hint: str = "") -> bytes:
    """Read a regular file of limited size.

    Arguments
    ---------
    path : str | Path
        The file; a pipe or a device is refused.
    longest : int
        Most bytes.
    hint : str
        What to do if the file is not there, for the message.

    Returns
    -------
    bytes

    Example
    -------
    >>> path = getfixture("tmp_path") / "results.json"
    >>> read_bytes(path, hint="finish the training")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...results.json: not there; finish the training
    >>> _ = path.write_bytes(bytes(11))
    >>> read_bytes(path, longest=10)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...results.json: must have at most 10 bytes, got 11
    """
    path = Path(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: must be a file")
        if found.st_size > longest:
            raise InputError(f"{path}: must have at most {longest} bytes, got {found.st_size}")
        with path.open("rb") as file:
            return file.read(longest)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: not there" + (f"; {hint}" if hint else "")) from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read ({printable(error)})") from error


def read_text(path: str | Path, longest: int = LONGEST, hint: str = "") -> str:
    """Read a text in UTF-8; arguments as for `read_bytes`.

    Example
    -------
    >>> path = getfixture("tmp_path") / "dataset.json"
    >>> _ = path.write_bytes(b"the" + bytes([0xe9]))
    >>> read_text(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...dataset.json: must be text in UTF-8, but byte 3 is not
    """
    try:
        return read_bytes(path, longest, hint).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: must be text in UTF-8, but byte {error.start} is not") from error


def read_json(path: str | Path, shape: Mapping[Any, Any], longest: int = LONGEST, hint: str = "") -> dict[str, Any]:
    """Read a JSON file that holds a mapping of a given shape; other arguments as for `read_bytes`.

    Arguments
    ---------
    path : str | Path
        The file.
    shape : Mapping
        What must be in it.
    longest, hint
        See `read_bytes`.

    Returns
    -------
    dict[str, Any]

    Example
    -------
    >>> path = getfixture("tmp_path") / "results.json"
    >>> _ = path.write_text('{"test": {"accuracy": "high"}}')
    >>> read_json(path, {"test": {"accuracy": number}})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...results.json: `test.accuracy` must be a finite number, got 'high'
    """
    text = read_text(path, longest, hint)
    try:
        content = json.loads(text, parse_int=_whole, parse_float=_float)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({printable(error)})") from error
    return checked(content, shape, str(path))


def checked(value: Any, shape: Any, where: str, name: str = "") -> Any:
    """Return plain data if it has a shape; see the top of this file.

    Arguments
    ---------
    value : Any
        The data.
    shape : Any
        What it must be.
    where : str
        The file, for messages.
    name : str
        Keys that lead to the value, joined by dots, for messages.

    Returns
    -------
    Any
        The value.

    Example
    -------
    >>> checked({"test": {}}, {"test": {"accuracy": number}}, "results.json")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: results.json: the key `test.accuracy` is missing
    """
    if isinstance(shape, Optional):
        return value if value is None else checked(value, shape.shape, where, name)
    if isinstance(shape, Mapping):
        _check_mapping(value, shape, where, name)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            _refuse(where, name, "a list", value)
        for index, item in enumerate(value):
            checked(item, shape[0], where, f"{name}[{index}]")
    elif (wanted := shape(value)) is not None:
        _refuse(where, name, wanted, value)
    return value


def _check_mapping(value: Any, shape: Mapping[Any, Any], where: str, name: str) -> None:
    if not isinstance(value, Mapping):
        _refuse(where, name, "a mapping", value)
    for key in value if str in shape else shape:
        inner = shape.get(key, shape.get(str))
        if key not in value and not isinstance(inner, Optional):
            raise InputError(f"{where}: the key `{_join(name, key)}` is missing")
        checked(value.get(key), inner, where, _join(name, key))


def read_rows(path: str | Path, columns: Sequence[str]) -> Iterator[tuple[str, int, list[str]]]:
    r"""Read a CSV table with a header, row by row.

    Arguments
    ---------
    path : str | Path
        The file, of at most 16 MiB.
    columns : Sequence[str]
        Columns that must be there, none of them empty; others are not looked at.

    Yields
    ------
    tuple[str, int, list[str]]
        File and row for messages, number of the row (the header is row 1), and its cells in the order of ``columns``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "mine.csv"
    >>> _ = path.write_text("note,group,shift_ppm\nrough,HA,4.2\n")
    >>> [cells for _, _, cells in read_rows(path, ["shift_ppm", "group"])]
    [['4.2', 'HA']]
    """
    path = Path(path)
    wanted = ",".join(columns)
    text = read_text(path, LONGEST_TABLE, f"it must be a CSV table with the columns {wanted}").removeprefix("\ufeff")
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
            raise InputError(f"{path}: the header lacks the column {missing[0]}; it must have {wanted}")
        for row in reader:
            cells = [(row[column] or "").strip() for column in columns]
            where = f"{path}, row {reader.line_num}"
            if empty := [column for column, cell in zip(columns, cells, strict=True) if not cell]:
                raise InputError(f"{where}: the column {empty[0]} is empty; fill it in")
            yield where, reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as CSV ({printable(error)}); save it again") from error


def number_in(where: str, column: str, cell: str, low: float, high: float) -> float:
    """Read a number of a table; ``where`` is what `read_rows` gives.

    Example
    -------
    >>> number_in("mine.csv, row 2", "shift_ppm", "4,2", -5, 20)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: mine.csv, row 2: shift_ppm must be a number from -5 to 20, got '4,2'
    """
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InputError(f"{where}: {column} must be a number from {low:g} to {high:g}, got {quoted(cell)}")
    return value


Check = Callable[[Any], str | None]
"""Returns what a value must be if it is not that, else None."""


def number(value: Any) -> str | None:
    """Check that a value is a finite number.

    Example
    -------
    >>> number(0.5), number(float("nan"))
    (None, 'a finite number')
    """
    return None if is_number(value) else "a finite number"


def count(value: Any) -> str | None:
    """Check that a value is a whole number from 0 to 2^63 - 1.

    Example
    -------
    >>> count(3), count(-1), count(True)
    (None, 'a whole number from 0', 'a whole number from 0')
    """
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return None if good else "a whole number from 0"


def text(value: Any) -> str | None:
    """Check that a value is a printable text of at most 200 characters.

    Example
    -------
    >>> text("0.2.0"), text("a" + chr(27))
    (None, 'a printable text of at most 200 characters')
    """
    good = isinstance(value, str) and len(value) <= 200 and value.isprintable()
    return None if good else "a printable text of at most 200 characters"


def _join(name: str, key: object) -> str:
    return printable(f"{name}.{key}" if name else key)


def _refuse(where: str, name: str, wanted: str, value: Any) -> NoReturn:
    what = f"`{name}`" if name else "the file"
    raise InputError(f"{where}: {what} must be {wanted}, got {quoted(value)}")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS + 1:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"the number {printable(digits, 30)} is too large")
    return value
