"""Published 1D spectra, line lists and spin systems, and how the simulator is compared with them.

`nmr_speech.testing.data` finds the files; ``tests/data/README.md`` names the source of each.
"""

import csv
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import find_peaks

from nmr_speech.axis import Axis
from nmr_speech.simulate import Residue, SpinSystem, pulse_acquire
from nmr_speech.testing.data import reference_data

WIDTH_PPM, CARRIER_PPM = 12.0, 5.0
N_POINTS, N_FILLED = 2**15, 2**17
LINE_WIDTHS_HZ = (0.8, 1.1, 1.4, 1.7, 2.0, 2.3, 2.6, 3.0, 4.0)
GAP_HZ = 40.0  # groups further apart are different multiplets
MARGIN_HZ = 25.0  # half the widest multiplet of one proton
METHYLS = {"MB": "HB", "MG1": "HG1", "MG2": "HG2", "MD1": "HD1", "MD2": "HD2", "ME": "HE"}


@dataclass(frozen=True)
class Spectrum:
    """A 1D spectrum.

    Arguments
    ---------
    ppm : np.ndarray
        Chemical shifts in equal steps, rising, (n,).
    intensity : np.ndarray
        Real intensities, (n,).
    field_mhz : float
        Proton frequency in MHz.

    Example
    -------
    >>> ppm = np.linspace(0, 2, 201)
    >>> lorentzian = Spectrum(ppm, 1 / (1 + ((ppm - 1.203) / 0.02) ** 2), 600.0)
    >>> lorentzian.between(1.0, 1.4).lines(0.1)[0].round(3)
    array([1.203])
    """

    ppm: np.ndarray
    intensity: np.ndarray
    field_mhz: float

    def between(self, low_ppm: float, high_ppm: float) -> "Spectrum":
        """Cut out the region between two shifts in ppm."""
        inside = (self.ppm > low_ppm) & (self.ppm < high_ppm)
        return Spectrum(self.ppm[inside], self.intensity[inside], self.field_mhz)

    def lines(self, prominence: float) -> tuple[np.ndarray, np.ndarray]:
        """Find peaks whose height and prominence exceed a share of the highest: positions in ppm, heights; (lines,).

        Positions are those of the parabola through the three highest points.
        """
        floor = prominence * self.intensity.max()
        at, _ = find_peaks(self.intensity, height=floor, prominence=floor)
        left, top, right = (self.intensity[at + k] for k in (-1, 0, 1))
        fraction = (left - right) / (2 * (left - 2 * top + right))
        return self.ppm[at] + fraction * (self.ppm[1] - self.ppm[0]), top


def read_table(name: str) -> list[dict[str, str]]:
    """Read a CSV file of the reference data, one dictionary a row.

    Example
    -------
    >>> {row["system"] for row in read_table("analytic_isotropic_mixing.csv")} == {"AX", "AX3"}
    True
    """
    with reference_data(name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def gissmo_system(residue: str) -> tuple[SpinSystem, dict[str, float]]:
    """Build GISSMO's spin system of a residue, with three methyl protons as one group, and its shifts in ppm.

    Example
    -------
    >>> system, shifts = gissmo_system("VAL")
    >>> system.n_protons, sorted(shifts)
    (8, ['HA', 'HB', 'MG1', 'MG2'])
    """
    entry = json.loads(reference_data("gissmo_spin_systems.json").read_text())[residue]
    shifts = {atom["name"]: atom["shift_ppm"] for atom in entry["atoms"]}
    group_of = {name: name for name in shifts}
    for methyl, stem in METHYLS.items():
        protons = [stem + digit for digit in "123"]
        if set(protons) <= set(shifts):
            group_of |= dict.fromkeys(protons, methyl)
    groups = {group: list(group_of.values()).count(group) for group in group_of.values()}
    couplings = {}
    for pair in entry["couplings"]:
        a, b = group_of[pair["a"]], group_of[pair["b"]]
        if a != b and pair["J_Hz"]:
            couplings[a, b] = pair["J_Hz"]
    return SpinSystem(groups, couplings), {group_of[name]: shift for name, shift in shifts.items()}


def gissmo_lines(residue: str, field_mhz: float) -> tuple[np.ndarray, np.ndarray]:
    """Read GISSMO's own simulated peak list at one field: positions in ppm and amplitudes, (lines,) each.

    Example
    -------
    >>> positions_ppm, _ = gissmo_lines("GLY", 600.0)
    >>> bool((abs(positions_ppm - 3.54) < 0.03).all())
    True
    """
    rows = [
        row
        for row in read_table("gissmo_simulated_1d_peaks.csv")
        if row["residue"] == residue and float(row["field_MHz"]) == field_mhz
    ]
    positions, amplitudes = (np.array([float(row[key]) for row in rows]) for key in ("shift_ppm", "rel_amplitude"))
    return positions, amplitudes


def experiment(residue: str) -> Spectrum:
    """Read the experimental 1D spectrum of a residue.

    Example
    -------
    >>> round(experiment("VAL").field_mhz)
    600
    """
    (file,) = reference_data("spectra_1d").glob(f"{residue}_*.npz")
    stored = np.load(file)
    first_ppm, last_ppm = stored["ends_ppm"]
    ppm = np.linspace(first_ppm, last_ppm, len(stored["intensity"]))
    return Spectrum(ppm, stored["intensity"].astype(float), float(stored["field_mhz"]))


class Simulation:
    """The 1D spectrum of a spin system at one field, for any Lorentzian line width.

    Arguments
    ---------
    system : SpinSystem
        Groups and couplings.
    shifts_ppm : Mapping[str, float]
        Chemical shift of each group.
    field_mhz : float
        Proton frequency.

    Example
    -------
    >>> pair = Simulation(SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0}), {"A": 4.0, "X": 2.0}, 500.0)
    >>> pair.multiplets()
    {'X': (1.95, 2.05), 'A': (3.95, 4.05)}
    >>> lines_ppm, _ = pair.spectrum(1.0).between(3.95, 4.05).lines(0.1)
    >>> (np.diff(lines_ppm) * 500.0).round(1)
    array([7.])
    """

    def __init__(self, system: SpinSystem, shifts_ppm: Mapping[str, float], field_mhz: float):
        self.shifts = dict(shifts_ppm)
        self.axis = Axis(N_POINTS, WIDTH_PPM * field_mhz, CARRIER_PPM, field_mhz)
        self.fid = pulse_acquire(
            system,
            self.shifts,
            field_mhz=field_mhz,
            carrier_ppm=CARRIER_PPM,
            spectral_width_hz=self.axis.width_hz,
            n_points=N_POINTS,
        ).numpy()

    @property
    def field_mhz(self) -> float:
        """Proton frequency in MHz."""
        return self.axis.field_mhz

    def spectrum(self, line_width_hz: float) -> Spectrum:
        """Fourier transform with a line width in Hz, filled with zeros to ``N_FILLED`` points."""
        damped = self.fid * np.exp(-np.pi * line_width_hz * self.axis.seconds())
        damped[0] /= 2
        intensity = np.fft.fftshift(np.fft.fft(damped, N_FILLED)).real
        return Spectrum(self.axis.resized(N_FILLED).ppm(), intensity, self.field_mhz)

    def multiplets(self) -> dict[str, tuple[float, float]]:
        """Regions of the multiplets in ppm, lowest first, by the names of their groups."""
        ordered = sorted(self.shifts, key=self.shifts.__getitem__)
        clusters = [ordered[:1]]
        for left, right in itertools.pairwise(ordered):
            if (self.shifts[right] - self.shifts[left]) * self.field_mhz > GAP_HZ:
                clusters.append([])
            clusters[-1].append(right)
        margin = MARGIN_HZ / self.field_mhz
        return {
            " ".join(sorted(cluster)): (self.shifts[cluster[0]] - margin, self.shifts[cluster[-1]] + margin)
            for cluster in clusters
        }


def best_line_width(simulation: Simulation, measured: Spectrum) -> tuple[float, float]:
    """Find the line width in Hz whose multiplets correlate best with those measured, and the mean correlation.

    Example
    -------
    >>> one = Simulation(SpinSystem({"A": 1}, {}), {"A": 4.0}, 500.0)
    >>> width_hz, correlation = best_line_width(one, one.spectrum(1.7))
    >>> width_hz, round(correlation, 6)
    (1.7, 1.0)
    """

    def agreement(line_width_hz):
        simulated = simulation.spectrum(line_width_hz)
        values = []
        for low, high in simulation.multiplets().values():
            part = measured.between(low, high)
            drawn = np.interp(part.ppm, simulated.ppm, simulated.intensity)
            values.append(np.corrcoef(drawn, part.intensity)[0, 1])
        return float(np.mean(values))

    correlation, width_hz = max((agreement(width), width) for width in LINE_WIDTHS_HZ)
    return width_hz, correlation


def deviations(simulated: Spectrum, measured: Spectrum, low: float, high: float, strong: float = 0.3) -> np.ndarray:
    """Distance from each strong simulated line of a multiplet to the nearest measured one.

    Arguments
    ---------
    simulated : Spectrum
        Spectrum whose lines are looked for.
    measured : Spectrum
        Spectrum in which they are looked for.
    low : float
        Start of the multiplet in ppm.
    high : float
        End of the multiplet in ppm.
    strong : float
        Least height of a line, as a share of the highest; it must also be prominent by 5%.

    Returns
    -------
    np.ndarray
        Measured minus simulated position in Hz, (lines,).

    Example
    -------
    >>> one, moved = (Simulation(SpinSystem({"A": 1}, {}), {"A": ppm}, 500.0).spectrum(1.0) for ppm in (4.0, 4.002))
    >>> deviations(one, moved, 3.9, 4.1).round(2)
    array([1.])
    """
    position, height = simulated.between(low, high).lines(prominence=0.05)
    position = position[height > strong * height.max()]
    margin = 5 / measured.field_mhz  # lines at the edge may have moved out of the region
    there, _ = measured.between(low - margin, high + margin).lines(prominence=0.02)
    nearest = there[np.abs(there[None] - position[:, None]).argmin(axis=1)]
    return (nearest - position) * measured.field_mhz


def rms_and_offset(deviations_hz: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Root mean square about the median, and the median, both in Hz: an offset is a matter of referencing.

    Example
    -------
    >>> rms_and_offset([0.9, 1.0, 1.1, 1.0])
    (0.0707..., 1.0)
    """
    offset_hz = float(np.median(deviations_hz))
    return float(np.sqrt(np.mean((np.asarray(deviations_hz) - offset_hz) ** 2))), offset_hz


def compare_with_experiment(residue: str, molecule: Residue) -> dict[str, Any]:
    """Deviations of all strong lines, by multiplet, from the experimental spectrum of a residue.

    Arguments
    ---------
    residue : str
        Three-letter code of the measured amino acid.
    molecule : Residue
        Amino acid to simulate, at its mean shifts.

    Returns
    -------
    dict[str, Any]
        ``line_width_hz``, ``correlation``, and ``deviations_hz``: an array for each multiplet, (lines,), with the error
        of referencing included.
    """
    measured = experiment(residue)
    shifts = dict(zip(molecule.system.names, molecule.shift_mean_ppm, strict=True))
    simulation = Simulation(molecule.system, shifts, measured.field_mhz)
    line_width_hz, correlation = best_line_width(simulation, measured)
    simulated = simulation.spectrum(line_width_hz)
    found = {name: deviations(simulated, measured, *region) for name, region in simulation.multiplets().items()}
    return {"line_width_hz": line_width_hz, "correlation": correlation, "deviations_hz": found}


def compare_with_gissmo(residue: str, fields_mhz: Sequence[float], system: SpinSystem | None = None) -> dict[str, Any]:
    """Distance from each line of GISSMO's lists to the nearest of ours, for GISSMO's own spin system.

    The lists are the maxima of broadened spectra of unknown line width, so one width is fitted to all fields. Lines
    count from 20% of the highest of their multiplet. No shift is adjusted.

    Arguments
    ---------
    residue : str
        Three-letter code.
    fields_mhz : Sequence[float]
        Fields of the lists.
    system : SpinSystem | None
        Another spin system with the same groups; None for GISSMO's own.

    Returns
    -------
    dict[str, Any]
        ``line_width_hz`` and ``deviations_hz``, {(field in MHz, multiplet): distances in Hz, (lines,)}.
    """
    own_system, shifts = gissmo_system(residue)
    simulations = [Simulation(system or own_system, shifts, field_mhz) for field_mhz in fields_mhz]
    wanted = {}
    for simulation in simulations:
        position, amplitude = gissmo_lines(residue, simulation.field_mhz)
        for name, (low, high) in simulation.multiplets().items():
            inside = (position > low) & (position < high)
            strong = inside & (amplitude > 0.2 * amplitude[inside].max())
            wanted[simulation.field_mhz, name] = position[strong]

    def distances(line_width_hz):
        ours = {s.field_mhz: s.spectrum(line_width_hz).lines(prominence=0.001)[0] for s in simulations}
        return {
            (field_mhz, name): np.abs(ours[field_mhz] - theirs[:, None]).min(axis=1) * field_mhz
            for (field_mhz, name), theirs in wanted.items()
        }

    tried = {width: distances(width) for width in LINE_WIDTHS_HZ}
    best = min(tried, key=lambda width: np.quantile(np.concatenate(list(tried[width].values())), 0.9))
    return {"line_width_hz": best, "deviations_hz": tried[best]}
