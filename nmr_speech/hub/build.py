"""Modules built from plain arguments, and filled with weights that must fit."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from nmr_speech.checks import InputError


def build(
    make: Callable[..., nn.Module],
    arguments: Mapping,
    weights: Mapping[str, torch.Tensor],
    where: str,
    description: str = "hyperparams.yaml",
):
    """Make a module and give it its weights.

    First without memory, to compare sizes with the weights: what does not fit them costs nothing.

    Arguments
    ---------
    make : Callable
        Class, or function, that makes the module.
    arguments : Mapping
        Its keyword arguments.
    weights : Mapping[str, torch.Tensor]
        The state of the module.
    where : str
        What it is, for messages.
    description : str
        File that the arguments come from, for messages.

    Returns
    -------
    nn.Module
        In evaluation mode, on the CPU, without gradients.
    """
    try:
        with torch.device("meta"):
            skeleton = make(**arguments)
    except Exception as error:  # a constructor may raise anything on odd arguments
        raise InputError(f"{where} cannot be built from {arguments} ({error})") from error
    try:
        skeleton.load_state_dict(dict(weights), assign=True)
        module = make(**arguments)
        module.load_state_dict(dict(weights))
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{where}: the weights do not fit {description} ({reason})") from error
    return module.eval().requires_grad_(False)
