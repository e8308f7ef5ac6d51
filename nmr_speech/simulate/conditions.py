"""Conditions that differ from recording to recording: ranges and choices of the sample and the experiment.

Recordings of equal number are made under equal conditions, whatever their residue, so they can share one tube.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from nmr_speech.checks import InputError, in_range, is_number, one_of, quoted, whole
from nmr_speech.simulate.acquisition import Acquisition
from nmr_speech.simulate.sample import Sample

WIDTH_PPM = "spectral_width_ppm"
"""Setting that gives both spectral widths in ppm, at whatever field."""
FIXED = ("n_transients", "n_points", "quadrature")
"""Parameters of the acquisition that all recordings share."""
STREAM = 4  # of the draws, as in `nmr_speech.simulate.draw.generator`
SAMPLE = tuple(field.name for field in fields(Sample))
ACQUISITION = tuple(field.name for field in fields(Acquisition) if field.name not in FIXED)


def is_drawn(setting: Any) -> bool:
    """Tell whether a setting is a pair or a list to draw from, and not one value.

    Example
    -------
    >>> is_drawn([300.0, 1000.0]), is_drawn(["d2o", "h2o"]), is_drawn(600.0)
    (True, True, False)
    """
    return isinstance(setting, list | tuple)


def draw_conditions(settings: Mapping[str, Any], seed: int, index: int) -> dict[str, Any]:
    """Draw the conditions of recording ``index`` of every residue.

    Arguments
    ---------
    settings : Mapping[str, Any]
        Parameters of `Sample` and of `Acquisition` by name, and ``spectral_width_ppm``. Each is one value, a pair of
        numbers [low, high] within which it is uniform, or a list of names of which one is chosen.
    seed : int
        Seed of the data set.
    index : int
        Number of the recording.

    Returns
    -------
    dict[str, Any]
        One value for each; the spectral widths in Hz.

    Raises
    ------
    InputError
        A pair does not rise, or a list holds neither two numbers nor names.

    Example
    -------
    >>> drawn = draw_conditions({"sequence": ["dipsi2", "mlev17"], "field_mhz": [400.0, 800.0]}, seed=1986, index=0)
    >>> drawn["sequence"], 400 <= drawn["field_mhz"] <= 800
    ('dipsi2', True)
    >>> draw_conditions({"field_mhz": 500.0, "spectral_width_ppm": 12.0}, seed=1986, index=0)["spectral_width_hz"]
    6000.0
    """
    whole("seed", seed, 0, 2**63 - 1)
    whole("index", index, 0, 2**63 - 1)
    rng = np.random.default_rng(np.random.SeedSequence([seed, index], spawn_key=(STREAM,)))
    # One number each, whether it is used or not: a setting that is fixed changes no other.
    shares = {name: rng.random() for name in (*SAMPLE, *ACQUISITION, WIDTH_PPM)}
    for name in settings:
        one_of("setting", name, (*shares, *FIXED))
    drawn = {name: _one(name, setting, shares.get(name)) for name, setting in settings.items()}
    if WIDTH_PPM in drawn:
        if "spectral_width_hz" in drawn or "spectral_width_f1_hz" in drawn:
            raise InputError("`spectral_width_ppm` takes the place of `spectral_width_hz` and `spectral_width_f1_hz`")
        width_ppm = in_range(WIDTH_PPM, drawn.pop(WIDTH_PPM), 1, 1000, "ppm", "12")
        drawn["spectral_width_hz"] = width_ppm * drawn.get("field_mhz", Acquisition().field_mhz)
    return drawn


def check_conditions(settings: Mapping[str, Any]) -> None:
    """Refuse conditions of which any draw could not be simulated; arguments as for `draw_conditions`.

    Example
    -------
    >>> check_conditions({"mixing_time_s": [0.015, 1.5]})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `mixing_time_s` must be from 0 to 0.3 seconds, got 1.5 (typical: 0.02 to 0.12)
    """
    draw_conditions(settings, 0, 0)
    given = {name: setting for name, setting in settings.items() if name != WIDTH_PPM}
    first = {name: setting[0] if is_drawn(setting) else setting for name, setting in given.items()}
    Sample(**_of(first, SAMPLE)), Acquisition(**_of(first, ACQUISITION))
    for name, setting in given.items():  # ranges are intervals, so their ends speak for all in between
        for end in setting if is_drawn(setting) else ():
            kind, own = (Sample, SAMPLE) if name in SAMPLE else (Acquisition, ACQUISITION)
            kind(**_of(first | {name: end}, own))


def _of(settings, names):
    return {name: settings[name] for name in names if name in settings}


def _one(name: str, setting: Any, share: float | None) -> Any:
    if not is_drawn(setting):
        return setting
    if share is None:
        raise InputError(f"`{name}` must be one value for all recordings, got {quoted(setting)}")
    if setting and all(isinstance(choice, str) for choice in setting):
        return setting[int(share * len(setting))]
    if len(setting) != 2 or not all(map(is_number, setting)):
        raise InputError(f"`{name}` must be one value, a pair [low, high] or a list of names, got {quoted(setting)}")
    low, high = _rising(name, setting)
    return float(low + (high - low) * share)


def _rising(name: str, pair: Sequence[float]) -> Sequence[float]:
    if pair[0] > pair[1]:
        raise InputError(f"`{name}` must be a pair [low, high] that rises, got {quoted(pair)}")
    return pair
