"""Changes to training recordings that mean something in NMR."""

import torch

from nmr_speech.checks import in_range
from nmr_speech.corpus.pseudo_audio import to_channels, unstack_fid
from nmr_speech.simulate.nuisances import shift_frequency
from nmr_speech.simulate.parameters import SPECTRAL_WIDTH_HZ


class FrequencyShift:
    """Move each recording by a random frequency, the same in F1 and F2: an uncertain reference.

    Arguments
    ---------
    max_shift_hz : float
        Shifts are uniform from minus to plus this; 0 for none.
    spectral_width_hz : float
        Spectral width of the recordings.

    Example
    -------
    >>> FrequencyShift(60.0)(torch.rand(2, 65536, 4), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 65536, 4])
    """

    def __init__(self, max_shift_hz, spectral_width_hz=SPECTRAL_WIDTH_HZ):
        self.max_shift_hz = in_range("max_shift_hz", max_shift_hz, 0, spectral_width_hz / 2, "Hz", "60")
        self.spectral_width_hz = spectral_width_hz

    def __call__(self, wavs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Shift wavs (B, T, 4); the generator, on the CPU, decides by how much."""
        shift_hz = self.max_shift_hz * (2 * torch.rand(len(wavs), generator=generator) - 1).to(wavs.device)
        fid = shift_frequency(unstack_fid(wavs.transpose(1, 2)), shift_hz, self.spectral_width_hz)
        return to_channels(fid).transpose(1, 2)
