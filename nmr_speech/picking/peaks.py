"""Peaks as columns, and the candidates that a picker proposes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a picker finds in a plane.

    Arguments
    ---------
    points : np.ndarray
        Positions in points, fractions allowed, (K, D), axes as the plane has them.
    probability : np.ndarray
        That each is a peak, (K,).

    Example
    -------
    >>> Candidates(np.array([[3.5, 2.0]]), np.array([0.5, 0.6]))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: candidates must have points (K, D) and probabilities (K,), got (1, 2) and (2,)
    """

    points: np.ndarray
    probability: np.ndarray

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.probability.shape != self.points.shape[:1]:
            raise InputError(
                f"candidates must have points (K, D) and probabilities (K,), got {self.points.shape} and "
                f"{self.probability.shape}"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Peaks:
    """A table of K peaks in D dimensions; columns of D run as the axes of the spectrum, F1 before F2.

    Arguments
    ---------
    position_points, position_ppm : np.ndarray
        Where each peak is, (K, D), in points from the first, and in ppm.
    height : np.ndarray
        Of either sign, in the units of the spectrum, (K,).
    volume : np.ndarray
        Integral over the peak in closed form: what its points sum up to, in the units of the spectrum, (K,).
    width_hz : np.ndarray
        Full width at half height, (K, D).
    probability : np.ndarray
        That there is a peak, (K,).
    position_std_ppm, width_std_hz : np.ndarray
        Standard errors, (K, D); NaN where nothing was fitted.
    height_std, volume_std : np.ndarray
        Standard errors, (K,); NaN where nothing was fitted.

    Example
    -------
    >>> len(Peaks.none(2)), Peaks.none(2).position_ppm.shape
    (0, (0, 2))
    """

    position_points: np.ndarray
    position_ppm: np.ndarray
    height: np.ndarray
    volume: np.ndarray
    width_hz: np.ndarray
    probability: np.ndarray
    position_std_ppm: np.ndarray
    height_std: np.ndarray
    volume_std: np.ndarray
    width_std_hz: np.ndarray

    @classmethod
    def none(cls, dimensions: int) -> "Peaks":
        """Return a table of that number of dimensions without peaks."""
        wide = ("position_points", "position_ppm", "width_hz", "position_std_ppm", "width_std_hz")
        return cls(**{f.name: np.zeros((0, dimensions) if f.name in wide else 0) for f in fields(cls)})

    def __len__(self) -> int:
        return len(self.height)

    @property
    def dimensions(self) -> int:
        """1 or 2."""
        return self.position_points.shape[1]

    def take(self, chosen: np.ndarray) -> "Peaks":
        """Return the peaks of an index or a mask (K,)."""
        return Peaks(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def ranked(self) -> "Peaks":
        """Return the peaks by falling probability, those of one probability by falling magnitude."""
        return self.take(np.lexsort((-np.abs(self.height), -self.probability)))

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary a peak, F2 first, ready for JSON and CSV; standard errors that are unknown are None.

        Example
        -------
        >>> list(Peaks.none(1).take(np.zeros(0, int)).rows())
        []
        """
        names = ("f2", "f1")[: self.dimensions]
        columns: dict[str, np.ndarray] = {}
        for field, unit in (("position", "ppm"), ("width", "hz")):
            for k, name in enumerate(names):
                axis = self.dimensions - 1 - k
                label = f"{name}_{unit}" if field == "position" else f"{name}_width_{unit}"
                columns[label] = getattr(self, f"{field}_{unit}")[:, axis]
                columns[label.replace(f"_{unit}", f"_std_{unit}")] = getattr(self, f"{field}_std_{unit}")[:, axis]
        for name in ("height", "height_std", "volume", "volume_std", "probability"):
            columns[name] = getattr(self, name)
        return [
            {name: float(column[k]) if np.isfinite(column[k]) else None for name, column in columns.items()}
            for k in range(len(self))
        ]


def to_ppm(points: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """Return the shifts (K, D) of positions in points (K, D), between points too.

    Example
    -------
    >>> to_ppm(np.array([[1.5]]), [Axis(4, 4000.0, 5.0, 500.0)])  # points at 1, 3, 5 and 7 ppm
    array([[4.]])
    """
    first = np.array([axis.ppm()[0] for axis in axes])
    step = np.array([axis.width_ppm / axis.n for axis in axes])
    return first + points * step
