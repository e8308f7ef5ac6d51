"""The lines of a spin system: frequencies and intensities of every transition that a 1D experiment sees."""

import numpy as np

from nmr_speech.axis import CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ, Axis
from nmr_speech.simulate.acquisition import TOLERANCE
from nmr_speech.simulate.coherences import diagonalise, single_quantum
from nmr_speech.simulate.sample import Shifts, System, offsets_rad_s, spin_system
from nmr_speech.simulate.spin_system import networks


def lines(
    system: System,
    shifts_ppm: Shifts,
    *,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    tolerance: float = TOLERANCE,
) -> tuple[np.ndarray, np.ndarray]:
    """List the lines whose sum `nmr_speech.simulate.pulse_acquire` samples, for a caller who shapes each line.

    Arguments
    ---------
    system : str | Molecule | SpinSystem
        Molecule; see `nmr_speech.simulate.tocsy`.
    shifts_ppm : Mapping[str, float] | Sequence[float] | np.ndarray
        Chemical shift of each group, by name or in order.
    field_mhz : float
        Proton frequency, 40 to 1300 MHz.
    carrier_ppm : float
        Transmitter position in ppm, where the frequency is zero.
    tolerance : float
        Accuracy relative to the first point of the signal, 0 to 0.1.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Frequencies in Hz and intensities, both float64, (lines,); the intensities add up to the number of protons.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem
    >>> pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    >>> frequency_hz, intensity = lines(pair, [6.0, 4.0], carrier_ppm=5.0, field_mhz=600.0)
    >>> sorted(frequency_hz.round(1).tolist()), intensity.round(1).tolist()
    ([-603.5, -596.5, 596.5, 603.5], [0.5, 0.5, 0.5, 0.5])
    """
    system = spin_system(system)
    axis = Axis(2, SPECTRAL_WIDTH_HZ, carrier_ppm, field_mhz)
    offsets = offsets_rad_s(system, shifts_ppm, axis)[None]
    frequency, intensity = [np.empty(0)], [np.empty(0)]
    for network in networks(system):
        for sector in network.sectors:
            eigenstates = diagonalise(sector, offsets[:, list(network.group_indices)])
            for part in single_quantum(eigenstates, tolerance):
                frequency.append(part.frequency[0].numpy() / (2 * np.pi))
                intensity.append(part.weight * part.amplitude[0].double().square().numpy())
    return np.concatenate(frequency), np.concatenate(intensity)
