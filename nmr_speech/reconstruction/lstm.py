"""A recurrent network that fills in the time signal, in the spirit of Hansen, J. Biomol. NMR 73, 577 (2019)."""

import torch
from torch import nn

from nmr_speech.checks import whole
from nmr_speech.reconstruction.network import Measurement, ReconstructionNetwork
from nmr_speech.reconstruction.virtual_echo import virtual_echo


class LSTMNetwork(ReconstructionNetwork):
    """Three LSTM layers along the time signal, which is told what was measured by a third feature.

    Hansen's network takes the measured points and their schedule, and gives all points in the time domain; his cells
    are modified ones that are not described in full, and each of his networks serves one schedule of one length. Here
    cells are PyTorch's and read the grid, zeros and a mask included, so that one network serves any schedule and
    length. They read it in both directions: a gap has two sides. Output and input are normalised by the largest
    magnitude of the points measured.

    Arguments
    ---------
    hidden_size : int
        Units of each layer and direction.
    n_layers : int
        Layers.

    Example
    -------
    >>> LSTMNetwork(hidden_size=8).eval()(torch.ones(16) + 0j, range(16)).shape
    torch.Size([16])
    """

    def __init__(self, hidden_size=64, n_layers=3):
        super().__init__(hidden_size=hidden_size, n_layers=n_layers)
        whole("hidden_size", hidden_size, 1, 10_000)
        whole("n_layers", n_layers, 1, 100)
        self.lstm = nn.LSTM(3, hidden_size, n_layers, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * hidden_size, 2)

    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Fill in at once: one phase; see `ReconstructionNetwork.phases`."""
        n = (measurement.measured.shape[-1] + 1) // 2
        fid, mask = measurement.measured[:, :n], measurement.mask[:, :n].expand(len(measurement.measured), n)
        scale = fid.abs().amax(dim=1, keepdim=True)
        scale = torch.where(scale > 0, scale, 1.0)
        features = torch.cat([torch.view_as_real(fid / scale), mask[..., None]], dim=2)
        filled = torch.view_as_complex(self.linear(self.lstm(features)[0]).contiguous()) * scale
        return [measurement.spectrum(virtual_echo(filled, measurement.echo))]
