"""ECAPA-TDNN behind two-dimensional convolutions, to which a peak looks alike wherever it lies.

The ECAPA CNN-TDNN of Thienpondt, Desplanques and Demuynck 2021, doi:10.21437/Interspeech.2021-1570. An ECAPA-TDNN alone
learns every pattern anew for each feature: a cross peak at 1.5 ppm is nothing like one at 1.6 ppm.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from torch import nn


class CnnTdnn(nn.Module):
    """Two-dimensional convolutions, whose channels and features are the features of an ECAPA-TDNN.

    The first layer halves the number of frames and of features. Each further one halves the number of features, and a
    residual block of two convolutions follows it. Frames are halved no more, for each frame names one spin system.

    Arguments
    ---------
    input_size : int
        Number of features a frame.
    stem_channels : Sequence[int]
        Number of channels after each of the layers.
    **tdnn : Any
        Arguments of `speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN`, but for its ``input_size``.

    Example
    -------
    >>> settings = {"channels": [8] * 5, "res2net_scale": 4, "attention_channels": 8, "se_channels": 8}
    >>> CnnTdnn(80, [4, 8], lin_neurons=16, **settings)(torch.rand(2, 256, 80)).shape
    torch.Size([2, 1, 16])
    """

    def __init__(self, input_size: int = 80, stem_channels: Sequence[int] = (8, 16), **tdnn: Any) -> None:
        super().__init__()
        first, *others = stem_channels
        layers: list[nn.Module] = [_convolution(1, first, 5, stride=2), nn.ReLU()]
        for n_in, n_out in zip(stem_channels[:-1], others, strict=True):
            layers += [_convolution(n_in, n_out, 3, stride=(1, 2)), nn.ReLU(), _Residual(n_out)]
        self.stem = nn.Sequential(*layers)
        n_features = input_size
        for _ in stem_channels:
            n_features = math.ceil(n_features / 2)
        self.tdnn = ECAPA_TDNN(stem_channels[-1] * n_features, **tdnn)

    def forward(self, feats: torch.Tensor) -> torch.Tensor:
        """Map features (N, L, F) to embeddings (N, 1, D)."""
        return self.tdnn(self.stem(feats.unsqueeze(1)).movedim(1, 2).flatten(2))


class _Residual(nn.Module):
    """Two convolutions, whose sum with their input is rectified."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_convolution(channels, channels, 3), nn.ReLU(), _convolution(channels, channels, 3))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (N, C, L, F) to the same shape."""
        return (maps + self.layers(maps)).relu()


def _convolution(n_in, n_out, size, stride=1):
    """Convolution of odd size that keeps the shape but for its stride, and a normalisation, whose shift is its bias."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, size, stride, size // 2, bias=False), nn.BatchNorm2d(n_out))
