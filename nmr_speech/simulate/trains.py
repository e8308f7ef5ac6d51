"""The pulse trains that spectrometers mix with, as flip angles and phases."""

import itertools

DIPSI_2 = (320, 410, 290, 285, 30, 245, 375, 265, 370)
"""Flip angles in degrees of the element R of DIPSI-2, whose phases alternate between x and -x.

Shaka, Lee and Pines 1988, doi:10.1016/0022-2364(88)90178-3.
"""
SUPERCYCLE = ("RSSR", "SSRR", "SRRS", "RRSS")
"""MLEV-16: R is 90 180 90 degrees along y, x, y, and S the same along -y, -x, -y.

Levitt, Freeman and Frenkiel 1982, doi:10.1016/0022-2364(82)90124-X.
"""
LAST_DEGREES = 60
"""Seventeenth pulse of MLEV-17, along the lock: Bax and Davis 1985 (doi:10.1016/0022-2364(85)90018-6) had 180 degrees;
60 compensates better and is what spectrometers use."""

Pulses = tuple[tuple[float, int], ...]


def _inverted(element: Pulses) -> Pulses:
    return tuple((degrees, (phase + 2) % 4) for degrees, phase in element)


def _dipsi_2() -> Pulses:
    element = tuple((float(degrees), 2 * (k % 2)) for k, degrees in enumerate(DIPSI_2))
    return element + _inverted(element) + _inverted(element) + element


def _mlev_17() -> Pulses:
    element = ((90.0, 1), (180.0, 0), (90.0, 1))
    kinds = {"R": element, "S": _inverted(element)}
    elements = (kinds[letter] for letter in "".join(SUPERCYCLE))
    return (*itertools.chain.from_iterable(elements), (float(LAST_DEGREES), 0))


TRAINS: dict[str, Pulses] = {"dipsi2": _dipsi_2(), "mlev17": _mlev_17()}
"""One cycle of each train, for a lock along x: flip angle in degrees and phase in quarter turns of each pulse."""
