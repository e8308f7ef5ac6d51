"""Molecules of a user: a table of groups and a table of couplings, in the layout of the library's own."""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.sample import FREE_SHIFT_STD_PPM
from nmr_speech.simulate.spin_system import SpinSystem, largest_block

GROUPS = ("molecule", "group", "n_protons", "shift_ppm")
COUPLINGS = ("molecule", "group_a", "group_b", "j_hz")
LARGEST_FILE = 2**24  # bytes
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
    for where, number, (molecule, group, n_protons, shift_ppm) in _table(path, GROUPS):
        if group in rows[molecule]:
            raise InputError(f"{where}: {quoted(molecule)} has a group {quoted(group)} already; give each its own name")
        n = _number(where, "n_protons", n_protons, 1, 9)
        if n != int(n):
            raise InputError(f"{where}: n_protons must be a whole number from 1 to 9, got {quoted(n_protons)}")
        rows[molecule][group] = (int(n), _number(where, "shift_ppm", shift_ppm, LOWEST_PPM, HIGHEST_PPM))
        first_row.setdefault(molecule, number)
    if not rows:
        raise InputError(f"{path}: lists no groups; it must have a row for each group of protons")
    return rows, first_row


def _read_couplings(path, molecules):
    pairs: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for where, _, (molecule, one, other, j_hz) in _table(path, COUPLINGS):
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
        pairs[molecule][one, other] = _number(where, "j_hz", j_hz, -LARGEST_J_HZ, LARGEST_J_HZ)
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


def _table(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, int, list[str]]]:
    """File and row for messages, number of the row, and its cells in the order of ``columns``."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; it must be a CSV table with the columns {','.join(columns)}")
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(f"{path}: has more than {LARGEST_FILE >> 20} MiB; a gallery is far smaller")
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
                raise InputError(f"{path}: the header lacks the column {missing[0]}; it must have {','.join(columns)}")
            for row in reader:
                cells = [(row[column] or "").strip() for column in columns]
                where = f"{path}, row {reader.line_num}"
                if empty := [column for column, cell in zip(columns, cells, strict=True) if not cell]:
                    raise InputError(f"{where}: the column {empty[0]} is empty; fill it in")
                yield where, reader.line_num, cells
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV in UTF-8 ({printable(error)}); save it again") from error


def _number(where, column, text, low, high):
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise InputError(f"{where}: {column} must be a number from {low:g} to {high:g}, got {quoted(text)}")
    return number
