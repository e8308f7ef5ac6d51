"""The acquisition: pulse sequence, both axes, quadrature and what the receiver does, checked once."""

import math
from dataclasses import dataclass

from nmr_speech.axis import CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ, Axis
from nmr_speech.checks import in_range, one_of, positive, whole
from nmr_speech.constants import N_POINTS, N_TRANSIENTS
from nmr_speech.simulate.trains import TRAINS

MIXING_TIME_S = 0.06
LOCK_HZ = 10_000.0
TOLERANCE = 1e-3
WEAKEST_TRAIN_HZ = 100.0

RANGES = {
    "mixing_time_s": (0, 0.3, "seconds", "0.02 to 0.12"),
    "lock_hz": (0, 1e6, "Hz", "10,000"),
    "trim_s": (0, 0.02, "seconds", "0.001 to 0.0025"),
    "field_mhz": (40, 1300, "MHz", "400 to 1200"),
    "carrier_ppm": (-100, 100, "ppm", "4.7 to 5"),
    "spectral_width_hz": (1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz"),
    "spectral_width_f1_hz": (1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz"),
    "tolerance": (0, 0.1, "of the first point"),
}
"""Lowest and highest value of each real parameter for protons, its unit, and typical values."""
COUNTS = {"n_transients": (1, 4096), "n_points": (1, 4096), "adc_bits": (2, 24)}
CHOICES = {"sequence": ("isotropic", "spin_lock", *TRAINS), "quadrature": ("states", "echo_antiecho")}


@dataclass(frozen=True)
class Acquisition:
    """All parameters of a TOCSY experiment but the sample.

    Arguments
    ---------
    sequence : str
        "isotropic": ideal isotropic mixing; "spin_lock": a continuous lock; "dipsi2", "mlev17": a train of pulses, in
        whole cycles. See `nmr_speech.simulate.tocsy`.
    mixing_time_s : float
        Length of the mixing, 0 to 0.3 s.
    lock_hz : float
        Strength of the lock of "spin_lock" and of the pulses of a train, 0 to 1e6 Hz; a train needs 100 Hz or more.
    field_mhz : float
        Proton frequency, 40 to 1300 MHz.
    carrier_ppm : float
        Transmitter position in both dimensions, -100 to 100 ppm.
    spectral_width_hz : float
        Sampling rate in t2 (F2), 1 to 1e6 Hz. Lines outside the spectral width fold, as on a spectrometer.
    spectral_width_f1_hz : float | None
        Sampling rate in t1 (F1); None takes that of F2.
    n_transients : int
        Points in t1, 1 to 4096.
    n_points : int
        Points in t2, 1 to 4096.
    decay_time_t1_s : float
        Apparent T2 in t1 in seconds: the signal decays as exp(-t1 / decay_time_t1_s); infinity for no decay.
    decay_time_t2_s : float
        Apparent T2 in t2 in seconds.
    quadrature : str
        The two channels in t1: "states" (cosine, sine) or "echo_antiecho" (N = cos - i sin, P = cos + i sin).
    adc_bits : int | None
        Digitisation: real and imaginary parts are rounded as by a converter of so many bits, 2 to 24, whose full scale
        is the largest of them; None for none.
    tolerance : float
        Accuracy relative to the first point, 0 to 0.1. It bounds the power of what is left out; the measured error is
        at least 10 times smaller (`benchmarks/simulator`). 0 keeps everything, to single precision.
    trim_s : float
        Length of the trim pulses along the lock before and after a train, 0 to 0.02 s; other sequences have none. One
        alone does not purge: see `nmr_speech.simulate.tocsy`.

    Example
    -------
    >>> Acquisition(n_points=512).f2.n
    512
    >>> Acquisition(mixing_time_s=-0.1)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `mixing_time_s` must be from 0 to 0.3 seconds, got -0.1 (typical: 0.02 to 0.12)
    """

    sequence: str = "isotropic"
    mixing_time_s: float = MIXING_TIME_S
    lock_hz: float = LOCK_HZ
    field_mhz: float = FIELD_MHZ
    carrier_ppm: float = CARRIER_PPM
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ
    spectral_width_f1_hz: float | None = None
    n_transients: int = N_TRANSIENTS
    n_points: int = N_POINTS
    decay_time_t1_s: float = math.inf
    decay_time_t2_s: float = math.inf
    quadrature: str = "states"
    adc_bits: int | None = None
    tolerance: float = TOLERANCE
    trim_s: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            one_of(name, getattr(self, name), choices)
        for name, limits in RANGES.items():
            self._keep(name, in_range, *limits)
        for name, ends in COUNTS.items():
            self._keep(name, whole, *ends)
        if self.sequence in TRAINS:
            in_range("lock_hz", self.lock_hz, WEAKEST_TRAIN_HZ, 1e6, f"Hz for {self.sequence}", "8,000 to 12,000")
        for name in ("decay_time_t1_s", "decay_time_t2_s"):
            self._keep(name, positive, "seconds; infinity for no decay")

    def _keep(self, name, check, *limits):
        """Check a parameter that is given, and keep it as a plain number: a NumPy scalar becomes a float or an int."""
        value = getattr(self, name)
        if value is not None or name not in ("spectral_width_f1_hz", "adc_bits"):
            object.__setattr__(self, name, check(name, value, *limits))

    # Both dimensions hold protons, so they share carrier and field.
    @property
    def f1(self) -> Axis:
        """Axis of the indirect dimension, with one point a transient."""
        width_hz = self.spectral_width_hz if self.spectral_width_f1_hz is None else self.spectral_width_f1_hz
        return Axis(self.n_transients, width_hz, self.carrier_ppm, self.field_mhz)

    @property
    def f2(self) -> Axis:
        """Axis of the directly detected dimension, ``n_points`` points."""
        return Axis(self.n_points, self.spectral_width_hz, self.carrier_ppm, self.field_mhz)


STANDARD = Acquisition()
"""The acquisition where nothing else is asked for."""
