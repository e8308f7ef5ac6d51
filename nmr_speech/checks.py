"""Checks of input whose messages say what must hold, what came and what to do."""

import contextlib
import difflib
import math
from collections.abc import Collection
from typing import Any, TypeVar

Choice = TypeVar("Choice")


LONGEST_QUOTE, LONGEST_MESSAGE = 200, 1500  # characters
MOST_CHOICES = 40  # listed in a message, of the blocks of a network for example


FROM_WORKER = "in DataLoader worker process"


class InputError(ValueError):
    """Input that cannot be used; the message names it and says what to do.

    Whatever a message quotes from a file, it stays on one line, holds no control characters, and ends.

    Example
    -------
    >>> raise InputError("`seed` must be an integer, got 'x'")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `seed` must be an integer, got 'x'
    >>> str(InputError("the file says " + chr(27) + "[2J" + chr(10) + "nothing"))
    'the file says ?[2J nothing'
    """

    def __init__(self, message: object = ""):
        if FROM_WORKER in str(message)[:200]:  # torch puts the traceback of the process before the message
            message = str(message).strip().rpartition("InputError: ")[2]
        super().__init__(printable(message, LONGEST_MESSAGE))


def printable(text: object, longest: int = LONGEST_QUOTE) -> str:
    """Make a text of unknown origin fit to be shown in a terminal or a page: one line, without control characters.

    Arguments
    ---------
    text : object
        The text, or whatever has one.
    longest : int
        Largest number of characters; what is longer ends with ``...``.

    Returns
    -------
    str
        White space becomes one space; what cannot be printed, such as an escape or a mark that reverses the direction
        of writing, becomes ``?``.

    Example
    -------
    >>> printable("DMSO" + chr(27) + "]0;owned" + chr(7) + chr(10) + "d6")
    'DMSO?]0;owned? d6'
    >>> printable("x" * 1000, 10)
    'xxxxxxx...'
    """
    words = str(text)[: 4 * longest + 4].split()  # cut first: a text of megabytes need not be looked at
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(words))
    return line if len(line) <= longest else line[: longest - 3] + "..."


def quoted(value: object) -> str:
    """Return the ``repr`` of a value for a message, printable and of at most 200 characters.

    Example
    -------
    >>> quoted("GLY"), len(quoted("x" * 1000))
    ("'GLY'", 200)
    """
    if isinstance(value, str | bytes):
        value = value[: LONGEST_QUOTE + 1]
    try:
        return printable(repr(value))
    except Exception:  # an int of thousands of digits has no repr, and an object of another library may fail in it
        return f"a value of type {type(value).__name__}"


def in_range(name: str, value: Any, low: float, high: float, unit: str, typical: str = "") -> float:
    """Return ``value`` as a float if it is finite and in [low, high].

    Arguments
    ---------
    name : str
        Name of the argument, as the caller wrote it.
    value : Any
        The value to check.
    low : float
        Smallest value allowed.
    high : float
        Largest value allowed.
    unit : str
        Unit of all numbers, for the message.
    typical : str
        Usual values, for the message.

    Returns
    -------
    float
        In the same unit.

    Example
    -------
    >>> in_range("mixing_time_s", 0.06, 0.0, 0.3, "seconds")
    0.06
    >>> in_range("mixing_time_s", -0.1, 0.0, 0.3, "seconds", "0.02 to 0.12")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `mixing_time_s` must be from 0 to 0.3 seconds, got -0.1 (typical: 0.02 to 0.12)
    """
    if not is_number(value) or not low <= value <= high:
        hint = f" (typical: {typical})" if typical else ""
        raise InputError(f"`{name}` must be from {low:g} to {high:g} {unit}, got {quoted(value)}{hint}")
    return float(value)


def positive(name: str, value: Any, unit: str) -> float:
    """Return ``value`` as a float, in the same unit, if it is above zero; infinity is allowed.

    Example
    -------
    >>> positive("decay_time_t1_s", float("inf"), "seconds")
    inf
    """
    if not is_number(value, infinite=True) or not value > 0:
        raise InputError(f"`{name}` must be positive, got {quoted(value)} ({unit})")
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Return ``value`` as an int if it is a whole number in [low, high].

    Example
    -------
    >>> whole("n_points", 256, 1, 4096)
    256
    >>> whole("n_points", 0, 1, 4096)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `n_points` must be a whole number from 1 to 4096, got 0
    """
    # Compared as it is given: as a float, a seed of 2^63 - 1 would become 2^63.
    if not is_number(value) or value != int(value) or not low <= value <= high:
        raise InputError(f"`{name}` must be a whole number from {low} to {high}, got {quoted(value)}")
    return int(value)


def one_of(name: str, value: Choice, choices: Collection[Any]) -> Choice:
    """Return ``value`` if it is one of ``choices``; otherwise list them and suggest the nearest.

    Example
    -------
    >>> one_of("residue", "VAL", ("LEU", "VAL"))
    'VAL'
    >>> one_of("residue", "VAK", ("LEU", "VAL"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `residue` must be one of LEU, VAL; got 'VAK', did you mean 'VAL'?
    """
    with contextlib.suppress(TypeError):  # a list is in no set, because it has no hash
        if value in choices:
            return value
    names = [str(choice) for choice in choices]
    near = difflib.get_close_matches(quoted(value).strip("'"), names, n=1)
    hint = f", did you mean {near[0]!r}?" if near else ""
    more = f" and {len(names) - MOST_CHOICES} more" if len(names) > MOST_CHOICES else ""
    raise InputError(f"`{name}` must be one of {', '.join(names[:MOST_CHOICES])}{more}; got {quoted(value)}{hint}")


def is_number(value: Any, infinite: bool = False) -> bool:
    """Whether ``value`` is a real number, not NaN, and finite unless ``infinite``.

    Example
    -------
    >>> is_number(1.5), is_number(True), is_number(float("nan")), is_number("1")
    (True, False, False, False)
    """
    # bool is an int in Python, but `true` in a YAML file is not meant as 1.
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return False
    try:
        number = float(value)
    except (ArithmeticError, TypeError, ValueError, RuntimeError):  # too large a number; an array of several
        return False
    return not math.isnan(number) and (infinite or math.isfinite(number))
