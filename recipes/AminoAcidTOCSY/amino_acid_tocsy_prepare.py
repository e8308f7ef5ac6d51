"""Simulate the data set of a recipe, unless it is there already.

The data are TOCSY experiments of amino acids, drawn from BMRB shift statistics and simulated by `nmr_speech.simulate`;
`nmr_speech.corpus.dataset` describes the files.
"""

from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.training.launch import count_workers


def prepare_amino_acid_tocsy(data_folder, plan, simulation_workers=None, skip_prep=False):
    """Write audio files and manifests to ``data_folder``, unless they are there already.

    Arguments
    ---------
    data_folder : str
        Folder to write to.
    plan : DatasetPlan | None
        What to simulate; None with ``skip_prep``.
    simulation_workers : int | None
        Number of processes; None for one per core.
    skip_prep : bool
        Use the folder as it is.
    """
    if not skip_prep:
        build_dataset(data_folder, plan, count_workers(simulation_workers))
