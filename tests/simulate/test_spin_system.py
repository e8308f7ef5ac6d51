"""Blocks of coupled networks, against Kronecker products of matrices."""

import itertools
import math
from functools import reduce

import numpy as np
import pytest

from nmr_speech.simulate import SpinSystem, draw_molecule, load_residue
from nmr_speech.simulate.spin_system import composite_spins, connected, largest_block, networks

SYSTEMS = [
    load_residue("THR").system,
    load_residue("TYR", "d2o").system,
    SpinSystem({"A": 2, "B": 3, "C": 1}, {("A", "B"): 7.0, ("C", "B"): -3.0}),
    draw_molecule(4).system,
]


def operators(spins):
    """I_z and I+ of every group in the product space, dense."""

    def in_space(matrix, group):
        parts = [np.eye(int(2 * s + 1)) for s in spins]
        parts[group] = matrix
        return reduce(np.kron, parts)

    z = [in_space(np.diag(np.arange(s, -s - 1, -1)), g) for g, s in enumerate(spins)]
    plus = []
    for g, s in enumerate(spins):
        m = np.arange(s - 1, -s - 1, -1)
        plus.append(in_space(np.diag(np.sqrt(s * (s + 1) - m * (m + 1)), 1), g))
    return z, plus


@pytest.mark.parametrize("system", SYSTEMS)
def test_blocks_are_those_of_kronecker_products(system):
    index = {name: i for i, name in enumerate(system.names)}
    for network in networks(system):
        members = list(network.group_indices)
        couplings = [(index[a], index[b], j) for a, b, j in system.couplings_hz if index[a] in members]
        choices = [
            [spin for spin, _ in choice]
            for choice in np.array(
                np.meshgrid(*(range(len(composite_spins(system.groups[i][1]))) for i in members))
            ).T.reshape(-1, len(members))
            for choice in [[composite_spins(system.groups[i][1])[k] for i, k in zip(members, choice, strict=True)]]
        ]
        choices = [spins for spins in choices if any(spins)]
        assert len(choices) == len(network.sectors)
        # Eigenvalues of the couplings tell the sectors apart whatever their order.
        wanted = sorted(spectrum(spins, couplings, members) for spins in choices)
        found = sorted(
            np.sort(np.concatenate([e.numpy() for e in s.energy])).round(6).tolist() for s in network.sectors
        )
        for one, two in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)


def spectrum(spins, couplings, members):
    z, plus = operators(spins)
    total = np.zeros_like(z[0])
    for a, b, j in couplings:
        a, b = members.index(a), members.index(b)  # noqa: PLW2901
        flip = plus[a] @ plus[b].T
        total += 2 * math.pi * j * (z[a] @ z[b] + (flip + flip.T) / 2)
    return np.sort(np.linalg.eigvalsh(total)).round(6).tolist()


@pytest.mark.parametrize("system", SYSTEMS)
def test_operators_obey_their_algebra(system):
    # In any basis: [I_z, I+] = I+, and the sum of the squares of all I+ counts the protons once for each sector.
    total = 0.0
    for network in networks(system):
        for sector in network.sectors:
            for k, raising in enumerate(sector.raising):
                upper, lower = sector.m_z[k].sum(0), sector.m_z[k + 1].sum(0)
                np.testing.assert_allclose((upper @ raising - raising @ lower).numpy(), raising.numpy(), atol=1e-9)
                total += sector.weight * raising.square().sum().item()
    assert total == pytest.approx(system.n_protons)


def test_the_states_of_a_block_are_counted():
    for system in SYSTEMS:
        largest = max(len(e) for network in networks(system) for sector in network.sectors for e in sector.energy)
        assert largest_block(system) == largest


def test_a_chain_is_one_network_whatever_the_order_of_its_couplings():
    names = "ABCDEF"
    chain = list(itertools.pairwise(names))
    for order in (chain, chain[::-1], chain[::2] + chain[1::2]):
        system = SpinSystem(dict.fromkeys(names, 1), dict.fromkeys(order, 7.0))
        assert connected(system) == [tuple(range(6))]
    assert len(connected(SpinSystem({"A": 1, "B": 1}, {("A", "B"): 0.0}))) == 2
