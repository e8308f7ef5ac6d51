"""Single-quantum coherences of a batch of recordings: their frequencies, and the time signals that they span.

Everything is exact except for two approximations, which ``tolerance`` controls: coherences too faint to matter are left
out, and the many close frequencies of a recording are expanded in the few time signals that they span.

Shapes: R recordings of one spin system, K coherences between two blocks of states, N signals of a basis.
"""

import math
from dataclasses import dataclass

import torch

from nmr_speech.simulate.spin_system import Sector

CHEAP = 10_000  # matrix elements; below, leaving out coherences costs accuracy and saves hardly any time
FEW = 64  # coherences of a whole network that serve as the basis themselves
SKETCH = 64  # dimensions of the subspace in which principal components are looked for first
PIECES = {"cpu": 2**19, "cuda": 2**28}  # numbers in a temporary; more would not stay in a processor's cache


@dataclass(frozen=True, eq=False)
class Coherences:
    """Coherences between states of one block and states of the next lower one, in the eigenbasis of the Hamiltonian.

    All recordings have the same number, so that one tensor holds them; those that a recording does not need have an
    amplitude of 0.

    Arguments
    ---------
    upper : torch.Tensor
        Position of each coherence's upper state in its block, (R, K).
    lower : torch.Tensor
        Position of its lower state in the lower block, (R, K).
    amplitude : torch.Tensor
        Matrix element of I+ between the two, float32, (R, K).
    frequency : torch.Tensor
        Precession frequency in rad/s, float64, (R, K).
    weight : float
        Weight of the sector.
    n_all : int
        Number of coherences before the faint ones were left out.
    """

    upper: torch.Tensor
    lower: torch.Tensor
    amplitude: torch.Tensor
    frequency: torch.Tensor
    weight: float
    n_all: int


@dataclass(frozen=True, eq=False)
class Eigenstates:
    """Eigenvalues and eigenvectors of the Hamiltonian of one sector, block by block.

    Arguments
    ---------
    sector : Sector
        Blocks of the network.
    offsets : torch.Tensor
        Offset of each group from the carrier in rad/s, float64, (R, groups).
    energy : list[torch.Tensor]
        Eigenvalues in rad/s, float64, (R, states) for each block.
    states : list[torch.Tensor]
        Eigenvectors as columns, in the basis of the sector, float32, (R, states, states) for each block.
    """

    sector: Sector
    offsets: torch.Tensor
    energy: list[torch.Tensor]
    states: list[torch.Tensor]


def diagonalise(sector: Sector, offsets: torch.Tensor) -> Eigenstates:
    """Diagonalise every block of a sector's Hamiltonian, with offsets and couplings in full.

    Arguments
    ---------
    sector : Sector
        Blocks of the network.
    offsets : torch.Tensor
        Offset of each group from the carrier in rad/s, float64, (R, groups).

    Returns
    -------
    Eigenstates

    Example
    -------
    >>> from nmr_speech.simulate.spin_system import SpinSystem, networks
    >>> (sector,) = networks(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}))[0].sectors
    >>> offsets = torch.tensor([[6000.0, -6000.0], [6100.0, -6000.0]], dtype=torch.float64)  # of two recordings
    >>> [energy.shape for energy in diagonalise(sector, offsets).energy]
    [torch.Size([2, 1]), torch.Size([2, 2]), torch.Size([2, 1])]
    """
    energies, states = [], []
    for block in range(len(sector.energy)):
        value, vector = torch.linalg.eigh(hamiltonian(sector, block, offsets))
        energies.append(value)
        states.append(vector.float())  # energies set phases over seconds, eigenvectors only amplitudes
    return Eigenstates(sector, offsets, energies, states)


def hamiltonian(sector: Sector, block: int, offsets: torch.Tensor) -> torch.Tensor:
    """Hamiltonian of one block of a sector in rad/s, with offsets and couplings in full; float64, (R, states, states).

    Example
    -------
    >>> from nmr_speech.simulate.spin_system import SpinSystem, networks
    >>> (sector,) = networks(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}))[0].sectors
    >>> offsets = torch.tensor([[6000.0, -6000.0], [6100.0, -6000.0]], dtype=torch.float64)  # of two recordings
    >>> hamiltonian(sector, 0, offsets).round(decimals=1).flatten()  # both up: half the offsets, a quarter of 2 pi J
    tensor([11., 61.], dtype=torch.float64)
    """
    m_z = sector.m_z[block]
    return (offsets @ m_z.flatten(1)).unflatten(1, m_z.shape[1:]) + torch.diag(sector.energy[block])


def single_quantum(eigenstates: Eigenstates, tolerance: float) -> list[Coherences]:
    """Collect the single-quantum coherences that matter.

    Arguments
    ---------
    eigenstates : Eigenstates
        Eigenstates of one sector.
    tolerance : float
        Between each two blocks the faintest coherences are left out, which together hold less than tolerance^2 of the
        power, or less between small blocks, where they cost little. By Cauchy-Schwarz no point of a signal then changes
        by more than twice the tolerance, relative to the first point.

    Returns
    -------
    list[Coherences]
        One entry for each pair of neighbouring blocks, with (R, K) coherences each.

    Example
    -------
    >>> from nmr_speech.simulate.spin_system import SpinSystem, networks
    >>> (sector,) = networks(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}))[0].sectors
    >>> offsets = torch.tensor([[6000.0, -6000.0], [6100.0, -6000.0]], dtype=torch.float64)  # of two recordings
    >>> coherences = single_quantum(diagonalise(sector, offsets), tolerance=0.0)
    >>> [(part.frequency[0] / (2 * math.pi)).round().tolist() for part in coherences]  # two doublets
    [[958.0, -951.0], [-958.0, 951.0]]
    """
    sector, found = eigenstates.sector, []
    for k, raising in enumerate(sector.raising):
        matrix = eigenstates.states[k].mT @ (raising.float() @ eigenstates.states[k + 1])
        power_left_out = tolerance**2 * min(1, raising.numel() / CHEAP)
        kept, amplitude = _strongest(matrix.flatten(1), power_left_out)
        upper, lower = kept // raising.shape[1], kept % raising.shape[1]
        frequency = eigenstates.energy[k].gather(1, upper) - eigenstates.energy[k + 1].gather(1, lower)
        found.append(Coherences(upper, lower, amplitude, frequency, sector.weight, raising.numel()))
    return found


def _strongest(amplitude, power_left_out):
    """Positions and values of the elements that matter in any recording; (R, elements) to (R, K)."""
    # As many for each recording, so the count is that of the recording which needs most.
    ascending, order = torch.sort(amplitude.square(), dim=1)
    running = torch.cumsum(ascending, 1, dtype=torch.float64)
    matters = running > power_left_out * running[:, -1:]
    first = matters.shape[1] - int(matters.sum(1).max())
    kept = order[:, first:]
    return kept, amplitude.gather(1, kept) * matters[:, first:]


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
