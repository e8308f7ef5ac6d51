"""DLNMR: dense convolutional networks between data consistency, a network learned from data alone.

After Qu et al., Angew. Chem. Int. Ed. 59, 10297 (2020), doi 10.1002/anie.201908162, as far as Chen et al. (Review and
Prospect: Deep Learning in Nuclear Magnetic Resonance Spectroscopy, doi 10.1002/chem.202000246, Figure 6) and Wang et
al. (arXiv 2012.14830) describe it.
"""

import torch
from torch import nn

from nmr_speech.checks import whole
from nmr_speech.reconstruction.network import Measurement, ReconstructionNetwork, as_channels, as_spectrum


class DLNMR(ReconstructionNetwork):
    """Five dense blocks, each followed by data consistency, in the frequency domain.

    These papers say no more than that, and that MoDern has about 9% of DLNMR's parameters. The sizes are chosen to
    match: 8 layers that add 12 feature maps each with a kernel of 11 points make 292,390 parameters; MoDern's 25,940
    are 8.9% of them. A kernel of 3, as in MoDern, would make 84 thousand. The ends of a spectrum are joined, as in
    `nmr_speech.reconstruction.modern.MoDern`, and data consistency replaces the points measured.

    Arguments
    ---------
    n_phases : int
        Number of dense blocks.
    n_layers : int
        Number of convolutions per block that add feature maps.
    growth : int
        Number of feature maps that each adds.
    kernel_size : int
        Points of each kernel, odd.

    Example
    -------
    >>> sum(weight.numel() for weight in DLNMR().parameters())
    292390
    """

    def __init__(self, n_phases: int = 5, n_layers: int = 8, growth: int = 12, kernel_size: int = 11) -> None:
        super().__init__(n_phases=n_phases, n_layers=n_layers, growth=growth, kernel_size=kernel_size)
        whole("n_phases", n_phases, 1, 1000)
        whole("n_layers", n_layers, 1, 1000)
        whole("growth", growth, 1, 10_000)
        whole("kernel_size", kernel_size, 1, 1001)
        self.blocks = nn.ModuleList(DenseBlock(n_layers, growth, kernel_size) for _ in range(n_phases))

    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Alternate data consistency and dense blocks; see `ReconstructionNetwork.phases`; each complex, (B, L)."""
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

    def __init__(self, n_layers: int, growth: int, kernel_size: int) -> None:
        super().__init__()
        self.first = _conv(2, growth, kernel_size)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(growth * n), nn.ReLU(), _conv(growth * n, growth, kernel_size))
            for n in range(1, n_layers + 1)
        )
        self.last = _conv(growth * (n_layers + 1), 2, 1)
        with torch.no_grad():
            self.last.weight *= 0.1  # normalised maps are of order one, a spectrum is near zero except at its peaks

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 2, L) to (B, 2, L)."""
        maps = self.first(x)
        for layer in self.layers:
            maps = torch.cat([maps, layer(maps)], dim=1)
        return self.last(maps)


def _conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv1d:
    conv = nn.Conv1d(in_channels, out_channels, kernel_size, padding="same", padding_mode="circular")
    nn.init.kaiming_normal_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # there is a bias by default
    return conv
