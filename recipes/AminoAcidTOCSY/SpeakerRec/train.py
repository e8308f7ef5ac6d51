#!/usr/bin/env python3
"""Train a speaker-embedding model to name amino acids, and score it beside a linear classifier.

> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/quickstart.yaml
> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/classification.yaml --device=cuda

To read this file, begin with `main` at the bottom. The YAML holds all sizes and objects. The same command goes on where
a killed run was, and evaluates again where one had ended.
"""

import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import speechbrain as sb
import torch
from speechbrain.nnet.schedulers import WarmCoolDecayLRSchedule
from speechbrain.utils.distributed import ddp_init_group, if_main_process, run_on_main

sys.path.append(str(Path(__file__).resolve().parents[1]))
from amino_acid_tocsy_prepare import count_workers, prepare_amino_acid_tocsy

from nmr_speech.checks import InputError, in_range, positive, whole
from nmr_speech.corpus.files import write_whole
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.dataio import Batch, Disturbed, FreshRecordings, load_datasets
from nmr_speech.hparams import flatten_hparams, load_hparams
from nmr_speech.models.baseline import name_by_spectrum
from nmr_speech.models.embed import embed
from nmr_speech.models.lean import skip_idle_padding
from nmr_speech.score.calibration import calibrate
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.score.report import write_report

PLAN = (
    "seed",
    "residues",
    "recordings_per_residue",
    "condition",
    "shift_source",
    "free_shift_std_ppm",
    "experiment",
    "audio_format",
)
PREPARE = ("data_folder", "simulation_workers", "skip_prep")
TRAIN = (
    "number_of_epochs",
    "batch_size",
    "lr",
    "warmup_share",
    "fresh_recordings_per_residue",
    "loader_workers",
    "clean_share",
    "augment",
    "evaluation_nuisances",
    "disturb_evaluation",
    "opt_class",
    "epoch_counter",
    "train_logger",
    "checkpointer",
)
MODEL = ("speakers", "held_out_residues", "frontend", "backbone", "modules")
KEYS = (*PLAN, *PREPARE, *TRAIN, *MODEL, "output_folder")
N_PROCESSES = int(os.environ.get("WORLD_SIZE", "1"))


class AminoAcidBrain(sb.Brain):
    """Equations 1 and 2 of Yip et al.: embed each recording, classify the embedding."""

    def compute_forward(self, batch, stage):
        """Waveforms (B, T, 4) to logits (B, residues)."""
        batch = batch.to(self.device)
        wavs, labels = batch.sig, None
        if stage == sb.Stage.TRAIN:
            labels = batch.spk_id_encoded
            # Seeded by step and process, so that a resumed run draws what the unbroken one would have.
            entropy = [self.hparams.seed, self.optimizer_step, int(os.environ.get("RANK", "0"))]
            draw = np.random.SeedSequence(entropy).generate_state(1)[0]
            wavs = self.hparams.augment(wavs, torch.Generator().manual_seed(int(draw)))
        return self.modules.classifier(embed(self.modules.frontend, self.modules.backbone, wavs), labels)

    def compute_objectives(self, predictions, batch, stage):
        """Cross-entropy; outside training the names given are kept too."""
        labels = batch.spk_id_encoded.to(self.device)
        if stage != sb.Stage.TRAIN:
            self.true.append(labels)
            self.named.append(predictions.argmax(dim=1))
        return torch.nn.functional.cross_entropy(predictions, labels)

    def on_fit_start(self):
        """Load what a run before has left, and lay out the learning rate over all steps."""
        super().on_fit_start()
        steps = self.hparams.number_of_epochs * self.hparams.steps_per_epoch // self.grad_accumulation_factor
        end = steps + 1  # the step after the last is the first with a rate of zero
        warmup = cooldown = 0  # a constant rate
        if self.hparams.warmup_share is not None:
            warmup = max(1, round(self.hparams.warmup_share * steps))
            cooldown = end - warmup
        self.schedule = WarmCoolDecayLRSchedule(self.hparams.lr, warmup, cooldown, end, decay_factor=1.0)

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rate from the step alone: nothing to save, nothing to restore."""
        self.schedule(self.optimizer, self.optimizer_step + 1)

    def on_stage_start(self, stage, epoch=None):
        """Forget the names given so far; draw other recordings in every epoch."""
        self.true, self.named = [], []
        if stage == sb.Stage.TRAIN and self.hparams.fresh is not None:
            self.hparams.fresh.epoch = epoch

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest error."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        self.confusion = count_confusion(
            torch.cat(self.true).cpu(), torch.cat(self.named).cpu(), len(self.hparams.speakers)
        )
        stats = {"loss": stage_loss, "error": 1 - float(self.confusion.trace() / self.confusion.sum())}
        if stage == sb.Stage.TEST:
            self.hparams.train_logger.log_stats({"epoch": self.hparams.epoch_counter.current}, test_stats=stats)
            return
        log = {"epoch": epoch, "lr": self.optimizer.param_groups[0]["lr"]}
        self.hparams.train_logger.log_stats(log, train_stats={"loss": self.train_loss}, valid_stats=stats)
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error"])

    @torch.inference_mode()
    def outputs(self, dataset, loader):
        """Embeddings, logits and labels of all recordings of a data set, by the weights that are loaded."""
        self.modules.eval()
        batches = []
        for batch in self.make_dataloader(dataset, stage=sb.Stage.TEST, **loader):
            embeddings = embed(self.modules.frontend, self.modules.backbone, batch.sig.to(self.device))
            batches.append((embeddings, self.modules.classifier(embeddings), batch.spk_id_encoded))
        names = ("embeddings", "logits", "labels")
        return {
            name: torch.cat(parts).cpu().numpy() for name, parts in zip(names, zip(*batches, strict=True), strict=True)
        }


def main(argv):
    """Simulate, train, evaluate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    join_processes(run_opts)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    if N_PROCESSES > 1 and not str(run_opts.device).startswith("cuda"):
        refuse_batch_norm(hparams["modules"])
    clock = Clock()

    # Data before the experiment folder: bad input leaves nothing behind.
    # Recordings of one's own need no plan, and may have any labels.
    n_fresh = hparams["fresh_recordings_per_residue"]
    plan = None if hparams["skip_prep"] and not n_fresh else DatasetPlan(**{key: hparams[key] for key in PLAN})
    run_on_main(prepare_amino_acid_tocsy, kwargs={"plan": plan} | {key: hparams[key] for key in PREPARE})
    clock.lap("simulate")
    manifests = {split: Path(hparams["data_folder"], f"{split}.csv") for split in ("train", "valid", "test")}
    datasets, label_encoder = load_datasets(
        manifests, hparams["data_folder"], hparams["speakers"], hparams["held_out_residues"]
    )
    clock.lap("check")
    clean, disturbed = datasets, {}
    if hparams["evaluation_nuisances"]:
        disturbed = {
            split: Disturbed(dataset, hparams["disturb_evaluation"], hparams["seed"])
            for split, dataset in clean.items()
        }
        datasets = disturbed | {"train": clean["train"]}  # training disturbs anew each time
    loader = {
        "batch_size": hparams["batch_size"],
        "collate_fn": Batch.stack,
        "num_workers": hparams["loader_workers"],
        "pin_memory": str(run_opts.device).startswith("cuda"),
    }
    train_set, train_loader, hparams["fresh"] = datasets["train"], loader | {"shuffle": True}, None
    if n_fresh:
        train_set = hparams["fresh"] = FreshRecordings(plan, hparams["speakers"], n_fresh, label_encoder)
        train_loader["num_workers"] = count_workers(hparams["simulation_workers"])

    sb.create_experiment_directory(hparams["output_folder"])
    flat = flatten_hparams(hparams_file, overrides).encode()
    run_on_main(write_whole, args=(Path(hparams["output_folder"], "hyperparams.yaml"), flat))
    hparams["steps_per_epoch"] = math.ceil(len(train_set) / (hparams["batch_size"] * N_PROCESSES))
    checkpointer = hparams["checkpointer"]()
    resumed = bool(checkpointer.list_checkpoints())
    skip_idle_padding(hparams["modules"]["backbone"])
    brain = AminoAcidBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, checkpointer)
    brain.fit(
        hparams["epoch_counter"],
        train_set,
        datasets["valid"],
        train_loader_kwargs=train_loader,
        valid_loader_kwargs=dict(loader),
    )
    clock.lap("train")

    brain.evaluate(datasets["test"], min_key="error", test_loader_kwargs=dict(loader))
    calibration = calibrate(*(brain.outputs(datasets[split], loader) for split in ("valid", "test")))
    labels = label_encoder.decode_ndim(range(len(label_encoder)))
    report = {"test": summarise(brain.confusion, labels), "calibration": calibration}
    if disturbed:
        outputs = brain.outputs(clean["test"], loader)
        confusion = count_confusion(outputs["labels"], outputs["logits"].argmax(axis=1), len(labels))
        report["test_clean"] = summarise(confusion, labels)
    clock.lap("evaluate")
    if if_main_process():
        # The baseline, which sees each recording once, learns from disturbed ones where it is tested on such.
        named = name_by_spectrum((disturbed or clean)["train"], datasets["test"])
        report["baseline"] = summarise(count_confusion(*named, len(labels)), labels)
        clock.lap("baseline")
        write_report(hparams, report, datasets, clock.seconds, resumed)


def check(hparams):
    """Refuse settings of the training that cannot be used."""
    whole("number_of_epochs", hparams["number_of_epochs"], 1, 10**6)
    whole("batch_size", hparams["batch_size"], 1, 10**6)
    positive("lr", hparams["lr"], "learning rate, typical 0.001")
    if hparams["warmup_share"] is not None:
        in_range("warmup_share", hparams["warmup_share"], 0, 1, "of all steps", "0.3, null for a constant rate")
    whole("fresh_recordings_per_residue", hparams["fresh_recordings_per_residue"], 0, 10**7)
    whole("loader_workers", hparams["loader_workers"], 0, 1024)


def join_processes(run_opts):
    """Find the other processes that torchrun has started, if any."""
    try:
        ddp_init_group(run_opts)
    except ValueError as error:
        raise InputError(
            f"torchrun: each process needs a GPU of its own, {torch.cuda.device_count()} are here; give "
            "--nproc_per_node so many, or --distributed_backend=gloo to train on CPUs"
        ) from error


def refuse_batch_norm(modules):
    """Refuse models with batch normalisation, which several processes share on GPUs alone."""
    for name, module in modules.items():
        if any(isinstance(part, torch.nn.modules.batchnorm._BatchNorm) for part in module.modules()):
            raise InputError(
                f"`{name}`: several processes share batch normalisation on GPUs alone; on a CPU start one process, "
                "which uses all cores, or take a model without, such as --backbone='!include:backbone/deep_picker.yaml'"
            )


class Clock:
    """Seconds of each stage of this process."""

    def __init__(self):
        self.seconds, self.last = {}, time.perf_counter()

    def lap(self, stage):
        """End a stage."""
        now = time.perf_counter()
        self.seconds[stage], self.last = now - self.last, now


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
