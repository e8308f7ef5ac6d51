"""Loss of a training on speakers without end, which no classifier could list."""

import torch
from torch import nn

from nmr_speech.checks import InputError, in_range


class AngularPrototypes(nn.Module):
    """Angular prototypical loss: a recording must lie nearer to the others of its speaker than to those of the rest.

    Chung et al. 2020, doi 10.21437/Interspeech.2020-1064, equation 10, with each recording of a speaker once as the
    query, and the cross-entropy over speakers as well as over queries. A margin is taken from the cosine with the own
    speaker, as in Wang et al. 2018, doi 10.1109/LSP.2018.2822810.

    Arguments
    ---------
    margin : float
        Additive margin, 0 to 1.

    Example
    -------
    >>> speakers = torch.eye(3).repeat_interleave(2, 0)  # two equal recordings each
    >>> loss = AngularPrototypes()(speakers, 2)
    >>> bool(loss < 0.001), bool(AngularPrototypes()(speakers.roll(1, 0), 2) > 1)
    (True, True)
    """

    def __init__(self, margin: float = 0.0) -> None:
        super().__init__()
        self.margin = in_range("margin", margin, 0, 1, "of a cosine", "0.1")
        self.scale, self.offset = nn.Parameter(torch.tensor(10.0)), nn.Parameter(torch.tensor(-5.0))

    def forward(self, embeddings: torch.Tensor, each: int) -> torch.Tensor:
        """Map embeddings (S x each, D), ``each`` recordings of one speaker after the other, to the loss, a number."""
        if each < 2 or len(embeddings) % each or len(embeddings) < 2 * each:
            raise InputError(
                f"the loss needs two recordings or more of each of two speakers or more, got {len(embeddings)} "
                f"embeddings, {each} of each speaker"
            )
        unit = nn.functional.normalize(embeddings, dim=1).unflatten(0, (-1, each))
        # Clamped as in the paper: a negative scale would reward what lies far apart.
        scale, goal = self.scale.clamp(min=1e-3), torch.arange(len(unit), device=unit.device)
        loss = embeddings.new_zeros(())
        for query in range(each):
            others = nn.functional.normalize(unit.sum(1) - unit[:, query], dim=1)
            cosine = unit[:, query] @ others.mT - self.margin * torch.eye(len(unit), device=unit.device)
            logits = scale * cosine + self.offset
            loss = loss + nn.functional.cross_entropy(logits, goal) + nn.functional.cross_entropy(logits.mT, goal)
        return loss / (2 * each)
