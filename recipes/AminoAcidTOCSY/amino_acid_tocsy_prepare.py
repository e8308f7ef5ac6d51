"""Simulate the data set of a recipe, or find that it is there.

The data are TOCSY experiments of amino acids, drawn from BMRB shift statistics and simulated by `nmr_speech.simulate`;
`nmr_speech.corpus.dataset` says what lies in the folder.
"""

import os

from nmr_speech.checks import whole
from nmr_speech.corpus.dataset import build_dataset


def prepare_amino_acid_tocsy(data_folder, plan, simulation_workers=None, skip_prep=False):
    """Write audio files and manifests to ``data_folder``, unless they are there already.

    Arguments
    ---------
    data_folder : str
        Where to write.
    plan : DatasetPlan
        What to simulate.
    simulation_workers : int | None
        Processes; None for one a core.
    skip_prep : bool
        Take the folder as it is.
    """
    if not skip_prep:
        build_dataset(data_folder, plan, count_workers(simulation_workers))


def count_workers(workers):
    """Check a number of processes; None gives each process of this machine its share of the cores.

    Arguments
    ---------
    workers : int | None
        What the YAML says.

    Returns
    -------
    int
    """
    if workers is None:
        return max(1, os.cpu_count() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    return whole("simulation_workers", workers, 0, 1024)
