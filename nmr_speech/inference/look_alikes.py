"""Residues that look alike, told apart by fitted shifts and the pH.

ASN, ASP and CYS in D2O are three times HA, HB2 and HB3 at shifts that overlap, and GLN and GLU are as alike. The cells
of a spectrum that a network sees are 0.05 to 0.08 ppm wide; a fit is finer. So where one of such look-alikes is there
alone and the spectrum is referenced, its shifts are fitted and compared with the tables: at the pH that is known, or at
any that the model was trained on. Without a reference that would not help: what an offset of 0.4 ppm leaves of the
shifts, the network knows.
"""

from collections.abc import Mapping

import numpy as np
import torch
from scipy.special import logsumexp

from nmr_speech.assignment.explain import explain
from nmr_speech.axis import Axis
from nmr_speech.inference.detect import PRESENT, UNCERTAIN
from nmr_speech.inference.shift_tables import log_density
from nmr_speech.simulate import Acquisition

FAMILIES = (("ASN", "ASP", "CYS"), ("GLN", "GLU"))
"""Residues with the same groups of protons in D2O, and shifts that overlap over the pH. SER has the groups of the first
family, but its beta protons lie half a ppm from theirs."""
ABOUT_ONE = 1.5
"""Expected number of look-alikes from which there seem to be two of them."""
AT_ISSUE = 0.01
"""Probability of the second look-alike from which telling them apart is worth a fit."""


def look_alikes(residue: str) -> tuple[str, ...]:
    """List the residues that look alike, the residue among them.

    Example
    -------
    >>> look_alikes("GLN"), look_alikes("CYS"), look_alikes("VAL")
    (('GLN', 'GLU'), ('ASN', 'ASP', 'CYS'), ('VAL',))
    """
    return next((family for family in FAMILIES if residue in family), (residue,))


def in_question(presence: Mapping[str, float], ranking: Mapping[str, float]) -> tuple[str, ...]:
    """List the look-alikes of which one seems to be there, and no other residue; none where that is not so.

    Arguments
    ---------
    presence : Mapping[str, float]
        Probability that each residue is there.
    ranking : Mapping[str, float]
        Probability of each, as if there were one and nothing else.

    Returns
    -------
    tuple[str, ...]
        Residues that the mappings know; none, too, if the ranking leaves no doubt.

    Example
    -------
    >>> in_question({"GLN": 0.5, "GLU": 0.6, "VAL": 0.0}, {"GLN": 0.4, "GLU": 0.6, "VAL": 0.0})
    ('GLN', 'GLU')
    >>> in_question({"GLN": 0.5, "GLU": 0.6, "VAL": 0.9}, {"GLN": 0.4, "GLU": 0.6, "VAL": 0.0})
    ()
    """
    surest = max(presence, key=presence.__getitem__)
    family = tuple(residue for residue in look_alikes(surest) if residue in presence)
    others = max((probability for residue, probability in presence.items() if residue not in family), default=0.0)
    if len(family) < 2 or presence[surest] < UNCERTAIN or others >= PRESENT:
        return ()
    if sum(presence[residue] for residue in family) >= ABOUT_ONE:
        return ()
    return family if sorted(ranking[residue] for residue in family)[-2] >= AT_ISSUE else ()


def tell_apart(
    fid: torch.Tensor,
    axis: Axis,
    probabilities: Mapping[str, float],
    acquisition: Acquisition | None = None,
    ph: float | None = None,
    ph_range: tuple[float, float] = (1.0, 12.0),
) -> tuple[dict[str, float], dict[str, float]]:
    """Weigh look-alikes by what a model says of them and by their shifts, each with the same right.

    The shifts are those of the fit (`nmr_speech.assignment.explain.explain`) that explains the most. Which of the
    groups of equal size has which is not taken for granted; see "protons" of `nmr_speech.score.bound`. The two opinions
    are not independent, for the model sees the shifts too: what counts is their geometric mean.

    Arguments
    ---------
    fid : torch.Tensor
        States pair, complex, (2, P, Q), with referenced shifts.
    axis : Axis
        Axis of both dimensions.
    probabilities : Mapping[str, float]
        What a model says of each look-alike; they need not add up to 1.
    acquisition : Acquisition | None
        The experiment: mixing and its time. None for ideal mixing of 60 ms.
    ph : float | None
        pH of the sample; None if it is not known.
    ph_range : tuple[float, float]
        What the pH is within if it is not known.

    Returns
    -------
    shares : dict[str, float]
        Probability of each, given that it is one of them.
    shifts_ppm : dict[str, float]
        Fitted shifts by group.

    Example
    -------
    >>> from nmr_speech.simulate import Sample, tocsy
    >>> glutamine = Sample("d2o", "free").residue("GLN")
    >>> fid = tocsy(glutamine, glutamine.shift_mean_ppm, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> shares, _ = tell_apart(fid, Axis(), {"GLN": 0.2, "GLU": 0.8}, ph=7.4)
    >>> shares["GLN"] > 0.8
    True
    """
    family, total = list(probabilities), sum(probabilities.values())
    at_issue = [residue for residue in family if probabilities[residue] >= AT_ISSUE * total]
    fits = {residue: explain(fid, axis, [residue], acquisition, ph) for residue in at_issue}
    best = max(fits, key=lambda residue: fits[residue].explained)
    shifts = fits[best].shifts_ppm[best]
    opinions = np.log([max(probabilities[residue], 1e-12) for residue in family])
    for k, residue in enumerate(family):
        opinions[k] = 0.5 * opinions[k] + 0.5 * log_density(residue, shifts, best, ph, ph_range)
    shares = np.exp(opinions - logsumexp(opinions))
    return dict(zip(family, shares.tolist(), strict=True)), dict(shifts)
