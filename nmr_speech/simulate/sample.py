"""The sample: which protons there are, and at which chemical shifts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, is_number, one_of, quoted
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.residues import RESIDUES, Residue, read_residue
from nmr_speech.simulate.shift_table import COLUMNS, at_site, mixture_of, sites_of
from nmr_speech.simulate.spin_system import SpinSystem
from nmr_speech.simulate.titration import TABLE_PH, at_ph

CONDITIONS = ("h2o", "d2o")
SHIFT_SOURCES = ("protein", "free", "predicted")
FREE_SHIFT_STD_PPM = 0.03  # how far pH, salt, temperature and referencing move a shift between ordinary samples

System = str | Molecule | SpinSystem
Shifts = Mapping[str, float] | Sequence[float] | Sequence[Sequence[float]] | np.ndarray


@dataclass(frozen=True)
class Sample:
    """Solvent and state of the amino acids.

    Arguments
    ---------
    condition : str
        "h2o": protons of the backbone NH and of slowly exchanging side-chain NH are seen; "d2o": only those on carbon.
    shift_source : str
        "protein": each shift has its Gaussian over all proteins (BMRB). "free": shifts and couplings of the free amino
        acid in neutral D2O at 298 K (GISSMO; for TYR Govindaraju 2000, because GISSMO's sample is strongly basic: see
        the README of the tables). Its amino group exchanges too fast to be seen; in H2O the other NH protons have the
        Gaussians of "protein".
        "predicted": each recording is a residue of a sequence, drawn from its Gaussians in ``shift_table``; groups that
        the table lacks have those of "protein".
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", 0 to 0.3 ppm; no effect on the others.
    shift_table : str | None
        For source "predicted", the CSV table of the sequence; see `nmr_speech.simulate.shift_table.read_sites`.
    ph : float
        pH of a free amino acid, 0 to 14: it moves the shifts of source "free"; no effect on the others. See
        `nmr_speech.simulate.titration`.

    Example
    -------
    >>> Sample("d2o", "free").residue("VAL").shift_mean_ppm.round(2).tolist()
    [3.6, 2.27, 1.03, 0.98]
    >>> Sample("d2o", "free", ph=12.0).residue("VAL").shift_mean_ppm.round(2).tolist()
    [3.15, 2.05, 0.95, 0.9]
    >>> Sample(ph=15)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `ph` must be from 0 to 14 (a pH), got 15 (typical: 7.4)
    """

    condition: str = "h2o"
    shift_source: str = "protein"
    free_shift_std_ppm: float = FREE_SHIFT_STD_PPM
    shift_table: str | None = None
    ph: float = TABLE_PH

    def __post_init__(self) -> None:
        one_of("condition", self.condition, CONDITIONS)
        one_of("shift_source", self.shift_source, SHIFT_SOURCES)
        in_range("free_shift_std_ppm", self.free_shift_std_ppm, 0, 0.3, "ppm", "0.01 to 0.05")
        in_range("ph", self.ph, 0, 14, "(a pH)", "7.4")
        if (self.shift_source == "predicted") != (self.shift_table is not None):
            raise InputError(
                f"`shift_source` 'predicted' and `shift_table` belong together, got {quoted(self.shift_source)} and "
                f"{quoted(self.shift_table)}; the table is a CSV file with the columns {','.join(COLUMNS)}"
            )

    def residue(self, name: str) -> Residue:
        """Read an amino acid, by its three-letter code, as it is in this sample.

        Where shifts are predicted, their mean and standard deviation are those over all its sites.

        Example
        -------
        >>> Sample("d2o").residue("VAL").system.names
        ('HA', 'HB', 'MG1', 'MG2')
        """
        sites = self.sites(name)
        return sites[0] if len(sites) == 1 else mixture_of(sites)

    def sites(self, name: str) -> tuple[Residue, ...]:
        """Read an amino acid at each place where it is in the sequence; without a sequence there is one place.

        Example
        -------
        >>> [residue.source for residue in Sample("d2o").sites("VAL")]
        ['BMRB statistics of proteins']
        """
        source = "free" if self.shift_source == "free" else "protein"
        residue = _read(one_of("residue", name, RESIDUES), self.condition, source, float(self.free_shift_std_ppm))
        if source == "free" and self.ph != TABLE_PH:
            mean_ppm, std_ppm = at_ph(residue, self.ph)
            residue = replace(residue, shift_mean_ppm=mean_ppm, shift_std_ppm=std_ppm)
        if self.shift_table is None:
            return (residue,)
        return tuple(at_site(residue, site) for site in sites_of(self.shift_table, name))


@lru_cache(maxsize=4 * len(RESIDUES))
def _read(name: str, condition: str, shift_source: str, free_shift_std_ppm: float) -> Residue:
    return read_residue(name, condition, shift_source, free_shift_std_ppm)


def load_residue(
    name: str,
    condition: str = "h2o",
    shift_source: str = "protein",
    free_shift_std_ppm: float = FREE_SHIFT_STD_PPM,
) -> Residue:
    """Read one amino acid from the package's tables.

    Arguments
    ---------
    name : str
        Three-letter code, e.g. "VAL".
    condition : str
        "h2o" or "d2o"; see `Sample`.
    shift_source : str
        "protein" or "free" (with "d2o"); see `Sample`.
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", 0 to 0.3 ppm.

    Returns
    -------
    Residue

    Example
    -------
    >>> load_residue("VAL").system.names
    ('HA', 'HB', 'MG1', 'MG2', 'H')
    """
    return Sample(condition, shift_source, free_shift_std_ppm).residue(name)


def spin_system(system: System) -> SpinSystem:
    """Take the spin system from what a user names.

    Example
    -------
    >>> spin_system("GLY").names
    ('HA2', 'HA3', 'H')
    """
    molecule = load_residue(system) if isinstance(system, str) else system
    return molecule.system if isinstance(molecule, Molecule) else molecule


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
    rows: Any = shifts_ppm if np.ndim(shifts_ppm) == 2 else [shifts_ppm]
    for row in rows:
        if len(row) != len(names):
            raise InputError(f"`shifts_ppm` must hold {len(names)} shifts ({', '.join(names)}); got {len(row)}")
        for name, shift in zip(names, row, strict=True):
            if not is_number(shift):
                raise InputError(f"the shift of group {name} must be a finite number of ppm, got {quoted(shift)}")
    shifts = torch.from_numpy(np.array(shifts_ppm, dtype=np.float64))
    return 2 * math.pi * axis.field_mhz * (shifts - axis.carrier_ppm)
