"""The experiments: TOCSY (2D) and pulse-acquire (1D) of a coupled proton system.

TOCSY, sequence ``isotropic``::

    equilibrium I_z - 90 degrees - t1 - isotropic mixing - t2 (detect)

The mixing is ideal: the couplings act in full, chemical shifts not at all, and coherence order is conserved. So the
anti-echo (P) signal has order -1 throughout; the echo (N) signal is that of the opposite sign of t1. The two complex
channels are the States pair ``cos = (P + N) / 2`` and ``sin = (P - N) / 2i``.

Left out: the windings of a real mixing train (MLEV, DIPSI), its offset dependence, cross relaxation (ROESY), pulse
imperfections, diffusion, exchange, and relaxation other than an apparent exponential decay in t1 and t2.

Hamiltonian in the rotating frame, with nu_k = shift x field and signals going as exp(+2 pi i (nu - carrier) t)::

    H = 2 pi sum_k (nu_k - carrier) I_kz + 2 pi sum_kl J_kl I_k . I_l

Its sign is the opposite of the laboratory one; turning the frame about x maps one onto the other, with equal signals.
"""

import inspect
import itertools
import math
from collections.abc import Mapping, Sequence

import torch

from nmr_speech.checks import InputError, in_range, is_number, positive, whole
from nmr_speech.constants import N_POINTS, N_TRANSIENTS
from nmr_speech.simulate.coherences import isotropic_propagator, mix, phases, single_quantum, time_basis
from nmr_speech.simulate.residues import Residue, load_residue
from nmr_speech.simulate.spin_system import SpinSystem, networks

FIELD_MHZ = 600.0
SPECTRAL_WIDTH_HZ = 7200.0  # 12 ppm at 600 MHz
CARRIER_PPM = 5.0
MIXING_TIME_S = 0.06
TOLERANCE = 1e-3


@torch.no_grad()
def tocsy(
    system: "str | Residue | SpinSystem",
    shifts_ppm: "Mapping[str, float] | Sequence[float]",
    *,
    mixing_time_s: float = MIXING_TIME_S,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    spectral_width_f1_hz: float | None = None,
    n_transients: int = N_TRANSIENTS,
    n_points: int = N_POINTS,
    decay_time_t1_s: float = math.inf,
    decay_time_t2_s: float = math.inf,
    tolerance: float = TOLERANCE,
) -> torch.Tensor:
    """Simulate one TOCSY experiment with ideal isotropic mixing.

    Arguments
    ---------
    system : str | Residue | SpinSystem
        What is in the tube: a three-letter code (in H2O), a residue, or any groups and couplings.
    shifts_ppm : Mapping[str, float] | Sequence[float]
        Chemical shift of each group, by name or in the order of ``system.groups``. Lines outside the spectral width
        fold, as on a spectrometer.
    mixing_time_s : float
        Isotropic mixing, 0 to 0.3 s.
    field_mhz : float
        Proton frequency, 40 to 1300 MHz.
    carrier_ppm : float
        Transmitter position in both dimensions, -100 to 100 ppm.
    spectral_width_hz : float
        Sampling rate in t2 (F2), 1 to 1e6 Hz.
    spectral_width_f1_hz : float | None
        Sampling rate in t1 (F1); None takes that of F2.
    n_transients : int
        Points in t1, 1 to 4096.
    n_points : int
        Points in t2, 1 to 4096.
    decay_time_t1_s : float
        Apparent T2 in t1: the signal falls as exp(-t1 / decay_time_t1_s); infinity for none.
    decay_time_t2_s : float
        Apparent T2 in t2.
    tolerance : float
        Accuracy asked for, relative to the first point, 0 to 0.1. What is left out is bounded by it in power; the
        measured error is 10 to 60 times smaller (`benchmarks/simulator.py`). 0 keeps everything, to single precision.

    Returns
    -------
    torch.Tensor
        complex64, (2, n_transients, n_points): the cosine and the sine channel. ``[0, 0, 0]`` is the number of protons.

    Example
    -------
    >>> pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    >>> fid = tocsy(pair, {"A": 4.0, "X": 2.0}, n_transients=4, n_points=8)
    >>> fid.shape, round(fid[0, 0, 0].real.item(), 3)
    (torch.Size([2, 4, 8]), 2.0)
    """
    system = _system(system)
    in_range("mixing_time_s", mixing_time_s, 0, 0.3, "seconds", "0.02 to 0.12")
    offsets = _offsets(system, shifts_ppm, field_mhz, carrier_ppm)
    t2 = _times("n_points", n_points, "spectral_width_hz", spectral_width_hz)
    width_f1_hz = spectral_width_hz if spectral_width_f1_hz is None else spectral_width_f1_hz
    t1 = _times("n_transients", n_transients, "spectral_width_f1_hz", width_f1_hz)
    decay_t1 = _decay("decay_time_t1_s", decay_time_t1_s, *t1)
    decay_t2 = _decay("decay_time_t2_s", decay_time_t2_s, *t2)
    in_range("tolerance", tolerance, 0, 0.1, "of the first point")

    even_points, dwell_s = t2[0] + t2[0] % 2, t2[1]
    fid = torch.zeros(2 * n_transients, n_points, dtype=torch.complex64)
    for network in networks(system):
        lines, mixing = [], []
        for sector in network.sectors:
            lines += single_quantum(sector, offsets[list(network.group_indices)], tolerance)
            propagators = isotropic_propagator(sector, float(mixing_time_s))
            mixing += itertools.pairwise(propagators)
        basis = time_basis(lines, even_points, dwell_s, tolerance)
        modulation, detected = [], []
        for line, (upper, lower) in zip(lines, mixing, strict=True):
            amplitude = line.amplitude[:, None]
            signal = amplitude * (phases(line.frequency, even_points, dwell_s) @ basis.conj())
            after_mixing = mix(line, signal, upper, lower)
            detected.append(line.weight * amplitude * after_mixing)
            modulation.append(phases(line.frequency, *t1))
        fid += _superpose(torch.cat(modulation), torch.cat(detected)) @ basis[:n_points].T
    return fid.reshape(2, n_transients, n_points) * decay_t1[:, None] * decay_t2


EXPERIMENT = {p.name: p.default for p in inspect.signature(tocsy).parameters.values() if p.kind is p.KEYWORD_ONLY}
"""The parameters of `tocsy` and their defaults."""


@torch.no_grad()
def pulse_acquire(
    system: "str | Residue | SpinSystem",
    shifts_ppm: "Mapping[str, float] | Sequence[float]",
    *,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    n_points: int = 65536,
    decay_time_t2_s: float = math.inf,
    tolerance: float = TOLERANCE,
) -> torch.Tensor:
    """Simulate the 1D spectrum's signal: 90 degrees, then detection.

    Arguments
    ---------
    system : str | Residue | SpinSystem
        What is in the tube; see `tocsy`.
    shifts_ppm : Mapping[str, float] | Sequence[float]
        Chemical shift of each group; see `tocsy`.
    field_mhz : float
        Proton frequency, 40 to 1300 MHz.
    carrier_ppm : float
        Transmitter position, -100 to 100 ppm.
    spectral_width_hz : float
        Sampling rate, 1 to 1e6 Hz.
    n_points : int
        Number of points, 1 to 1,048,576.
    decay_time_t2_s : float
        Apparent T2; infinity for none.
    tolerance : float
        Accuracy asked for, relative to the first point, 0 to 0.1.

    Returns
    -------
    torch.Tensor
        complex64, (n_points,); the first point is the number of protons.

    Example
    -------
    >>> single = SpinSystem({"H": 1}, {})
    >>> fid = pulse_acquire(single, [6.0], n_points=3, spectral_width_hz=2400.0)  # 600 Hz: a quarter turn a point
    >>> torch.view_as_real(fid).round().int().tolist()
    [[1, 0], [0, 1], [-1, 0]]
    """
    system = _system(system)
    offsets = _offsets(system, shifts_ppm, field_mhz, carrier_ppm)
    n_points = whole("n_points", n_points, 1, 2**20)
    dwell_s = 1 / in_range("spectral_width_hz", spectral_width_hz, 1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz")
    decay = _decay("decay_time_t2_s", decay_time_t2_s, n_points, dwell_s)
    in_range("tolerance", tolerance, 0, 0.1, "of the first point")

    fid = torch.zeros(n_points, dtype=torch.complex64)
    for network in networks(system):
        for sector in network.sectors:
            for line in single_quantum(sector, offsets[list(network.group_indices)], tolerance):
                intensity = line.weight * line.amplitude.square()
                for start in range(0, len(intensity), 256):  # a bounded number of long rows at a time
                    part = slice(start, start + 256)
                    fid += intensity[part].to(fid.dtype) @ phases(line.frequency[part], n_points, dwell_s)
    return fid * decay


def _superpose(modulation, detected):
    # cos and sin of the t1 phases against the t2 side: real products of twice the size, no complex ones.
    pair = torch.cat([modulation.real, modulation.imag], dim=1)  # (lines, 2 x n_transients)
    product = pair.T @ torch.view_as_real(detected).flatten(1)
    return torch.view_as_complex(product.unflatten(1, (-1, 2)))


def _system(system):
    residue = load_residue(system) if isinstance(system, str) else system
    return residue.system if isinstance(residue, Residue) else residue


def _offsets(system, shifts_ppm, field_mhz, carrier_ppm):
    names = system.names
    if isinstance(shifts_ppm, Mapping):
        if set(shifts_ppm) != set(names):
            raise InputError(f"`shifts_ppm` must name the groups {', '.join(names)}; got {', '.join(shifts_ppm)}")
        shifts_ppm = [shifts_ppm[name] for name in names]
    if len(shifts_ppm) != len(names):
        raise InputError(f"`shifts_ppm` must hold {len(names)} shifts ({', '.join(names)}); got {len(shifts_ppm)}")
    for name, shift in zip(names, shifts_ppm, strict=True):
        if not is_number(shift):
            raise InputError(f"the shift of group {name} must be a finite number of ppm, got {shift!r}")
    in_range("field_mhz", field_mhz, 40, 1300, "MHz", "400 to 1200")
    in_range("carrier_ppm", carrier_ppm, -100, 100, "ppm", "4.7 to 5")
    ppm = torch.tensor([float(shift) for shift in shifts_ppm], dtype=torch.float64)
    return 2 * math.pi * field_mhz * (ppm - carrier_ppm)


def _times(count_name, count, width_name, width_hz):
    width_hz = in_range(width_name, width_hz, 1, 1e6, "Hz", "12 ppm, 7200 at 600 MHz")
    return whole(count_name, count, 1, 4096), 1 / width_hz


def _decay(name, decay_time_s, times, dwell_s):
    rate = 1 / positive(name, decay_time_s, "seconds; infinity for no decay")
    return torch.exp(-rate * dwell_s * torch.arange(times, dtype=torch.float64)).float()
