"""Why a residue is said to be present: its shifts fitted to the spectrum, its peaks assigned, and what is left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.optimize import nnls

from nmr_speech.assignment.planes import magnitude, own_signals
from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, one_of, quoted
from nmr_speech.simulate import RESIDUES, Acquisition, Residue, Sample, tocsy
from nmr_speech.simulate.fid import cosine_window, envelope
from nmr_speech.simulate.first_order import first_order, in_phase_transfer

SEARCHED_PPM = 0.45
"""Largest error of the reference, either way."""
MOVES_PPM = 0.55
"""Largest difference of a shift from that of the tables, besides: what pH does."""
PRIOR_PPM = 0.15
"""Standard deviation of that difference."""
NOISE_LEVELS = 5.0
RATES_PER_S = (3.0, 6.0, 12.0, 24.0)
"""Decays that are tried; all lines of a spectrum have the same."""
EXPECTED = 0.02
"""Least share of a group's magnetisation that is transferred to another where a peak is expected."""
FARTHEST_POINTS = 7
PENALTY = 0.05
"""What a difference of one standard deviation costs, where a full set of peaks is worth 1."""
BLUR_POINTS = 1.5  # wide enough for the ascent to feel a peak two points away


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
    fid: torch.Tensor, axis: Axis, residues: Sequence[str], acquisition: Acquisition | None = None
) -> Explanation:
    """Fit residues to a spectrum and assign their peaks.

    A reference offset that all share is searched first. Each shift then moves to where the residue's diagonal and cross
    peaks are strongest, under a Gaussian prior. At these shifts the residues are simulated, and amounts are fitted to
    magnitudes by least squares without negative ones.

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
    measured, own = magnitude(fid), own_signals(axis).numpy()
    level = NOISE_LEVELS * np.median(measured)
    seen = np.sqrt(gaussian_filter(np.clip(measured - level, 0, None) * own, BLUR_POINTS))
    seen /= max(seen.max(), 1e-30)
    systems = [_expected(molecule, acquisition.mixing_time_s) for molecule in molecules]
    offset_ppm = _common_offset(seen, axis, molecules, systems)
    shifts = [
        _ascend(seen, axis, molecule.shift_mean_ppm + offset_ppm, weights, molecule.shift_of)
        for molecule, weights in zip(molecules, systems, strict=True)
    ]
    decay, planes = _decay(measured * own, axis, _length(fid), own, molecules, shifts, acquisition)
    shifts = _polish(measured * own, molecules, shifts, planes, decay)
    fids = [tocsy(molecule, ppm, acquisition) for molecule, ppm in zip(molecules, shifts, strict=True)]
    amounts, fitted = _fit(measured * own, [magnitude(one * decay.time) * own for one in fids])
    largest = max(amounts.max(), 1e-30)
    return Explanation(
        amounts={name: float(amount / largest) for name, amount in zip(residues, amounts, strict=True)},
        shifts_ppm={
            molecule.id: dict(zip(molecule.system.names, map(float, ppm), strict=True))
            for molecule, ppm in zip(molecules, shifts, strict=True)
        },
        offset_ppm=float(offset_ppm),
        explained=_explained(measured * own, fitted, level),
        peaks=_assigned(measured, level, axis, molecules, shifts, systems),
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


def _expected(molecule: Residue, mixing_time_s: float) -> np.ndarray:
    """Share of each group's magnetisation that is transferred to each, (groups, groups)."""
    transfer = in_phase_transfer(molecule.system, mixing_time_s)
    return transfer / transfer.sum(1, keepdims=True)


def _nearest(axis, ppm):
    return int(np.clip(np.rint((ppm - axis.ppm()[0]) / (axis.width_ppm / axis.n)), 0, axis.n - 1))


def _strength(seen, axis, ppm, weights):
    """What the spectrum shows where a residue with these shifts has peaks: 0 to 1."""
    place = np.clip((ppm - axis.ppm()[0]) / (axis.width_ppm / axis.n), 0, axis.n - 1.001)
    low = place.astype(int)
    share = place - low
    # Linear between the four points around each place.
    rows = (1 - share)[:, None] * seen[low] + share[:, None] * seen[low + 1]
    values = (1 - share) * rows[:, low] + share * rows[:, low + 1]
    return float((weights * values).sum() / weights.sum())


def _common_offset(seen, axis, molecules, systems):
    step = axis.width_ppm / axis.n
    reach = int(SEARCHED_PPM / step)
    offsets = step * np.arange(-reach, reach + 1)
    roots = [np.sqrt(weights) for weights in systems]
    wide = gaussian_filter(seen, 2.0)  # shifts differ from one another by more than a point
    strengths = [
        sum(_strength(wide, axis, one.shift_mean_ppm + by, w) for one, w in zip(molecules, roots, strict=True))
        for by in offsets
    ]
    return offsets[int(np.argmax(strengths))]


def _ascend(seen, axis, start_ppm, weights, shift_of):
    """Move each shift in turn to where the peaks of its group are strongest: by points, then by fractions of one."""
    ppm, roots, step = np.array(start_ppm), np.sqrt(weights), axis.width_ppm / axis.n
    reach = int(MOVES_PPM / step)
    coarse, fine = step * np.arange(-reach, reach + 1), step * np.linspace(-1, 1, 17)
    for moves in (coarse, coarse, coarse, fine, fine):
        for group in dict.fromkeys(shift_of):
            together = [k for k, of in enumerate(shift_of) if of == group]
            # The coarse moves are from the table's shift, the fine ones from where the coarse ones led.
            from_ppm = start_ppm[together] if moves is coarse else ppm[together].copy()
            tried = []
            for move in moves:
                ppm[together] = from_ppm + move
                moved = (ppm[together[0]] - start_ppm[together[0]]) / PRIOR_PPM
                tried.append(_strength(seen, axis, ppm, roots) - PENALTY * moved**2 / len(ppm))
            ppm[together] = from_ppm + moves[int(np.argmax(tried))]
    return ppm


def _explained(measured, fitted, level):
    """Share of the energy above the noise that the fit explains."""
    energy = (np.clip(measured - level, 0, None) ** 2).sum() or 1.0
    left = np.clip(np.abs(measured - fitted) - level, 0, None)
    return float(np.clip(1 - (left**2).sum() / energy, 0, 1))


def _assigned(measured, level, axis, molecules, shifts, systems):
    """The peaks that the residues should have, and whether a signal lies within a point of each."""
    height, peaks = maximum_filter(measured, 3), []
    for molecule, ppm, weights in zip(molecules, shifts, systems, strict=True):
        names = molecule.system.names
        for g, h in zip(*np.nonzero(weights >= EXPECTED), strict=True):
            found = bool(height[_nearest(axis, ppm[g]), _nearest(axis, ppm[h])] > level)
            peaks.append(AssignedPeak(molecule.id, names[g], names[h], float(ppm[g]), float(ppm[h]), found))
    return tuple(peaks)


def _length(fid):
    """Number of transients that were measured."""
    filled = fid.abs().amax((0, 2)).nonzero()
    return int(filled.max()) + 1 if len(filled) else fid.shape[-2]


@dataclass(frozen=True, eq=False)
class _Decay:
    """What multiplies a signal, (P, Q), and the plane that residues then give to first order."""

    time: torch.Tensor
    own: np.ndarray
    acquisition: Acquisition

    def planes(self, molecule, shifts_ppm):
        """Magnitudes of R recordings, (R, P, Q)."""
        lines = first_order([molecule], [shifts_ppm], replace(self.acquisition, sequence="isotropic"))
        anti_echoes = lines.t1.mT @ (lines.transfer @ lines.t2) * self.time
        windows = (cosine_window(n, first_halved=False, dtype=torch.float32) for n in self.time.shape)
        p, q = map(torch.from_numpy, windows)
        spectra = torch.fft.fftshift(torch.fft.fft2(anti_echoes * p[:, None] * q, norm="ortho"), dim=(1, 2))
        return spectra.abs().numpy() * self.own


def _decay(measured, axis, length, own, molecules, shifts, acquisition):
    """The decay that leaves the least, and each residue's plane with it, at its amount."""
    best = None
    for rate in RATES_PER_S:
        decay = envelope(axis, 1 / rate)
        tried = _Decay((decay * (torch.arange(axis.n) < length))[:, None] * decay, own, acquisition)
        planes = [tried.planes(one, ppm[None])[0] for one, ppm in zip(molecules, shifts, strict=True)]
        amounts, rest = nnls(np.stack([plane.ravel() for plane in planes], 1), measured.ravel())
        if best is None or rest < best[0]:
            best = rest, tried, [a * plane for a, plane in zip(amounts, planes, strict=True)]
    return best[1], best[2]


def _polish(measured, molecules, shifts, planes, decay):
    """Move each shift where that leaves less of the spectrum, residue by residue: first far, then near.

    The peaks alone would let two groups share the stronger one's place.
    """
    shifts, step = [np.array(ppm) for ppm in shifts], decay.acquisition.f1.width_ppm / decay.acquisition.f1.n
    far = np.array([0, *range(-FARTHEST_POINTS, 0), -0.5, 0.5, *range(1, FARTHEST_POINTS + 1)])
    for moves in (step * far, step * np.array([0, -1, -0.5, -0.25, 0.25, 0.5, 1])):
        for k, molecule in enumerate(molecules):
            others = sum(plane for m, plane in enumerate(planes) if m != k)
            left = np.clip(measured - others, 0, None)
            for group in dict.fromkeys(molecule.shift_of):
                together = [i for i, of in enumerate(molecule.shift_of) if of == group]
                tried = np.tile(shifts[k], (len(moves), 1))
                tried[:, together] += moves[:, None]
                candidates = decay.planes(molecule, tried)
                norms = np.einsum("rpq,rpq->r", candidates, candidates)
                products = np.einsum("rpq,pq->r", candidates, left)
                gain = products / np.sqrt(np.maximum(norms, 1e-30))
                best = int(np.argmax(gain))
                shifts[k] = tried[best]
                planes[k] = products[best] / max(norms[best], 1e-30) * candidates[best]
    return shifts


def _fit(measured, planes):
    """Amounts, and the fitted plane."""
    amounts, _ = nnls(np.stack([plane.ravel() for plane in planes], 1), measured.ravel())
    return amounts, sum(a * plane for a, plane in zip(amounts, planes, strict=True))
