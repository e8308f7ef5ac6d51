"""The library: 1,157 small molecules with fitted shifts and couplings, and the twenty amino acids."""

import csv
import difflib
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from nmr_speech.checks import InputError, in_range, quoted
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.residues import RESIDUES
from nmr_speech.simulate.sample import FREE_SHIFT_STD_PPM, load_residue
from nmr_speech.simulate.spin_system import SpinSystem

SOURCE = "GISSMO, D2O, 298 K"


@dataclass(frozen=True)
class _Entry:
    """Rows of the three tables that describe one molecule."""

    name: str
    related: bool
    groups: tuple[tuple[str, int, float], ...]
    couplings_hz: tuple[tuple[str, str, float], ...]


def molecule_ids(related: bool = True) -> tuple[str, ...]:
    """List the ids of the library's molecules, in the order of the table; amino acids are not among them.

    Arguments
    ---------
    related : bool
        Whether to list molecules that resemble an amino acid or are called after one: 86 of the 1,157.

    Returns
    -------
    tuple[str, ...]

    Example
    -------
    >>> len(molecule_ids()), len(molecule_ids(related=False)), molecule_ids()[-1]
    (1157, 1071, 'bmse001295_simulation_1')
    """
    return tuple(name for name, entry in _library().items() if related or not entry.related)


def load_molecule(id: str, shift_std_ppm: float = FREE_SHIFT_STD_PPM) -> Molecule:
    """Load a molecule of the library, or an amino acid.

    Arguments
    ---------
    id : str
        One of `molecule_ids`; or a three-letter code, which gives the residue in proteins and H2O as
        `nmr_speech.simulate.load_residue` does. Other samples of an amino acid are to be had there.
    shift_std_ppm : float
        Standard deviation of every shift of a library molecule, 0 to 0.3 ppm: how far pH, salt, temperature and
        referencing move a shift between ordinary samples. No effect on an amino acid.

    Returns
    -------
    Molecule

    Raises
    ------
    InputError
        The library has no such molecule; the message names the nearest ids.

    Example
    -------
    >>> ethanol = load_molecule("bmse000297_simulation_1")
    >>> ethanol.name, ethanol.system.groups
    ('Ethanol', (('G1', 3), ('G2', 2)))
    >>> load_molecule("bmse000297")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `id` must be an entry of the library or a three-letter code, got 'bmse000297'; ...
    """
    in_range("shift_std_ppm", shift_std_ppm, 0, 0.3, "ppm", "0.01 to 0.05")
    if id in RESIDUES:
        return load_residue(id)
    if not isinstance(id, str) or id not in _library():
        near = difflib.get_close_matches(str(id)[:100], [*_library(), *RESIDUES], n=3, cutoff=0.4)
        hint = f"the nearest are {', '.join(near)}" if near else "`nmr_speech.simulate.molecule_ids` lists them"
        raise InputError(f"`id` must be an entry of the library or a three-letter code, got {quoted(id)}; {hint}")
    entry = _library()[id]
    shifts = [ppm for _, _, ppm in entry.groups]
    sizes = [n_protons for _, n_protons, _ in entry.groups]
    # Protons of equal shift and number are partners by symmetry: in another sample their shifts are still equal.
    partner = {pair: i for i, pair in reversed(list(enumerate(zip(shifts, sizes, strict=True))))}
    return Molecule(
        id=id,
        name=entry.name,
        system=SpinSystem(
            {name: n_protons for name, n_protons, _ in entry.groups}, {(a, b): j for a, b, j in entry.couplings_hz}
        ),
        shift_mean_ppm=np.array(shifts),
        shift_std_ppm=np.full(len(shifts), float(shift_std_ppm)),
        shift_of=tuple(partner[pair] for pair in zip(shifts, sizes, strict=True)),
        source=SOURCE,
    )


@lru_cache(maxsize=1)
def _library() -> dict[str, _Entry]:
    groups, couplings = defaultdict(list), defaultdict(list)
    for row in _table("groups.csv"):
        groups[row["molecule"]].append((row["group"], int(row["n_protons"]), float(row["shift_ppm"])))
    for row in _table("couplings.csv"):
        couplings[row["molecule"]].append((row["group_a"], row["group_b"], float(row["j_hz"])))
    return {
        row["molecule"]: _Entry(
            row["name"],
            row["related_to_amino_acid"] == "1",
            tuple(groups[row["molecule"]]),
            tuple(couplings[row["molecule"]]),
        )
        for row in _table("molecules.csv")
    }


def _table(file_name):
    with (files(__package__) / "data" / "molecules" / file_name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
