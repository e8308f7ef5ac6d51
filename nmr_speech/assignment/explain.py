"""Why a residue is said to be present: its shifts fitted to the spectrum, its peaks assigned, and what is left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from scipy.optimize import nnls

from nmr_speech.assignment.planes import magnitude, own_signals
from nmr_speech.assignment.shift_fit import fit_shifts, noise_level, transfer_shares
from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, one_of, quoted
from nmr_speech.simulate import RESIDUES, Acquisition, Sample, tocsy

EXPECTED = 0.02
"""Least share of a group's magnetisation that is transferred to another where a peak is expected."""


@dataclass(frozen=True)
class AssignedPeak:
    """A peak that a residue should have.

    Arguments
    ---------
    residue : str
        Three-letter code.
    group_f1, group_f2 : str
        Groups of protons; equal ones are on the diagonal.
    f1_ppm, f2_ppm : float
        Fitted shifts.
    found : bool
        Whether the spectrum has a signal there.
    """

    residue: str
    group_f1: str
    group_f2: str
    f1_ppm: float
    f2_ppm: float
    found: bool


@dataclass(frozen=True, eq=False)
class Explanation:
    """A spectrum as a sum of residues.

    Arguments
    ---------
    amounts : Mapping[str, float]
        Amount of each residue, of molecules and not of protons, relative to the largest.
    shifts_ppm : Mapping[str, Mapping[str, float]]
        Fitted shift of each group, by residue.
    offset_ppm : float
        What the spectrum's shifts have in common beyond those of the tables.
    explained : float
        Share of the spectrum's energy, water and reference line left out, that the sum explains, 0 to 1.
    peaks : tuple[AssignedPeak, ...]
        The peaks that the residues should have.
    measured, residual : np.ndarray
        Magnitude of the spectrum, and what of it no residue explains, (P, Q).
    axis : Axis
        Axis of both dimensions.
    """

    amounts: Mapping[str, float]
    shifts_ppm: Mapping[str, Mapping[str, float]]
    offset_ppm: float
    explained: float
    peaks: tuple[AssignedPeak, ...]
    measured: np.ndarray
    residual: np.ndarray
    axis: Axis

    def summary(self) -> dict[str, Any]:
        """Return amounts, shifts in ppm and peaks ready for JSON."""
        shifts = {name: {group: round(ppm, 4) for group, ppm in own.items()} for name, own in self.shifts_ppm.items()}
        return {
            "explained": round(self.explained, 4),
            "amounts": {name: round(amount, 4) for name, amount in self.amounts.items()},
            "offset_ppm": round(self.offset_ppm, 4),
            "shifts_ppm": shifts,
            "peaks": [vars(peak) for peak in self.peaks],
        }


def explain(
    fid: torch.Tensor,
    axis: Axis,
    residues: Sequence[str],
    acquisition: Acquisition | None = None,
    ph: float | None = None,
) -> Explanation:
    """Fit residues to a spectrum and assign their peaks.

    At the shifts that `nmr_speech.assignment.shift_fit.fit_shifts` finds the residues are simulated, and amounts are
    fitted to magnitudes by least squares without negative ones.

    Arguments
    ---------
    fid : torch.Tensor
        States pair, complex, (2, P, Q).
    axis : Axis
        Axis of both dimensions.
    residues : Sequence[str]
        Three-letter codes of the residues that are there.
    acquisition : Acquisition | None
        The experiment: mixing and its time. None for ideal mixing of 60 ms.
    ph : float | None
        pH of the sample; None if it is not known.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        No residue is named, or one that does not exist.

    Example
    -------
    >>> valine = Sample("d2o", "free").residue("VAL")
    >>> fid = tocsy(valine, valine.shift_mean_ppm + 0.1, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> why = explain(fid, Axis(), ["VAL"])
    >>> bool(abs(why.shifts_ppm["VAL"]["HA"] - valine.shift_mean_ppm[0] - 0.1) < 0.05), why.explained > 0.9
    (True, True)
    """
    if not residues:
        raise InputError("`residues` must name at least one, such as ['VAL'], got none")
    molecules = [Sample("d2o", "free").residue(one_of("residues", name, RESIDUES)) for name in residues]
    if len(set(residues)) < len(residues):
        raise InputError(f"`residues` must name each residue once, got {quoted(list(residues))}")
    acquisition = on_axis(axis, acquisition or Acquisition())
    measured, own, level = magnitude(fid), own_signals(axis).numpy(), noise_level(fid)
    fit = fit_shifts(fid, axis, molecules, acquisition, ph)
    fids = [tocsy(molecule, ppm, acquisition) for molecule, ppm in zip(molecules, fit.shifts_ppm, strict=True)]
    amounts, fitted = _fit(measured * own, [magnitude(one * fit.decay) * own for one in fids])
    largest = max(amounts.max(), 1e-30)
    return Explanation(
        amounts={name: float(amount / largest) for name, amount in zip(residues, amounts, strict=True)},
        shifts_ppm={
            molecule.id: dict(zip(molecule.system.names, map(float, ppm), strict=True))
            for molecule, ppm in zip(molecules, fit.shifts_ppm, strict=True)
        },
        offset_ppm=fit.offset_ppm,
        explained=_explained(measured * own, fitted, level),
        peaks=_assigned(measured, level, axis, molecules, fit.shifts_ppm, acquisition.mixing_time_s),
        measured=measured,
        residual=np.clip(measured * own - fitted, 0, None),
        axis=axis,
    )


def on_axis(axis: Axis, acquisition: Acquisition) -> Acquisition:
    """Take an acquisition to the axis of a spectrum, in both dimensions.

    Example
    -------
    >>> on_axis(Axis(field_mhz=500.0, width_hz=6000.0), Acquisition()).f1.width_ppm
    12.0
    """
    return replace(
        acquisition,
        field_mhz=axis.field_mhz,
        carrier_ppm=axis.carrier_ppm,
        spectral_width_hz=axis.width_hz,
        spectral_width_f1_hz=None,
        n_transients=axis.n,
        n_points=axis.n,
    )


def _nearest(axis, ppm):
    return int(np.clip(np.rint((ppm - axis.ppm()[0]) / (axis.width_ppm / axis.n)), 0, axis.n - 1))


def _explained(measured, fitted, level):
    """Share of the energy above the noise that the fit explains."""
    energy = (np.clip(measured - level, 0, None) ** 2).sum() or 1.0
    left = np.clip(np.abs(measured - fitted) - level, 0, None)
    return float(np.clip(1 - (left**2).sum() / energy, 0, 1))


def _assigned(measured, level, axis, molecules, shifts, mixing_time_s):
    """The peaks that the residues should have, and whether a signal lies within a point of each."""
    height, peaks = maximum_filter(measured, 3), []
    for molecule, ppm in zip(molecules, shifts, strict=True):
        weights = transfer_shares(molecule, mixing_time_s)
        names = molecule.system.names
        for g, h in zip(*np.nonzero(weights >= EXPECTED), strict=True):
            found = bool(height[_nearest(axis, ppm[g]), _nearest(axis, ppm[h])] > level)
            peaks.append(AssignedPeak(molecule.id, names[g], names[h], float(ppm[g]), float(ppm[h]), found))
    return tuple(peaks)


def _fit(measured, planes):
    """Amounts, and the fitted plane."""
    amounts, _ = nnls(np.stack([plane.ravel() for plane in planes], 1), measured.ravel())
    return amounts, sum(a * plane for a, plane in zip(amounts, planes, strict=True))
