#!/usr/bin/env python3
"""Train a model for measured spectra: which amino acids are in a tube, one, several or none.

> python recipes/AminoAcidTOCSY/Mixtures/train.py hparams/measured.yaml

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import speechbrain as sb
import torch
from scipy.special import expit
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from nmr_speech.inference import load_embedder
from nmr_speech.models.embed import embed, embed_streams
from nmr_speech.report.figures import plot_confusion, plot_reliability
from nmr_speech.report.results import write_results
from nmr_speech.score.calibration import cross_entropy as nats
from nmr_speech.score.calibration import fit_log_odds, fit_temperature, reliability
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.score.mixtures import presence_figures, recall_by_amount
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.mixtures import KEYS, Outputs, check, linear_baseline, prepare, steps_of, tubes_of
from nmr_speech.training.rates import warm_up_and_decay
from nmr_speech.training.replay import ReplayLoader
from nmr_speech.training.script import Clock, run_script
from nmr_speech.training.speedups import skip_idle_padding

AMOUNTS = (0.01, 0.03, 0.1, 0.3, 1.01)


class MixtureBrain(sb.Brain):
    """Embed each tube; detect its residues, rank them, estimate their amounts, recognise the experiment."""

    def compute_forward(self, batch, stage):
        """Map waveforms (B, T, 4), or their features (B, 1, L, F), to embeddings (B, D)."""
        if "feats" in batch:
            return embed_streams(self.modules.backbone, batch["feats"].to(self.device).float())
        return embed(self.modules.frontend, self.modules.backbone, batch["sig"].to(self.device))

    def compute_objectives(self, predictions, batch, stage):
        """Add up the losses of the four answers; outside training, keep the outputs."""
        head, amounts = self.modules.classifier, batch["amounts"].to(self.device)
        is_tocsy, is_pure = batch["is_tocsy"].to(self.device), batch["is_pure"].to(self.device)
        is_there = (amounts > 0).float()
        if stage != sb.Stage.TRAIN:
            self.outputs.add(head, predictions, batch)
        # What another experiment shows is no question for this model: such tubes teach `experiment` alone.
        counted = is_tocsy[:, None].expand_as(amounts)
        presence = binary_cross_entropy_with_logits(head.detect(predictions), is_there, counted, reduction="sum")
        logs = torch.log10(amounts.clamp(min=1e-3))
        amount = ((head.log_amounts(predictions) - logs).square() * is_there * counted).sum()
        losses = {
            "presence": presence / counted.sum().clamp(min=1),
            "amount": amount / (is_there * counted).sum().clamp(min=1),
            "experiment": binary_cross_entropy_with_logits(head.is_tocsy(predictions), is_tocsy),
        }
        if is_pure.any():
            losses["ranking"] = cross_entropy(head(predictions[is_pure]), amounts[is_pure].argmax(1))
        return sum(self.hparams.weights[name] * loss for name, loss in losses.items())

    def on_stage_start(self, stage, epoch=None):
        """Forget earlier outputs."""
        self.outputs = Outputs()

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the highest average precision."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        figures = presence_figures(**self.outputs.arrays())
        kept = ("average_precision", "recall", "pure_accuracy", "none_named")
        stats = {"loss": stage_loss, "error": 1 - figures["average_precision"]} | {name: figures[name] for name in kept}
        log = {"epoch": epoch, "lr": self.optimizer.param_groups[0]["lr"]}
        self.hparams.train_logger.log_stats(log, train_stats={"loss": self.train_loss}, valid_stats=stats)
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error"])

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rate of the step."""
        self.rate(self.optimizer, self.optimizer_step + 1)


def dataio_prep(hparams):
    """Make the steps of training, validation, calibration and test; each item is a whole batch."""
    pools = prepare(hparams)
    return {split: steps_of(split, tubes_of(split, hparams, pools), hparams) for split in pools}


def fit(brain, hparams, datasets):
    """Train; each item of the data sets is a whole step."""
    settings = {"seed": hparams["seed"], "num_workers": hparams["loader_workers"]}
    loader = ReplayLoader(datasets["train"], hparams["uses"], epoch_counter=hparams["epoch_counter"], **settings)
    steps = hparams["number_of_epochs"] * len(loader)
    brain.rate = warm_up_and_decay(hparams["lr"], hparams["warmup_share"], steps)
    brain.fit(hparams["epoch_counter"], loader, datasets["valid"], valid_loader_kwargs={"batch_size": None})


def outputs_on(brain, dataset):
    """Outputs of the best checkpoint for all tubes of a data set."""
    outputs = Outputs()
    with torch.inference_mode():
        for batch in (dataset[k] for k in range(len(dataset))):
            outputs.add(brain.modules.classifier, brain.compute_forward(batch, sb.Stage.TEST), batch)
    return outputs


def calibrate(outputs, test):
    """Fit the calibration of each answer, on tubes of conditions that nothing was trained on or chosen by."""
    found = outputs.arrays()
    tocsy = found["is_tocsy"]
    presence = fit_log_odds(found["log_odds"][tocsy].ravel(), (found["amounts"][tocsy] > 0).ravel())
    experiment = fit_log_odds(outputs.experiment(), tocsy)
    temperature = fit_temperature(*outputs.pure())
    return {
        "temperature": temperature,
        **dict(zip(("presence_slope", "presence_offset"), presence, strict=True)),
        **dict(zip(("experiment_slope", "experiment_offset"), experiment, strict=True)),
        "recordings": len(outputs.pure()[1]),
        "test_cross_entropy_before": nats(*test.pure()),
        "test_cross_entropy": nats(*test.pure(), temperature),
    }


def score(outputs, calibration):
    """Figures of the mixtures among the test tubes, as calibrated."""
    found = outputs.arrays(calibration["presence_slope"], calibration["presence_offset"])
    tocsy = found["is_tocsy"]
    odds, amounts = found["log_odds"][tocsy], found["amounts"][tocsy]
    experiment = calibration["experiment_slope"] * outputs.experiment() + calibration["experiment_offset"]
    return presence_figures(**found) | {
        "by_amount": recall_by_amount(odds, amounts, AMOUNTS),
        "reliability": reliability(expit(odds).ravel(), (amounts > 0).ravel()),
        "tocsy_recognised": float((experiment[tocsy] > 0).mean()),
        "others_recognised": float((experiment[~tocsy] <= 0).mean()) if (~tocsy).any() else None,
    }


def pure_figures(outputs, labels):
    """Figures of the ranking on the pure tubes."""
    logits, true = outputs.pure()
    return summarise(count_confusion(true, logits.argmax(1), len(labels)), labels)


def evaluate(brain, hparams, datasets, clock):
    """Calibrate the best checkpoint and score it, beside the linear baseline."""
    labels, test = sorted(hparams["residues"]), outputs_on(brain, datasets["test"])
    calibration = calibrate(outputs_on(brain, datasets["calibration"]), test)
    clock.lap("evaluate")
    linear = linear_baseline(datasets["train"], datasets["test"], hparams["baseline_steps"])
    clock.lap("baseline")
    steps = hparams["number_of_epochs"] * len(datasets["train"])
    return {
        "test": pure_figures(test, labels),
        "mixtures": score(test, calibration),
        "baseline": {"test": pure_figures(linear, labels), "mixtures": presence_figures(**linear.arrays())},
        "calibration": calibration,
        "recordings": {"train": steps * hparams["batch_size"]}
        | {split: len(datasets[split]) * hparams["batch_size"] for split in ("valid", "calibration", "test")},
        "seconds": clock.seconds,
    }


def headline(results):
    """Give what the test tubes say, in lines to print."""
    mixtures, linear, pure = results["mixtures"], results["baseline"], results["test"]
    return (
        f"Mixtures of one to five: average precision {mixtures['average_precision']:.3f} "
        f"(linear {linear['mixtures']['average_precision']:.3f}), {mixtures['recall']:.1%} found at 2% false\n"
        f"Pure: {pure['accuracy']:.1%} of {pure['recordings']} tubes (linear {linear['test']['accuracy']:.1%})\n"
        f"No amino acid: {mixtures['none_named']:.1%} of {mixtures['none']} tubes named"
    )


def main(argv):
    """Simulate, train, calibrate, report."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()
    datasets = dataio_prep(hparams)
    clock.lap("simulate")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        backbone = hparams["modules"]["backbone"]
        if hparams["pretrained_source"] is not None:
            backbone.load_state_dict(load_embedder(hparams["pretrained_source"]).backbone.state_dict())
        skip_idle_padding(backbone)
        brain = MixtureBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, hparams["checkpointer"]())
        resumed = brain.checkpointer.resumes(hparams["number_of_epochs"])
        fit(brain, hparams, datasets)
        clock.lap("train")

        brain.checkpointer.recover_if_possible(min_key="error")
        brain.modules.eval()
        figures = evaluate(brain, hparams, datasets, clock) | {"resumed": resumed}
        plot_reliability(figures["mixtures"]["reliability"], folder / "reliability.png")
        plot_confusion(figures["test"], folder / "confusion.png")
        write_results(folder, hparams, figures, headline, ["reliability.png", "confusion.png"])


if __name__ == "__main__":
    run_script(main)
