"""Files that are whole or not there."""

import os
import tempfile
from pathlib import Path


def write_whole(path: str | Path, content: bytes):
    """Write a file under a temporary name in the same folder, then rename it.

    Example
    -------
    >>> path = getfixture("tmp_path") / "note.txt"
    >>> write_whole(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)  # mkstemp makes it readable by its owner alone
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
