#!/usr/bin/env python3
"""Pretrain a speaker-embedding model on voices synthesised by espeak-ng.

> python recipes/SyntheticVoices/SpeakerRec/train.py hparams/voices.yaml --device=cuda

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import sys
from pathlib import Path

import speechbrain as sb
import torch
from ruamel.yaml import YAML
from speechbrain.utils.distributed import if_main_process

sys.path.append(str(Path(__file__).resolve().parents[1]))
from synthetic_voices_prepare import prepare_synthetic_voices

from nmr_speech.checks import InputError
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.hub.safe_yaml import children, plain
from nmr_speech.models.embed import embed
from nmr_speech.report.results import write_classification
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.training import speakers
from nmr_speech.training.baselines import classify_by_spectrum
from nmr_speech.training.dataio import load_datasets, seeded
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import flatten_hparams, load_hparams
from nmr_speech.training.launch import count_workers, join_processes, process_rank
from nmr_speech.training.rates import warm_up_and_decay
from nmr_speech.training.script import Clock, run_script
from nmr_speech.training.speedups import skip_idle_padding

OF_SPECTRA = ("augmentation", "evaluation_nuisances", "fresh_recordings_per_residue", "held_out_residues", "pretrained")


class VoiceBrain(sb.Brain):
    """Embed each recording, classify the embedding with an angular margin."""

    def compute_forward(self, batch, stage):
        """Map waveforms (B, T, 4) to logits (B, S)."""
        batch = batch.to(self.device)
        labels = batch.spk_id_encoded if stage == sb.Stage.TRAIN else None
        return self.modules.classifier(self.embed(batch.sig), labels)

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
        """Forget earlier predictions."""
        self.predictions = speakers.Predictions(len(self.hparams.speakers))

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

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rate of the step."""
        self.rate(self.optimizer, self.optimizer_step + 1)


def dataio_prep(hparams):
    """Make the data set of each split, and the label encoder."""
    manifests = {split: Path(hparams["data_folder"], f"{split}.csv") for split in SPLITS}
    return load_datasets(manifests, hparams["data_folder"], hparams["speakers"])


def synthesise(hparams_file, overrides):
    """Synthesise the voices; return their names."""
    nodes = children(YAML(typ="safe", pure=True).compose(flatten_hparams(hparams_file, overrides)))
    keys = (
        "data_folder",
        "seed",
        "n_speakers",
        "recordings_per_speaker",
        "recordings_per_residue",
        "simulation_workers",
    )
    if missing := [key for key in keys if key not in nodes]:
        raise InputError(f"{hparams_file}: the key `{missing[0]}` is missing; see hparams/voices.yaml")
    folder, *numbers, old, workers = (plain(nodes[key], hparams_file, limited=False) for key in keys)
    if old is not None:
        raise InputError(f"{hparams_file}: for voices the key `recordings_per_residue` is now `recordings_per_speaker`")
    return prepare_synthetic_voices(folder, *numbers, count_workers(workers))


def report(hparams, datasets, scores, labels, clock, resumed):
    """Score the linear classifier, and write all results."""
    predictions = classify_by_spectrum(datasets["train"], datasets["test"])
    scores["baseline"] = summarise(count_confusion(*predictions, len(labels)), labels)
    clock.lap("baseline")
    write_classification(hparams, scores, datasets, clock.seconds, resumed)


def main(argv):
    """Synthesise the voices, train, evaluate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    join_processes(run_opts)
    clock = Clock()
    names = synthesise(hparams_file, overrides)
    clock.lap("simulate")
    overrides = f"{overrides}\nresidues: [{', '.join(names)}]"
    hparams = load_hparams(hparams_file, overrides, (*speakers.KEYS, "n_speakers", "recordings_per_speaker"))
    speakers.check_training(hparams, run_opts.device)
    for key in OF_SPECTRA:
        if hparams[key]:
            raise InputError(f"{hparams_file}: `{key}` is for spectra, not for voices; remove it")
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    datasets, label_encoder = dataio_prep(hparams)
    clock.lap("check")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        loader = speakers.loader_options(hparams, run_opts.device)
        skip_idle_padding(hparams["modules"]["backbone"])
        brain = VoiceBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, hparams["checkpointer"]())
        resumed = brain.checkpointer.resumes(hparams["number_of_epochs"])
        steps = speakers.count_steps(len(datasets["train"]), hparams, brain.grad_accumulation_factor)
        brain.rate = warm_up_and_decay(hparams["lr"], hparams["warmup_share"], steps)
        loaders = {"train_loader_kwargs": loader | {"shuffle": True}, "valid_loader_kwargs": dict(loader)}
        brain.fit(hparams["epoch_counter"], datasets["train"], datasets["valid"], **loaders)
        clock.lap("train")

        labels = label_encoder.decode_ndim(range(len(label_encoder)))
        scores = speakers.evaluate(brain, datasets, loader, labels)
        clock.lap("evaluate")
        if if_main_process():
            report(hparams, datasets, scores, labels, clock, resumed)


if __name__ == "__main__":
    run_script(main)
