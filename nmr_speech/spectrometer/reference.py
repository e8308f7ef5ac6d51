"""The chemical shift reference: the line of DSS or TSP."""

from dataclasses import replace

import numpy as np

from nmr_speech.checks import InputError, in_range
from nmr_speech.simulate.fid import cosine_window
from nmr_speech.spectrometer.experiment import Experiment

FIRST_TRANSIENTS = 64  # of each channel: the strongest, before the signal has decayed
STANDS_OUT = 20  # least power of the line, relative to the median around it
MOST_SHIFT_PPM = 100  # larger than the whole range of proton shifts, as a guard against Hz given for ppm


def find_reference(experiment: Experiment, within_ppm: float = 0.3) -> float:
    """Find the line of DSS or TSP, which is at 0 ppm by definition, in F2.

    Arguments
    ---------
    experiment : Experiment
        As `read_experiment` gives it.
    within_ppm : float
        Largest distance from 0 ppm in the file's reference.

    Returns
    -------
    float
        What must be added to all shifts, in ppm: ``shift_ppm`` of `to_grid`.

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"DSS": 9, "H": 1}, {}), [-0.1, 3.6], decay_time_t2_s=0.01, n_points=1024)
    >>> shift_ppm = find_reference(Experiment(fid=fid, f1=Axis(), f2=Axis(1024), n_valid=256))
    >>> abs(shift_ppm - 0.1) < 0.003
    True
    """
    rows = experiment.fid[:, :FIRST_TRANSIENTS].flatten(0, 1).numpy().astype(complex)
    first = max(0, round(-experiment.t2_start))  # a magnitude needs no build-up
    rows = rows[:, first:] * cosine_window(rows.shape[1] - first, first_halved=False)
    fine = experiment.f2.resized(8 * rows.shape[1])
    power = np.fft.fftshift((np.abs(np.fft.fft(rows, fine.n)) ** 2).sum(axis=0))
    near, around = np.abs(fine.ppm()) < within_ppm, np.abs(fine.ppm()) < 3 * within_ppm
    if not near.any() or power[near].max() < STANDS_OUT * np.median(power[around]):
        raise InputError(
            f"{experiment.source}: no line stands out within {within_ppm:g} ppm of 0, so there is no DSS or TSP to "
            "refer to; give `shift_ppm`"
        )
    return float(-fine.ppm()[near][power[near].argmax()])


def referenced(experiment: Experiment, shift_ppm: float) -> Experiment:
    """Add a shift to the carriers of both dimensions.

    Arguments
    ---------
    experiment : Experiment
        With the file's reference.
    shift_ppm : float
        What is added, -100 to 100 ppm.

    Returns
    -------
    Experiment
        With the shift stated.

    Example
    -------
    >>> import torch
    >>> from nmr_speech.axis import Axis
    >>> one = Experiment(fid=torch.ones(2, 8, 16) + 0j, f1=Axis(8), f2=Axis(16), n_valid=8)
    >>> referenced(one, 0.15).f2.carrier_ppm
    5.15
    """
    shift_ppm = in_range("shift_ppm", shift_ppm, -MOST_SHIFT_PPM, MOST_SHIFT_PPM, "ppm", "-0.2 to 0.2")
    f1, f2 = (replace(axis, carrier_ppm=axis.carrier_ppm + shift_ppm) for axis in (experiment.f1, experiment.f2))
    step = f"{shift_ppm:g} ppm was added to all shifts."
    return replace(experiment, f1=f1, f2=f2, steps=(*experiment.steps, step))
