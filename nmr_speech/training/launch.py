"""Processes and devices of a recipe: what ``torchrun`` started, what a CPU cannot share, how many workers simulate."""

import os
from collections.abc import Mapping

import torch
from speechbrain.utils.distributed import ddp_init_group
from speechbrain.utils.run_opts import RunOptions
from torch import nn

from nmr_speech.checks import InputError, quoted, whole


def process_count() -> int:
    """Count the processes that ``torchrun`` started; 1 without it.

    Example
    -------
    >>> process_count()
    1
    """
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_rank() -> int:
    """Return the number of this process among those that ``torchrun`` started, from 0.

    Example
    -------
    >>> process_rank()
    0
    """
    return int(os.environ.get("RANK", "0"))


def join_processes(run_opts: RunOptions) -> None:
    """Refuse a device that is not here, and join the other processes that ``torchrun`` started, if any.

    Arguments
    ---------
    run_opts : RunOptions
        As `speechbrain.parse_arguments` returns them.
    """
    choose_device(str(run_opts.get("device") or "cpu"))
    try:
        ddp_init_group(run_opts)
    except ValueError as error:
        raise InputError(
            f"torchrun: each process needs a GPU of its own, {torch.cuda.device_count()} are here; lower "
            "--nproc_per_node, or set --distributed_backend=gloo to train on CPUs"
        ) from error


def refuse_batch_norm(modules: Mapping[str, nn.Module], device: str | torch.device) -> None:
    """Refuse to train batch normalisation with several processes on CPUs: they synchronise it on GPUs only.

    Arguments
    ---------
    modules : Mapping[str, nn.Module]
        The parts of the model, by name.
    device : str | torch.device
        Where the model is trained.

    Example
    -------
    >>> refuse_batch_norm({"backbone": nn.BatchNorm1d(8)}, "cpu")  # one process
    """
    if process_count() == 1 or str(device).startswith("cuda"):
        return
    for name, module in modules.items():
        trained = any(weight.requires_grad for weight in module.parameters())
        if trained and any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules()):
            raise InputError(
                f"`{name}`: several processes share batch normalisation on GPUs only; on a CPU start one process, "
                "which uses all cores, or use a model without it, such as "
                "--backbone='!include:backbone/deep_picker.yaml'"
            )


def count_workers(workers: int | None) -> int:
    """Check a number of worker processes; None gives each process of this machine its share of the cores.

    Arguments
    ---------
    workers : int | None
        The value of ``simulation_workers``.

    Returns
    -------
    int

    Example
    -------
    >>> count_workers(0)
    0
    """
    if workers is None:
        return max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    return whole("simulation_workers", workers, 0, 1024)


def choose_device(name: str) -> str:
    """Give each process of a machine a device of its own.

    Arguments
    ---------
    name : str
        "cpu", "cuda" or "cuda:1", say.

    Returns
    -------
    str
        "cpu", or one GPU such as "cuda:0".

    Example
    -------
    >>> choose_device("cpu")
    'cpu'
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"`device` must be cpu or cuda, got {quoted(name)}") from error
    if device.type == "cpu":
        return "cpu"
    if device.type != "cuda" or (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"`device` {quoted(name)} is not available; use --device=cpu")
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) if device.index is None else device.index}"
