"""Molecules as speakers of a pretraining: who they are, and their recordings step by step, drawn anew every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn
from torch.utils.data import Dataset

from nmr_speech.checks import InputError, in_range, one_of, quoted, whole
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.simulate import Acquisition, Molecule, draw_molecule, draw_sibling, load_molecule, molecule_ids, tocsy
from nmr_speech.simulate.first_order import first_order
from nmr_speech.simulate.nuisances import check_settings, disturb
from nmr_speech.simulate.synthetic import nearest_amino_acid_ppm, widen

SOURCES = ("synthetic", "gissmo", "both")
SIMULATIONS = ("first_order", "exact")
FIRST_ORDER = {
    "decay": {"rate_t1_per_s", "rate_t2_per_s"},
    "reference_line": {"amplitude", "position_ppm", "decay_time_s"},
    "residual_water": {"amplitude", "position_ppm", "decay_time_s"},
    "reference_offset": {"offset_ppm"},
    "white_noise": {"snr"},
    "truncation": {"n_transients"},
}
"""Nuisances that lines, which are no recording yet, can have."""

HELD_OUT_EVERY = 4  # of the library's molecules
Feed = dict[str, torch.Tensor]


def held_out_ids(part: str) -> tuple[str, ...]:
    """List the library's molecules that no training sees, without those that resemble an amino acid.

    Arguments
    ---------
    part : str
        "valid" or "test": two halves, so that figures are not taken where choices were made.

    Returns
    -------
    tuple[str, ...]

    Example
    -------
    >>> len(held_out_ids("valid")), len(held_out_ids("test")), set(held_out_ids("valid")) & set(held_out_ids("test"))
    (134, 134, set())
    """
    one_of("part", part, ("valid", "test"))
    return molecule_ids(related=False)[::HELD_OUT_EVERY][part == "test" :: 2]


@dataclass(frozen=True)
class Population:
    """The speakers of a training.

    Arguments
    ---------
    speakers_from : str
        "synthetic" for random molecules, "gissmo" for those of the library, "both" for two of the former for each of
        the latter.
    n_speakers : int | None
        Number of different synthetic molecules; None for ones without end, each of which is met once.
    siblings : bool
        Whether every second synthetic molecule is a sibling of the one before, in the same step.
    refuse_within_ppm : float
        No speaker's protons all lie closer than this to those of an amino acid.
    seed : int
        Seed of the molecules.

    Example
    -------
    >>> [molecule.id for molecule in Population("synthetic", None, True, 0.25, 1986).take(step=3, count=2)]
    ['synthetic_1986_3', 'synthetic_1986_3_sibling_1986_3']
    """

    speakers_from: str
    n_speakers: int | None
    siblings: bool
    refuse_within_ppm: float
    seed: int

    def __post_init__(self) -> None:
        one_of("speakers_from", self.speakers_from, SOURCES)
        one_of("siblings", self.siblings, (True, False))
        in_range("refuse_within_ppm", self.refuse_within_ppm, 0, 3, "ppm", "0.25")
        whole("seed", self.seed, 0, 2**63 - 1)
        if self.n_speakers is not None:
            if self.speakers_from == "gissmo":
                whole("n_speakers", self.n_speakers, 2, len(self._library))
            else:
                whole("n_speakers", self.n_speakers, 2 * self._family_size, 10**9)

    @property
    def _family_size(self):
        return 2 if self.siblings else 1

    @cached_property
    def _library(self):
        held_out = set(held_out_ids("valid") + held_out_ids("test"))
        kept = [load_molecule(name) for name in molecule_ids(related=False) if name not in held_out]
        return [one for one in kept if nearest_amino_acid_ppm(one) >= self.refuse_within_ppm]

    def take(self, step: int, count: int) -> list[Molecule]:
        """Return the ``count`` speakers of a step, which depend on its number alone.

        Molecules of the library have the spread of shifts that residues have in proteins, so that one molecule is not
        told from another by its third decimal.
        """
        n_library = {"synthetic": 0, "gissmo": count, "both": count // 3}[self.speakers_from]
        size = self._family_size
        if (count - n_library) % size:
            raise InputError(f"siblings come in pairs: {count - n_library} synthetic speakers in a step is odd")
        families = (count - n_library) // size
        n_families = None if self.n_speakers is None else self.n_speakers // size
        found = []
        for place in range(step * families, (step + 1) * families):
            found += self._family(place if n_families is None else self._shuffled(place, n_families))
        n_entries = len(self._library) if self.speakers_from == "both" else self.n_speakers or len(self._library)
        for place in range(step * n_library, (step + 1) * n_library):
            number = self._shuffled(place, n_entries)
            found.append(widen(self._library[number], (self.seed, number)))
        return found

    def _family(self, number):
        return _family(self.seed, number, self.siblings, self.refuse_within_ppm)

    def _shuffled(self, place, n):
        """Number ``place`` of a row in which each of ``n`` comes once, in random order, and then again."""
        return int(_order(self.seed, place // n, n)[place % n])


@lru_cache(maxsize=4)
def _order(seed, number, n):
    return np.random.default_rng([seed, 5, number]).permutation(n)


@lru_cache(maxsize=30_000)
def _family(seed, number, siblings, refused_within_ppm):
    molecule = draw_molecule((seed, number), refused_within_ppm)
    return [molecule, *([draw_sibling(molecule, (seed, number), refused_within_ppm)] if siblings else [])]


@dataclass(frozen=True)
class Recorder:
    """How recordings of molecules are made, and how they are disturbed.

    Arguments
    ---------
    simulation : str
        "first_order", a fraction of a millisecond a recording, or "exact".
    acquisition : Acquisition
        The experiment.
    nuisances : Mapping[str, Mapping[str, Any]]
        As for `nmr_speech.simulate.nuisances.disturb`; to first order only those of `FIRST_ORDER`.
    clean_share : float
        Share of the recordings, 0 to 1, that have none of them but the reference offset.

    Example
    -------
    >>> molecules = [draw_molecule(seed) for seed in range(2)]
    >>> recorder = Recorder("first_order", Acquisition(), {"white_noise": {"snr": [50, 500]}})
    >>> {name: tuple(part.shape) for name, part in recorder(molecules, 3, (1986, 0)).items()}
    {'t1': (6, 8, 256), 't2': (6, 8, 256), 'transfer': (6, 8, 8), 'noise': (6,)}
    """

    simulation: str
    acquisition: Acquisition
    nuisances: Mapping[str, Mapping[str, Any]]
    clean_share: float = 0.0

    def __post_init__(self) -> None:
        one_of("simulation", self.simulation, SIMULATIONS)
        in_range("clean_share", self.clean_share, 0, 1, "of the recordings", "0.3")
        check_settings(self.nuisances, self.acquisition.n_transients, self.acquisition.n_points)
        if self.simulation == "first_order":
            for name, settings in self.nuisances.items():
                if name not in FIRST_ORDER or not set(settings) <= FIRST_ORDER[name]:
                    raise InputError(
                        f"the first-order simulation knows the nuisances {', '.join(FIRST_ORDER)}, got {quoted(name)} "
                        f"with {quoted(dict(settings))}; set `simulation: exact`, or leave it out"
                    )

    def __call__(self, molecules: Sequence[Molecule], each: int, seed: Sequence[int]) -> Feed:
        """Make ``each`` recordings of every molecule: lines for `SpectralFrontEnd.from_lines`, or ``wavs``."""
        rng = np.random.default_rng([*seed, 3])
        shifts = [molecule.draw_shifts(rng, each) for molecule in molecules]
        if self.simulation == "exact":
            return {"wavs": self._exact(molecules, shifts, rng)}
        n = each * len(molecules)
        draws = _Draws(self.nuisances, n, rng.random(n) < self.clean_share, rng)
        offset_ppm = draws("reference_offset", "offset_ppm", 0.0, clean=None).reshape(len(molecules), each, 1)
        shifts = [ppm + offset for ppm, offset in zip(shifts, offset_ppm, strict=True)]
        return self._disturbed(first_order(molecules, shifts, self.acquisition), draws)

    def _exact(self, molecules, shifts, rng):
        pairs = zip(molecules, shifts, strict=True)
        fids = torch.cat([tocsy(one.system, ppm, self.acquisition) for one, ppm in pairs])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        disturbed = disturb(fids, generator, self.nuisances, self.acquisition)
        clean = torch.from_numpy(rng.random(len(fids)) < self.clean_share)[:, None, None, None]
        return torch.stack([stack_fid(fid)[0] for fid in torch.where(clean, fids, disturbed)])

    def _disturbed(self, lines, draws):
        f1, f2 = self.acquisition.f1, self.acquisition.f2
        t1 = lines.t1 * _decay(draws("decay", "rate_t1_per_s", 0.0, clean=0.0), f1)
        t2 = lines.t2 * _decay(draws("decay", "rate_t2_per_s", 0.0, clean=0.0), f2)
        # A recording's largest magnitude is its first point, here the sum of all transfers.
        transfer = lines.transfer / lines.transfer.sum((1, 2), keepdim=True).real
        for name, usual_ppm, time_s in (("residual_water", 4.75, 0.03), ("reference_line", 0.0, 0.3)):
            if name in self.nuisances:
                amplitude = _tensor(draws(name, "amplitude", 0.0, clean=0.0, log=True))
                rate = 1 / draws(name, "decay_time_s", time_s, clean=time_s, log=True)
                ppm = draws(name, "position_ppm", usual_ppm, clean=usual_ppm) - self.acquisition.carrier_ppm
                hz = _tensor(ppm * self.acquisition.field_mhz)[:, None, None]
                t1, t2 = (
                    torch.cat([signal, torch.exp(2j * torch.pi * hz * _times(axis)) * _decay(rate, axis)], 1)
                    for signal, axis in ((t1, f1), (t2, f2))
                )
                transfer = nn.functional.pad(transfer, (0, 1, 0, 1))
                transfer[:, -1, -1] = amplitude
        measured = draws("truncation", "n_transients", f1.n, clean=f1.n).round()[:, None, None]
        t1 = t1 * (torch.arange(f1.n) < torch.from_numpy(measured))
        peak = transfer.sum((1, 2)).real
        noise = _tensor(1 / draws("white_noise", "snr", np.inf, clean=np.inf, log=True)) / peak
        return {"t1": t1, "t2": t2, "transfer": transfer / peak[:, None, None], "noise": noise}


@dataclass(frozen=True)
class _Draws:
    """Settings of nuisances for ``n`` recordings, of which some are clean."""

    nuisances: Mapping[str, Mapping[str, Any]]
    n: int
    is_clean: np.ndarray
    rng: np.random.Generator

    def __call__(self, name, key, default, clean, log=False):
        """Draw a number for each recording, ``clean`` for those that are (None: like all), within the pair if any."""
        setting = self.nuisances.get(name, {}).get(key, default)
        low, high = setting if isinstance(setting, Sequence) else (setting, setting)
        uniform = self.rng.random(self.n)
        drawn = low * (high / low) ** uniform if log and low != high else low + (high - low) * uniform
        drawn = np.full(self.n, float(low)) if low == high else drawn
        return drawn if clean is None else np.where(self.is_clean, clean, drawn)


def _tensor(values):
    return torch.from_numpy(np.asarray(values)).float()


def _times(axis):
    return torch.arange(axis.n) * axis.dwell_s


def _decay(rate_per_s, axis):
    return torch.exp(-_tensor(rate_per_s)[:, None, None] * _times(axis))


class Steps(Dataset):
    """The steps of an epoch: each holds recordings of its own speakers and depends on its number alone.

    So a resumed training sees what the unbroken one would have seen.

    Arguments
    ---------
    population : Population
        The speakers.
    recorder : Recorder
        How their recordings are made.
    n : int
        Steps in an epoch.
    speakers : int
        Speakers in a step.
    each : int
        Recordings of each speaker in a step.
    epoch_counter : EpochCounter
        Its ``current`` is the epoch, from 1.

    Example
    -------
    >>> population = Population("synthetic", None, True, 0.25, 1986)
    >>> steps = Steps(population, Recorder("first_order", Acquisition(), {}), 10, 4, 2, EpochCounter(3))
    >>> len(steps), steps[0]["t1"].shape[0]
    (10, 8)
    """

    def __init__(
        self,
        population: Population,
        recorder: Recorder,
        n: int,
        speakers: int,
        each: int,
        epoch_counter: EpochCounter,
    ) -> None:
        self.population, self.recorder, self.epoch_counter = population, recorder, epoch_counter
        self.n, self.speakers, self.each = n, speakers, each

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, number: int) -> Feed:
        """Make the recordings of one step."""
        if not 0 <= number < self.n:
            raise IndexError(number)
        step = (max(1, self.epoch_counter.current) - 1) * self.n + number
        molecules = self.population.take(step, self.speakers)
        return self.recorder(molecules, self.each, (self.population.seed, step))
