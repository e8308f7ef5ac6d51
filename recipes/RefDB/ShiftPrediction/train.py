#!/usr/bin/env python3
"""Train a network from sequence to chemical shifts, or from shifts to secondary structure, on RefDB.

> python recipes/RefDB/ShiftPrediction/train.py hparams/shifts/cnn.yaml
> python recipes/RefDB/ShiftPrediction/train.py hparams/shifts/window.yaml
> python recipes/RefDB/ShiftPrediction/train.py hparams/shifts/structure.yaml

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import math

import numpy as np
import speechbrain as sb
import torch

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.report.figures import plot_curves
from nmr_speech.report.results import write_results
from nmr_speech.shifts.atoms import ATOMS, BACKBONE, LETTERS
from nmr_speech.shifts.data import NOT_GIVEN, ProteinSet, fill_scale
from nmr_speech.shifts.figures import mean_rmse
from nmr_speech.shifts.load import save_network
from nmr_speech.shifts.network import StructureNetwork
from nmr_speech.shifts.objective import shift_loss, structure_loss
from nmr_speech.shifts.split import proteins_of
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import choose_device, process_count
from nmr_speech.training.objects import check_objects
from nmr_speech.training.script import Clock, run_script

UNKNOWN_RESIDUE = len(LETTERS)


class RefDBBrain(sb.Brain):
    """What both tasks share: the learning rate and the log."""

    def on_stage_start(self, stage, epoch=None):
        """Begin to collect the figures of an epoch."""
        self.figures = []
        if stage == sb.Stage.TRAIN:
            self.epoch = epoch

    def fit_batch(self, batch):
        """Set the learning rate of this step, then take it."""
        done = self.epoch - 1 + self.step / self.epoch_steps
        rise = min(1.0, done + 1 / self.epoch_steps)
        self.lr = self.hparams.lr * rise * (1 + math.cos(math.pi * done / self.hparams.number_of_epochs)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        return super().fit_batch(batch)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest error."""
        if stage == sb.Stage.TRAIN:
            self.train_stats = {"loss": stage_loss} | self.summary()
            return
        stats = {"loss": stage_loss} | self.summary()
        log = {"epoch": epoch, "lr": self.lr}
        self.hparams.train_logger.log_stats(log, train_stats=self.train_stats, valid_stats=stats)
        self.hparams.curves.add(log | {"train": self.train_stats, "valid": stats})
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error"])


class ShiftBrain(RefDBBrain):
    """Predict the mean and the standard deviation of each shift."""

    def compute_forward(self, batch, stage):
        """Map a batch to means and standard deviations in ppm, both (B, L, atoms)."""
        letters, structure = batch.letters, batch.structure
        if stage == sb.Stage.TRAIN:
            hidden = torch.rand(len(structure), 1) < self.hparams.hidden_structure
            structure = torch.where(hidden, NOT_GIVEN, structure)
            letters = torch.where(torch.rand(letters.shape) < self.hparams.hidden_residues, UNKNOWN_RESIDUE, letters)
        self.seen = letters
        return self.modules.network(letters, structure, batch.inside)

    def compute_objectives(self, predictions, batch, stage):
        """Score the shifts that were measured; keep the errors of the backbone."""
        spread_ppm = self.modules.network.scale.std_ppm[self.seen]
        shifts_ppm = torch.where((self.seen == batch.letters)[..., None], batch.shifts_ppm, torch.nan)
        weights = {"beta": self.hparams.beta, "side_chain_weight": self.hparams.side_chain_weight}
        errors = (predictions[0].detach() - shifts_ppm) / spread_ppm
        self.figures.extend(errors[..., : len(BACKBONE)].numpy())
        return shift_loss(*predictions, shifts_ppm, spread_ppm, **weights)

    def summary(self):
        """Average the errors over proteins and atoms, in standard deviations of each atom."""
        return {"error": float(mean_rmse(self.figures).mean())}


class StructureBrain(RefDBBrain):
    """Predict helix, strand or coil."""

    def compute_forward(self, batch, stage):
        """Map a batch to logits, (B, L, 3); in training a part of the shifts is taken away."""
        shifts = batch.shifts_ppm[..., : len(BACKBONE)]
        if stage == sb.Stage.TRAIN:
            # Whole atoms of a protein, as where an experiment was not done, and single shifts.
            share = torch.rand(len(shifts), 1, 1) * self.hparams.hidden_shifts
            hidden = (torch.rand(len(shifts), 1, len(BACKBONE)) < share) | (torch.rand(shifts.shape) < share)
            shifts = shifts.masked_fill(hidden, torch.nan)
        return self.modules.network(batch.letters, shifts, batch.inside)

    def compute_objectives(self, predictions, batch, stage):
        """Score the residues whose structure is known."""
        known = batch.structure != NOT_GIVEN
        self.figures.append((predictions.argmax(-1) != batch.structure)[known].float().numpy())
        return structure_loss(predictions, batch.structure)

    def summary(self):
        """Share of the residues that are wrong."""
        return {"error": float(np.concatenate(self.figures).mean())}


KEYS = (
    *("seed", "batch_size", "longest", "network", "modules", "number_of_epochs", "lr", "hidden_structure"),
    *(
        "hidden_residues",
        "hidden_shifts",
        "beta",
        "side_chain_weight",
        "opt_class",
        "epoch_counter",
        "curves",
        "train_logger",
    ),
    *("checkpointer", "output_folder"),
)


def check(hparams):
    """Refuse values that cannot be used."""
    if process_count() > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    check_objects(hparams)
    for name in ("batch_size", "longest", "number_of_epochs"):
        whole(name, hparams[name], 1, 10**6)
    for name in ("hidden_structure", "hidden_residues", "hidden_shifts", "beta", "side_chain_weight"):
        in_range(name, hparams[name], 0, 1, "as a share", "0.5")


def dataio_prep(hparams):
    """Read the proteins of both splits; homologues of one are in no other."""
    proteins = {split: proteins_of(split) for split in ("train", "valid")}
    fill_scale(hparams["network"].scale, proteins["train"])
    return proteins, {
        split: ProteinSet(own, hparams["batch_size"] if split == "train" else 1, hparams["longest"])
        for split, own in proteins.items()
    }


def fit(brain, hparams, datasets):
    """Train; the order of the batches follows from the seed and the epoch."""
    brain.epoch_steps = len(datasets["train"])
    alone = {"batch_size": None}  # each item is a batch
    train = sb.dataio.dataloader.make_dataloader(
        datasets["train"],
        sampler=sb.dataio.sampler.ReproducibleRandomSampler(datasets["train"], hparams["seed"]),
        **alone,
    )
    brain.fit(hparams["epoch_counter"], train, datasets["valid"], valid_loader_kwargs=alone)


def calibrate(network, valid):
    """Set the factor of each atom's standard deviations with which the errors of the validation split have theirs."""
    squares, counts = torch.zeros(len(ATOMS)), torch.zeros(len(ATOMS))
    with torch.inference_mode():
        for batch in valid:
            for structure in (batch.structure, torch.full_like(batch.structure, NOT_GIVEN)):
                mean, std = network(batch.letters, structure, batch.inside)
                z = (batch.shifts_ppm - mean) / std
                squares += z.nan_to_num(0.0).square().sum((0, 1))
                counts += z.isfinite().sum((0, 1))
    network.calibration.copy_(torch.where(counts > 0, squares / counts.clamp(min=1), 1.0).sqrt())


def describe(hparams, proteins):
    """Return what was trained and on what, for the report."""
    return {
        "network": type(hparams["network"]).__name__,
        "settings": hparams["network"].settings,
        "recordings": {split: len(own) for split, own in proteins.items()},
        "residues": {split: sum(len(one.sequence) for one in own) for split, own in proteins.items()},
    }


def headline(results):
    """Return what to print of the results."""
    what = (
        "residues with a wrong structure"
        if results["network"] == "StructureNetwork"
        else "error, in standard deviations"
    )
    return f"{results['parameters']} parameters; validation: {what}, {results['valid']['error']:.4f}"


def main(argv):
    """Read RefDB, train, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    choose_device(run_opts.get("device") or "cpu")
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()
    proteins, datasets = dataio_prep(hparams)
    clock.lap("read RefDB")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        checkpointer = hparams["checkpointer"]()
        resumed = checkpointer.resumes(hparams["number_of_epochs"])
        kind = StructureBrain if isinstance(hparams["network"], StructureNetwork) else ShiftBrain
        brain = kind(hparams["modules"], hparams["opt_class"], hparams, run_opts, checkpointer)
        fit(brain, hparams, datasets)
        clock.lap("train")

        curves = list(hparams["curves"].epochs)  # before the best checkpoint brings back those up to itself
        best = checkpointer.recover_if_possible(min_key="error")
        network = brain.modules.network.eval()
        if kind is ShiftBrain:
            calibrate(network, datasets["valid"])
        save_network(network, folder)
        plot_curves(curves, "error", "error", folder / "curves.png")
        run = {"valid": {"error": best.meta["error"]}, "curves": curves, "resumed": resumed, "seconds": clock.seconds}
        files = ["config.json", "model.safetensors", "curves.png"]
        write_results(folder, hparams, describe(hparams, proteins) | run, headline, files)


if __name__ == "__main__":
    run_script(main)
