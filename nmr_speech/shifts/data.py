"""Proteins as padded batches of tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nmr_speech.shifts.atoms import LETTERS, letter_numbers
from nmr_speech.shifts.network import Scale
from nmr_speech.shifts.predict import NOT_GIVEN, STRUCTURES
from nmr_speech.shifts.refdb import Protein

LEAST_VALUES = 20  # of an atom in a residue, for a mean and a standard deviation of its own


@dataclass(frozen=True, eq=False)
class Batch:
    """Proteins side by side, padded to the longest.

    Arguments
    ---------
    letters : torch.Tensor
        Residues, long, (B, L); unknown beyond the end.
    structure : torch.Tensor
        0 helix, 1 strand, 2 coil, 3 not known, long, (B, L).
    inside : torch.Tensor
        1 in the chain, 0 beyond its end, (B, L).
    shifts_ppm : torch.Tensor
        NaN where there is none, (B, L, atoms).
    """

    letters: torch.Tensor
    structure: torch.Tensor
    inside: torch.Tensor
    shifts_ppm: torch.Tensor


class ProteinSet(torch.utils.data.Dataset):
    """Proteins in groups of similar length, so that little is padded; each item is a batch.

    Arguments
    ---------
    proteins : Sequence[Protein]
        The proteins.
    batch_size : int
        Proteins of a batch.
    longest : int
        Longer ones are cut into pieces of this length.

    Example
    -------
    >>> shifts = np.zeros((7, 36), np.float32)
    >>> batches = ProteinSet([Protein("1", "1ABC", "MQIFVKT", "CCBBBBC", shifts)], batch_size=2, longest=4)
    >>> len(batches), batches[0].inside.sum(1).tolist()
    (1, [3.0, 4.0])
    """

    def __init__(self, proteins: Sequence[Protein], batch_size: int, longest: int = 400) -> None:
        pieces: list[tuple[torch.Tensor, ...]] = []
        for protein in proteins:
            letters = torch.from_numpy(letter_numbers(protein.sequence))
            structure = torch.tensor([STRUCTURES[letter] for letter in protein.structure])
            parts = (letters, structure, torch.from_numpy(protein.shifts_ppm))
            pieces += zip(*(part.split(longest) for part in parts), strict=True)
        pieces.sort(key=lambda piece: len(piece[0]))
        self.batches = [_joined(pieces[i : i + batch_size]) for i in range(0, len(pieces), batch_size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        return self.batches[index]


def _joined(pieces):
    def padded(parts, fill):
        return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=fill)

    letters, structure, shifts = zip(*pieces, strict=True)
    inside = padded([torch.ones(len(one)) for one in letters], 0.0)
    return Batch(padded(letters, len(LETTERS)), padded(structure, NOT_GIVEN), inside, padded(shifts, torch.nan))


def fill_scale(scale: Scale, proteins: Sequence[Protein]) -> None:
    """Set the means and standard deviations of a network to those of the training data.

    An atom with few values in a residue takes those of all residues.

    Arguments
    ---------
    scale : Scale
        Of a network; its atoms are the first ones of `ATOMS`.
    proteins : Sequence[Protein]
        Training data.

    Example
    -------
    >>> shifts = np.full((40, 36), 4.0, np.float32)
    >>> shifts[::2, 0] = 110.0
    >>> shifts[1::2, 0] = 114.0
    >>> scale = Scale(1)
    >>> fill_scale(scale, [Protein("1", "1ABC", "A" * 40, "C" * 40, shifts)])
    >>> scale.mean_ppm[0].item(), scale.std_ppm[0].item()
    (112.0, 2.0)
    """
    n_atoms = scale.mean_ppm.shape[1]
    letters = np.concatenate([letter_numbers(protein.sequence) for protein in proteins])
    shifts = np.concatenate([protein.shifts_ppm[:, :n_atoms] for protein in proteins]).astype(np.float64)
    for letter in range(len(LETTERS) + 1):
        for atom in range(n_atoms):
            values = shifts[letters == letter, atom]
            if np.isfinite(values).sum() < LEAST_VALUES:
                values = shifts[:, atom]
            if np.isfinite(values).sum() >= LEAST_VALUES:
                scale.mean_ppm[letter, atom] = float(np.nanmean(values))
                scale.std_ppm[letter, atom] = float(np.nanstd(values))
