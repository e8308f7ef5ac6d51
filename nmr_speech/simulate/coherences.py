"""Single-quantum coherences of a batch of recordings: between which states, how strong, and at what frequency.

All is exact but that coherences too faint to matter are left out, which ``tolerance`` controls.

Shapes: R recordings of one spin system, K coherences between two blocks of states.
"""

from dataclasses import dataclass

import torch

from nmr_speech.simulate.spin_system import Sector

CHEAP = 10_000  # matrix elements; below, leaving out coherences costs accuracy and saves hardly any time


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
    >>> [(part.frequency[0] / (2 * torch.pi)).round().tolist() for part in coherences]  # two doublets
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
    power = amplitude.square()
    total = power.sum(1, keepdim=True, dtype=torch.float64)
    # All that are below an equal share of the power to leave out are left out, so only the others need sorting.
    above = power > power_left_out * total / power.shape[1]
    strongest, order = torch.topk(power, max(1, int(above.sum(1).max())), dim=1)
    ascending, order = strongest.flip(1).double(), order.flip(1)
    running = (total - ascending.sum(1, keepdim=True)).clamp(min=0) + torch.cumsum(ascending, 1)
    # As many for each recording, so the count is that of the recording which needs most.
    matters = running > power_left_out * total
    first = matters.shape[1] - int(matters.sum(1).max())
    kept = order[:, first:]
    return kept, amplitude.gather(1, kept) * matters[:, first:]
