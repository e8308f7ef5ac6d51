#!/usr/bin/env python3
"""Train a network to take the noise out of simulated 1D spectra of mixtures.

> python recipes/SimulatedSpectra/Denoising/train.py hparams/denoising/denoise.yaml
> python recipes/SimulatedSpectra/Denoising/train.py hparams/denoising/narrow.yaml

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import math

import speechbrain as sb

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.enhancement.load import save_denoiser
from nmr_speech.enhancement.objective import objective
from nmr_speech.enhancement.pairs import Pairs, PairSettings, Windows
from nmr_speech.report.figures import plot_curves
from nmr_speech.report.results import write_results
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import choose_device, process_count
from nmr_speech.training.objects import check_objects
from nmr_speech.training.script import Clock, run_script


class DenoisingBrain(sb.Brain):
    """Predict the noise in windows of spectra, and how large the error of that prediction is."""

    def compute_forward(self, batch, stage):
        """Map windows (B, n) to the noise in them and its standard deviation, both (B, n)."""
        return self.modules.network(batch[0].to(self.device))

    def compute_objectives(self, predictions, batch, stage):
        """Score all points but those near the ends of a window; keep the parts for the log."""
        inner = slice(self.hparams.margin, -self.hparams.margin or None)
        noisy, noise = (part.to(self.device)[:, inner] for part in batch)
        weights = {"beta": self.hparams.beta, "empty_weight": self.hparams.empty_weight}
        loss, parts = objective(*(part[:, inner] for part in predictions), noisy, noise, **weights)
        self.parts.append({name: value.item() for name, value in parts.items()})
        return loss

    def on_stage_start(self, stage, epoch=None):
        """Go on to spectra not yet seen; the epoch alone says which: there is nothing to save and to restore."""
        self.parts = []
        if stage == sb.Stage.TRAIN:
            self.train_set.first = (epoch - 1) * len(self.train_set)
            self.epoch_steps = math.ceil(len(self.train_set) / self.hparams.batch_spectra)
            self.epoch_start = (epoch - 1) * self.epoch_steps

    def fit_batch(self, batch):
        """Set the learning rate of this step, then take it."""
        step = self.epoch_start + len(self.parts)
        share = step / (self.hparams.number_of_epochs * self.epoch_steps)
        rise = min(1.0, (step + 1) / self.epoch_steps)
        self.lr = self.hparams.lr * rise * (1 + math.cos(math.pi * share)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        return super().fit_batch(batch)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest error."""
        means = {name: sum(part[name] for part in self.parts) / len(self.parts) for name in self.parts[0]}
        stats = {"loss": stage_loss} | means
        if stage == sb.Stage.TRAIN:
            self.train_stats = stats
            return
        log = {"epoch": epoch, "lr": self.lr}
        self.hparams.train_logger.log_stats(log, train_stats=self.train_stats, valid_stats=stats)
        self.hparams.curves.add(log | {"train": self.train_stats, "valid": stats})
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error"])


KEYS = (
    *("seed", "pairs", "train_spectra", "valid_spectra", "windows_per_spectrum", "window", "margin", "network"),
    *("modules", "number_of_epochs", "batch_spectra", "lr", "beta", "empty_weight", "opt_class", "epoch_counter"),
    *("curves", "train_logger", "checkpointer", "output_folder"),
)


def check(hparams):
    """Refuse values that cannot be used."""
    if process_count() > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    check_objects(hparams)
    for name in ("train_spectra", "valid_spectra", "windows_per_spectrum", "number_of_epochs", "batch_spectra"):
        whole(name, hparams[name], 1, 10**8)
    settings = PairSettings.of(hparams["pairs"])
    whole("window", hparams["window"], hparams["network"].stride, min(settings.points))
    whole("margin", hparams["margin"], 0, hparams["window"] // 2 - 1)
    in_range("beta", hparams["beta"], 0, 1, "a power of the variance", "0.5")
    in_range("empty_weight", hparams["empty_weight"], 0, 1000, "a weight", "1")
    return settings


def dataio_prep(hparams, settings):
    """Make the windows of both splits; molecules of one are in no other."""
    sizes = hparams["windows_per_spectrum"], hparams["window"]
    return {
        split: Windows(Pairs(settings, hparams["seed"], split), hparams[f"{split}_spectra"], 0, *sizes)
        for split in ("train", "valid")
    }


def fit(brain, hparams, datasets):
    """Train on spectra that are drawn as they are needed."""
    loader = {"batch_size": hparams["batch_spectra"], "collate_fn": Windows.collate}
    brain.train_set = datasets["train"]
    loaders = {"train_loader_kwargs": loader | {"shuffle": False}, "valid_loader_kwargs": dict(loader)}
    brain.fit(hparams["epoch_counter"], datasets["train"], datasets["valid"], **loaders)


def describe(hparams):
    """Return what was trained and on what, for the report."""
    spectra = {"train": hparams["train_spectra"] * hparams["number_of_epochs"], "valid": hparams["valid_spectra"]}
    return {
        "network": type(hparams["network"]).__name__,
        "settings": hparams["network"].settings,
        "recordings": spectra,
        "pairs": hparams["pairs"],
    }


def headline(results):
    """Return what to print of the results."""
    valid = results["valid"]
    return (
        f"{results['parameters']} parameters; of the variance of the noise are left {100 * valid['empty']:.2f}% where "
        f"there is no signal, {100 * valid['signal']:.1f}% where there is; error over its prediction "
        f"{valid['chi_square'] ** 0.5:.2f}"
    )


def main(argv):
    """Draw spectra, train, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    settings = check(hparams)
    choose_device(run_opts.get("device") or "cpu")
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()
    datasets = dataio_prep(hparams, settings)
    clock.lap("draw molecules")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        checkpointer = hparams["checkpointer"]()
        resumed = checkpointer.resumes(hparams["number_of_epochs"])
        brain = DenoisingBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, checkpointer)
        fit(brain, hparams, datasets)
        clock.lap("train")

        curves = list(hparams["curves"].epochs)  # before the best checkpoint brings back those up to itself
        best = checkpointer.recover_if_possible(min_key="error")
        valid = {name: best.meta[name] for name in ("error", "signal", "empty", "chi_square")}
        save_denoiser(brain.modules.network, folder)
        plot_curves(curves, "error", "squared error", folder / "curves.png")
        run = {"valid": valid, "curves": curves, "resumed": resumed, "seconds": clock.seconds}
        files = ["config.json", "model.safetensors", "curves.png"]
        write_results(folder, hparams, describe(hparams) | run, headline, files)


if __name__ == "__main__":
    run_script(main)
