"""Changes to training recordings that mean something in NMR."""

from collections.abc import Mapping

import torch

from nmr_speech.checks import in_range
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.corpus.pseudo_audio import to_channels, unstack_fid
from nmr_speech.simulate import Acquisition
from nmr_speech.simulate.nuisances import disturb


class Nuisances:
    """Do to each training recording what a spectrometer could have done, drawn anew each time.

    Arguments
    ---------
    settings : Mapping[str, Mapping] | None
        Nuisances by name, each with its settings; see `nmr_speech.simulate.nuisances.disturb`. None for none.
    clean_share : float
        Probability with which a recording is left as it is, so that a model knows clean ones too.
    **axes : float
        ``field_mhz``, ``carrier_ppm``, ``spectral_width_hz`` and ``spectral_width_f1_hz`` of the recordings.

    Example
    -------
    >>> uncertain_reference = Nuisances({"reference_offset": {"offset_ppm": [-0.2, 0.2]}}, field_mhz=600.0)
    >>> uncertain_reference(torch.rand(2, 65536, 4), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 65536, 4])
    """

    def __init__(self, settings: Mapping[str, Mapping] | None, clean_share: float = 0.0, **axes):
        self.settings, self.acquisition = settings or {}, Acquisition(**axes)
        self.clean_share = in_range("clean_share", clean_share, 0, 1, "of the recordings", "0.15")
        self(torch.zeros(1, N_SAMPLES, N_CHANNELS), torch.Generator())  # names, units and ranges are checked by use

    def __call__(self, wavs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Disturb wavs (B, T, 4); the generator, on the CPU, decides how."""
        fid = disturb(unstack_fid(wavs), generator, self.settings, self.acquisition)
        disturbed = to_channels(fid)
        if not self.clean_share:
            return disturbed
        clean = torch.rand(len(wavs), generator=generator).to(wavs.device) < self.clean_share
        return torch.where(clean[:, None, None], wavs, disturbed)
