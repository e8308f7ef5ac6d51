"""The two-dimensional experiment: TOCSY of a coupled proton system.

Sequence ``isotropic``::

    equilibrium I_z - 90 degrees - t1 - isotropic mixing - t2 (detect)

The mixing is ideal: the couplings act in full, chemical shifts not at all, and coherence order is conserved. So the
anti-echo (P) signal has order -1 throughout; the echo (N) signal is that of the opposite sign of t1. The two complex
channels are the States pair ``cos = (P + N) / 2`` and ``sin = (P - N) / 2i``.

Sequence ``spin_lock``, as in Spinach's ``tocsy.m``::

    equilibrium I_z - 90 degrees - t1 - continuous lock along x (first channel) or y (second) - t2 (detect)

The lock acts together with offsets and couplings. There is no z-filter and no phase cycle, so magnetisation
perpendicular to the lock passes with cos(2 pi sqrt(lock^2 + offset^2) t), and the channels are no clean States pair: of
the part A that keeps its coherence order and the part B that inverts it, the first channel holds A - B, the second
A + B. As the lock grows, with a whole number of turns, B vanishes and A becomes the ideal anti-echo signal P.

Left out of both: the windings of a real mixing train (MLEV, DIPSI) and its offset dependence, cross relaxation (ROESY),
pulse imperfections, radiation damping, diffusion, exchange, and relaxation other than an apparent exponential decay in
t1 and t2.

Hamiltonian in the rotating frame, with nu_k = shift x field and signals going as exp(+2 pi i (nu - carrier) t)::

    H = 2 pi sum_k (nu_k - carrier) I_kz + 2 pi sum_kl J_kl I_k . I_l

Its sign is the opposite of the laboratory one; turning the frame about x maps one onto the other, with equal signals.
"""

import inspect
import math

import torch

from nmr_speech.checks import in_range, one_of, whole
from nmr_speech.constants import N_POINTS, N_TRANSIENTS
from nmr_speech.simulate.batches import in_batches, recording_bytes
from nmr_speech.simulate.coherences import coefficients, diagonalise, single_quantum, time_basis
from nmr_speech.simulate.fid import digitise
from nmr_speech.simulate.mixing import MIXING
from nmr_speech.simulate.parameters import (
    CARRIER_PPM,
    FIELD_MHZ,
    SPECTRAL_WIDTH_HZ,
    TOLERANCE,
    Shifts,
    System,
    decay,
    offsets_rad_s,
    sampling,
    spin_system,
)
from nmr_speech.simulate.spin_system import networks

MIXING_TIME_S = 0.06
LOCK_HZ = 10_000.0


@torch.no_grad()
def tocsy(
    system: System,
    shifts_ppm: Shifts,
    *,
    sequence: str = "isotropic",
    mixing_time_s: float = MIXING_TIME_S,
    lock_hz: float = LOCK_HZ,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    spectral_width_f1_hz: float | None = None,
    n_transients: int = N_TRANSIENTS,
    n_points: int = N_POINTS,
    decay_time_t1_s: float = math.inf,
    decay_time_t2_s: float = math.inf,
    quadrature: str = "states",
    adc_bits: int | None = None,
    tolerance: float = TOLERANCE,
    device: str = "cpu",
    memory_gb: float | None = None,
) -> torch.Tensor:
    """Simulate TOCSY experiments of one spin system.

    Arguments
    ---------
    system : str | Residue | SpinSystem
        What is in the tube: a three-letter code (in H2O), a residue, or any groups and couplings.
    shifts_ppm : Mapping[str, float] | Sequence[float] | np.ndarray
        Chemical shift of each group, by name or in the order of ``system.groups``; or an array (R, groups) for R
        recordings at once. Lines outside the spectral width fold, as on a spectrometer.
    sequence : str
        "isotropic": ideal isotropic mixing; "spin_lock": a continuous lock. See the head of this module.
    mixing_time_s : float
        Length of the mixing, 0 to 0.3 s.
    lock_hz : float
        Strength of the lock of "spin_lock", 0 to 1e6 Hz.
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
    quadrature : str
        The two channels in t1: "states" (cosine, sine) or "echo_antiecho" (N = cos - i sin, P = cos + i sin).
    adc_bits : int | None
        Digitisation: real and imaginary parts are rounded as by a converter of so many bits, 2 to 24, whose full scale
        is the largest of them; None for none.
    tolerance : float
        Accuracy asked for, relative to the first point, 0 to 0.1. What is left out is bounded by it in power; the
        measured error is at least 10 times smaller (`benchmarks/simulator`). 0 keeps everything, to single
        precision.
    device : str
        Where to compute, "cpu" or "cuda", and where the result lies.
    memory_gb : float | None
        Working memory, as estimated, that recordings computed together share beyond the result; None for 0.06 on a
        CPU and 16 on a GPU. A batch that does not fit is made smaller.

    Returns
    -------
    torch.Tensor
        complex64, (2, n_transients, n_points), or (R, 2, n_transients, n_points) for R recordings. With sequence
        "isotropic" the first point of the cosine channel is the number of protons.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem
    >>> pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    >>> fid = tocsy(pair, {"A": 4.0, "X": 2.0}, n_transients=4, n_points=8)
    >>> fid.shape, round(fid[0, 0, 0].real.item(), 3)
    (torch.Size([2, 4, 8]), 2.0)
    >>> tocsy(pair, [[4.0, 2.0], [4.1, 2.0], [4.2, 2.0]], n_transients=4, n_points=8).shape
    torch.Size([3, 2, 4, 8])
    """
    system = spin_system(system)
    offsets = offsets_rad_s(system, shifts_ppm, field_mhz, carrier_ppm).to(device)
    width_f1_hz = spectral_width_hz if spectral_width_f1_hz is None else spectral_width_f1_hz
    t2 = sampling("n_points", n_points, "spectral_width_hz", spectral_width_hz)
    t1 = sampling("n_transients", n_transients, "spectral_width_f1_hz", width_f1_hz)
    relaxation = torch.outer(
        decay("decay_time_t1_s", decay_time_t1_s, *t1, device), decay("decay_time_t2_s", decay_time_t2_s, *t2, device)
    )
    one_of("quadrature", quadrature, ("states", "echo_antiecho"))
    adc_bits = None if adc_bits is None else whole("adc_bits", adc_bits, 2, 24)
    in_range("tolerance", tolerance, 0, 0.1, "of the first point")
    mixing = MIXING[one_of("sequence", sequence, tuple(MIXING))](
        in_range("mixing_time_s", mixing_time_s, 0, 0.3, "seconds", "0.02 to 0.12"),
        2 * math.pi * in_range("lock_hz", lock_hz, 0, 1e6, "Hz", "10,000"),
    )

    def signal(offsets):
        fid = _channels(system, offsets, mixing, t1, t2, tolerance) * relaxation
        if quadrature == "echo_antiecho":
            cos, sin = fid.unbind(1)
            fid = torch.stack([cos - 1j * sin, cos + 1j * sin], 1)
        return fid if adc_bits is None else digitise(fid, adc_bits)

    fid = in_batches(signal, torch.atleast_2d(offsets), recording_bytes(system, mixing, t1[0], t2[0]), memory_gb)
    return fid.view(*offsets.shape[:-1], *fid.shape[1:])


EXPERIMENT = {p.name: p.default for p in inspect.signature(tocsy).parameters.values() if p.kind is p.KEYWORD_ONLY}
"""The parameters of `tocsy` and their defaults."""


def _channels(system, offsets, mixing, t1, t2, tolerance):
    """Both channels of R recordings, (R, 2, n_transients, n_points)."""
    return sum(
        mixing.channels(*_pathways(network.sectors, offsets[:, list(network.group_indices)], mixing, t1, t2, tolerance))
        for network in networks(system, str(offsets.device))
    )


def _pathways(sectors, offsets, mixing, t1, t2, tolerance):
    """What keeps its coherence order in the mixing, and what inverts it; each (R, n_transients, n_points)."""
    eigenstates = [diagonalise(sector, offsets) for sector in sectors]
    lines = [single_quantum(sector, states, tolerance) for sector, states in zip(sectors, eigenstates, strict=True)]
    basis_t1, basis_t2 = _bases([line for of_sector in lines for line in of_sector], t1, t2, tolerance)
    kept = inverted = 0
    for sector, states, of_sector in zip(sectors, eigenstates, lines, strict=True):
        for line, transfer in mixing.transfers(sector, states, of_sector, offsets):
            detected = coefficients(line.frequency, basis_t2, t2[1])
            evolved = detected if basis_t1 is basis_t2 else coefficients(line.frequency, basis_t1, t1[1])
            amplitude = line.amplitude[..., None]
            detected_kept, detected_inverted = transfer(amplitude * detected)
            evolved = line.weight * amplitude * evolved
            kept = kept + evolved.mT @ detected_kept
            inverted = inverted + evolved.mH @ detected_inverted
    in_t1, in_t2 = basis_t1[:, : t1[0]], basis_t2[:, : t2[0]].mT
    return in_t1 @ kept @ in_t2, in_t1.conj() @ inverted @ in_t2


def _bases(lines, t1, t2, tolerance):
    """Time signals of both dimensions, of even length; the same object where the dimensions are sampled equally."""
    (even_t1, dwell_t1), (even_t2, dwell_t2) = ((times + times % 2, dwell_s) for times, dwell_s in (t1, t2))
    basis_t2 = time_basis(lines, even_t2, dwell_t2, tolerance)
    if (even_t1, dwell_t1) == (even_t2, dwell_t2):
        return basis_t2, basis_t2
    return time_basis(lines, even_t1, dwell_t1, tolerance), basis_t2
