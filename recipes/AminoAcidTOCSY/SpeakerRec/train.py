#!/usr/bin/env python3
"""Train a speaker-embedding model to classify amino acids, and score it beside a linear classifier.

> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/quickstart.yaml
> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/classification.yaml --device=cuda
> python recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/transfer.yaml --freeze=False --device=cuda

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import logging
import sys
from pathlib import Path

import speechbrain as sb
import torch
from speechbrain.utils.distributed import if_main_process, run_on_main

sys.path.append(str(Path(__file__).resolve().parents[1]))
from amino_acid_tocsy_prepare import prepare_amino_acid_tocsy

from nmr_speech.corpus.splits import SPLITS
from nmr_speech.models.embed import embed
from nmr_speech.report.results import write_classification
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.training import speakers
from nmr_speech.training.baselines import classify_by_spectrum
from nmr_speech.training.dataio import AugmentedRecordings, SimulatedRecordings, generator_of, load_datasets, seeded
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import count_workers, join_processes, process_rank
from nmr_speech.training.rates import separate_optimizers, warm_up_and_decay
from nmr_speech.training.script import Clock, run_script
from nmr_speech.training.speedups import skip_idle_padding
from nmr_speech.training.transfer import reason_against_caching

logger = logging.getLogger(__name__)


class AminoAcidBrain(sb.Brain):
    """Equations 1 and 2 of Yip et al.: embed each recording, classify the embedding."""

    def compute_forward(self, batch, stage):
        """Map waveforms (B, T, 4) to logits (B, S)."""
        batch = batch.to(self.device)
        if stage != sb.Stage.TRAIN:
            return self.modules.classifier(self.embed(batch.sig))
        return self.modules.classifier(self.embed(self.augment(batch.sig)), batch.spk_id_encoded)

    def augment(self, wavs):
        """Augment waveforms (B, T, 4)."""
        # Seeded by step and process, so that a resumed run draws what the unbroken one would have drawn.
        return self.hparams.augment(wavs, generator_of(self.hparams.seed, self.optimizer_step, process_rank()))

    def embed(self, wavs):
        """Map waveforms (B, T, 4) to embeddings (B, D)."""
        with seeded(self.device, self.hparams.seed, self.optimizer_step, process_rank()):  # the pooling of x-vectors
            return embed(self.modules.frontend, self.modules.backbone, wavs)

    def compute_objectives(self, predictions, batch, stage):
        """Compute the cross-entropy; outside training, keep the predictions."""
        labels = batch.spk_id_encoded.to(self.device)
        if stage != sb.Stage.TRAIN:
            self.predictions.add(labels, predictions)
        return torch.nn.functional.cross_entropy(predictions, labels)

    def on_stage_start(self, stage, epoch=None):
        """Forget earlier predictions; in training, unfreeze what is due in this epoch."""
        self.predictions = speakers.Predictions(len(self.hparams.speakers))
        if stage == sb.Stage.TRAIN and self.hparams.pretrained is not None:
            self.hparams.pretrained.set_epoch(epoch)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest error."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        stats = {"loss": stage_loss, "error": self.predictions.error()}
        if stage == sb.Stage.TEST:
            self.hparams.train_logger.log_stats({"epoch": self.hparams.epoch_counter.current}, test_stats=stats)
            return
        log = {"epoch": epoch, "lr": self.optimizer.param_groups[0]["lr"]}
        self.hparams.train_logger.log_stats(log, train_stats={"loss": self.train_loss}, valid_stats=stats)
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error"])

    def init_optimizers(self):
        """Make one optimiser, or two for a pretrained part with its own learning rate."""
        pretrained = self.hparams.pretrained
        if pretrained is None or pretrained.learning_rate is None:
            super().init_optimizers()
            return
        self.optimizer, own = separate_optimizers(self.opt_class, self.modules, apart="backbone")
        self.optimizers_dict = {"opt_class": self.optimizer, "pretrained": own}
        self.checkpointer.add_recoverable("optimizer", self.optimizer)
        self.checkpointer.add_recoverable("pretrained_optimizer", own)

    def plan_rates(self, recordings):
        """Plan the learning rates of a training with so many recordings per epoch."""
        steps = speakers.count_steps(recordings, vars(self.hparams), self.grad_accumulation_factor)
        peaks = {"opt_class": self.hparams.lr}
        if self.hparams.pretrained is not None and self.hparams.pretrained.learning_rate is not None:
            peaks["pretrained"] = self.hparams.pretrained.learning_rate
        self.rates = {name: warm_up_and_decay(peak, self.hparams.warmup_share, steps) for name, peak in peaks.items()}

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rates of the step."""
        for name, rate in self.rates.items():
            rate(self.optimizers_dict[name], self.optimizer_step + 1)


class HeadBrain(AminoAcidBrain):
    """Trains the head alone: a batch holds embeddings (B, D), computed once, instead of waveforms."""

    def augment(self, wavs):
        """Return the embeddings."""
        return wavs

    def embed(self, wavs):
        """Return the embeddings."""
        return wavs


def dataio_prep(hparams):
    """Make the data sets and the label encoder.

    A model for measured spectra is evaluated with nuisances, and without them on ``clean``. The linear classifier
    learns from ``baseline``, which has each recording once; ``fresh`` recordings, if any, replace ``train``.
    """
    manifests = {split: Path(hparams["data_folder"], f"{split}.csv") for split in SPLITS}
    datasets, label_encoder = load_datasets(
        manifests, hparams["data_folder"], hparams["speakers"], hparams["held_out_residues"]
    )
    datasets["baseline"] = datasets["train"]
    if hparams["evaluation_nuisances"]:
        datasets["clean"] = datasets["test"]
        for use in ("valid", "test", "baseline"):
            datasets[use] = AugmentedRecordings(datasets[use], hparams["evaluation_augment"], hparams["seed"])
    if n := hparams["fresh_recordings_per_residue"]:
        datasets["fresh"] = SimulatedRecordings(
            speakers.plan_of(hparams), hparams["speakers"], n, hparams["epoch_counter"]
        )
    speakers.refuse_lone_recording(len(datasets.get("fresh", datasets["train"])), hparams)
    return datasets, label_encoder


def make_brain(hparams, run_opts, datasets, loader):
    """Make the Brain, and the data sets to feed it: embeddings, where nothing before the head can change them."""
    skip_idle_padding(hparams["modules"]["backbone"])
    parts = (hparams["modules"], hparams["opt_class"], hparams, run_opts, hparams["checkpointer"]())
    brain = AminoAcidBrain(*parts)
    pretrained = hparams["pretrained"]
    if pretrained is None:
        return brain, datasets
    logger.info("The embedding model is initialised from %s", pretrained.origin or "random weights")
    reason = reason_against_caching(
        pretrained, hparams["modules"]["frontend"], augmented=bool(hparams["augmentation"]), fresh="fresh" in datasets
    )
    logger.info("Embeddings are computed %s", f"in every epoch: {reason}" if reason else "once")
    if reason:
        return brain, datasets
    fed = {use: speakers.embed_dataset(brain, datasets[use], loader) for use in datasets if use != "baseline"}
    return HeadBrain(*parts), fed


def fit(brain, hparams, fed, loader):
    """Train on the written recordings, or on fresh ones of every epoch."""
    train_set, train_loader = fed["train"], loader | {"shuffle": True}
    if "fresh" in fed:
        train_set = fed["fresh"]
        train_loader["num_workers"] = count_workers(hparams["simulation_workers"])
    brain.plan_rates(len(train_set))
    loaders = {"train_loader_kwargs": train_loader, "valid_loader_kwargs": dict(loader)}
    brain.fit(hparams["epoch_counter"], train_set, fed["valid"], **loaders)


def report(hparams, datasets, scores, labels, clock, resumed):
    """Score the linear classifier, and write all results."""
    predictions = classify_by_spectrum(datasets["baseline"], datasets["test"])
    scores["baseline"] = summarise(count_confusion(*predictions, len(labels)), labels)
    clock.lap("baseline")
    if hparams["pretrained"] is not None:
        scores["pretrained"] = hparams["pretrained"].report()
    written = {split: datasets[split] for split in SPLITS}
    write_classification(hparams, scores, written, clock.seconds, resumed)


def main(argv):
    """Simulate, train, evaluate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    join_processes(run_opts)
    hparams = load_hparams(hparams_file, overrides, speakers.KEYS)
    speakers.check_training(hparams, run_opts.device)
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()

    # Data before the experiment folder: bad input leaves nothing behind.
    plan, prepare = speakers.plan_of(hparams), ("data_folder", "simulation_workers", "skip_prep")
    run_on_main(prepare_amino_acid_tocsy, kwargs={"plan": plan} | {key: hparams[key] for key in prepare})
    clock.lap("simulate")
    datasets, label_encoder = dataio_prep(hparams)
    clock.lap("check")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        loader = speakers.loader_options(hparams, run_opts.device)
        brain, fed = make_brain(hparams, run_opts, datasets, loader)
        resumed = brain.checkpointer.resumes(hparams["number_of_epochs"])
        fit(brain, hparams, fed, loader)
        clock.lap("train")

        labels = label_encoder.decode_ndim(range(len(label_encoder)))
        scores = speakers.evaluate(brain, fed, loader, labels)
        clock.lap("evaluate")
        if if_main_process():
            report(hparams, datasets, scores, labels, clock, resumed)


if __name__ == "__main__":
    run_script(main)
