"""Files that are either complete or absent, even if a process is killed while it writes."""

import codecs
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock

from nmr_speech.checks import InputError

try:
    import fcntl
except ImportError:  # Windows, where a file that is being written cannot be removed
    fcntl = None  # type: ignore[assignment]  # the name of a module

UNFINISHED = ".unfinished"
LOCK = ".lock"
_TIDIED: set[Path] = set()


def remove_unfinished(folder: str | Path, below: bool = True) -> None:
    """Remove the temporary files of a killed `write_whole`; those that another process is writing stay.

    Arguments
    ---------
    folder : str | Path
        Where to look.
    below : bool
        Whether to look in all folders below it as well.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / ".a.wav.x3k.unfinished").write_bytes(b"RIFF")
    >>> remove_unfinished(folder)
    >>> list(folder.iterdir())
    []
    """
    pattern = f".*{UNFINISHED}"
    for leftover in Path(folder).rglob(pattern) if below else Path(folder).glob(pattern):
        # A folder that cannot be written keeps its leftovers.
        with contextlib.suppress(OSError), leftover.open("rb+") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink(missing_ok=True)


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it in one step.

    The content is on the disk before the file has its name. What a killed process has left in the folder is removed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "note.txt"
    >>> write_whole(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    if path.parent.absolute() not in _TIDIED:  # once in each process: a folder may hold thousands of files
        remove_unfinished(path.parent, below=False)
        _TIDIED.add(path.parent.absolute())
    handle, temporary = _open_temporary(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)  # mkstemp makes it readable by its owner only
            temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # as where the disk is full
            error.filename = str(path)
        raise
    sync_folder(path.parent)


def _open_temporary(path):
    """Make and lock a temporary file beside a path; the system frees the lock of a killed process."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=UNFINISHED)
        if fcntl is None:
            return handle, Path(name)
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Until it was locked, a process that tidies the folder may have taken it for one left behind.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), Path(name).stat()):
                return handle, Path(name)
        os.close(handle)


def sync_folder(folder: str | Path) -> None:
    """Have the names in a folder written to the disk, where the system can do that.

    Example
    -------
    >>> sync_folder(getfixture("tmp_path"))
    """
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(folder: str | Path, key: str) -> Iterator[None]:
    """Keep a folder for this process, made if it is not there; an empty one is removed in the end.

    Arguments
    ---------
    folder : str | Path
        The folder.
    key : str
        Setting that names it, for messages.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "results"
    >>> with locked(folder, "output_folder"), locked(folder, "output_folder"):
    ...     pass
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...results: another run is writing to this folder; wait for it, or set another ...
    """
    folder = Path(folder)
    lock = filelock.FileLock(folder / LOCK)  # the system frees that of a killed process
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:  # which is an OSError too
        raise InputError(
            f"{folder}: another run is writing to this folder; wait for it, or set another `{key}`"
        ) from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); set another `{key}`") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the folder may have been removed meanwhile
            (folder / LOCK).unlink(missing_ok=True)
        lock.release()
        with contextlib.suppress(OSError):
            if not any(folder.iterdir()):
                folder.rmdir()


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
