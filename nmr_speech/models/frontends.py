"""Front ends: 4-channel waveforms to feature frames.

Each maps wavs (B, T, 4) to features (B, K, L, F) with F = 80: K streams (``n_streams``) that go through one embedding
model, L frames a stream. ``removes_mean`` is true if the mean of each feature over the frames is zero, as pretrained
speech models expect. Legend: B batch, T samples, C channels, K streams, L frames, F features, G spin groups,
P transients, Q points.
"""

import math

import torch
from speechbrain.lobes.features import Fbank
from torch import nn

from nmr_speech.checks import InputError, one_of
from nmr_speech.constants import N_CHANNELS, N_POINTS, SAMPLE_RATE_HZ
from nmr_speech.corpus.pseudo_audio import unstack_anti_echo, unstack_fid
from nmr_speech.simulate.fid import cosine_window

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
    n_streams = N_CHANNELS

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

    n_streams = N_CHANNELS

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
    n_streams = 2

    start: torch.Tensor

    def __init__(self, n_filters: int = N_FEATURES, learning_rate_scale: float = 0.01, floor: float = 1e-4) -> None:
        super().__init__()
        self.register_buffer("start", torch.empty(n_filters, N_POINTS, dtype=torch.complex64))
        if not self.start.is_meta:  # where arithmetic would only load PyTorch's compiler, for 1 s
            self.start.copy_(_band_passes(n_filters))
        self.learned = nn.Parameter(torch.zeros(n_filters, N_POINTS, 2)) if learning_rate_scale > 0 else None
        self.register_load_state_dict_pre_hook(_forget_fixed)
        self.learning_rate_scale = learning_rate_scale
        self.floor = floor

    def forward(self, wavs: torch.Tensor) -> torch.Tensor:
        """Map wavs (B, T, 4) to features (B, 2, P, F)."""
        fid = unstack_fid(wavs)  # (B, 2, P, Q)
        power = torch.view_as_real(fid @ self.filters().T).square().sum(-1)
        return _remove_mean(0.5 * torch.log(power + self.floor))

    def filters(self) -> torch.Tensor:
        """Weight of each point of a transient in each filter: complex, (F, Q)."""
        if self.learned is None:
            return self.start
        return self.start + self.learning_rate_scale * torch.view_as_complex(self.learned)


class SpectralFrontEnd(QuadratureFrontEnd):
    """Frequencies of F1 as frames, the filters of `QuadratureFrontEnd` over F2: one stream, the signs of both are kept.

    The States pair is joined to the anti-echo signal, cosine + i sine, which is weighted by a squared cosine and
    Fourier transformed over t1. Frame ``k`` is the frequency ``(k - 128) / 256`` of the spectral width in F1, so the
    axis rises as an `nmr_speech.axis.Axis` does, and a frame says what a proton of that shift is coupled to.

    Arguments
    ---------
    n_filters : int
        See `QuadratureFrontEnd`.
    learning_rate_scale : float
        See `QuadratureFrontEnd`.
    floor : float
        Power added before the logarithm. The transform is unitary and the filters have unit norm, so white noise keeps
        its power; it is relative to a recording whose largest value is 1, as `nmr_speech.models.embed.embed` makes it.
    remove_mean : str
        "plane" subtracts one number, the mean of all features of a recording: strong and weak filters stay strong and
        weak, which tells where F2 has lines. "frames" subtracts the mean of each feature over the frames, as
        pretrained speech models expect.

    Example
    -------
    >>> SpectralFrontEnd()(torch.rand(2, 65536, 4)).shape
    torch.Size([2, 1, 256, 80])
    """

    n_streams = 1

    def __init__(
        self,
        n_filters: int = N_FEATURES,
        learning_rate_scale: float = 0.01,
        floor: float = 1e-3,
        remove_mean: str = "plane",
    ) -> None:
        super().__init__(n_filters, learning_rate_scale, floor)
        self.removes_mean = one_of("remove_mean", remove_mean, ("plane", "frames")) == "frames"

    def forward(self, wavs: torch.Tensor) -> torch.Tensor:
        """Map wavs (B, T, 4) to features (B, 1, P, F)."""
        # Filters first: 80 columns to transform instead of 256 points.
        return self._log_power(_to_f1((unstack_anti_echo(wavs) @ self.filters().T).mT).mT)

    def from_lines(
        self, t1: torch.Tensor, t2: torch.Tensor, transfer: torch.Tensor, noise: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute the features of a sum of products without building the recording.

        The anti-echo signal is ``sum_kl t1[k] transfer[k, l] t2[l]``: what evolves in t1 as group k and is detected as
        group l. In the recording, the cosine channel has the real part of ``t1`` in its place, the sine channel the
        imaginary part.

        Arguments
        ---------
        t1 : torch.Tensor
            Signals of the groups in t1, complex, (B, G, P).
        t2 : torch.Tensor
            Signals of the groups in t2, complex, (B, G, Q).
        transfer : torch.Tensor
            Amplitude from each group (row) to each (column), real, (B, G, G). The floor is relative to a signal whose
            largest value is 1: for signals that begin at 1, all amplitudes together are 1.
        noise : torch.Tensor | None
            Standard deviation of white noise in each real number of the two channels, (B,); drawn by torch's global
            generator, as it passes through the filters.

        Returns
        -------
        torch.Tensor
            Features, (B, 1, P, F).

        Example
        -------
        >>> line = torch.polar(torch.ones(256), 2 * math.pi * 32 / 256 * torch.arange(256))[None, None]
        >>> feats = SpectralFrontEnd().from_lines(line, line, torch.ones(1, 1, 1))
        >>> divmod(feats.argmax().item(), 80)  # 32 of 256 points above the middle, an eighth of 80 filters
        (160, 50)
        """
        filters = self.filters()
        plane = _to_f1(t1).mT @ (transfer.to(t2.dtype) @ (t2 @ filters.T))  # (B, P, F)
        if noise is not None:
            # Noise of 256 points in 80 filters: as many numbers as filters, mixed so that their covariance is that of
            # the filters. cos + i sin of two channels with deviation s in each real number has s times root 2.
            covariance = filters @ filters.mH + 1e-6 * torch.eye(len(filters), device=filters.device)
            mixer = torch.linalg.cholesky(covariance).mT
            white = torch.randn(plane.shape, dtype=plane.dtype, device=plane.device) @ mixer
            plane = plane + 2 * noise[:, None, None] * _to_f1(white.mT).mT
        return self._log_power(plane)

    def _log_power(self, lines: torch.Tensor) -> torch.Tensor:
        feats = 0.5 * torch.log(torch.view_as_real(lines).square().sum(-1) + self.floor)[:, None]
        return _remove_mean(feats) if self.removes_mean else feats - feats.mean(dim=(-2, -1), keepdim=True)


def _forget_fixed(frontend, state, prefix, *_):
    """Leave out what fixed filters learned, which earlier versions saved: zeros."""
    if frontend.learned is None:
        state.pop(f"{prefix}learned", None)


def _band_passes(n: int) -> torch.Tensor:
    """Filters at frequencies spread evenly over the spectral width: complex, (n, Q), each with unit norm."""
    frequency = (torch.arange(n) + 0.5) / n - 0.5
    # Half a Hann window: a transient is strongest at its first point.
    decay = torch.hann_window(2 * N_POINTS)[N_POINTS:]
    filters = torch.polar(decay.repeat(n, 1), -2 * math.pi * frequency[:, None] * torch.arange(N_POINTS))
    return filters / torch.linalg.vector_norm(decay)


def _to_f1(signals: torch.Tensor) -> torch.Tensor:
    """Transform signals (..., P) over t1 to frequencies (..., P) that rise."""
    # Not halved at zero: where only the power counts, dispersive tails are larger than what halving removes.
    window = cosine_window(signals.shape[-1], first_halved=False, dtype=signals.real.dtype)
    weighted = signals * torch.from_numpy(window).to(signals.device)
    return torch.fft.fftshift(torch.fft.fft(weighted, norm="ortho"), dim=-1)


def _channels_to_batch(wavs: torch.Tensor) -> torch.Tensor:
    if wavs.ndim != 3 or wavs.shape[-1] != N_CHANNELS:
        raise InputError(f"`wavs` must have shape (batch, samples, {N_CHANNELS}), got {tuple(wavs.shape)}")
    return wavs.transpose(1, 2).flatten(0, 1)


def _remove_mean(feats: torch.Tensor) -> torch.Tensor:
    return feats - feats.mean(dim=-2, keepdim=True)
