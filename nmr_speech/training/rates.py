"""Learning rates that follow from the step alone: nothing to save, nothing to restore."""

import math
from collections.abc import Callable, Iterable

import torch
from speechbrain.nnet.schedulers import WarmCoolDecayLRSchedule
from torch import nn

FIRST_STEP = 0.01  # of the learning rate, at the start of `rise_and_fall`


def warm_up_and_decay(peak: float, warmup_share: float | None, steps: int) -> WarmCoolDecayLRSchedule:
    """Make a schedule: the rate rises linearly to its peak, then falls linearly to zero.

    Arguments
    ---------
    peak : float
        Highest learning rate.
    warmup_share : float | None
        Share of the steps in which the rate rises, 0 to 1; None for a constant rate.
    steps : int
        Number of optimiser steps of the whole training.

    Returns
    -------
    WarmCoolDecayLRSchedule
        Called with an optimiser and a step from 1, sets the rate.

    Example
    -------
    >>> optimizer, schedule = torch.optim.SGD([torch.zeros(1)], lr=1.0), warm_up_and_decay(0.6, 0.5, steps=4)
    >>> for step in (1, 2, 3, 4):
    ...     schedule(optimizer, step)
    ...     print(round(optimizer.param_groups[0]["lr"], 3))
    0.3
    0.6
    0.4
    0.2
    """
    end = steps + 1  # the first step with a rate of zero comes after the last one
    warmup = cooldown = 0
    if warmup_share is not None:
        warmup = max(1, round(warmup_share * steps))
        cooldown = end - warmup
    return WarmCoolDecayLRSchedule(peak, warmup, cooldown, end, decay_factor=1.0)


def rise_and_fall(done: float, epochs: int) -> float:
    """Return the factor of a learning rate that rises over the first epoch, and falls to zero as half a cosine.

    Arguments
    ---------
    done : float
        Epochs that are over, with the share of the present one.
    epochs : int
        Epochs of the whole training.

    Returns
    -------
    float
        Above 0, at most 1.

    Example
    -------
    >>> [round(rise_and_fall(done, 4), 3) for done in (0.0, 1.0, 2.0, 3.0)]
    [0.01, 0.854, 0.5, 0.146]
    """
    rise = min(1.0, max(FIRST_STEP, done))
    return rise * (1 + math.cos(math.pi * done / epochs)) / 2


def separate_optimizers(
    make: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer], modules: nn.ModuleDict, apart: str
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Make an optimiser for one module and another one for all the rest.

    Two parameter groups of one optimiser would not do: SpeechBrain clips the gradients of the first group only, and its
    schedulers set the same rate for all.

    Arguments
    ---------
    make : Callable
        Maps parameters to an optimiser: the ``opt_class`` of a recipe.
    modules : nn.ModuleDict
        All modules that are trained.
    apart : str
        Name of the one with its own optimiser.

    Returns
    -------
    rest : torch.optim.Optimizer
        Of all other modules.
    own : torch.optim.Optimizer
        Of that module.

    Example
    -------
    >>> modules = nn.ModuleDict({"backbone": nn.Linear(2, 3), "classifier": nn.Linear(3, 4, bias=False)})
    >>> rest, own = separate_optimizers(torch.optim.Adam, modules, "backbone")
    >>> [tuple(weight.shape) for weight in rest.param_groups[0]["params"]]
    [(4, 3)]
    """
    rest = nn.ModuleList(module for name, module in modules.items() if name != apart)
    return make(rest.parameters()), make(modules[apart].parameters())
