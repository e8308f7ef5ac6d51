"""Fragments of random molecules in water: chains and rings, aromatic rings, olefins, sugars and isolated protons.

Shifts follow from what is bound near by, couplings from the number of bonds and the geometry, both with the spread of
organic molecules. The figures are a chemist's: no table of amino acids is read.
"""

from collections.abc import Callable
from itertools import combinations, product

import numpy as np

from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.spin_system import SpinSystem

STD_PPM = {
    "NH": (0.45, 0.75), "alpha": (0.3, 0.55), "aliphatic": (0.2, 0.45), "methyl": (0.2, 0.37),
    "aromatic": (0.2, 0.5), "single": (0.15, 0.45),
}  # fmt: skip
"""Range of the standard deviation of a shift, in ppm, by kind of proton: as wide as those of residues in proteins."""
LOWEST_PPM, HIGHEST_PPM = -0.3, 10.6
FAINT_HZ = 0.3


class Draft:
    """A molecule in the making.

    Arguments
    ---------
    rng : np.random.Generator
        Source of all draws.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.groups: list[tuple[str, int]] = []
        self.mean_ppm: list[float] = []
        self.std_ppm: list[float] = []
        self.shift_of: list[int] = []
        self.couplings_hz: dict[tuple[int, int], float] = {}

    def add(self, kind: str, n_protons: int, ppm: float) -> int:
        """Add a group of equivalent protons at a shift in ppm; return its position."""
        number = len(self.groups)
        letter = {"NH": "HN", "methyl": "M"}.get(kind, "H")
        self.groups.append((f"{letter}{number + 1}", n_protons))
        self.mean_ppm.append(float(np.clip(ppm, LOWEST_PPM, HIGHEST_PPM)))
        self.std_ppm.append(self.rng.uniform(*STD_PPM[kind]))
        self.shift_of.append(number)
        return number

    def add_partner(self, of: int) -> int:
        """Add a proton that symmetry gives the shift of another one, but other couplings; return its position."""
        number = len(self.groups)
        self.groups.append((f"H{number + 1}", 1))
        self.mean_ppm.append(self.mean_ppm[of])
        self.std_ppm.append(self.std_ppm[of])
        self.shift_of.append(of)
        return number

    def couple(self, a: int, b: int, j_hz: float) -> None:
        """Couple two groups; what is fainter than 0.3 Hz is left out."""
        if abs(j_hz) >= FAINT_HZ:
            self.couplings_hz[a, b] = float(j_hz)

    def molecule(self, id: str, source: str) -> Molecule:
        """Make the molecule."""
        names = [name for name, _ in self.groups]
        couplings = {(names[a], names[b]): j for (a, b), j in self.couplings_hz.items()}
        return Molecule(
            id=id,
            name=id,
            system=SpinSystem(dict(self.groups), couplings),
            shift_mean_ppm=np.array(self.mean_ppm),
            shift_std_ppm=np.array(self.std_ppm),
            shift_of=tuple(self.shift_of),
            source=source,
        )


def chain(draft: Draft) -> None:
    """Aliphatic carbons one after the other, perhaps with an NH at an end, branches, or closed to a ring."""
    rng = draft.rng
    length = int(rng.choice([1, 2, 3, 4, 5], p=[0.15, 0.3, 0.27, 0.18, 0.1]))
    ring = length >= 3 and rng.random() < 0.15
    amide = not ring and rng.random() < 0.6
    ppm = _chain_ppm(rng, length, hetero=amide or rng.random() < 0.5)
    before = first = [draft.add("NH", 1, rng.normal(8.1, 0.5))] if amide else []
    for i in range(length):
        carbon = _carbon_kind(rng, i, last=i == length - 1 and not ring)
        here = _carbon(draft, carbon, ppm[i] + (0.2 if carbon == "CH" and i else 0))
        for one, two in product(before, here):
            draft.couple(one, two, _vicinal_hz(draft, one, two))
        if carbon == "CH":
            _branch(draft, here[0], i, length)
        first, before = (here if i == 0 else first), here
        if carbon == "CH3":
            break
    _end(draft, before, first, ring)


def _end(draft, last, first, ring):
    """Close a ring, or add an NH to the last carbon of some chains."""
    if ring:
        for one, two in product(last, first):
            draft.couple(one, two, draft.rng.uniform(2.5, 10.5))
    elif draft.rng.random() < 0.12:
        end = draft.add("NH", 1, draft.rng.normal(7.3, 0.5))
        for one in last:
            draft.couple(end, one, draft.rng.uniform(5, 6.5))


def _chain_ppm(rng, length, hetero):
    """Shift of each carbon's protons in ppm, by what is bound there."""
    found = []
    for i in range(length):
        ppm = rng.normal(1.75, 0.35)
        if i == 0 and hetero:
            ppm = rng.normal(4.2 if rng.random() < 0.7 else 3.4, 0.35)
        elif i in (0, length - 1) and rng.random() < 0.65:
            ppm = rng.choice([2.3, 2.7, 3.1, 3.7], p=[0.3, 0.3, 0.25, 0.15]) + rng.normal(0, 0.2)
        elif i == 1 and hetero:
            ppm += rng.uniform(0, 0.8)
        found.append(ppm)
    return found


def _carbon_kind(rng, number, last):
    shares = [0.75, 0.25, 0] if number == 0 else [0.2, 0.5, 0.3] if last else [0.25, 0.75, 0]
    return rng.choice(["CH", "CH2", "CH3"], p=shares)


def _carbon(draft, carbon, ppm):
    """Add the protons of one carbon."""
    rng, kind = draft.rng, "alpha" if ppm > 3.3 else "aliphatic"
    if carbon == "CH":
        return [draft.add(kind, 1, ppm)]
    if carbon == "CH3":
        return [draft.add("methyl", 3, max(ppm - (0.85 if ppm < 3.3 else 2.2), 0.7))]
    if rng.random() < 0.2:
        return [draft.add(kind, 2, ppm)]
    half = (abs(rng.normal(0, 0.15)) + 0.01) / 2
    pair = [draft.add(kind, 1, ppm + half), draft.add(kind, 1, ppm - half)]
    draft.couple(*pair, rng.uniform(-18, -11.5))
    return pair


def _vicinal_hz(draft, one, two):
    if draft.groups[one][0].startswith("HN"):
        return draft.rng.uniform(5, 8.5)
    turning = draft.groups[one][1] > 1 or draft.groups[two][1] > 1  # rotation averages the coupling
    return draft.rng.uniform(6.2, 7.6) if turning else draft.rng.uniform(2.5, 11.5)


def _branch(draft, carbon, number, length):
    rng = draft.rng
    if number > 0 and rng.random() < 0.55:
        for _ in range(rng.choice([1, 2], p=[0.6, 0.4])):
            draft.couple(carbon, draft.add("methyl", 3, rng.normal(1.0, 0.2)), rng.uniform(6.2, 7.2))
    elif number == 0 and length == 1 and rng.random() < 0.6:
        draft.couple(carbon, draft.add("methyl", 3, rng.normal(1.35, 0.15)), rng.uniform(6.2, 7.5))


def aromatic(draft: Draft) -> None:
    """Six-membered rings by their pattern, five-membered ones, one ring of an indole or quinoline."""
    kinds = {_one_substituent: 0.3, _four_in_a_row: 0.17, _two_apart: 0.1, _three: 0.1, _pyridine: 0.1, _azole: 0.23}
    list(kinds)[draft.rng.choice(len(kinds), p=list(kinds.values()))](draft)


def _ring(draft, *ppm):
    return [draft.add("aromatic", 1, draft.rng.normal(7.3, 0.4) if one is None else one) for one in ppm]


def _ortho(draft):
    return draft.rng.uniform(7, 8.6)


def _meta(draft):
    return draft.rng.uniform(1, 2.6)


def _para(draft):
    return draft.rng.uniform(0.2, 0.7)


def _one_substituent(draft):
    """A symmetric ring: one substituent, or two of them opposite to one another."""
    ortho, meta = _ring(draft, None, None)
    ortho2, meta2 = draft.add_partner(ortho), draft.add_partner(meta)
    near, far = _ortho(draft), _para(draft)
    for a, b, j_hz in (
        (ortho, meta, near), (ortho2, meta2, near), (ortho, meta2, far), (ortho2, meta, far),
        (ortho, ortho2, _meta(draft)), (meta, meta2, _meta(draft)),
    ):  # fmt: skip
        draft.couple(a, b, j_hz)
    if draft.rng.random() < 0.5:
        (para,) = _ring(draft, None)
        near, far = _ortho(draft), _meta(draft)
        for a, j_hz in ((meta, near), (meta2, near), (ortho, far), (ortho2, far)):
            draft.couple(a, para, j_hz)


def _four_in_a_row(draft):
    """Two neighbouring substituents; or the benzene ring of an indole, with the protons of its other ring."""
    four, rng = _ring(draft, *[None] * 4), draft.rng
    for i, k in combinations(range(4), 2):
        draft.couple(four[i], four[k], (_ortho, _meta, _para)[k - i - 1](draft))
    if rng.random() < 0.4:
        (other,) = _ring(draft, rng.normal(7.3, 0.3))
        if rng.random() < 0.6:
            draft.couple(other, draft.add("NH", 1, rng.normal(10, 0.5)), rng.uniform(2, 3))


def _two_apart(draft):
    """Two substituents with one proton between them."""
    between, one, middle, other = _ring(draft, *[None] * 4)
    for a, b in ((one, middle), (middle, other)):
        draft.couple(a, b, _ortho(draft))
    for a, b in ((between, one), (between, other), (one, other)):
        draft.couple(a, b, _meta(draft))


def _three(draft):
    a, b, c = _ring(draft, *[None] * 3)
    draft.couple(a, b, _ortho(draft))
    draft.couple(b, c, _meta(draft) if draft.rng.random() < 0.6 else _ortho(draft))


def _pyridine(draft):
    rng = draft.rng
    a, b, c = _ring(draft, rng.normal(8.5, 0.2), rng.normal(7.4, 0.3), rng.normal(7.8, 0.3))
    for one, two, low, high in ((a, b, 4.5, 5.5), (b, c, 7, 8.5), (a, c, 1.2, 2)):
        draft.couple(one, two, rng.uniform(low, high))
    if rng.random() < 0.5:
        draft.couple(*_ring(draft, rng.normal(8.6, 0.2)), c, rng.uniform(1.5, 2.3))


def _azole(draft):
    """Two or three protons of a five-membered ring, or two neighbours in a six-membered one."""
    rng = draft.rng
    six = rng.random() < 0.2
    protons = _ring(draft, *rng.normal(7.4, 0.5, 2 if six or rng.random() < 0.55 else 3))
    for a, b in combinations(protons, 2):
        draft.couple(a, b, rng.uniform(7, 9) if six else rng.uniform(0.5, 4.5))


def isolated(draft: Draft) -> None:
    """Protons without partners, and the two of a primary amide."""
    rng = draft.rng
    kind = rng.choice(["methyl", "CH", "amide", "NH", "CH2"], p=[0.35, 0.2, 0.25, 0.1, 0.1])
    if kind == "amide":
        low = rng.normal(6.9, 0.2)
        draft.couple(draft.add("NH", 1, low + rng.uniform(0.3, 0.9)), draft.add("NH", 1, low), rng.uniform(1.5, 3))
    elif kind == "NH":
        draft.add("NH", 1, rng.normal(8.5, 1.2))
    elif kind == "CH":
        draft.add("single", 1, rng.normal(7.8, 0.6))
    else:
        draft.add(
            "single", 3 if kind == "methyl" else 2, rng.uniform(1.8, 3.9) if kind == "methyl" else rng.uniform(3, 4.7)
        )


def olefin(draft: Draft) -> None:
    """Two protons of a double bond, perhaps with a methyl group."""
    rng = draft.rng
    a, b = draft.add("alpha", 1, rng.normal(6.0, 0.5)), draft.add("alpha", 1, rng.normal(6.0, 0.5))
    draft.couple(a, b, rng.choice([10.5, 15.8]) + rng.normal(0, 0.5))
    if rng.random() < 0.5:
        methyl = draft.add("methyl", 3, rng.normal(1.85, 0.15))
        draft.couple(b, methyl, rng.uniform(6, 7))
        draft.couple(a, methyl, -rng.uniform(1, 1.8))


def sugar(draft: Draft) -> None:
    """The anomeric proton and two to four more along the ring."""
    rng = draft.rng
    before = draft.add("alpha", 1, rng.normal(4.9, 0.5))
    for _ in range(rng.integers(2, 5)):
        here = draft.add("alpha", 1, rng.normal(3.8, 0.3))
        draft.couple(before, here, rng.uniform(1.5, 10))
        before = here


FIRST: dict[Callable[[Draft], None], float] = {chain: 0.78, aromatic: 0.12, isolated: 0.02, olefin: 0.032, sugar: 0.048}
FURTHER: dict[Callable[[Draft], None], float] = {
    chain: 0.2, aromatic: 0.38, isolated: 0.38, olefin: 0.016, sugar: 0.024,
}  # fmt: skip
"""Share of each fragment among the first ones of molecules, and among the second and third."""


def add_fragment(draft: Draft, shares: dict[Callable[[Draft], None], float]) -> None:
    """Add one fragment, drawn by the shares."""
    list(shares)[draft.rng.choice(len(shares), p=list(shares.values()))](draft)
