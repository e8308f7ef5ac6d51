"""Molecules of a user: a table of groups and a table of couplings, in the layout of the library's own."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.reading import number_in, read_rows
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.sample import FREE_SHIFT_STD_PPM
from nmr_speech.simulate.spin_system import SpinSystem, largest_block

GROUPS = ("molecule", "group", "n_protons", "shift_ppm")
COUPLINGS = ("molecule", "group_a", "group_b", "j_hz")
MAX_BLOCK = 300  # states of equal M_z: lysine with all its protons has 252
LOWEST_PPM, HIGHEST_PPM = -5.0, 20.0
LARGEST_J_HZ = 100.0


def read_molecules(groups: str | Path, couplings: str | Path | None = None) -> list[Molecule]:
    r"""Read molecules from CSV files.

    Arguments
    ---------
    groups : str | Path
        Table ``molecule,group,n_protons,shift_ppm``, one row a group of equivalent protons.
    couplings : str | Path | None
        Table ``molecule,group_a,group_b,j_hz``, one row a coupling; None for a file beside the other whose name has
        ``_couplings`` before its ending, if there is one.

    Returns
    -------
    list[Molecule]
        In the order of the file; shifts vary by the 0.03 ppm of free molecules.

    Raises
    ------
    InputError
        With file and row: a column is missing, a number is none or out of range, a group is unknown or comes twice, a
        coupling joins a group to itself, a coupled network is too large to simulate.

    Example
    -------
    >>> path = getfixture("tmp_path") / "mine.csv"
    >>> _ = path.write_text("molecule,group,n_protons,shift_ppm\nethanol,CH2,2,3.65\nethanol,CH3,3,1.17\n")
    >>> _ = path.with_name("mine_couplings.csv").write_text("molecule,group_a,group_b,j_hz\nethanol,CH2,CH3,7.1\n")
    >>> [ethanol] = read_molecules(path)
    >>> ethanol.system.groups, ethanol.system.couplings_hz
    ((('CH2', 2), ('CH3', 3)), (('CH2', 'CH3', 7.1),))
    """
    groups = Path(groups)
    if couplings is None and (beside := groups.with_stem(f"{groups.stem}_couplings")).is_file():
        couplings = beside
    rows, first_row = _read_groups(groups)
    pairs = _read_couplings(Path(couplings), rows) if couplings is not None else {}
    return [_molecule(name, own, pairs.get(name, {}), f"{groups}, row {first_row[name]}") for name, own in rows.items()]


def _read_groups(path):
    rows: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    first_row: dict[str, int] = {}
    for where, number, (molecule, group, n_protons, shift_ppm) in read_rows(path, GROUPS):
        if group in rows[molecule]:
            raise InputError(f"{where}: {quoted(molecule)} has a group {quoted(group)} already; give each its own name")
        n = number_in(where, "n_protons", n_protons, 1, 9)
        if n != int(n):
            raise InputError(f"{where}: n_protons must be a whole number from 1 to 9, got {quoted(n_protons)}")
        rows[molecule][group] = (int(n), number_in(where, "shift_ppm", shift_ppm, LOWEST_PPM, HIGHEST_PPM))
        first_row.setdefault(molecule, number)
    if not rows:
        raise InputError(f"{path}: lists no groups; it must have a row for each group of protons")
    return rows, first_row


def _read_couplings(path, molecules):
    pairs: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for where, _, (molecule, one, other, j_hz) in read_rows(path, COUPLINGS):
        if molecule not in molecules:
            raise InputError(
                f"{where}: no molecule {quoted(molecule)} in the table of groups; add it or correct the name"
            )
        for group in (one, other):
            if group not in molecules[molecule]:
                known = printable(", ".join(molecules[molecule]))
                raise InputError(f"{where}: {quoted(molecule)} has no group {quoted(group)}; it has {known}")
        if one == other:
            raise InputError(
                f"{where}: group {quoted(one)} is coupled to itself, which no spectrum shows; remove the row"
            )
        if (one, other) in pairs[molecule] or (other, one) in pairs[molecule]:
            raise InputError(f"{where}: the coupling of {quoted(one)} and {quoted(other)} comes twice; remove one")
        pairs[molecule][one, other] = number_in(where, "j_hz", j_hz, -LARGEST_J_HZ, LARGEST_J_HZ)
    return pairs


def _molecule(name, groups, couplings_hz, where):
    system = SpinSystem({group: n for group, (n, _) in groups.items()}, couplings_hz)
    if (states := largest_block(system)) > MAX_BLOCK:
        raise InputError(
            f"{where}: the network of {quoted(name)} has {states} states of equal M_z, more than the {MAX_BLOCK} that "
            "can be simulated; give protons of equal shift as one group, or leave out far couplings"
        )
    shifts = np.array([ppm for _, ppm in groups.values()])
    return Molecule(
        id=name,
        name=name,
        system=system,
        shift_mean_ppm=shifts,
        shift_std_ppm=np.full(len(shifts), FREE_SHIFT_STD_PPM),
        shift_of=tuple(range(len(shifts))),
        source="a table",
    )
