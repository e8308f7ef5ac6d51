"""What every recipe script needs around its main function: one sentence for bad input, and a clock."""

import sys
import time
from collections.abc import Callable, Sequence

from nmr_speech.trouble import one_sentence

RESUME = "run the same command again to resume"


def run_script(main: Callable[[Sequence[str]], object], argv: Sequence[str] | None = None, again: str = RESUME) -> None:
    """Run a script's main function; ordinary trouble ends it with one sentence, without a traceback.

    Arguments
    ---------
    main : Callable[[Sequence[str]], object]
        Takes the arguments of the command line.
    argv : Sequence[str] | None
        Those arguments; None for those of this process.
    again : str
        What to do after an interruption or a full disk.

    Example
    -------
    >>> from nmr_speech.checks import InputError
    >>> def main(argv):
    ...     raise InputError("`seed` must be a whole number")
    >>> run_script(main, [])
    Traceback (most recent call last):
    ...
    SystemExit: error: `seed` must be a whole number
    """
    with one_sentence(again):
        main(sys.argv[1:] if argv is None else argv)


class Clock:
    """Seconds of each stage of a run, one stage after the other.

    Example
    -------
    >>> clock = Clock()
    >>> clock.lap("simulate")
    >>> clock.lap("train")
    >>> list(clock.seconds)
    ['simulate', 'train']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage; ``seconds`` holds its duration, rounded to hundredths of a second."""
        now = time.perf_counter()
        self.seconds[stage], self._last = round(now - self._last, 2), now
