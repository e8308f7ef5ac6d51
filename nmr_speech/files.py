"""Files that are either complete or absent, even if a process is killed while it writes."""

import codecs
import os
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished"


def remove_unfinished(folder: str | Path) -> None:
    """Remove the temporary files of a killed `write_whole` from a folder and all folders below it.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / ".a.wav.x3k.unfinished").write_bytes(b"RIFF")
    >>> remove_unfinished(folder)
    >>> list(folder.iterdir())
    []
    """
    for leftover in Path(folder).rglob(f".*{UNFINISHED}"):
        leftover.unlink(missing_ok=True)


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it in one step.

    Example
    -------
    >>> path = getfixture("tmp_path") / "note.txt"
    >>> write_whole(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)  # mkstemp makes it readable by its owner only
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def decode(content: bytes) -> tuple[str, str]:
    r"""Decode text that people wrote by any program, without a byte-order mark.

    Arguments
    ---------
    content : bytes
        All of a file.

    Returns
    -------
    text : str
        The text.
    encoding : str
        "UTF-8", "UTF-16" where a byte-order mark says so, or "latin-1" for what is not UTF-8.

    Example
    -------
    >>> decode("\ufeffID".encode()), decode("ID".encode("utf-16"))[1], decode(b"\xf6")[1]
    (('ID', 'UTF-8'), 'UTF-16', 'latin-1')
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16"), "UTF-16"
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"
