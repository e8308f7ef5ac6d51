"""Synthetic 13C HSQC spectra of the methyl groups of a protein: many lines, close together, as real ones have them."""

import numpy as np
import torch
from scipy.fft import fft

# Mean and standard deviation, of 13C and of 1H: for 1H those of the BMRB's statistics, for 13C about those.
SHIFTS_PPM = {
    "ALA": ((19.0, 1.8, 1.35, 0.26),),
    "ILE": ((13.5, 1.7, 0.68, 0.29), (17.5, 1.4, 0.77, 0.27)),
    "LEU": ((24.7, 1.6, 0.75, 0.28), (24.1, 1.7, 0.73, 0.28)),
    "MET": ((17.1, 1.7, 1.86, 0.40),),
    "THR": ((21.5, 1.1, 1.14, 0.22),),
    "VAL": ((21.5, 1.4, 0.82, 0.26), (21.3, 1.5, 0.80, 0.28)),
}
FREQUENCY = {"ALA": 8.3, "ILE": 5.9, "LEU": 9.7, "MET": 2.4, "THR": 5.3, "VAL": 6.9}  # % of the residues of proteins
RESIDUES = 80
MHZ = (201.2, 800.0)  # 13C, 1H
CENTRE_PPM, WIDTH_PPM = (18.0, 0.9), (20.0, 10.0)
COUPLING_HZ = 35.0  # between neighbouring carbons
T2_S = ((0.02, 0.06), (0.015, 0.04))
NOISE = 1e-3  # of the highest point
POINTS = 1024
REACH_PPM = 1.0  # of the proton dimension, either way


def methyl_plane(kind: str, seed: int, n: int) -> torch.Tensor:
    """Make a plane of signals of n points in t1, by frequency in F2, complex64, (proton frequencies, n).

    Of kind "measured" lines decay as they do without constant time, of kind "coupled" couplings split them, and of kind
    "processed" there is half a cosine on them besides, as on what is taken back from a processed spectrum.
    """
    rng = np.random.default_rng((seed, n))
    groups = [
        group
        for name, share in FREQUENCY.items()
        for _ in range(rng.poisson(RESIDUES * share / 100))
        for group in SHIFTS_PPM[name]
    ]
    drawn = [(rng.normal(*group[:2]), rng.normal(*group[2:])) for group in groups]
    amplitudes, times = rng.lognormal(0, 0.5, len(drawn)), [rng.uniform(*span, len(drawn)) for span in T2_S]
    carbon, proton = (
        _signals((np.array(ppm) - centre) * mhz, width * mhz, decay_s, count)
        for ppm, centre, mhz, width, decay_s, count in zip(
            zip(*drawn, strict=True), CENTRE_PPM, MHZ, WIDTH_PPM, times, (n, POINTS), strict=True
        )
    )
    t1_s = np.arange(n) / (WIDTH_PPM[0] * MHZ[0])
    if kind != "measured":
        carbon = carbon * np.cos(np.pi * COUPLING_HZ * t1_s)
    proton[:, 0] *= 0.5
    shapes = fft(proton * np.cos(np.pi / 2 * np.arange(POINTS) / POINTS) ** 2, 2 * POINTS, axis=1).real
    reach = round(REACH_PPM / WIDTH_PPM[1] * 2 * POINTS)
    plane = np.roll((amplitudes[:, None] * shapes).T @ carbon, reach, axis=0)[: 2 * reach]
    plane = plane + NOISE * np.abs(plane).max() * (rng.normal(size=plane.shape) + 1j * rng.normal(size=plane.shape))
    if kind == "processed":
        plane = plane * np.cos(np.pi / 2 * np.arange(n) / n)
    return torch.from_numpy(plane.astype(np.complex64))


def _signals(offsets_hz, width_hz, decay_s, n):
    """Decaying exponentials, (lines, n)."""
    times = np.arange(n) / width_hz
    return np.exp((2j * np.pi * offsets_hz - 1 / decay_s)[:, None] * times)
