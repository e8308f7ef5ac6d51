"""Simulate the data set of a recipe, or find that it is there.

The data are TOCSY experiments of amino acids, drawn from BMRB shift statistics and simulated by `nmr_speech.simulate`;
`nmr_speech.corpus.dataset` says what lies in the folder.
"""

import os

from nmr_speech.checks import whole
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan


def prepare_amino_acid_tocsy(
    data_folder, seed, residues, recordings_per_residue, condition, experiment, simulation_workers=None, skip_prep=False
):
    """Write WAV files and manifests to ``data_folder``, unless they are there already.

    Arguments
    ---------
    data_folder : str
        Where to write.
    seed : int
        Seed of draws and split.
    residues : list[str]
        Three-letter codes.
    recordings_per_residue : int
        How many recordings of each.
    condition : str
        "h2o" or "d2o".
    experiment : dict
        Parameters of `nmr_speech.simulate.tocsy`.
    simulation_workers : int | None
        Processes; None for one a core.
    skip_prep : bool
        Take the folder as it is.
    """
    if skip_prep:
        return
    workers = os.cpu_count() if simulation_workers is None else whole("simulation_workers", simulation_workers, 0, 1024)
    build_dataset(data_folder, DatasetPlan(seed, residues, recordings_per_residue, condition, experiment), workers)
