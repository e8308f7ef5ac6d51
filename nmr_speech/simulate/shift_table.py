"""Predicted shifts as the simulator takes them: a table with a Gaussian for each atom of each residue of a sequence.

Any program's predictions can be brought into this form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, quoted
from nmr_speech.reading import number_in, read_rows
from nmr_speech.simulate.residues import ONE_LETTER, Residue

COLUMNS = ("number", "residue", "atom", "shift_ppm", "std_ppm")
UNKNOWN = "X"  # a residue that is none of the twenty
LARGEST_NUMBER = 10**6
PPM = (-100.0, 300.0)
LARGEST_STD_PPM = 50.0

Gaussian = tuple[float, float]
"""Mean and standard deviation of a shift in ppm."""


@dataclass(frozen=True)
class Site:
    """One residue of a sequence and what is known of its shifts.

    Arguments
    ---------
    number : int
        Its number in the sequence.
    residue : str
        Three-letter code.
    shifts : Mapping[str, tuple[float, float]]
        Mean and standard deviation in ppm, by atom.
    """

    number: int
    residue: str
    shifts: Mapping[str, Gaussian]


def read_sites(path: str | Path) -> tuple[Site, ...]:
    r"""Read a table of predicted shifts.

    Arguments
    ---------
    path : str | Path
        CSV file with the columns number, residue (one letter), atom, shift_ppm and std_ppm; the letter X is left out.

    Returns
    -------
    tuple[Site, ...]
        In the order of the file.

    Raises
    ------
    InputError
        With file and row: a column is missing, a number is none or out of range, a residue is unknown or has two
        letters, an atom comes twice.

    Example
    -------
    >>> path = getfixture("tmp_path") / "shifts.csv"
    >>> _ = path.write_text("number,residue,atom,shift_ppm,std_ppm\n1,G,HA,3.97,0.3\n1,G,CA,45.3,1.1\n")
    >>> read_sites(path)
    (Site(number=1, residue='GLY', shifts={'HA': (3.97, 0.3), 'CA': (45.3, 1.1)}),)
    """
    found: dict[int, tuple[str, dict[str, Gaussian]]] = {}
    for where, number, letter, atom, gaussian in _read(path):
        known, shifts = found.setdefault(number, (letter, {}))
        if known != letter:
            raise InputError(f"{where}: residue {number} is {known} above and {letter} here; a number has one residue")
        if atom in shifts:
            raise InputError(f"{where}: residue {number} has the atom {quoted(atom)} already; remove one of the two")
        shifts[atom] = gaussian
    sites = (Site(n, ONE_LETTER[letter], own) for n, (letter, own) in found.items() if letter != UNKNOWN)
    if not (known_sites := tuple(sites)):
        raise InputError(f"{path}: lists no residue; it must have a row for each atom")
    return known_sites


def _read(path: str | Path) -> Iterator[tuple[str, int, str, str, Gaussian]]:
    for where, _, (number, letter, atom, shift, std) in read_rows(path, COLUMNS):
        whole = number_in(where, "number", number, -LARGEST_NUMBER, LARGEST_NUMBER)
        if whole != int(whole):
            raise InputError(f"{where}: number must be a whole number, got {quoted(number)}")
        if letter not in ONE_LETTER and letter != UNKNOWN:
            raise InputError(f"{where}: residue must be a letter of {''.join(ONE_LETTER)} or X, got {quoted(letter)}")
        gaussian = number_in(where, "shift_ppm", shift, *PPM), number_in(where, "std_ppm", std, 0, LARGEST_STD_PPM)
        yield where, int(whole), letter, atom, gaussian


def at_site(residue: Residue, site: Site) -> Residue:
    """Give a residue the shifts of a site; groups of which the site says nothing keep their own.

    Both protons of a glycine's CH2 take HA where the site has no HA2 and HA3.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> at_site(load_residue("GLY", "d2o"), Site(7, "GLY", {"HA": (3.5, 0.2)})).shift_mean_ppm
    array([3.5, 3.5])
    """
    shifts = dict(site.shifts)
    if residue.name == "GLY" and "HA" in shifts:
        shifts = {"HA2": shifts["HA"], "HA3": shifts["HA"]} | shifts
    own = zip(residue.shift_mean_ppm.tolist(), residue.shift_std_ppm.tolist(), strict=True)
    rows = [shifts.get(name, kept) for name, kept in zip(residue.system.names, own, strict=True)]
    mean_ppm, std_ppm = np.array(rows).T
    source = f"predicted for residue {site.number}"
    return replace(residue, shift_mean_ppm=mean_ppm, shift_std_ppm=std_ppm, shift_source="predicted", source=source)


def mixture_of(residues: Sequence[Residue]) -> Residue:
    """Return a residue with the mean and the standard deviation of draws from several ones, each equally often.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> glycine = load_residue("GLY", "d2o")
    >>> sites = [at_site(glycine, Site(1, "GLY", {"HA": (ppm, 0.3)})) for ppm in (3.6, 4.4)]
    >>> mixture_of(sites).shift_std_ppm  # of the two means 0.4, of each 0.3
    array([0.5, 0.5])
    """
    means = np.stack([residue.shift_mean_ppm for residue in residues])
    variances = np.stack([residue.shift_std_ppm for residue in residues]) ** 2
    std_ppm = np.sqrt(variances.mean(axis=0) + means.var(axis=0))
    return replace(residues[0], shift_mean_ppm=means.mean(axis=0), shift_std_ppm=std_ppm, source="predicted shifts")


def sites_of(path: str | Path, residue: str) -> tuple[Site, ...]:
    """Read the sites of one residue; the file is read again only if it has changed.

    Arguments
    ---------
    path : str | Path
        Table; see `read_sites`.
    residue : str
        Three-letter code.

    Returns
    -------
    tuple[Site, ...]
        One or more.
    """
    path = Path(path)
    state = path.stat() if path.is_file() else None  # a file that is not there is refused by `read_sites`
    by_residue = _by_residue(path, state and state.st_mtime_ns, state and state.st_size)
    if residue not in by_residue:
        raise InputError(f"{path}: has no {residue}; choose among its residues, {', '.join(by_residue)}")
    return by_residue[residue]


@lru_cache(maxsize=4)
def _by_residue(path: Path, _changed: int | None, _size: int | None) -> dict[str, tuple[Site, ...]]:
    sites = read_sites(path)
    return {name: tuple(site for site in sites if site.residue == name) for name in sorted({s.residue for s in sites})}
