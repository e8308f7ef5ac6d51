"""Shifts of residues that are known to be there, fitted to a spectrum.

The pH and an offset that all residues share are searched first: at the shifts of the tables for that pH their peaks
must leave the least of the spectrum. Each shift then moves to where the peaks of its group are strongest, and at last
to where the whole plane fits best, both times under a Gaussian prior. Without the prior and the pH, groups with few
or weak peaks land on the strong ones of others: the HG of methionine on its methyl group, say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.optimize import nnls

from nmr_speech.assignment.planes import magnitude, own_signals
from nmr_speech.axis import Axis
from nmr_speech.simulate import Acquisition, Residue, Sample
from nmr_speech.simulate.fid import cosine_window, envelope
from nmr_speech.simulate.first_order import first_order, in_phase_transfer

NOISE_LEVELS = 5.0
SEARCHED_PPM = 0.45
"""Largest error of the reference, either way."""
ACIDITIES = tuple(range(1, 13))
"""Values of the pH whose shifts a fit may begin with."""
MOVES_PPM = 0.55
"""Largest difference of a shift from that of the tables at that pH, besides."""
PRIOR_PPM = 0.06
"""Standard deviation of that difference, beside that of the tables themselves at the ends of the pH."""
RATES_PER_S = (3.0, 6.0, 12.0, 24.0)
"""Decays that are tried; all lines of a spectrum have the same."""
USUAL_PER_S = 6.0
FARTHEST_POINTS = 7
PENALTY = 0.08
"""What a difference of one standard deviation costs, where a full set of peaks is worth 1."""
POLISH = 0.02
"""The same for the whole plane, where all of its energy is worth 1."""
BLUR_POINTS = 1.5  # wide enough for the ascent to feel a peak two points away


@dataclass(frozen=True, eq=False)
class ShiftFit:
    """Fitted shifts of some residues.

    Arguments
    ---------
    shifts_ppm : Sequence[np.ndarray]
        Of each residue, (groups,).
    offset_ppm : float
        What the spectrum's shifts have in common beyond those of the tables.
    decay : torch.Tensor
        What multiplies a signal without relaxation, (P, Q).
    """

    shifts_ppm: Sequence[np.ndarray]
    offset_ppm: float
    decay: torch.Tensor


def fit_shifts(
    fid: torch.Tensor, axis: Axis, residues: Sequence[Residue], acquisition: Acquisition, ph: float | None = None
) -> ShiftFit:
    """Fit the shifts of residues to a spectrum.

    Arguments
    ---------
    fid : torch.Tensor
        States pair, complex, (2, P, Q).
    axis : Axis
        Axis of both dimensions.
    residues : Sequence[Residue]
        Free amino acids in D2O.
    acquisition : Acquisition
        The experiment, on that axis.
    ph : float | None
        pH of the sample; None searches it.

    Returns
    -------
    ShiftFit

    Example
    -------
    >>> from nmr_speech.simulate import tocsy
    >>> alanine = Sample("d2o", "free").residue("ALA")
    >>> fid = tocsy(alanine, alanine.shift_mean_ppm + 0.1, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> fit = fit_shifts(fid, Axis(), [alanine], Acquisition(), ph=7.0)
    >>> bool(abs(fit.shifts_ppm[0] - alanine.shift_mean_ppm - 0.1).max() < 0.05)
    True
    """
    own = own_signals(axis).numpy()
    measured = magnitude(fid) * own
    seen = np.sqrt(gaussian_filter(np.clip(measured - noise_level(fid) * own, 0, None), BLUR_POINTS))
    seen /= max(seen.max(), 1e-30)
    transfers = [transfer_shares(residue, acquisition.mixing_time_s) for residue in residues]
    length, acidities = _length(fid), ACIDITIES if ph is None else (ph,)
    usual = _decay_of(axis, length, own, acquisition, USUAL_PER_S)
    offset_ppm, expected = _begin(seen, axis, residues, transfers, acidities, measured, usual)
    shifts = [
        _ascend(seen, axis, at, weights, residue.shift_of)
        for residue, at, weights in zip(residues, expected, transfers, strict=True)
    ]
    decay, planes = _decay(measured, axis, length, own, residues, shifts, acquisition)
    return ShiftFit(
        _polish(measured, residues, shifts, expected, planes, decay), float(offset_ppm), decay.t1[:, None] * decay.t2
    )


def noise_level(fid: torch.Tensor) -> float:
    """Height above which the magnitude of a spectrum is signal, of a States pair (2, P, Q).

    Example
    -------
    >>> noise_level(torch.zeros(2, 16, 16, dtype=torch.complex64))
    0.0
    """
    return float(NOISE_LEVELS * np.median(magnitude(fid)))


def transfer_shares(residue: Residue, mixing_time_s: float) -> np.ndarray:
    """Share of each group's magnetisation that is transferred to each, (groups, groups).

    Example
    -------
    >>> transfer_shares(Sample("d2o", "free").residue("ALA"), 0.0).round(3)
    array([[1., 0.],
           [0., 1.]])
    """
    transfer = in_phase_transfer(residue.system, mixing_time_s)
    return transfer / transfer.sum(1, keepdims=True)


def _length(fid):
    """Number of transients that were measured."""
    filled = fid.abs().amax((0, 2)).nonzero()
    return int(filled.max()) + 1 if len(filled) else fid.shape[-2]


def _strength(seen, axis, ppm, weights):
    """What the spectrum shows where a residue with these shifts has peaks: 0 to 1."""
    place = np.clip((ppm - axis.ppm()[0]) / (axis.width_ppm / axis.n), 0, axis.n - 1.001)
    low = place.astype(int)
    share = place - low
    # Linear between the four points around each place.
    rows = (1 - share)[:, None] * seen[low] + share[:, None] * seen[low + 1]
    values = (1 - share) * rows[:, low] + share * rows[:, low + 1]
    return float((weights * values).sum() / weights.sum())


@dataclass(frozen=True, eq=False)
class _Expected:
    """Gaussians of a residue's shifts, (groups,)."""

    ppm: np.ndarray
    std_ppm: np.ndarray

    def unlikely(self, ppm, group):
        """Squared difference in standard deviations of one group's shift, of shifts (..., groups)."""
        return ((ppm[..., group] - self.ppm[group]) / self.std_ppm[group]) ** 2


def _beginnings(seen, axis, residues, transfers, acidities):
    """Yield offsets that all share, and the shifts of the tables there: for each pH none, and the best by the peaks."""
    step = axis.width_ppm / axis.n
    reach = int(SEARCHED_PPM / step)
    roots = [np.sqrt(weights) for weights in transfers]
    wide = gaussian_filter(seen, 2.0)  # shifts differ from one another by more than a point
    for ph in acidities:
        tables = [Sample("d2o", "free", PRIOR_PPM, ph=ph).residue(residue.id) for residue in residues]
        best = -1.0, 0.0
        for offset in step * np.arange(-reach, reach + 1):
            strength = sum(
                _strength(wide, axis, table.shift_mean_ppm + offset, root)
                for table, root in zip(tables, roots, strict=True)
            )
            best = max(best, (strength, offset))
        for offset in dict.fromkeys((0.0, best[1])):
            yield offset, [_Expected(table.shift_mean_ppm + offset, table.shift_std_ppm) for table in tables]


def _begin(seen, axis, residues, transfers, acidities, measured, decay):
    """Choose the pH whose peaks leave the least of the spectrum, both blurred by what shifts may be off."""
    found = []
    target = gaussian_filter(measured, BLUR_POINTS).ravel()
    for offset, expected in _beginnings(seen, axis, residues, transfers, acidities):
        planes = [decay.planes(one, at.ppm[None])[0] for one, at in zip(residues, expected, strict=True)]
        _, rest = nnls(np.stack([gaussian_filter(plane, BLUR_POINTS).ravel() for plane in planes], 1), target)
        found.append((rest, offset, expected))
    return min(found, key=lambda one: one[0])[1:]


def _ascend(seen, axis, expected, weights, shift_of):
    """Move each shift in turn to where the peaks of its group are strongest: by points, then by fractions of one."""
    ppm, roots, step = np.array(expected.ppm), np.sqrt(weights), axis.width_ppm / axis.n
    reach = int(MOVES_PPM / step)
    coarse, fine = step * np.arange(-reach, reach + 1), step * np.linspace(-1, 1, 17)
    for moves in (coarse, coarse, coarse, fine, fine):
        for group in dict.fromkeys(shift_of):
            together = [k for k, of in enumerate(shift_of) if of == group]
            # The coarse moves are from the table's shift, the fine ones from where the coarse ones led.
            from_ppm = expected.ppm[together] if moves is coarse else ppm[together].copy()
            tried = []
            for move in moves:
                ppm[together] = from_ppm + move
                unlikely = expected.unlikely(ppm, together[0])
                tried.append(_strength(seen, axis, ppm, roots) - PENALTY * unlikely / len(ppm))
            ppm[together] = from_ppm + moves[int(np.argmax(tried))]
    return ppm


@dataclass(frozen=True, eq=False)
class _Decay:
    """What multiplies a signal in t1, (P,), and in t2, (Q,), and the plane that residues then give to first order."""

    t1: torch.Tensor
    t2: torch.Tensor
    own: np.ndarray
    acquisition: Acquisition

    def planes(self, residue, shifts_ppm):
        """Magnitudes of R recordings, (R, P, Q)."""
        lines = first_order([residue], [shifts_ppm], replace(self.acquisition, sequence="isotropic"))
        first, second = (_spectra(*pair) for pair in ((lines.t1, self.t1), (lines.t2, self.t2)))
        return (first.mT @ (lines.transfer @ second)).abs().numpy() * self.own


def _spectra(lines, decay):
    """Spectra of lines (R, N, P), windowed."""
    window = torch.from_numpy(cosine_window(len(decay), first_halved=False, dtype=torch.float32))
    return torch.fft.fftshift(torch.fft.fft(lines * (decay * window), norm="ortho"), dim=-1)


def _decay_of(axis, length, own, acquisition, rate_per_s):
    decay = envelope(axis, 1 / rate_per_s)
    return _Decay(decay * (torch.arange(axis.n) < length), decay, own, acquisition)


def _decay(measured, axis, length, own, residues, shifts, acquisition):
    """The decay that leaves the least, and each residue's plane with it, at its amount."""
    best = None
    for rate in RATES_PER_S:
        tried = _decay_of(axis, length, own, acquisition, rate)
        planes = [tried.planes(one, ppm[None])[0] for one, ppm in zip(residues, shifts, strict=True)]
        amounts, rest = nnls(np.stack([plane.ravel() for plane in planes], 1), measured.ravel())
        if best is None or rest < best[0]:
            best = rest, tried, [a * plane for a, plane in zip(amounts, planes, strict=True)]
    return best[1], best[2]


def _polish(measured, residues, shifts, expected, planes, decay):
    """Move each shift where that leaves less of the spectrum, residue by residue: first far, then near.

    The peaks alone would let two groups share the stronger one's place.
    """
    shifts, step = [np.array(ppm) for ppm in shifts], decay.acquisition.f1.width_ppm / decay.acquisition.f1.n
    far = np.array([0, *range(-FARTHEST_POINTS, 0), -0.5, 0.5, *range(1, FARTHEST_POINTS + 1)])
    for moves in (step * far, step * np.array([0, -1, -0.5, -0.25, 0.25, 0.5, 1])):
        for k, residue in enumerate(residues):
            others = sum(plane for m, plane in enumerate(planes) if m != k)
            left = np.clip(measured - others, 0, None)
            for group in dict.fromkeys(residue.shift_of):
                together = [i for i, of in enumerate(residue.shift_of) if of == group]
                tried = np.tile(shifts[k], (len(moves), 1))
                tried[:, together] += moves[:, None]
                candidates = decay.planes(residue, tried)
                norms = np.einsum("rpq,rpq->r", candidates, candidates)
                products = np.einsum("rpq,pq->r", candidates, left)
                gain = products**2 / np.maximum(norms, 1e-30) / max((left**2).sum(), 1e-30)
                unlikely = expected[k].unlikely(tried, together[0])
                best = int(np.argmax(gain - POLISH * unlikely / tried.shape[1]))
                shifts[k] = tried[best]
                planes[k] = products[best] / max(norms[best], 1e-30) * candidates[best]
    return shifts
