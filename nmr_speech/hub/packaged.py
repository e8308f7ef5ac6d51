"""Pretrained models that have a name: those of this package, and those that another installed package brings."""

import importlib.util
from pathlib import Path

from nmr_speech.checks import InputError

TRAINED = Path(__file__).parents[1] / "models" / "trained"
OWN = ("measured", "molecules")
"""Bundles of this package: the model for measured spectra, and the embedding of simulated molecules."""

GE2E_FILE = "pretrained.pt"
"""File of the voice encoder GE2E in the package Resemblyzer."""

NAMES = (*OWN, "ge2e")


def packaged(source: str | Path) -> Path | None:
    """Find the folder of a model that has a name; None for any other source.

    A name comes before a folder of that name, which can be given as ``./molecules``.

    Arguments
    ---------
    source : str | Path
        "measured" for the model of this package that names measured spectra, "molecules" for its embedding, "ge2e" for
        the voice encoder of Resemblyzer; or anything else.

    Returns
    -------
    Path | None

    Raises
    ------
    InputError
        The package that brings the model is not installed.

    Example
    -------
    >>> packaged("molecules").name, packaged("user/model")
    ('molecules', None)
    """
    if source in OWN:
        return TRAINED / source
    return _resemblyzer() if source == "ge2e" else None


def _resemblyzer() -> Path:
    """Folder of the package, which is not imported: that would need librosa and a compiled voice detector."""
    found = importlib.util.find_spec("resemblyzer")
    if found is None or not found.submodule_search_locations:
        raise InputError(
            "`ge2e` is the voice encoder of the package Resemblyzer, which is not installed: run pip install --no-deps "
            "Resemblyzer==0.1.4 (15 MB, of which only the weights are used)"
        )
    return Path(found.submodule_search_locations[0])
