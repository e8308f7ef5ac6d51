"""An independent simulator: Kronecker products of spins 1/2 and scipy's matrix exponential, nothing else."""

import numpy as np
from scipy.linalg import expm

X = np.array([[0, 1], [1, 0]]) / 2
Y = np.array([[0, -1j], [1j, 0]]) / 2
Z = np.array([[1, 0], [0, -1]]) / 2


def spin_operators(n_spins):
    """I_x, I_y, I_z of each spin in the full product space."""

    def place(single, position):
        full = np.eye(1)
        for spin in range(n_spins):
            full = np.kron(full, single if spin == position else np.eye(2))
        return full

    return [[place(single, k) for single in (X, Y, Z)] for k in range(n_spins)]


def expand(groups, couplings_hz):
    """Groups of equivalent protons as single spins: the group of each spin, and all pairs with their coupling."""
    group_of = [name for name, n in groups.items() for _ in range(n)]
    pairs = []
    for (a, b), j_hz in couplings_hz.items():
        pairs += [(k, m, j_hz) for k, g in enumerate(group_of) if g == a for m, h in enumerate(group_of) if h == b]
    return group_of, pairs


def hamiltonians(groups, couplings_hz, shifts_ppm, field_mhz, carrier_ppm):
    """Offsets plus couplings, couplings alone, and the total I_-."""
    group_of, pairs = expand(groups, couplings_hz)
    spins = spin_operators(len(group_of))
    coupling = sum(
        (2 * np.pi * j * sum(a @ b for a, b in zip(spins[k], spins[m], strict=True)) for k, m, j in pairs),
        np.zeros((2 ** len(group_of),) * 2, dtype=complex),
    )
    offsets = [2 * np.pi * (shifts_ppm[name] - carrier_ppm) * field_mhz for name in group_of]
    zeeman = sum(offset * spin[2] for offset, spin in zip(offsets, spins, strict=True))
    lowering = sum(spin[0] - 1j * spin[1] for spin in spins)
    return zeeman + coupling, coupling, lowering


def signal_1d(
    groups, couplings_hz, shifts_ppm, *, field_mhz=600.0, carrier_ppm=5.0, spectral_width_hz=7200.0, n_points
):
    """Excite, precess step by step, detect I_+."""
    hamiltonian, _, lowering = hamiltonians(groups, couplings_hz, shifts_ppm, field_mhz, carrier_ppm)
    n_protons = sum(groups.values())
    step = expm(-1j * hamiltonian / spectral_width_hz)
    rho, points = lowering, []
    for _ in range(n_points):
        points.append(np.trace(lowering.conj().T @ rho))
        rho = step @ rho @ step.conj().T
    return np.array(points) * n_protons / points[0]


def signal_2d(
    groups, couplings_hz, shifts_ppm, *, mixing_time_s, n_transients, n_points, field_mhz=600.0, carrier_ppm=5.0,
    spectral_width_hz=7200.0,
):  # fmt: skip
    """Anti-echo with t1, echo with t1 backwards, and their States combinations."""
    hamiltonian, coupling, lowering = hamiltonians(groups, couplings_hz, shifts_ppm, field_mhz, carrier_ppm)
    mixing = expm(-1j * coupling * mixing_time_s)
    step = expm(-1j * hamiltonian / spectral_width_hz)
    channels = []
    for direction in (step, step.conj().T):
        before, rows = lowering, []
        for _ in range(n_transients):
            rho, row = mixing @ before @ mixing.conj().T, []
            for _ in range(n_points):
                row.append(np.trace(lowering.conj().T @ rho))
                rho = step @ rho @ step.conj().T
            rows.append(row)
            before = direction @ before @ direction.conj().T
        channels.append(np.array(rows))
    anti_echo, echo = (channel * sum(groups.values()) / channels[0][0, 0] for channel in channels)
    return np.stack([(anti_echo + echo) / 2, (anti_echo - echo) / 2j])
