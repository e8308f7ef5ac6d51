"""Choose a method by what it predicts: points of the schedule are left out, filled in, and compared with the measured.

It needs no reference and no assumption: lines out of phase, a rate below that of a training and lines that a network
has not seen all show in the error of the points left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError, one_of
from nmr_speech.reconstruction.hypercomplex import Forms
from nmr_speech.reconstruction.methods import METHODS, Method, method_of, rate_doubts
from nmr_speech.reconstruction.schedule import check_schedule, sampling_mask

CANDIDATES = {1: ("modern", "ist", "hankel", "modern_phases"), 2: ("modern", "ist")}
"""By number of dimensions sampled; in two, low-rank Hankel completion takes hours for a large cube."""
SIGNALS = 48  # strongest signals, on which methods are tried
LEFT_OUT = 0.15  # share of the schedule's points that is left out at a time
ROUNDS = 2
FEWEST = 6  # points of a schedule of which some can be left out


@dataclass(frozen=True)
class Choice:
    """The method chosen, and why.

    Arguments
    ---------
    name : str
        The method.
    errors : dict[str, float]
        Relative error of the points left out, by method.
    phase : float
        Imaginary share of the strongest signals at their first point; 0 where all are in phase.
    """

    name: str
    errors: dict[str, float]
    phase: float

    @property
    def step(self) -> str:
        """The reason as a sentence."""
        errors = ", ".join(f"{name} {error:.3f}" for name, error in sorted(self.errors.items(), key=lambda one: one[1]))
        return (
            f"Method {self.name} is taken: it predicts points of the schedule that were left out best ({errors}; the "
            f"strongest signals begin with an imaginary share of {self.phase:.2f})."
        )


class AutoMethod:
    """A method that chooses one of `candidates` for the signals it gets first, and keeps to it.

    Arguments
    ---------
    echo : str
        As for `nmr_speech.reconstruction.methods.method_of`.
    dims : int
        Number of dimensions sampled.

    Example
    -------
    >>> method = AutoMethod()
    >>> line = torch.exp((2j * torch.pi * 0.21 - 0.02) * torch.arange(64))[None]
    >>> schedule = np.array([0, 1, 2, 4, 5, 7, 9, 12, 13, 17, 20, 23, 26, 30, 33, 38, 41, 45, 51, 58])
    >>> _ = method(line * sampling_mask(schedule, 64), schedule, "even")
    >>> method.step[:7]
    'Method '
    """

    def __init__(self, echo: str = "auto", dims: int = 1) -> None:
        self.methods, self.dims = candidates(echo, dims), dims
        self.choice: Choice | None = None

    def __call__(self, fid: torch.Tensor, schedule: np.ndarray, forms: str | Forms) -> torch.Tensor:
        """Choose once, then fill in signals, complex, of the shape of ``fid``."""
        if self.choice is None:
            self.choice = choose(fid, schedule, forms, self.methods, self.dims)
        return self.methods[self.choice.name](fid, schedule, forms)

    @property
    def step(self) -> str:
        """What was chosen and why, as a sentence."""
        return "No method was chosen yet." if self.choice is None else self.choice.step

    @property
    def chosen(self) -> Method | None:
        """The method chosen."""
        return None if self.choice is None else self.methods[self.choice.name]


def any_method(name: str, model: str | Path | None = None, echo: str = "auto", dims: int = 1) -> Method:
    """Return the method of that name, "auto" included; arguments as for `method_of`.

    Example
    -------
    >>> any_method("auto").dims
    1
    """
    if one_of("method", name, ("auto", *METHODS)) != "auto":
        return method_of(name, model, echo, dims)
    if model is not None:
        raise InputError("`method` 'auto' chooses among methods that need no `model`; leave it out, or name its method")
    return AutoMethod(echo, dims)


def candidates(echo: str = "auto", dims: int = 1) -> dict[str, Method]:
    """Return the methods among which to choose, by name; arguments as for `method_of`.

    Example
    -------
    >>> sorted(candidates())
    ['hankel', 'ist', 'modern', 'modern_phases']
    """
    return {name: method_of(name, None, echo, dims) for name in CANDIDATES[dims]}


def told_of(method: Method, measured: int, total: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a method has to say once it was used: steps and warnings.

    Example
    -------
    >>> told_of(any_method("ist"), 5, 500)
    ((), ())
    """
    if not isinstance(method, AutoMethod):
        return (), rate_doubts(method, measured, total)
    return (method.step,), rate_doubts(method.chosen, measured, total) if method.chosen else ()


@torch.no_grad()
def choose(
    fid: torch.Tensor, schedule: np.ndarray, forms: str | Forms, methods: Mapping[str, Method], dims: int = 1
) -> Choice:
    """Choose the method that predicts best what was left out of a schedule.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (signals, n), or pairs of pathways (signals, 2, n_1, n_2); zero where nothing was measured.
    schedule : np.ndarray
        Indices of the points measured, (m,) or (m, 2).
    forms : str | Forms
        Form of their virtual echo.
    methods : Mapping[str, Method]
        Methods by name, the one to take where errors are equal first. One that refuses the signals is passed over.
    dims : int
        Number of dimensions sampled.

    Returns
    -------
    Choice

    Example
    -------
    >>> t = torch.arange(64)
    >>> lines = torch.exp((2j * torch.pi * 0.21 - 0.02) * t)[None]
    >>> schedule = np.array([0, 1, 2, 4, 5, 7, 9, 12, 13, 17, 20, 23, 26, 30, 33, 38, 41, 45, 51, 58])
    >>> worse = lambda fid, schedule, forms: fid
    >>> choose(lines * sampling_mask(schedule, 64), schedule, "even", {"zeros": worse} | candidates()).name != "zeros"
    True
    """
    grid = tuple(fid.shape[-dims:]) if dims > 1 else fid.shape[-1]
    points = check_schedule(schedule, grid)
    if len(points) < FEWEST:
        raise InputError(f"a method can be chosen from {FEWEST} points or more, got {len(points)}; name one")
    energy = fid.abs().square().flatten(1).sum(dim=1)
    strong = fid[energy.argsort(descending=True)[:SIGNALS]]
    origin = strong.flatten(1)[:, 0]
    phase = float(origin.imag.norm() / origin.abs().norm().clamp_min(1e-30))
    wrong = dict.fromkeys(methods, 0.0)
    total = 0.0
    rng = np.random.default_rng(1)
    for _ in range(ROUNDS):
        left_out = np.sort(rng.permutation(np.arange(2, len(points)))[: max(1, round(LEFT_OUT * len(points)))])
        kept = np.delete(points, left_out, axis=0)
        mask = sampling_mask(points[left_out], grid)
        true = strong[..., mask]
        total += float(true.abs().square().sum())
        measured = torch.where(mask, 0, strong)
        for name, method in methods.items():
            try:
                filled = method(measured, kept, forms)
            except InputError:  # such as signals out of phase, for an echo
                wrong[name] = float("inf")
                continue
            wrong[name] += float((filled[..., mask] - true).abs().square().sum())
    errors = {name: float(np.sqrt(one / max(total, 1e-30))) for name, one in wrong.items()}
    return Choice(min(errors, key=lambda name: errors[name]), errors, phase)
