"""The one way to reference data: files of the repository, and larger ones fetched once and checked by their SHA-256."""

from pathlib import Path

from nmr_speech.checks import InputError

ROOT = Path(__file__).resolve().parents[2]
FETCHED = {  # name: (address, SHA-256); source and licence stand in tests/data/README.md
    "gb1_hsqc.ft2": (
        "https://github.com/PhiMykah/nmrpype/raw/fffa9f5333813d1e3cd9e62ad356c709a209c5c0/hf/hn.ft2",
        "c51b388cb0be64710345969be889dc78630a7c5b219b255de695a08d4a6867ea",
    ),
}


def reference_data(name: str) -> Path:
    """Find a file or folder of reference data.

    Arguments
    ---------
    name : str
        ``"valine"`` for the measured TOCSY in ``examples/valine``, a name in `FETCHED`, or one in ``tests/data``.

    Returns
    -------
    Path
        A file or folder that exists.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be fetched.

    Example
    -------
    >>> reference_data("gissmo_spin_systems.json").name, reference_data("valine").is_dir()
    ('gissmo_spin_systems.json', True)
    """
    if name in FETCHED:
        return _fetch(name, *FETCHED[name])
    found = ROOT / "examples" / "valine" if name == "valine" else ROOT / "tests" / "data" / name
    if not found.exists():
        raise InputError(f"reference data {name!r} must be in {found.parent}; they come with a clone of the repository")
    return found


def _fetch(name: str, address: str, sha256: str) -> Path:
    try:
        import pooch  # noqa: PLC0415 - only tests and benchmarks fetch reference data

        return Path(pooch.retrieve(address, f"sha256:{sha256}", fname=name, path=pooch.os_cache("nmr_speech")))
    except ImportError as error:
        raise InputError(f"fetching {name} needs pooch: pip install -e '.[dev]'") from error
    except (OSError, ValueError) as error:  # no network; another file than expected
        raise InputError(f"reference data {name} cannot be fetched from {address} ({error})") from error
