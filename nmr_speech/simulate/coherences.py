"""Single-quantum coherences: how they precess, how isotropic mixing passes them on, how they add up to a signal.

Everything is exact but for two roundings that ``tolerance`` controls: coherences too faint to matter are left out, and
the many close frequencies of a recording are written in a basis of the few time signals that they span.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

from nmr_speech.simulate.spin_system import Sector

CHEAP = 1000  # matrix elements under which leaving out coherences saves less time than accuracy


@dataclass(frozen=True, eq=False)
class Coherences:
    """Coherences between one block of states and the next lower one, in the eigenbasis of the Hamiltonian.

    Arguments
    ---------
    upper : torch.Tensor
        Position of each coherence's upper state in the upper block, (coherences,).
    lower : torch.Tensor
        Position of its lower state in the lower block, (coherences,).
    amplitude : torch.Tensor
        Matrix element of I+ between the two, float32, (coherences,).
    frequency : torch.Tensor
        Precession frequency in rad/s, float64, (coherences,).
    weight : float
        Weight of the sector.
    upper_states : torch.Tensor
        Eigenvectors of the upper block as columns, float32.
    lower_states : torch.Tensor
        Eigenvectors of the lower block as columns, float32.
    """

    upper: torch.Tensor
    lower: torch.Tensor
    amplitude: torch.Tensor
    frequency: torch.Tensor
    weight: float
    upper_states: torch.Tensor
    lower_states: torch.Tensor


def single_quantum(sector: Sector, offsets: torch.Tensor, tolerance: float) -> list[Coherences]:
    """Diagonalise every block of a sector and collect the coherences that matter.

    Arguments
    ---------
    sector : Sector
        Blocks of the network.
    offsets : torch.Tensor
        Offset of each group from the carrier in rad/s, float64, (groups,).
    tolerance : float
        Between each two blocks the faintest coherences are left out, as many as hold together less than
        (tolerance / 3)^2 of the power, and fewer between small blocks, where they cost little. By Cauchy-Schwarz no
        point of a signal then moves by more than 2/3 tolerance of the first point.

    Returns
    -------
    list[Coherences]
        One entry for each pair of neighbouring blocks.
    """
    energies, states = [], []
    for m_z, coupling in zip(sector.m_z, sector.coupling, strict=True):
        energy, state = torch.linalg.eigh(coupling + torch.diag(m_z @ offsets))
        energies.append(energy)
        states.append(state.float())
    found = []
    for k, raising in enumerate(sector.raising):
        matrix = states[k].T @ (raising.float() @ states[k + 1])
        upper, lower = _strongest(matrix, (tolerance / 3) ** 2 * min(1, matrix.numel() / CHEAP))
        frequency = energies[k][upper] - energies[k + 1][lower]
        found.append(Coherences(upper, lower, matrix[upper, lower], frequency, sector.weight, states[k], states[k + 1]))
    return found


def _strongest(matrix, power_left_out):
    power = matrix.flatten().square()
    ascending, order = torch.sort(power)
    running = torch.cumsum(ascending, 0, dtype=torch.float64)
    kept = order[running > power_left_out * running[-1]].sort().values
    return kept // matrix.shape[1], kept % matrix.shape[1]


def phases(frequency: torch.Tensor, times: int, dwell_s: float, dtype: torch.dtype = torch.complex64) -> torch.Tensor:
    """exp(i frequency t) at t = 0, dwell, 2 dwell, ...

    Phases are reduced to one turn in float64; the exponential is a product of a coarse and a fine step, which needs
    2 sqrt(times) sines for each frequency instead of ``times``.

    Arguments
    ---------
    frequency : torch.Tensor
        Frequencies in rad/s, float64, (lines,).
    times : int
        Number of times.
    dwell_s : float
        Step in seconds.
    dtype : torch.dtype
        Complex type of the result.

    Returns
    -------
    torch.Tensor
        Complex, (lines, times).

    Example
    -------
    >>> phases(torch.tensor([2 * math.pi * 250.0], dtype=torch.float64), 3, 1e-3).imag.round(decimals=4)
    tensor([[0., 1., 0.]])
    """
    coarse, fine = (_unit(angle).to(dtype) for angle in _angles(frequency, times, dwell_s))
    return (coarse[:, :, None] * fine[:, None, :]).flatten(1)[:, :times]


def _angles(frequency, times, dwell_s):
    stride = math.isqrt(times - 1) + 1
    steps = torch.arange(stride, dtype=torch.float64, device=frequency.device) * dwell_s
    return frequency[:, None] * (stride * steps), frequency[:, None] * steps


def _unit(angle):
    angle = torch.remainder(angle, 2 * math.pi)
    return torch.complex(angle.cos(), angle.sin())


def time_basis(lines: list[Coherences], times: int, dwell_s: float, tolerance: float) -> torch.Tensor:
    """Orthonormal time signals that span exp(i frequency t) of all coherences.

    Frequencies come in multiplets much narrower than the spectral width, so a few dozen signals stand for all
    ``times`` points: the leading principal components of the exponentials, each weighted with the power that it
    carries. Less than (tolerance / 10)^2 of the power lies outside.

    Arguments
    ---------
    lines : list[Coherences]
        All coherences of a network.
    times : int
        Number of points, even.
    dwell_s : float
        Step in seconds.
    tolerance : float
        Accuracy asked for, relative to the first point of the signal.

    Returns
    -------
    torch.Tensor
        complex64, (times, basis signals), with orthonormal columns.
    """
    # All in float64: single-precision noise would be taken for signals to keep.
    frequency = torch.cat([part.frequency for part in lines])
    power = torch.cat([part.amplitude.square() * part.weight for part in lines])
    power = power / (power.sum() * times)
    if len(frequency) <= times // 2:
        exponentials = phases(frequency, times, dwell_s, torch.complex128)
        basis, size, _ = torch.linalg.svd(exponentials.T * power.sqrt(), full_matrices=False)
        variance = size.square()
    else:
        coarse, fine = (_unit(angle) for angle in _angles(frequency, times, dwell_s))
        autocorrelation = ((coarse.T * power) @ fine).flatten()[:times]
        variance, basis = _eigh_toeplitz(autocorrelation)
        variance, basis = variance.flip(0).clamp(min=0), basis.flip(1)
    outside = variance.flip(0).cumsum(0).flip(0)
    return basis[:, outside > (tolerance / 10) ** 2].to(torch.complex64)


def _eigh_toeplitz(first_column):
    """Eigenvalues and eigenvectors of a Hermitian Toeplitz matrix of even size.

    Read backwards it is its own conjugate, so in the basis of even and (times i) odd signals about its middle it is
    real: a third of the time of the complex problem.
    """
    size = len(first_column)
    half = size // 2
    lag = torch.arange(half)[:, None] - torch.arange(size)
    rows = torch.where(lag >= 0, first_column[lag.abs()], first_column[lag.abs()].conj())
    near, far = rows[:, :half], rows[:, half:].flip(1)
    cross = (far - near).imag
    real = torch.cat([torch.cat([(near + far).real, cross], 1), torch.cat([cross.T, (near - far).real], 1)])
    value, vector = torch.linalg.eigh(real)
    top = torch.complex(vector[:half], vector[half:]) / math.sqrt(2)
    return value, torch.cat([top, top.conj().flip(0)])


@lru_cache(maxsize=256)
def isotropic_propagator(sector: Sector, mixing_time_s: float) -> tuple[torch.Tensor, ...]:
    """exp(-i H_J t) of every block, where H_J holds the couplings in full and no offsets.

    Arguments
    ---------
    sector : Sector
        Blocks of the network.
    mixing_time_s : float
        Length of the mixing in seconds.

    Returns
    -------
    tuple[torch.Tensor]
        complex64, (states, states) for each block.
    """
    propagators = []
    for coupling in sector.coupling:
        energy, states = torch.linalg.eigh(coupling)
        phase = energy * mixing_time_s
        propagators.append(
            torch.complex((states * phase.cos()) @ states.T, -(states * phase.sin()) @ states.T).to(torch.complex64)
        )
    return tuple(propagators)


def mix(lines: Coherences, signal: torch.Tensor, upper: torch.Tensor, lower: torch.Tensor) -> torch.Tensor:
    """Carry the detected signal of each coherence back through the mixing.

    With U the propagator in the eigenbasis, coherence (a, b) collects sum conj(U[a', a]) signal[(a', b')] U[b', b].
    U is symmetric, so this holds in both directions of time.

    Arguments
    ---------
    lines : Coherences
        The coherences between two blocks.
    signal : torch.Tensor
        complex64, (coherences, basis signals).
    upper : torch.Tensor
        Propagator of the upper block in the product basis, complex64.
    lower : torch.Tensor
        Propagator of the lower block in the product basis, complex64.

    Returns
    -------
    torch.Tensor
        complex64, (coherences, basis signals).
    """
    upper = _in_eigenbasis(upper, lines.upper_states).conj().resolve_conj()
    lower = _in_eigenbasis(lower, lines.lower_states)
    gathered = _padded_product(lines.lower, len(lower), upper[lines.upper], signal)  # (lower', upper, basis)
    by_upper = _slots(lines.upper, len(upper))
    left = lower.new_zeros(len(upper), by_upper.max_count, len(lower))
    left[lines.upper, by_upper.slot] = lower[lines.lower]
    return torch.bmm(left, gathered.transpose(0, 1))[lines.upper, by_upper.slot]


def _in_eigenbasis(propagator, states):
    real, imag = propagator.real.contiguous(), propagator.imag.contiguous()
    return torch.complex(states.T @ (real @ states), states.T @ (imag @ states))


def _padded_product(group, n_groups, left, right):
    """For each group, sum over its members of the outer product of their rows in ``left`` and ``right``."""
    slots = _slots(group, n_groups)
    padded_left = left.new_zeros(n_groups, slots.max_count, left.shape[1])
    padded_right = right.new_zeros(n_groups, slots.max_count, right.shape[1])
    padded_left[group, slots.slot] = left
    padded_right[group, slots.slot] = right
    return torch.bmm(padded_left.transpose(1, 2), padded_right)


@dataclass(frozen=True, eq=False)
class _Slots:
    slot: torch.Tensor
    max_count: int


def _slots(group, n_groups):
    """A running number for each member within its group."""
    count = torch.bincount(group, minlength=n_groups)
    order = torch.argsort(group, stable=True)
    first = torch.cumsum(count, 0) - count
    slot = torch.empty_like(group)
    slot[order] = torch.arange(len(group), device=group.device) - first[group[order]]
    return _Slots(slot, int(count.max()))
