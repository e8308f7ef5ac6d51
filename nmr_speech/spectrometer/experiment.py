"""What every reader returns: an experiment as States pairs, with the times at which its points were taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import LONGEST_MESSAGE, InputError, is_number, printable

SAME_NUCLEUS = 1e-3  # carriers of one nucleus lie a few 100 ppm apart at most; 1H and 19F differ by 6%
MOST_CARRIER = 1e-4  # proton carriers lie within 100 ppm of 0 ppm; more is a damaged file
FREQUENCIES = {"1H": 1, "19F": 0.94086, "31P": 0.40481, "7Li": 0.38864, "11B": 0.32084, "23Na": 0.26452,
               "13C": 0.25145, "29Si": 0.19867, "2H": 0.15351, "15N": 0.10136}  # fmt: skip
"""Frequency of each nucleus relative to that of protons (IUPAC 2008, doi:10.1351/pac200880010059)."""
LONGEST_NAME = 100  # letters of a solvent or a pulse programme
LONGEST_MIXING_S = 1.0  # of any TOCSY; a longer delay is not the mixing time


@dataclass(frozen=True, eq=False, kw_only=True)
class Experiment:
    """A 2D experiment as it was measured, or as `to_grid` brought it to a model's grid.

    Signals evolve as exp(+2 pi i (shift - carrier) field t), as in the simulator. Row n of channel c was taken at
    ``t1 = (n + t1_start[c]) f1.dwell_s``, point k at ``t2 = (k + t2_start) f2.dwell_s``. Times are kept, not
    corrected, so that `to_grid` resamples only once.

    Arguments
    ---------
    fid : torch.Tensor
        complex64, (2, n_transients, n_points): cosine and sine channel.
    f1 : Axis
        The indirect dimension, with n_transients points and the field of its own nucleus.
    f2 : Axis
        The observed dimension, with n_points points.
    t1_start : tuple[float, float]
        Time of the first transient of the cosine and of the sine channel, in dwell times of t1.
    t2_start : float
        Time of the first point in dwell times of t2: minus the group delay where a digital filter builds up.
    n_valid : int
        Number of transients measured; those after them are zero.
    mixing_time_s : float | None
        Mixing time that the file gives, in seconds; None where it gives none.
    solvent : str | None
        Solvent, as the file calls it.
    pulse_program : str | None
        Pulse programme, as the file calls it.
    nucleus : str
        Nucleus of F2.
    processed_deg : tuple
        Zero and first order, in degrees, by which F1 and F2 were phased elsewhere; None where that is unknown.
    schedule : np.ndarray | None
        Indices of the transients measured, from 0, (m,), where they were sampled non-uniformly.
    source : str
        The file.
    steps : tuple[str, ...]
        What was found and done, one sentence each, in order.
    warnings : tuple[str, ...]
        What makes the result doubtful, one sentence each.

    Example
    -------
    >>> f1, f2 = Axis(8, 6000.0, 118.0, 60.8), Axis(16, 7200.0, 4.7, 600.0)
    >>> Experiment(fid=torch.zeros(2, 8, 16) + 0j, f1=f1, f2=f2, n_valid=8).same_nucleus
    False
    """

    fid: torch.Tensor
    f1: Axis
    f2: Axis
    t1_start: tuple[float, float] = (0.0, 0.0)
    t2_start: float = 0.0
    n_valid: int
    mixing_time_s: float | None = None
    solvent: str | None = None
    pulse_program: str | None = None
    nucleus: str = "1H"
    processed_deg: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)
    schedule: np.ndarray | None = None
    source: str = "simulated"
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Text of files reaches terminals and pages by way of these alone.
        for name in ("solvent", "pulse_program"):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else printable(given, LONGEST_NAME))
        for name in ("steps", "warnings"):
            object.__setattr__(self, name, tuple(printable(line, LONGEST_MESSAGE) for line in getattr(self, name)))
        shape = (2, self.f1.n, self.f2.n)
        if not self.fid.is_complex() or self.fid.shape != shape:
            raise InputError(f"`fid` must be complex with shape {shape}, got {self.fid.dtype} {tuple(self.fid.shape)}")

    @property
    def same_nucleus(self) -> bool:
        """Whether F1 and F2 have the same nucleus, by their fields in MHz."""
        return is_same_nucleus(self.f1.field_mhz, self.f2.field_mhz)


def is_same_nucleus(one_mhz: float, other_mhz: float) -> bool:
    """Whether two frequencies, at one field, can be those of one nucleus.

    Example
    -------
    >>> is_same_nucleus(600.0, 600.003), is_same_nucleus(600.0, 564.5)
    (True, False)
    """
    return abs(one_mhz / other_mhz - 1) < SAME_NUCLEUS


def is_plausible_zero(zero_mhz: Any, observed_mhz: float, nucleus: str = "1H") -> bool:
    """Whether a frequency can be that of 0 ppm: within 100 ppm of the carrier for protons, 1000 ppm for other nuclei.

    Example
    -------
    >>> is_plausible_zero(500.0, 500.00235), is_plausible_zero(125.7, 500.0), is_plausible_zero(None, 500.0)
    (True, False, False)
    """
    limit = MOST_CARRIER if nucleus == "1H" else SAME_NUCLEUS
    return is_number(zero_mhz) and abs(zero_mhz / observed_mhz - 1) < limit


def nucleus_of(frequency_mhz: float, proton_mhz: float) -> str:
    """Name the nucleus that has a frequency where protons have another.

    Example
    -------
    >>> nucleus_of(125.7, 500.0), nucleus_of(400.0, 500.0)
    ('13C', 'an unknown nucleus')
    """
    near = (name for name, ratio in FREQUENCIES.items() if is_same_nucleus(frequency_mhz, ratio * proton_mhz))
    return next(near, "an unknown nucleus")


def require_protons(source: str | Path, nuclei: tuple[str, str], frequencies_mhz: tuple[float, float]) -> None:
    """Refuse experiments other than proton against proton.

    Arguments
    ---------
    source : str | Path
        The file, for messages.
    nuclei : tuple[str, str]
        Nuclei of F2 and F1, as the file calls them.
    frequencies_mhz : tuple[float, float]
        Frequencies of the carriers of F2 and F1.

    Example
    -------
    >>> require_protons("acqu2s", ("1H", "15N"), (600.0, 60.8))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: acqu2s: both dimensions must be 1H, got 1H in F2 and 15N in F1 (600 and 60.8 MHz); ...
    """
    f2_mhz, f1_mhz = frequencies_mhz
    if nuclei != ("1H", "1H"):
        raise InputError(
            f"{source}: both dimensions must be 1H, got {nuclei[0]} in F2 and {nuclei[1]} in F1 ({f2_mhz:.6g} and "
            f"{f1_mhz:.6g} MHz); models classify 1H-1H TOCSY, and `nmr-speech reconstruct` takes other nuclei in F1"
        )
    if not is_same_nucleus(f2_mhz, f1_mhz):
        raise InputError(
            f"{source}: both dimensions must be 1H; F1 is called 1H, but its frequency of {f1_mhz:.6g} MHz is that of "
            f"{nucleus_of(f1_mhz, f2_mhz)} where 1H is at {f2_mhz:.6g} MHz; give a 1H-1H TOCSY, or correct the "
            "frequency"
        )


def single_precision(fid: np.ndarray) -> torch.Tensor:
    """Convert an array (...,) to complex64, divided by its largest value where numbers would leave the range.

    Example
    -------
    >>> single_precision(np.array([2e200 + 0j, 1e200])).real.tolist()
    [1.0, 0.5]
    """
    largest = np.abs(fid).max()
    # Single precision ends at 3e38, and a damaged or foreign file of float64 may hold more.
    scaled = fid / largest if largest > 1e30 or largest < 1e-30 else fid
    return torch.from_numpy(np.ascontiguousarray(scaled, dtype=np.complex64))


def possible_mixing_s(value: Any) -> float | None:
    """Return a mixing time in seconds, or None where it is not one that a TOCSY could have.

    Example
    -------
    >>> possible_mixing_s(0.06), possible_mixing_s(0.0), possible_mixing_s("n")
    (0.06, None, None)
    """
    return float(value) if is_number(value) and 0 < float(value) < LONGEST_MIXING_S else None


def axes_step(f1: Axis, f2: Axis) -> str:
    """State the widths in Hz and carriers in ppm of both dimensions.

    Example
    -------
    >>> axes_step(Axis(8, 6000.0, 4.7, 500.0), Axis(16, 6000.0, 4.7, 500.0))
    'F2 is 6000 Hz wide about 4.7 ppm, F1 6000 Hz about 4.7 ppm.'
    """
    return (
        f"F2 is {f2.width_hz:.6g} Hz wide about {f2.carrier_ppm:.4g} ppm, F1 {f1.width_hz:.6g} Hz about "
        f"{f1.carrier_ppm:.4g} ppm."
    )
