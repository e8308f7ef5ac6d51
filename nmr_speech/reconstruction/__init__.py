"""Reconstruction of spectra from non-uniform sampling (NUS): schedules, operators, solvers, networks."""

from nmr_speech.reconstruction.hankel import hankel
from nmr_speech.reconstruction.hypercomplex import components, pathways
from nmr_speech.reconstruction.ist import ist
from nmr_speech.reconstruction.load import load_modern, load_network
from nmr_speech.reconstruction.operators import data_consistency, fourier, inverse_fourier
from nmr_speech.reconstruction.schedule import check_schedule, poisson_gap, sampling_mask
from nmr_speech.reconstruction.schedule_file import own_schedule, read_schedule
from nmr_speech.reconstruction.virtual_echo import from_virtual_echo, virtual_echo

__all__ = [
    "check_schedule",
    "components",
    "data_consistency",
    "fourier",
    "from_virtual_echo",
    "hankel",
    "inverse_fourier",
    "ist",
    "load_modern",
    "load_network",
    "own_schedule",
    "pathways",
    "poisson_gap",
    "read_schedule",
    "sampling_mask",
    "virtual_echo",
]
