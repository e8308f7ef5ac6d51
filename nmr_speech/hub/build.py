"""Modules built from plain arguments and filled with weights that must fit."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nmr_speech.checks import InputError, printable, quoted


def build(
    make: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    where: str,
    description: str = "hyperparams.yaml",
) -> Any:
    """Make a module and load its weights.

    Arguments
    ---------
    make : Callable
        Class or function that makes the module.
    arguments : Mapping
        Its keyword arguments.
    weights : Mapping[str, torch.Tensor]
        State of the module, tensors by name; names and shapes must be those of the module.
    where : str
        What is built, for messages.
    description : str
        File that the arguments come from, for messages.

    Returns
    -------
    nn.Module
        In evaluation mode, on the CPU, without gradients.

    Example
    -------
    >>> weights = {"weight": torch.tensor([[3.0]]), "bias": torch.tensor([1.0])}
    >>> build(nn.Linear, {"in_features": 1, "out_features": 1}, weights, "layer")(torch.tensor([2.0]))
    tensor([7.])
    >>> build(nn.Linear, {"in_features": 10**6, "out_features": 10**6}, weights, "layer")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: layer: the weights do not fit hyperparams.yaml (...size mismatch for weight...
    """
    # On the meta device first: a module of hostile size is compared with the weights before it takes memory.
    try:
        with torch.device("meta"), _Unfilled():
            skeleton = make(**arguments)
    except Exception as error:  # a constructor may raise anything on odd arguments
        raise InputError(f"{where} cannot be built from {quoted(dict(arguments))} ({printable(error)})") from error
    for name, tensor in skeleton.state_dict().items():
        if name in weights and weights[name].is_complex() and not tensor.is_complex():
            raise InputError(f"{where}: the weights do not fit {description} ({name} must be real)")
    try:
        skeleton.load_state_dict(dict(weights), assign=True)
        module = make(**arguments)
        module.load_state_dict(dict(weights))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: the weights do not fit {description} ({printable(error, 300)})") from error
    return module.eval().requires_grad_(False)


class _Unfilled(TorchFunctionMode):
    """Leaves the start values out: on the meta device they mean nothing, and they load PyTorch's compiler, for 1 s."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):  # of `torch.Tensor` and of `nn.init`
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
