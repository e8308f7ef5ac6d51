"""One frequency dimension of a spectrum, and the times at which its signal is sampled."""

from dataclasses import dataclass, replace

import numpy as np

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.constants import N_POINTS

FIELD_MHZ = 600.0
SPECTRAL_WIDTH_HZ = 7200.0  # 12 ppm at 600 MHz
CARRIER_PPM = 5.0

LIMITS = {
    "field_mhz": (1, 1300, "MHz", "400 to 1200 for protons"),
    "carrier_ppm": (-1000, 1000, "ppm", "4.7 to 5 for protons"),
    "width_hz": (1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz"),
}
"""Lowest and highest value of each quantity of an axis, its unit, and typical values; for any nucleus."""


@dataclass(frozen=True)
class Axis:
    """Size, spectral width, carrier and field of one dimension; frequencies rise from point to point.

    The carrier is at point n // 2, as `numpy.fft.fftshift` has it. Files and pictures that run the other way round are
    turned where they are read, written or drawn.

    Arguments
    ---------
    n : int
        Number of points, 1 or more.
    width_hz : float
        Spectral width in Hz: the sampling rate of the time signal.
    carrier_ppm : float
        Chemical shift at zero frequency.
    field_mhz : float
        Frequency of the nucleus at 0 ppm in MHz.

    Example
    -------
    >>> axis = Axis(n=4, width_hz=4000.0, carrier_ppm=5.0, field_mhz=500.0)
    >>> axis.ppm()
    array([1., 3., 5., 7.])
    >>> axis.hz()
    array([-2000., -1000.,     0.,  1000.])
    >>> axis.seconds()
    array([0.     , 0.00025, 0.0005 , 0.00075])
    """

    n: int = N_POINTS
    width_hz: float = SPECTRAL_WIDTH_HZ
    carrier_ppm: float = CARRIER_PPM
    field_mhz: float = FIELD_MHZ

    def __post_init__(self):
        whole("n", self.n, 1, 2**31 - 1)
        for name, limits in LIMITS.items():
            in_range(name, getattr(self, name), *limits)

    @property
    def dwell_s(self) -> float:
        """Time from one point of the signal to the next, in seconds."""
        return 1 / self.width_hz

    @property
    def centre_hz(self) -> float:
        """Frequency of the carrier, in Hz from 0 ppm."""
        return self.carrier_ppm * self.field_mhz

    @property
    def band_hz(self) -> tuple[float, float]:
        """Lowest and highest frequency that is not folded, in Hz from 0 ppm."""
        return self.centre_hz - self.width_hz / 2, self.centre_hz + self.width_hz / 2

    @property
    def width_ppm(self) -> float:
        """Spectral width in ppm."""
        return self.width_hz / self.field_mhz

    def hz(self) -> np.ndarray:
        """Offset of each point of the spectrum from the carrier in Hz, rising; (n,)."""
        return np.fft.fftshift(np.fft.fftfreq(self.n)) * self.width_hz

    def ppm(self) -> np.ndarray:
        """Chemical shift of each point of the spectrum, rising; (n,)."""
        return self.carrier_ppm + self.hz() / self.field_mhz

    def seconds(self) -> np.ndarray:
        """Time of each point of the signal, from zero; (n,)."""
        return np.arange(self.n) * self.dwell_s

    def resized(self, n: int) -> "Axis":
        """Return the same width with another number of points, as zero filling gives.

        Example
        -------
        >>> Axis(4, 4000.0, 5.0, 500.0).resized(8).ppm()
        array([1., 2., 3., 4., 5., 6., 7., 8.])
        """
        return replace(self, n=n)

    def cut(self, low: int, high: int) -> "Axis":
        """Return the part from point ``low`` up to ``high``, ``high`` not included.

        Example
        -------
        >>> Axis(4, 4000.0, 5.0, 500.0).cut(1, 3).ppm()
        array([3., 5.])
        """
        if not 0 <= low < high <= self.n:
            raise InputError(f"a part of an axis must lie within its {self.n} points, got {low} to {high}")
        n = high - low
        return Axis(n, self.width_hz * n / self.n, float(self.ppm()[low + n // 2]), self.field_mhz)
