"""Tubes of several amino acids, of other molecules, or of none: what a model for measured spectra is trained on.

In terms of speech these are overlapped speakers, speakers who were never enrolled, and silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn
from torch.utils.data import Dataset

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.constants import N_POINTS, N_TRANSIENTS
from nmr_speech.corpus.manifest import audio_path, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.corpus.pseudo_audio import to_channels, unstack_fid
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.corpus.wav import read_wav
from nmr_speech.models.embed import features
from nmr_speech.simulate import Molecule, draw_molecule, load_molecule, molecule_ids, tocsy
from nmr_speech.simulate.conditions import draw_conditions
from nmr_speech.simulate.draw import sample_and_acquisition
from nmr_speech.simulate.first_order import first_order
from nmr_speech.simulate.nuisances import check_settings, disturb
from nmr_speech.training.molecules import held_out_ids

Batch = dict[str, torch.Tensor]

MOST_RESIDUES = 8
MOST_OTHERS = 4
ALONE = (0.16, 0.45, 0.13, 0.13, 0.13)
"""Probability of no, one and up to `MOST_OTHERS` other molecules in a tube without amino acids: one alone is what is
taken for an amino acid most often."""
N_SYNTHETIC = 10**6
"""Random molecules to draw from: so many that a training hardly meets one twice."""
REFUSE_WITHIN_PPM = 0.25
NOTHING = 1e-3
"""Amplitude of what an empty tube shows besides water and reference, relative to one proton."""


class Pool:
    """Recordings of a data set in memory, each at the amplitude of one mole.

    Arguments
    ---------
    folder : str | Path
        Data folder, as `nmr_speech.corpus.dataset.build_dataset` writes it.
    plan : DatasetPlan
        Its plan. Recordings of equal number were made under equal conditions, so that they can share a tube.
    """

    def __init__(self, folder: str | Path, plan: DatasetPlan) -> None:
        self.plan, n = plan, plan.recordings_per_residue
        self.acquisitions = [
            sample_and_acquisition(draw_conditions(_conditions(plan), plan.seed, index))[1] for index in range(n)
        ]
        # Half precision: the error is that of 11 bits, far below the noise that is added.
        shape = (n, 2, N_TRANSIENTS, N_POINTS, 2)
        self.planes = {residue: torch.empty(shape, dtype=torch.float16) for residue in plan.residues}
        self.scales = {residue: torch.ones(n) for residue in plan.residues}
        for row in (row for split in SPLITS for row in read_manifest(Path(folder, f"{split}.csv"))):
            index = int(row.ID.rpartition("_")[2])
            fid = unstack_fid(read_wav(audio_path(row.wav, folder)))
            self.planes[row.spk_id][index] = torch.view_as_real(fid).half()
            self.scales[row.spk_id][index] = row.scale

    def __len__(self) -> int:
        return len(self.acquisitions)

    def fid(self, residue: str, index: int) -> torch.Tensor:
        """Return the States pair of a recording, complex64, (2, P, Q)."""
        return torch.view_as_complex(self.planes[residue][index].float()) * self.scales[residue][index]


def _conditions(plan):
    return {name: setting for name, setting in plan.draw_settings.items() if name != "nuisances"}


@dataclass(frozen=True)
class Content:
    """What is in a tube.

    Arguments
    ---------
    amounts : Mapping[str, float]
        Amount of each amino acid, relative to the largest of them.
    others : tuple[tuple[str, float], ...]
        Ids of the other molecules, each with its amount: entries of the library, or ``synthetic_N``.
    """

    amounts: Mapping[str, float]
    others: tuple[tuple[str, float], ...] = ()


def draw_content(
    rng: np.random.Generator, residues: Sequence[str], library: Sequence[str], shares: Mapping[str, float]
) -> Content:
    """Draw what is in a tube.

    Arguments
    ---------
    rng : np.random.Generator
        Source of the draws.
    residues : Sequence[str]
        Amino acids to choose from.
    library : Sequence[str]
        Ids of other molecules to choose from.
    shares : Mapping[str, float]
        Probability of a ``pure`` tube of one amino acid, of a ``mixture`` of two to eight, and of ``none``; of tubes
        with amino acids the share ``with_others`` holds other molecules too.

    Returns
    -------
    Content
        Amounts are log-uniform over two decades, or, in every second tube, over one; the largest of the amino acids
        is 1, or that of the others in a tube without any.

    Example
    -------
    >>> shares = {"pure": 0.0, "mixture": 1.0, "none": 0.0, "with_others": 0.0}
    >>> content = draw_content(np.random.default_rng(0), ("GLY", "VAL"), ("bmse000297_simulation_1",), shares)
    >>> sorted(content.amounts), max(content.amounts.values()), content.others
    (['GLY', 'VAL'], 1.0, ())
    """
    kinds = ("pure", "mixture", "none")
    odds = np.array([shares[kind] for kind in kinds])
    kind = kinds[int(rng.choice(3, p=odds / odds.sum()))]
    most = min(MOST_RESIDUES, len(residues))
    count = {"pure": 1, "mixture": int(rng.integers(2, most + 1)), "none": 0}[kind]
    decades = int(rng.choice((1, 2)))
    chosen = rng.choice(len(residues), count, replace=False)
    amounts = 10 ** -rng.uniform(0, decades, count)
    amounts = amounts / amounts.max(initial=1e-9)
    n_others = 0
    if count == 0 or rng.random() < shares["with_others"]:
        n_others = int(rng.integers(1, MOST_OTHERS + 1)) if count else int(rng.choice(len(ALONE), p=ALONE))
    others = []
    for amount in 10 ** -rng.uniform(0, 1, n_others):
        synthetic = rng.random() < 1 / 3
        name = f"synthetic_{rng.integers(N_SYNTHETIC)}" if synthetic else library[int(rng.integers(len(library)))]
        others.append((name, float(amount)))
    return Content({residues[k]: float(a) for k, a in zip(chosen, amounts, strict=True)}, tuple(others))


def check_shares(shares: Mapping[str, float]) -> None:
    """Refuse shares that are missing or out of range; see `Tubes`.

    Example
    -------
    >>> check_shares({"pure": 1.0})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `shares` must hold mixture, got pure
    """
    for name in ("pure", "mixture", "none", "foreign", "with_others"):
        if name not in shares:
            raise InputError(f"`shares` must hold {name}, got {', '.join(shares)}")
        in_range(f"shares.{name}", shares[name], 0, 1, "of the tubes", "0.3")
    if shares["pure"] + shares["mixture"] + shares["none"] == 0:
        raise InputError("`shares` of pure, mixture and none must not all be 0")


def _molecule(name: str) -> Molecule:
    if name.startswith("synthetic_"):
        return draw_molecule((int(name.partition("_")[2]), 17), REFUSE_WITHIN_PPM)
    return load_molecule(name, shift_std_ppm=0.05)


@lru_cache(maxsize=3)
def library(part: str) -> tuple[str, ...]:
    """List the molecules other than amino acids that tubes of a part of the data may hold.

    None resembles an amino acid. Those of "valid" and "test" are never trained on.

    Arguments
    ---------
    part : str
        "train", "valid" or "test".

    Returns
    -------
    tuple[str, ...]

    Example
    -------
    >>> [len(library(part)) for part in ("train", "valid", "test")]
    [803, 134, 134]
    """
    if part != "train":
        return held_out_ids(part)
    kept = {*held_out_ids("valid"), *held_out_ids("test")}
    return tuple(name for name in molecule_ids(related=False) if name not in kept)


@dataclass(frozen=True, eq=False)
class Tubes:
    """Draws tubes and makes their recordings.

    Arguments
    ---------
    pool : Pool
        Recordings of the amino acids.
    foreign : Sequence[Pool]
        Recordings of experiments that are no TOCSY.
    part : str
        "train", "valid" or "test": which other molecules there are.
    shares : Mapping[str, float]
        As for `draw_content`, and ``foreign``: the share of tubes that are measured by another experiment.
    nuisances : Mapping[str, Mapping[str, Any]]
        Added to each recording; see `nmr_speech.simulate.nuisances.disturb`.
    clean_share : float
        Share of the recordings, 0 to 1, that have none of them.
    exact : bool
        Whether other molecules are simulated exactly, and not to first order.
    """

    pool: Pool
    foreign: Sequence[Pool]
    part: str
    shares: Mapping[str, float]
    nuisances: Mapping[str, Mapping[str, Any]]
    clean_share: float = 0.0
    exact: bool = False

    def __post_init__(self) -> None:
        in_range("clean_share", self.clean_share, 0, 1, "of the recordings", "0.1")
        check_settings(self.nuisances)
        check_shares(self.shares)

    def __call__(
        self, count: int, seed: Sequence[int], content: Content | None = None, frontend: nn.Module | None = None
    ) -> Batch:
        """Make ``count`` tubes: ``sig`` (B, 65536, 4), ``amounts`` (B, 20), ``is_tocsy`` and ``is_pure`` (B,).

        With a front end there are its features, float16, as ``feats`` in place of ``sig``.
        """
        rng = np.random.default_rng([*seed, 7])
        rows = []
        for _ in range(count):
            waves, *truth = self._tube(rng, content)
            # One by one: all waveforms of a batch at once would leave holes in the heap that nothing fits into.
            rows.append((waves if frontend is None else _features(frontend, waves), *truth))
        names = ("sig" if frontend is None else "feats", "amounts", "is_tocsy", "is_pure")
        return dict(zip(names, map(torch.stack, zip(*rows, strict=True)), strict=True))

    def _tube(self, rng, content):
        drawn = draw_content(rng, self.pool.plan.residues, library(self.part), self.shares)
        content = drawn if content is None else content
        is_foreign = len(self.foreign) > 0 and rng.random() < self.shares["foreign"]
        pool = self.foreign[rng.integers(len(self.foreign))] if is_foreign else self.pool
        index = int(rng.integers(len(pool)))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        fid = torch.zeros(2, N_TRANSIENTS, N_POINTS, dtype=torch.complex64)
        for residue, amount in content.amounts.items():
            fid += amount * pool.fid(residue, index)
        acquisition = pool.acquisitions[index]
        if content.others and not is_foreign:
            fid += self._others(content.others, acquisition, rng)
        if not fid.any():
            fid = NOTHING * torch.randn(fid.shape, generator=generator, dtype=fid.dtype)
        is_clean = rng.random() < self.clean_share
        fid = disturb(fid, generator, {} if is_clean else self.nuisances, acquisition)
        amounts = torch.tensor([content.amounts.get(residue, 0.0) for residue in self.pool.plan.residues])
        # An empty tube of any experiment looks the same.
        is_tocsy = not (is_foreign and content.amounts)
        is_pure = len(content.amounts) == 1 and is_tocsy and sum(amount for _, amount in content.others) < 0.2
        waves = to_channels(fid)
        return waves / waves.abs().max(), amounts, torch.tensor(float(is_tocsy)), torch.tensor(is_pure)

    def _others(self, others, acquisition, rng):
        molecules = [_molecule(name) for name, _ in others]
        shifts = [molecule.draw_shifts(rng, 1) for molecule in molecules]
        # Ideal mixing: a lock or a train would take minutes for the largest.
        ideal = replace(acquisition, sequence="isotropic")
        if self.exact:
            pairs = zip(molecules, shifts, strict=True)
            fids = torch.cat([tocsy(one.system, ppm, ideal) for one, ppm in pairs])
        else:
            fids = first_order(molecules, shifts, ideal).fid()
        amounts = torch.tensor([amount for _, amount in others])
        return (amounts[:, None, None, None] * fids).sum(0)


@torch.no_grad()
def _features(frontend, waves):
    return features(frontend, waves[None])[0].half()


class Steps(Dataset):
    """The steps of an epoch: each is a batch of new tubes and depends on its number alone, so a training can resume.

    Arguments
    ---------
    tubes : Tubes
        What draws them.
    n : int
        Steps in an epoch.
    batch_size : int
        Tubes in a step.
    seed : int
        Seed of the draws.
    epoch_counter : EpochCounter | None
        Its ``current`` is the epoch, from 1; None for steps that are the same in every epoch.
    frontend : nn.Module | None
        A front end that is not trained: steps hold its features, float16, as ``feats`` in place of ``sig``.
    """

    def __init__(
        self,
        tubes: Tubes,
        n: int,
        batch_size: int,
        seed: int,
        epoch_counter: EpochCounter | None = None,
        frontend: nn.Module | None = None,
    ) -> None:
        self.tubes, self.n, self.batch_size, self.seed = tubes, whole("n", n, 1, 10**8), batch_size, seed
        self.epoch_counter, self.frontend = epoch_counter, frontend

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, number: int) -> Batch:
        """Make the tubes of one step."""
        if not 0 <= number < self.n:
            raise IndexError(number)
        epoch = 0 if self.epoch_counter is None else self.epoch_counter.current
        return self.tubes(self.batch_size, (self.seed, epoch, number), frontend=self.frontend)
