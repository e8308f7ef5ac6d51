"""One-dimensional experiments: an FID from time zero, with its axis."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import LONGEST_MESSAGE, InputError, printable
from nmr_speech.spectrometer.rows import time_zero

FEWEST = 64  # points


@dataclass(frozen=True, eq=False, kw_only=True)
class Experiment1D:
    """A 1D experiment; signals evolve as exp(+2 pi i (shift - carrier) field t).

    Arguments
    ---------
    fid : np.ndarray
        complex128, (n,), from time zero: a digital filter's delay is removed.
    axis : Axis
        Frequencies, with n points.
    nucleus : str
        What was observed, such as "1H".
    source : str
        The file.
    steps : tuple[str, ...]
        What was found and done, one sentence each.

    Example
    -------
    >>> Experiment1D(fid=np.zeros(4, complex), axis=Axis(8, 1000.0, 4.7, 600.0))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `fid` must be complex with shape (8,), got complex128 (4,)
    """

    fid: np.ndarray
    axis: Axis
    nucleus: str = "1H"
    source: str = "simulated"
    steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(printable(line, LONGEST_MESSAGE) for line in self.steps))
        if not np.iscomplexobj(self.fid) or self.fid.shape != (self.axis.n,):
            raise InputError(
                f"`fid` must be complex with shape ({self.axis.n},), got {self.fid.dtype} {self.fid.shape}"
            )


def from_time_zero(points: np.ndarray, delay: float, source: str | Path) -> tuple[np.ndarray, str]:
    """Remove the delay of a digital filter from an FID, by a linear phase of its spectrum.

    The build-up before time zero moves to the end. White noise stays white, as a cut would not leave it.

    Arguments
    ---------
    points : np.ndarray
        complex, (n,).
    delay : float
        Of the filter, in points, according to the file; 0 for none.
    source : str | Path
        The file, for messages.

    Returns
    -------
    tuple[np.ndarray, str]
        The FID, complex128, (n,), and a sentence that says what was done.

    Example
    -------
    >>> late = np.roll(np.exp(-np.arange(256) / 20) + 0j, 40)  # the end of the FID is silent, so are the first points
    >>> fid, step = from_time_zero(late, 40.0, "fid")
    >>> abs(fid[:2]).round(2), step[:55]
    (array([1.  , 0.95]), 'The digital filter has a group delay of 40 points: time')
    """
    if len(points) < FEWEST:
        raise InputError(f"{source}: an FID must have at least {FEWEST} points, got {len(points)}")
    if not np.isfinite(points).all():
        raise InputError(f"{source}: points must be finite numbers, got NaN or infinity; copy the file again")
    if not points.any():
        raise InputError(f"{source}: all {len(points)} points are zero: the measurement never started; copy it again")
    kept, start, step = time_zero(points[None].astype(complex), delay, source)
    (fid,) = kept
    if start:
        fid = np.fft.ifft(np.fft.fft(fid) * np.exp(-2j * np.pi * np.fft.fftfreq(len(fid)) * start))
    return fid, step
