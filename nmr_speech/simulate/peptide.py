"""A peptide or protein: one recording of all its residues, and the recording of each beside it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch

from nmr_speech.checks import InputError, quoted
from nmr_speech.simulate.draw import Nuisances, Recording, disturbed, draw_shifts, generator, sample_and_acquisition
from nmr_speech.simulate.residues import ONE_LETTER, Residue
from nmr_speech.simulate.sample import Sample
from nmr_speech.simulate.shift_table import Gaussian, Site, at_site
from nmr_speech.simulate.spin_system import SpinSystem
from nmr_speech.simulate.tocsy import tocsy

LONGEST = 1000  # residues: 1 GB of signals
FIRST_STREAM = 3  # of random numbers: 0 to 2 are those of residues and mixtures


@dataclass(frozen=True, eq=False)
class Peptide:
    """One simulated recording of a sequence.

    Arguments
    ---------
    sequence : str
        One-letter codes.
    parts : tuple[Recording, ...]
        The recording of each residue, without nuisances.
    fid : torch.Tensor
        complex64, (2, n_transients, n_points): their sum, with nuisances.
    """

    sequence: str
    parts: tuple[Recording, ...]
    fid: torch.Tensor


def residues_of(sequence: str, shifts: Sequence[Mapping[str, Gaussian]], condition: str = "h2o") -> list[Residue]:
    """Give each residue of a sequence its own Gaussians of shifts.

    The first residue has no backbone NH: the protons of its NH3+ exchange too fast to be seen.

    Arguments
    ---------
    sequence : str
        One-letter codes of the twenty amino acids, 1 to 1,000.
    shifts : Sequence[Mapping[str, tuple[float, float]]]
        For each residue, mean and standard deviation in ppm by atom; groups that are not named keep those of BMRB.
    condition : str
        "h2o" or "d2o"; see `nmr_speech.simulate.Sample`.

    Returns
    -------
    list[Residue]

    Example
    -------
    >>> first, second = residues_of("GG", [{"HA": (3.9, 0.1)}, {"H": (8.4, 0.3)}])
    >>> first.system.names, second.system.names
    (('HA2', 'HA3'), ('HA2', 'HA3', 'H'))
    """
    if not 1 <= len(sequence) <= LONGEST:
        raise InputError(f"the sequence must have 1 to {LONGEST} residues to be simulated, got {len(sequence)}")
    sample, found = Sample(condition), []
    for number, (letter, own) in enumerate(zip(sequence, shifts, strict=True), start=1):
        if letter not in ONE_LETTER:
            known = "".join(ONE_LETTER)
            raise InputError(f"residue {number} must be one of {known} to be simulated, got {quoted(letter)}")
        residue = at_site(sample.residue(ONE_LETTER[letter]), Site(number, ONE_LETTER[letter], own))
        found.append(without_group(residue, "H") if number == 1 else residue)
    return found


def without_group(residue: Residue, group: str) -> Residue:
    """Take a group and its couplings out of a residue.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> without_group(load_residue("ALA"), "H").system.groups
    (('HA', 1), ('MB', 3))
    """
    names = residue.system.names
    kept = [i for i, name in enumerate(names) if name != group]
    couplings = {(a, b): j_hz for a, b, j_hz in residue.system.couplings_hz if group not in (a, b)}
    return replace(
        residue,
        system=SpinSystem({name: n for name, n in residue.system.groups if name != group}, couplings),
        shift_mean_ppm=residue.shift_mean_ppm[kept],
        shift_std_ppm=residue.shift_std_ppm[kept],
        shift_of=tuple(kept.index(i) for i in (residue.shift_of[k] for k in kept)),
    )


def draw_peptide(
    residues: Sequence[Residue],
    seed: int,
    index: int,
    *,
    nuisances: Nuisances = MappingProxyType({}),
    device: str = "cpu",
    memory_gb: float | None = None,
    **acquisition: Any,
) -> Peptide:
    """Draw and simulate a sequence. No coupling joins protons of two residues, so the signal is the sum of theirs.

    Arguments
    ---------
    residues : Sequence[Residue]
        The residues in order, as `residues_of` gives them.
    seed, index : int
        Seed and number of the recording; each residue's shifts depend on these, its kind and its place.
    nuisances : Mapping[str, Mapping[str, float | Sequence[float]]]
        Nuisances of the sum; see `nmr_speech.simulate.nuisances.disturb`.
    device : str
        Where to compute, "cpu" or "cuda".
    memory_gb : float | None
        Working memory to stay within; see `tocsy`.
    **acquisition : Any
        Parameters of `Acquisition` by keyword.

    Returns
    -------
    Peptide

    Example
    -------
    >>> peptide = draw_peptide(residues_of("GA", [{}, {}]), seed=1986, index=0)
    >>> peptide.sequence, round(peptide.fid[0, 0, 0].real.item(), 3)  # 2 protons, and 5
    ('GA', 7.0)
    """
    _, experiment = sample_and_acquisition(acquisition)
    letters = {name: letter for letter, name in ONE_LETTER.items()}
    shifts = [
        draw_shifts(residue, generator(residue.name, seed, index, stream=FIRST_STREAM + place))
        for place, residue in enumerate(residues)
    ]
    alike = defaultdict(list)  # residues of one spin system are simulated together
    for place, residue in enumerate(residues):
        alike[residue.name, residue.system.names].append(place)
    parts: dict[int, Recording] = {}
    for places in alike.values():
        residue = residues[places[0]]
        rows = [shifts[place].tolist() for place in places]
        fids = tocsy(residue, rows, experiment, device=device, memory_gb=memory_gb)
        for place, row, fid in zip(places, rows, fids, strict=True):
            named = dict(zip(residue.system.names, row, strict=True))
            parts[place] = Recording(residue.name, seed, index, named, fid)
    ordered = tuple(parts[place] for place in range(len(residues)))
    source = generator(residues[0].name, seed, index, stream=2)
    fid = disturbed(torch.stack([part.fid for part in ordered]).sum(0), source, nuisances, experiment)
    return Peptide("".join(letters[residue.name] for residue in residues), ordered, fid)
