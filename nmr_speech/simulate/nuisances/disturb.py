"""All nuisances of one recording, in the order in which a signal meets them."""

import inspect
from collections.abc import Callable, Mapping

import torch

from nmr_speech.checks import InputError, one_of, quoted
from nmr_speech.constants import N_POINTS, N_TRANSIENTS
from nmr_speech.simulate.acquisition import STANDARD, Acquisition
from nmr_speech.simulate.fid import check_fid
from nmr_speech.simulate.nuisances.receiver import baseline, dead_points, digitisation, truncation, white_noise
from nmr_speech.simulate.nuisances.sample import decay, reference_line, residual_water, shim
from nmr_speech.simulate.nuisances.settings import Setting, largest_magnitude
from nmr_speech.simulate.nuisances.spectrometer import imbalance, phase_error, reference_offset, t1_noise

NUISANCES: dict[str, Callable[..., torch.Tensor]] = {
    nuisance.__name__: nuisance
    for nuisance in (
        decay,  # of the solute; the singlets have their own
        reference_line,
        residual_water,
        shim,  # of all that is in the tube
        reference_offset,
        phase_error,
        imbalance,
        t1_noise,  # after all lines, which all show it, and after what happens in t1
        baseline,
        white_noise,
        digitisation,
        dead_points,  # points that were not measured are zero and hold no noise, so this comes last
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
"""Settings for training a model on simulated recordings of 256 transients, so that it works on measured ones.

Chosen, not fitted, for a free amino acid in water: the water drifts by 0.08 ppm, the reference may be missing, phases
are those that an automatic correction leaves, and the experiment was stopped after 64 transients or later.
"""


def _parameters(nuisance, kind):
    return {p.name: p.default for p in inspect.signature(nuisance).parameters.values() if p.kind is kind}


# Keyword-only parameters are settings; of the others, `disturb` fills in what each nuisance takes.
_SETTINGS = {name: _parameters(nuisance, inspect.Parameter.KEYWORD_ONLY) for name, nuisance in NUISANCES.items()}
_TAKES = {name: _parameters(nuisance, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name, nuisance in NUISANCES.items()}


def disturb(
    fid: torch.Tensor,
    generator: torch.Generator,
    settings: Mapping[str, Mapping[str, Setting]],
    acquisition: Acquisition = STANDARD,
) -> torch.Tensor:
    """Apply the nuisances that ``settings`` names, in the order of `NUISANCES`.

    Amplitudes and the signal-to-noise ratio are relative to the largest magnitude of each clean recording, so more
    water does not mean more noise.

    Arguments
    ---------
    fid : torch.Tensor
        Cosine and sine channel, complex, (..., 2, n_transients, n_points). Leading dimensions count recordings, each
        of which gets its own draws.
    generator : torch.Generator
        Source of the draws, on the CPU.
    settings : Mapping[str, Mapping[str, Setting]]
        Keyword settings of each nuisance, numbers or pairs [low, high], as in `REAL_SPECTRUM`. Nuisances that are not
        named are off.
    acquisition : Acquisition
        Axes of the recordings.

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
    _check_names(settings)
    if not settings:
        return fid
    known = {"acquisition": acquisition, "largest": largest_magnitude(fid)}
    for name, nuisance in NUISANCES.items():
        if name in settings:
            taken = {key: value for key, value in known.items() if key in _TAKES[name]}
            try:
                fid = nuisance(fid, generator, **taken, **settings[name])
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
    return fid


def check_settings(
    settings: Mapping[str, Mapping[str, Setting]], n_transients: int = N_TRANSIENTS, n_points: int = N_POINTS
) -> None:
    """Refuse nuisances and settings that do not exist, are missing or are out of range.

    Arguments
    ---------
    settings : Mapping[str, Mapping[str, Setting]]
        As for `disturb`.
    n_transients : int
        Points in t1 of the recordings: the range of some settings depends on it.
    n_points : int
        Points in t2.

    Example
    -------
    >>> check_settings({"white_nose": {"snr": 10}})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `nuisance` must be one of decay, ...; got 'white_nose', did you mean 'white_noise'?
    >>> check_settings({"white_noise": {"snr": 0}})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: white_noise: `snr` must be from 0.01 to 1e+09 (a ratio), got 0 (typical: 10 to 1000)
    """
    # Each nuisance checks its values as it draws them, so an empty recording runs every check.
    disturb(torch.zeros(2, n_transients, n_points, dtype=torch.complex64), torch.Generator(), settings)


def _check_names(settings):
    if not isinstance(settings, Mapping):
        raise InputError(f"`settings` must name nuisances, each with its settings, got {quoted(settings)}")
    for name, values in settings.items():
        known = _SETTINGS[one_of("nuisance", name, NUISANCES)]
        if not isinstance(values, Mapping) or not values:
            raise InputError(f"`{name}` must have settings ({', '.join(known)}), got {quoted(values)}")
        for key in values:
            one_of(f"setting of {name}", key, known)
        for key, default in known.items():
            if default is inspect.Parameter.empty and key not in values:
                raise InputError(f"`{name}` needs its setting `{key}`, got {', '.join(values)}")
