"""Heads: from the embedding of a recording to logits over the residues."""

from speechbrain.lobes.models.ECAPA_TDNN import Classifier
from speechbrain.nnet.losses import AdditiveAngularMargin
from torch import nn


def make_head(embedding_size: int, n_classes: int, margin: float | None = None, scale: float = 30.0) -> nn.Module:
    """Make a linear head, or a cosine head that is trained with an angular margin.

    Arguments
    ---------
    embedding_size : int
        Size of the embeddings.
    n_classes : int
        Number of residues.
    margin : float | None
        Additive angular margin in radians; None for the linear head.
    scale : float
        What the cosines are multiplied by.

    Returns
    -------
    nn.Module
        Maps embeddings (B, D), and in training the labels (B,), to logits (B, S).

    Example
    -------
    >>> import torch
    >>> make_head(4, 20)(torch.rand(2, 4)).shape, make_head(4, 20, margin=0.2)(torch.rand(2, 4)).shape
    (torch.Size([2, 20]), torch.Size([2, 20]))
    """
    return (
        LinearHead(embedding_size, n_classes)
        if margin is None
        else MarginHead(embedding_size, n_classes, margin, scale)
    )


class LinearHead(nn.Linear):
    """One linear layer, as in equation 2 of Yip et al."""

    def forward(self, embeddings, labels=None):
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
    """

    def __init__(self, embedding_size, n_classes, margin, scale):
        super().__init__()
        self.cosine = Classifier(embedding_size, out_neurons=n_classes)
        self.margin = AdditiveAngularMargin(margin, scale)
        self.scale = scale

    def forward(self, embeddings, labels=None):
        """Map embeddings (B, D) to logits (B, S); labels (B,) put the margin on."""
        cosine = self.cosine(embeddings.unsqueeze(1)).squeeze(1)
        if labels is None:
            return self.scale * cosine
        return self.margin(cosine, nn.functional.one_hot(labels, cosine.shape[1]).float())
