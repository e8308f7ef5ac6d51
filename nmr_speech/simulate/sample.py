"""The sample: which protons are seen, and from which distribution their chemical shifts are drawn."""

from dataclasses import dataclass
from functools import lru_cache

from nmr_speech.checks import InputError, in_range, one_of
from nmr_speech.simulate.residues import RESIDUES, Residue, read_residue

CONDITIONS = ("h2o", "d2o")
SHIFT_SOURCES = ("protein", "free")
FREE_SHIFT_STD_PPM = 0.03  # how far pH, salt, temperature and referencing move a shift between ordinary samples


@dataclass(frozen=True)
class Sample:
    """Solvent and state of the amino acids.

    Arguments
    ---------
    condition : str
        "h2o": protons of the backbone NH and of slowly exchanging side-chain NH are seen; "d2o": only those on carbon.
    shift_source : str
        "protein": each shift has its Gaussian over all proteins (BMRB). "free": shifts and couplings of the free amino
        acid in neutral D2O at 298 K (GISSMO; for TYR Govindaraju 2000, because GISSMO's sample is strongly basic: see
        the README of the tables). The amino group of a free amino acid is not seen, so "free" needs condition "d2o".
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", 0 to 0.3 ppm; no effect on "protein".

    Example
    -------
    >>> Sample("d2o", "free").residue("VAL").shift_mean_ppm.round(2).tolist()
    [3.6, 2.27, 1.03, 0.98]
    >>> Sample(shift_source="free")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `shift_source` 'free' needs `condition` 'd2o', got 'h2o': ...
    """

    condition: str = "h2o"
    shift_source: str = "protein"
    free_shift_std_ppm: float = FREE_SHIFT_STD_PPM

    def __post_init__(self) -> None:
        one_of("condition", self.condition, CONDITIONS)
        one_of("shift_source", self.shift_source, SHIFT_SOURCES)
        in_range("free_shift_std_ppm", self.free_shift_std_ppm, 0, 0.3, "ppm", "0.01 to 0.05")
        if self.shift_source == "free" and self.condition != "d2o":
            raise InputError(
                f"`shift_source` 'free' needs `condition` 'd2o', got {self.condition!r}: "
                "a free amino acid has NH3+ in place of the backbone NH, and it exchanges too fast to be seen"
            )

    def residue(self, name: str) -> Residue:
        """Read an amino acid, by its three-letter code, as it is in this sample.

        Example
        -------
        >>> Sample("d2o").residue("VAL").system.names
        ('HA', 'HB', 'MG1', 'MG2')
        """
        return _read(one_of("residue", name, RESIDUES), self)


@lru_cache(maxsize=4 * len(RESIDUES))
def _read(name: str, sample: Sample) -> Residue:
    return read_residue(name, sample.condition, sample.shift_source, float(sample.free_shift_std_ppm))


def load_residue(
    name: str,
    condition: str = "h2o",
    shift_source: str = "protein",
    free_shift_std_ppm: float = FREE_SHIFT_STD_PPM,
) -> Residue:
    """Read one amino acid from the package's tables.

    Arguments
    ---------
    name : str
        Three-letter code, e.g. "VAL".
    condition : str
        "h2o" or "d2o"; see `Sample`.
    shift_source : str
        "protein" or "free" (with "d2o"); see `Sample`.
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", 0 to 0.3 ppm.

    Returns
    -------
    Residue

    Example
    -------
    >>> load_residue("VAL").system.names
    ('HA', 'HB', 'MG1', 'MG2', 'H')
    """
    return Sample(condition, shift_source, free_shift_std_ppm).residue(name)
