"""The one-dimensional experiment: 90 degrees, then detection."""

import math

import torch

from nmr_speech.axis import CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ
from nmr_speech.checks import whole
from nmr_speech.simulate.acquisition import TOLERANCE, Acquisition
from nmr_speech.simulate.coherences import diagonalise, single_quantum
from nmr_speech.simulate.fid import envelope
from nmr_speech.simulate.sample import Shifts, System, offsets_rad_s, spin_system
from nmr_speech.simulate.spin_system import networks
from nmr_speech.simulate.time_signals import phases


@torch.no_grad()
def pulse_acquire(
    system: System,
    shifts_ppm: Shifts,
    *,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    n_points: int = 65536,
    decay_time_t2_s: float = math.inf,
    tolerance: float = TOLERANCE,
) -> torch.Tensor:
    """Simulate the signal of a 1D spectrum: 90 degrees, then detection.

    Arguments
    ---------
    system : str | Molecule | SpinSystem
        Molecule; see `tocsy`.
    shifts_ppm : Mapping[str, float] | Sequence[float] | np.ndarray
        Chemical shift of each group, or an array (R, groups); see `tocsy`.
    field_mhz : float
        Proton frequency, 40 to 1300 MHz.
    carrier_ppm : float
        Transmitter position, -100 to 100 ppm.
    spectral_width_hz : float
        Sampling rate, 1 to 1e6 Hz.
    n_points : int
        Number of points, 1 to 1,048,576.
    decay_time_t2_s : float
        Apparent T2 in seconds; infinity for no decay.
    tolerance : float
        Accuracy relative to the first point, 0 to 0.1.

    Returns
    -------
    torch.Tensor
        complex64, (n_points,) or (R, n_points); the first point is the number of protons.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem
    >>> single = SpinSystem({"H": 1}, {})
    >>> fid = pulse_acquire(single, [6.0], n_points=3, spectral_width_hz=2400.0)  # 600 Hz: a quarter turn a point
    >>> torch.view_as_real(fid).round().int().tolist()
    [[1, 0], [0, 1], [-1, 0]]
    """
    system = spin_system(system)
    acquisition = Acquisition(  # for its checks; a 1D spectrum may have more points than it allows
        field_mhz=field_mhz,
        carrier_ppm=carrier_ppm,
        spectral_width_hz=spectral_width_hz,
        decay_time_t2_s=decay_time_t2_s,
        tolerance=tolerance,
    )
    f2 = acquisition.f2.resized(whole("n_points", n_points, 1, 2**20))
    offsets = offsets_rad_s(system, shifts_ppm, f2)
    fid = torch.zeros(*offsets.shape[:-1], f2.n, dtype=torch.complex64)
    rows = fid.view(-1, f2.n)
    for network in networks(system):
        for sector in network.sectors:
            eigenstates = diagonalise(sector, offsets.view(len(rows), -1)[:, list(network.group_indices)])
            for part in single_quantum(eigenstates, tolerance):
                intensity = part.weight * part.amplitude.square()
                for start in range(0, intensity.shape[1], 256):  # a bounded number of long rows at a time
                    piece = slice(start, start + 256)
                    signals = phases(part.frequency[:, piece], f2.n, f2.dwell_s)
                    rows += (intensity[:, None, piece].to(fid.dtype) @ signals)[:, 0]
    return fid * envelope(f2, acquisition.decay_time_t2_s)
