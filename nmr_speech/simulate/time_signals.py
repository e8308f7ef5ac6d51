"""Time signals of coherences: the few that the many close frequencies of a recording span, within ``tolerance``.

Shapes: R recordings of one spin system, K coherences, N signals of a basis.
"""

import math

import torch

from nmr_speech.simulate.coherences import Coherences

FEW = 64  # coherences of a whole network that serve as the basis themselves
SKETCH = 64  # dimensions of the subspace in which principal components are looked for first
PIECES = {"cpu": 2**19, "cuda": 2**28}  # numbers in a temporary; more would not stay in a processor's cache


def piece_size(like: torch.Tensor) -> int:
    """Number of elements that a temporary may hold on the device of ``like``.

    Example
    -------
    >>> piece_size(torch.zeros(1))
    524288
    """
    return PIECES.get(like.device.type, PIECES["cuda"])


def phases(
    frequency: torch.Tensor, times: int, dwell_s: float, dtype: torch.dtype = torch.complex64, first_s: float = 0.0
) -> torch.Tensor:
    """exp(i frequency t) at t = first, first + dwell, first + 2 dwell, ...

    Phases are reduced to one turn in float64. The exponential is the product of a coarse and a fine step, which takes
    2 sqrt(times) sines for each frequency instead of ``times``.

    Arguments
    ---------
    frequency : torch.Tensor
        Frequencies in rad/s, float64, (..., K).
    times : int
        Number of points.
    dwell_s : float
        Step in seconds.
    dtype : torch.dtype
        Complex type of the result.
    first_s : float
        First time in seconds.

    Returns
    -------
    torch.Tensor
        Complex, (..., K, times).

    Example
    -------
    >>> phases(torch.tensor([2 * math.pi * 250.0], dtype=torch.float64), 3, 1e-3).imag.round(decimals=4)
    tensor([[0., 1., 0.]])
    """
    coarse, fine = (_unit(angle).to(dtype) for angle in _angles(frequency, times, dwell_s, first_s))
    return (coarse[..., :, None] * fine[..., None, :]).flatten(-2)[..., :times]


def _angles(frequency, times, dwell_s, first_s=0.0):
    stride = math.isqrt(times - 1) + 1
    steps = torch.arange(stride, dtype=torch.float64, device=frequency.device) * dwell_s
    return frequency[..., None] * (first_s + stride * steps), frequency[..., None] * steps


def _before_middle(frequency, times, dwell_s, dtype):
    """exp(i frequency t) for the first half of the times, counted from their middle; (..., K, times / 2).

    Counted so, the second half is the first read backwards and conjugated. What mirrors itself in this way is made of
    as many real numbers, and products of two such signals are real: they cost a quarter of complex ones.
    """
    return phases(frequency, times // 2, dwell_s, dtype, first_s=-(times - 1) / 2 * dwell_s)


def _mirrored(half):
    """Signals (R, times, N) of unit norm from their first half, (R, times / 2, N), of unit norm."""
    return torch.cat([half, half.conj().flip(1)], 1).to(torch.complex64) / math.sqrt(2)


def _unit(angle):
    angle = torch.remainder(angle, 2 * math.pi)
    return torch.complex(angle.cos(), angle.sin())


def time_basis(coherences: list[Coherences], times: int, dwell_s: float, tolerance: float) -> torch.Tensor:
    """Orthonormal time signals that span exp(i frequency t) of all coherences.

    Frequencies come in multiplets much narrower than the spectral width, so a few dozen signals represent all ``times``
    points: the leading principal components of the exponentials, each weighted with its power. Less than
    (tolerance / 10)^2 of the power lies outside.

    Arguments
    ---------
    coherences : list[Coherences]
        All coherences of a network.
    times : int
        Number of points, even.
    dwell_s : float
        Step in seconds.
    tolerance : float
        Accuracy relative to the first point of the signal.

    Returns
    -------
    torch.Tensor
        complex64, (R, times, N), with orthonormal columns; columns of zeros where a recording needs fewer. Each column
        read backwards is its own conjugate.

    Example
    -------
    >>> from nmr_speech.simulate.coherences import diagonalise, single_quantum
    >>> from nmr_speech.simulate.spin_system import SpinSystem, networks
    >>> (sector,) = networks(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}))[0].sectors
    >>> offsets = torch.tensor([[6000.0, -6000.0], [6100.0, -6000.0]], dtype=torch.float64)  # of two recordings
    >>> coherences = single_quantum(diagonalise(sector, offsets), tolerance=0.0)
    >>> time_basis(coherences, 256, 1 / 7200, tolerance=1e-3).shape
    torch.Size([2, 256, 4])
    """
    # All in float64: noise of single precision would count as signals to keep.
    frequency = torch.cat([part.frequency for part in coherences], 1)
    if sum(part.n_all for part in coherences) <= min(FEW, times):
        half = torch.view_as_real(_before_middle(frequency, times, dwell_s, torch.complex128)).flatten(-2)
        basis = torch.linalg.qr(half.mT)[0].unflatten(1, (-1, 2)).movedim(2, -1)
        return _mirrored(torch.view_as_complex(basis.contiguous()))
    power = torch.cat([part.amplitude.square() * part.weight for part in coherences], 1).double()
    power = power / (power.sum(1, keepdim=True) * times)
    coarse, fine = (_unit(angle) for angle in _angles(frequency, times, dwell_s))
    autocorrelation = ((coarse * power[..., None]).mT @ fine).flatten(1)[:, :times]
    return _leading(_real_toeplitz(autocorrelation), (tolerance / 10) ** 2)


def _leading(matrix, most_outside):
    """Leading principal components of covariances (R, times, times) of trace 1 in the basis of `_real_toeplitz`.

    Few components hold nearly all of the power, so the covariance is first restricted to its product with a random
    matrix (Halko, Martinsson and Tropp, doi 10.1137/090771806). How much lies outside is known exactly, for the trace
    is 1; where it is too much, all eigenvectors are computed.
    """
    times = matrix.shape[-1]
    if times > 2 * SKETCH:
        generator = torch.Generator().manual_seed(0)
        random = torch.randn(times, SKETCH, dtype=matrix.dtype, generator=generator).to(matrix.device)
        span = torch.linalg.qr(matrix @ random)[0]
        variance, vector = torch.linalg.eigh(span.mT @ (matrix @ span))
        outside = 1 - variance.sum(1, keepdim=True) + variance.cumsum(1)
    if times <= 2 * SKETCH or bool((outside[:, 0] > most_outside).any()):
        variance, vector = torch.linalg.eigh(matrix)
        outside, span = variance.clamp(min=0).cumsum(1), None
    matters = outside > most_outside
    first = variance.shape[1] - int(matters.sum(1).max())
    leading = vector[..., first:] * matters[:, None, first:]
    return _mirrored(torch.complex(*(leading if span is None else span @ leading).chunk(2, 1)))


def _real_toeplitz(first_column):
    """Hermitian Toeplitz matrices of even size from their first columns, (R, size), in a basis where they are real.

    Such a matrix read backwards is its own conjugate. In the basis of even signals, and of i times the odd ones, about
    its middle it is therefore real, and its eigenvectors take a third of the time of the complex problem.
    """
    size = first_column.shape[1]
    half = size // 2
    lag = torch.arange(half, device=first_column.device)[:, None] - torch.arange(size, device=first_column.device)
    rows = torch.where(lag >= 0, first_column[:, lag.abs()], first_column[:, lag.abs()].conj())
    near, far = rows[..., :half], rows[..., half:].flip(-1)
    cross = (far - near).imag
    return torch.cat([torch.cat([(near + far).real, cross], -1), torch.cat([cross.mT, (near - far).real], -1)], -2)


def coefficients(frequency: torch.Tensor, basis: torch.Tensor, dwell_s: float) -> torch.Tensor:
    """Expand exp(i frequency t) in a basis of time signals.

    Arguments
    ---------
    frequency : torch.Tensor
        Frequencies in rad/s, float64, (R, K).
    basis : torch.Tensor
        What `time_basis` gives, complex64, (R, times, N).
    dwell_s : float
        Step in seconds.

    Returns
    -------
    torch.Tensor
        Coefficients, complex64, (R, K, N).

    Example
    -------
    >>> from nmr_speech.simulate.coherences import diagonalise, single_quantum
    >>> from nmr_speech.simulate.spin_system import SpinSystem, networks
    >>> (sector,) = networks(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}))[0].sectors
    >>> offsets = torch.tensor([[6000.0, -6000.0]], dtype=torch.float64)
    >>> coherences = single_quantum(diagonalise(sector, offsets), tolerance=0.0)
    >>> basis, frequency = time_basis(coherences, 64, 1e-4, tolerance=0.0), coherences[0].frequency
    >>> torch.allclose(coefficients(frequency, basis, 1e-4) @ basis.mT, phases(frequency, 64, 1e-4), atol=1e-5)
    True
    """
    recordings, times = basis.shape[:2]
    half = 2 * torch.view_as_real(basis[:, : times // 2]).movedim(-1, 2).flatten(1, 2)  # (R, times, N), real
    turned = _unit(frequency * ((times - 1) / 2 * dwell_s)).to(basis.dtype)
    parts = frequency.split(max(1, piece_size(basis) // (recordings * times)), dim=1)
    signals = (torch.view_as_real(_before_middle(part, times, dwell_s, basis.dtype)).flatten(-2) for part in parts)
    return turned[..., None] * torch.cat([signal @ half for signal in signals], 1)
