"""Acids and bases: how pH moves the shifts of a free amino acid."""

import csv
from functools import lru_cache
from importlib.resources import files

import numpy as np

from nmr_speech.simulate.residues import Residue

TABLE_PH = 7.4
"""pH of the tables of free amino acids."""
SPREAD = 0.25
"""Standard deviation of a movement as a share of it: the table holds typical values, not those of each residue."""


def titration_table_bytes() -> bytes:
    """Content of the table: recordings at another pH than `TABLE_PH` depend on it.

    Example
    -------
    >>> titration_table_bytes().startswith(b"residue,site,pka")
    True
    """
    return (files(__package__) / "data" / "titration.csv").read_bytes()


def deprotonated(ph: float, pka: float) -> float:
    """Share of a site that has lost its proton (Henderson and Hasselbalch), 0 to 1.

    Example
    -------
    >>> deprotonated(6.0, 6.0), round(deprotonated(7.0, 6.0), 3)
    (0.5, 0.909)
    """
    return 1 / (1 + 10 ** (pka - ph))


def movement_ppm(residue: str, groups: tuple[str, ...], ph: float) -> np.ndarray:
    """Compute by how much each group's shift differs from that at the pH of the tables.

    Arguments
    ---------
    residue : str
        Three-letter code.
    groups : tuple[str, ...]
        Groups of the residue; those that no site moves stay.
    ph : float
        pH of the sample; in D2O the reading of a pH meter, uncorrected.

    Returns
    -------
    np.ndarray
        ppm, (groups,).

    Example
    -------
    >>> movement_ppm("HIS", ("HE1", "HD2"), 4.0).round(2)  # the imidazolium
    array([0.81, 0.31])
    """
    moved = dict.fromkeys(groups, 0.0)
    for pka, group, change_ppm in _sites().get(residue, ()):
        if group in moved:
            moved[group] += change_ppm * (deprotonated(ph, pka) - deprotonated(TABLE_PH, pka))
    return np.array(list(moved.values()))


def at_ph(residue: Residue, ph: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the shifts of a free amino acid at a pH, in ppm, (groups,) each.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> mean, std = at_ph(load_residue("ALA", "d2o", "free"), 12.0)
    >>> mean.round(2), std.round(2)  # NH2 in place of NH3+
    (array([3.32, 1.25]), array([0.12, 0.06]))
    """
    moved = movement_ppm(residue.id, residue.system.names, ph)
    return residue.shift_mean_ppm + moved, np.hypot(residue.shift_std_ppm, SPREAD * moved)


@lru_cache(maxsize=1)
def _sites():
    sites: dict[str, list[tuple[float, str, float]]] = {}
    for row in csv.DictReader(titration_table_bytes().decode().splitlines()):
        sites.setdefault(row["residue"], []).append((float(row["pka"]), row["group"], float(row["deprotonation_ppm"])))
    return sites
