#!/usr/bin/env python3
"""Train a network that picks peaks, on spectra whose peaks are known exactly.

> python recipes/SimulatedSpectra/PeakPicking/train.py hparams/picking/deep_picker.yaml
> python recipes/SimulatedSpectra/PeakPicking/train.py hparams/picking/nmr_net.yaml
> python recipes/SimulatedSpectra/PeakPicking/train.py hparams/picking/regions.yaml

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import speechbrain as sb
import torch

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.picking.load import save_picker
from nmr_speech.picking.patches import PatchNetwork
from nmr_speech.picking.regions import RegionNetwork
from nmr_speech.picking.rows import RowNetwork
from nmr_speech.picking.training import PatchItems, RegionItems, RowItems, row_losses
from nmr_speech.report.figures import plot_curves
from nmr_speech.report.results import write_results
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import choose_device, process_count
from nmr_speech.training.objects import check_objects
from nmr_speech.training.rates import rise_and_fall
from nmr_speech.training.script import Clock, run_script


class PickingBrain(sb.Brain):
    """What the tasks share: fresh examples, the learning rate, the log."""

    def on_stage_start(self, stage, epoch=None):
        """Go on to examples not yet seen; the epoch alone says which: there is nothing to save and to restore."""
        self.errors = []
        if stage == sb.Stage.TRAIN:
            self.train_set.first = (epoch - 1) * len(self.train_set)
            self.begun = epoch - 1

    def fit_batch(self, batch):
        """Set the learning rate of this step, then take it."""
        done = self.begun + (self.step - 1) / len(self.train_set)
        self.lr = self.hparams.lr * rise_and_fall(done, self.hparams.number_of_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        return super().fit_batch(batch)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest error."""
        stats = {"loss": stage_loss, "error": sum(self.errors) / len(self.errors)}
        if stage == sb.Stage.TRAIN:
            self.train_stats = stats
            return
        log = {"epoch": epoch, "lr": self.lr}
        self.hparams.train_logger.log_stats(log, train_stats=self.train_stats, valid_stats=stats)
        self.hparams.curves.add(log | {"train": self.train_stats, "valid": stats})
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error"])


class RowBrain(PickingBrain):
    """DEEP Picker: what each point of a row is, and where its line is."""

    def compute_forward(self, batch, stage):
        """Map rows (B, L) to logits (B, 3, L) and lines (B, 2, 4, L)."""
        return self.modules.network(batch[0].to(self.device))

    def compute_objectives(self, predictions, batch, stage):
        """Cross-entropy of the classes, and the squared error of the lines."""
        losses = row_losses(*predictions, *(part.to(self.device) for part in batch[1:]))
        self.errors.append(losses.classes.item())
        return losses.classes + self.hparams.line_weight * losses.lines


class BinaryBrain(PickingBrain):
    """NMR-Net and the region finder: yes or no, for an extremum or for each point."""

    def compute_forward(self, batch, stage):
        """Map images (K, 2, 48, 48) or spectra (B, 1, n) to logits (K,) or (B, n)."""
        return self.modules.network(batch[0].to(self.device))

    def compute_objectives(self, predictions, batch, stage):
        """Cross-entropy."""
        loss = torch.nn.functional.binary_cross_entropy_with_logits(predictions, batch[1].to(self.device))
        self.errors.append(loss.item())
        return loss


TASKS = {
    RowNetwork: (RowBrain, RowItems),
    PatchNetwork: (BinaryBrain, PatchItems),
    RegionNetwork: (BinaryBrain, RegionItems),
}
KEYS = (
    *("seed", "train_items", "valid_items", "network", "modules", "number_of_epochs", "lr", "line_weight"),
    *("opt_class", "epoch_counter", "curves", "train_logger", "checkpointer", "output_folder"),
)


def check(hparams):
    """Refuse values that cannot be used."""
    if process_count() > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    check_objects(hparams)
    for name in ("train_items", "valid_items", "number_of_epochs"):
        whole(name, hparams[name], 1, 10**8)
    in_range("line_weight", hparams["line_weight"], 0, 1000, "a weight", "1")
    if type(hparams["network"]) not in TASKS:
        known = ", ".join(kind.__name__ for kind in TASKS)
        raise InputError(f"`network` must be one of {known}, got {type(hparams['network']).__name__}")


def fit(brain, hparams, datasets):
    """Train on examples that are drawn as they are needed."""
    alone = {"batch_size": None}  # each item is a batch
    brain.train_set = datasets["train"]
    loaders = {"train_loader_kwargs": alone | {"shuffle": False}, "valid_loader_kwargs": alone}
    brain.fit(hparams["epoch_counter"], datasets["train"], datasets["valid"], **loaders)


def describe(hparams):
    """Return what was trained and on what, for the report."""
    items = {"train": hparams["train_items"] * hparams["number_of_epochs"], "valid": hparams["valid_items"]}
    return {"network": type(hparams["network"]).__name__, "items": items}


def headline(results):
    """Return what to print of the results."""
    return f"{results['parameters']} parameters; validation: cross-entropy {results['valid']['error']:.4f}"


def main(argv):
    """Draw spectra, train, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    choose_device(run_opts.get("device") or "cpu")
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()
    brain_class, items = TASKS[type(hparams["network"])]
    datasets = {split: items(hparams["seed"], split, hparams[f"{split}_items"]) for split in ("train", "valid")}
    clock.lap("prepare")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        checkpointer = hparams["checkpointer"]()
        resumed = checkpointer.resumes(hparams["number_of_epochs"])
        brain = brain_class(hparams["modules"], hparams["opt_class"], hparams, run_opts, checkpointer)
        fit(brain, hparams, datasets)
        clock.lap("train")

        curves = list(hparams["curves"].epochs)  # before the best checkpoint brings back those up to itself
        best = checkpointer.recover_if_possible(min_key="error")
        save_picker(brain.modules.network, folder)
        plot_curves(curves, "error", "cross-entropy", folder / "curves.png")
        run = {"valid": {"error": best.meta["error"]}, "curves": curves, "resumed": resumed, "seconds": clock.seconds}
        files = ["config.json", "model.safetensors", "curves.png"]
        write_results(folder, hparams, describe(hparams) | run, headline, files)


if __name__ == "__main__":
    run_script(main)
