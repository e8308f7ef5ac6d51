"""Augmentation: the artefacts of a spectrometer, added to training recordings."""

from collections.abc import Mapping

import torch

from nmr_speech.checks import in_range
from nmr_speech.constants import N_CHANNELS, N_SAMPLES
from nmr_speech.corpus.pseudo_audio import to_channels, unstack_fid
from nmr_speech.simulate import Acquisition
from nmr_speech.simulate.nuisances import disturb


class Augmentation:
    """Add nuisances to recordings, drawn anew at every call.

    Arguments
    ---------
    nuisances : Mapping[str, Mapping] | None
        Nuisances by name, each with its settings; see `nmr_speech.simulate.nuisances.disturb`. None for none.
    experiment : Mapping | None
        Parameters of `nmr_speech.simulate.Acquisition` that differ from its defaults; they give the axes.
    clean_share : float
        Probability that a recording is left unchanged, 0 to 1.

    Example
    -------
    >>> uncertain_reference = Augmentation({"reference_offset": {"offset_ppm": [-0.2, 0.2]}}, {"field_mhz": 600.0})
    >>> uncertain_reference(torch.rand(2, 65536, 4), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 65536, 4])
    """

    def __init__(self, nuisances: Mapping[str, Mapping] | None, experiment: Mapping | None = None, clean_share=0.0):
        self.nuisances = nuisances or {}
        self.acquisition = Acquisition(**(experiment or {}))
        self.clean_share = in_range("clean_share", clean_share, 0, 1, "of the recordings", "0.15")
        self(torch.zeros(1, N_SAMPLES, N_CHANNELS), torch.Generator())  # names, units and ranges are checked by use

    def __call__(self, wavs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return augmented waveforms.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, (B, 65536, 4).
        generator : torch.Generator
            Source of the draws, on the CPU.

        Returns
        -------
        torch.Tensor
            Waveforms, (B, 65536, 4).
        """
        augmented = to_channels(disturb(unstack_fid(wavs), generator, self.nuisances, self.acquisition))
        if not self.clean_share:
            return augmented
        # Drawn after the nuisances, so that `clean_share` changes none of them.
        clean = torch.rand(len(wavs), generator=generator).to(wavs.device) < self.clean_share
        return torch.where(clean[:, None, None], wavs, augmented)
