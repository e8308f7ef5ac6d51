"""DLNMR: dense convolutional networks between data consistency, a network learned from data alone.

After Qu et al., Angew. Chem. Int. Ed. 59, 10297 (2020), as far as Chen et al. (Review and Prospect: Deep Learning in
Nuclear Magnetic Resonance Spectroscopy, Figure 6) and Wang et al. describe it.
"""

import torch
from torch import nn

from nmr_speech.checks import whole
from nmr_speech.reconstruction.network import Measurement, ReconstructionNetwork, as_channels, as_spectrum


class DLNMR(ReconstructionNetwork):
    """Five dense blocks, each followed by data consistency, in the frequency domain.

    Only that much is published in the papers at hand, and that MoDern has about 9% of its parameters. The sizes are
    our choice to that measure: 8 layers that add 12 feature maps each with a kernel of 11 make 292,390 parameters, of
    which MoDern's 25,940 are 8.9%. A kernel of 3, as MoDern's, would make 84 thousand. Ends are joined, as in
    `nmr_speech.reconstruction.modern.MoDern`, and data consistency is by replacement.

    Arguments
    ---------
    n_phases : int
        Dense blocks.
    n_layers : int
        Convolutions of a block that add feature maps.
    growth : int
        Feature maps that each adds.
    kernel_size : int
        Points, odd.

    Example
    -------
    >>> sum(weight.numel() for weight in DLNMR().parameters())
    292390
    """

    def __init__(self, n_phases=5, n_layers=8, growth=12, kernel_size=11):
        super().__init__(n_phases=n_phases, n_layers=n_layers, growth=growth, kernel_size=kernel_size)
        whole("n_phases", n_phases, 1, 1000)
        whole("n_layers", n_layers, 1, 1000)
        whole("growth", growth, 1, 10_000)
        whole("kernel_size", kernel_size, 1, 1001)
        self.blocks = nn.ModuleList(DenseBlock(n_layers, growth, kernel_size) for _ in range(n_phases))

    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Alternate dense blocks and data consistency; see `ReconstructionNetwork.phases`."""
        spectra = [measurement.zero_filled()]
        for block in self.blocks:
            channels = as_channels(measurement.consistent(spectra[-1])).transpose(0, 1)
            spectra.append(as_spectrum(block(channels).transpose(0, 1)))
        return spectra[1:]


class DenseBlock(nn.Module):
    """Convolution, then layers of batch normalisation, ReLU and convolution, each of which sees all maps before it.

    Arguments
    ---------
    n_layers, growth, kernel_size : int
        See `DLNMR`.
    """

    def __init__(self, n_layers, growth, kernel_size):
        super().__init__()
        self.first = _conv(2, growth, kernel_size)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(growth * n), nn.ReLU(), _conv(growth * n, growth, kernel_size))
            for n in range(1, n_layers + 1)
        )
        self.last = _conv(growth * (n_layers + 1), 2, 1)
        with torch.no_grad():
            self.last.weight *= 0.1  # normalised maps are of order one, a spectrum is near zero but for its peaks

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 2, L) to (B, 2, L)."""
        maps = self.first(x)
        for layer in self.layers:
            maps = torch.cat([maps, layer(maps)], dim=1)
        return self.last(maps)


def _conv(in_channels, out_channels, kernel_size):
    conv = nn.Conv1d(in_channels, out_channels, kernel_size, padding="same", padding_mode="circular")
    nn.init.kaiming_normal_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv
