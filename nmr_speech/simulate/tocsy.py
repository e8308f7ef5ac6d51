"""The two-dimensional experiment: TOCSY of a coupled proton system.

Sequence ``isotropic``::

    equilibrium I_z - 90 degrees - t1 - isotropic mixing - t2 (detect)

The mixing is ideal (Braunschweiler and Ernst 1983, doi:10.1016/0022-2364(83)90226-3): couplings act in full, chemical
shifts not at all, and coherence order is conserved. So the anti-echo (P) signal has order -1 throughout, and the echo
(N) signal is that with the opposite sign of t1. The two complex channels are the States pair ``cos = (P + N) / 2`` and
``sin = (P - N) / 2i`` (doi:10.1016/0022-2364(82)90279-7).

Sequence ``spin_lock``, as in Spinach's ``tocsy.m``::

    equilibrium I_z - 90 degrees - t1 - continuous lock along x (first channel) or y (second) - t2 (detect)

The lock acts together with offsets and couplings. There is no z-filter and no phase cycle, so magnetisation
perpendicular to the lock passes with cos(2 pi sqrt(lock^2 + offset^2) t), and the channels are not a clean States pair:
with A the part that keeps its coherence order and B the part that inverts it, the first channel is A - B and the second
A + B. For a strong lock and a whole number of turns, B vanishes and A becomes the ideal anti-echo signal P.

Sequences ``dipsi2`` and ``mlev17``: as ``spin_lock``, with the train of `nmr_speech.simulate.trains` in place of the
lock, every pulse with offsets and couplings in full. The mixing is the nearest whole number of cycles. A trim pulse
along the lock may come before and after the train. Its field is the same everywhere in the sample, so it turns what is
perpendicular to the lock; on a spectrometer, where it is not, it dephases it. The mean over a few values of ``lock_hz``
or ``trim_s`` does so here.

Left out of all: cross relaxation (ROESY), pulse imperfections, radiation damping, diffusion, exchange, and
relaxation other than an apparent exponential decay in t1 and t2.

Hamiltonian in the rotating frame, with nu_k = shift x field and signals going as exp(+2 pi i (nu - carrier) t)::

    H = 2 pi sum_k (nu_k - carrier) I_kz + 2 pi sum_kl J_kl I_k . I_l

Its sign is opposite to that in the laboratory; half a turn of the frame about x maps one onto the other, with equal
signals.
"""

from dataclasses import replace
from functools import reduce
from typing import Any

import torch

from nmr_speech.axis import Axis
from nmr_speech.simulate.acquisition import STANDARD, Acquisition
from nmr_speech.simulate.batches import in_batches, recording_bytes
from nmr_speech.simulate.coherences import Coherences, Eigenstates, diagonalise, single_quantum
from nmr_speech.simulate.fid import digitise, envelope, states_to_echo
from nmr_speech.simulate.mixing import Mixing, mixing_of
from nmr_speech.simulate.sample import Shifts, System, offsets_rad_s, spin_system
from nmr_speech.simulate.spin_system import Network, networks
from nmr_speech.simulate.time_signals import coefficients, time_basis


@torch.no_grad()
def tocsy(
    system: System,
    shifts_ppm: Shifts,
    acquisition: Acquisition = STANDARD,
    *,
    device: str = "cpu",
    memory_gb: float | None = None,
    **settings: Any,
) -> torch.Tensor:
    """Simulate TOCSY experiments of one spin system.

    Arguments
    ---------
    system : str | Molecule | SpinSystem
        A three-letter code (in H2O), a molecule such as a residue, or any groups and couplings.
    shifts_ppm : Mapping[str, float] | Sequence[float] | np.ndarray
        Chemical shift of each group, by name or in the order of ``system.groups``; or an array (R, groups) for R
        recordings at once. Lines outside the spectral width fold, as on a spectrometer.
    acquisition : Acquisition
        Pulse sequence, axes, quadrature and receiver.
    device : str
        Where to compute, "cpu" or "cuda", and where the result lies.
    memory_gb : float | None
        Estimated working memory, in GB, of the recordings that are computed together, beyond the result; None for 0.06
        on a CPU and 16 on a GPU. A batch that does not fit is made smaller.
    **settings : Any
        Parameters of `Acquisition` that differ from ``acquisition``, such as ``mixing_time_s=0.08``.

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
    acquisition = replace(acquisition, **settings)
    offsets = offsets_rad_s(system, shifts_ppm, acquisition.f2).to(device)
    mixing = mixing_of(acquisition)

    def experiment(offsets):
        signals = (
            _pulse_programme(network, offsets[:, list(network.group_indices)], mixing, acquisition)
            for network in networks(system, str(offsets.device))
        )
        return _receive(reduce(torch.add, signals), acquisition)

    bytes_each = recording_bytes(system, mixing, acquisition.n_transients, acquisition.n_points)
    fid = in_batches(experiment, torch.atleast_2d(offsets), bytes_each, memory_gb)
    return fid.view(*offsets.shape[:-1], *fid.shape[1:])


def _pulse_programme(network: Network, offsets: torch.Tensor, mixing: Mixing, acquisition: Acquisition) -> torch.Tensor:
    """Both channels of one network of R recordings, (R, 2, n_transients, n_points)."""
    excited = _excite(network, offsets, acquisition.tolerance)
    t1, t2 = _time_bases(excited, acquisition)
    kept = inverted = 0  # signals whose coherence order the mixing keeps, and inverts
    for eigenstates, coherences in excited:
        # The mixing acts on what is detected, backwards in time: a few dozen signals instead of all times in t1.
        for part, mix in mixing.transfers(eigenstates, coherences):
            evolved, detected = _precess(part, t1, t2, acquisition)
            of_kept, of_inverted = _transferred(evolved, *mix(detected))
            kept, inverted = kept + of_kept, inverted + of_inverted
    relaxed_t1 = _relax(t1, acquisition.f1, acquisition.decay_time_t1_s)
    relaxed_t2 = _relax(t2, acquisition.f2, acquisition.decay_time_t2_s)
    # Relaxation and the sums of both channels act on a few dozen signals, and only then on all points of a plane.
    return mixing.channels(relaxed_t1 @ kept, relaxed_t1.conj() @ inverted) @ relaxed_t2.mT[:, None]


def _transferred(evolved, mixed, mixed_inverted):
    """Products (R, N, N) of what evolves in t1 with what of it keeps its order in the mixing, and what inverts it."""
    if mixed is not mixed_inverted:
        return evolved.mT @ mixed, evolved.mH @ mixed_inverted
    # With one factor in both, the second product is the first with the imaginary part of ``evolved`` negated.
    real = torch.view_as_real(evolved).flatten(-2).mT @ torch.view_as_real(mixed).flatten(-2)
    of_real, of_imaginary = torch.view_as_complex(real.unflatten(1, (-1, 2)).unflatten(3, (-1, 2))).unbind(2)
    return of_real + 1j * of_imaginary, of_real - 1j * of_imaginary


def _relax(basis: torch.Tensor, axis: Axis, decay_time_s: float) -> torch.Tensor:
    """Time signals (R, times, N), the first points of an axis, with apparent relaxation."""
    return basis[:, : axis.n] * envelope(axis, decay_time_s, basis.device)[:, None]


def _excite(network: Network, offsets: torch.Tensor, tolerance: float) -> list[tuple[Eigenstates, list[Coherences]]]:
    """Turn I_z by 90 degrees: the single-quantum coherences of every sector, in the eigenbasis of its Hamiltonian."""
    eigenstates = [diagonalise(sector, offsets) for sector in network.sectors]
    return [(states, single_quantum(states, tolerance)) for states in eigenstates]


def _precess(coherences, t1, t2, acquisition):
    """Evolution in t1 and detection in t2 of each coherence, in the bases of both dimensions; (R, K, N)."""
    amplitude = coherences.amplitude[..., None]
    in_t2 = coefficients(coherences.frequency, t2, acquisition.f2.dwell_s)
    in_t1 = in_t2 if t1 is t2 else coefficients(coherences.frequency, t1, acquisition.f1.dwell_s)
    return coherences.weight * amplitude * in_t1, amplitude * in_t2


def _receive(fid, acquisition):
    """Combine and digitise what reaches the receiver, (R, 2, n_transients, n_points)."""
    if acquisition.quadrature == "echo_antiecho":
        fid = torch.stack(states_to_echo(*fid.unbind(1)), 1)
    return fid if acquisition.adc_bits is None else digitise(fid, acquisition.adc_bits)


def _time_bases(excited, acquisition):
    """Time signals of both dimensions, of even length; the same object where the dimensions are sampled equally."""
    coherences = [part for _, of_sector in excited for part in of_sector]
    # `time_basis` needs an even length; a point more changes nothing in those before it.
    f1, f2 = (axis.resized(axis.n + axis.n % 2) for axis in (acquisition.f1, acquisition.f2))
    t2 = time_basis(coherences, f2.n, f2.dwell_s, acquisition.tolerance)
    return (t2 if f1 == f2 else time_basis(coherences, f1.n, f1.dwell_s, acquisition.tolerance)), t2
