"""A trained model as the modules that SpeechBrain's `EncoderClassifier` asks for.

`compute_features`, `mean_var_norm`, `embedding_model` and `classifier`, called one after the other, and an
`audio_normalizer`. What is no recording is refused here, so it is refused whoever loads the model.
"""

import torch
from torch import nn

from nmr_speech.checks import InputError, in_range
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.corpus.wav import check_samples
from nmr_speech.models.embed import embed_streams, features


class Recording:
    """In place of SpeechBrain's audio normaliser, which resamples and mixes down: a recording stays as it is.

    Example
    -------
    >>> Recording()(torch.zeros(16000, 1), 16000)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the audio: a recording has 4 channels (Re and Im of cos and sin), this file 1
    """

    def __call__(self, audio, sample_rate):
        """Return samples (T, 4) unchanged."""
        audio = audio.unsqueeze(-1) if audio.ndim == 1 else audio
        check_samples("the audio", audio.numpy(force=True), sample_rate)
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

    def __init__(self, frontend):
        super().__init__()
        self.frontend = frontend

    def forward(self, wavs):
        """Map wavs (B, T, 4) to features (B, K, L, F)."""
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
    """In place of SpeechBrain's normalisation of features: the front end has done that.

    Example
    -------
    >>> Unchanged()(torch.ones(1, 2), torch.ones(1))
    tensor([[1., 1.]])
    """

    def forward(self, feats, lengths):
        """Return the features; recordings all have the same length."""
        if not (lengths == 1).all():
            raise InputError(f"`wav_lens` must be 1 for all recordings, got {lengths.tolist()}; they are never padded")
        return feats


class StreamEmbedding(nn.Module):
    """Features of all streams to one embedding a recording.

    Arguments
    ---------
    backbone : nn.Module
        SpeechBrain embedding model.
    """

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, feats, lengths=None):
        """Map features (B, K, L, F) to embeddings (B, 1, D), as SpeechBrain's models give them."""
        return embed_streams(self.backbone, feats).unsqueeze(1)


class Posterior(nn.Module):
    """Embeddings to calibrated log-probabilities: logits divided by a temperature, then softmax.

    Arguments
    ---------
    head : nn.Module
        See `nmr_speech.models.heads`.
    temperature : float
        Of `nmr_speech.score.calibration.fit_temperature`; 1 leaves the head as it was trained.

    Example
    -------
    >>> Posterior(nn.Identity(), temperature=2.0)(torch.tensor([[[2.0, 0.0]]])).exp()
    tensor([[[0.7311, 0.2689]]])
    """

    def __init__(self, head, temperature=1.0):
        super().__init__()
        self.head = head
        self.temperature = in_range("temperature", temperature, 1e-3, 1e3, "logits", "1")

    def forward(self, embeddings):
        """Map embeddings (B, 1, D) to log-probabilities (B, 1, S)."""
        return torch.log_softmax(self.head(embeddings.squeeze(1)) / self.temperature, dim=-1).unsqueeze(1)
