"""Second loops that no file mentions: transients of several experiments in one, seen in the transients themselves."""

from dataclasses import replace

import numpy as np

from nmr_speech.checks import InputError
from nmr_speech.spectrometer.experiment import Experiment

MOST_EMPTY = 2  # transients of zeros that a fault of the spectrometer may leave
MOST_LOOPS = 8
FEWEST = 24  # transients; fewer do not tell
ALIKE = 0.15  # by which neighbours within a group must be more alike than those across groups
SIGMAS = 6.0  # standard errors of that difference; beats of a few lines reach 5
REVIVAL = 3.0  # factor by which the energy must jump where a second experiment begins
SAME = 0.8  # least likeness of transients at the same t1
TURNED = 0.15  # most imaginary part of their correlation: t1 did not advance


def with_doubts(experiment: Experiment) -> Experiment:
    """Refuse transients of zeros between measured ones, and warn where they look like those of several experiments.

    Arguments
    ---------
    experiment : Experiment
        As a reader returns it.

    Returns
    -------
    Experiment

    Example
    -------
    >>> import torch
    >>> from nmr_speech.axis import Axis
    >>> t = np.arange(32)
    >>> twice = np.repeat(np.exp(2.0j * t)[:, None] + np.exp(np.outer(0.7j * t, np.arange(16))), 2, axis=0)
    >>> fid = torch.from_numpy(np.stack([twice.real, twice.imag]) + 0j)
    >>> with_doubts(Experiment(fid=fid, f1=Axis(64), f2=Axis(16), n_valid=64)).warnings[0][:33]
    'transients repeat in groups of 2,'
    """
    if experiment.schedule is not None:
        return experiment
    n_empty = int((experiment.fid.abs().amax((0, 2)) == 0).sum())
    if n_empty > MOST_EMPTY:
        raise InputError(
            f"{experiment.source}: {n_empty} of {experiment.f1.n} transients between measured ones are zero, so t1 was "
            "sampled non-uniformly and put on its grid; give the `schedule` by which it was measured"
        )
    if experiment.f1.n < FEWEST:
        return experiment
    cos, sin = experiment.fid.numpy().astype(complex)
    transients = cos + 1j * sin  # one line turns by its frequency from transient to transient
    group, blocks = interleaved(transients), consecutive(transients)
    found = f"repeat in groups of {group}" if group else f"begin anew {blocks} times" if blocks else ""
    if not found:
        return experiment
    warning = (
        f"transients {found}, as if those of several experiments (mixing times, say) followed one another: if so, the "
        "result is wrong; give one experiment alone"
    )
    return replace(experiment, warnings=(*experiment.warnings, warning))


def interleaved(transients: np.ndarray) -> int:
    """Return the number of experiments whose transients take turns; 0 where there is one.

    Within a group t1 is the same, so neighbours are alike and nothing turns; from group to group it advances.

    Example
    -------
    >>> t = np.arange(64)
    >>> interleaved(np.exp(np.outer(0.7j * t, np.arange(16))))
    0
    """
    correlation = _correlation(transients[:-1], transients[1:])
    likeness = np.abs(correlation.real)
    at = np.arange(1, len(transients))
    for size in range(2, MOST_LOOPS + 1):
        within, across = likeness[at % size != 0], likeness[at % size == 0]
        apart = within.mean() - across.mean()
        error = np.sqrt(within.var() / len(within) + across.var() / len(across))
        same = correlation[at % size != 0]
        stands = np.abs(same.real).mean() > SAME and np.abs(same.imag).mean() < TURNED
        if stands and apart > ALIKE and apart > SIGMAS * error:
            return size
    return 0


def consecutive(transients: np.ndarray) -> int:
    """Return the number of experiments that follow one another; 0 where there is one.

    The signal decays in t1, so the first transient of a second experiment is strong again, and like the first of all.

    Example
    -------
    >>> decay = np.exp(-np.arange(64) / 16)[:, None] * np.ones(16)
    >>> consecutive(decay), consecutive(np.concatenate([decay, decay]))
    (0, 2)
    """
    n, energy = len(transients), np.square(np.abs(transients)).sum(axis=1)
    for count in range(2, MOST_LOOPS + 1):
        starts = np.arange(1, count) * (n // count)
        if n % count or n // count < FEWEST // 2:
            continue
        before = np.array([energy[start - 4 : start].mean() for start in starts])
        revived = (energy[starts] > REVIVAL * before).all()
        if revived and (np.abs(_correlation(transients[starts], transients[:1])) > SAME).all():
            return count
    return 0


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of transients, complex, of magnitude 1 for equal ones."""
    product = (one.conj() * other).sum(axis=-1)
    return product / np.maximum(np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1), 1e-300)
