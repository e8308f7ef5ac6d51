"""Spectra, line lists and spin systems that others measured or computed, and how the simulator is held against them.

`nmr_speech.testing.data` finds the files; ``tests/data/README.md`` says where each comes from.
"""

import csv
import itertools
import json
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.signal import find_peaks

from nmr_speech.simulate import SpinSystem, pulse_acquire, tocsy
from nmr_speech.testing.data import reference_data

WIDTH_PPM, CARRIER_PPM = 12.0, 5.0
N_POINTS, N_FILLED = 2**15, 2**17
LINE_WIDTHS_HZ = (0.8, 1.1, 1.4, 1.7, 2.0, 2.3, 2.6, 3.0, 4.0)
GAP_HZ = 40.0  # groups further apart are different multiplets
MARGIN_HZ = 25.0  # half the widest multiplet of one proton
METHYLS = {"MB": "HB", "MG1": "HG1", "MG2": "HG2", "MD1": "HD1", "MD2": "HD2", "ME": "HE"}


@dataclass(frozen=True)
class Spectrum:
    """A 1D spectrum: rising shifts in ppm, intensities, spectrometer frequency."""

    ppm: np.ndarray
    intensity: np.ndarray
    field_mhz: float

    def between(self, low_ppm, high_ppm):
        """Cut out a region."""
        inside = (self.ppm > low_ppm) & (self.ppm < high_ppm)
        return Spectrum(self.ppm[inside], self.intensity[inside], self.field_mhz)

    def lines(self, prominence):
        """Find peaks that stand out by this share of the highest: positions between grid points, heights."""
        floor = prominence * self.intensity.max()
        at, _ = find_peaks(self.intensity, height=floor, prominence=floor)
        left, top, right = (self.intensity[at + k] for k in (-1, 0, 1))
        fraction = (left - right) / (2 * (left - 2 * top + right))
        return self.ppm[at] + fraction * (self.ppm[1] - self.ppm[0]), top


def read_table(name):
    """Read a CSV file of the reference data."""
    with reference_data(name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def gissmo_system(residue):
    """Build GISSMO's spin system of a residue, three methyl protons as one group: (system, shifts)."""
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


def gissmo_lines(residue, field_mhz):
    """Read GISSMO's own simulated peak list at one field: positions in ppm, amplitudes."""
    rows = [
        row
        for row in read_table("gissmo_simulated_1d_peaks.csv")
        if row["residue"] == residue and float(row["field_MHz"]) == field_mhz
    ]
    return tuple(np.array([float(row[key]) for row in rows]) for key in ("shift_ppm", "rel_amplitude"))


def experiment(residue):
    """Read the experimental 1D spectrum of a residue."""
    (file,) = reference_data("spectra_1d").glob(f"{residue}_*.npz")
    stored = np.load(file)
    ppm = np.linspace(*stored["ends_ppm"], len(stored["intensity"]))
    return Spectrum(ppm, stored["intensity"].astype(float), float(stored["field_mhz"]))


class Simulation:
    """The 1D spectrum of a system at one field, for any Lorentzian line width."""

    def __init__(self, system, shifts, field_mhz):
        self.shifts = shifts
        self.field_mhz = field_mhz
        self.fid = pulse_acquire(
            system,
            shifts,
            field_mhz=field_mhz,
            carrier_ppm=CARRIER_PPM,
            spectral_width_hz=WIDTH_PPM * field_mhz,
            n_points=N_POINTS,
        ).numpy()

    def spectrum(self, line_width_hz):
        """Fourier transform, finely filled with zeros."""
        t = np.arange(N_POINTS) / (WIDTH_PPM * self.field_mhz)
        damped = self.fid * np.exp(-np.pi * line_width_hz * t)
        damped[0] /= 2
        ppm = CARRIER_PPM + np.fft.fftshift(np.fft.fftfreq(N_FILLED)) * WIDTH_PPM
        return Spectrum(ppm, np.fft.fftshift(np.fft.fft(damped, N_FILLED)).real, self.field_mhz)

    def multiplets(self):
        """Name the groups of each multiplet and where it lies: {"HA": (low, high)} in ppm."""
        ordered = sorted(self.shifts, key=self.shifts.get)
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


def best_line_width(simulation, measured):
    """Find the line width whose multiplets correlate best with those measured, and the mean correlation."""

    def agreement(line_width_hz):
        simulated = simulation.spectrum(line_width_hz)
        values = []
        for low, high in simulation.multiplets().values():
            part = measured.between(low, high)
            drawn = np.interp(part.ppm, simulated.ppm, simulated.intensity)
            values.append(np.corrcoef(drawn, part.intensity)[0, 1])
        return np.mean(values)

    found = [(agreement(width), width) for width in LINE_WIDTHS_HZ]
    return max(found)[::-1]


def deviations(simulated, measured, low, high, strong=0.3):
    """Distance in Hz from each strong simulated line of a multiplet to the nearest one measured.

    Strong: as high as 30% of the multiplet's highest line, and standing out of its neighbours by 5%.
    """
    position, height = simulated.between(low, high).lines(prominence=0.05)
    position = position[height > strong * height.max()]
    margin = 5 / measured.field_mhz
    there, _ = measured.between(low - margin, high + margin).lines(prominence=0.02)
    nearest = there[np.abs(there[None] - position[:, None]).argmin(axis=1)]
    return (nearest - position) * measured.field_mhz


def rms_and_offset(deviations_hz):
    """Root mean square about the median, and the median: what referencing may account for, one offset a spectrum."""
    offset_hz = np.median(deviations_hz)
    return np.sqrt(np.mean((deviations_hz - offset_hz) ** 2)), offset_hz


def compare_with_experiment(residue, molecule):
    """Deviations of all strong lines, by multiplet, from the experimental spectrum of a residue.

    Returns
    -------
    dict
        ``line_width_hz``, ``correlation``, and ``deviations_hz``: for each multiplet an array, referencing included.
    """
    measured = experiment(residue)
    shifts = dict(zip(molecule.system.names, molecule.shift_mean_ppm, strict=True))
    simulation = Simulation(molecule.system, shifts, measured.field_mhz)
    line_width_hz, correlation = best_line_width(simulation, measured)
    simulated = simulation.spectrum(line_width_hz)
    found = {name: deviations(simulated, measured, *region) for name, region in simulation.multiplets().items()}
    return {"line_width_hz": line_width_hz, "correlation": correlation, "deviations_hz": found}


def compare_with_gissmo(residue, fields_mhz, system=None):
    """Distance in Hz from each line of GISSMO's lists to the nearest of ours, for GISSMO's own spin system.

    The lists are the maxima of broadened spectra of unknown line width, so the width is chosen, one for all fields.
    Lines count from 20% of their multiplet's highest. No shift is adjusted.

    Returns
    -------
    dict
        ``line_width_hz`` and ``deviations_hz``, an array for each multiplet of each field: {(field, multiplet): array}.
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


@dataclass(frozen=True)
class Map:
    """The magnitude of a 2D spectrum, F1 down, F2 across, with rising shifts in ppm."""

    f1_ppm: np.ndarray
    f2_ppm: np.ndarray
    magnitude: np.ndarray

    def peaks(self, threshold):
        """Find the maxima above a threshold, 0.02 ppm or more from higher ones: (F1, F2) in ppm, heights."""
        size = [1 + 2 * round(0.02 / (axis[1] - axis[0])) for axis in (self.f1_ppm, self.f2_ppm)]
        highest = self.magnitude == maximum_filter(self.magnitude, size=size)
        i, j = np.nonzero(highest & (self.magnitude > threshold))
        return np.stack([self.f1_ppm[i], self.f2_ppm[j]], 1), self.magnitude[i, j]


def magnitude_map(cos, sin, width_ppm, centre_ppm):
    """Transform a States pair; a magnitude needs no phases and does not mind which of the pair comes first."""

    def transform(signal):
        n = signal.shape[-1]
        bell = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
        return np.fft.fftshift(np.fft.fft(signal * bell, 2048), axes=-1)

    axis = centre_ppm + np.fft.fftshift(np.fft.fftfreq(2048)) * width_ppm
    return Map(axis, axis, np.abs(transform((transform(cos) + 1j * transform(sin)).T).T))


def measured_valine_tocsy():
    """Read and transform BMRB's TOCSY of L-valine, and put DSS at 0 ppm."""
    import nmrglue  # noqa: PLC0415 - the other comparisons do without it

    parameters, rows = nmrglue.bruker.read(str(reference_data("valine")), read_pulseprogram=False)
    rows = nmrglue.bruker.remove_digital_filter(parameters, rows)
    acqus = parameters["acqus"]
    # FnMODE 5 is States-TPPI: States with the receiver turned by half a turn from one pair of rows to the next.
    turned = rows * np.repeat((-1.0) ** np.arange(len(rows) // 2), 2)[:, None]
    spectrum = magnitude_map(turned[0::2], turned[1::2], acqus["SW_h"] / acqus["BF1"], acqus["O1"] / acqus["BF1"])
    near_dss = [np.flatnonzero(np.abs(axis + 0.15) < 0.1) for axis in (spectrum.f1_ppm, spectrum.f2_ppm)]
    dss = np.unravel_index(spectrum.magnitude[np.ix_(*near_dss)].argmax(), [len(at) for at in near_dss])
    f1_ppm, f2_ppm = (
        axis - axis[at[k]] for axis, at, k in zip((spectrum.f1_ppm, spectrum.f2_ppm), near_dss, dss, strict=True)
    )
    return Map(f1_ppm, f2_ppm, spectrum.magnitude)


def simulated_tocsy(molecule):
    """Simulate the experiment of `measured_valine_tocsy` with ideal mixing, and transform it in the same way."""
    width_hz, field_mhz, centre_ppm = 6493.506, 499.84, 4.85
    fid = tocsy(
        molecule.system,
        dict(zip(molecule.system.names, molecule.shift_mean_ppm, strict=True)),
        mixing_time_s=0.06,
        field_mhz=field_mhz,
        carrier_ppm=centre_ppm,
        spectral_width_hz=width_hz,
        n_transients=128,
        n_points=955,
    )
    return magnitude_map(*fid.numpy(), width_hz / field_mhz, centre_ppm)


def assigned(spectrum, molecule, threshold):
    """Centres of cross peaks, {(F1 group, F2 group): (F1, F2) in ppm}: the mean of their maxima, weighted by height.

    A maximum belongs to the two groups nearest to it, if both lie within 0.04 ppm; what lies elsewhere is left out.
    """
    maxima = {}
    for peak, height in zip(*spectrum.peaks(threshold), strict=True):
        distance = np.abs(molecule.shift_mean_ppm - peak[:, None])
        if distance.min(axis=1).max() < 0.04 and abs(peak[0] - peak[1]) > 0.1:
            groups = tuple(molecule.system.names[k] for k in distance.argmin(axis=1))
            maxima.setdefault(groups, []).append([height, *(height * peak)])
    return {groups: np.sum(found, axis=0)[1:] / np.sum(found, axis=0)[0] for groups, found in maxima.items()}


def cross_peaks(molecule, measured):
    """Place the cross peaks of a simulated TOCSY beside those measured.

    Simulated maxima count from 1% of the highest; measured ones from 50 times the noise: the 99th percentile of the
    empty part of the map, 5.5 to 9 ppm. The 26 Hz between valine's methyl groups are less than 128 increments resolve
    in F1, so there a peak may be either group's.

    Returns
    -------
    list[dict]
        For each simulated cross peak ``groups`` (F1, F2), ``ppm``, and ``off_ppm``: how far the nearest one measured is
        away; NaN if none has a maximum at the groups' shifts.
    """
    simulated = simulated_tocsy(molecule)
    empty = [(axis > 5.5) & (axis < 9) for axis in (measured.f1_ppm, measured.f2_ppm)]
    noise = np.quantile(measured.magnitude[np.ix_(*empty)], 0.99)
    there = np.array(list(assigned(measured, molecule, 50 * noise).values())).reshape(-1, 2)
    rows = []
    for groups, centre in assigned(simulated, molecule, 0.01 * simulated.magnitude.max()).items():
        off = min((peak - centre for peak in there), key=lambda d: np.abs(d).max(), default=np.full(2, np.nan))
        rows.append({"groups": groups, "ppm": centre, "off_ppm": off})
    return rows
