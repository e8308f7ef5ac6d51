"""Nuisances of a real spectrometer: pure functions of an FID and a generator, all off by default."""

from nmr_speech.simulate.nuisances.disturb import NUISANCES, REAL_SPECTRUM, check_settings, disturb
from nmr_speech.simulate.nuisances.receiver import baseline, dead_points, digitisation, truncation, white_noise
from nmr_speech.simulate.nuisances.sample import decay, reference_line, residual_water, shim
from nmr_speech.simulate.nuisances.spectrometer import (
    imbalance,
    phase_error,
    reference_offset,
    shift_frequency,
    t1_noise,
)

__all__ = [
    "NUISANCES",
    "REAL_SPECTRUM",
    "baseline",
    "check_settings",
    "dead_points",
    "decay",
    "digitisation",
    "disturb",
    "imbalance",
    "phase_error",
    "reference_line",
    "reference_offset",
    "residual_water",
    "shift_frequency",
    "shim",
    "t1_noise",
    "truncation",
    "white_noise",
]
