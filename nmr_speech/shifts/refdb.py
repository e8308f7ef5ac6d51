"""RefDB: proteins with re-referenced shifts and secondary structure, as the package makeshift-nmr brings them.

RefDB (Zhang, Neal and Wishart, J. Biomol. NMR 2003, 25, 173) corrects the references of BMRB entries by the shifts that
a structure predicts. The tables are read from the installed wheel; the package itself is not imported.
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError
from nmr_speech.shifts.atoms import ATOMS, LETTERS, UNKNOWN, letter_numbers, present

PACKAGE, FOLDER = "makeshift-nmr", "makeshift/data/refdb"
FILES = {
    "refdb_backbone.csv": "bcb708466ea6d5f23f5840048536055aac3d640077c4948fae769cb9149f088f",
    "RefDB-H.db.txt": "0956732e521cc2bf59321e37a2a0b07735a5926eaafd5bbbb6e169f85ec98178",
}
"""SHA-256 of the tables of makeshift-nmr 0.2.0."""

# Columns of RefDB-H after number, letter, structure, HN and HA. Their means are those of BMRB's atoms; - has no shifts,
# or those of protons that exchange too fast, or a ring partner's.
PROTONS = {
    "A": "MB", "R": "HB2 HB3 HG2 HG3 HD2 HD3 HE", "N": "HB2 HB3 - - HD21 HD22", "D": "HB2 HB3", "C": "HB2 HB3",
    "Q": "HB2 HB3 HG2 HG3 - - HE21 HE22", "E": "HB2 HB3 HG2 HG3", "G": "HA3", "H": "HB2 HB3 - - - HD2 HE1",
    "I": "HB HG12 HG13 MG2 MD1", "L": "HB2 HB3 HG MD1 MD2", "K": "HB2 HB3 HG2 HG3 HD2 HD3 HE2 HE3",
    "M": "HB2 HB3 HG2 HG3 ME", "F": "HB2 HB3 - - HD1 - HE1", "P": "HB2 HB3 HG2 HG3 HD2 HD3", "S": "HB2 HB3",
    "T": "HB - MG2", "W": "HB2 HB3 HD1 HE1 HE3 HZ2 HZ3 HH2", "Y": "HB2 HB3 - - HD1 - HE1", "V": "HB MG1 MG2",
}  # fmt: skip
STRUCTURES = "HBC"
"""Helix, strand (B, as in beta) and coil; X is unknown."""
FARTHEST = 8.0  # standard deviations from the median
QUARTILES_TO_STD = 1.349  # distance of the quartiles of a Gaussian
SHORTEST_MATCH = 5  # residues


@dataclass(frozen=True, eq=False)
class Protein:
    """One entry of RefDB.

    Arguments
    ---------
    id : str
        BMRB entry.
    pdb : str
        PDB entry and chain that gave the secondary structure.
    sequence : str
        One-letter codes, X for what is none of the twenty, (L).
    structure : str
        H, B, C or X for each residue, (L).
    shifts_ppm : np.ndarray
        float32, (L, atoms); NaN where there is none.
    """

    id: str
    pdb: str
    sequence: str
    structure: str
    shifts_ppm: np.ndarray


@lru_cache(maxsize=1)
def read_refdb() -> tuple[Protein, ...]:
    """Read all proteins of RefDB.

    Values that cannot be are taken out: of each residue's atom those more than eight standard deviations from the
    median, the standard deviation being that of a Gaussian with the same quartiles.

    Returns
    -------
    tuple[Protein, ...]
        In the order of the table.

    Raises
    ------
    InputError
        The package with the tables is not installed, or is another version.
    """
    rows: dict[str, list[dict[str, str]]] = {}
    with table("refdb_backbone.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            rows.setdefault(row["bmrb_id"], []).append(row)
    protons = _read_protons(table("RefDB-H.db.txt").read_text("latin-1"))
    return tuple(_without_outliers([_protein(id, own, protons.get(id)) for id, own in rows.items()]))


def table(name: str) -> Path:
    """Find a table in the installed package, and check that it is the one that was worked with."""
    how = "pip install 'nmr_speech[shifts]' installs it"
    try:
        path = Path(str(distribution(PACKAGE).locate_file(f"{FOLDER}/{name}")))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except (PackageNotFoundError, OSError) as error:
        raise InputError(f"{PACKAGE} 0.2.0 must be installed for the shifts of RefDB; {how}") from error
    if found != FILES[name]:
        raise InputError(f"{path}: is not the table of {PACKAGE} 0.2.0; {how}")
    return path


def _protein(id, rows, protons):
    sequence = "".join(row["aa"] if row["aa"] in LETTERS else UNKNOWN for row in rows)
    structure = "".join(row["ss"] if row["ss"] in STRUCTURES else UNKNOWN for row in rows)
    shifts = np.full((len(rows), len(ATOMS)), np.nan, np.float32)
    for column in ("N", "CA", "CB", "C", "H", "HA"):
        shifts[:, ATOMS.index(column)] = [float(row[column] or "nan") for row in rows]
    if protons is not None:
        # The two tables begin and end at different residues of the chain.
        matcher = SequenceMatcher(None, sequence, protons[0], autojunk=False)
        for here, there, length in matcher.get_matching_blocks():
            for i in range(length if length >= SHORTEST_MATCH else 0):
                _add_protons(shifts[here + i], sequence[here + i], protons[1][there + i])
    shifts[~present()[letter_numbers(sequence)]] = np.nan
    return Protein(id, rows[0]["pdb_id"], sequence, structure, shifts)


def _add_protons(shifts, letter, values):
    for name, value in zip(PROTONS.get(letter, "").split(), values[2:], strict=False):
        if name != "-":
            shifts[ATOMS.index(name)] = value
    if letter == "G":
        shifts[ATOMS.index("HA2")] = values[1]
        shifts[ATOMS.index("HA")] = np.nanmean(values[1:3]) if np.isfinite(values[1:3]).any() else np.nan


def _read_protons(text):
    found = {}
    for entry in text.split(">")[1:]:
        id, count = re.search(r"#DBBANK\s+ID:\s*(\d+)", entry), re.search(r"#NUM RESIDU:\s*(\d+)", entry)
        rows = [line.split() for line in entry.splitlines() if re.match(r"\s*\d+ \S \S", line)][-int(count[1]) :]
        if rows:
            sequence = "".join(row[1] if row[1] in LETTERS else UNKNOWN for row in rows)
            found[id[1]] = sequence, [[float("nan" if "*" in cell else cell) for cell in row[3:]] for row in rows]
    return found


def _without_outliers(proteins):
    letters = np.concatenate([letter_numbers(protein.sequence) for protein in proteins])
    shifts = np.concatenate([protein.shifts_ppm for protein in proteins])
    for letter in range(len(LETTERS) + 1):
        own = np.flatnonzero(letters == letter)
        for atom in np.flatnonzero(np.isfinite(shifts[own]).any(axis=0)):
            values = shifts[own, atom]
            low, middle, high = np.nanquantile(values, (0.25, 0.5, 0.75))
            farthest = FARTHEST * (high - low) / QUARTILES_TO_STD
            shifts[own[np.abs(values - middle) > farthest], atom] = np.nan
    ends = np.cumsum([len(protein.sequence) for protein in proteins])
    for protein, kept in zip(proteins, np.split(shifts, ends[:-1]), strict=True):
        protein.shifts_ppm[:] = kept
    return proteins
