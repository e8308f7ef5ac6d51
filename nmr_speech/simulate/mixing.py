"""What a TOCSY mixing does to coherences: ideal isotropic mixing, a continuous spin-lock, or a train of pulses."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from nmr_speech.simulate.acquisition import Acquisition
from nmr_speech.simulate.coherences import Coherences, Eigenstates, hamiltonian
from nmr_speech.simulate.fid import echo_to_states
from nmr_speech.simulate.spin_system import Sector
from nmr_speech.simulate.time_signals import piece_size
from nmr_speech.simulate.trains import TRAINS

Transfer = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""From the detected signals of coherences, (R, K, N), to what each contributes with its order kept, and inverted."""
Transfers = Iterator[tuple[Coherences, Transfer]]


@dataclass(frozen=True)
class IsotropicMixing:
    """Ideal mixing: couplings act in full, offsets not at all (Braunschweiler and Ernst 1983).

    All coherences keep their order. doi:10.1016/0022-2364(83)90226-3.

    Arguments
    ---------
    mixing_time_s : float
        Length in seconds.
    """

    mixing_time_s: float

    def elements(self, sector: Sector) -> int:
        """Count the matrix elements of the propagators of a sector."""
        return sum(len(energy) ** 2 for energy in sector.energy)

    def transfers(self, eigenstates: Eigenstates, coherences: Sequence[Coherences]) -> Transfers:
        """Yield the coherences between each two blocks of a sector, and how the mixing transfers them."""
        propagators = [
            _propagator(energy * self.mixing_time_s, states)
            for energy, states in zip(eigenstates.sector.energy, eigenstates.states, strict=True)
        ]
        for part, (upper, lower) in zip(coherences, itertools.pairwise(propagators), strict=True):
            # As defaults, because the loop moves on before the transfer is called.
            def transfer(signal, part=part, upper=upper, lower=lower):
                mixed = mix(part, signal, upper, lower)
                return mixed, mixed

            yield part, transfer

    @staticmethod
    def channels(anti_echo: torch.Tensor, echo: torch.Tensor) -> torch.Tensor:
        """Combine P and N signals, (R, n_transients, ...), to cosine and sine channel, (R, 2, n_transients, ...)."""
        return torch.stack(echo_to_states(echo, anti_echo), 1)


@dataclass(frozen=True)
class SpinLock:
    """A continuous lock along x or y, together with offsets and couplings in full.

    Arguments
    ---------
    mixing_time_s : float
        Length in seconds.
    lock_rad_s : float
        Strength in rad/s.
    """

    mixing_time_s: float
    lock_rad_s: float

    def elements(self, sector: Sector) -> int:
        """Count the matrix elements of the propagator of a sector, in which the lock joins all blocks."""
        return sum(map(len, sector.energy)) ** 2

    def transfers(self, eigenstates: Eigenstates, coherences: Sequence[Coherences]) -> Transfers:
        """Yield all coherences of the sector, and how the lock along x transfers them.

        A lock along y is a lock along x after a quarter turn about z: it transfers coherences that keep their order in
        the same way, and those that invert it with the opposite sign.
        """
        sector = eigenstates.sector
        # The lock turns I_z states into one another, so the sector is one block, with all coherences in one tensor.
        starts = [0, *itertools.accumulate(map(len, sector.energy))]
        joined = Coherences(
            torch.cat([part.upper + starts[k] for k, part in enumerate(coherences)], 1),
            torch.cat([part.lower + starts[k + 1] for k, part in enumerate(coherences)], 1),
            torch.cat([part.amplitude for part in coherences], 1),
            torch.cat([part.frequency for part in coherences], 1),
            sector.weight,
            sum(part.n_all for part in coherences),
        )
        propagator = self.propagator(eigenstates, starts)

        def transfer(signal):
            kept = mix(joined, signal, propagator, propagator)
            return kept, mix(joined, signal, propagator, propagator, (joined.lower, joined.upper))

        yield joined, transfer

    def propagator(self, eigenstates: Eigenstates, starts: Sequence[int]) -> torch.Tensor:
        """Transpose of the propagator, complex64, (R, states, states), in the eigenbasis of free precession.

        ``starts`` are the first states of the sector's blocks, and the number of all states at the end.
        """
        energy, vector, states = _locked(eigenstates, starts, self.lock_rad_s)
        return _propagator(energy * self.mixing_time_s, vector.float().mT @ states)

    @staticmethod
    def channels(kept: torch.Tensor, inverted: torch.Tensor) -> torch.Tensor:
        """Signals after a lock along x and after one along y, (R, 2, n_transients, n_points)."""
        return torch.stack([kept - inverted, kept + inverted], 1)


@dataclass(frozen=True)
class PulseTrain(SpinLock):
    """A windowless train of pulses of one strength, together with offsets and couplings in full.

    Arguments
    ---------
    mixing_time_s : float
        Wanted length in seconds; the nearest whole number of cycles is applied, at least one.
    lock_rad_s : float
        Strength of the pulses in rad/s.
    cycle : tuple[tuple[float, int], ...]
        Flip angle in degrees and phase in quarter turns of each pulse; see `nmr_speech.simulate.trains`.
    trim_s : float
        Length of a pulse along x before and after the train, in seconds.

    Example
    -------
    >>> train = PulseTrain(0.06, 2 * math.pi * 1e4, ((90, 0), (180, 1), (90, 0)))
    >>> train.n_cycles, round(train.cycle_s, 6)
    (600, 0.0001)
    """

    cycle: tuple[tuple[float, int], ...]
    trim_s: float = 0.0

    @property
    def cycle_s(self) -> float:
        """Length of a cycle in seconds."""
        return math.radians(sum(degrees for degrees, _ in self.cycle)) / self.lock_rad_s

    @property
    def n_cycles(self) -> int:
        """Number of cycles."""
        return max(1, round(self.mixing_time_s / self.cycle_s))

    def propagator(self, eigenstates: Eigenstates, starts: Sequence[int]) -> torch.Tensor:
        """Transpose of the propagator; see `SpinLock.propagator`."""
        energy, vector, states = _locked(eigenstates, starts, self.lock_rad_s)
        vector = vector.float()
        block = torch.arange(len(starts) - 1, device=vector.device).repeat_interleave(
            torch.tensor([stop - start for start, stop in itertools.pairwise(starts)], device=vector.device)
        )
        # A pulse of another phase is one along x between turns about z, and I_z falls by one from block to block.
        turn = [
            torch.polar(torch.ones(len(block), device=block.device), phase * math.pi / 2 * block) for phase in range(4)
        ]
        pulses: dict[float, torch.Tensor] = {}
        cycle = None
        for degrees, phase in self.cycle:
            if degrees not in pulses:
                pulses[degrees] = _propagator(energy * (math.radians(degrees) / self.lock_rad_s), vector.mT)
            pulse = turn[phase][:, None] * pulses[degrees] * turn[phase].conj()
            cycle = pulse if cycle is None else pulse @ cycle
        whole = torch.linalg.matrix_power(cycle, self.n_cycles)
        if self.trim_s > 0:
            trim = _propagator(energy * self.trim_s, vector.mT)
            whole = trim @ whole @ trim
        complex_states = states.to(whole.dtype)
        return (complex_states.mT @ whole @ complex_states).mT.contiguous()


def _locked(eigenstates, starts, lock_rad_s):
    """Eigenvalues and eigenvectors of a lock along x with all else, and the states of free precession."""
    sector, offsets = eigenstates.sector, eigenstates.offsets
    blocks = [slice(*ends) for ends in itertools.pairwise(starts)]
    locked = offsets.new_zeros(len(offsets), starts[-1], starts[-1])
    states = torch.zeros_like(locked, dtype=torch.float32)
    for k, block in enumerate(blocks):
        locked[:, block, block] = hamiltonian(sector, k, offsets)
        states[:, block, block] = eigenstates.states[k]
    for raising, (upper, lower) in zip(sector.raising, itertools.pairwise(blocks), strict=True):
        # lock I_x = lock (I+ + I-) / 2
        locked[:, upper, lower] = lock_rad_s / 2 * raising
        locked[:, lower, upper] = lock_rad_s / 2 * raising.T
    return *torch.linalg.eigh(locked), states


Mixing = IsotropicMixing | SpinLock | PulseTrain


def mixing_of(acquisition: Acquisition) -> Mixing:
    """Choose the mixing of a pulse sequence, with its times in seconds and its lock in rad/s.

    Example
    -------
    >>> mixing_of(Acquisition(mixing_time_s=0.08))
    IsotropicMixing(mixing_time_s=0.08)
    """
    if acquisition.sequence == "isotropic":
        return IsotropicMixing(acquisition.mixing_time_s)
    lock_rad_s = 2 * math.pi * acquisition.lock_hz
    if acquisition.sequence == "spin_lock":
        return SpinLock(acquisition.mixing_time_s, lock_rad_s)
    return PulseTrain(acquisition.mixing_time_s, lock_rad_s, TRAINS[acquisition.sequence], acquisition.trim_s)


def _propagator(phase, states):
    """exp(-i phase) of the rows of ``states``, (R, rows, columns), as a symmetric matrix (R, columns, columns)."""
    # float32 only after the cosine and the sine: a phase may be thousands of turns.
    cos, sin = (turn(phase).float()[..., None] * states for turn in (torch.cos, torch.sin))
    return torch.complex(states.mT @ cos, -(states.mT @ sin))


def mix(
    coherences: Coherences,
    signal: torch.Tensor,
    upper: torch.Tensor,
    lower: torch.Tensor,
    targets: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:
    """Carry the detected signal of each coherence back through the mixing.

    With U the propagator in the eigenbasis, coherence (a, b) collects sum conj(U[a', a]) signal[(a', b')] U[b', b].
    For ideal mixing and a continuous lock U is symmetric, and its own transpose.

    Arguments
    ---------
    coherences : Coherences
        The coherences between two blocks.
    signal : torch.Tensor
        complex64, (R, K, N).
    upper : torch.Tensor
        Transpose of the propagator of the upper block, (R, m, m).
    lower : torch.Tensor
        Transpose of the propagator of the lower block, (R, n, n).
    targets : tuple[torch.Tensor, torch.Tensor] | None
        Indices (a, b) of the coherences to compute, each (R, K); None for those of ``coherences``.

    Returns
    -------
    torch.Tensor
        complex64, (R, K, N).

    Example
    -------
    >>> from nmr_speech.simulate.spin_system import SpinSystem, networks
    >>> (sector,) = networks(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}))[0].sectors
    >>> offsets = torch.tensor([[6000.0, -6000.0], [6100.0, -6000.0]], dtype=torch.float64)  # of two recordings
    >>> from nmr_speech.simulate.coherences import diagonalise, single_quantum
    >>> states = diagonalise(sector, offsets)
    >>> coherences = single_quantum(states, tolerance=0.0)
    >>> signal = torch.ones(2, 2, 1, dtype=torch.complex64)
    >>> _, transfer = next(IsotropicMixing(1 / 14).transfers(states, coherences))
    >>> transfer(signal)[0].abs()[0].flatten().round(decimals=2)  # after 1 / (2 J) they are exchanged: norms are kept
    tensor([1., 1.])
    """
    target_upper, target_lower = (coherences.upper, coherences.lower) if targets is None else targets
    # Two matrix products, for sources with the same b and then for targets with the same a', in place of one product of
    # all coherences with all coherences. Groups of similar size share a product, so few rows are padded.
    sources, wanted = _Groups(coherences.lower, lower.shape[-1]), _Groups(target_upper, upper.shape[-1])
    # From here on the recordings' tables lie one below the other, and indices are row numbers in all of them.
    source_upper = _with_blank(_row_numbers(coherences.upper, upper)).flatten()
    target_lower = _with_blank(_row_numbers(target_lower, lower)).flatten()
    lower = lower.gather(2, sources.order[:, None, : sources.n_filled].expand(-1, lower.shape[1], -1)).flatten(0, 1)
    upper = _rows(upper.flatten(0, 1), _row_numbers(wanted.order, upper)).conj().mT  # (R, a', a)
    signal_shape, signal = signal.shape, _with_blank(signal).flatten(0, 1)
    mixed = torch.zeros_like(signal)
    most = piece_size(signal) // (signal_shape[0] * lower.shape[1] * signal_shape[2])
    groups = [(first, last, group.transpose(0, 1).flatten(0, 1)) for first, last, group in sources.pieces()]
    parts = [(first, last, _rows(source_upper, group), _rows(signal, group)) for first, last, group in groups]
    for start, stop, members in wanted.pieces(max(1, most)):
        propagator = upper[..., start:stop].resolve_conj().flatten(0, 1)  # (R x a', a)
        # Recordings inside, so that the second product needs no copy.
        gathered = signal.new_empty(sources.n_filled, signal_shape[0], stop - start, signal_shape[2])  # (b', R, a, N)
        for first, last, source, signals in parts:
            torch.bmm(_rows(propagator, source).mT, signals, out=gathered[first:last].flatten(0, 1))
        passed_on = _rows(lower, _rows(target_lower, members)) @ gathered.movedim(0, 2)  # (R, a, slots, N)
        mixed[members.flatten()] = passed_on.flatten(0, 2)
    return mixed.unflatten(0, (signal_shape[0], -1))[:, :-1]


class _Groups:
    """Members of each group side by side, groups with many members first.

    Members are row numbers in the recordings' tables of K + 1 rows each; the last row stands for what is missing.

    Arguments
    ---------
    group : torch.Tensor
        The group of each member, (R, K).
    n_groups : int
        Number of groups.
    """

    def __init__(self, group, n_groups):
        recordings, n_members = group.shape
        count = torch.zeros(recordings, n_groups, dtype=torch.long, device=group.device)
        count.scatter_add_(1, group, torch.ones_like(group))
        count, self.order = count.sort(dim=1, descending=True, stable=True)
        number = torch.arange(max(n_groups, n_members + 1), device=group.device).expand(recordings, -1)
        rank = torch.empty_like(self.order).scatter_(1, self.order, number[:, :n_groups])
        group, member = rank.gather(1, group).sort(dim=1, stable=True)
        slot = number[:, :n_members] - (count.cumsum(1) - count).gather(1, group)
        self.largest = [n for n in count.amax(0).tolist() if n > 0]
        self.n_filled = len(self.largest)
        members = torch.full((recordings, n_groups * self.largest[0]), n_members, device=group.device)
        members.scatter_(1, group * self.largest[0] + slot, member)
        self.members = _row_numbers(members, number[:, : n_members + 1]).unflatten(1, (n_groups, -1))

    def pieces(self, most=None):
        """Yield runs of at most ``most`` groups of similar size: start, stop and members, (R, groups, slots)."""
        start = 0
        while start < self.n_filled:
            similar = sum(n > 0.6 * self.largest[start] for n in self.largest[start:])
            stop = start + min(similar, most or similar)
            yield start, stop, self.members[:, start:stop, : self.largest[start]]
            start = stop


def _row_numbers(index, tables):
    """Row numbers in all tables, one below the other, of an index into each; (R, ...) of (R, rows, ...)."""
    return index + torch.arange(len(tables), device=index.device)[:, None] * tables.shape[1]


def _rows(table, numbers):
    return table.index_select(0, numbers.flatten()).unflatten(0, numbers.shape)


def _with_blank(values):
    """Append a row of zeros for the members that are missing; (R, K, ...) to (R, K + 1, ...)."""
    return torch.cat([values, torch.zeros_like(values[:, :1])], 1)
