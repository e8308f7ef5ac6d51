"""A recurrent network that fills in the time signal.

In the spirit of Hansen, J. Biomol. NMR 73, 577 (2019), doi 10.1007/s10858-019-00265-1.
"""

import torch
from torch import nn

from nmr_speech.checks import whole
from nmr_speech.reconstruction.network import Measurement, ReconstructionNetwork


class LSTMNetwork(ReconstructionNetwork):
    """Three LSTM layers along the time signal; a third feature marks the points measured.

    Hansen's network takes the points measured and their schedule, and returns all points in the time domain. His cells
    are modified in a way that is not described in full, and each of his networks serves one schedule of one length.
    This one uses PyTorch's cells and reads the whole grid, zeros and mask included, so that one network serves every
    schedule and length. It reads in both directions, since a gap has two sides. Input and output are normalised by the
    largest magnitude of the points measured.

    Arguments
    ---------
    hidden_size : int
        Number of units of each layer and direction.
    n_layers : int
        Number of layers.

    Example
    -------
    >>> LSTMNetwork(hidden_size=8).eval()(torch.ones(16) + 0j, range(16)).shape
    torch.Size([16])
    """

    def __init__(self, hidden_size: int = 64, n_layers: int = 3) -> None:
        super().__init__(hidden_size=hidden_size, n_layers=n_layers)
        whole("hidden_size", hidden_size, 1, 10_000)
        whole("n_layers", n_layers, 1, 100)
        self.lstm = nn.LSTM(3, hidden_size, n_layers, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * hidden_size, 2)

    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Fill in at once, in one phase; see `ReconstructionNetwork.phases`; complex, (B, L)."""
        n = (measurement.measured.shape[-1] + 1) // 2  # of the echo, the signal itself
        fid, mask = measurement.measured[:, :n], measurement.mask[:, :n].expand(len(measurement.measured), n)
        scale = fid.abs().amax(dim=1, keepdim=True)
        scale = torch.where(scale > 0, scale, 1.0)
        features = torch.cat([torch.view_as_real(fid / scale), mask[..., None]], dim=2)  # (B, n, 3)
        filled = torch.view_as_complex(self.linear(self.lstm(features)[0]).contiguous()) * scale
        return [measurement.echo_spectrum(filled)]
