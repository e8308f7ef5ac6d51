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
        """Map embeddings (B, D) to logits (B, S); labels are ignored."""
        return super().forward(embeddings)


class MarginHead(nn.Module):
    """Scaled cosines with the directions of the classes; in training the true class must win by a margin.

    Deng et al. 2019, doi 10.1109/CVPR.2019.00482. SpeechBrain's cosine classifier and `AdditiveAngularMargin`, as its
    ECAPA-TDNN recipe uses them.

    Arguments
    ---------
    embedding_size : int
        Size of the embeddings.
    n_classes : int
        Number of classes.
    margin : float
        Additive angular margin in radians.
    scale : float
        Factor of the cosines.

    Example
    -------
    >>> logits = MarginHead(4, 20, scale=30.0)(torch.rand(2, 4))
    >>> logits.shape, bool(logits.abs().max() <= 30)
    (torch.Size([2, 20]), True)
    """

    def __init__(self, embedding_size: int, n_classes: int, margin: float = 0.2, scale: float = 30.0) -> None:
        super().__init__()
        self.cosine = Classifier(embedding_size, out_neurons=n_classes)
        self.margin = AdditiveAngularMargin(margin, scale)
        self.scale = scale

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map embeddings (B, D) to logits (B, S); with labels (B,) the margin is applied."""
        cosine = self.cosine(embeddings.unsqueeze(1)).squeeze(1)
        if labels is None:
            return self.scale * cosine
        return self.margin(cosine, nn.functional.one_hot(labels, cosine.shape[1]).float())


class MixtureHead(nn.Module):
    """Several linear layers: which residue it is if there is one, which are there if there are several, and how much.

    In terms of speech: speaker identification, and detection of overlapped speakers. `forward` ranks as the other heads
    do; `detect` and the other methods answer what they cannot.

    Arguments
    ---------
    in_features : int
        Size of the embeddings.
    out_features : int
        Number of residues.

    Example
    -------
    >>> head, embeddings = MixtureHead(4, 20), torch.rand(2, 4)
    >>> head(embeddings).shape, head.detect(embeddings).shape, head.is_tocsy(embeddings).shape
    (torch.Size([2, 20]), torch.Size([2, 20]), torch.Size([2]))
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.ranking = nn.Linear(in_features, out_features)
        self.presence = nn.Linear(in_features, out_features)
        self.amount = nn.Linear(in_features, out_features)
        self.experiment = nn.Linear(in_features, 1)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map embeddings (B, D) to logits (B, S) of one pure residue; labels are ignored."""
        return self.ranking(embeddings)

    def detect(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map embeddings (B, D) to log-odds, not yet calibrated, that each residue is present, (B, S)."""
        return self.presence(embeddings)

    def log_amounts(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map embeddings (B, D) to decadic logarithms of amounts, (B, S); they hold for residues that are present."""
        return self.amount(embeddings)

    def is_tocsy(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map embeddings (B, D) to log-odds, not yet calibrated, that the experiment is a TOCSY, (B,)."""
        return self.experiment(embeddings).squeeze(-1)
