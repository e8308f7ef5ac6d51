"""The parameters of one file, taken out with a check and a message that names the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmr_speech.axis import LIMITS
from nmr_speech.checks import InputError, is_number


@dataclass(frozen=True)
class Parameters:
    """What a parameter file or a header says, and the file's name for messages.

    Arguments
    ---------
    values : Mapping[str, Any]
        Parameters by name: numbers, and text where the file has text.
    source : str | Path
        The file.

    Example
    -------
    >>> acqus = Parameters({"SW_h": 6493.5, "NUC1": "1H"}, "acqus")
    >>> acqus.get("NUC1"), acqus.get("GRPDLY", -1), acqus.quantity("SW_h", "width_hz")
    ('1H', -1, 6493.5)
    """

    values: Mapping[str, Any]
    source: str | Path

    def get(self, key: str, otherwise: Any = None) -> Any:
        """Return a parameter as the file has it, or ``otherwise`` where the file does not have it.

        Example
        -------
        >>> Parameters({"SOLVENT": "D2O"}, "acqus").get("SOLVENT")
        'D2O'
        """
        return self.values.get(key, otherwise)

    def number(self, key: str, low: float, high: float, unit: str = "") -> float:
        """Return a number in [low, high], in the given unit such as "Hz", or refuse the file.

        Example
        -------
        >>> Parameters({"TD": 256}, "acqu2s").number("TD", 1, 1e6)
        256.0
        >>> Parameters({"TD": "many"}, "acqu2s").number("TD", 1, 1e6, "rows")
        Traceback (most recent call last):
        ...
        nmr_speech.checks.InputError: acqu2s: TD must be a number from 1 to 1e+06 rows, got 'many'; copy the file ...
        """
        value: Any = self.values.get(key)
        if not is_number(value) or not low <= value <= high:
            came = "none" if value is None else repr(value)
            raise InputError(
                f"{self.source}: {key} must be a number from {low:g} to {high:g}{unit and ' '}{unit}, got {came}; "
                "copy the file again or correct it"
            )
        return float(value)

    def quantity(self, key: str, name: str) -> float:
        """Return a number that can be ``field_mhz``, ``carrier_ppm`` or ``width_hz`` of an `Axis`.

        Example
        -------
        >>> Parameters({"SFO1": 0.0}, "acqus").quantity("SFO1", "field_mhz")
        Traceback (most recent call last):
        ...
        nmr_speech.checks.InputError: acqus: SFO1 must be a number from 1 to 1300 MHz, got 0.0; copy the file again ...
        """
        low, high, unit, _ = LIMITS[name]
        return self.number(key, low, high, unit)

    def text(self, key: str) -> str | None:
        """Return text without spaces around it; None where there is none.

        Example
        -------
        >>> Parameters({"SOLVENT": " D2O "}, "acqus").text("SOLVENT")
        'D2O'
        """
        return str(self.get(key) or "").strip() or None
