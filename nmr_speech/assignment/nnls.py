"""The classical rival of a model for mixtures: amounts of all residues by non-negative least squares."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.optimize import nnls

from nmr_speech.assignment.explain import on_axis
from nmr_speech.assignment.planes import magnitude, own_signals
from nmr_speech.assignment.shift_fit import BLUR_POINTS, SEARCHED_PPM
from nmr_speech.axis import Axis
from nmr_speech.simulate import RESIDUES, Acquisition, Sample, tocsy

EVERY = 3  # points of the blurred plane that are compared


def nnls_amounts(fid: torch.Tensor, axis: Axis, acquisition: Acquisition | None = None) -> dict[str, float]:
    """Estimate the amounts of all twenty residues from templates at the shifts of the tables: the classical rival.

    Non-negative least squares on magnitudes, at the common reference offset that leaves the least.

    Arguments
    ---------
    fid : torch.Tensor
        States pair, complex, (2, P, Q).
    axis : Axis
        Axis of both dimensions.
    acquisition : Acquisition | None
        The experiment; None for ideal mixing of 60 ms.

    Returns
    -------
    dict[str, float]
        Amount of each residue relative to the largest.

    Example
    -------
    >>> valine = Sample("d2o", "free").residue("VAL")
    >>> fid = tocsy(valine, valine.shift_mean_ppm, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> amounts = nnls_amounts(fid, Axis())
    >>> amounts["VAL"], max(amount for name, amount in amounts.items() if name != "VAL") < 0.1
    (1.0, True)
    """
    templates = _templates(on_axis(axis, acquisition or Acquisition()))
    plane, own = magnitude(fid), own_signals(axis).numpy()
    reach = round(SEARCHED_PPM / axis.width_ppm * axis.n)
    best: tuple[float, np.ndarray] = (np.inf, np.zeros(len(RESIDUES)))
    for points in range(-reach, reach + 1):
        moved = np.roll(plane * own, (points, points), (0, 1))
        amounts, rest = nnls(templates, _pooled(moved))
        best = min(best, (rest, amounts), key=lambda pair: pair[0])
    largest = max(best[1].max(), 1e-30)
    return {name: float(amount / largest) for name, amount in zip(RESIDUES, best[1], strict=True)}


@lru_cache(maxsize=4)
def _templates(acquisition: Acquisition) -> np.ndarray:
    decayed = replace(acquisition, decay_time_t1_s=0.08, decay_time_t2_s=0.08)
    residues = [Sample("d2o", "free").residue(name) for name in RESIDUES]
    fids = (tocsy(residue, residue.shift_mean_ppm, decayed) for residue in residues)
    return np.stack([_pooled(magnitude(fid)) for fid in fids], 1)


def _pooled(plane):
    return gaussian_filter(plane, BLUR_POINTS)[::EVERY, ::EVERY].ravel()
