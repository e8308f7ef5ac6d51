"""How synthetic FIDs are drawn: the distributions of their lines, and what was done to them since.

Table S1-1 of Wang et al., Accelerated NMR Spectroscopy: Merge Optimization with Deep Learning, arXiv 2012.14830.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from nmr_speech.checks import InputError, in_range, one_of, quoted, whole

SPAN = "two numbers, the least and the largest"
LIMITS = {
    "rate": (1e-3, 1.0, "of the points"),
    "amplitude": (0.0, 1e6, "arbitrary units"),
    "frequency": (0.0, 1.0, "of the spectral width"),
    "decay_points": (1e-3, 1e9, "points"),
    "phase_rad": (-10.0, 10.0, "radians"),
    "noise_std": (0.0, 1e6, "arbitrary units"),
    "splitting": (0.0, 1.0, "of the spectral width"),
}
SHARES = {"negative_share": "of the peaks", "doublet_share": "of the peaks", "windowed_share": "of the FIDs"}
LOGARITHMIC = ("rate", "amplitude", "decay_points", "noise_std")


@dataclass(frozen=True)
class FIDSettings:
    """Distributions of synthetic FIDs: uniform, each from its least to its largest value, or uniform in the logarithm.

    The defaults are Table S1-1 of Wang et al., with three choices where it leaves something open or contradicts itself:

    - ``n_points``: the paper does not give the length of its FIDs. With 256 its longest decay time, 179.2 points, is
      0.7 of the FID.
    - ``phase_rad``: the table gives each peak its own phase, from 0 to 2 pi. But a virtual echo, on which the paper
      trains, requires all peaks in phase; with other phases its spectrum has the wide feet of dispersion. The default
      is therefore phase zero. ``[0, 6.2832]`` is the table's.
    - ``negative_share``: the phases of the table also make negative peaks, which real spectra have where a peak is
      folded or the experiment edits. A network trained without them takes them for artefacts. At phase zero the signs
      are drawn.

    Arguments
    ---------
    n_points : int | tuple[int, int]
        Points of each FID, at times 0, 1, 2, ...; a pair for signals of two indirect dimensions.
    rate : tuple[float, float]
        Share of the points that are measured, drawn for each FID; equal numbers for one rate.
    peaks : tuple[int, int]
        Number of peaks.
    amplitude : tuple[float, float]
        Amplitude of each peak.
    frequency : tuple[float, float]
        Frequency of each peak, in units of the spectral width.
    decay_points : tuple[float, float]
        Time, in points, in which a peak decays to 1/e; far more than ``n_points`` for a constant-time experiment.
    phase_rad : tuple[float, float]
        Phase of each peak.
    negative_share : float
        Probability that a peak is negative.
    noise_std : float | tuple[float, float]
        Standard deviation of the white Gaussian noise in the real and in the imaginary part; two numbers draw one for
        each FID.
    doublet_share : float
        Probability that a coupling splits a peak in two lines.
    splitting : tuple[float, float]
        Distance of these two, in units of the spectral width.
    windowed_share : float
        Probability that an FID comes with a window on it, half a cosine or its square, as one that was taken back from
        a processed spectrum does. Its lines are no Lorentzians.
    log_uniform : tuple[str, ...]
        Names of those above whose logarithm is drawn uniformly: more draws near the least value.

    Example
    -------
    >>> FIDSettings(rate=(0.1, 0.5)).rate
    (0.1, 0.5)
    """

    n_points: int | tuple[int, int] = 256
    rate: tuple[float, float] = (0.2, 0.2)
    peaks: tuple[int, int] = (1, 10)
    amplitude: tuple[float, float] = (0.05, 1.0)
    frequency: tuple[float, float] = (0.01, 0.99)
    decay_points: tuple[float, float] = (10.0, 179.2)
    phase_rad: tuple[float, float] = (0.0, 0.0)
    negative_share: float = 0.5
    noise_std: float | tuple[float, float] = 1e-4
    doublet_share: float = 0.0
    splitting: tuple[float, float] = (0.0, 0.03)
    windowed_share: float = 0.0
    log_uniform: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for size in self.grid:
            whole("n_points", size, 8, 2**16)
        if len(self.grid) > 2:
            raise InputError(f"`n_points` must be one number, or two for two dimensions, got {self.n_points!r}")
        for name, unit in SHARES.items():
            in_range(name, getattr(self, name), 0, 1, unit, "0.5")
        if not isinstance(self.noise_std, Collection):
            object.__setattr__(self, "noise_std", (self.noise_std, self.noise_std))
        for name, (low, high, unit) in LIMITS.items():
            for end in _span(name, getattr(self, name)):
                in_range(name, end, low, high, unit)
        self._check_logarithms()
        for end in _span("peaks", self.peaks):
            whole("peaks", end, 0, 1000)

    def _check_logarithms(self) -> None:
        for name in self.log_uniform:
            one_of("log_uniform", name, LOGARITHMIC)
            if not min(getattr(self, name)) > 0:
                raise InputError(f"`{name}` must be above 0 to be drawn in its logarithm, got {getattr(self, name)}")

    @property
    def grid(self) -> tuple[int, ...]:
        """Points in each dimension sampled."""
        return tuple(self.n_points) if isinstance(self.n_points, Collection) else (self.n_points,)

    def between(self, name: str, uniform: Any) -> Any:
        """Take numbers from 0 to 1, of any shape, to the span of that name."""
        low, high = getattr(self, name)
        return low * (high / low) ** uniform if name in self.log_uniform else low + (high - low) * uniform

    @classmethod
    def of(cls, fids: Mapping[str, Any]) -> "FIDSettings":
        """Make the settings of the mapping ``fids`` of a YAML file: numbers, and pairs of them, by the names above.

        Example
        -------
        >>> FIDSettings.of({"n_point": 64})
        Traceback (most recent call last):
        ...
        nmr_speech.checks.InputError: `fids` may hold n_points, rate, ..., log_uniform; got n_point
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(fids, Mapping):
            raise InputError(f"`fids` must hold settings by name, got {quoted(fids)}")
        if unknown := sorted(set(fids) - set(known)):
            raise InputError(f"`fids` may hold {', '.join(known)}; got {', '.join(unknown)}")
        return cls(**fids)


def _span(name, ends):
    if isinstance(ends, str) or not isinstance(ends, Collection) or len(ends) != 2:
        raise InputError(f"`{name}` must be {SPAN}, got {ends!r}")
    if not ends[0] <= ends[1]:
        raise InputError(f"`{name}` must be {SPAN}, got {ends[0]!r} before {ends[1]!r}")
    return ends
