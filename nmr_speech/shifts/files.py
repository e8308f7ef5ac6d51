"""Predicted shifts as files: CSV, a table as TALOS and NMRPipe have it, and NMR-STAR."""

import csv
import io
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pynmrstar

from nmr_speech.checks import one_of
from nmr_speech.files import write_whole
from nmr_speech.shifts.atoms import ATOMS, LETTERS, UNKNOWN, present
from nmr_speech.shifts.predict import Prediction
from nmr_speech.simulate.residues import ONE_LETTER
from nmr_speech.simulate.shift_table import COLUMNS

DETAILS = "Predicted from the sequence, not measured; errors are standard deviations."
TAGS = (
    *("ID", "Entity_ID", "Comp_index_ID", "Seq_ID", "Comp_ID", "Atom_ID", "Atom_type", "Atom_isotope_number"),
    *("Val", "Val_err", "Ambiguity_code", "Assigned_chem_shift_list_ID"),
)
GEMINAL, RING = 2, 3
METHYLS = {"V": ("MG1", "MG2"), "L": ("MD1", "MD2")}
"""Geminal methyl groups."""


def write_shifts(path: str | Path, prediction: Prediction) -> None:
    r"""Write predicted shifts; the ending decides the format.

    Arguments
    ---------
    path : str | Path
        ``.csv``: columns number, residue, atom, shift_ppm, std_ppm, with methyl groups as MB and the like; the
        simulator reads it. ``.tab``: a table as TALOS and NMRPipe have it. ``.str``: NMR-STAR 3.
    prediction : Prediction
        As `nmr_speech.shifts.predict` returns it.

    Example
    -------
    >>> from nmr_speech.shifts import predict
    >>> path = getfixture("tmp_path") / "shifts.csv"
    >>> write_shifts(path, predict("MQ"))
    >>> print(*path.read_text().splitlines()[:2], sep="\n")
    number,residue,atom,shift_ppm,std_ppm
    1,M,N,...
    """
    ending = one_of("ending of the file", Path(path).suffix.lower(), tuple(WRITERS))
    write_whole(path, WRITERS[ending](prediction).encode())


def _csv(prediction: Prediction) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*row[:3], f"{row[3]:.3f}", f"{row[4]:.3f}") for row in prediction.rows())
    return text.getvalue()


def _tab(prediction: Prediction) -> str:
    blocks = [prediction.sequence[i : i + 10] for i in range(0, len(prediction.sequence), 10)]
    lines = ["REMARK " + DETAILS, ""]
    lines += [f"DATA SEQUENCE {' '.join(blocks[i : i + 5])}" for i in range(0, len(blocks), 5)]
    lines += ["", "VARS   RESID RESNAME ATOMNAME SHIFT SIGMA", "FORMAT %5d %1s %4s %8.3f %7.3f", ""]
    for number, letter, name, shift, std in _nuclei(prediction):
        talos = "HN" if name == "H" else name
        lines.append(f"{number:5d} {letter:1s} {talos:>4s} {shift:8.3f} {std:7.3f}")
    return "\n".join(lines) + "\n"


def _star(prediction: Prediction) -> str:
    frame = pynmrstar.Saveframe.from_scratch("predicted_chemical_shifts", "_Assigned_chem_shift_list")
    frame.add_tag("Sf_category", "assigned_chemical_shifts")
    frame.add_tag("Sf_framecode", "predicted_chemical_shifts")
    frame.add_tag("ID", 1)
    frame.add_tag("Details", DETAILS)
    loop = pynmrstar.Loop.from_scratch("_Atom_chem_shift")
    loop.add_tag(list(TAGS))
    isotopes = {"H": 1, "C": 13, "N": 15}
    for number, letter, name, shift, std in _nuclei(prediction):
        if letter != UNKNOWN:
            own = [number, number, ONE_LETTER[letter], name, name[0], isotopes[name[0]]]
            loop.add_data([len(loop.data) + 1, 1, *own, f"{shift:.3f}", f"{std:.3f}", ambiguity(letter, name), 1])
    frame.add_loop(loop)
    entry = pynmrstar.Entry.from_scratch("predicted")
    entry.add_saveframe(frame)
    return str(entry.format())


def _nuclei(prediction: Prediction) -> Iterator[tuple[int, str, str, float, float]]:
    for number, letter, atom, shift, std in prediction.rows():
        # The mean of the two protons stands for both, unless they are there themselves.
        if not (letter == "G" and atom == "HA" and "HA2" in prediction.atoms):
            yield from ((number, letter, name, shift, std) for name in atom_names(letter, atom))


WRITERS: dict[str, Callable[[Prediction], str]] = {".csv": _csv, ".tab": _tab, ".str": _star}


def atom_names(letter: str, atom: str) -> list[str]:
    """Return the IUPAC names of the nuclei that share a shift.

    A methyl group has three protons, a ring that flips shows two as one, and HA of glycine is the mean of its two.

    Example
    -------
    >>> atom_names("I", "MG2"), atom_names("A", "MB"), atom_names("F", "HD1"), atom_names("V", "CA")
    (['HG21', 'HG22', 'HG23'], ['HB1', 'HB2', 'HB3'], ['HD1', 'HD2'], ['CA'])
    """
    if atom.startswith("M"):
        return [f"H{atom[1:]}{number}" for number in (1, 2, 3)]
    if letter in "FY" and atom in ("HD1", "HE1"):
        return [atom, f"{atom[:-1]}2"]
    if letter == "G" and atom == "HA":
        return ["HA2", "HA3"]
    return [atom]


def ambiguity(letter: str, name: str) -> int:
    """Return BMRB's code of what a name leaves open: 1 nothing, 2 which of two geminal ones, 3 which side of a ring.

    Example
    -------
    >>> ambiguity("K", "HB2"), ambiguity("F", "HD1"), ambiguity("V", "HG11"), ambiguity("A", "HB1")
    (2, 3, 2, 1)
    """
    if letter in "FY" and name in ("HD1", "HD2", "HE1", "HE2"):
        return RING
    return GEMINAL if (letter, name) in _geminal() else 1


@cache
def _geminal() -> frozenset[tuple[str, str]]:
    found = set()
    for letter, row in zip(LETTERS, present(), strict=False):
        own = {atom for atom, there in zip(ATOMS, row, strict=True) if there}
        two = {(letter, atom) for atom in own if {atom[:-1] + "2", atom[:-1] + "3"} <= own and atom[-1] in "23"}
        two -= {("W", "HZ2"), ("W", "HZ3")}  # on different rings
        found |= two | {(letter, name) for a in own if a in METHYLS.get(letter, ()) for name in atom_names(letter, a)}
        found |= {(letter, atom) for atom in own if letter in "NQ" and atom[-2:] in ("21", "22")}
        found |= {(letter, atom) for atom in own if letter == "I" and atom in ("HG12", "HG13")}
    return frozenset(found)
