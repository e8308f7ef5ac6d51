"""What the experiments take: a spin system, and chemical shifts as offsets from the carrier."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number
from nmr_speech.simulate.residues import Residue
from nmr_speech.simulate.sample import load_residue
from nmr_speech.simulate.spin_system import SpinSystem

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


def offsets_rad_s(system: SpinSystem, shifts_ppm: Shifts, axis: Axis) -> torch.Tensor:
    """Check chemical shifts and give each group's offset from the carrier.

    Arguments
    ---------
    system : SpinSystem
        The spin system.
    shifts_ppm : Mapping[str, float] | Sequence[float] | np.ndarray
        A shift for each group, by name or in order; or an array (R, groups).
    axis : Axis
        Its carrier and its field.

    Returns
    -------
    torch.Tensor
        rad/s, float64, (groups,) or (R, groups).

    Example
    -------
    >>> offsets_rad_s(SpinSystem({"H": 1}, {}), {"H": 6.0}, Axis(carrier_ppm=5.0, field_mhz=600.0)) / (2 * math.pi)
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
    shifts = torch.from_numpy(np.array(shifts_ppm, dtype=np.float64))
    return 2 * math.pi * axis.field_mhz * (shifts - axis.carrier_ppm)
