"""MoDern: iterative soft thresholding unrolled, with learned transforms and thresholds that adapt to the spectrum.

Wang et al., Accelerated NMR Spectroscopy: Merge Optimization with Deep Learning, arXiv 2012.14830. Each phase puts in
the points measured, as an iteration of IST does. A convolution makes 32 feature maps, each is soft-thresholded at its
own threshold, and a second convolution turns them into a spectrum again. The ten phases share no weights.
"""

import itertools
import math

import torch
from torch import nn

from nmr_speech.checks import whole
from nmr_speech.reconstruction.network import Measurement, ReconstructionNetwork, as_channels, as_spectrum


class MoDern(ReconstructionNetwork):
    """The network of Wang et al.: 2,594 parameters a phase for 2D spectra, 3,362 for 3D spectra.

    Choices where the paper is silent:

    - The ends of a spectrum are joined, as those of a discrete Fourier transform are, and not padded with zeros. A
      spectrum shifted in frequency therefore gives the shifted reconstruction.
    - Soft thresholding acts on real feature maps, which keep their sign.
    - Real and imaginary parts are the two channels, although the imaginary part of an echo's spectrum is zero: the
      paper's numbers of parameters imply it.
    - Normalisation: see `nmr_speech.reconstruction.network.Measurement.of`.

    Arguments
    ---------
    n_phases : int
        Number of phases, the paper's K.
    channels : int
        Number of feature maps.
    adaptive : bool
        Whether thresholds follow the spectrum. False is the paper's ablation: a learned constant for each feature map
        of each phase, 450 parameters a phase for 2D spectra.
    dims, in_phase, least_rate
        See `ReconstructionNetwork`.

    Example
    -------
    >>> sum(weight.numel() for weight in MoDern().parameters())
    25940
    >>> line = torch.exp(2j * torch.pi * 0.25 * torch.arange(64))
    >>> schedule = [0, 1, 2, 4, 7, 12, 13, 20, 26, 33, 38, 45, 51, 58]
    >>> measured = torch.zeros_like(line)
    >>> measured[schedule] = line[schedule]
    >>> filled = MoDern().eval()(measured, schedule)  # not trained
    >>> filled.shape, torch.equal(filled[schedule], line[schedule])
    (torch.Size([64]), True)
    """

    def __init__(
        self,
        n_phases: int = 10,
        channels: int = 32,
        adaptive: bool = True,
        dims: int = 1,
        in_phase: bool = True,
        least_rate: float = 0.0,
    ) -> None:
        super().__init__(dims, in_phase, least_rate, n_phases=n_phases, channels=channels, adaptive=adaptive)
        whole("n_phases", n_phases, 1, 1000)
        whole("channels", channels, 1, 10_000)
        self.blocks = nn.ModuleList(SoftThresholding(channels, adaptive, self.dims) for _ in range(n_phases))

    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Alternate data consistency and learned thresholding; see `ReconstructionNetwork.phases`; complex, (B, L)."""
        spectra = [measurement.zero_filled()]
        for block in self.blocks:
            spectra.append(as_spectrum(block(as_channels(measurement.consistent(spectra[-1])))))
        return spectra[1:]


class SoftThresholding(nn.Module):
    """Figure S1-1(b) of Wang et al.: transform, threshold, transform back.

    Arguments
    ---------
    channels : int
        Number of feature maps.
    adaptive : bool
        Whether thresholds follow the spectrum.
    dims : int
        Number of dimensions of the spectrum.
    """

    def __init__(self, channels: int, adaptive: bool, dims: int) -> None:
        super().__init__()
        self.widen = PeriodicConv(2, channels, dims)
        self.threshold = AdaptiveThreshold(channels) if adaptive else ConstantThreshold(channels)
        self.narrow = PeriodicConv(channels, 2, dims)

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        """(2, B, ...) to (2, B, ...)."""
        maps = self.widen(spectrum)
        flat = maps.flatten(2)
        return self.narrow(_Shrink.apply(flat, self.threshold(flat)).view_as(maps))


class AdaptiveThreshold(nn.Module):
    """Sub-block A: a threshold between zero and the mean magnitude of each feature map.

    ``theta = g * sigmoid(FC(ReLU(BN(FC(g)))))`` with g the mean magnitudes. The paper's figure names the layers. Their
    order is the usual one of shrinkage blocks, with batch normalisation between the fully connected layers.

    Arguments
    ---------
    channels : int
        Number of feature maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.share = nn.Sequential(
            nn.Linear(channels, channels),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Linear(channels, channels),
            nn.Sigmoid(),
        )
        for layer in self.share:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(channels, B, L) to (channels, B, 1)."""
        mean = maps.abs().mean(dim=2).T
        return (mean * self.share(mean)).T[..., None]


class ConstantThreshold(nn.Module):
    """The ablation: instead of sub-block A a learned constant for each feature map, kept positive by a softplus.

    It starts at 0.05, about where the adaptive thresholds start.

    Arguments
    ---------
    channels : int
        Number of feature maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.full((channels,), math.log(math.expm1(0.05))))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(channels, B, L) to (channels, B, 1)."""
        return nn.functional.softplus(self.raw)[:, None, None].expand(-1, maps.shape[1], 1)


class PeriodicConv(nn.Module):
    """Convolution over three points in each dimension, with the ends joined and He initialisation.

    It is one matrix product over all signals and points, and shifts on the side with fewer channels. Between 2 and 32
    channels it is faster on a CPU than `torch.nn.Conv1d`, forwards and backwards.

    Arguments
    ---------
    in_channels, out_channels : int
        Number of channels.
    dims : int
        Number of dimensions of the grid.
    """

    def __init__(self, in_channels: int, out_channels: int, dims: int) -> None:
        super().__init__()
        self.axes = tuple(range(-dims, 0))
        self.shifts = list(itertools.product((1, 0, -1), repeat=dims))
        self.weight = nn.Parameter(torch.empty(out_channels, len(self.shifts) * in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.kaiming_normal_(self.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(in_channels, B, ...) to (out_channels, B, ...)."""
        taps, grid = len(self.shifts), x.shape[1:]
        if len(x) <= len(self.bias):  # shift the side with fewer channels
            near = torch.cat([x.roll(shift, self.axes) for shift in self.shifts])
            return torch.addmm(self.bias[:, None], self.weight, near.flatten(1)).view(-1, *grid)
        by_tap = self.weight.view(-1, taps, len(x)).transpose(0, 1).flatten(0, 1)
        far = (by_tap @ x.flatten(1)).view(taps, -1, *grid)
        shifted = sum(part.roll(shift, self.axes) for part, shift in zip(far, self.shifts, strict=True))
        return shifted + self.bias.view(-1, *[1] * len(grid))


class _Shrink(torch.autograd.Function):
    """``sign(x) max(|x| - threshold, 0)`` of real numbers, with the gradients written out: half the time on a CPU."""

    @staticmethod
    def forward(ctx, x, threshold):
        shrunk = x - x.clamp(-threshold, threshold)
        ctx.save_for_backward(shrunk)
        return shrunk

    @staticmethod
    def backward(ctx, gradient):
        (shrunk,) = ctx.saved_tensors
        sign = shrunk.sign()  # zero where nothing passes
        passed = gradient * sign
        return passed * sign, -passed.sum(dim=-1, keepdim=True)
