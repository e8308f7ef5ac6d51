#!/usr/bin/env python3
"""Train a network to reconstruct non-uniformly sampled spectra, on synthetic FIDs, and score it beside IST.

> python recipes/SyntheticFID/Reconstruction/train.py hparams/reconstruction/modern_cpu.yaml
> python recipes/SyntheticFID/Reconstruction/train.py hparams/reconstruction/modern.yaml --device=cuda

To read this file, begin with `main` at the bottom. The YAML holds all sizes and objects. The same command goes on where
a killed run was, and evaluates again where one had ended.
"""

import json
import os
import time
from functools import partial
from pathlib import Path

import speechbrain as sb
import torch
from speechbrain.utils.checkpoints import mark_as_loader, mark_as_saver, register_checkpoint_hooks

from nmr_speech.checks import InputError, in_range, positive, whole
from nmr_speech.files import write_whole
from nmr_speech.reconstruction import ist
from nmr_speech.reconstruction.load import save_network
from nmr_speech.reconstruction.network import ROWS_AT_ONCE, Measurement
from nmr_speech.reconstruction.synthetic import FIDSettings, SyntheticFIDs
from nmr_speech.reconstruction.virtual_echo import WRONG_PHASE
from nmr_speech.report.figures import plot_curves
from nmr_speech.report.provenance import provenance
from nmr_speech.training.hparams import flatten_hparams, load_hparams
from nmr_speech.training.script import run_script

DATA = ("seed", "fids", "n_train_fids", "n_valid_fids", "n_test_fids")
TRAIN = ("number_of_epochs", "batch_size", "lr", "lr_decay", "opt_class", "epoch_counter", "train_logger")
KEYS = (*DATA, *TRAIN, "checkpointer", "network", "modules", "output_folder")
LEAST_LAST_BATCH = 2  # batch normalisation needs more than one


class ReconstructionBrain(sb.Brain):
    """Equation S1-8 of Wang et al.: the spectrum of every phase is to be that of the full FID."""

    def compute_forward(self, batch, stage):
        """Full FIDs and masks to the spectra of all phases."""
        fids, masks = (part.to(self.device) for part in batch)
        measurement = Measurement.of(torch.where(masks, fids, 0), masks)
        return self.modules.network.phases(measurement), measurement

    def compute_objectives(self, predictions, batch, stage):
        """Squared error, summed over points, averaged over phases and FIDs; the last phase's RLNE is kept too."""
        spectra, measurement = predictions
        reference = measurement.reference(batch[0].to(self.device))
        with torch.no_grad():
            self.rlne.append(relative_error(measurement.consistent(spectra[-1]), reference))
        errors = [torch.view_as_real(spectrum - reference).square().sum() for spectrum in spectra]
        return sum(errors) / len(errors) / len(reference)

    def on_stage_start(self, stage, epoch=None):
        """Set the learning rate from the epoch alone: nothing to save, nothing to restore."""
        self.rlne = []
        if stage == sb.Stage.TRAIN:
            self.lr = self.hparams.lr * self.hparams.lr_decay ** (epoch - 1)
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest RLNE."""
        stats = {"loss": stage_loss, "rlne": torch.cat(self.rlne).mean().item()}
        if stage == sb.Stage.TRAIN:
            self.train_stats = stats
            return
        log = {"epoch": epoch, "lr": self.lr}
        self.hparams.train_logger.log_stats(log, train_stats=self.train_stats, valid_stats=stats)
        self.hparams.curves.add(log | {"train": self.train_stats, "valid": stats})
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["rlne"])


@register_checkpoint_hooks
class Curves:
    """Figures of each epoch, kept with the checkpoints, so that a resumed run has them all."""

    def __init__(self):
        self.epochs = []

    def add(self, figures):
        """Add an epoch."""
        self.epochs.append(figures)

    @mark_as_saver
    def save(self, path):
        """Write a file."""
        Path(path).write_text(json.dumps(self.epochs))

    @mark_as_loader
    def load(self, path, end_of_epoch):
        """Read it."""
        self.epochs = json.loads(Path(path).read_text())


def main(argv):
    """Make FIDs, train, evaluate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    settings = check(hparams)
    clock = {"start": time.perf_counter()}
    datasets = make_datasets(hparams, settings)
    clock["make FIDs"] = time.perf_counter()

    folder = Path(hparams["output_folder"])
    sb.create_experiment_directory(folder)
    write_whole(folder / "hyperparams.yaml", flatten_hparams(hparams_file, overrides).encode())
    hparams["curves"], checkpointer = Curves(), hparams["checkpointer"]()
    checkpointer.add_recoverable("curves", hparams["curves"])
    resumed = bool(checkpointer.list_checkpoints())
    brain = ReconstructionBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, checkpointer)
    loader = {"batch_size": hparams["batch_size"], "collate_fn": as_it_is}
    brain.fit(
        hparams["epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs=loader | {"shuffle": True, "drop_last": True},
        valid_loader_kwargs=dict(loader),
    )
    clock["train"] = time.perf_counter()

    epochs = list(hparams["curves"].epochs)  # the best checkpoint holds those up to itself
    checkpointer.recover_if_possible(min_key="rlne")
    network = brain.modules.network.eval()
    test = datasets["test"]
    scores = {"test": score(lambda *fids: network.fill_in(*fids)[-1], test, brain.device)}
    clock["evaluate"] = time.perf_counter()
    in_phase = max(map(abs, settings.phase_rad)) < WRONG_PHASE
    scores["ist"] = score(partial(ist, echo="even" if in_phase else None), test)
    scores["zero_filled"] = score(lambda measured, masks: measured, test)
    clock["ist"] = time.perf_counter()
    save_network(network, folder)
    report(hparams, scores, epochs, clock, resumed)


def check(hparams):
    """Refuse settings that cannot be used; return those of the FIDs."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    for name in ("n_train_fids", "n_valid_fids", "n_test_fids", "number_of_epochs"):
        whole(name, hparams[name], 1, 10**8)
    whole("batch_size", hparams["batch_size"], LEAST_LAST_BATCH, hparams["n_train_fids"])
    positive("lr", hparams["lr"], "learning rate, typical 0.001")
    in_range("lr_decay", hparams["lr_decay"], 0, 1, "an epoch", "0.95")
    unknown = set(hparams["fids"]) - set(FIDSettings.__dataclass_fields__)
    if unknown:
        known = ", ".join(FIDSettings.__dataclass_fields__)
        raise InputError(f"`fids` may hold {known}; got {', '.join(sorted(unknown))}")
    return FIDSettings(**hparams["fids"])


def make_datasets(hparams, settings):
    """FIDs by split: consecutive indices, so that none is in two."""
    datasets, first = {}, 0
    for split in ("train", "valid", "test"):
        count = hparams[f"n_{split}_fids"]
        datasets[split] = SyntheticFIDs(settings, hparams["seed"], range(first, first + count))
        first += count
    return datasets


def as_it_is(batch):
    """The data set has stacked it already."""
    return batch


def relative_error(spectra, references):
    """RLNE of each FID, (B,)."""
    return (spectra - references).norm(dim=1) / references.norm(dim=1)


@torch.inference_mode()
def score(method, dataset, device="cpu"):
    """RLNE of the spectra of a data set's FIDs, reconstructed by a method."""
    errors = []
    for part in torch.arange(len(dataset)).split(ROWS_AT_ONCE):
        fids, masks = (tensor.to(device) for tensor in dataset.__getitems__(part))
        full = Measurement.of(fids, torch.ones_like(masks))
        filled = method(torch.where(masks, fids, 0), masks)
        errors.append(relative_error(full.reference(filled), full.reference(fids)).cpu())
    rlne = torch.cat(errors)
    return {"fids": len(rlne), "rlne": rlne.mean().item(), "rlne_std": rlne.std(correction=0).item()}


def report(hparams, scores, epochs, clock, resumed):
    """Write ``results.json`` and the curves, and print the headline."""
    folder, laps = Path(hparams["output_folder"]), list(clock.values())
    network = hparams["network"]
    results = {
        "network": type(network).__name__,
        "settings": network.settings,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        **scores,
        "curves": epochs,
        "recordings": {split: hparams[f"n_{split}_fids"] for split in ("train", "valid", "test")},
        "fids": hparams["fids"],
        "seed": hparams["seed"],
        "resumed": resumed,
        "seconds": {lap: round(clock[lap] - laps[i], 2) for i, lap in enumerate(list(clock)[1:])},
        **provenance(),
    }
    plot_curves(epochs, "rlne", "RLNE", folder / "curves.png")
    write_whole(folder / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    print(
        f"test RLNE {scores['test']['rlne']:.4f}, {results['parameters']} parameters\n"
        f"IST {scores['ist']['rlne']:.4f}, zero-filled {scores['zero_filled']['rlne']:.4f}, "
        f"on the same {scores['test']['fids']} FIDs"
    )
    print(f"config.json, model.safetensors, results.json and curves.png are in {folder}")


if __name__ == "__main__":
    run_script(main)
