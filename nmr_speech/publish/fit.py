"""What may be published: regular files of the folder itself, of known names and kinds, without secrets.

A repository on the Hub is public or soon may be, and what was uploaded once stays in its history. So nothing is
followed out of the folder, neither a link nor a path of a manifest, and every file is looked into.
"""

import re
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.corpus.wav import FORMATS, read_wav
from nmr_speech.reading import read_bytes, read_text

# Tokens of Hugging Face, AWS, GitHub, GitLab, Slack, Google and OpenAI, private keys in PEM form, lines of .netrc, and
# whatever is called a password or a key and has a value.
SECRET = re.compile(
    rb"\bhf_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
    rb"|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{35}|\bsk-[A-Za-z0-9_-]{20,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY|\bmachine\s+\S+\s+login\s+\S+"
    rb"|(?i:\b\w*(?:password|passwd|secret|api_?key|access_?key|auth_?token)\w*[\"']?\s*[=:]\s*[\"']?[\w/+.-]{8,})"
)
# Absolute paths of two or more parts, home folders, drive letters and network shares; but no URLs, and no fractions.
LOCAL_PATH = re.compile(
    r"(?<![\w.:/<-])(?:/[\w.+-]+){2,}|(?<![\w.])~/\w|\b[A-Za-z]:\\+\w[^\s\'\"]*|\\\\\w+\\\w|file://"
)
TEXTS = (".md", ".yaml", ".json", ".txt", ".csv")
PNG, LARGEST_PICTURE, LARGEST_TEXT = b"\x89PNG\r\n\x1a\n", 2**24, 2**28
RECORDING = re.compile(rf"wav/(?:[\w+-][\w.+-]*/)*[\w+-][\w.+-]*\.(?:{'|'.join(FORMATS)})")


def own_file(folder: Path, name: str) -> Path:
    """Return a regular file of a folder; whatever is reached by a link or lies elsewhere is refused.

    Arguments
    ---------
    folder : Path
        The folder to publish from; it may itself be a link.
    name : str
        Path of the file in it, with ``/``.

    Returns
    -------
    Path

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "confusion.png").symlink_to("/etc/passwd")
    >>> own_file(folder, "confusion.png")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: confusion.png is a link, which may lead out of the folder; replace it by the...
    >>> own_file(folder, "../secret.txt")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: '../secret.txt' does not lie in this folder
    """
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or {"", ".", ".."} & {*parts} or PurePosixPath(name).is_absolute():
        raise InputError(f"{folder}: {quoted(name)} does not lie in this folder")
    path = folder
    for part in parts:
        path /= part
        refuse_link(folder, path)
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError as error:
        raise InputError(f"{folder}: {name} is missing") from error
    if not regular:
        raise InputError(f"{folder}: {name} must be a file")
    return path


def refuse_link(folder: Path, path: Path) -> None:
    """Refuse a symbolic link.

    Arguments
    ---------
    folder : Path
        The folder to publish from.
    path : Path
        A path in it.

    Example
    -------
    >>> refuse_link(getfixture("tmp_path"), getfixture("tmp_path") / "results.json")
    """
    if path.is_symlink():
        name = printable(path.relative_to(folder).as_posix())
        raise InputError(
            f"{folder}: {name} is a link, which may lead out of the folder; replace it by the file that you want to "
            "publish"
        )


def refuse_links(files: Mapping[str, Path | bytes]) -> None:
    """Refuse an upload with anything but contents and regular files.

    Arguments
    ---------
    files : Mapping[str, Path | bytes]
        Name in the repository to local file, or content.

    Example
    -------
    >>> refuse_links({"README.md": b"", "LICENSE": getfixture("tmp_path")})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: LICENSE must be a file, not a link; nothing was uploaded
    """
    for name, source in files.items():
        if isinstance(source, Path) and (source.is_symlink() or not source.is_file()):
            raise InputError(f"{source}: {name} must be a file, not a link; nothing was uploaded")


def recording(folder: Path, name: str) -> Path:
    """Return a recording of a data set: ``wav/...``, WAV or FLAC, and readable as a recording.

    Arguments
    ---------
    folder : Path
        The data folder.
    name : str
        Path of the recording in it, with ``/``.

    Returns
    -------
    Path

    Example
    -------
    >>> _ = (getfixture("tmp_path") / ".env").write_text("")
    >>> recording(getfixture("tmp_path"), ".env")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: '.env' is not a recording; only wav/... with the ending wav or flac is published
    """
    path = own_file(folder, name)
    if not RECORDING.fullmatch(name):
        raise InputError(
            f"{folder}: {quoted(name)} is not a recording; only wav/... with the ending {' or '.join(FORMATS)} is "
            "published"
        )
    read_wav(path)
    if SECRET.search(path.read_bytes()):
        raise InputError(f"{folder}: not fit to be published: {name} seems to hold a secret")
    return path


def refuse_unfit(folder: Path, names: Iterable[str], allowed: Collection[str]) -> None:
    """Refuse files that must not be published; see `problems_of`.

    Arguments
    ---------
    folder : Path
        Folder of the files.
    names : Iterable[str]
        The files to look into.
    allowed : Collection[str]
        Names that are allowed.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "optimizer.ckpt").write_text("")
    >>> refuse_unfit(folder, ["optimizer.ckpt"], ["README.md"])
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: not fit to be published: optimizer.ckpt is not part of a bundle
    """
    problems = [problem for name in sorted(names) for problem in problems_of(own_file(folder, name), folder, allowed)]
    if problems:
        raise InputError(f"{folder}: not fit to be published: {'; '.join(problems)}")


def problems_of(path: Path, folder: Path, allowed: Collection[str]) -> list[str]:
    """List the reasons why a file must not be published.

    Arguments
    ---------
    path : Path
        The file.
    folder : Path
        Folder of the files to publish.
    allowed : Collection[str]
        Names that are allowed.

    Returns
    -------
    list[str]
        One clause for each reason; empty if the file may be published.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "results.json").write_text('{"folder": "/home/me/results"}')
    >>> problems_of(folder / "results.json", folder, ["results.json"])
    ['results.json holds the local path /home/me/results']
    """
    name = path.relative_to(folder).as_posix()
    if name not in allowed:
        return [f"{printable(name)} is not part of a bundle"]
    if path.suffix == ".png" and not read_bytes(path, LARGEST_PICTURE).startswith(PNG):
        return [f"{name} is not a PNG picture"]
    problems = [f"{name} seems to hold a secret"] if SECRET.search(path.read_bytes()) else []
    if path.suffix in TEXTS and (found := LOCAL_PATH.search(read_text(path, LARGEST_TEXT))):
        problems.append(f"{name} holds the local path {printable(found[0])}")
    return problems
