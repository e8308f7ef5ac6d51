"""Low-rank Hankel completion: the signal of fewest decaying exponentials that agrees with the measurement.

A sum of R exponentials makes a Hankel matrix of rank R. Qu et al., Angew. Chem. Int. Ed. 54, 852 (2015), doi
10.1002/anie.201409291, minimise ``||H x||_* + weight / 2 ||U x - y||^2``, the nuclear norm and the agreement with the
measurement, by the alternating direction method of multipliers (ADMM). So does this module, with the nuclear norm as
the least ``(||A||^2 + ||B||^2) / 2`` over all factors ``A B^H = H x`` (Srebro and Shraibman, COLT 2005, doi
10.1007/11503415_37): no singular values are computed. Broad lines are not sparse, but have rank one as narrow ones do.
The phase need not be known. In two dimensions the matrix is a Hankel matrix of Hankel matrices.
"""

import torch

from nmr_speech.checks import positive, whole
from nmr_speech.reconstruction.operators import check_measured
from nmr_speech.reconstruction.schedule import Schedule, dims_of

ENTRIES_AT_ONCE = 2**18  # of the matrices of signals completed together, so that they stay in the caches of a CPU
ENTRIES_AT_ONCE_CUDA = 2**25
RELAXED = (
    1.5  # over-relaxation of ADMM (Boyd et al. 2011, doi 10.1561/2200000016, section 3.4.3); more may not converge
)


@torch.no_grad()
def hankel(
    fid: torch.Tensor,
    schedule: Schedule,
    *,
    n_iterations: int = 60,
    weight: float = 1e3,
    penalty: float = 0.3,
    tolerance: float = 1e-4,
    rank: int | None = 12,
    dims: int | None = None,
) -> torch.Tensor:
    """Fill in the points that were not measured by low-rank Hankel completion.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n), in two dimensions (..., n_1, n_2); zero where nothing was measured.
    schedule : Schedule
        Indices of the points measured, (m,), in two dimensions (m, 2); or a mask, bool, one for each signal.
    n_iterations : int
        Largest number of iterations.
    weight : float
        Weight of the agreement with the measurement, for signals scaled to a largest point of one.
    penalty : float
        Penalty of ADMM. It changes the speed, not the solution.
    tolerance : float
        A signal is done when an iteration changes it by less than this share of its norm.
    rank : int | None
        Number of columns of the factors: the most exponentials that a result can have; None for no limit.
    dims : int | None
        Number of dimensions sampled, 1 or 2. None takes that of the indices of the schedule, 1 for a mask.

    Returns
    -------
    torch.Tensor
        complex, shape of ``fid``; points measured are unchanged.

    Example
    -------
    >>> t = torch.arange(64)
    >>> lines = torch.exp((2j * torch.pi * 0.21 - 0.02) * t) + torch.exp((-2j * torch.pi * 0.34 - 0.2) * t)
    >>> schedule = [0, 1, 2, 4, 5, 7, 9, 12, 13, 17, 20, 23, 26, 30, 33, 38, 41, 45, 51, 58]
    >>> measured = torch.zeros_like(lines)
    >>> measured[schedule] = lines[schedule]
    >>> (hankel(measured, schedule, n_iterations=300) - lines).abs().max() < 0.01
    tensor(True)
    """
    dims = whole("dims", dims_of(schedule) if dims is None else dims, 1, 2)
    mask = check_measured(fid, schedule, dims)
    grid = fid.shape[-dims:]
    entries = to_hankel(torch.zeros(grid), dims).shape
    settings = (
        whole("n_iterations", n_iterations, 1, 1_000_000),
        positive("weight", weight, "relative to the nuclear norm"),
        positive("penalty", penalty, "relative to the nuclear norm"),
        positive("tolerance", tolerance, "share of the signal"),
        min(entries) if rank is None else min(whole("rank", rank, 1, grid.numel()), *entries),
        dims,
    )
    rows, masks = fid.reshape(-1, *grid), mask.expand(fid.shape).reshape(-1, *grid)
    result = torch.zeros_like(rows)
    filled = rows.flatten(1).any(dim=-1).nonzero()[:, 0]  # signals of zeros have no scale, and stay zeros
    most = max(1, (ENTRIES_AT_ONCE_CUDA if fid.is_cuda else ENTRIES_AT_ONCE) // entries.numel())
    for chosen in filled.split(most):
        result[chosen] = _complete(rows[chosen], masks[chosen], *settings)
    return result.reshape(fid.shape)


def _complete(measured, mask, n_iterations, weight, penalty, tolerance, rank, dims):
    """ADMM on signals (B, ...) and their masks, with two factors and the scaled multipliers ``dual``."""
    shape = (-1, *[1] * dims)
    scale = measured.abs().flatten(1).amax(dim=-1).view(shape)
    data, known = weight * measured / scale, weight * mask.to(scale.dtype)
    counts = from_hankel(to_hankel(known.new_ones(measured.shape[1:]), dims), measured.shape[1:])  # H^H H is diagonal
    inverse = 1 / (known + penalty * counts)
    signal, result = measured / scale, measured / scale
    right = _leading(to_hankel(signal, dims), rank)
    dual = torch.zeros_like(to_hankel(signal, dims))
    active = torch.arange(len(measured), device=measured.device)
    low_rank = to_hankel(signal, dims)
    for _ in range(n_iterations):
        matrix = RELAXED * to_hankel(signal, dims) + (1 - RELAXED) * low_rank + dual
        left = _factor(matrix, right, penalty)
        right = _factor(matrix.mH, left, penalty)
        low_rank = left @ right.mH
        dual = matrix - low_rank
        before = signal
        signal = (data + penalty * from_hankel(low_rank - dual, measured.shape[1:])) * inverse
        result[active] = signal
        change, size = ((of.flatten(1)).norm(dim=-1) for of in (signal - before, signal))
        going = change >= tolerance * size
        if not going.any():
            break
        if not going.all():  # signals that are done leave the batch
            active, signal, data, inverse, dual, low_rank, right = (
                part[going] for part in (active, signal, data, inverse, dual, low_rank, right)
            )
    return torch.where(mask, measured, scale * result)


def _leading(matrix, rank):
    """Right singular vectors of the largest values, each times the root of its value: where the factors start."""
    values, vectors = torch.linalg.eigh(matrix.mH @ matrix)
    return vectors[..., -rank:] * values[..., None, -rank:].clamp_min(0) ** 0.25


def _factor(matrix, other, penalty):
    """Least squares: the factor that minimises ``||factor||^2 + penalty ||matrix - factor other^H||^2``."""
    gram = other.mH @ other
    gram.diagonal(dim1=-2, dim2=-1).add_(1 / penalty)
    return torch.linalg.solve(gram, matrix @ other, left=False)


def to_hankel(x: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Arrange signals (..., n) as Hankel matrices (..., n // 2 + 1, n - n // 2): entry (i, j) is point i + j.

    In two dimensions, signals (..., n_1, n_2) become matrices of matrices: rows and columns are pairs of indices.

    Example
    -------
    >>> to_hankel(torch.arange(4))
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    >>> to_hankel(torch.arange(9).view(3, 3), 2)[0]
    tensor([0, 1, 3, 4])
    """
    if dims == 1:
        return x.unfold(-1, x.shape[-1] - x.shape[-1] // 2, 1)
    q_1, q_2 = (size - size // 2 for size in x.shape[-2:])
    blocks = x.unfold(-2, q_1, 1).unfold(-2, q_2, 1)  # (..., p_1, p_2, q_1, q_2)
    return blocks.flatten(-4, -3).flatten(-2)


def from_hankel(matrix: torch.Tensor, grid: torch.Size | tuple[int, ...] | None = None) -> torch.Tensor:
    """Sum a matrix (..., p, q) along its antidiagonals to (..., p + q - 1): the adjoint of `to_hankel`.

    Arguments
    ---------
    matrix : torch.Tensor
        (..., p, q).
    grid : torch.Size | tuple[int, ...] | None
        Sizes of the signals; needed in two dimensions.

    Returns
    -------
    torch.Tensor
        (..., n) or (..., n_1, n_2).

    Example
    -------
    >>> from_hankel(torch.ones(3, 2))
    tensor([1., 2., 2., 1.])
    """
    if grid is None or len(grid) == 1:
        return _antidiagonals(matrix)
    (p_1, p_2), (q_1, q_2) = (size // 2 + 1 for size in grid), (size - size // 2 for size in grid)
    blocks = matrix.unflatten(-1, (q_1, q_2)).unflatten(-3, (p_1, p_2))  # (..., p_1, p_2, q_1, q_2)
    inner = _antidiagonals(blocks.transpose(-3, -2))  # (..., p_1, q_1, n_2)
    return _antidiagonals(inner.movedim(-1, -3)).transpose(-1, -2)


def _antidiagonals(matrix):
    p, q = matrix.shape[-2:]
    sheared = torch.nn.functional.pad(matrix, (0, p)).flatten(-2)[..., : p * (p + q - 1)]
    return sheared.unflatten(-1, (p, p + q - 1)).sum(dim=-2)
