"""One recording from one seed: the draws, and the signal that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from nmr_speech.checks import InputError, is_number, one_of, quoted, whole
from nmr_speech.simulate.acquisition import Acquisition
from nmr_speech.simulate.conditions import SAMPLE, draw_conditions, is_drawn
from nmr_speech.simulate.nuisances import disturb
from nmr_speech.simulate.nuisances.settings import Setting
from nmr_speech.simulate.residues import RESIDUES, Residue
from nmr_speech.simulate.sample import Sample
from nmr_speech.simulate.tocsy import tocsy

Nuisances = Mapping[str, Mapping[str, Setting]]


@dataclass(frozen=True, eq=False)
class Recording:
    """One simulated recording of the data set.

    Arguments
    ---------
    residue : str
        Three-letter code: the speaker.
    seed : int
        Seed of the data set.
    index : int
        Number of the recording among those of its residue, from 0.
    shifts_ppm : dict[str, float]
        The drawn chemical shifts, by group.
    fid : torch.Tensor
        complex64, (2, n_transients, n_points): cosine and sine channel.
    """

    residue: str
    seed: int
    index: int
    shifts_ppm: dict[str, float]
    fid: torch.Tensor


@dataclass(frozen=True, eq=False)
class Mixture:
    """One simulated recording of several residues.

    Arguments
    ---------
    amounts : dict[str, float]
        Amount of each residue, by three-letter code.
    seed : int
        Seed of the data set.
    index : int
        Number of each residue's recording.
    shifts_ppm : dict[str, dict[str, float]]
        The drawn chemical shifts, by residue and group.
    fid : torch.Tensor
        complex64, (2, n_transients, n_points): cosine and sine channel.
    """

    amounts: dict[str, float]
    seed: int
    index: int
    shifts_ppm: dict[str, dict[str, float]]
    fid: torch.Tensor

    @property
    def labels(self) -> tuple[str, ...]:
        """Residues of the mixture, in alphabetical order."""
        return tuple(sorted(self.amounts))


def draw_recordings(
    residue: str,
    seed: int,
    indices: Sequence[int],
    *,
    nuisances: Nuisances = MappingProxyType({}),
    device: str = "cpu",
    memory_gb: float | None = None,
    **settings: Any,
) -> list[Recording]:
    """Draw and simulate recordings of one residue together, which is faster than one by one.

    Each depends on (seed, residue, index) alone: the recordings beside it change only the last digits of its signal.

    Arguments
    ---------
    residue : str
        Three-letter code.
    seed : int
        Seed of the data set, 0 or more.
    indices : Sequence[int]
        Numbers of the recordings among those of their residue, 0 or more.
    nuisances : Mapping[str, Mapping[str, float | Sequence[float]]]
        Nuisances by name, each with its settings; see `nmr_speech.simulate.nuisances.disturb`.
    device : str
        Where to compute, "cpu" or "cuda".
    memory_gb : float | None
        Working memory to stay within; see `tocsy`.
    **settings : Any
        Parameters of `Sample` and of `Acquisition` by keyword, such as ``condition="d2o"`` or ``field_mhz=500``; a pair
        or a list is drawn from, see `nmr_speech.simulate.conditions.draw_conditions`.

    Returns
    -------
    list[Recording]

    Example
    -------
    >>> [recording.index for recording in draw_recordings("GLY", seed=1986, indices=range(3))]
    [0, 1, 2]
    """
    if any(map(is_drawn, settings.values())):
        apart: dict[str, Any] = {"nuisances": nuisances, "device": device, "memory_gb": memory_gb}
        drawn = ((index, draw_conditions(settings, seed, index)) for index in indices)
        return [one for index, own in drawn for one in draw_recordings(residue, seed, [index], **apart, **own)]
    sample, acquisition = sample_and_acquisition(settings)
    # Drawn one by one, so that a recording does not depend on those that are simulated with it.
    sites = sample.sites(residue)
    shifts = np.stack([_draw_at_a_site(sites, generator(residue, seed, index)) for index in indices])
    fids = tocsy(sites[0], shifts, acquisition, device=device, memory_gb=memory_gb)
    return [
        Recording(
            residue,
            seed,
            index,
            dict(zip(sites[0].system.names, row, strict=True)),
            disturbed(fid, generator(residue, seed, index, stream=1), nuisances, acquisition),
        )
        for index, row, fid in zip(indices, shifts.tolist(), fids, strict=True)
    ]


def _draw_at_a_site(sites, rng):
    site = sites[rng.integers(len(sites))] if len(sites) > 1 else sites[0]
    return draw_shifts(site, rng)


def sample_and_acquisition(settings: Mapping[str, Any]) -> tuple[Sample, Acquisition]:
    """Sort keywords into the parameters of the sample and those of the acquisition, and check both.

    Example
    -------
    >>> sample, acquisition = sample_and_acquisition({"condition": "d2o", "field_mhz": 500.0})
    >>> sample.condition, acquisition.field_mhz
    ('d2o', 500.0)
    """
    of_sample = {name: settings[name] for name in SAMPLE if name in settings}
    return Sample(**of_sample), Acquisition(**{name: settings[name] for name in settings if name not in of_sample})


def draw_recording(residue: str, seed: int, index: int, **settings: Any) -> Recording:
    """Draw and simulate recording ``index`` of a residue; see `draw_recordings`.

    Example
    -------
    >>> recording = draw_recording("GLY", seed=1986, index=0)
    >>> recording.fid.shape, list(recording.shifts_ppm)
    (torch.Size([2, 256, 256]), ['HA2', 'HA3', 'H'])
    """
    return draw_recordings(residue, seed, [index], **settings)[0]


def draw_mixture(
    amounts: Mapping[str, float],
    seed: int,
    index: int,
    *,
    nuisances: Nuisances = MappingProxyType({}),
    device: str = "cpu",
    memory_gb: float | None = None,
    **settings: Any,
) -> Mixture:
    """Draw and simulate several residues in one tube: the sum of their recordings, weighted by their amounts.

    Arguments
    ---------
    amounts : Mapping[str, float]
        Factor of each residue's signal, by three-letter code; above 0.
    seed : int
        Seed of the data set, 0 or more.
    index : int
        Number of each residue's recording.
    nuisances : Mapping[str, Mapping[str, float | Sequence[float]]]
        Nuisances of the sum; see `draw_recordings`.
    device : str
        Where to compute, "cpu" or "cuda".
    memory_gb : float | None
        Working memory to stay within; see `tocsy`.
    **settings : Any
        Parameters of `Sample` and of `Acquisition` by keyword, or what they are drawn from: all residues have the same.

    Returns
    -------
    Mixture

    Example
    -------
    >>> mixture = draw_mixture({"VAL": 1.0, "GLY": 0.5}, seed=1986, index=0)
    >>> mixture.labels, round(mixture.fid[0, 0, 0].real.item(), 3)  # 9 protons, and half of 3
    (('GLY', 'VAL'), 10.5)
    """
    if not isinstance(amounts, Mapping) or not amounts:
        raise InputError(f"`amounts` must name residues, such as {{VAL: 1.0, GLY: 0.5}}, got {quoted(amounts)}")
    for name, amount in amounts.items():
        if not is_number(amount) or amount <= 0:
            raise InputError(f"the amount of {name} must be a positive number, got {quoted(amount)}")
    where = {"device": device, "memory_gb": memory_gb}
    parts = {name: draw_recording(name, seed, index, **where, **settings) for name in sorted(amounts)}
    fid = sum((amounts[name] * part.fid for name, part in parts.items()), torch.zeros(()))
    source = generator(next(iter(parts)), seed, index, stream=2)
    shifts_ppm = {name: part.shifts_ppm for name, part in parts.items()}
    _, acquisition = sample_and_acquisition(draw_conditions(settings, seed, index))
    return Mixture(dict(amounts), seed, index, shifts_ppm, disturbed(fid, source, nuisances, acquisition))


def disturbed(
    fid: torch.Tensor, source: np.random.Generator, nuisances: Nuisances, acquisition: Acquisition
) -> torch.Tensor:
    """Add nuisances to a signal (2, n_transients, n_points), drawn from a source of random numbers.

    Example
    -------
    >>> clean = torch.ones(2, 256, 256, dtype=torch.complex64)
    >>> disturbed(clean, generator("GLY", 1986, 0), {}, Acquisition()).equal(clean)
    True
    """
    drawn = torch.Generator().manual_seed(int(source.integers(2**63)))
    return disturb(fid, drawn, nuisances, acquisition)


def generator(residue: str, seed: int, index: int, stream: int = 0) -> np.random.Generator:
    """Random numbers of one recording: independent streams for each (seed, residue, index).

    Arguments
    ---------
    residue : str
        Three-letter code.
    seed : int
        Seed of the data set.
    index : int
        Number of the recording among those of its residue.
    stream : int
        0 for shifts, 1 for nuisances, 2 for the nuisances of a mixture, 3 and more for the places of a peptide.

    Returns
    -------
    np.random.Generator

    Example
    -------
    >>> generator("GLY", 1986, 7).normal() == generator("GLY", 1986, 7).normal()
    True
    """
    # The words of SeedSequence are hashed, so neighbouring seeds and indices give independent streams.
    one_of("residue", residue, RESIDUES)
    whole("seed", seed, 0, 2**63 - 1)
    whole("index", index, 0, 2**63 - 1)
    return np.random.default_rng(
        np.random.SeedSequence([seed, RESIDUES.index(residue), index], spawn_key=(stream,) * (stream > 0))
    )


def draw_shifts(residue: Residue, rng: np.random.Generator) -> np.ndarray:
    """Draw a chemical shift for each group from its Gaussian; ring partners share one draw.

    The Gaussians are independent, so the two protons of a CH2 are further apart than in nature.

    Arguments
    ---------
    residue : Residue
        The amino acid.
    rng : np.random.Generator
        Source of the draws; it gives one number for each group, ring partners included.

    Returns
    -------
    np.ndarray
        Shifts in ppm, (groups,).

    Example
    -------
    >>> tyrosine = Sample("d2o").residue("TYR")
    >>> shifts = dict(zip(tyrosine.system.names, draw_shifts(tyrosine, np.random.default_rng(0)), strict=True))
    >>> bool(shifts["HD1"] == shifts["HD2"]), bool(shifts["HB2"] == shifts["HB3"])
    (True, False)
    """
    return residue.draw_shifts(rng, 1)[0]
