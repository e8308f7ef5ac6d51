"""Experiments in ZIP archives, as users upload them."""

import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from nmr_speech.checks import InputError, quoted
from nmr_speech.spectrometer.jeol import MAGIC
from nmr_speech.spectrometer.nmrpipe import HEADER_BYTES, is_header

MOST_BYTES = 2**28  # of the archive, and of what is unpacked from it; ten times a large 2D experiment
MOST_MEMBERS = 10_000
MOST_RATIO = 200
CHUNK_BYTES = 2**20
NEEDED = re.compile(
    r"ser|acqu[234]?s|procpar|fid|nuslist|sampling\.sch|v[dcpa]list|difflist|pdata/\d{1,6}/(procs|proc2s|2rr)"
)
"""Files that the readers open."""


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Give what an archive holds, unpacked for the time of a ``with`` block; any other path is given as it is.

    Errors inside the block name the archive, not the temporary folder.

    Arguments
    ---------
    path : Path
        ZIP archive, or an experiment.

    Yields
    ------
    Path
        The folder or file to read.

    Example
    -------
    >>> with opened(Path("valine/2")) as inside:
    ...     print(inside)
    valine/2
    """
    if not (path.is_file() and path.suffix.lower() == ".zip"):
        yield path
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "experiment"
        try:
            yield unpack(path, folder)
        except InputError as error:
            raise InputError(str(error).replace(str(folder), str(path))) from None


def unpack(path: Path, folder: Path) -> Path:
    """Unpack the only experiment of an archive.

    The archive does not decide where files are written: only the files that a reader opens are unpacked, under the
    names by which it opens them. Unpacked bytes are counted; sizes that the archive states are not trusted.

    Arguments
    ---------
    path : Path
        ZIP archive with a Bruker or Varian folder, at any depth, or an NMRPipe or JEOL file.
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
    """Unpack a folder that holds ``ser`` or ``procpar``, or a file, or else a folder with a processed spectrum."""
    budget = _Budget(path)
    tops = _tops(members, r"(ser|procpar)")
    files = [] if tops else [name for name, member in members.items() if _is_file(archive, name, member)]
    if not tops and not files:
        tops = _tops(members, r"pdata/\d{1,6}/2rr")
    if len(tops) == 1:
        (top,) = tops
        for name, member in members.items():
            if name.startswith(top) and NEEDED.fullmatch(name[len(top) :]):
                budget.copy(archive, member, folder / name[len(top) :])
        return folder
    if len(files) == 1:
        target = folder / ("jeol.jdf" if files[0].lower().endswith(".jdf") else "nmrpipe")
        budget.copy(archive, members[files[0]], target)
        return target
    if tops or files:
        found = ", ".join(sorted(top or "." for top in tops or files)[:5])
        raise InputError(f"{path}: must hold one 2D experiment, got {found}; pack one")
    raise InputError(
        f"{path}: holds no 2D experiment: neither a Bruker folder (ser, acqus, acqu2s), nor a Varian folder (fid, "
        "procpar), nor an NMRPipe or JEOL file" + _known(members)
    )


def _tops(members: dict[str, zipfile.ZipInfo], mark: str) -> set[str]:
    """Folders of the archive, as prefixes of names, that hold a file; macOS adds resource forks below __MACOSX."""
    found = (re.fullmatch(rf"(.*/)?{mark}", name) for name in members if "__MACOSX" not in name)
    return {one[1] or "" for one in found if one}


def _known(members: dict[str, zipfile.ZipInfo]) -> str:
    """Say what is there instead, where it is of a known kind."""
    kinds = {".nmrml": "nmrML knows 1D only", ".sdf": "NMReDATA needs the spectrometer's folder in it"}
    said = [sentence for ending, sentence in kinds.items() if any(one.lower().endswith(ending) for one in members)]
    one_d = any(PurePosixPath(name).name == "fid" for name in members)
    said += ["a file fid is there: a 1D experiment is not enough"] if one_d else []
    return "".join(f"; {sentence}" for sentence in said) + "; pack the folder of a 2D TOCSY"


def _is_file(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> bool:
    """Whether a member is an NMRPipe or JEOL file."""
    # macOS adds a resource fork, `._ser` or below `__MACOSX`, for every file.
    if PurePosixPath(name).name.startswith((".", "_")) or "__MACOSX" in name:
        return False
    with archive.open(member) as file:
        head = file.read(HEADER_BYTES)
    return is_header(head) or head.startswith(MAGIC)


class _Budget:
    """Copies members up to a total number of bytes."""

    def __init__(self, path: Path) -> None:
        self.path, self.left = path, MOST_BYTES

    def copy(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
        # The upper half of external_attr holds the Unix mode; a link could point at any file of this machine.
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{self.path}: {quoted(member.filename)} is a link; pack the file itself")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Deflate packs at most a thousandfold; a measurement with noise hardly twice, one that was stopped some more.
        most, written = MOST_RATIO * max(member.compress_size, 1) + CHUNK_BYTES, 0
        with archive.open(member) as packed, target.open("wb") as file:
            while chunk := packed.read(CHUNK_BYTES):
                self.left -= len(chunk)
                written += len(chunk)
                if written > most:
                    raise InputError(
                        f"{self.path}: {quoted(member.filename)} unpacks to more than {MOST_RATIO} times its size; "
                        "pack the experiment again"
                    )
                if self.left < 0:
                    raise InputError(f"{self.path}: unpacks to more than {MOST_BYTES >> 20} MiB; pack one experiment")
                file.write(chunk)
