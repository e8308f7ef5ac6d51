"""Front ends: 4-channel waveforms to feature frames.

Each maps wavs (B, T, 4) to features (B, K, L, F) with F = 80: K streams that go through one embedding model, L frames
a stream. ``removes_mean`` is true if the mean of each feature over the frames is zero, as pretrained speech models
expect. Legend: B batch, T samples, C channels, K streams, L frames, F features, P transients, Q points.
"""

import math

import torch
from speechbrain.lobes.features import Fbank
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.constants import N_CHANNELS, N_POINTS, SAMPLE_RATE_HZ
from nmr_speech.corpus.pseudo_audio import unstack_fid

N_FEATURES = 80
"""Number of features a frame: what the VoxCeleb ECAPA expects."""


class MelFrontEnd(nn.Module):
    """SpeechBrain's mel filterbank on each channel separately; the mean of each feature over the frames is subtracted.

    A single real channel does not distinguish positive from negative frequencies: the spectrum folds about the carrier.

    Arguments
    ---------
    window_ms : float
        Length of the window in ms.
    hop_ms : float
        Step from frame to frame in ms. One transient takes 32 ms.
    n_fft : int
        Number of points of the Fourier transform, at least the samples of the window.

    Example
    -------
    >>> MelFrontEnd(window_ms=32, hop_ms=32, n_fft=256)(torch.rand(2, 65536, 4)).shape
    torch.Size([2, 4, 257, 80])
    """

    removes_mean = True

    def __init__(self, window_ms: float = 25.0, hop_ms: float = 10.0, n_fft: int = 400) -> None:
        super().__init__()
        self.fbank = Fbank(
            sample_rate=SAMPLE_RATE_HZ, n_fft=n_fft, n_mels=N_FEATURES, win_length=window_ms, hop_length=hop_ms
        )

    def forward(self, wavs: torch.Tensor) -> torch.Tensor:
        """Map wavs (B, T, 4) to features (B, 4, L, 80)."""
        # Fbank sums the energies over a last axis of channels, so the channels go into the batch.
        feats = self.fbank(_channels_to_batch(wavs))
        return _remove_mean(feats).unflatten(0, (-1, N_CHANNELS))


class ConvFrontEnd(nn.Module):
    """The paper's learnable encoder: one Conv1d over each channel separately, linear.

    Like `MelFrontEnd` it sees one real channel at a time, so the sign of the frequency is lost.

    Arguments
    ---------
    kernel_size : int
        Number of samples that a filter spans; 256 are one transient.
    stride : int
        Step from frame to frame in samples; with 256 each transient is a frame.
    remove_mean : bool
        Whether the mean of each feature over the frames is subtracted, as pretrained speech models expect.

    Example
    -------
    >>> ConvFrontEnd()(torch.rand(2, 65536, 4)).shape
    torch.Size([2, 4, 256, 80])
    """

    def __init__(self, kernel_size: int = N_POINTS, stride: int = N_POINTS, remove_mean: bool = False) -> None:
        super().__init__()
        self.removes_mean = remove_mean
        # No bias, for the first layer of the embedding model has one.
        self.conv = nn.Conv1d(1, N_FEATURES, kernel_size, stride, bias=False)

    def forward(self, wavs: torch.Tensor) -> torch.Tensor:
        """Map wavs (B, T, 4) to features (B, 4, L, 80)."""
        feats = self.conv(_channels_to_batch(wavs).unsqueeze(1)).transpose(1, 2)
        return (_remove_mean(feats) if self.removes_mean else feats).unflatten(0, (-1, N_CHANNELS))


class QuadratureFrontEnd(nn.Module):
    """Learned filters over the complex points of a transient, as log-power: the sign of the frequency is kept.

    Each transient is a frame; the cosine and the sine channel are two streams. A filter has a complex weight for each
    point; it is initialised as a decaying exponential at its own frequency, a narrow band-pass. The mean over the
    transients is subtracted, so a feature shows how a frequency of F2 is modulated in t1.

    Arguments
    ---------
    n_filters : int
        Number of filters; their initial frequencies are spread evenly over the spectral width.
    learning_rate_scale : float
        Learning rate of the filters as a share of the model's; 0 fixes them. It is part of the parametrisation (weight
        = start + scale x parameter), so one optimiser with one parameter group is enough.
    floor : float
        Power added before the logarithm.

    Example
    -------
    >>> QuadratureFrontEnd()(torch.rand(2, 65536, 4)).shape
    torch.Size([2, 2, 256, 80])
    """

    removes_mean = True

    start: torch.Tensor

    def __init__(self, n_filters: int = N_FEATURES, learning_rate_scale: float = 0.01, floor: float = 1e-4) -> None:
        super().__init__()
        frequency = (torch.arange(n_filters) + 0.5) / n_filters - 0.5
        # Half a Hann window: a transient is strongest at its first point.
        decay = torch.hann_window(2 * N_POINTS)[N_POINTS:]
        filters = torch.polar(decay.repeat(n_filters, 1), -2 * math.pi * frequency[:, None] * torch.arange(N_POINTS))
        self.register_buffer("start", filters / torch.linalg.vector_norm(decay))
        self.learned = nn.Parameter(torch.zeros(n_filters, N_POINTS, 2), requires_grad=learning_rate_scale > 0)
        self.learning_rate_scale = learning_rate_scale
        self.floor = floor

    def forward(self, wavs: torch.Tensor) -> torch.Tensor:
        """Map wavs (B, T, 4) to features (B, 2, P, F)."""
        fid = unstack_fid(wavs)  # (B, 2, P, Q)
        power = torch.view_as_real(fid @ self.filters().T).square().sum(-1)
        return _remove_mean(0.5 * torch.log(power + self.floor))

    def filters(self) -> torch.Tensor:
        """Weight of each point of a transient in each filter: complex, (F, Q)."""
        return self.start + self.learning_rate_scale * torch.view_as_complex(self.learned)


def _channels_to_batch(wavs: torch.Tensor) -> torch.Tensor:
    if wavs.ndim != 3 or wavs.shape[-1] != N_CHANNELS:
        raise InputError(f"`wavs` must have shape (batch, samples, {N_CHANNELS}), got {tuple(wavs.shape)}")
    return wavs.transpose(1, 2).flatten(0, 1)


def _remove_mean(feats: torch.Tensor) -> torch.Tensor:
    return feats - feats.mean(dim=-2, keepdim=True)
