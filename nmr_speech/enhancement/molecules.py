"""Which molecules train the denoiser, which choose its settings, and which only test it."""

import hashlib

from nmr_speech.checks import one_of
from nmr_speech.simulate import RESIDUES, load_molecule, molecule_ids

SPLITS = ("train", "valid", "test")
NOT_TRAINED = ("glucose", "dss", "tsp", "acetone", "trimethylsilyl")
"""Words in names of molecules that the real test spectra hold."""


def molecules_of(split: str) -> list[str]:
    """List the ids of the molecules of a split.

    All amino acids, what resembles one, and what is in the real test spectra are for testing; of the other molecules
    8 in 10 train, 1 in 10 validate and 1 in 10 test. Entries with one name stay together.

    Arguments
    ---------
    split : str
        "train", "valid" or "test".

    Returns
    -------
    list[str]
        Ids for `nmr_speech.simulate.load_molecule`.

    Example
    -------
    >>> {split: len(molecules_of(split)) for split in SPLITS}
    {'train': 838, 'valid': 112, 'test': 227}
    >>> "ALA" in molecules_of("test"), "ALA" in molecules_of("train")
    (True, False)
    """
    one_of("split", split, SPLITS)
    unrelated = set(molecule_ids(related=False))
    chosen = [name for name in molecule_ids() if _split(name, name in unrelated) == split]
    return [*chosen, *RESIDUES] if split == "test" else chosen


def _split(identity: str, unrelated: bool) -> str:
    name = load_molecule(identity).name.lower()
    if not unrelated or any(word in name for word in NOT_TRAINED):
        return "test"
    tenth = hashlib.sha256(name.encode()).digest()[0] % 10  # of the name: the same on every machine
    return {0: "test", 1: "valid"}.get(tenth, "train")
