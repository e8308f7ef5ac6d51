"""Which residues are in a recording, if any: probabilities, amounts, and whether it is a TOCSY at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.models.heads import MixtureHead

PRESENT = 0.5
"""Probability from which a residue counts as present."""
UNCERTAIN = 0.1
"""Probability from which it may be present."""
ONE, MIXTURE, NONE = "one", "mixture", "none"


@dataclass(frozen=True, eq=False)
class Detection:
    """What a model detects in B recordings.

    Arguments
    ---------
    probability : torch.Tensor
        Calibrated probability that each residue is present, (B, S).
    amount : torch.Tensor
        Estimated amount of each residue, relative to the largest if it is present, (B, S).
    is_tocsy : torch.Tensor
        Calibrated probability that the recording is a TOCSY, (B,).
    """

    probability: torch.Tensor
    amount: torch.Tensor
    is_tocsy: torch.Tensor


@dataclass(frozen=True)
class Found:
    """A residue that is present, or may be.

    Arguments
    ---------
    residue : str
        Three-letter code.
    probability : float
        Calibrated probability that it is present.
    amount : float
        Its amount relative to the largest, 0 to 1.
    """

    residue: str
    probability: float
    amount: float


def detect(head: nn.Module, embeddings: torch.Tensor, calibration: Mapping[str, float]) -> Detection:
    """Detect residues by the head of a model for mixtures.

    Arguments
    ---------
    head : nn.Module
        The head.
    embeddings : torch.Tensor
        (B, D).
    calibration : Mapping[str, float]
        ``presence_slope``, ``presence_offset``, ``experiment_slope`` and ``experiment_offset``: log-odds = slope x
        output + offset; those that are missing are 1 and 0.

    Returns
    -------
    Detection

    Raises
    ------
    InputError
        The head knows one residue at a time.

    Example
    -------
    >>> found = detect(MixtureHead(4, 20), torch.rand(2, 4), {})
    >>> found.probability.shape, found.is_tocsy.shape
    (torch.Size([2, 20]), torch.Size([2]))
    >>> detect(nn.Linear(4, 20), torch.rand(2, 4), {})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the model must have a MixtureHead to detect several residues, got Linear; leave out...
    """
    if not isinstance(head, MixtureHead):
        raise InputError(
            f"the model must have a MixtureHead to detect several residues, got {type(head).__name__}; leave out the "
            "source for the packaged model, or train one with hparams/measured.yaml"
        )
    odds = {
        name: calibration.get(f"{name}_slope", 1.0) * output + calibration.get(f"{name}_offset", 0.0)
        for name, output in (("presence", head.detect(embeddings)), ("experiment", head.is_tocsy(embeddings)))
    }
    amount = (10 ** head.log_amounts(embeddings)).clamp(0, 1)
    return Detection(odds["presence"].sigmoid(), amount, odds["experiment"].sigmoid())


def findings(detection: Detection, labels: Sequence[str]) -> tuple[str, tuple[Found, ...], tuple[Found, ...]]:
    """Answer for one recording: what is there.

    Arguments
    ---------
    detection : Detection
        Of one recording.
    labels : Sequence[str]
        The residues, in the order of the probabilities.

    Returns
    -------
    verdict : str
        "one", "mixture" or "none".
    present : tuple[Found, ...]
        Residues with a probability of one half or more, the surest first; amounts relative to the largest of them.
        None in what is no TOCSY.
    uncertain : tuple[Found, ...]
        Residues with a tenth or more, and all of what is no TOCSY.

    Example
    -------
    >>> found = Detection(torch.tensor([[0.9, 0.2, 0.01]]), torch.tensor([[0.5, 0.1, 0.1]]), torch.tensor([0.99]))
    >>> findings(found, ("GLY", "VAL", "ALA"))
    ('one', (Found(residue='GLY', probability=0.9, amount=1.0),), (Found(residue='VAL', probability=0.2, amount=0.2),))
    """
    likely = [
        (float(probability), float(amount), label)
        for probability, amount, label in zip(detection.probability[0], detection.amount[0], labels, strict=True)
        if probability >= UNCERTAIN
    ]
    likely.sort(reverse=True)
    is_tocsy = float(detection.is_tocsy[0]) >= PRESENT
    kept = [one for one in likely if one[0] >= PRESENT and is_tocsy]
    largest = max((amount for _, amount, _ in kept or likely), default=1.0)
    found = [Found(label, round(p, 4), round(min(1.0, amount / largest), 3)) for p, amount, label in likely]
    verdict = (NONE, ONE)[len(kept)] if len(kept) < 2 else MIXTURE
    return verdict, tuple(found[: len(kept)]), tuple(found[len(kept) :])
