"""Shifts of a protein whose homologues have been measured: what a network gets wrong there, it gets wrong here.

As SHIFTY (Wishart et al., J. Biomol. NMR 1997, 10, 329) does, sequences are aligned and shifts transferred; but not the
shifts themselves: what is transferred is the difference between the homologue's shifts and those that the network
predicts for it, so that a residue that differs keeps what the network knows of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nmr_speech.shifts.alignment import identity, pairs, score
from nmr_speech.shifts.atoms import BACKBONE, UNKNOWN
from nmr_speech.shifts.predict import Prediction, predict
from nmr_speech.shifts.refdb import Protein, read_refdb

CANDIDATES = 10  # best scores whose identity is computed
LEAST_IDENTITY = 0.3
# Slope of a residue's error against that of its partner in a homologue, by identity of the two proteins, for the same
# residue and for another: fitted on pairs of the validation split, `benchmarks/shifts/run.py`.
IDENTITIES = (0.35, 0.5, 0.7, 0.875, 0.975)
SAME = (0.45, 0.57, 0.60, 0.77, 0.77)
OTHER = (0.30, 0.39, 0.40, 0.42, 0.45)


@dataclass(frozen=True)
class Homologue:
    """A protein that was measured, and how alike it is.

    Arguments
    ---------
    protein : Protein
        The entry of RefDB.
    identity : float
        Share of the shorter sequence that is the same; see `nmr_speech.shifts.alignment.identity`.
    """

    protein: Protein
    identity: float


def homologues(
    sequence: str, library: Sequence[Protein], least_identity: float = LEAST_IDENTITY, count: int = 5
) -> list[Homologue]:
    """Find the proteins of a library that are most alike to a sequence, the most alike first.

    Arguments
    ---------
    sequence : str
        One-letter codes.
    library : Sequence[Protein]
        Proteins with shifts.
    least_identity : float
        Proteins that are less alike are left out.
    count : int
        Most proteins that are returned.

    Returns
    -------
    list[Homologue]
    """
    scores = np.array([score(sequence, protein.sequence) for protein in library])
    best = [library[i] for i in np.argsort(-scores, kind="stable")[:CANDIDATES]]
    found = [Homologue(protein, identity(sequence, protein.sequence)) for protein in best]
    found = [one for one in found if one.identity >= least_identity]
    return sorted(found, key=lambda one: -one.identity)[:count]


def predict_by_homology(
    sequence: str,
    secondary_structure: str | None = None,
    *,
    side_chains: bool = False,
    library: Sequence[Protein] | None = None,
    source: str | Path | None = None,
) -> tuple[Prediction, list[Homologue]]:
    """Predict shifts with the help of measured homologues.

    Arguments
    ---------
    sequence, secondary_structure, side_chains, source
        See `nmr_speech.shifts.predict`; a structure that is not given is that of the homologues.
    library : Sequence[Protein] | None
        Proteins with shifts; None for all of RefDB.

    Returns
    -------
    Prediction
        As that of `predict` where no homologue has a shift.
    list[Homologue]
        The homologues that were used.

    Raises
    ------
    InputError
        As for `predict`; or RefDB or Biopython is not installed.
    """
    found = homologues(sequence, read_refdb() if library is None else library)
    structure = structure_of(sequence, found) if secondary_structure is None else secondary_structure
    own = predict(sequence, structure, side_chains=side_chains, source=source)
    # The error t here and the errors h there are Gaussian, of one variance; each h has the correlation w with t, and
    # nothing else in common: E[t | h] = sum(w h / (1 - w^2)) / (1 + sum(w^2 / (1 - w^2))), and the variance of t
    # shrinks by the denominator.
    numerator, denominator = np.zeros(own.shift_ppm.shape), np.ones(own.shift_ppm.shape)
    for homologue in found:
        errors, same = transferred(own, homologue, source)
        of_same, of_other = (np.interp(homologue.identity, IDENTITIES, slopes) for slopes in (SAME, OTHER))
        weight = np.where(same, of_same, of_other)[:, None]
        known = np.isfinite(errors)
        numerator += np.where(known, weight / (1 - weight**2) * np.nan_to_num(errors), 0.0)
        denominator += np.where(known, weight**2 / (1 - weight**2), 0.0)
    mean, std = own.shift_ppm + numerator / denominator, own.std_ppm / np.sqrt(denominator)
    return replace(own, shift_ppm=mean, std_ppm=std), found


def structure_of(sequence: str, found: Sequence[Homologue]) -> str | None:
    """Take the secondary structure of a sequence from its homologues; None where there are none.

    Arguments
    ---------
    sequence : str
        One-letter codes.
    found : Sequence[Homologue]
        Its homologues, the most alike first.

    Returns
    -------
    str | None
        H, B, C, or X where no homologue says anything, (L).
    """
    structure = [UNKNOWN] * len(sequence)
    for homologue in found:
        for here, there in pairs(sequence, homologue.protein.sequence):
            if structure[here] == UNKNOWN:
                structure[here] = homologue.protein.structure[there]
    return "".join(structure) if found else None


def transferred(
    own: Prediction, homologue: Homologue, source: str | Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Bring the network's errors on a homologue to the places of a sequence.

    Arguments
    ---------
    own : Prediction
        Of the sequence.
    homologue : Homologue
        The other protein.
    source : str | Path | None
        Of the network; see `predict`.

    Returns
    -------
    errors_ppm : np.ndarray
        Measured less predicted shifts of the partner of each residue, NaN where there is none, (L, atoms).
    same : np.ndarray
        Whether the partner is the same residue, (L,).
    """
    other = homologue.protein
    # The structure of the homologue is used where that of the sequence is: both predictions know as much.
    structure = None if own.secondary_structure is None else other.structure
    predicted = predict(other.sequence, structure, side_chains=len(own.atoms) > len(BACKBONE), source=source)
    wrong = other.shifts_ppm[:, : len(own.atoms)] - predicted.shift_ppm
    errors = np.full(own.shift_ppm.shape, np.nan)
    same = np.zeros(len(own.sequence), bool)
    for here, there in pairs(own.sequence, other.sequence):
        errors[here] = wrong[there]
        same[here] = own.sequence[here] == other.sequence[there]
    return np.where(np.isfinite(own.shift_ppm), errors, np.nan), same
