"""Shifts from a sequence, and secondary structure from shifts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError, quoted
from nmr_speech.shifts.atoms import ATOMS, BACKBONE, LETTERS, UNKNOWN, letter_numbers, present
from nmr_speech.shifts.load import of_kind
from nmr_speech.shifts.network import ShiftNetwork, StructureNetwork

LONGEST = 10_000  # residues
NOT_GIVEN = 3
STRUCTURES = {"H": 0, "B": 1, "E": 1, "C": 2, UNKNOWN: NOT_GIVEN}
"""Helix, strand (B, or E as DSSP has it), coil, not known."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted shifts of a sequence.

    Arguments
    ---------
    sequence : str
        One-letter codes, (L).
    secondary_structure : str | None
        What was given: H, B or E, C, X for each residue.
    atoms : tuple[str, ...]
        N, CA, CB, C, H and HA, and the protons of side chains if they were asked for.
    shift_ppm : np.ndarray
        Means, (L, atoms); NaN where a residue has no such atom.
    std_ppm : np.ndarray
        Standard deviations, (L, atoms).
    """

    sequence: str
    secondary_structure: str | None
    atoms: tuple[str, ...]
    shift_ppm: np.ndarray
    std_ppm: np.ndarray

    def rows(self) -> list[tuple[int, str, str, float, float]]:
        """List number (from 1), letter, atom, shift and standard deviation in ppm of every atom that there is."""
        return [
            (number, letter, atom, float(shift), float(std))
            for number, letter, shifts, stds in zip(
                range(1, len(self.sequence) + 1), self.sequence, self.shift_ppm, self.std_ppm, strict=True
            )
            for atom, shift, std in zip(self.atoms, shifts, stds, strict=True)
            if np.isfinite(shift)
        ]

    def gaussians(self) -> list[dict[str, tuple[float, float]]]:
        """List mean and standard deviation in ppm by atom, for each residue."""
        found: list[dict[str, tuple[float, float]]] = [{} for _ in self.sequence]
        for number, _, atom, shift, std in self.rows():
            found[number - 1][atom] = shift, std
        return found


def predict(
    sequence: str,
    secondary_structure: str | None = None,
    *,
    side_chains: bool = False,
    source: str | Path | None = None,
) -> Prediction:
    """Predict the chemical shifts of a protein from its sequence.

    Arguments
    ---------
    sequence : str
        One-letter codes in capitals; X for a residue that is none of the twenty.
    secondary_structure : str | None
        H (helix), B or E (strand), C (coil) or X (not known) for each residue; predictions are better with it.
    side_chains : bool
        Predict the protons of side chains, too.
    source : str | Path | None
        Results folder or Hub repository of a network; None for the one in the package.

    Returns
    -------
    Prediction

    Raises
    ------
    InputError
        The sequence is empty or too long, has an unknown letter, or the structure does not fit it.

    Example
    -------
    >>> ubiquitin = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
    >>> found = predict(ubiquitin)
    >>> found.atoms, found.shift_ppm.shape
    (('N', 'CA', 'CB', 'C', 'H', 'HA'), (76, 6))
    >>> predict("GZ")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: residue 2 of the sequence must be a letter of ARNDCQEGHILKMFPSTWYV or X, got 'Z'...
    """
    letters = torch.from_numpy(letter_numbers(check_sequence(sequence)))[None]
    structure = torch.from_numpy(structure_numbers(secondary_structure, len(sequence)))[None]
    inside = torch.ones(1, len(sequence))
    with torch.inference_mode():
        found = [network(letters, structure, inside) for network in of_kind(source, ShiftNetwork, "shifts")]
    means, stds = (torch.cat(parts).double().numpy() for parts in zip(*found, strict=True))
    mean, std = means.mean(axis=0), np.sqrt((stds**2).mean(axis=0))
    there = present()[letters[0].numpy()]
    n_atoms = len(ATOMS) if side_chains else len(BACKBONE)
    mean, std = (np.where(there, part, np.nan)[:, :n_atoms] for part in (mean, std))
    return Prediction(sequence, secondary_structure, ATOMS[:n_atoms], mean, std)


def structure_from_shifts(
    sequence: str, shifts_ppm: Mapping[str, np.ndarray], source: str | Path | None = None
) -> np.ndarray:
    """Predict three-state secondary structure from the shifts of a protein's backbone.

    Arguments
    ---------
    sequence : str
        One-letter codes, (L).
    shifts_ppm : Mapping[str, np.ndarray]
        For some or all of N, CA, CB, C, H and HA, the shifts in ppm, (L,); NaN where one was not assigned.
    source : str | Path | None
        Results folder or Hub repository of a network; None for the one in the package.

    Returns
    -------
    np.ndarray
        Probabilities of helix, strand and coil, (L, 3).

    Raises
    ------
    InputError
        As for `predict`; or an atom is not of the backbone, or has another number of shifts than there are residues.

    Example
    -------
    >>> helix = structure_from_shifts("A" * 15, {"CA": np.full(15, 55.0), "HA": np.full(15, 3.9)})
    >>> helix.shape, bool((helix[4:11].argmax(1) == 0).all())
    ((15, 3), True)
    """
    letters = torch.from_numpy(letter_numbers(check_sequence(sequence)))[None]
    table = np.full((len(sequence), len(BACKBONE)), np.nan, np.float32)
    for atom, values in shifts_ppm.items():
        if atom not in BACKBONE:
            raise InputError(f"`shifts_ppm` must name atoms of {', '.join(BACKBONE)}, got {quoted(atom)}")
        if np.shape(values) != (len(sequence),):
            wanted = f"a shift for each of the {len(sequence)} residues, NaN where there is none"
            raise InputError(f"`shifts_ppm` must give {atom} {wanted}; got an array of shape {np.shape(values)}")
        table[:, BACKBONE.index(atom)] = values
    [network] = of_kind(source, StructureNetwork, "structure")
    with torch.inference_mode():
        logits = network(letters, torch.from_numpy(table)[None], torch.ones(1, len(sequence)))
        return logits[0].double().softmax(-1).numpy()


def check_sequence(sequence: str) -> str:
    """Return a sequence if a network can take it; see `predict`."""
    if not isinstance(sequence, str) or not 1 <= len(sequence) <= LONGEST:
        count = f"{len(sequence)}" if isinstance(sequence, str) else quoted(sequence)
        raise InputError(f"the sequence must be a text of 1 to {LONGEST:,} letters, got {count}")
    for place, letter in enumerate(sequence, start=1):
        if letter not in LETTERS and letter != UNKNOWN:
            hint = "; write it in capitals" if letter.upper() in LETTERS else ""
            wanted = f"a letter of {LETTERS} or {UNKNOWN}"
            raise InputError(f"residue {place} of the sequence must be {wanted}, got {quoted(letter)}{hint}")
    return sequence


def structure_numbers(secondary_structure: str | None, length: int) -> np.ndarray:
    """Turn a secondary structure into numbers, (L,); see `predict`.

    Example
    -------
    >>> structure_numbers("HEC", 3), structure_numbers(None, 2)
    (array([0, 1, 2]), array([3, 3]))
    """
    if secondary_structure is None:
        return np.full(length, NOT_GIVEN)
    if len(secondary_structure) != length:
        wanted = f"a letter for each of the {length} residues"
        raise InputError(f"`secondary_structure` must have {wanted}, got {len(secondary_structure)}")
    for place, letter in enumerate(secondary_structure, start=1):
        if letter not in STRUCTURES:
            wanted = "H (helix), B or E (strand), C (coil) or X (not known)"
            raise InputError(f"letter {place} of `secondary_structure` must be {wanted}, got {quoted(letter)}")
    return np.array([STRUCTURES[letter] for letter in secondary_structure])
