"""Heads: from the embedding of a recording to logits over the residues."""

import torch
from speechbrain.lobes.models.ECAPA_TDNN import Classifier
from speechbrain.nnet.losses import AdditiveAngularMargin
from torch import nn


class LinearHead(nn.Linear):
    """One linear layer, as in equation 2 of Yip et al.; arguments are those of `torch.nn.Linear`.

    Example
    -------
    >>> LinearHead(4, 20)(torch.rand(2, 4)).shape
    torch.Size([2, 20])
    """

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map embeddings (B, D) to logits (B, S); the labels are not needed."""
        return super().forward(embeddings)


class MarginHead(nn.Module):
    """Scaled cosines with the classes' directions; in training the true class must win by a margin.

    SpeechBrain's cosine classifier and `AdditiveAngularMargin`, as its ECAPA-TDNN recipe uses them.

    Arguments
    ---------
    embedding_size : int
        Size of the embeddings.
    n_classes : int
        Number of classes.
    margin : float
        Additive angular margin in radians.
    scale : float
        What the cosines are multiplied by.

    Example
    -------
    >>> MarginHead(4, 20)(torch.rand(2, 4)).shape
    torch.Size([2, 20])
    """

    def __init__(self, embedding_size: int, n_classes: int, margin: float = 0.2, scale: float = 30.0):
        super().__init__()
        self.cosine = Classifier(embedding_size, out_neurons=n_classes)
        self.margin = AdditiveAngularMargin(margin, scale)
        self.scale = scale

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map embeddings (B, D) to logits (B, S); labels (B,) put the margin on."""
        cosine = self.cosine(embeddings.unsqueeze(1)).squeeze(1)
        if labels is None:
            return self.scale * cosine
        return self.margin(cosine, nn.functional.one_hot(labels, cosine.shape[1]).float())
