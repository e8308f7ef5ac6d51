"""Checks of the kinds of a recipe's values, before any of them is used."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nmr_speech.checks import InputError, is_number, printable, quoted

FOLDERS = ("data_folder", "output_folder", "save_folder")
USED = {"opt_class": "__call__", "checkpointer": "__call__", "epoch_counter": "current", "train_logger": "log_stats"}
"""What a recipe uses of an object."""


def check_objects(hparams: Mapping[str, Any]) -> None:
    """Refuse folders, and objects of a training, of other kinds than the recipes can use.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        The recipe's hyperparameters; keys that are not there are not looked at.

    Example
    -------
    >>> check_objects({"train_logger": None})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `train_logger` must be an object as in base.yaml, got None
    """
    for key in FOLDERS:
        if key in hparams:
            check_name(key, hparams[key], "the name of a folder")
    modules = hparams.get("modules", {})
    if not isinstance(modules, Mapping) or not all(isinstance(part, nn.Module) for part in modules.values()):
        raise InputError("`modules` must hold the parts of a model by name, as in base.yaml")
    for key, attribute in USED.items():
        if key in hparams and not hasattr(hparams[key], attribute):
            raise InputError(f"`{key}` must be an object as in base.yaml, got {quoted(hparams[key])}")
    lr = hparams.get("lr", 1.0)
    if not is_number(lr) or not lr > 0:
        raise InputError(f"`lr` must be positive, got {quoted(lr)} (learning rate, typical 0.001)")
    if "opt_class" in hparams:
        _check_optimizer(hparams["opt_class"])


def check_name(key: str, value: Any, what: str = "a name") -> None:
    """Refuse a value that is no text.

    Example
    -------
    >>> check_name("source", 5)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `source` must be a name, got 5
    """
    if not isinstance(value, str) or not value:
        raise InputError(f"`{key}` must be {what}, got {quoted(value)}")


def check_names(key: str, value: Any) -> None:
    """Refuse a value that is no list of names.

    Example
    -------
    >>> check_names("splits", "test")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `splits` must be a list of names, got 'test'
    """
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InputError(f"`{key}` must be a list of names, got {quoted(value)}")


def _check_optimizer(make: Any) -> None:
    try:
        made = make([nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"`opt_class` cannot be used: {printable(error)}; correct its arguments") from error
    if not hasattr(made, "param_groups"):
        raise InputError("`opt_class` cannot be used: it makes no optimiser; give one such as !name:torch.optim.Adam")
