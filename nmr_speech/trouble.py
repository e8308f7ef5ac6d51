"""Ordinary trouble ends a command with one sentence and an exit status, without a traceback.

Bad input, an interruption, a full disk, a folder that may not be written, a closed pipe: none of these is a fault of
the program. Any other exception is one, and keeps its traceback.
"""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import NoReturn

from nmr_speech.checks import FROM_WORKER, InputError, printable

INTERRUPTED, CLOSED_PIPE = 130, 141
"""Exit statuses as a shell gives them: 128 and the number of the signal, SIGINT and SIGPIPE."""

DISK = "the disk is full; free some space"
SYSTEM = {
    errno.ENOSPC: DISK,
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; write to another folder",
    errno.EACCES: "no permission; change it, or choose another folder",
    errno.EPERM: "no permission; change it, or choose another folder",
    errno.ENOENT: "does not exist, or was removed meanwhile",
    errno.ENOTDIR: "a folder was expected here, and a file was found",
    errno.EISDIR: "a file was expected here, and a folder was found",
    errno.EEXIST: "exists already",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "the links lead round in a circle",
    errno.EMFILE: "too many open files; raise the limit with `ulimit -n`",
    errno.EFBIG: "the file is larger than the file system or a limit allows",
    errno.EIO: "the disk cannot be read or written",
}
# What libraries raise as RuntimeError; their own words do not name the cause.
LIBRARIES = {
    r"unexpected pos \d+ vs \d+|PytorchStreamWriter failed": f"a file could not be written whole; probably {DISK}",
    r"DataLoader worker .*(killed|exited unexpectedly)": "a process that loads the data was killed; probably there is "
    "too little memory: set `--loader_workers=0` or `--simulation_workers=0`, or a smaller `--batch_size`",
    r"out of memory": "too little memory on the device; set a smaller `--batch_size`",
}


def sentence_of(error: BaseException) -> str | None:
    """Describe an exception that is ordinary trouble in one sentence; return None for a fault of the program.

    Example
    -------
    >>> sentence_of(OSError(errno.ENOSPC, "No space left on device", "results/model.ckpt"))
    'results/model.ckpt: the disk is full; free some space'
    >>> sentence_of(KeyError("embedding")) is None
    True
    """
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError):
        return "too little memory; close other programs, or use a smaller input"
    if isinstance(error, OSError):
        reason = SYSTEM.get(error.errno or 0) or error.strerror or _last_line(error) or type(error).__name__
        names = [os.fsdecode(name) for name in (error.filename,) if isinstance(name, str | bytes)]
        return printable(": ".join([*names, reason]), 600)
    if isinstance(error, RuntimeError):
        return next((sentence for words, sentence in LIBRARIES.items() if re.search(words, str(error))), None)
    return None


def _last_line(error: OSError) -> str:
    """What an error says; one of a process that loads data says it after its traceback."""
    text = str(error)
    return text.strip().splitlines()[-1].partition("] ")[2] if FROM_WORKER in text[:200] else text


@contextlib.contextmanager
def one_sentence(again: str = "", options: Mapping[str, str] | None = None) -> Iterator[None]:
    """End the process with one sentence on standard error if ordinary trouble happens inside.

    Arguments
    ---------
    again : str
        What to do after an interruption or a full disk, such as "run the same command again to resume".
    options : Mapping[str, str] | None
        Option of the command line for each argument of the library, for messages.

    Raises
    ------
    SystemExit
        With status 1 and the sentence; 130 after Ctrl+C; 141, without a word, if nobody reads the output any more.

    Example
    -------
    >>> with one_sentence(options={"index_base": "--first"}):
    ...     raise InputError("`index_base` must be 0 or 1")
    Traceback (most recent call last):
    ...
    SystemExit: error: `--first` must be 0 or 1
    """
    try:
        yield
        sys.stdout.flush()  # a closed pipe shows here, not while Python shuts down
    except KeyboardInterrupt:
        print("\n" + "; ".join(["interrupted", *filter(None, [again])]), file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)
    except SystemExit:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            raise
        _end_silently()
    except BrokenPipeError:
        _end_silently()
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        if again and not isinstance(error, InputError):
            sentence = f"{sentence}; then {again}"
        # The library names its arguments; a user of the command knows them by their options.
        named = options or {}
        sys.exit("error: " + re.sub(r"`(\w+)`", lambda name: f"`{named.get(name[1], name[1])}`", sentence))


def expect_interruptions() -> None:
    """Let Ctrl+C outside of `one_sentence`, such as during slow imports, end the process with one sentence.

    Example
    -------
    >>> getfixture("monkeypatch").setattr(sys, "excepthook", sys.__excepthook__)
    >>> expect_interruptions()
    >>> sys.excepthook is sys.__excepthook__
    False
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("\ninterrupted; run the same command again", file=sys.stderr)  # noqa: T201
        else:
            before(kind, error, trace)

    sys.excepthook = hook


def _end_silently() -> NoReturn:
    # What is still in the buffer goes nowhere, or Python would complain of the pipe when it shuts down.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(CLOSED_PIPE)
