"""One noun for whatever can be a speaker: a spin system and the distribution of its chemical shifts."""

from dataclasses import dataclass

import numpy as np

from nmr_speech.simulate.spin_system import SpinSystem


@dataclass(frozen=True, eq=False, kw_only=True)
class Molecule:
    """A molecule: its spin system, and how its shifts vary from sample to sample.

    Arguments
    ---------
    id : str
        What it is called in tables: a three-letter code, an entry of the library, or the seed of a synthetic one.
    name : str
        What a chemist calls it.
    system : SpinSystem
        Groups and couplings.
    shift_mean_ppm : np.ndarray
        Mean shift of each group in ppm, (groups,).
    shift_std_ppm : np.ndarray
        Standard deviation of each group's shift in ppm, (groups,).
    shift_of : tuple[int, ...]
        For each group, the index of the group whose draw it takes: its own, or that of its ring partner.
    source : str
        Where the numbers come from.

    Example
    -------
    >>> water = Molecule(
    ...     id="water", name="water", system=SpinSystem({"H": 2}, {}), shift_mean_ppm=np.array([4.75]),
    ...     shift_std_ppm=np.array([0.0]), shift_of=(0,), source="a textbook",
    ... )
    >>> water.draw_shifts(np.random.default_rng(0), 2)
    array([[4.75],
           [4.75]])
    """

    id: str
    name: str
    system: SpinSystem
    shift_mean_ppm: np.ndarray
    shift_std_ppm: np.ndarray
    shift_of: tuple[int, ...]
    source: str

    def draw_shifts(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw a chemical shift for each group from its Gaussian; ring partners share one draw.

        The Gaussians are independent, so the two protons of a CH2 are further apart than in nature.

        Arguments
        ---------
        rng : np.random.Generator
            Source of the draws; it gives one number for each group of each sample, ring partners included.
        count : int
            Number of samples.

        Returns
        -------
        np.ndarray
            Shifts in ppm, (count, groups).
        """
        drawn = rng.normal(self.shift_mean_ppm, self.shift_std_ppm, (count, len(self.shift_mean_ppm)))
        return drawn[:, list(self.shift_of)]

    @property
    def proton_shifts_ppm(self) -> np.ndarray:
        """Mean shift of every proton in ppm, rising, (protons,)."""
        return np.sort(np.repeat(self.shift_mean_ppm, [n_protons for _, n_protons in self.system.groups]))


def farthest_proton_ppm(one: Molecule, other: Molecule) -> float:
    """Return how far apart two molecules' protons are, at the best assignment of one to the other.

    In one dimension the assignment whose largest difference is smallest pairs them in the order of their shifts.

    Arguments
    ---------
    one, other : Molecule
        The molecules.

    Returns
    -------
    float
        Largest difference of mean shifts in ppm; infinity for other numbers of protons.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> round(farthest_proton_ppm(load_residue("ILE"), load_residue("LEU")), 2)
    0.31
    """
    a, b = one.proton_shifts_ppm, other.proton_shifts_ppm
    return float(np.abs(a - b).max()) if len(a) == len(b) else np.inf
