"""All nuisances of one recording, in the order in which a signal meets them."""

import inspect
from collections.abc import Mapping

import torch

from nmr_speech.checks import InputError, one_of
from nmr_speech.simulate.fid import check_fid
from nmr_speech.simulate.nuisances.receiver import baseline, dead_points, digitisation, truncation, white_noise
from nmr_speech.simulate.nuisances.sample import decay, reference_line, residual_water
from nmr_speech.simulate.nuisances.settings import Setting, largest_magnitude
from nmr_speech.simulate.nuisances.spectrometer import phase_error, reference_offset, t1_noise
from nmr_speech.simulate.parameters import AXES, CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ

NUISANCES = {
    nuisance.__name__: nuisance
    for nuisance in (
        decay,  # of the solute; the singlets have their own
        reference_line,
        residual_water,
        reference_offset,
        phase_error,
        t1_noise,  # after the lines, all of which show it, and after what happens in t1
        baseline,
        white_noise,
        digitisation,
        dead_points,  # what was not measured is zero and holds no noise, so it comes last
        truncation,
    )
}
"""The nuisances by name, in the order in which `disturb` applies them."""

REAL_SPECTRUM = {
    "decay": {"rate_t1_per_s": [2.0, 15.0], "rate_t2_per_s": [2.0, 15.0]},
    "reference_line": {"amplitude": [0.02, 0.5], "decay_time_s": [0.1, 0.5]},
    "residual_water": {"amplitude": [0.02, 1.5], "position_ppm": [4.67, 4.83], "decay_time_s": [0.01, 0.1]},
    "reference_offset": {"offset_ppm": [-0.35, 0.35]},
    "phase_error": {
        "zero_order_f1_deg": [-25.0, 25.0],
        "first_order_f1_deg": [-30.0, 30.0],
        "zero_order_f2_deg": [-25.0, 25.0],
        "first_order_f2_deg": [-30.0, 30.0],
    },
    "t1_noise": {"percent": [0.3, 3.0]},
    "white_noise": {"snr": [10.0, 1000.0]},
    "truncation": {"n_transients": [64, 256]},
}
"""Settings for training, on simulated recordings of 256 transients, a model that is to hear measured ones.

Chosen, not fitted, for a free amino acid in water: the water drifts by 0.08 ppm, the reference may be missing, phases
are those an automatic correction leaves, and the experiment was stopped after 64 transients or later.
"""

_GIVEN = ("largest", *AXES)  # keywords that `disturb` fills in
_SETTINGS = {
    name: {p.name: p.default for p in inspect.signature(nuisance).parameters.values() if p.kind is p.KEYWORD_ONLY}
    for name, nuisance in NUISANCES.items()
}


def disturb(
    fid: torch.Tensor,
    generator: torch.Generator,
    settings: Mapping[str, Mapping[str, Setting]],
    *,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    spectral_width_f1_hz: float | None = None,
) -> torch.Tensor:
    """Apply the nuisances that ``settings`` names, in the order of `NUISANCES`.

    Amplitudes and the signal-to-noise ratio are relative to the largest magnitude of each recording as it comes in,
    clean: more water does not mean more noise.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points). Leading dimensions count recordings, each
        of which gets its own draws.
    generator : torch.Generator
        Source of the draws, on the CPU.
    settings : Mapping[str, Mapping[str, Setting]]
        Keyword settings of each nuisance, numbers or pairs [low, high], as in `REAL_SPECTRUM`. Those not named do
        nothing.
    field_mhz : float
        Proton frequency.
    carrier_ppm : float
        Transmitter position in both dimensions.
    spectral_width_hz : float
        Spectral width of F2.
    spectral_width_f1_hz : float | None
        Spectral width of F1; None takes that of F2.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_transients, n_points); ``fid`` itself if nothing is named.

    Example
    -------
    >>> clean = torch.ones(3, 2, 256, 256) + 0j
    >>> disturb(clean, torch.Generator().manual_seed(0), REAL_SPECTRUM).shape
    torch.Size([3, 2, 256, 256])
    >>> disturb(clean, torch.Generator(), {}) is clean
    True
    >>> disturb(clean, torch.Generator(), {"white_noise": {"sigma": 1.0}})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `setting of white_noise` must be one of snr; got 'sigma'
    """
    check_fid(fid)
    check_settings(settings)
    given = {
        "largest": largest_magnitude(fid),
        "field_mhz": field_mhz,
        "carrier_ppm": carrier_ppm,
        "spectral_width_hz": spectral_width_hz,
        "spectral_width_f1_hz": spectral_width_f1_hz,
    }
    for name, nuisance in NUISANCES.items():
        if name in settings:
            needed = {key: value for key, value in given.items() if key in _SETTINGS[name]}
            try:
                fid = nuisance(fid, generator, **settings[name], **needed)
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
    return fid


def check_settings(settings: Mapping[str, Mapping[str, Setting]]) -> None:
    """Refuse nuisances and settings that do not exist or are missing; values are checked when they are used.

    Arguments
    ---------
    settings : Mapping[str, Mapping[str, Setting]]
        As for `disturb`.

    Example
    -------
    >>> check_settings({"white_nose": {"snr": 10}})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `nuisance` must be one of decay, ...; got 'white_nose', did you mean 'white_noise'?
    """
    if not isinstance(settings, Mapping):
        raise InputError(f"`settings` must name nuisances, each with its settings, got {settings!r}")
    for name, values in settings.items():
        known = {
            key: value for key, value in _SETTINGS[one_of("nuisance", name, NUISANCES)].items() if key not in _GIVEN
        }
        if not isinstance(values, Mapping) or not values:
            raise InputError(f"`{name}` must have settings ({', '.join(known)}), got {values!r}")
        for key in values:
            one_of(f"setting of {name}", key, known)
        for key, default in known.items():
            if default is inspect.Parameter.empty and key not in values:
                raise InputError(f"`{name}` needs its setting `{key}`, got {', '.join(values)}")
