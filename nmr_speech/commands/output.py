"""What commands print, and where they may write."""

from collections.abc import Sequence
from pathlib import Path

from nmr_speech.checks import LONGEST_MESSAGE, InputError, printable

PICTURES = (".png", ".pdf", ".svg")
AUDIO = (".wav", ".flac")


def say(*lines: str) -> None:
    """Print lines that may hold text of a file: a terminal obeys control characters.

    After all files are written, because a program that reads the output may stop at any time.

    Example
    -------
    >>> say("GLY, seed 1986", "a bell" + chr(7))
    GLY, seed 1986
    a bell?
    """
    print(*(printable(line, LONGEST_MESSAGE) for line in lines), sep="\n")


def check_output(path: Path | None, kinds: Sequence[str]) -> None:
    """Refuse a file that could not be written, before anything is computed; None is no file.

    Example
    -------
    >>> check_output(Path("spectrum.gif"), PICTURES)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: spectrum.gif: the file must end in .png, .pdf, .svg
    """
    if path is None:
        return
    if path.suffix.lower() not in kinds:
        raise InputError(f"{path}: the file must end in {', '.join(kinds)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it, or write to another one")
