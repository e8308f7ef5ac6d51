"""One voice for bad input: what must hold, what came, what to do."""

import difflib
import math
from collections.abc import Collection


class InputError(ValueError):
    """Input that cannot be used; the message names it and says what to do.

    Example
    -------
    >>> raise InputError("`seed` must be an integer, got 'x'")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `seed` must be an integer, got 'x'
    """


def in_range(name, value, low, high, unit, typical=""):
    """Return ``value`` as a float if it is finite and in [low, high].

    Arguments
    ---------
    name : str
        Name of the argument, as the caller wrote it.
    value : float
        The number to check.
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
        raise InputError(f"`{name}` must be from {low:g} to {high:g} {unit}, got {value!r}{hint}")
    return float(value)


def positive(name, value, unit):
    """Return ``value`` as a float if it is above zero; infinity is allowed.

    Example
    -------
    >>> positive("decay_time_t1_s", float("inf"), "seconds")
    inf
    """
    if not is_number(value, infinite=True) or not value > 0:
        raise InputError(f"`{name}` must be positive, got {value!r} ({unit})")
    return float(value)


def whole(name, value, low, high):
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
    if not is_number(value) or value != int(value) or not low <= value <= high:
        raise InputError(f"`{name}` must be a whole number from {low} to {high}, got {value!r}")
    return int(value)


def one_of(name, value, choices: Collection):
    """Return ``value`` if it is one of ``choices``; otherwise list them, the nearest first.

    Example
    -------
    >>> one_of("residue", "VAL", ("LEU", "VAL"))
    'VAL'
    >>> one_of("residue", "VAK", ("LEU", "VAL"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `residue` must be one of LEU, VAL; got 'VAK', did you mean 'VAL'?
    """
    if value in choices:
        return value
    near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
    hint = f", did you mean {near[0]!r}?" if near else ""
    raise InputError(f"`{name}` must be one of {', '.join(map(str, choices))}; got {value!r}{hint}")


def is_number(value, infinite=False):
    """Whether ``value`` is a real number, not NaN, and finite unless ``infinite``.

    Example
    -------
    >>> is_number(1.5), is_number(True), is_number(float("nan")), is_number("1")
    (True, False, False, False)
    """
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return False
    number = float(value)
    return not math.isnan(number) and (infinite or math.isfinite(number))
