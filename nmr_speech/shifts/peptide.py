"""A peptide's TOCSY from its sequence: each residue at its own predicted shifts."""

from typing import Any

from nmr_speech.checks import InputError
from nmr_speech.shifts.atoms import UNKNOWN
from nmr_speech.shifts.predict import predict
from nmr_speech.simulate.peptide import Peptide, draw_peptide, residues_of


def draw_sequence(
    sequence: str, secondary_structure: str | None, seed: int, index: int, /, *, condition: str = "h2o", **settings: Any
) -> Peptide:
    """Predict the shifts of a sequence, draw one set of them, and simulate its TOCSY.

    Arguments
    ---------
    sequence : str
        One-letter codes of the twenty amino acids, 1 to 1,000.
    secondary_structure : str | None
        See `nmr_speech.shifts.predict`.
    seed, index : int
        Seed and number of the recording.
    condition : str
        "h2o" or "d2o"; see `nmr_speech.simulate.Sample`.
    **settings : Any
        Nuisances, device and parameters of `nmr_speech.simulate.Acquisition`; see
        `nmr_speech.simulate.peptide.draw_peptide`.

    Returns
    -------
    Peptide

    Example
    -------
    >>> peptide = draw_sequence("MQ", None, 1986, 0)
    >>> [part.residue for part in peptide.parts]
    ['MET', 'GLN']
    """
    if UNKNOWN in sequence:
        raise InputError(f"residue {sequence.index(UNKNOWN) + 1} of the sequence is X, which cannot be simulated")
    predicted = predict(sequence, secondary_structure, side_chains=True)
    return draw_peptide(residues_of(sequence, predicted.gaussians(), condition), seed, index, **settings)
