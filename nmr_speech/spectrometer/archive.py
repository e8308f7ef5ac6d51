"""Experiments in ZIP archives, as users upload them."""

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from nmr_speech.checks import InputError
from nmr_speech.spectrometer.nmrpipe import HEADER_BYTES, is_header

MOST_BYTES = 2**28  # of the archive, and of what is unpacked from it; ten times a large 2D experiment
MOST_MEMBERS = 10_000
CHUNK_BYTES = 2**20
NEEDED = ("ser", "acqus", "acqu2s", "acqu3s", "procpar", "fid", "pdata/1/procs", "pdata/1/proc2s")
"""Files that the readers open."""


def unpack(path: Path, folder: Path) -> Path:
    """Unpack the only experiment of an archive.

    The archive does not decide where files are written: only the files that a reader opens are unpacked, under the
    names by which it opens them. Unpacked bytes are counted; sizes that the archive states are not trusted.

    Arguments
    ---------
    path : Path
        ZIP archive with a Bruker or Varian folder, at any depth, or an NMRPipe file.
    folder : Path
        Empty folder to write to.

    Returns
    -------
    Path
        The folder or file to read, at most 256 MiB in all.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> with zipfile.ZipFile(folder / "one.zip", "w") as archive:
    ...     archive.writestr("../../valine/2/procpar", "sw 1 1")
    >>> sorted(file.name for file in unpack(folder / "one.zip", folder / "out").iterdir())
    ['procpar']
    """
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: an archive must have at most {MOST_BYTES >> 20} MiB; pack one experiment alone")
    try:
        with zipfile.ZipFile(path) as archive:
            # Some programs on Windows write backslashes.
            members = {one.filename.replace("\\", "/"): one for one in archive.infolist() if not one.is_dir()}
            if len(members) > MOST_MEMBERS:
                raise InputError(f"{path}: an archive must hold at most {MOST_MEMBERS} files, got {len(members)}")
            return _take(path, archive, members, folder)
    # Damaged archives make zipfile and zlib raise any of these; RuntimeError asks for a password.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError,
            UnicodeDecodeError) as error:  # fmt: skip
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be unpacked ({error}); pack it again, without a password") from error


def _take(path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], folder: Path) -> Path:
    """Unpack a folder that holds ``ser`` or ``procpar``, or else an NMRPipe file."""
    tops = {
        name[: -len(mark)]
        for name in members
        for mark in ("ser", "procpar")
        if PurePosixPath(name).name == mark and not name.startswith("__MACOSX")
    }
    budget = _Budget(path)
    if len(tops) == 1:
        (top,) = tops
        for name in NEEDED:
            if top + name in members:
                budget.copy(archive, members[top + name], folder / name)
        return folder
    files = [] if tops else [name for name, member in members.items() if _is_nmrpipe(archive, name, member)]
    if len(files) == 1:
        budget.copy(archive, members[files[0]], folder / "nmrpipe")
        return folder / "nmrpipe"
    if tops or files:
        found = ", ".join(sorted(top or "." for top in tops or files)[:5])
        raise InputError(f"{path}: must hold one 2D experiment, got {found}; pack one")
    raise InputError(
        f"{path}: holds no 2D experiment: neither a Bruker folder (ser, acqus, acqu2s), nor a Varian folder (fid, "
        "procpar), nor an NMRPipe file"
    )


def _is_nmrpipe(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> bool:
    # macOS adds a resource fork, `._ser` or below `__MACOSX`, for every file.
    if PurePosixPath(name).name.startswith((".", "_")) or "__MACOSX" in name:
        return False
    with archive.open(member) as file:
        return is_header(file.read(HEADER_BYTES))


class _Budget:
    """Copies members up to a total number of bytes."""

    def __init__(self, path: Path) -> None:
        self.path, self.left = path, MOST_BYTES

    def copy(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
        # The upper half of external_attr holds the Unix mode; a link could point at any file of this machine.
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{self.path}: {member.filename!r} is a link; pack the file itself")
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as packed, target.open("wb") as file:
            while chunk := packed.read(CHUNK_BYTES):
                self.left -= len(chunk)
                if self.left < 0:
                    raise InputError(f"{self.path}: unpacks to more than {MOST_BYTES >> 20} MiB; pack one experiment")
                file.write(chunk)
