"""The parameters that the experiments share: defaults, ranges, and what the computation takes from them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from nmr_speech.checks import InputError, in_range, is_number, positive, whole
from nmr_speech.simulate.residues import Residue
from nmr_speech.simulate.sample import load_residue
from nmr_speech.simulate.spin_system import SpinSystem

FIELD_MHZ = 600.0
SPECTRAL_WIDTH_HZ = 7200.0  # 12 ppm at 600 MHz
CARRIER_PPM = 5.0
TOLERANCE = 1e-3

AXES = {
    "field_mhz": (40, 1300, "MHz", "400 to 1200"),
    "carrier_ppm": (-100, 100, "ppm", "4.7 to 5"),
    "spectral_width_hz": (1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz"),
    "spectral_width_f1_hz": (1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz"),
}
"""The parameters that say where a line lies: lowest and highest value, unit, typical values."""

System = str | Residue | SpinSystem
Shifts = Mapping[str, float] | Sequence[float] | Sequence[Sequence[float]] | np.ndarray


def spin_system(system: System) -> SpinSystem:
    """Take the spin system from what a user names.

    Example
    -------
    >>> spin_system("GLY").names
    ('HA2', 'HA3', 'H')
    """
    residue = load_residue(system) if isinstance(system, str) else system
    return residue.system if isinstance(residue, Residue) else residue


def axis(name: str, value: float) -> float:
    """Return ``value`` as a float if it can be that parameter of `AXES`.

    Example
    -------
    >>> axis("carrier_ppm", 4.7)
    4.7
    """
    return in_range(name, value, *AXES[name])


def offsets_rad_s(system: SpinSystem, shifts_ppm: Shifts, field_mhz: float, carrier_ppm: float) -> torch.Tensor:
    """Check chemical shifts and give each group's offset from the carrier.

    Arguments
    ---------
    system : SpinSystem
        The spin system.
    shifts_ppm : Mapping[str, float] | Sequence[float] | np.ndarray
        A shift for each group, by name or in order; or an array (R, groups).
    field_mhz : float
        Proton frequency.
    carrier_ppm : float
        Transmitter position.

    Returns
    -------
    torch.Tensor
        rad/s, float64, (groups,) or (R, groups).

    Example
    -------
    >>> offsets_rad_s(SpinSystem({"H": 1}, {}), {"H": 6.0}, 600.0, 5.0) / (2 * math.pi)
    tensor([600.], dtype=torch.float64)
    """
    names = system.names
    if isinstance(shifts_ppm, Mapping):
        if set(shifts_ppm) != set(names):
            raise InputError(f"`shifts_ppm` must name the groups {', '.join(names)}; got {', '.join(shifts_ppm)}")
        shifts_ppm = [shifts_ppm[name] for name in names]
    rows = shifts_ppm if np.ndim(shifts_ppm) == 2 else [shifts_ppm]
    for row in rows:
        if len(row) != len(names):
            raise InputError(f"`shifts_ppm` must hold {len(names)} shifts ({', '.join(names)}); got {len(row)}")
        for name, shift in zip(names, row, strict=True):
            if not is_number(shift):
                raise InputError(f"the shift of group {name} must be a finite number of ppm, got {shift!r}")
    axis("field_mhz", field_mhz)
    axis("carrier_ppm", carrier_ppm)
    return 2 * math.pi * field_mhz * (torch.from_numpy(np.array(shifts_ppm, dtype=np.float64)) - carrier_ppm)


def sampling(count_name: str, count: int, width_name: str, width_hz: float) -> tuple[int, float]:
    """Check the number of points and the spectral width of a dimension; the second result is the dwell time in s.

    Example
    -------
    >>> sampling("n_points", 256, "spectral_width_hz", 8000.0)
    (256, 0.000125)
    """
    return whole(count_name, count, 1, 4096), 1 / axis(width_name, width_hz)


def decay(name: str, decay_time_s: float, times: int, dwell_s: float, device: str = "cpu") -> torch.Tensor:
    """exp(-t / decay_time_s) at t = 0, dwell, 2 dwell, ...; float32, (times,).

    Example
    -------
    >>> decay("decay_time_t2_s", 0.1, 3, 0.1)
    tensor([1.0000, 0.3679, 0.1353])
    """
    rate = 1 / positive(name, decay_time_s, "seconds; infinity for no decay")
    return torch.exp(-rate * dwell_s * torch.arange(times, dtype=torch.float64, device=device)).float()
