#!/usr/bin/env python3
"""Simulate a data set of any size, on one process or many.

> python recipes/AminoAcidTOCSY/simulate.py hparams/dataset.yaml --data_folder=data/large --recordings_per_residue=1000
> torchrun --nproc_per_node=4 recipes/AminoAcidTOCSY/simulate.py hparams/dataset.yaml --device=cuda ...

The files do not depend on the number of processes. The same command goes on where a killed run was. The last line gives
recordings, seconds and recordings per second.
"""

import os
import sys
import time

import speechbrain as sb
import torch
from amino_acid_tocsy_prepare import count_workers

from nmr_speech.checks import InputError
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.distributed import Team
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.training.hparams import load_hparams

PLAN = (
    "seed",
    "residues",
    "recordings_per_residue",
    "condition",
    "shift_source",
    "free_shift_std_ppm",
    "nuisances",
    "experiment",
    "audio_format",
)
KEYS = (*PLAN, "data_folder", "simulation_workers", "memory_gb", "share")


def main(argv):
    """Simulate, and say how fast."""
    start = time.perf_counter()
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    plan = DatasetPlan(**{key: hparams[key] for key in PLAN})
    device = choose_device(run_opts.device or "cpu")
    team = Team.from_environment()
    made = build_dataset(
        hparams["data_folder"],
        plan,
        workers=count_workers(hparams["simulation_workers"]),
        device=device,
        memory_gb=hparams["memory_gb"],
        of=hparams["share"],
        team=team,
    )
    seconds = time.perf_counter() - start
    if team.rank == 0:
        print(f"{hparams['data_folder']} is complete")
        print(f"{made} recordings in {seconds:.1f} s: {made / seconds:.1f} recordings/s", flush=True)
    team.leave()


def choose_device(name):
    """Give each process of a machine a GPU of its own."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"`device` must be cpu or cuda, got {name!r}") from error
    if device.type == "cpu":
        return "cpu"
    if device.type != "cuda" or not torch.cuda.is_available():
        raise InputError(f"`device` {name!r} is not there; take --device=cpu")
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) if device.index is None else device.index}"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
