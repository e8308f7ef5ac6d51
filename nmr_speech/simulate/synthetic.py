"""Random molecules without end, with the habits of organic molecules in water; none comes near an amino acid."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from nmr_speech.checks import InputError, in_range, quoted
from nmr_speech.simulate.fragments import FIRST, FURTHER, HIGHEST_PPM, LOWEST_PPM, Draft, add_fragment
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.residues import RESIDUES
from nmr_speech.simulate.sample import load_residue
from nmr_speech.simulate.spin_system import largest_block

REFUSED_WITHIN_PPM = 0.25
MAX_PROTONS, MAX_BLOCK = 12, 35  # larger ones take longer to simulate than they are worth
SAMPLES = (("h2o", "protein"), ("d2o", "protein"), ("d2o", "free"))
"""Every condition and shift source of an amino acid."""

Seed = int | Sequence[int]


def draw_molecule(seed: Seed, refused_within_ppm: float = REFUSED_WITHIN_PPM) -> Molecule:
    """Draw a random molecule: one to three fragments of `nmr_speech.simulate.fragments`.

    Arguments
    ---------
    seed : int | Sequence[int]
        A whole number from 0, or several, such as the seed of a training and a number in it. Equal seeds give equal
        molecules.
    refused_within_ppm : float
        A molecule is drawn again if all its protons lie closer than this to those of an amino acid, in any of
        `SAMPLES`; 0 to 10 ppm.

    Returns
    -------
    Molecule
        At most 12 protons, with one coupling or more.

    Example
    -------
    >>> molecule = draw_molecule(7)
    >>> molecule.id, molecule.system == draw_molecule(7).system, nearest_amino_acid_ppm(molecule) >= 0.25
    ('synthetic_7', True, True)
    """
    words = _words(seed)
    in_range("refused_within_ppm", refused_within_ppm, 0, 10, "ppm", "0.25")
    rng = np.random.default_rng(words)
    id = f"synthetic_{'_'.join(map(str, words))}"
    while True:
        draft = Draft(rng)
        for number in range(rng.choice([1, 2, 3], p=[0.45, 0.42, 0.13])):
            add_fragment(draft, FURTHER if number else FIRST)
        molecule = draft.molecule(id, "synthetic")
        if _fits(molecule, refused_within_ppm):
            return molecule


def draw_sibling(molecule: Molecule, seed: Seed, refused_within_ppm: float = REFUSED_WITHIN_PPM) -> Molecule:
    """Draw a molecule much like another one: shifts and couplings moved, perhaps a group more or one less.

    Siblings are what ILE and LEU are to one another; molecules drawn at random are told apart too easily.

    Arguments
    ---------
    molecule : Molecule
        The other one.
    seed : int | Sequence[int]
        As for `draw_molecule`; sibling and molecule may share it.
    refused_within_ppm : float
        As for `draw_molecule`.

    Returns
    -------
    Molecule

    Example
    -------
    >>> molecule = draw_molecule(7)
    >>> sibling = draw_sibling(molecule, 7)
    >>> sibling.id, sibling.proton_shifts_ppm.tolist() == molecule.proton_shifts_ppm.tolist()
    ('synthetic_7_sibling_7', False)
    """
    words = _words(seed)
    in_range("refused_within_ppm", refused_within_ppm, 0, 10, "ppm", "0.25")
    rng = np.random.default_rng(np.random.SeedSequence(words, spawn_key=(1,)))
    while True:
        draft = _copy(molecule, rng)
        changed = [_move_shifts(draft), _change_couplings(draft), _remove_group(draft), _add_group(draft)]
        other = draft.molecule(f"{molecule.id}_sibling_{'_'.join(map(str, words))}", molecule.source)
        if any(changed) and _fits(other, refused_within_ppm):
            return other


def widen(molecule: Molecule, seed: Seed) -> Molecule:
    """Give a molecule the spread of shifts that residues have in proteins, by the region of each shift.

    Arguments
    ---------
    molecule : Molecule
        Such as one of the library, whose shifts vary by hundredths of a ppm.
    seed : int | Sequence[int]
        As for `draw_molecule`.

    Returns
    -------
    Molecule
        Standard deviations of 0.2 to 0.55 ppm.

    Example
    -------
    >>> from nmr_speech.simulate import load_molecule
    >>> bool((widen(load_molecule("bmse000297_simulation_1"), 0).shift_std_ppm > 0.2).all())
    True
    """
    rng = np.random.default_rng(_words(seed))
    ranges = [
        (0.2, 0.37) if n_protons == 3 else (0.2, 0.5) if ppm > 5.5 else (0.3, 0.55) if ppm > 3.3 else (0.2, 0.45)
        for (_, n_protons), ppm in zip(molecule.system.groups, molecule.shift_mean_ppm, strict=True)
    ]
    drawn = np.array([rng.uniform(*limits) for limits in ranges])
    return replace(molecule, shift_std_ppm=drawn[list(molecule.shift_of)])


def nearest_amino_acid_ppm(molecule: Molecule) -> float:
    """Return how close a molecule comes to an amino acid: the largest difference of protons paired by shift.

    Arguments
    ---------
    molecule : Molecule
        Any molecule.

    Returns
    -------
    float
        ppm, over the twenty in all `SAMPLES`; infinity if none has as many protons.

    Example
    -------
    >>> nearest_amino_acid_ppm(load_residue("VAL", "d2o"))
    0.0
    """
    known = _amino_acids().get(molecule.system.n_protons)
    return np.inf if known is None else float(np.abs(known - molecule.proton_shifts_ppm).max(axis=1).min())


@lru_cache(maxsize=1)
def _amino_acids():
    """Shifts of all protons by their number, as `farthest_proton_ppm` compares them, (residues, protons) each."""
    known = [load_residue(name, *sample).proton_shifts_ppm for name in RESIDUES for sample in SAMPLES]
    return {n: np.stack([shifts for shifts in known if len(shifts) == n]) for n in set(map(len, known))}


def _words(seed):
    words = list(seed) if isinstance(seed, Sequence) and not isinstance(seed, str) else [seed]
    for word in words:
        if not isinstance(word, int | np.integer) or isinstance(word, bool) or word < 0:
            raise InputError(f"`seed` must be a whole number from 0, or several, got {quoted(seed)}")
    return [int(word) for word in words]


def _fits(molecule, refused_within_ppm):
    small = molecule.system.couplings_hz and molecule.system.n_protons <= MAX_PROTONS
    return (
        small and largest_block(molecule.system) <= MAX_BLOCK and nearest_amino_acid_ppm(molecule) >= refused_within_ppm
    )


def _copy(molecule, rng):
    draft = Draft(rng)
    names = molecule.system.names
    draft.groups = list(molecule.system.groups)
    draft.mean_ppm, draft.std_ppm = molecule.shift_mean_ppm.tolist(), molecule.shift_std_ppm.tolist()
    draft.shift_of = list(molecule.shift_of)
    draft.couplings_hz = {(names.index(a), names.index(b)): j for a, b, j in molecule.system.couplings_hz}
    return draft


def _move_shifts(draft):
    moved = [i for i, own in enumerate(draft.shift_of) if own == i and draft.rng.random() < 0.5]
    for i in moved:
        ppm = float(np.clip(draft.mean_ppm[i] + draft.rng.normal(0, 0.8), LOWEST_PPM, HIGHEST_PPM))
        draft.mean_ppm = [ppm if draft.shift_of[k] == i else old for k, old in enumerate(draft.mean_ppm)]
    return moved


def _change_couplings(draft):
    changed = [pair for pair in draft.couplings_hz if draft.rng.random() < 0.4]
    for pair in changed:
        draft.couplings_hz[pair] *= draft.rng.uniform(0.5, 1.5)
    return changed


def _remove_group(draft):
    free = [i for i, own in enumerate(draft.shift_of) if own == i and draft.shift_of.count(i) == 1]
    if len(draft.groups) < 3 or not free or draft.rng.random() > 0.35:
        return False
    gone = int(draft.rng.choice(free))
    for values in (draft.groups, draft.mean_ppm, draft.std_ppm, draft.shift_of):
        del values[gone]
    draft.shift_of = [own - (own > gone) for own in draft.shift_of]
    draft.couplings_hz = {
        (a - (a > gone), b - (b > gone)): j for (a, b), j in draft.couplings_hz.items() if gone not in (a, b)
    }
    return True


def _add_group(draft):
    rng = draft.rng
    if rng.random() > 0.35:
        return False
    to = int(rng.integers(len(draft.groups)))
    methyl = rng.random() < 0.6
    ppm = rng.normal(1.2, 0.3) if methyl else rng.normal(8, 0.6) if rng.random() < 0.3 else rng.normal(3, 1)
    new = draft.add("methyl" if methyl else "aliphatic", 3 if methyl else 1, ppm)
    draft.groups[new] = (f"X{new + 1}", draft.groups[new][1])  # a name that no group of the molecule has
    draft.couple(to, new, rng.uniform(5.5, 8))
    return True
