#!/usr/bin/env python3
"""Simulate a data set of any size, with one process or many.

> python recipes/AminoAcidTOCSY/simulate.py hparams/dataset.yaml --data_folder=data/large --recordings_per_residue=1000
> torchrun --nproc_per_node=4 recipes/AminoAcidTOCSY/simulate.py hparams/dataset.yaml --device=cuda ...

The files do not depend on the number of processes. Rerun the command to resume. The last line gives recordings, seconds
and recordings per second.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

from dataclasses import fields

import speechbrain as sb

from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.distributed import ProcessGroup
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import choose_device, count_workers
from nmr_speech.training.objects import check_objects
from nmr_speech.training.script import Clock, run_script

PLAN = tuple(field.name for field in fields(DatasetPlan))
KEYS = (*PLAN, "data_folder", "simulation_workers", "memory_gb", "share")


def main(argv):
    """Simulate, and report the speed."""
    clock = Clock()
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check_objects(hparams)
    plan = DatasetPlan(**{key: hparams[key] for key in PLAN})
    device = choose_device(run_opts.device or "cpu")
    processes = ProcessGroup.from_environment()
    made = build_dataset(
        hparams["data_folder"],
        plan,
        workers=count_workers(hparams["simulation_workers"]),
        device=device,
        memory_gb=hparams["memory_gb"],
        share=hparams["share"],
        processes=processes,
    )
    clock.lap("simulate")
    seconds = clock.seconds["simulate"]
    if processes.rank == 0:
        print(f"{hparams['data_folder']} is complete")
        print(f"{made} recordings in {seconds:.1f} s: {made / max(seconds, 0.01):.1f} recordings/s", flush=True)
    processes.close()


if __name__ == "__main__":
    run_script(main)
