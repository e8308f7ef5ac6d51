"""The order of channels: signs of the transients that put the diagonal peaks on the diagonal."""

from dataclasses import replace

import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.simulate.fid import cosine_window
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase import away_from_water
from nmr_speech.spectrometer.resample import resample_t1, resample_t2

CLEAR = 2.0  # the share of the diagonal must grow by this factor before the data overrule the file
ORDERS = (  # sign from transient to transient, sign of the sine channel
    (1, 1, ""),
    (1, -1, "F1 runs the other way round: sine channel negated"),
    (-1, 1, "the receiver turns by half a turn from transient to transient: signs alternated"),
    (-1, -1, "F1 runs the other way round and the receiver turns: sine channel negated, signs alternated"),
)
NEAR = 2  # points from the diagonal


def ordered(experiment: Experiment, grid: Axis) -> Experiment:
    """Negate or alternate channels where this puts the diagonal peaks on the diagonal.

    Arguments
    ---------
    experiment : Experiment
        Of one nucleus in both dimensions.
    grid : Axis
        Frequencies to look at, in both dimensions, in the experiment's field.

    Returns
    -------
    Experiment
        With what was changed stated.

    Example
    -------
    >>> t = np.arange(64)
    >>> line = np.exp((1.5j - 0.05) * t)
    >>> backwards = torch.from_numpy(np.stack([np.outer(line.real, line), -np.outer(line.imag, line)]))
    >>> axis = Axis(64, 6000.0, 8.0, 600.0)
    >>> ordered(Experiment(fid=backwards, f1=axis, f2=axis, n_valid=64), axis).steps
    ('The diagonal of the spectrum shows that F1 runs the other way round: sine channel negated (... after).',)
    """
    on_grid = resample_t2(experiment.fid.numpy().astype(complex), experiment.t2_start, experiment.f2, grid)
    alternated = (-1.0) ** np.arange(experiment.f1.n)[:, None]
    signs = [np.array([1, sine])[:, None, None] * (alternated if turn < 0 else 1) for turn, sine, _ in ORDERS]
    keep = away_from_water(grid)
    shares = [
        diagonal_share(resample_t1(sign * on_grid, experiment.t1_start, experiment.f1, grid)[0], keep) for sign in signs
    ]
    best = int(np.argmax(shares))
    if shares[best] <= CLEAR * shares[0]:
        return experiment
    step = (
        f"The diagonal of the spectrum shows that {ORDERS[best][2]} ({shares[0]:.2f} of the energy lay on it before, "
        f"{shares[best]:.2f} after)."
    )
    fid = experiment.fid * torch.from_numpy(signs[best]).to(experiment.fid.dtype)
    return replace(experiment, fid=fid, steps=(*experiment.steps, step))


def diagonal_share(fid: np.ndarray, keep: np.ndarray) -> float:
    """Share of the energy of the magnitude spectrum that lies within two points of the diagonal.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n, n), equally sampled.
    keep : np.ndarray
        Frequencies in F2 that count, bool, (n,).

    Returns
    -------
    float
        0 to 1.

    Example
    -------
    >>> t = np.arange(32)
    >>> line = np.exp(2j * np.pi * t / 4) * np.exp(-t / 8)
    >>> right = np.stack([line.real[:, None] * line, line.imag[:, None] * line])
    >>> keep = np.ones(32, dtype=bool)
    >>> diagonal_share(right, keep) > 0.5 > diagonal_share(right * [[[1]], [[-1]]], keep)
    True
    """
    n = fid.shape[-1]
    window = cosine_window(n, first_halved=False)  # for a magnitude, the baseline does not matter
    transformed = np.fft.fftshift(np.fft.fft2((fid[0] + 1j * fid[1]) * window[:, None] * window))
    energy = np.abs(transformed) ** 2 * keep
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= NEAR
    return float(energy[near].sum() / max(energy.sum(), np.finfo(float).tiny))
