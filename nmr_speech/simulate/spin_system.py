"""Coupled networks of proton groups, split into the blocks that spin dynamics leaves separate.

Magnetically equivalent protons act as composite spins: three methyl protons are one spin 3/2 and, twice, one spin 1/2.
Each choice of composite spins is a `Sector`. Inside a sector the Hamiltonian conserves the total M_z, so it is kept as
blocks of equal M_z, and the raising operator I+ only joins neighbouring blocks.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from nmr_speech.checks import InputError, is_number, one_of, quoted, whole


@dataclass(frozen=True, init=False)
class SpinSystem:
    """Groups of equivalent protons and the couplings between them.

    Arguments
    ---------
    groups : Mapping[str, int]
        Number of protons in each group, by name; shifts that are given in a list follow this order.
    couplings_hz : Mapping[tuple[str, str], float]
        Scalar coupling in Hz of each pair of groups. Couplings within a group have no effect on spectra and are
        refused.

    Example
    -------
    >>> alanine = SpinSystem({"HA": 1, "MB": 3}, {("HA", "MB"): 7.234})
    >>> alanine.n_protons
    4
    """

    groups: tuple[tuple[str, int], ...]
    couplings_hz: tuple[tuple[str, str, float], ...]

    def __init__(self, groups: Mapping[str, int], couplings_hz: Mapping[tuple[str, str], float]):
        for name, n_protons in groups.items():
            whole(f"number of protons in group {name}", n_protons, 1, 9)
        for pair, coupling_hz in couplings_hz.items():
            if len(set(pair)) != 2:
                raise InputError(f"a coupling must join two groups, got {quoted(pair)}")
            for name in pair:
                one_of("couplings_hz", name, tuple(groups))
            if not is_number(coupling_hz):
                raise InputError(
                    f"the coupling of {quoted(pair)} must be a finite number of Hz, got {quoted(coupling_hz)}"
                )
        if len({frozenset(pair) for pair in couplings_hz}) != len(couplings_hz):
            raise InputError("`couplings_hz` must name each pair of groups once; one is given in both orders")
        object.__setattr__(self, "groups", tuple(groups.items()))
        object.__setattr__(self, "couplings_hz", tuple((*pair, float(j)) for pair, j in couplings_hz.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups, in order."""
        return tuple(name for name, _ in self.groups)

    @property
    def n_protons(self) -> int:
        """Number of protons: the first point of every signal."""
        return sum(n_protons for _, n_protons in self.groups)


@dataclass(frozen=True, eq=False)
class Sector:
    """One choice of composite spins of a network, as blocks of decreasing total M_z (float64).

    The states of each block are eigenstates of the couplings alone, so that ideal isotropic mixing is one phase for
    each state.

    Arguments
    ---------
    weight : float
        Multiplicity of the choice, normalised so that all sectors of a network sum to its number of protons.
    energy : tuple[torch.Tensor]
        For each block, the eigenvalues of the coupling Hamiltonian 2 pi sum J I.I in rad/s, (states,).
    m_z : tuple[torch.Tensor]
        For each block, I_z of every group, (groups, states, states).
    raising : tuple[torch.Tensor]
        For each pair of neighbouring blocks, I+ from the lower to the upper one, (upper states, lower states).
    """

    weight: float
    energy: tuple[torch.Tensor, ...]
    m_z: tuple[torch.Tensor, ...]
    raising: tuple[torch.Tensor, ...]


@dataclass(frozen=True, eq=False)
class Network:
    """A connected part of a spin system: the positions of its groups, and its sectors."""

    group_indices: tuple[int, ...]
    sectors: tuple[Sector, ...]


@lru_cache(maxsize=64)
def networks(system: SpinSystem, device: str = "cpu") -> tuple[Network, ...]:
    """Split a spin system into uncoupled networks and each network into sectors.

    Arguments
    ---------
    system : SpinSystem
        The spin system; results are cached for the last 64.
    device : str
        Device of the sectors' tensors.

    Returns
    -------
    tuple[Network]

    Example
    -------
    >>> ethyl = SpinSystem({"CH2": 2, "CH3": 3}, {("CH2", "CH3"): 7.0})
    >>> [len(network.sectors) for network in networks(ethyl)]  # (1, 0) x (3/2, 1/2)
    [4]
    """
    index = {name: i for i, name in enumerate(system.names)}
    parts = []
    for members in connected(system):
        sizes = [system.groups[i][1] for i in members]
        place = {i: k for k, i in enumerate(members)}
        pairs = [(index[a], index[b], j) for a, b, j in system.couplings_hz if j != 0 and index[a] in place]
        couplings = [(place[a], place[b], j) for a, b, j in pairs]
        parts.append(Network(members, tuple(_sectors(sizes, couplings, device))))
    return tuple(parts)


def connected(system: SpinSystem) -> list[tuple[int, ...]]:
    """Split the groups of a spin system into those that couplings connect, by position; a coupling of 0 Hz does not.

    Example
    -------
    >>> connected(SpinSystem({"A": 1, "B": 1, "C": 3}, {("C", "A"): 7.0}))
    [(0, 2), (1,)]
    """
    part = list(range(len(system.groups)))
    index = {name: i for i, name in enumerate(system.names)}
    for a, b, j in system.couplings_hz:
        if j != 0:
            old, new = part[index[a]], part[index[b]]
            part = [new if one == old else one for one in part]
    return [tuple(i for i, one in enumerate(part) if one == label) for label in dict.fromkeys(part)]


def largest_block(system: SpinSystem) -> int:
    """Count the states of equal M_z in the largest block of a spin system: what the time of a simulation depends on.

    Example
    -------
    >>> largest_block(SpinSystem({"CH2": 2, "CH3": 3}, {("CH2", "CH3"): 7.0}))  # of spins 1 and 3/2
    3
    """
    largest = 1
    for members in connected(system):
        ways = np.ones(1, dtype=int)
        for i in members:
            ways = np.convolve(ways, np.ones(system.groups[i][1] + 1, dtype=int))
        largest = max(largest, int(ways.max()))
    return largest


def _sectors(sizes, couplings, device):
    # Tr(I- I+) over n spins 1/2 is n 2^n / 2; with this factor the first point of a signal is n.
    norm = 2 / 2 ** sum(sizes)
    for choice in itertools.product(*(composite_spins(n) for n in sizes)):
        spins = [spin for spin, _ in choice]
        if any(spins):
            blocks = _blocks(spins, couplings)
            weight = norm * math.prod(multiplicity for _, multiplicity in choice)
            yield Sector(weight, *(tuple(torch.from_numpy(block).to(device) for block in part) for part in blocks))


def composite_spins(n_protons: int) -> list[tuple[float, int]]:
    """Total spins of ``n_protons`` equivalent spins 1/2, and the number of times that each occurs.

    Example
    -------
    >>> composite_spins(3)
    [(1.5, 1), (0.5, 2)]
    """
    # n spins reach M = n/2 - k in C(n, k) ways; those not part of a larger total spin belong to spin n/2 - k.
    below = [0, *(math.comb(n_protons, k) for k in range(n_protons // 2 + 1))]
    return [(n_protons / 2 - k, below[k + 1] - below[k]) for k in range(n_protons // 2 + 1)]


def _blocks(spins, couplings):
    """Energies, I_z and I+ of every block of equal M_z, in the eigenbasis of the couplings."""
    product = _ProductStates(spins)
    energies, states = zip(*map(np.linalg.eigh, product.coupling(couplings)), strict=True)
    # In the product basis I_z is diagonal; in the eigenbasis of the couplings it no longer is.
    turned_z = [
        (state.T * product.m_z[:, None, block]) @ state for block, state in zip(product.blocks, states, strict=True)
    ]
    turned_plus = [
        upper.T @ plus @ lower
        for plus, (upper, lower) in zip(product.raising(), itertools.pairwise(states), strict=True)
    ]
    return energies, turned_z, turned_plus


class _ProductStates:
    """Product states of composite spins, in blocks of equal M_z, and the matrix elements between them.

    By index arithmetic: I+ of a group moves a state by a fixed stride. For systems of a few spins, sparse Kronecker
    products took several times as long as a recording.
    """

    def __init__(self, spins):
        self.dims = [int(2 * spin + 1) for spin in spins]
        self.digits = np.indices(self.dims).reshape(len(spins), -1)  # 0 is the highest m of a group
        self.spin = np.array(spins)[:, None]
        self.m_z = self.spin - self.digits
        self.stride = np.cumprod([1, *self.dims[:0:-1]])[::-1]
        twice_m = np.rint(2 * self.m_z.sum(axis=0)).astype(int)  # M itself may be a half
        self.block_of = (twice_m.max() - twice_m) // 2
        self.blocks = [np.flatnonzero(self.block_of == k) for k in range(self.block_of.max() + 1)]
        self.size = np.array([len(block) for block in self.blocks])
        self.place = np.empty(len(twice_m), dtype=int)
        for block in self.blocks:
            self.place[block] = np.arange(len(block))

    def coupling(self, couplings):
        """2 pi sum J I.I in rad/s, block by block."""
        # All blocks lie one after the other in one flat array, so that each coupling is added in one go.
        start = np.concatenate([[0], np.cumsum(self.size**2)])
        flat, diagonal = np.zeros(start[-1]), np.zeros(len(self.place))
        raised, lowered = self._ladder(1), self._ladder(-1)
        for a, b, j_hz in couplings:
            diagonal += 2 * math.pi * j_hz * self.m_z[a] * self.m_z[b]
            (state,) = np.nonzero((self.digits[a] > 0) & (self.digits[b] < self.dims[b] - 1))
            other = state - self.stride[a] + self.stride[b]
            value = math.pi * j_hz * raised[a, state] * lowered[b, state]
            first, width = start[self.block_of[state]], self.size[self.block_of[state]]
            flat[first + self.place[other] * width + self.place[state]] += value
            flat[first + self.place[state] * width + self.place[other]] += value
        for block, first, n in zip(self.blocks, start, self.size, strict=False):
            yield flat[first : first + n**2].reshape(n, n) + np.diag(diagonal[block])

    def raising(self):
        """I+ of all groups, from each block to the one above it."""
        shapes = list(itertools.pairwise(self.size))
        start = np.concatenate([[0], np.cumsum([upper * lower for upper, lower in shapes])]).astype(int)
        flat, raised = np.zeros(start[-1]), self._ladder(1)
        for group, stride in enumerate(self.stride):
            (state,) = np.nonzero(self.digits[group] > 0)
            above = self.block_of[state] - 1
            flat[start[above] + self.place[state - stride] * self.size[above + 1] + self.place[state]] += raised[
                group, state
            ]
        return [flat[first : first + m * n].reshape(m, n) for first, (m, n) in zip(start, shapes, strict=False)]

    def _ladder(self, step):
        """Matrix element of I+ (step 1) or I- (step -1) of each group from each state."""
        return np.sqrt(self.spin * (self.spin + 1) - self.m_z * (self.m_z + step))
