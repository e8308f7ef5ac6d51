"""A trained model as the modules of SpeechBrain's `EncoderClassifier`.

SpeechBrain calls `compute_features`, `mean_var_norm`, `embedding_model` and `classifier` one after the other, and an
`audio_normalizer` for files. Invalid input is refused here, and therefore by SpeechBrain's own loader too.
"""

import numpy as np
import torch
from torch import nn

from nmr_speech.checks import InputError, in_range
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.corpus.wav import check_samples
from nmr_speech.models.embed import embed_streams, features


class AudioCheck:
    """Replaces SpeechBrain's audio normaliser, which resamples and mixes down: audio is checked and stays unchanged.

    Example
    -------
    >>> AudioCheck()(torch.zeros(16000, 1), 16000)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the audio: a recording has 4 channels (Re and Im of cos and sin), this file 1
    """

    def __call__(self, audio: torch.Tensor, sample_rate: int) -> torch.Tensor:
        """Return samples (T, 4) unchanged; the sample rate in Hz must be 8000."""
        audio = audio.unsqueeze(-1) if audio.ndim == 1 else audio
        samples: np.ndarray = audio.numpy(force=True)
        check_samples("the audio", samples, sample_rate)
        return audio


class Features(nn.Module):
    """Waveforms to the features of all streams.

    Arguments
    ---------
    frontend : nn.Module
        See `nmr_speech.models.frontends`.

    Example
    -------
    >>> from nmr_speech.models.frontends import ConvFrontEnd
    >>> Features(ConvFrontEnd())(torch.rand(1, 65536, 4)).shape
    torch.Size([1, 4, 256, 80])
    """

    def __init__(self, frontend: nn.Module):
        super().__init__()
        self.frontend = frontend

    def forward(self, wavs: torch.Tensor) -> torch.Tensor:
        """Map waveforms (B, T, 4) to features (B, K, L, F)."""
        if wavs.ndim != 3 or tuple(wavs.shape[1:]) != (N_SAMPLES, N_CHANNELS):
            raise InputError(
                f"`wavs` must have shape (recordings, {N_SAMPLES}, {N_CHANNELS}), got {tuple(wavs.shape)}; "
                f"`nmr_speech.corpus.stack_fid` makes such waveforms"
            )
        if not torch.isfinite(wavs).all():
            raise InputError("`wavs` must be finite, got NaN or infinity")
        if not wavs.any(dim=1).any(dim=1).all():
            raise InputError("`wavs` must hold a signal, got a recording of zeros")
        return features(self.frontend, wavs)


class Unchanged(nn.Module):
    """Replaces SpeechBrain's normalisation of features, which the front end has already applied.

    Example
    -------
    >>> Unchanged()(torch.ones(1, 2), torch.ones(1))
    tensor([[1., 1.]])
    """

    def forward(self, feats: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return features (B, K, L, F) unchanged; relative lengths (B,) must be 1."""
        if not (lengths == 1).all():
            raise InputError(f"`wav_lens` must be 1 for all recordings, got {lengths.tolist()}; they are never padded")
        return feats


class StreamEmbedding(nn.Module):
    """Features of all streams to one embedding of the recording.

    Arguments
    ---------
    backbone : nn.Module
        SpeechBrain embedding model.
    """

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, feats: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Map features (B, K, L, F) to embeddings (B, 1, D), the shape of SpeechBrain's models."""
        return finite(embed_streams(self.backbone, feats).unsqueeze(1))


class Posterior(nn.Module):
    """Embeddings to calibrated log-probabilities: softmax of the logits divided by a temperature.

    Temperature scaling after Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599.

    Arguments
    ---------
    head : nn.Module
        See `nmr_speech.models.heads`.
    temperature : float
        From `nmr_speech.score.calibration.fit_temperature`; 1 leaves the logits unchanged.

    Example
    -------
    >>> Posterior(nn.Identity(), temperature=2.0)(torch.tensor([[[2.0, 0.0]]])).exp()
    tensor([[[0.7311, 0.2689]]])
    """

    def __init__(self, head: nn.Module, temperature: float = 1.0):
        super().__init__()
        self.head = head
        self.temperature = in_range("temperature", temperature, 1e-3, 1e3, "logits", "1")

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map embeddings (B, 1, D) to log-probabilities (B, 1, S)."""
        return finite(torch.log_softmax(self.head(embeddings.squeeze(1)) / self.temperature, dim=-1).unsqueeze(1))


def finite(outputs: torch.Tensor) -> torch.Tensor:
    """Return the outputs of a model, of any shape, if they are finite.

    Example
    -------
    >>> finite(torch.tensor([torch.nan]))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the model gives NaN or infinity for this input; its weights are damaged, or its...
    """
    if not outputs.isfinite().all():
        raise InputError(
            "the model gives NaN or infinity for this input; its weights are damaged, or its training diverged"
        )
    return outputs
