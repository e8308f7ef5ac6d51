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
import scipy.sparse
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
    n_groups = len(system.groups)
    index = {name: i for i, name in enumerate(system.names)}
    pairs = [(index[a], index[b], j) for a, b, j in system.couplings_hz if j != 0]
    graph = scipy.sparse.coo_matrix(
        ([1] * len(pairs), ([a for a, _, _ in pairs], [b for _, b, _ in pairs])), (n_groups,) * 2
    )
    n_networks, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    parts = []
    for part in range(n_networks):
        members = [i for i in range(n_groups) if label[i] == part]
        sizes = [system.groups[i][1] for i in members]
        couplings = [(members.index(a), members.index(b), j) for a, b, j in pairs if a in members]
        parts.append(Network(tuple(members), tuple(_sectors(sizes, couplings, device))))
    return tuple(parts)


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
    dims = [int(2 * spin + 1) for spin in spins]

    def in_product_space(operator, group):
        before, after = math.prod(dims[:group]), math.prod(dims[group + 1 :])
        return scipy.sparse.kron(
            scipy.sparse.kron(scipy.sparse.identity(before), operator), scipy.sparse.identity(after), "csr"
        )

    m_z = np.stack([in_product_space(_z(spin), g).diagonal() for g, spin in enumerate(spins)], axis=1)
    plus = [in_product_space(_plus(spin), g) for g, spin in enumerate(spins)]
    coupling = scipy.sparse.csr_matrix((len(m_z), len(m_z)))
    for a, b, j_hz in couplings:
        flip_flop = plus[a] @ plus[b].T
        coupling += 2 * math.pi * j_hz * (scipy.sparse.diags(m_z[:, a] * m_z[:, b]) + (flip_flop + flip_flop.T) / 2)
    total_plus = sum(plus).tocsr()
    # Twice M is an integer, M itself may be a half.
    twice_m = np.rint(2 * m_z.sum(axis=1)).astype(int)
    blocks = [np.flatnonzero(twice_m == m) for m in sorted(set(twice_m), reverse=True)]
    energies, states = zip(*(np.linalg.eigh(coupling[block][:, block].toarray()) for block in blocks), strict=True)
    # In the product basis I_z is diagonal; in the eigenbasis of the couplings it no longer is.
    turned_z = [
        np.einsum("ia,ig,ib->gab", state, m_z[block], state, optimize=True)
        for block, state in zip(blocks, states, strict=True)
    ]
    turned_plus = [
        states[k].T @ (total_plus[blocks[k]][:, blocks[k + 1]] @ states[k + 1]) for k in range(len(blocks) - 1)
    ]
    return energies, turned_z, turned_plus


def _z(spin):
    return scipy.sparse.diags(np.arange(spin, -spin - 1, -1))


def _plus(spin):
    m = np.arange(spin - 1, -spin - 1, -1)  # of the state that is raised
    return scipy.sparse.diags(np.sqrt(spin * (spin + 1) - m * (m + 1)), 1, shape=(len(m) + 1,) * 2)
