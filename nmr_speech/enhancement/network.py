"""The denoising network: a U-Net of complex convolutions that predicts the noise in a spectrum, and what it misses.

Turning the phase of the input turns the output, exactly: convolutions are complex and have no bias, and what is not
linear multiplies by a real gate that is computed from magnitudes. Nothing has to be learned twice for another phase,
and phasing stays possible afterwards.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from nmr_speech.checks import InputError, in_range, whole

CLIPS = (3.0, 30.0, 300.0)  # in standard deviations of the noise: three views of an input that spans six decades
NEAR = (1, 16)  # points on either side whose mean is taken off for two more: on a broad background, noise stays visible
LEAST_STD = 1e-3


class Denoiser(nn.Module):
    """Map a spectrum in units of its noise to the noise in it, and to the standard deviation of what is then wrong.

    Arguments
    ---------
    channels : Sequence[int]
        Complex channels of each level; every level has half the points of the one above it.
    width : int
        Points of a convolution, odd.
    blocks : int
        Convolutions of each level, on the way down and again on the way up.
    most_removed : float
        Largest magnitude that is taken away at any point: the network cannot spoil a signal by more. White noise of
        65,536 points stays below 5.

    Example
    -------
    >>> network = Denoiser(channels=(4, 8), width=3, blocks=1).eval()  # not trained
    >>> spectrum = torch.randn(2, 64, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    >>> removed, std = network(spectrum)
    >>> removed.shape, removed.dtype, std.shape, bool((std > 0).all())
    (torch.Size([2, 64]), torch.complex64, torch.Size([2, 64]), True)
    >>> torch.allclose(network(1j * spectrum)[0], 1j * removed, atol=1e-5)
    True
    """

    def __init__(
        self,
        channels: Sequence[int] = (16, 24, 32, 40, 44),
        width: int = 5,
        blocks: int = 2,
        most_removed: float = 5.0,
    ) -> None:
        super().__init__()
        if isinstance(channels, str) or not channels:
            raise InputError(f"`channels` must list the channels of each level, got {channels!r}")
        sizes = [whole("channels", size, 1, 1024) for size in channels]
        whole("width", width, 1, 63), whole("blocks", blocks, 1, 16)
        if width % 2 == 0:
            raise InputError(f"`width` must be odd, got {width}: a line must not move by half a point")
        self.settings = {"channels": sizes, "width": width, "blocks": blocks, "most_removed": most_removed}
        self.most_removed = in_range("most_removed", most_removed, 0, 1e9, "standard deviations", "5")
        self.stride = 2 ** (len(sizes) - 1)
        self.first = ComplexConv(len(CLIPS) + len(NEAR), sizes[0], width)
        self.down = nn.ModuleList(Level(size, size, width, blocks) for size in sizes)
        self.coarser = nn.ModuleList(ComplexConv(a, b, 4, 2) for a, b in pairwise(sizes))
        self.finer = nn.ModuleList(ComplexConv(b, 2 * a, 1) for a, b in pairwise(sizes))
        self.up = nn.ModuleList(Level(size, size, width, blocks) for size in sizes[:-1])
        self.removed = ComplexConv(sizes[0], 1, 1)
        for weight in self.removed.parameters():  # begin with nothing taken away
            nn.init.zeros_(weight)
        self.log_std = nn.Sequential(nn.Conv1d(sizes[0], sizes[0], 1), nn.SiLU(), nn.Conv1d(sizes[0], 1, 1))

    def forward(self, spectrum: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Predict the noise of spectra.

        Arguments
        ---------
        spectrum : torch.Tensor
            complex64, (B, n), in units of the standard deviation of the noise in its real part; n is a multiple of
            ``stride``. Its ends are joined.

        Returns
        -------
        tuple[torch.Tensor, torch.Tensor]
            The noise, complex64, of at most ``most_removed`` at any point; and the standard deviation of its error in
            the real and in the imaginary part, float32; both (B, n) and in the same units.
        """
        if spectrum.shape[-1] % self.stride:
            raise InputError(f"a spectrum must have a multiple of {self.stride} points, got {spectrum.shape[-1]}")
        views = [clipped(spectrum, clip) * (CLIPS[0] / clip) ** 0.5 for clip in CLIPS]
        views += [clipped(spectrum - beside(spectrum, reach), CLIPS[0]) for reach in NEAR]
        x = self.first(torch.cat([torch.stack([v.real for v in views], 1), torch.stack([v.imag for v in views], 1)], 1))
        skipped = []
        for level, block in enumerate(self.down):
            x = block(x)
            if level < len(self.coarser):
                skipped.append(x)
                x = self.coarser[level](x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](interleave(self.finer[level](x)) + skipped[level])
        real, imaginary = self.removed(x).unbind(1)
        noise = torch.complex(real, imaginary)
        noise = clipped(noise, self.most_removed)
        log_std = self.log_std(torch.log1p(magnitudes(x)))[:, 0]
        return noise, log_std.exp().clamp(LEAST_STD, 1.5 * self.most_removed)


class Level(nn.Module):
    """Residual blocks of one level: a complex convolution, a gate, and the sum with what came in.

    Arguments
    ---------
    channels_in, channels : int
        Complex channels; equal.
    width : int
        Points of a convolution.
    blocks : int
        Number of blocks.
    """

    def __init__(self, channels_in: int, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(ComplexConv(channels_in, channels, width) for _ in range(blocks))
        self.gates = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 2 channels, n) to the same shape."""
        for conv, gate in zip(self.convs, self.gates, strict=True):
            change = conv(x)
            # Of the logarithm: a water line is a million times the noise, and gates must tell both apart.
            open_ = torch.sigmoid(gate(torch.log1p(magnitudes(change))))
            x = x + change * torch.cat([open_, open_], 1)
        return x


class ComplexConv(nn.Module):
    """Complex convolution without bias, with the ends of the signal joined.

    Arguments
    ---------
    channels_in, channels_out : int
        Complex channels.
    width : int
        Points of the kernel.
    stride : int
        Step in points.
    """

    def __init__(self, channels_in: int, channels_out: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.pad = stride, ((width - stride) // 2, width - stride - (width - stride) // 2)
        self.real = nn.Parameter(torch.randn(channels_out, channels_in, width) / (2 * channels_in * width) ** 0.5)
        self.imaginary = nn.Parameter(torch.randn(channels_out, channels_in, width) / (2 * channels_in * width) ** 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 2 channels_in, n), real parts first, to (B, 2 channels_out, n / stride)."""
        top, bottom = torch.cat([self.real, -self.imaginary], 1), torch.cat([self.imaginary, self.real], 1)
        if sum(self.pad):
            x = nn.functional.pad(x, self.pad, mode="circular")
        return nn.functional.conv1d(x, torch.cat([top, bottom]), stride=self.stride)


def interleave(x: torch.Tensor) -> torch.Tensor:
    """Make twice the points of half the channels: (B, 2 * 2C, n) to (B, 2C, 2n).

    Example
    -------
    >>> interleave(torch.tensor([[[1.0], [2.0], [10.0], [20.0]]]))  # real parts 1, 2; imaginary parts 10, 20
    tensor([[[ 1.,  2.],
             [10., 20.]]])
    """
    batch, channels, n = x.shape
    return x.view(batch, 2, channels // 4, 2, n).transpose(3, 4).reshape(batch, channels // 2, 2 * n)


def clipped(z: torch.Tensor, limit: float) -> torch.Tensor:
    """Bring complex numbers smoothly below a magnitude; their phases and those that are far smaller stay.

    Example
    -------
    >>> clipped(torch.tensor([0.01j, 1e6 + 0j]), 3.0)
    tensor([0.0000+0.0100j, 3.0000+0.0000j])
    """
    return z / (1 + (magnitude(z) / limit).square()).sqrt()


def beside(spectrum: torch.Tensor, reach: int) -> torch.Tensor:
    """Average the points on either side of each, without itself, (B, n), the ends joined.

    Example
    -------
    >>> beside(torch.tensor([[0j, 4, 0, 0]]), 1).real
    tensor([[2., 0., 2., 0.]])
    """
    n = spectrum.shape[-1]
    reach = min(reach, (n - 1) // 2)
    padded = torch.view_as_real(torch.cat([spectrum[:, -reach:], spectrum, spectrum[:, :reach]], 1)).movedim(-1, 1)
    kernel = torch.full((1, 1, 2 * reach + 1), 1 / (2 * reach), device=spectrum.device)
    kernel[..., reach] = 0
    mean = nn.functional.conv1d(padded.flatten(0, 1)[:, None], kernel)
    return torch.complex(*mean.view(-1, 2, n).unbind(1))


def magnitude(z: torch.Tensor) -> torch.Tensor:
    """Magnitude of complex numbers, with a gradient at zero."""
    return (z.real.square() + z.imag.square() + 1e-12).sqrt()


def magnitudes(x: torch.Tensor) -> torch.Tensor:
    """Magnitudes of complex channels, (B, 2C, n) to (B, C, n)."""
    real, imaginary = x.chunk(2, 1)
    return (real.square() + imaginary.square() + 1e-12).sqrt()
