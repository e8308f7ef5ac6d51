"""One recording from one seed: what is drawn, and the signal that it gives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nmr_speech.checks import one_of, whole
from nmr_speech.simulate.residues import RESIDUES, Residue, load_residue
from nmr_speech.simulate.tocsy import tocsy


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
        Number of the recording among those of its residue.
    shifts_ppm : dict[str, float]
        The chemical shifts that were drawn, by group.
    fid : torch.Tensor
        complex64, (2, n_transients, n_points): cosine and sine channel.
    """

    residue: str
    seed: int
    index: int
    shifts_ppm: dict[str, float]
    fid: torch.Tensor


def draw_recordings(
    residue: str, seed: int, indices: Sequence[int], *, condition: str = "h2o", **experiment
) -> list[Recording]:
    """Draw and simulate recordings of one residue together, which is faster than one by one.

    Each is decided by (seed, residue, index) alone: in other company only the last digits of a signal change.

    Arguments
    ---------
    residue : str
        Three-letter code.
    seed : int
        Seed of the data set, 0 or more.
    indices : Sequence[int]
        Numbers of the recordings among those of their residue, 0 or more.
    condition : str
        "h2o" or "d2o"; see `nmr_speech.simulate.residues.Residue`.
    **experiment
        Parameters of the experiment; see `nmr_speech.simulate.tocsy`.

    Returns
    -------
    list[Recording]

    Example
    -------
    >>> [recording.index for recording in draw_recordings("GLY", seed=1986, indices=range(3))]
    [0, 1, 2]
    """
    molecule = load_residue(residue, condition)
    shifts = np.stack([draw_shifts(molecule, generator(residue, seed, index)) for index in indices])
    fids = tocsy(molecule, shifts, **experiment)
    return [
        Recording(residue, seed, index, dict(zip(molecule.system.names, row, strict=True)), fid)
        for index, row, fid in zip(indices, shifts.tolist(), fids, strict=True)
    ]


def draw_recording(residue: str, seed: int, index: int, **settings) -> Recording:
    """Draw and simulate recording ``index`` of a residue; see `draw_recordings`.

    Example
    -------
    >>> recording = draw_recording("GLY", seed=1986, index=0)
    >>> recording.fid.shape, list(recording.shifts_ppm)
    (torch.Size([2, 256, 256]), ['HA2', 'HA3', 'H'])
    """
    return draw_recordings(residue, seed, [index], **settings)[0]


def generator(residue: str, seed: int, index: int) -> np.random.Generator:
    """The random numbers of one recording: a stream of its own for each (seed, residue, index).

    Example
    -------
    >>> generator("GLY", 1986, 7).normal() == generator("GLY", 1986, 7).normal()
    True
    """
    one_of("residue", residue, RESIDUES)
    whole("seed", seed, 0, 2**63 - 1)
    whole("index", index, 0, 2**63 - 1)
    return np.random.default_rng(np.random.SeedSequence([seed, RESIDUES.index(residue), index]))


def draw_shifts(residue: Residue, rng: np.random.Generator) -> np.ndarray:
    """Draw a chemical shift for each group from its Gaussian; ring partners share one draw.

    The Gaussians are independent, as in the paper, so the two protons of a CH2 lie further apart than in nature.

    Arguments
    ---------
    residue : Residue
        The amino acid.
    rng : np.random.Generator
        Source of the draws; one number is taken for each group, ring partners included.

    Returns
    -------
    np.ndarray
        Shifts in ppm, (groups,).

    Example
    -------
    >>> draw_shifts(load_residue("GLY"), np.random.default_rng(0)).shape
    (3,)
    """
    return rng.normal(residue.shift_mean_ppm, residue.shift_std_ppm)[list(residue.shift_of)]
