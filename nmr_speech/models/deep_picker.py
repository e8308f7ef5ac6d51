"""DEEP Picker, a peak picker of NMR spectra, as an embedding model: the paper's rival from outside speech.

Li et al. 2021, doi 10.1038/s41467-021-25496-5.
"""

from collections.abc import Sequence

import torch
from torch import nn


class DeepPicker(nn.Module):
    """The convolutions of DEEP Picker, averaged over the frames.

    As in the original: seven 1D convolutions with a ReLU after each, zero padding that keeps the number of frames, a
    maximum over three neighbouring frames, then a dense layer on each frame. Here the dense layer is the recipe's
    linear head, with 20 classes where the original has 3: the one change that Yip et al. mention.

    What they leave open, and what was chosen:

    - One prediction for a recording from one for each frame: the mean. A dense layer on each frame and then the mean
      is the same as the mean and then the dense layer, so the embedding is the mean, and the original's last layer is
      the recipe's head.
    - Channels of the input: the features, in place of the original's single intensity. Frames take the place of the
      points of a row of the spectrum.
    - The original sets negative intensities to zero and divides a row by its maximum. Not here: the features of a front
      end have either sign, and `nmr_speech.models.embed.embed` scales each recording.
    - The original's second head, which fits the shape of a peak, has no counterpart and is left out.
    - Weights are initialised as PyTorch does by default.

    Yip et al. report 0.4 million parameters, Conv1d encoder included. There are 42,588 here, and 63,448 with
    `ConvFrontEnd` and a head of 20 classes; the paper does not say where the others are.

    Arguments
    ---------
    input_size : int
        Number of features a frame; 1 in the original.
    filters : Sequence[int]
        Number of filters of each layer; the last is the size of the embedding.
    kernel_sizes : Sequence[int]
        Number of frames that a filter of each layer spans.

    Example
    -------
    >>> DeepPicker()(torch.rand(2, 256, 80)).shape
    torch.Size([2, 1, 18])
    """

    def __init__(
        self,
        input_size: int = 80,
        filters: Sequence[int] = (40, 20, 10, 20, 10, 30, 18),
        kernel_sizes: Sequence[int] = (11, 1, 11, 1, 1, 11, 1),
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = input_size
        for n_filters, kernel_size in zip(filters, kernel_sizes, strict=True):
            layers += [nn.Conv1d(width, n_filters, kernel_size, padding="same"), nn.ReLU()]
            width = n_filters
        self.layers = nn.Sequential(*layers, nn.MaxPool1d(3, stride=1, padding=1))

    def forward(self, feats: torch.Tensor) -> torch.Tensor:
        """Map features (N, L, F) to embeddings (N, 1, D)."""
        return self.layers(feats.transpose(1, 2)).mean(dim=-1).unsqueeze(1)
