"""What a model says of a spectrum, weighed by fitted shifts where one residue is there alone.

That tells look-alikes such as GLN and GLU apart (`nmr_speech.inference.look_alikes`), and amino acids from molecules
that resemble them (`nmr_speech.inference.shift_tables`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from scipy.special import expit, logit

from nmr_speech.assignment.explain import explain
from nmr_speech.axis import Axis
from nmr_speech.inference.detect import PRESENT
from nmr_speech.inference.look_alikes import in_question, tell_apart
from nmr_speech.inference.shift_tables import doubt
from nmr_speech.simulate import Acquisition


@dataclass(frozen=True)
class Weighed:
    """What is said of the residues, and why.

    Arguments
    ---------
    ranking : dict[str, float]
        Probability of each residue, as if there were one and nothing else.
    presence : dict[str, float]
        Probability that each is there.
    steps : tuple[str, ...]
        What was done, in sentences.
    """

    ranking: dict[str, float]
    presence: dict[str, float]
    steps: tuple[str, ...] = ()


def weigh_by_shifts(
    fid: torch.Tensor,
    axis: Axis,
    ranking: Mapping[str, float],
    presence: Mapping[str, float],
    acquisition: Acquisition | None = None,
    ph: float | None = None,
    ph_range: tuple[float, float] = (1.0, 12.0),
) -> Weighed:
    """Weigh what a model says by the shifts of the residue that seems to be there alone.

    Look-alikes share their probability anew. A residue whose shifts are not those of the tables becomes less probable.
    Mixtures stay as they are.

    Arguments
    ---------
    fid : torch.Tensor
        States pair, complex, (2, P, Q), with referenced shifts.
    axis : Axis
        Axis of both dimensions.
    ranking, presence : Mapping[str, float]
        As in `Weighed`, of a model.
    acquisition : Acquisition | None
        The experiment: mixing and its time. None for ideal mixing of 60 ms.
    ph : float | None
        pH of the sample; None if it is not known.
    ph_range : tuple[float, float]
        What the pH is within if it is not known.

    Returns
    -------
    Weighed

    Example
    -------
    The methyl group and the proton of lactate are at 1.32 and 4.11 ppm.

    >>> from nmr_speech.simulate import Sample, tocsy
    >>> alike = Sample("d2o", "free").residue("ALA")
    >>> lactate = tocsy(alike, alike.shift_mean_ppm + [0.33, -0.15], decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> said = {"ALA": 0.9, "GLY": 0.0}
    >>> weigh_by_shifts(lactate, Axis(), said, said, ph=7.0).presence["ALA"] < 0.5
    True
    """
    weighed, present, steps = dict(ranking), dict(presence), []
    if family := in_question(present, weighed):
        said = {residue: weighed[residue] for residue in family}
        shares, shifts = tell_apart(fid, axis, said, acquisition, ph, ph_range)
        weighed |= {residue: sum(said.values()) * share for residue, share in shares.items()}
        one_of_them = 1 - math.prod(1 - present[residue] for residue in family)
        present |= {residue: one_of_them * share for residue, share in shares.items()}
        compared = f"compared with the tables at {_at(ph, ph_range)}"
        steps.append(f"{', '.join(family)} look alike; {_fitted(shifts)}, {compared}.")
    there = [residue for residue, probability in present.items() if probability >= PRESENT]
    if len(there) == 1:
        residue = there[0]
        own = explain(fid, axis, there, acquisition, ph).shifts_ppm[residue]
        if less := doubt(residue, own, ph, ph_range):
            present[residue] = float(expit(logit(min(present[residue], 1 - 1e-6)) + less))
            unusual = f"{_fitted(own)} are unusual at {_at(ph, ph_range)}"
            steps.append(f"{residue}: {unusual}, so it is less probable than the model says.")
    return Weighed(weighed, present, tuple(steps))


def _fitted(shifts):
    return f"fitted shifts {', '.join(f'{group} {ppm:.2f}' for group, ppm in shifts.items())} ppm"


def _at(ph, ph_range):
    return f"pH {ph:g}" if ph is not None else f"any pH from {ph_range[0]:g} to {ph_range[1]:g}"
