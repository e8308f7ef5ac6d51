#!/usr/bin/env python3
"""Train a speaker-embedding model to name amino acids, and score it beside a linear classifier.

> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/quickstart.yaml
> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/classification.yaml --device=cuda
> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/transfer.yaml --freeze=False --device=cuda

To read this file, begin with `main` at the bottom. The YAML holds all sizes and objects. The same command goes on where
a killed run was, and evaluates again where one had ended.
"""

import logging
import math
import os
import sys
from pathlib import Path

import numpy as np
import speechbrain as sb
import torch
from speechbrain.nnet.schedulers import WarmCoolDecayLRSchedule
from speechbrain.utils.distributed import ddp_init_group, if_main_process, run_on_main

sys.path.append(str(Path(__file__).resolve().parents[1]))
from amino_acid_tocsy_prepare import count_workers, prepare_amino_acid_tocsy

from nmr_speech.checks import InputError, in_range, positive, whole
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.files import write_whole
from nmr_speech.models.embed import embed
from nmr_speech.report.results import Clock, write_classification
from nmr_speech.score.calibration import calibrate
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.training.baselines import name_by_spectrum
from nmr_speech.training.dataio import Batch, Disturbed, FreshRecordings, load_datasets
from nmr_speech.training.hparams import flatten_hparams, load_hparams
from nmr_speech.training.speedups import skip_idle_padding
from nmr_speech.training.transfer import reason_to_embed_anew

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
MODEL = ("speakers", "held_out_residues", "frontend", "backbone", "pretrained", "modules")
KEYS = (*PLAN, *PREPARE, *TRAIN, *MODEL, "output_folder")
N_PROCESSES = int(os.environ.get("WORLD_SIZE", "1"))

logger = logging.getLogger(__name__)


class AminoAcidBrain(sb.Brain):
    """Equations 1 and 2 of Yip et al.: embed each recording, classify the embedding."""

    def compute_forward(self, batch, stage):
        """Waveforms (B, T, 4), or their embeddings (B, D), to logits (B, residues)."""
        batch = batch.to(self.device)
        wavs, labels = batch.sig, batch.spk_id_encoded if stage == sb.Stage.TRAIN else None
        if stage == sb.Stage.TRAIN and not self.hparams.embedded:
            # Seeded by step and process, so that a resumed run draws what the unbroken one would have.
            entropy = [self.hparams.seed, self.optimizer_step, int(os.environ.get("RANK", "0"))]
            draw = np.random.SeedSequence(entropy).generate_state(1)[0]
            wavs = self.hparams.augment(wavs, torch.Generator().manual_seed(int(draw)))
        return self.modules.classifier(self.embed(wavs), labels)

    def embed(self, wavs):
        """Embed waveforms (B, T, 4); where that was done before the training, embeddings are what comes."""
        return wavs if self.hparams.embedded else embed(self.modules.frontend, self.modules.backbone, wavs)

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
        pretrained_lr = self.hparams.pretrained and self.hparams.pretrained.learning_rate
        self.schedules = {
            name: WarmCoolDecayLRSchedule(
                pretrained_lr if name == "pretrained" else self.hparams.lr, warmup, cooldown, end, decay_factor=1.0
            )
            for name in self.optimizers_dict
        }

    def init_optimizers(self):
        """One optimiser; a second for a pretrained part with a learning rate of its own.

        Two groups of one would not do: SpeechBrain clips the first alone, and its schedulers give all the same rate.
        """
        pretrained = self.hparams.pretrained
        if pretrained is None or pretrained.learning_rate is None:
            super().init_optimizers()
            return
        rest = [module for name, module in self.modules.items() if name != "backbone"]
        self.optimizer = self.opt_class(torch.nn.ModuleList(rest).parameters())
        self.optimizers_dict = {
            "opt_class": self.optimizer,
            "pretrained": self.opt_class(self.modules.backbone.parameters()),
        }
        self.checkpointer.add_recoverable("optimizer", self.optimizer)
        self.checkpointer.add_recoverable("pretrained_optimizer", self.optimizers_dict["pretrained"])

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rates from the step alone: nothing to save, nothing to restore."""
        for name, schedule in self.schedules.items():
            schedule(self.optimizers_dict[name], self.optimizer_step + 1)

    def on_stage_start(self, stage, epoch=None):
        """Forget the names given so far; draw other recordings, and unfreeze what it is time for, in every epoch."""
        self.true, self.named = [], []
        if stage == sb.Stage.TRAIN and self.hparams.fresh is not None:
            self.hparams.fresh.epoch = epoch
        if stage == sb.Stage.TRAIN and self.hparams.pretrained is not None:
            self.hparams.pretrained.set_epoch(epoch)

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
            embeddings = self.embed(batch.sig.to(self.device))
            batches.append((embeddings, self.modules.classifier(embeddings), batch.spk_id_encoded))
        names = ("embeddings", "logits", "labels")
        return {
            name: torch.cat(parts).cpu().numpy() for name, parts in zip(names, zip(*batches, strict=True), strict=True)
        }

    def embedded(self, dataset, loader):
        """A data set of the embeddings of another one's recordings, for a head is all that is trained."""
        found = self.outputs(dataset, loader)
        items = zip(torch.from_numpy(found["embeddings"]), found["labels"].tolist(), strict=True)
        return [{"id": str(i), "sig": each, "spk_id_encoded": label} for i, (each, label) in enumerate(items)]


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
    datasets, label_encoder = load_data(hparams)
    taught = datasets.pop("baseline", datasets["train"])
    clock.lap("check")
    loader = {
        "batch_size": hparams["batch_size"],
        "collate_fn": Batch.stack,
        "num_workers": hparams["loader_workers"],
        "pin_memory": str(run_opts.device).startswith("cuda"),
    }
    train_set, train_loader, hparams["fresh"] = datasets["train"], loader | {"shuffle": True}, None
    hparams["embedded"] = False
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
    fed = feed(brain, datasets | {"train": train_set}, loader)
    brain.fit(
        hparams["epoch_counter"],
        fed["train"],
        fed["valid"],
        train_loader_kwargs=train_loader,
        valid_loader_kwargs=dict(loader),
    )
    clock.lap("train")

    brain.evaluate(fed["test"], min_key="error", test_loader_kwargs=dict(loader))
    report = {"test": summarise(brain.confusion, labels := label_encoder.decode_ndim(range(len(label_encoder))))}
    report["calibration"] = calibrate(*(brain.outputs(fed[split], loader) for split in ("valid", "test")))
    if "clean" in fed:
        clean = brain.outputs(fed["clean"], loader)
        confusion = count_confusion(clean["labels"], clean["logits"].argmax(axis=1), len(labels))
        report["test_clean"] = summarise(confusion, labels)
    clock.lap("evaluate")
    if if_main_process():
        named = name_by_spectrum(taught, datasets["test"])
        report["baseline"] = summarise(count_confusion(*named, len(labels)), labels)
        clock.lap("baseline")
        if hparams["pretrained"] is not None:
            report["pretrained"] = hparams["pretrained"].report()
        write_classification(hparams, report, {split: datasets[split] for split in SPLITS}, clock.seconds, resumed)


def load_data(hparams):
    """Data sets by use, and the label encoder.

    A model for disturbed recordings is judged on such, and on ``clean`` ones too; ``baseline`` is what the linear
    classifier learns from, which sees each recording once, while training disturbs anew each time.
    """
    manifests = {split: Path(hparams["data_folder"], f"{split}.csv") for split in SPLITS}
    datasets, label_encoder = load_datasets(
        manifests, hparams["data_folder"], hparams["speakers"], hparams["held_out_residues"]
    )
    if not hparams["evaluation_nuisances"]:
        return datasets, label_encoder
    disturbed = {
        split: Disturbed(dataset, hparams["disturb_evaluation"], hparams["seed"]) for split, dataset in datasets.items()
    }
    others = {"clean": datasets["test"], "baseline": disturbed["train"]}
    return disturbed | {"train": datasets["train"]} | others, label_encoder


def feed(brain, datasets, loader):
    """Data sets to train on: of embeddings instead of recordings, where nothing before the head can change them."""
    hparams = brain.hparams
    if hparams.pretrained is None:
        return datasets
    logger.info("The embedding model began with %s", hparams.pretrained.origin or "random weights")
    reason = reason_to_embed_anew(
        hparams.pretrained,
        hparams.modules["frontend"],
        augmented=bool(hparams.augment.settings),
        fresh=hparams.fresh is not None,
    )
    logger.info("Embeddings are computed %s", f"in every epoch: {reason}" if reason else "once")
    if reason is None:
        datasets = {split: brain.embedded(dataset, loader) for split, dataset in datasets.items()}
        hparams.embedded = True
    return datasets


def check(hparams):
    """Refuse settings of the training that cannot be used."""
    whole("number_of_epochs", hparams["number_of_epochs"], 1, 10**6)
    whole("batch_size", hparams["batch_size"], 1, 10**6)
    positive("lr", hparams["lr"], "learning rate, typical 0.001")
    if hparams["warmup_share"] is not None:
        in_range("warmup_share", hparams["warmup_share"], 0, 1, "of all steps", "0.3, null for a constant rate")
    whole("fresh_recordings_per_residue", hparams["fresh_recordings_per_residue"], 0, 10**7)
    whole("loader_workers", hparams["loader_workers"], 0, 1024)
    if hparams["pretrained"] is not None:
        if not hparams["modules"]["frontend"].removes_mean:
            raise InputError(
                "a pretrained model expects features whose mean over the frames is removed; give another `frontend`, "
                "such as frontend/conv_centred.yaml"
            )
        hparams["pretrained"].check(hparams["number_of_epochs"], N_PROCESSES)


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
    """Refuse models with batch normalisation that are trained: several processes share it on GPUs alone."""
    for name, module in modules.items():
        trained = any(weight.requires_grad for weight in module.parameters())
        if trained and any(isinstance(part, torch.nn.modules.batchnorm._BatchNorm) for part in module.modules()):
            raise InputError(
                f"`{name}`: several processes share batch normalisation on GPUs alone; on a CPU start one process, "
                "which uses all cores, or take a model without, such as --backbone='!include:backbone/deep_picker.yaml'"
            )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
