"""First-order TOCSY of many molecules at once: a fraction of a millisecond a recording, as lines and not as an FID.

A recording is a sum over pairs of lines, ``signal(t1, t2) = sum_kl a_k(t1) T_kl b_l(t2)``. The lines ``a`` and ``b``
are those of a spectrum in which all couplings are far smaller than the differences of shifts, and T says how isotropic
mixing transfers them. Approximations, where `nmr_speech.simulate.tocsy` is exact:

- no strong coupling: a group has its own frequency, and its multiplet is a product of cosines;
- of the mixing, only the transfer of magnetisation in phase: T_kl = |exp(-i pi tau L)_kl|^2, with L the Laplacian of
  the couplings between protons, as for one flipped spin among aligned ones. Rows sum to one as in the exact case;
- two single protons that are coupled to one another alone are an exception: their four lines and the transfers between
  them are exact in the limit of weak coupling.

`benchmarks/molecules` states the error. Good enough to pretrain on, never to test on.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from nmr_speech.checks import InputError
from nmr_speech.simulate.acquisition import STANDARD, Acquisition
from nmr_speech.simulate.fid import echo_to_states, envelope, times_s
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.spin_system import SpinSystem, connected


@dataclass(frozen=True, eq=False)
class Lines:
    """Recordings as lines: N of them in each, those that a recording does not need without amplitude.

    Arguments
    ---------
    t1 : torch.Tensor
        Each line as it evolves in t1, complex64, (R, N, P).
    t2 : torch.Tensor
        Each line as it is detected in t2, complex64, (R, N, Q).
    transfer : torch.Tensor
        Amplitude with which a line of t1 becomes one of t2, complex64, (R, N, N).
    frequency : torch.Tensor
        Offset of each line from the carrier in rad/s, float64, (R, N).
    """

    t1: torch.Tensor
    t2: torch.Tensor
    transfer: torch.Tensor
    frequency: torch.Tensor

    def fid(self) -> torch.Tensor:
        """Return the States pair of every recording, complex64, (R, 2, P, Q).

        The lines are those of the anti-echo. In t1 its echo is the same with the opposite sign of time, and as the
        transfers between lines of opposite splitting are conjugates, cosine and sine are simple for lines alone.
        """
        detected = self.transfer @ self.t2
        anti_echo = self.t1.mT @ detected
        echo = self.t1.mH @ detected
        return torch.stack(echo_to_states(echo, anti_echo), 1)


@dataclass(frozen=True, eq=False)
class _Pathways:
    """What does not change from recording to recording of a spin system.

    Arguments
    ---------
    group : np.ndarray
        Group of each line, (N,).
    split_hz : np.ndarray
        Distance of each line from the shift of its group, (N,).
    couplings : tuple[tuple[int, float, int], ...]
        Line, coupling in Hz and number of protons at the other end, of all multiplets that are products of cosines.
    transfer : np.ndarray
        Complex, (N, N).
    """

    group: np.ndarray
    split_hz: np.ndarray
    couplings: tuple[tuple[int, float, int], ...]
    transfer: np.ndarray


@torch.no_grad()
def first_order(
    molecules: Sequence[Molecule | SpinSystem], shifts_ppm: Sequence[np.ndarray], acquisition: Acquisition = STANDARD
) -> Lines:
    """Simulate recordings of several molecules to first order.

    Arguments
    ---------
    molecules : Sequence[Molecule | SpinSystem]
        The molecules.
    shifts_ppm : Sequence[np.ndarray]
        For each molecule the shifts of its recordings in ppm, (recordings, groups), as `Molecule.draw_shifts` gives
        them. Lines outside the spectral width fold.
    acquisition : Acquisition
        Axes, mixing time and decay. The mixing is isotropic and the quadrature "states".

    Returns
    -------
    Lines
        Recordings of the first molecule, then those of the second, and so on.

    Example
    -------
    >>> from nmr_speech.simulate import draw_molecule
    >>> molecules, rng = [draw_molecule(seed) for seed in range(3)], np.random.default_rng(0)
    >>> lines = first_order(molecules, [molecule.draw_shifts(rng, 2) for molecule in molecules])
    >>> lines.fid().shape
    torch.Size([6, 2, 256, 256])
    """
    if acquisition.sequence != "isotropic" or acquisition.quadrature != "states" or acquisition.adc_bits is not None:
        raise InputError("first order knows `sequence` isotropic, `quadrature` states and no `adc_bits`; use `tocsy`")
    systems = [one.system if isinstance(one, Molecule) else one for one in molecules]
    paths = [_pathways(system, acquisition.mixing_time_s) for system in systems]
    counts = [len(rows) for rows in shifts_ppm]
    recordings, most = sum(counts), max(len(path.group) for path in paths)
    offset_hz, transfer = np.zeros((recordings, most)), np.zeros((recordings, most, most), dtype=np.complex64)
    row = 0
    for path, shifts in zip(paths, shifts_ppm, strict=True):
        rows, n = slice(row, row + len(shifts)), len(path.group)
        ppm = np.asarray(shifts)[:, path.group] - acquisition.carrier_ppm
        offset_hz[rows, :n] = acquisition.field_mhz * ppm + path.split_hz
        transfer[rows, :n, :n] = path.transfer
        row = rows.stop
    frequency = 2 * math.pi * torch.from_numpy(offset_hz)
    f1, f2 = acquisition.f1, acquisition.f2
    t2 = _evolve(frequency, paths, counts, f2.n, f2.width_hz)
    t1 = t2 if f1 == f2 else _evolve(frequency, paths, counts, f1.n, f1.width_hz)
    t1, t2 = t1 * envelope(f1, acquisition.decay_time_t1_s), t2 * envelope(f2, acquisition.decay_time_t2_s)
    return Lines(t1, t2, torch.from_numpy(transfer), frequency)


def _evolve(frequency, paths, counts, n, width_hz):
    """Lines over ``n`` points: precession of every recording, times the multiplets that its recordings share."""
    # Angles modulo one turn in float64, sines in float32.
    turns = torch.remainder(frequency[..., None] / (2 * math.pi) * times_s(n, width_hz, torch.float64), 1).float()
    angle = 2 * math.pi * turns
    multiplets = _multiplets(paths, frequency.shape[1], n, width_hz)
    multiplets = multiplets.repeat_interleave(torch.tensor(counts), 0)
    return torch.complex(angle.cos() * multiplets, angle.sin() * multiplets)


def _multiplets(paths, most, n, width_hz):
    """Product of cosines that splits each line, float32, (molecules, lines, n)."""
    product, times = torch.ones(len(paths) * most, n), math.pi * times_s(n, width_hz, torch.float32)
    rounds: dict[int, list[tuple[int, float, int]]] = {}  # the first coupling of every line, then the second, ...
    for k, path in enumerate(paths):
        seen: Counter[int] = Counter()
        for line, j_hz, n_protons in path.couplings:
            rounds.setdefault(seen[line], []).append((k * most + line, j_hz, n_protons))
            seen[line] += 1
    for couplings in rounds.values():
        lines, j_hz, n_protons = (torch.tensor(column) for column in zip(*couplings, strict=True))
        product[lines] *= torch.cos(j_hz[:, None] * times) ** n_protons[:, None]
    return product.unflatten(0, (len(paths), most))


@lru_cache(maxsize=4096)
def _pathways(system: SpinSystem, mixing_time_s: float) -> _Pathways:
    names, (j_hz, sizes) = system.names, _couplings(system)
    pairs = [part for part in connected(system) if len(part) == 2 and (sizes[list(part)] == 1).all()]
    paired = {i for pair in pairs for i in pair}
    single = [i for i in range(len(names)) if i not in paired]
    in_phase = in_phase_transfer(system, mixing_time_s)
    n_lines = len(single) + 4 * len(pairs)
    group, split_hz = np.array(single + [i for a, b in pairs for i in (a, b, a, b)], dtype=int), np.zeros(n_lines)
    transfer = np.zeros((n_lines, n_lines), dtype=np.complex64)
    transfer[: len(single), : len(single)] = in_phase[np.ix_(single, single)]
    for k, (a, b) in enumerate(pairs):
        first = len(single) + 4 * k
        for half, sign in enumerate((1, -1)):  # the partner stays up, or down, while one flip passes between the two
            rows = slice(first + 2 * half, first + 2 * half + 2)
            split_hz[rows] = sign * j_hz[a, b] / 2
            turn = np.exp(2j * math.pi * sign * j_hz[a, b] * mixing_time_s)
            transfer[rows, rows] = np.array([[1 + turn, 1 - turn], [1 - turn, 1 + turn]]) / 4
    couplings = [(line, j_hz[i, b], int(sizes[b])) for line, i in enumerate(single) for b in np.flatnonzero(j_hz[i])]
    return _Pathways(group, split_hz, tuple(couplings), transfer)


def in_phase_transfer(system: SpinSystem, mixing_time_s: float) -> np.ndarray:
    """Magnetisation in phase that ideal mixing brings from each group of protons to each other one, to first order.

    Arguments
    ---------
    system : SpinSystem
        The spin system.
    mixing_time_s : float
        Length of the mixing in s.

    Returns
    -------
    np.ndarray
        In units of one proton, (groups, groups); rows sum to the protons of the group.

    Example
    -------
    >>> pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 10.0})
    >>> in_phase_transfer(pair, 0.05).round(6) + 0  # after 1 / (2 J) they are exchanged
    array([[0., 1.],
           [1., 0.]])
    """
    j_hz, sizes = _couplings(system)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    between = j_hz[np.ix_(owner, owner)]
    value, vector = np.linalg.eigh(np.diag(between.sum(1)) - between)
    flip = (vector * np.exp(-1j * math.pi * mixing_time_s * value)) @ vector.T
    member = np.eye(len(sizes))[owner]
    return member.T @ np.abs(flip) ** 2 @ member


def _couplings(system):
    """Couplings between groups in Hz, (groups, groups), and the number of protons in each."""
    names = system.names
    j_hz = np.zeros((len(names),) * 2)
    for one, other, coupling_hz in system.couplings_hz:
        place = names.index(one), names.index(other)
        j_hz[place] = j_hz[place[::-1]] = coupling_hz
    return j_hz, np.array([n_protons for _, n_protons in system.groups])
