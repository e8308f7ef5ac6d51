"""Measured and simulated TOCSY spectra as maps of magnitudes, and where their cross peaks are."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter

from nmr_speech.axis import Axis
from nmr_speech.simulate import Acquisition, Residue, tocsy
from nmr_speech.testing.data import reference_data

N_FILLED = 2048
VALINE = Acquisition(  # as BMRB's spectrum was measured
    mixing_time_s=0.06,
    field_mhz=499.84,
    carrier_ppm=4.85,
    spectral_width_hz=6493.506,
    n_transients=128,
    n_points=955,
)


@dataclass(frozen=True)
class Map:
    """The magnitude of a 2D spectrum.

    Arguments
    ---------
    f1 : Axis
        Indirect dimension, which runs down.
    f2 : Axis
        Direct dimension, which runs across.
    magnitude : np.ndarray
        Real, (points in F1, points in F2).

    Example
    -------
    >>> magnitude = np.zeros((12, 12))
    >>> magnitude[3, 9] = 1.0
    >>> Map(Axis(12), Axis(12), magnitude).peaks(0.5)
    (array([[2., 8.]]), array([1.]))
    """

    f1: Axis
    f2: Axis
    magnitude: np.ndarray

    def peaks(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Find the maxima above a threshold that are at least 0.02 ppm from higher ones.

        Returns
        -------
        positions : np.ndarray
            Shift in F1 and in F2 in ppm, (peaks, 2).
        heights : np.ndarray
            Magnitudes, (peaks,).
        """
        size = [1 + 2 * round(0.02 * axis.n / axis.width_ppm) for axis in (self.f1, self.f2)]
        highest = self.magnitude == maximum_filter(self.magnitude, size=size)
        i, j = np.nonzero(highest & (self.magnitude > threshold))
        return np.stack([self.f1.ppm()[i], self.f2.ppm()[j]], 1), self.magnitude[i, j]


def magnitude_map(cos: np.ndarray, sin: np.ndarray, f1: Axis, f2: Axis) -> Map:
    """Transform a States pair; a magnitude needs no phases, and does not depend on which of the pair comes first.

    Arguments
    ---------
    cos : np.ndarray
        Cosine channel, complex, (n_transients, n_points).
    sin : np.ndarray
        Sine channel, of the same shape.
    f1 : Axis
        Indirect dimension; its number of points does not matter.
    f2 : Axis
        Direct dimension.

    Returns
    -------
    Map
        With ``N_FILLED`` points in each dimension.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem
    >>> fid = tocsy(SpinSystem({"H": 1}, {}), [6.5]).numpy()
    >>> magnitude_map(*fid, Axis(), Axis()).peaks(1000.0)[0]
    array([[6.5, 6.5]])
    """

    def transform(signal):
        n = signal.shape[-1]
        bell = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
        return np.fft.fftshift(np.fft.fft(signal * bell, N_FILLED), axes=-1)

    magnitude = np.abs(transform((transform(cos) + 1j * transform(sin)).T).T)
    return Map(f1.resized(N_FILLED), f2.resized(N_FILLED), magnitude)


def measured_valine_tocsy() -> Map:
    """Read and transform BMRB's TOCSY of L-valine, and put DSS at 0 ppm."""
    import nmrglue  # noqa: PLC0415 - the other comparisons do without it

    parameters, rows = nmrglue.bruker.read(str(reference_data("valine")), read_pulseprogram=False)
    rows = nmrglue.bruker.remove_digital_filter(parameters, rows)
    acqus = parameters["acqus"]
    # FnMODE 5 is States-TPPI: States with the receiver turned by half a turn from one pair of rows to the next.
    turned = rows * np.repeat((-1.0) ** np.arange(len(rows) // 2), 2)[:, None]
    axis = Axis(N_FILLED, acqus["SW_h"], acqus["O1"] / acqus["BF1"], acqus["BF1"])
    spectrum = magnitude_map(turned[0::2], turned[1::2], axis, axis)
    near_dss = np.flatnonzero(np.abs(axis.ppm() + 0.15) < 0.1)
    region = spectrum.magnitude[np.ix_(near_dss, near_dss)]
    dss = np.unravel_index(region.argmax(), region.shape)
    f1, f2 = (replace(axis, carrier_ppm=axis.carrier_ppm - axis.ppm()[near_dss[at]]) for at in dss)
    return Map(f1, f2, spectrum.magnitude)


def simulated_tocsy(molecule: Residue) -> Map:
    """Simulate the experiment of `measured_valine_tocsy` with ideal mixing, and transform it in the same way.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> simulated_tocsy(load_residue("GLY", "d2o", "free")).f2.field_mhz
    499.84
    """
    fid = tocsy(molecule, molecule.shift_mean_ppm, VALINE)
    cos, sin = fid.numpy()
    return magnitude_map(cos, sin, VALINE.f1, VALINE.f2)


def assigned(spectrum: Map, molecule: Residue, threshold: float) -> dict[tuple[str, ...], np.ndarray]:
    """Centres of cross peaks: the means of their maxima, weighted by height.

    A maximum belongs to the two groups nearest to it if both are within 0.04 ppm; others are left out.

    Arguments
    ---------
    spectrum : Map
        Measured or simulated spectrum.
    molecule : Residue
        Amino acid whose mean shifts the groups have.
    threshold : float
        Least magnitude of a maximum.

    Returns
    -------
    dict[tuple[str, ...], np.ndarray]
        {(F1 group, F2 group): (F1, F2) in ppm}.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> alanine = load_residue("ALA", "d2o", "free")
    >>> simulated = simulated_tocsy(alanine)
    >>> sorted(assigned(simulated, alanine, 0.01 * simulated.magnitude.max()))
    [('HA', 'MB'), ('MB', 'HA')]
    """
    maxima: dict[tuple[str, ...], list] = {}
    for peak, height in zip(*spectrum.peaks(threshold), strict=True):
        distance = np.abs(molecule.shift_mean_ppm - peak[:, None])
        if distance.min(axis=1).max() < 0.04 and abs(peak[0] - peak[1]) > 0.1:
            groups = tuple(molecule.system.names[k] for k in distance.argmin(axis=1))
            maxima.setdefault(groups, []).append([height, *(height * peak)])
    return {groups: np.sum(found, axis=0)[1:] / np.sum(found, axis=0)[0] for groups, found in maxima.items()}


def cross_peaks(molecule: Residue, measured: Map) -> list[dict[str, Any]]:
    """Compare the cross peaks of a simulated TOCSY with those measured.

    Simulated maxima count from 1% of the highest, measured ones from 50 times the noise: the 99th percentile of the
    empty part of the map, 5.5 to 9 ppm. 128 increments do not resolve the 26 Hz between valine's methyl groups in F1,
    so a peak there may belong to either group.

    Arguments
    ---------
    molecule : Residue
        Amino acid to simulate.
    measured : Map
        Measured spectrum, with DSS at 0 ppm.

    Returns
    -------
    list[dict[str, Any]]
        For each simulated cross peak ``groups`` (F1, F2), ``ppm``, and ``off_ppm``, the distance of the nearest
        measured one; NaN if there is no maximum at the groups' shifts.
    """
    simulated = simulated_tocsy(molecule)
    empty = [(axis.ppm() > 5.5) & (axis.ppm() < 9) for axis in (measured.f1, measured.f2)]
    noise = np.quantile(measured.magnitude[np.ix_(*empty)], 0.99)
    there = np.array(list(assigned(measured, molecule, 50 * noise).values())).reshape(-1, 2)
    rows = []
    for groups, centre in assigned(simulated, molecule, 0.01 * simulated.magnitude.max()).items():
        off = min((peak - centre for peak in there), key=lambda d: np.abs(d).max(), default=np.full(2, np.nan))
        rows.append({"groups": groups, "ppm": centre, "off_ppm": off})
    return rows
