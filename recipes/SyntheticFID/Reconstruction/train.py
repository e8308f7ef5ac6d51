#!/usr/bin/env python3
"""Train a network to reconstruct non-uniformly sampled spectra, on synthetic FIDs, and score it beside IST.

> python recipes/SyntheticFID/Reconstruction/train.py hparams/reconstruction/modern_cpu.yaml
> python recipes/SyntheticFID/Reconstruction/train.py hparams/reconstruction/modern.yaml --device=cuda

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

from functools import partial

import speechbrain as sb
import torch

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.reconstruction import ist
from nmr_speech.reconstruction.evaluate import evaluate, measured_part, relative_error
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.load import save_network
from nmr_speech.reconstruction.synthetic import SyntheticFIDs
from nmr_speech.reconstruction.virtual_echo import WRONG_PHASE
from nmr_speech.report.figures import plot_curves
from nmr_speech.report.results import write_results
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import choose_device, process_count
from nmr_speech.training.objects import check_objects
from nmr_speech.training.script import Clock, run_script


class ReconstructionBrain(sb.Brain):
    """Equation S1-8 of Wang et al.: every phase of the network is to give the spectrum of the full FID."""

    def compute_forward(self, batch, stage):
        """Map full FIDs and masks, both (B, n), to the spectra (B, L) of all phases."""
        fids, masks = (part.to(self.device) for part in batch)
        measurement = self.hparams.network.measurement(measured_part(fids, masks), masks)
        return self.modules.network.phases(measurement), measurement

    def compute_objectives(self, predictions, batch, stage):
        """Sum the squared error over points, average it over phases and FIDs; keep the RLNE of the last phase."""
        spectra, measurement = predictions
        reference = measurement.reference(batch[0].to(self.device))
        with torch.no_grad():
            self.rlne.append(relative_error(measurement.consistent(spectra[-1]), reference))
        errors = [torch.view_as_real(spectrum - reference).square().sum() for spectrum in spectra]
        return sum(errors) / len(errors) / len(reference)

    def on_stage_start(self, stage, epoch=None):
        """Set the learning rate from the epoch alone: there is nothing to save and to restore."""
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


SIZES = {split: f"n_{split}_fids" for split in ("train", "valid", "test")}
KEYS = (
    *("seed", "fids", *SIZES.values(), "network", "modules", "number_of_epochs", "batch_size", "lr", "lr_decay"),
    *("opt_class", "epoch_counter", "curves", "train_logger", "checkpointer", "output_folder"),
)


def check(hparams):
    """Refuse values that cannot be used."""
    if process_count() > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    check_objects(hparams)
    for name in (*SIZES.values(), "number_of_epochs"):
        whole(name, hparams[name], 1, 10**8)
    whole("batch_size", hparams["batch_size"], 2, hparams["n_train_fids"])  # batch normalisation needs two FIDs
    in_range("lr_decay", hparams["lr_decay"], 0, 1, "an epoch", "0.95")


def dataio_prep(hparams):
    """Make the FIDs of every split, from consecutive indices, so that no FID is in two."""
    settings, datasets, first = FIDSettings.of(hparams["fids"]), {}, 0
    for split, name in SIZES.items():
        datasets[split] = SyntheticFIDs(settings, hparams["seed"], range(first, first + hparams[name]))
        first += hparams[name]
    return datasets


def fit(brain, hparams, datasets):
    """Train on the FIDs in memory."""
    loader = {"batch_size": hparams["batch_size"], "collate_fn": lambda batch: batch}  # the data set has stacked it
    loaders = {
        "train_loader_kwargs": loader | {"shuffle": True, "drop_last": True},
        "valid_loader_kwargs": dict(loader),
    }
    brain.fit(hparams["epoch_counter"], datasets["train"], datasets["valid"], **loaders)


def score(brain, test_set, phase_rad, clock):
    """Score the network with the smallest validation error beside IST and zero filling."""
    brain.checkpointer.recover_if_possible(min_key="rlne")
    network = brain.modules.network.eval()
    in_phase = max(map(abs, phase_rad)) < WRONG_PHASE  # else an echo would spoil the FIDs
    echo = "even" if in_phase else None
    scores = {"test": evaluate(lambda *fids: network.fill_in(*fids)[-1], test_set, brain.device, echo)}
    clock.lap("evaluate")
    scores["ist"] = evaluate(partial(ist, echo=echo, dims=network.dims), test_set, echo=echo)
    scores["zero_filled"] = evaluate(lambda measured, masks: measured, test_set, echo=echo)
    clock.lap("ist")
    return scores


def describe(hparams):
    """Return what was trained and on what, for the report."""
    return {
        "network": type(hparams["network"]).__name__,
        "settings": hparams["network"].settings,
        "recordings": {split: hparams[name] for split, name in SIZES.items()},
        "fids": hparams["fids"],
    }


def headline(results):
    """Return what to print of the results."""
    return (
        f"test RLNE {results['test']['rlne']:.4f}, {results['parameters']} parameters\n"
        f"IST {results['ist']['rlne']:.4f}, zero-filled {results['zero_filled']['rlne']:.4f}, "
        f"on the same {results['test']['fids']} FIDs"
    )


def main(argv):
    """Make FIDs, train, evaluate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    choose_device(run_opts.get("device") or "cpu")
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()
    datasets = dataio_prep(hparams)
    clock.lap("make FIDs")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        checkpointer = hparams["checkpointer"]()
        resumed = checkpointer.resumes(hparams["number_of_epochs"])
        brain = ReconstructionBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, checkpointer)
        fit(brain, hparams, datasets)
        clock.lap("train")

        curves = list(hparams["curves"].epochs)  # before the best checkpoint brings back those up to itself
        scores = score(brain, datasets["test"], FIDSettings.of(hparams["fids"]).phase_rad, clock)
        save_network(brain.modules.network, folder)
        plot_curves(curves, "rlne", "RLNE", folder / "curves.png")
        run = {"curves": curves, "resumed": resumed, "seconds": clock.seconds}
        files = ["config.json", "model.safetensors", "curves.png"]
        write_results(folder, hparams, describe(hparams) | scores | run, headline, files)


if __name__ == "__main__":
    run_script(main)
