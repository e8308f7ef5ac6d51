"""Iterative soft thresholding: the spectrum with the smallest sum of magnitudes that agrees with the measurement.

Two variants are in use, and both are here:

- ``"ist_s"``: the spectrum is made to agree with the measurement, then thresholded. The threshold shrinks by a factor
  per iteration. Stern, Donoho and Hoch, J. Magn. Reson. 188, 295 (2007), doi 10.1016/j.jmr.2007.07.008.
- ``"ist_d"``: what exceeds a share of the largest point of the residual's spectrum moves from there to the result.
  Hyberts et al., J. Biomol. NMR 52, 315 (2012), doi 10.1007/s10858-012-9611-z, after Donoho, IEEE Trans. Inf. Theory
  41, 613 (1995), doi 10.1109/18.382009.

Every signal has its own thresholds, so a batch gives what its signals give one by one. Every line lacks what is below
the last threshold: compare slopes, not only correlations.
"""

import torch
from torch.nn.functional import pad

from nmr_speech.checks import in_range, one_of, whole
from nmr_speech.reconstruction.hypercomplex import (
    Forms,
    check_pair,
    echo_transform_2d,
    forms_of,
    from_echo,
    half_of,
    known_points,
    make_echo,
    of_pairs,
    whole_of,
)
from nmr_speech.reconstruction.operators import check_measured, fourier, inverse_fourier
from nmr_speech.reconstruction.schedule import Schedule, dims_of
from nmr_speech.reconstruction.virtual_echo import Transform, check_phase, echo_transform

VARIANTS = ("ist_s", "ist_d")
DECAY = {"ist_s": 0.98, "ist_d": 0.9}
POINTS_AT_ONCE = 2**15  # points of pairs solved together


@torch.no_grad()
def ist(
    fid: torch.Tensor,
    schedule: Schedule,
    *,
    variant: str = "ist_s",
    echo: str | Forms | None = None,
    n_iterations: int = 300,
    decay: float | None = None,
    dims: int | None = None,
) -> torch.Tensor:
    """Fill in the points that were not measured by iterative soft thresholding.

    Arguments
    ---------
    fid : torch.Tensor
        complex, zero where nothing was measured, (..., n); in two dimensions (..., n_1, n_2), with an echo pairs of
        pathways, (..., 2, n_1, n_2), see `nmr_speech.reconstruction.pathways`.
    schedule : Schedule
        Indices of the points measured, (m,), in two dimensions (m, 2); or a mask, bool, (..., n), one for each signal.
    variant : str
        "ist_s" or "ist_d".
    echo : str | None
        Form of the virtual echo for signals in phase, "even", "odd" or "half_dwell", or one for each dimension. None
        uses no echo.
    n_iterations : int
        Number of iterations. The last threshold of "ist_s" is ``decay ** n_iterations`` of the largest point, 0.2% by
        default. Weaker lines are lost: raise the number for NOESY spectra.
    decay : float | None
        Factor of the threshold per iteration ("ist_s"), or threshold as a share of the largest point of the residual
        ("ist_d"); 0.98 and 0.9 by default.
    dims : int | None
        Number of dimensions sampled non-uniformly, 1 or 2; they are the last ones. None takes that of the indices of
        the schedule, 1 for a mask.

    Returns
    -------
    torch.Tensor
        complex, shape of ``fid``; points measured are unchanged.

    Example
    -------
    >>> line = torch.exp(2j * torch.pi * 0.25 * torch.arange(64))
    >>> schedule = [0, 1, 2, 4, 7, 12, 13, 20, 26, 33, 38, 45, 51, 58]
    >>> measured = torch.zeros_like(line)
    >>> measured[schedule] = line[schedule]
    >>> (ist(measured, schedule) - line).abs().max() < 0.01
    tensor(True)
    """
    dims = whole("dims", dims_of(schedule) if dims is None else dims, 1, 2)
    mask = check_measured(fid, of_pairs(schedule, fid) if dims == 2 and echo is not None else schedule, dims)
    solve = {"ist_s": _ist_s, "ist_d": _ist_d}[one_of("variant", variant, VARIANTS)]
    n_iterations = whole("n_iterations", n_iterations, 1, 1_000_000)
    decay = in_range("decay", DECAY[variant] if decay is None else decay, 0, 1, "of the threshold", "0.98")
    if echo is None:
        return torch.where(mask, fid, solve(fid, mask, n_iterations, decay, dims, _complex(dims)))
    forms = forms_of(echo, dims)
    if dims == 2:
        return _in_four_quadrants(solve, fid, mask, forms, n_iterations, decay)
    check_phase(fid, mask, forms[0])
    echo = forms[0]
    n, more = fid.shape[-1], int(echo == "even")  # the point without partner is unknown, as `echo_transform` says
    filled = solve(pad(fid, (0, more)), pad(mask, (0, more)), n_iterations, decay, 1, echo_transform(n, echo))
    return torch.where(mask, fid, filled[..., :n])


def _in_four_quadrants(solve, fid, mask, forms, n_iterations, decay):
    """Solve pairs of pathways (..., 2, n_1, n_2), some signals at a time, so that they stay in the caches of a CPU."""
    grid = check_pair(fid).shape[-2:]
    transform = echo_transform_2d(tuple(grid), forms)
    rows = fid.reshape(-1, 2, *grid)
    masks = mask.expand(fid.shape).reshape(rows.shape)[:, 0]
    filled = torch.empty_like(rows)
    most = max(1, POINTS_AT_ONCE // grid.numel())
    for part in torch.arange(len(rows)).split(most):
        known = half_of(known_points(masks[part], forms), forms).clone()
        for axis, form in zip((-2, -1), forms, strict=True):  # points without partner are unknown, as in one dimension
            if form == "even":
                known.select(axis, grid[axis]).fill_(False)
        echo = half_of(make_echo(rows[part], forms), forms)
        filled[part] = from_echo(whole_of(solve(echo, known, n_iterations, decay, 2, transform), grid[1], forms), forms)
    return torch.where(mask, fid, filled.view(fid.shape))


def soft_threshold(x: torch.Tensor, threshold: torch.Tensor | float) -> torch.Tensor:
    """Move points (..., n) towards zero by a threshold: ``max(|x| - threshold, 0) x / |x|``.

    Example
    -------
    >>> soft_threshold(torch.tensor([3 + 4j, 0.5, 0]), 1.0)
    tensor([2.4000+3.2000j, 0.0000+0.0000j, 0.0000+0.0000j])
    """
    magnitude = x.abs()
    return x * ((magnitude - threshold).clamp_min(0) / magnitude.clamp_min(torch.finfo(magnitude.dtype).tiny))


def _complex(dims: int) -> tuple[Transform, Transform]:
    return lambda fid: fourier(fid, dims), lambda spectrum: inverse_fourier(spectrum, dims)


def _largest(spectrum, dims):
    return spectrum.abs().amax(dim=tuple(range(-dims, 0)), keepdim=True)


def _ist_s(measured, mask, n_iterations, decay, dims, transform):
    forward, inverse = transform
    spectrum = forward(measured)
    threshold = _largest(spectrum, dims)
    for _ in range(n_iterations):
        threshold = threshold * decay
        spectrum = soft_threshold(forward(torch.where(mask, measured, inverse(spectrum))), threshold)
    return inverse(spectrum)


def _ist_d(measured, mask, n_iterations, decay, dims, transform):
    forward, inverse = transform
    residual = measured
    result = torch.zeros_like(forward(measured))
    for _ in range(n_iterations):
        artefacts = forward(residual)
        result = result + soft_threshold(artefacts, decay * _largest(artefacts, dims))
        residual = torch.where(mask, measured - inverse(result), 0)
    return inverse(result)
