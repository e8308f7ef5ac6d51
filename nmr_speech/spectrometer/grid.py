"""From the times, widths and phases of a spectrometer to those of a model."""

from dataclasses import replace

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, whole
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.order import ordered
from nmr_speech.spectrometer.phase import POOR, Phases, away_from_water, find_phases, negative_energy
from nmr_speech.spectrometer.reference import referenced
from nmr_speech.spectrometer.resample import resample_t1, resample_t2

MODEL_GRID = Axis()
COVERED = 0.25  # least share of the grid that the experiment must cover


def to_grid(
    experiment: Experiment,
    grid: Axis = MODEL_GRID,
    *,
    shift_ppm: float = 0.0,
    phase_f1_deg: tuple[float, float] | None = None,
    phase_f2_deg: tuple[float, float] | None = None,
    t1_start: float | None = None,
) -> Experiment:
    """Bring an experiment to the grid of a model: the same shifts in ppm at the same places, time zero first.

    Arguments
    ---------
    experiment : Experiment
        As `read_experiment` returns it; of protons, at any field, width, carrier and size.
    grid : Axis
        Both dimensions of the model's recordings, 2 to 4096 points. Shifts are mapped in ppm, so couplings keep the
        size in ppm that they have at the spectrometer's field.
    shift_ppm : float
        The reference, added to all shifts; see `find_reference`.
    phase_f1_deg : tuple[float, float] | None
        Zero order at the carrier of F1, and first order across the width: 0, or 180 for a start half a dwell late;
        None finds them.
    phase_f2_deg : tuple[float, float] | None
        Zero order at the carrier and first order across the width of F2; None finds them.
    t1_start : float | None
        Time of the first transient in dwell times, 0 or 0.5; None finds it.

    Returns
    -------
    Experiment
        With ``fid`` (2, n, n) and each step stated.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue, tocsy
    >>> valine = load_residue("VAL", "d2o", "free")
    >>> settings = {"field_mhz": 500.0, "carrier_ppm": 4.7, "spectral_width_hz": 6500.0, "decay_time_t2_s": 0.05}
    >>> fid = tocsy(valine, valine.shift_mean_ppm, n_transients=128, n_points=512, decay_time_t1_s=0.02, **settings)
    >>> f1, f2 = (Axis(n, width_hz=6500.0, carrier_ppm=4.7, field_mhz=500.0) for n in (128, 512))
    >>> gridded = to_grid(Experiment(fid=fid * 1j, f1=f1, f2=f2, n_valid=128))
    >>> gridded.fid.shape, gridded.n_valid
    (torch.Size([2, 256, 256]), 118)
    """
    whole("n", grid.n, 2, 4096)
    given = Phases(phase_f1_deg, phase_f2_deg, t1_start)
    target = replace(grid, width_hz=grid.width_ppm * experiment.f2.field_mhz, field_mhz=experiment.f2.field_mhz)
    experiment = referenced(experiment, shift_ppm)
    _check_fits(experiment, target)
    experiment = ordered(experiment, target)
    experiment, phase_rad = find_phases(experiment, target, given)
    rows = resample_t2(experiment.fid.numpy().astype(complex), experiment.t2_start, experiment.f2, target, phase_rad)
    pairs, n_valid = resample_t1(rows, experiment.t1_start, experiment.f1, target)
    fid = torch.from_numpy(pairs.astype(np.complex64))
    valid = f"{n_valid} of {grid.n} transients are valid; those after them are zero."
    quality, poor = _quality(fid, grid)
    stated = (_grid_step(grid, target.field_mhz), valid, quality)
    known = any("phases" in warning for warning in experiment.warnings)
    return replace(
        experiment,
        fid=fid,
        f1=grid,
        f2=grid,
        t1_start=(0.0, 0.0),
        t2_start=0.0,
        n_valid=n_valid,
        steps=(*experiment.steps, *stated),
        warnings=experiment.warnings if known else (*experiment.warnings, *poor),
    )


def _check_fits(experiment: Experiment, target: Axis) -> None:
    """Refuse two nuclei, and what lies outside the grid."""
    if not experiment.same_nucleus:
        raise InputError(
            f"{experiment.source}: both dimensions must be of one nucleus, got {experiment.f1.field_mhz:.6g} and "
            f"{experiment.f2.field_mhz:.6g} MHz; use a 1H-1H TOCSY"
        )
    if experiment.nucleus != "1H":
        raise InputError(
            f"{experiment.source}: both dimensions must be 1H, got {experiment.nucleus}; use a 1H-1H TOCSY"
        )
    for name, axis in (("F1", experiment.f1), ("F2", experiment.f2)):
        shared_hz = min(axis.band_hz[1], target.band_hz[1]) - max(axis.band_hz[0], target.band_hz[0])
        if shared_hz < COVERED * target.width_hz:
            wanted, came = (" to ".join(f"{edge / of.field_mhz:.4g}" for edge in of.band_hz) for of in (target, axis))
            raise InputError(
                f"{experiment.source}: {name} must cover {COVERED:.0%} of the grid ({wanted} ppm) or more, got {came} "
                "ppm"
            )


def _grid_step(grid: Axis, measured_mhz: float) -> str:
    resampled = (
        f"Resampled by sinc functions to {grid.width_ppm:.4g} ppm about {grid.carrier_ppm:g} ppm, {grid.n} x {grid.n} "
        "points"
    )
    if grid.field_mhz == measured_mhz:
        return f"{resampled}."
    return (
        f"{resampled}, called {grid.field_mhz:g} MHz; measured at {measured_mhz:.5g} MHz, so couplings in ppm are "
        f"{grid.field_mhz / measured_mhz:.3g} times those of that field."
    )


def _quality(fid: torch.Tensor, grid: Axis) -> tuple[str, tuple[str, ...]]:
    """State the negative energy, and warn where there is much of it."""
    keep = away_from_water(grid)
    energy = negative_energy(fid, torch.from_numpy(keep[:, None] & keep))
    poor = (
        f"the phases are poor: {energy:.2f} of the energy outside the water is negative (at most {POOR:g} in a "
        "spectrum in phase), so the prediction may be wrong; give `phase_f2_deg` and `phase_f1_deg`",
    )
    return f"{energy:.3f} of the energy outside the water is negative.", poor if energy > POOR else ()
