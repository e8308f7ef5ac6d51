"""An independent simulator: Kronecker products of spins 1/2 and SciPy's matrix exponential, nothing else."""

from collections.abc import Mapping

import numpy as np
from scipy.linalg import expm

X = np.array([[0, 1], [1, 0]]) / 2
Y = np.array([[0, -1j], [1j, 0]]) / 2
Z = np.array([[1, 0], [0, -1]]) / 2

Couplings = Mapping[tuple[str, str], float]


def spin_operators(n_spins: int) -> list[list[np.ndarray]]:
    """I_x, I_y, I_z of each of n spins in the full product space, (2^n, 2^n).

    Example
    -------
    >>> (_, _, z1), (_, _, z2) = spin_operators(2)
    >>> np.diag(z1 + z2).tolist()
    [1.0, 0.0, 0.0, -1.0]
    """

    def place(single, position):
        full = np.eye(1)
        for spin in range(n_spins):
            full = np.kron(full, single if spin == position else np.eye(2))
        return full

    return [[place(single, k) for single in (X, Y, Z)] for k in range(n_spins)]


def expand(groups: Mapping[str, int], couplings_hz: Couplings) -> tuple[list[str], list[tuple[int, int, float]]]:
    """Split groups of equivalent protons into single spins: the group of each, and all coupled pairs with J in Hz.

    Example
    -------
    >>> expand({"CH": 1, "CH2": 2}, {("CH", "CH2"): 7.0})
    (['CH', 'CH2', 'CH2'], [(0, 1, 7.0), (0, 2, 7.0)])
    """
    group_of = [name for name, n in groups.items() for _ in range(n)]
    pairs = []
    for (a, b), j_hz in couplings_hz.items():
        pairs += [(k, m, j_hz) for k, g in enumerate(group_of) if g == a for m, h in enumerate(group_of) if h == b]
    return group_of, pairs


def hamiltonians(
    groups: Mapping[str, int],
    couplings_hz: Couplings,
    shifts_ppm: Mapping[str, float],
    field_mhz: float,
    carrier_ppm: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets plus couplings, couplings alone (both in rad/s), and the total I_-; (2^n, 2^n) each.

    Example
    -------
    >>> free, _, _ = hamiltonians({"H": 1}, {}, {"H": 6.0}, field_mhz=600.0, carrier_ppm=5.0)
    >>> np.diag(free).real / (2 * np.pi)
    array([ 300., -300.])
    """
    group_of, pairs = expand(groups, couplings_hz)
    spins = spin_operators(len(group_of))
    coupling = sum(
        (2 * np.pi * j * sum(a @ b for a, b in zip(spins[k], spins[m], strict=True)) for k, m, j in pairs),
        np.zeros((2 ** len(group_of),) * 2, dtype=complex),
    )
    offsets = [2 * np.pi * (shifts_ppm[name] - carrier_ppm) * field_mhz for name in group_of]
    zeeman = np.sum([offset * spin[2] for offset, spin in zip(offsets, spins, strict=True)], axis=0)
    lowering = np.sum([spin[0] - 1j * spin[1] for spin in spins], axis=0)
    return zeeman + coupling, coupling, lowering


def signal_1d(
    groups: Mapping[str, int],
    couplings_hz: Couplings,
    shifts_ppm: Mapping[str, float],
    *,
    field_mhz: float = 600.0,
    carrier_ppm: float = 5.0,
    spectral_width_hz: float = 7200.0,
    n_points: int,
) -> np.ndarray:
    """Excite, precess step by step, detect I_+; complex, (n_points,), from the number of protons.

    Example
    -------
    >>> signal_1d({"H": 1}, {}, {"H": 6.0}, spectral_width_hz=2400.0, n_points=3).round(6) + 0  # a quarter turn each
    array([ 1.+0.j,  0.+1.j, -1.+0.j])
    """
    hamiltonian, _, lowering = hamiltonians(groups, couplings_hz, shifts_ppm, field_mhz, carrier_ppm)
    n_protons = sum(groups.values())
    step = expm(-1j * hamiltonian / spectral_width_hz)
    rho, points = lowering, []
    for _ in range(n_points):
        points.append(np.trace(lowering.conj().T @ rho))
        rho = step @ rho @ step.conj().T
    return np.array(points) * n_protons / points[0]


def signal_2d(
    groups: Mapping[str, int],
    couplings_hz: Couplings,
    shifts_ppm: Mapping[str, float],
    *,
    mixing_time_s: float,
    n_transients: int,
    n_points: int,
    field_mhz: float = 600.0,
    carrier_ppm: float = 5.0,
    spectral_width_hz: float = 7200.0,
) -> np.ndarray:
    """Excite, precess in t1, mix, precess in t2 and detect I_+: cosine and sine channel, (2, n_transients, n_points).

    The anti-echo signal comes from t1 forwards, the echo from t1 backwards; both combine to the States pair.

    Example
    -------
    >>> sizes = {"n_transients": 2, "n_points": 1, "spectral_width_hz": 2400.0}
    >>> cos, sin = signal_2d({"H": 1}, {}, {"H": 6.0}, mixing_time_s=0.06, **sizes)
    >>> cos.real.round(6).flatten() + 0, sin.real.round(6).flatten() + 0
    (array([1., 0.]), array([0., 1.]))
    """
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
    # Combined here, not by the simulator's own function: this module shares nothing with it.
    return np.stack([(anti_echo + echo) / 2, (anti_echo - echo) / 2j])
