"""Methods of reconstruction by name: what fills in the points that a schedule left out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch

from nmr_speech.checks import InputError, one_of, quoted
from nmr_speech.reconstruction.dlnmr import DLNMR
from nmr_speech.reconstruction.hankel import hankel
from nmr_speech.reconstruction.hypercomplex import Forms
from nmr_speech.reconstruction.ist import ist
from nmr_speech.reconstruction.load import LOW_RATE, TRAINED, load_modern, load_network
from nmr_speech.reconstruction.lstm import LSTMNetwork
from nmr_speech.reconstruction.modern import MoDern
from nmr_speech.reconstruction.network import ReconstructionNetwork

NETWORKS = {"modern": MoDern, "modern_phases": MoDern, "dlnmr": DLNMR, "lstm": LSTMNetwork}
PACKAGED = {"modern": {"modern": LOW_RATE, "modern_low": 0.03}, "modern_phases": {"modern_phases": 0.05}}
"""Networks of the package for 2D experiments, by method, with the least rate that each was trained on."""
METHODS = ("ist", "hankel", *NETWORKS)
STARTS = {"auto": None, "none": None, "even": 0.0, "half_dwell": 0.5}
"""Start of t1 in dwell times that each choice of ``echo`` says; None finds it."""

Method: TypeAlias = Callable[[torch.Tensor, np.ndarray, str | Forms], torch.Tensor]
"""``method(fid, schedule, forms)``: fills in signals measured by a schedule; forms of their virtual echo."""


@dataclass(frozen=True, eq=False)
class NetworkMethod:
    """Trained networks as a method.

    Arguments
    ---------
    networks : tuple[ReconstructionNetwork, ...]
        For one task.
    least_rates : tuple[float, ...]
        Least share of the points measured on which each was trained. The first network that fits is taken, else the
        last one.
    """

    networks: tuple[ReconstructionNetwork, ...]
    least_rates: tuple[float, ...]

    def __call__(self, fid: torch.Tensor, schedule: np.ndarray, forms: str | Forms) -> torch.Tensor:
        """Fill in signals, complex, of the shape of ``fid``."""
        rate = len(schedule) / fid.shape[-self.networks[0].dims :].numel()
        fit = (one for one, least in zip(self.networks, self.least_rates, strict=True) if least <= rate)
        return next(fit, self.networks[-1])(fid, schedule, echo=forms)


def rate_doubts(method: Method, measured: int, total: int) -> tuple[str, ...]:
    """Return a warning where a network gets a smaller share of the points than it was trained on.

    Example
    -------
    >>> rate_doubts(method_of("modern"), 5, 500)
    ('the network was trained on 3% of the points or more, these are 1.0%: ...; compare with another `method`',)
    >>> rate_doubts(method_of("modern"), 50, 500), rate_doubts(method_of("ist"), 5, 500)
    ((), ())
    """
    least = method.least_rates[-1] if isinstance(method, NetworkMethod) else 0.0
    if measured >= least * total:
        return ()
    return (
        f"the network was trained on {least:.0%} of the points or more, these are {measured / total:.1%}: it may lose "
        "and invent peaks; compare with another `method`",
    )


def method_of(name: str, model: str | Path | None = None, echo: str = "auto", dims: int = 1) -> Method:
    """Return the method of that name.

    Arguments
    ---------
    name : str
        One of `METHODS`.
    model : str | Path | None
        Folder or Hub repository with the weights of a network; None takes that of the package, for "modern" and
        "modern_phases".
    echo : str
        "auto" uses a virtual echo where the method can, "even" and "half_dwell" too, for a first transient at zero or
        half a dwell time late; "none" never does.
    dims : int
        Number of dimensions sampled: 1 for 2D experiments, 2 for 3D ones.

    Returns
    -------
    Method

    Example
    -------
    >>> method_of("dlnmr")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `method` 'dlnmr' needs `model`: the folder of its training, or a Hub repository
    """
    one_of("method", name, METHODS)
    with_echo = one_of("echo", echo, tuple(STARTS)) != "none"
    if name == "ist":
        return lambda fid, schedule, form: ist(fid, schedule, echo=form if with_echo else None, dims=dims)
    if name == "hankel":
        return lambda fid, schedule, _: hankel(fid, schedule, dims=dims)
    if model is None and name not in PACKAGED:
        raise InputError(f"`method` {quoted(name)} needs `model`: the folder of its training, or a Hub repository")
    if name in TRAINED and model is None and dims == 1:
        return NetworkMethod(
            tuple(load_network(TRAINED[one]) for one in PACKAGED[name]), tuple(PACKAGED[name].values())
        )
    network = load_modern(dims=dims) if model is None else load_network(model)
    if not isinstance(network, NETWORKS[name]):
        wanted = NETWORKS[name].__name__
        raise InputError(f"{model}: holds a {type(network).__name__}, `method` {quoted(name)} needs a {wanted}")
    if network.dims != dims:
        raise InputError(f"{model}: reconstructs {network.dims} dimension(s), this experiment needs {dims}")
    return NetworkMethod((network,), (network.least_rate,))
