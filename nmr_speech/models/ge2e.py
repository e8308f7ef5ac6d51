"""The GE2E voice encoder: an LSTM over mel frames, as the package Resemblyzer trains it on real speech."""

import math

import torch
from torch import nn

from nmr_speech.checks import InputError, whole

PARTIAL_FRAMES = 160
"""Frames of a partial utterance, 1.6 s of speech: what the encoder was trained on."""

# Natural logarithm of the mel power of eight voices of espeak-ng at -30 dBFS, as Resemblyzer computes it, without
# silence: mean and standard deviation. The encoder takes powers, not logarithms, so their level is part of it.
SPEECH_LEVEL, SPEECH_SPREAD = -9.3, 3.5
LOUDEST = 3.0  # standard deviations; speech reaches 2.5


class GE2E(nn.Module):
    """Embed an utterance by the last state of an LSTM (Wan et al. 2018, doi:10.1109/ICASSP.2018.8462665).

    Its checkpoint expects 40 mel powers a frame, front ends give 80 logarithms: neighbours are averaged in pairs, and
    with ``speech_levels`` what results is standardised over the recording and raised to powers with the mean and spread
    of speech. As in Resemblyzer a recording is cut into partial utterances of 160 frames that overlap by half or more;
    the embedding is the mean of theirs, each of unit length and without negative numbers.

    Arguments
    ---------
    input_size : int
        Features of the front end, a multiple of ``n_mels``.
    n_mels : int
        Inputs of the LSTM.
    hidden_size : int
        Size of its states.
    n_layers : int
        Number of its layers.
    embedding_size : int
        Size of the embedding.
    speech_levels : bool
        Whether standardised features become powers at the level of speech, as the checkpoint expects; a network of
        random weights learns from the standardised features themselves.

    Example
    -------
    >>> GE2E(hidden_size=8, embedding_size=12)(torch.rand(2, 256, 80)).shape
    torch.Size([2, 1, 12])
    """

    def __init__(
        self,
        input_size: int = 80,
        n_mels: int = 40,
        hidden_size: int = 256,
        n_layers: int = 3,
        embedding_size: int = 256,
        speech_levels: bool = True,
    ) -> None:
        super().__init__()
        self.n_mels = whole("n_mels", n_mels, 1, 10**4)
        if whole("input_size", input_size, 1, 10**4) % n_mels:
            raise InputError(f"`input_size` must be a multiple of `n_mels`, {n_mels}, got {input_size}")
        self.speech_levels = speech_levels
        # The names of the checkpoint.
        self.lstm = nn.LSTM(n_mels, hidden_size, n_layers, batch_first=True)
        self.linear = nn.Linear(hidden_size, embedding_size)

    def forward(self, feats: torch.Tensor) -> torch.Tensor:
        """Map features (N, L, F) to embeddings (N, 1, D) of unit length."""
        partials = self.partial_utterances(self.levels(feats))  # (N, U, frames, mels)
        _, (hidden, _) = self.lstm(partials.flatten(0, 1))
        embeddings = torch.relu(self.linear(hidden[-1])).unflatten(0, partials.shape[:2])
        unit = nn.functional.normalize(embeddings, dim=-1)
        return nn.functional.normalize(unit.mean(dim=1, keepdim=True), dim=-1)

    def levels(self, feats: torch.Tensor) -> torch.Tensor:
        """Map features (N, L, F) to inputs of the LSTM, (N, L, mels)."""
        inputs = feats.unflatten(-1, (self.n_mels, -1)).mean(-1)
        inputs = inputs - inputs.mean(dim=(1, 2), keepdim=True)
        # A recording of zeros stays one.
        inputs = inputs / inputs.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-6)
        return torch.exp(SPEECH_LEVEL + SPEECH_SPREAD * inputs.clamp(max=LOUDEST)) if self.speech_levels else inputs

    @staticmethod
    def partial_utterances(frames: torch.Tensor) -> torch.Tensor:
        """Cut inputs (N, L, mels) into partial utterances (N, U, at most 160, mels) that cover all frames."""
        n_frames = frames.shape[1]
        size = min(n_frames, PARTIAL_FRAMES)
        count = math.ceil((n_frames - size) / (size / 2)) + 1
        starts = torch.linspace(0, n_frames - size, count).round().int().tolist()
        return torch.stack([frames[:, start : start + size] for start in starts], dim=1)
