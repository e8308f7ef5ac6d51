"""Low-rank Hankel completion: the signal of fewest decaying exponentials that agrees with the measurement.

A sum of R exponentials makes a Hankel matrix of rank R. Qu et al., Angew. Chem. Int. Ed. 54, 852 (2015), doi
10.1002/anie.201409291, minimise ``||H x||_* + weight / 2 ||U x - y||^2``, the nuclear norm and the agreement with the
measurement, by the alternating direction method of multipliers (ADMM). So does this module. Broad lines are not sparse,
but have rank one as narrow ones do. The phase need not be known.
"""

import torch

from nmr_speech.checks import positive, whole
from nmr_speech.reconstruction.operators import check_measured
from nmr_speech.reconstruction.schedule import Schedule

AT_ONCE = 32  # signals whose matrices stay in the cache of a CPU
AT_ONCE_CUDA = 1024


@torch.no_grad()
def hankel(
    fid: torch.Tensor,
    schedule: Schedule,
    *,
    n_iterations: int = 100,
    weight: float = 1e3,
    penalty: float = 0.1,
    tolerance: float = 1e-4,
    rank: int | None = 24,
) -> torch.Tensor:
    """Fill in the points that were not measured by low-rank Hankel completion.

    Single precision is enough, and twice as fast as double. Singular values come from the Gram matrix, which squares
    them: those below 3e-4 of the largest are lost. But the threshold is about a tenth of the largest, and values below
    it count for nothing.

    Arguments
    ---------
    fid : torch.Tensor
        complex, (..., n), zero where nothing was measured.
    schedule : Schedule
        Indices of the points measured, (m,), or a mask, bool, (..., n), one for each signal.
    n_iterations : int
        Largest number of iterations.
    weight : float
        Weight of the agreement with the measurement, for signals scaled to a largest point of one.
    penalty : float
        Penalty of ADMM: its inverse is taken from the singular values in each iteration. It changes the speed, not the
        solution.
    tolerance : float
        A signal is done when an iteration changes it by less than this share of its norm.
    rank : int | None
        Number of singular vectors carried from iteration to iteration. One step of subspace iteration from the previous
        ones finds the few that survive the threshold. Where more survive, and everywhere for None, all are computed.

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
    mask = check_measured(fid, schedule)
    n = fid.shape[-1]
    settings = (
        whole("n_iterations", n_iterations, 1, 1_000_000),
        positive("weight", weight, "relative to the nuclear norm"),
        positive("penalty", penalty, "relative to the nuclear norm"),
        positive("tolerance", tolerance, "share of the signal"),
        n if rank is None else whole("rank", rank, 1, n),
    )
    rows, masks = fid.reshape(-1, n), mask.expand(fid.shape).reshape(-1, n)
    result = torch.zeros_like(rows)
    filled = rows.any(dim=-1).nonzero()[:, 0]  # signals of zeros have no scale, and stay zeros
    for chosen in filled.split(AT_ONCE_CUDA if fid.is_cuda else AT_ONCE):
        result[chosen] = _complete(rows[chosen], masks[chosen], *settings)
    return result.reshape(fid.shape)


def _complete(measured, mask, n_iterations, weight, penalty, tolerance, rank):
    """ADMM on signals (B, n) and their masks, with the matrix ``low_rank`` and the scaled multipliers ``dual``."""
    scale = measured.abs().amax(dim=-1, keepdim=True)
    data, known = weight * measured / scale, weight * mask.to(scale.dtype)
    n = measured.shape[-1]
    counts = from_hankel(to_hankel(torch.ones(n, dtype=scale.dtype, device=scale.device)))  # H^H H is diagonal
    signal, result = measured / scale, measured / scale
    dual, vectors = torch.zeros_like(to_hankel(signal)), None
    active = torch.arange(len(measured), device=measured.device)
    for _ in range(n_iterations):
        matrix = to_hankel(signal) + dual
        low_rank, vectors = shrink(matrix, 1 / penalty, rank, vectors)
        dual = matrix - low_rank
        before = signal
        signal = (data + penalty * from_hankel(low_rank - dual)) / (known + penalty * counts)
        result[active] = signal
        going = (signal - before).norm(dim=-1) >= tolerance * signal.norm(dim=-1)
        if not going.any():
            break
        if not going.all():  # signals that are done leave the batch
            active, signal, data, known, dual, vectors = (
                part[going] for part in (active, signal, data, known, dual, vectors)
            )
    return torch.where(mask, measured, scale * result)


def to_hankel(x: torch.Tensor) -> torch.Tensor:
    """Arrange signals (..., n) as Hankel matrices (..., n // 2 + 1, n - n // 2): entry (i, j) is point i + j.

    Example
    -------
    >>> to_hankel(torch.arange(4))
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    return x.unfold(-1, x.shape[-1] - x.shape[-1] // 2, 1)


def from_hankel(matrix: torch.Tensor) -> torch.Tensor:
    """Sum a matrix (..., p, q) along its antidiagonals to (..., p + q - 1): the adjoint of `to_hankel`.

    Example
    -------
    >>> from_hankel(torch.ones(3, 2))
    tensor([1., 2., 2., 1.])
    """
    p, q = matrix.shape[-2:]
    sheared = torch.nn.functional.pad(matrix, (0, p)).flatten(-2)[..., : p * (p + q - 1)]
    return sheared.unflatten(-1, (p, p + q - 1)).sum(dim=-2)


def shrink(
    matrix: torch.Tensor, threshold: float, rank: int, vectors: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lower all singular values by a threshold, to zero at most.

    Arguments
    ---------
    matrix : torch.Tensor
        complex, (B, p, q).
    threshold : float
        Amount taken from each singular value.
    rank : int
        Number of singular vectors to return.
    vectors : torch.Tensor | None
        Right singular vectors of a similar matrix to start from, complex, (B, q, rank); None computes all.

    Returns
    -------
    shrunk : torch.Tensor
        complex, (B, p, q).
    vectors : torch.Tensor
        Right singular vectors of the largest values, complex, (B, q, rank).

    Example
    -------
    >>> shrink(torch.tensor([[[3.0 + 0j, 0], [0, 1]]]), 1.5, 1)[0].real
    tensor([[[1.5000, 0.0000],
             [0.0000, 0.0000]]])
    """
    if vectors is None or rank >= matrix.shape[-1]:
        return _shrink_in(matrix, _all_vectors(matrix), threshold, rank)[:2]
    vectors = torch.linalg.qr(matrix.mH @ (matrix @ vectors)).Q
    shrunk, vectors, all_kept = _shrink_in(matrix, vectors, threshold, rank)
    if all_kept.any():  # more values than ``rank`` may be above the threshold
        again = matrix[all_kept]
        shrunk[all_kept], vectors[all_kept], _ = _shrink_in(again, _all_vectors(again), threshold, rank)
    return shrunk, vectors


def _all_vectors(matrix):
    return torch.linalg.eigh(matrix.mH @ matrix).eigenvectors


def _shrink_in(matrix, basis, threshold, rank):
    """Lower the singular values within the span of a basis; report where none of them vanished."""
    image = matrix @ basis
    squares, turn = torch.linalg.eigh(image.mH @ image)  # (rank, rank): cheaper than an SVD of the whole
    values = squares.clamp_min(threshold**2 / 4).sqrt()  # rounding makes small squares negative; these vanish anyway
    kept = (1 - threshold / values).clamp_min(0)
    vectors = basis @ turn
    return (image @ (turn * kept[..., None, :])) @ vectors.mH, vectors[..., -rank:], kept[..., 0] > 0
