"""Signals of two indirect dimensions: their four components, the two pathways, and the virtual echo in four quadrants.

A point of a 3D experiment is measured four times, with cosine or sine modulation in t1 and in t2. For each point of the
real spectrum in F3 that makes two complex signals, the pathways: P(t1, t2), which turns forwards in both times, and
N(t1, t2), which turns backwards in t2. A line with frequencies f1 and f2 gives ``exp(2 pi i (f1 t1 + f2 t2))`` and
``exp(2 pi i (f1 t1 - f2 t2))``. So N is the signal at negative t2, and with their conjugates both give the signal in
all four quadrants, whose spectrum is real where all lines are in phase. A pair of pathways is complex, (..., 2, n_1,
n_2). The virtual echo is that of Mayzel et al.; see `nmr_speech.reconstruction.virtual_echo`.
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch

from nmr_speech.checks import InputError, one_of
from nmr_speech.reconstruction.schedule import Schedule
from nmr_speech.reconstruction.virtual_echo import FORMS, Transform, half_dwell_phase, join_echo

Forms: TypeAlias = tuple[str, ...]
"""Form of the virtual echo in each dimension sampled."""


def forms_of(echo: str | Forms, dims: int) -> Forms:
    """Return the form of the echo in each dimension, where one for all may be given.

    Example
    -------
    >>> forms_of("even", 2)
    ('even', 'even')
    """
    forms = (echo,) * dims if isinstance(echo, str) else tuple(echo)
    if len(forms) != dims:
        raise InputError(f"`echo` must be one form, or one for each of {dims} dimension(s), got {echo!r}")
    return tuple(one_of("echo", form, FORMS) for form in forms)


def pathways(components: torch.Tensor) -> torch.Tensor:
    """Combine the four components of signals to their two pathways.

    Arguments
    ---------
    components : torch.Tensor
        Real, (..., n_1, 2, n_2, 2): cosine and sine in t1, cosine and sine in t2.

    Returns
    -------
    torch.Tensor
        complex, (..., 2, n_1, n_2): P and N.

    Example
    -------
    >>> pathways(torch.tensor([[1.0, 2.0], [3.0, 5.0]]).view(1, 2, 1, 2)).flatten().tolist()
    [(-4+5j), (6+1j)]
    """
    cos, sin = torch.complex(components[..., 0, :, :], components[..., 1, :, :]).unbind(-1)
    return torch.stack([cos + 1j * sin, cos - 1j * sin], dim=-3)


def components(pair: torch.Tensor) -> torch.Tensor:
    """Undo `pathways`: complex, (..., 2, n_1, n_2), to real, (..., n_1, 2, n_2, 2).

    Example
    -------
    >>> components(torch.tensor([-4 + 5j, 6 + 1j]).view(2, 1, 1)).flatten().tolist()
    [1.0, 2.0, 3.0, 5.0]
    """
    plus, minus = check_pair(pair).unbind(-3)
    both = torch.stack([(plus + minus) / 2, (plus - minus) / 2j], dim=-1)  # (..., n_1, n_2, 2)
    return torch.stack([both.real, both.imag], dim=-3)


def check_pair(fid: torch.Tensor) -> torch.Tensor:
    """Refuse signals that are not pairs of pathways, complex, (..., 2, n_1, n_2); return them.

    Example
    -------
    >>> check_pair(torch.zeros(5, 8, 8))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: a virtual echo in two dimensions needs both pathways, (..., 2, n_1, n_2), got ...
    """
    if fid.ndim < 3 or fid.shape[-3] != 2:
        raise InputError(
            f"a virtual echo in two dimensions needs both pathways, (..., 2, n_1, n_2), got {tuple(fid.shape)}; make "
            "them by `pathways`"
        )
    return fid


def of_pairs(schedule: Schedule, fid: torch.Tensor) -> Schedule:
    """Return a schedule for pairs (..., 2, n_1, n_2) where a mask (..., n_1, n_2) may have one grid for each pair.

    Example
    -------
    >>> of_pairs(torch.ones(5, 4, 3, dtype=torch.bool), torch.zeros(5, 2, 4, 3)).shape
    torch.Size([5, 1, 4, 3])
    """
    is_each = isinstance(schedule, torch.Tensor) and schedule.dtype == torch.bool and schedule.ndim == fid.ndim - 1 > 2
    return schedule.unsqueeze(-3) if is_each else schedule  # type: ignore[union-attr]


def make_echo(fid: torch.Tensor, forms: Forms) -> torch.Tensor:
    """Continue signals to negative times.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n) for one form, (..., 2, n_1, n_2) for two.
    forms : Forms
        One form of the virtual echo for each dimension.

    Returns
    -------
    torch.Tensor
        complex, (..., 2 n) or (..., 2 n_1, 2 n_2). Points that are the mirror image of others, such as the first, hold
        the mean of what both say.

    Example
    -------
    >>> t = torch.arange(3)
    >>> line = lambda sign: torch.exp(1j * (2 * t[:, None] + sign * t))
    >>> echo = make_echo(torch.stack([line(1), line(-1)]), ("even", "even"))
    >>> bool((echo[-1, 2] - torch.exp(torch.tensor(1j * (-2 + 2)))).abs() < 1e-6)
    True
    """
    if len(forms) == 1:
        return join_echo(fid, fid.conj(), forms[0])
    plus, minus = check_pair(fid).unbind(-3)
    return _four_quadrants(plus, minus, forms, lambda one: one.conj())


def known_points(mask: torch.Tensor, forms: Forms) -> torch.Tensor:
    """Return which points of an echo are known, bool, (..., n) or (..., n_1, n_2) to the shape of `make_echo`.

    Example
    -------
    >>> known_points(torch.tensor([[True, False], [False, False]]), ("half_dwell", "even")).int()
    tensor([[1, 0, 1, 0],
            [0, 0, 1, 0],
            [0, 0, 1, 0],
            [1, 0, 1, 0]], dtype=torch.int32)
    """
    if len(forms) == 1:
        return join_echo(mask, mask, forms[0])
    return _four_quadrants(mask, mask, forms, lambda one: one)


def from_echo(echo: torch.Tensor, forms: Forms) -> torch.Tensor:
    """Take signals out of their echoes: the inverse of `make_echo` for signals in phase.

    Example
    -------
    >>> pair = torch.ones(2, 4, 5) + 0j
    >>> torch.equal(from_echo(make_echo(pair, ("even", "half_dwell")), ("even", "half_dwell")), pair)
    True
    """
    n = [(size + (form == "odd")) // 2 for size, form in zip(echo.shape[-len(forms) :], forms, strict=True)]
    if len(forms) == 1:
        return echo[..., : n[0]]
    rows = echo[..., : n[0], :]
    return torch.stack([rows[..., : n[1]], _mirrored(rows, forms[1])[..., : n[1]]], dim=-3)


def echo_transform_2d(n: tuple[int, int], forms: Forms) -> tuple[Transform, Transform]:
    """Return the transform of echoes (..., 2 n_1, 2 n_2) to their real spectra, and its inverse.

    Where no dimension starts half a dwell late, echoes are kept as their half (..., 2 n_1, n_2 + 1) of t2 from zero:
    it takes half the time. `half_of` makes it, `whole_of` undoes it.

    Example
    -------
    >>> forward, inverse = echo_transform_2d((4, 3), ("even", "even"))
    >>> echo = half_of(make_echo(torch.ones(2, 4, 3) + 0j, ("even", "even")), ("even", "even"))
    >>> bool((inverse(forward(echo)) - echo).abs().max() < 1e-6)
    True
    """
    axes, sizes = (-2, -1), tuple(2 * size - (form == "odd") for size, form in zip(n, forms, strict=True))
    if _is_halved(forms):
        return (
            lambda echo: torch.fft.hfftn(echo, sizes, axes, norm="ortho"),
            lambda spectrum: torch.fft.ihfftn(spectrum, sizes, axes, norm="ortho"),
        )
    return (
        lambda echo: (torch.fft.fftn(echo, dim=axes, norm="ortho") * echo_phase(sizes, forms, echo)).real,
        lambda spectrum: torch.fft.ifftn(spectrum * echo_phase(sizes, forms, spectrum).conj(), dim=axes, norm="ortho"),
    )


def half_of(echo: torch.Tensor, forms: Forms) -> torch.Tensor:
    """Keep t2 from zero of an echo or its mask, (..., 2 n_1, 2 n_2) to (..., 2 n_1, n_2 + 1), where that is enough."""
    return echo[..., : echo.shape[-1] // 2 + 1] if _is_halved(forms) else echo


def whole_of(half: torch.Tensor, n_2: int, forms: Forms) -> torch.Tensor:
    """Undo `half_of`: negative t2 are the mirror image, conjugate."""
    if not _is_halved(forms):
        return half
    negative = _mirrored(half.transpose(-1, -2), forms[0]).transpose(-1, -2).conj()
    return torch.cat([half, negative[..., 1 : n_2 + (forms[1] == "odd")].flip(-1)], dim=-1)


def _is_halved(forms):
    return "half_dwell" not in forms


def echo_phase(sizes: Sequence[int], forms: Forms, like: torch.Tensor) -> torch.Tensor:
    """Return the phase that makes the spectrum of an echo real; 1 but for shifts by half a dwell time.

    Arguments
    ---------
    sizes : Sequence[int]
        Number of points of the spectrum in each dimension, zero frequency first.
    forms : Forms
        Form of the echo in each.
    like : torch.Tensor
        Sets precision and device.

    Returns
    -------
    torch.Tensor
        complex, of no dimension or (sizes).

    Example
    -------
    >>> echo_phase((4,), ("even",), torch.zeros(1))
    tensor(1.)
    """
    phase = torch.ones((), dtype=like.real.dtype, device=like.device)
    for size, form in zip(sizes, forms, strict=True):
        phase = phase[..., None] * half_dwell_phase(size, like) if form == "half_dwell" else phase[..., None]
    return phase if "half_dwell" in forms else phase.reshape(())


def _four_quadrants(plus, minus, forms, mirror):
    """Join both pathways along t2, then the rows and their mirror images along t1."""
    rows = join_echo(plus, minus, forms[1])
    mirrored = mirror(_mirrored(rows, forms[1]))
    return join_echo(rows.transpose(-1, -2), mirrored.transpose(-1, -2), forms[0]).transpose(-1, -2)


def _mirrored(rows, form):
    """Reverse the last axis, from which time zero is the first point: point k goes to -k."""
    flipped = rows.flip(-1)
    return flipped if form == "half_dwell" else flipped.roll(1, -1)
