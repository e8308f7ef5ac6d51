"""The molecules among which a spectrum is identified: the amino acids, the library, or a table of the user."""

from pathlib import Path

from nmr_speech.checks import InputError, quoted
from nmr_speech.simulate import RESIDUES, Molecule, load_molecule, load_residue, molecule_ids
from nmr_speech.simulate.molecule_file import read_molecules

GALLERIES = ("amino_acids", "molecules")


def load_gallery(gallery: str | Path = "molecules", couplings: str | Path | None = None) -> list[Molecule]:
    """Load the molecules of a gallery.

    Arguments
    ---------
    gallery : str | Path
        "amino_acids", the twenty free ones in D2O; "molecules", these and the library's 1,157; or a CSV file, as
        `nmr_speech.simulate.molecule_file.read_molecules` reads it.
    couplings : str | Path | None
        CSV file of the couplings, for a file of groups.

    Returns
    -------
    list[Molecule]

    Raises
    ------
    InputError
        There is no such gallery, or the file is not one.

    Example
    -------
    >>> len(load_gallery("molecules")), load_gallery("amino_acids")[0].id
    (1177, 'ALA')
    >>> load_gallery("aminoacids")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `gallery` must be amino_acids, molecules or a CSV file, got 'aminoacids'
    """
    if str(gallery) in GALLERIES:
        if couplings is not None:
            raise InputError(f"`couplings` belongs to a CSV file of groups; leave it out with the gallery {gallery}")
        amino_acids = [load_residue(name, "d2o", "free") for name in RESIDUES]
        library = [load_molecule(id) for id in molecule_ids()] if str(gallery) == "molecules" else []
        return [*amino_acids, *library]
    if Path(gallery).suffix.lower() != ".csv":
        raise InputError(f"`gallery` must be amino_acids, molecules or a CSV file, got {quoted(str(gallery))}")
    return read_molecules(gallery, couplings)
