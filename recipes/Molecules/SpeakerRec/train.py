#!/usr/bin/env python3
"""Pretrain a speaker embedding on molecules: thousands of simulated spin systems, each a speaker.

> python recipes/Molecules/SpeakerRec/train.py hparams/molecules.yaml
> python recipes/Molecules/SpeakerRec/train.py hparams/molecules_large.yaml --device=cuda

Start reading at `main`, at the bottom; the YAML holds all sizes and objects. Rerun the command to resume.
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import speechbrain as sb
import torch

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.corpus.trials import all_pairs
from nmr_speech.models.embed import embed, embed_streams
from nmr_speech.models.frontends import SpectralFrontEnd
from nmr_speech.publish.embedding import write_embedding
from nmr_speech.report.results import write_results
from nmr_speech.score.detection import eer
from nmr_speech.simulate import load_molecule
from nmr_speech.simulate.synthetic import widen
from nmr_speech.training.dataio import seeded
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.launch import process_count
from nmr_speech.training.molecules import Recorder, Steps, held_out_ids
from nmr_speech.training.objects import check_objects
from nmr_speech.training.rates import warm_up_and_decay
from nmr_speech.training.script import Clock, run_script
from nmr_speech.training.speedups import skip_idle_padding

KEYS = (
    *("seed", "population", "speakers_from", "n_speakers", "siblings", "refuse_within_ppm", "simulation"),
    *("acquisition", "nuisances", "clean_share", "n_held_out"),
    *("speakers_per_step", "recordings_per_speaker", "steps_per_epoch"),
    *("frontend", "backbone", "loss", "modules", "number_of_epochs", "lr", "warmup_share", "loader_workers"),
    *("opt_class", "epoch_counter", "train_logger", "checkpointer", "output_folder"),
)
TRIED = 4  # recordings of each held-out molecule


class MoleculeBrain(sb.Brain):
    """Embed all recordings of a step; recordings of a molecule must lie together."""

    def compute_forward(self, batch, stage):
        """Map lines or waveforms of B recordings to embeddings (B, D)."""
        batch = {name: part.to(self.device) for name, part in batch.items()}
        # Noise, and the pooling of x-vectors, draw from a stream that the step alone decides on.
        step = self.optimizer_step if stage == sb.Stage.TRAIN else 0
        with seeded(self.device, self.hparams.seed, step, 0):
            if "wavs" in batch:
                return embed(self.modules.frontend, self.modules.backbone, batch["wavs"])
            return embed_streams(self.modules.backbone, self.modules.frontend.from_lines(**batch))

    def compute_objectives(self, predictions, batch, stage):
        """Compute the loss; outside training, keep the embeddings."""
        if stage == sb.Stage.TRAIN:
            return self.modules.loss(predictions, self.hparams.recordings_per_speaker)
        self.embeddings.append(predictions)
        return self.modules.loss(predictions, TRIED)

    def on_stage_start(self, stage, epoch=None):
        """Forget earlier embeddings."""
        self.embeddings = []

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation, keep the checkpoint with the smallest EER on held-out molecules."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        stats = {"loss": stage_loss, "eer": eer_of(torch.cat(self.embeddings))}
        log = {"epoch": epoch, "lr": self.optimizer.param_groups[0]["lr"]}
        self.hparams.train_logger.log_stats(log, train_stats={"loss": self.train_loss}, valid_stats=stats)
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["eer"])

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rate of the step."""
        self.rate(self.optimizer, self.optimizer_step + 1)


def eer_of(embeddings):
    """EER of all pairs of recordings by the cosine, ``TRIED`` of each molecule one after the other."""
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    names = {str(i): str(i // TRIED) for i in range(len(unit))}
    trials = all_pairs(names)
    enrolled = torch.tensor([int(model[0]) for model in trials.models])
    cosine = (unit @ unit.mT).cpu()[
        enrolled[trials.model], torch.tensor([int(name) for name in trials.tests])[trials.test]
    ]
    target = torch.as_tensor(trials.is_target)
    return float(eer(cosine[target].numpy(), cosine[~target].numpy())[0])


def held_out(part, hparams, simulation, size=24):
    """Recordings of the library's molecules that are kept from training, in batches of ``size`` molecules."""
    recorder = Recorder(simulation, hparams["acquisition"], hparams["nuisances"], hparams["clean_share"])
    ids = held_out_ids(part)[: hparams["n_held_out"]]
    molecules = [widen(load_molecule(name), k) for k, name in enumerate(ids)]
    starts = range(0, len(molecules), size)
    return [recorder(molecules[first : first + size], TRIED, (hparams["seed"], 1, first)) for first in starts]


def check(hparams):
    """Refuse values that cannot be used."""
    if process_count() > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    check_objects(hparams)
    for name in ("number_of_epochs", "steps_per_epoch"):
        whole(name, hparams[name], 1, 10**8)
    whole("speakers_per_step", hparams["speakers_per_step"], 2, 10**4)
    whole("recordings_per_speaker", hparams["recordings_per_speaker"], 2, 100)
    if hparams["n_held_out"] is not None:
        whole("n_held_out", hparams["n_held_out"], 2, len(held_out_ids("test")))
    whole("loader_workers", hparams["loader_workers"], 0, 1024)
    in_range("warmup_share", hparams["warmup_share"], 0, 1, "of all steps", "0.2")
    if hparams["simulation"] == "first_order" and not isinstance(hparams["modules"]["frontend"], SpectralFrontEnd):
        raise InputError(
            "`simulation: first_order` makes lines, which only `frontend/spectral.yaml` takes; set `exact`"
        )


def dataio_prep(hparams):
    """Make the steps of training, and the recordings of held-out molecules."""
    recorder = Recorder(*(hparams[name] for name in ("simulation", "acquisition", "nuisances", "clean_share")))
    sizes = (hparams[name] for name in ("steps_per_epoch", "speakers_per_step", "recordings_per_speaker"))
    steps = Steps(hparams["population"], recorder, *sizes, hparams["epoch_counter"])
    return steps, held_out("valid", hparams, hparams["simulation"])


def fit(brain, hparams, steps, valid):
    """Train; each item of the data sets is a whole step."""
    loader = {"batch_size": None, "num_workers": hparams["loader_workers"]}
    brain.fit(
        hparams["epoch_counter"], steps, valid, train_loader_kwargs=loader, valid_loader_kwargs={"batch_size": None}
    )


def score(brain, hparams):
    """EER on held-out molecules that no choice was made by, simulated exactly, of the best checkpoint."""
    brain.checkpointer.recover_if_possible(min_key="eer")
    brain.modules.eval()
    with torch.inference_mode():
        batches = [brain.compute_forward(batch, sb.Stage.TEST) for batch in held_out("test", hparams, "exact")]
    embeddings = torch.cat(batches)
    return {"eer": eer_of(embeddings), "molecules": len(embeddings) // TRIED, "recordings_of_each": TRIED}


def describe(hparams, steps):
    """Return what was trained on, for the report."""
    count = hparams["number_of_epochs"] * len(steps)
    told = ("speakers_from", "n_speakers", "siblings", "refuse_within_ppm", "simulation", "nuisances", "clean_share")
    drawn = count * hparams["speakers_per_step"]
    return {name: hparams[name] for name in told} | {
        "steps": count,
        "speakers": drawn if hparams["n_speakers"] is None else min(drawn, hparams["n_speakers"]),
        "presentations": drawn * hparams["recordings_per_speaker"],
    }


def headline(results):
    """Return what to print of the results."""
    return (
        f"EER on {results['test']['molecules']} held-out molecules: {results['test']['eer']:.2%}, after "
        f"{results['presentations']:,} recordings of {results['speakers']:,} others"
    )


def main(argv):
    """Train, score, keep the embedding in a folder that `transfer.yaml` and `load_embedder` read."""
    hparams_file, run_opts, overrides = sb.parse_arguments(argv)
    hparams = load_hparams(hparams_file, overrides, KEYS)
    check(hparams)
    experiment = Experiment(hparams, hparams_file, overrides, run_opts)
    experiment.refuse_other_settings()
    clock = Clock()
    steps, valid = dataio_prep(hparams)
    clock.lap("simulate held-out molecules")

    with experiment.begin() as folder:
        sb.create_experiment_directory(folder)
        skip_idle_padding(hparams["modules"]["backbone"])
        brain = MoleculeBrain(hparams["modules"], hparams["opt_class"], hparams, run_opts, hparams["checkpointer"]())
        resumed = brain.checkpointer.resumes(hparams["number_of_epochs"])
        brain.rate = warm_up_and_decay(hparams["lr"], hparams["warmup_share"], hparams["number_of_epochs"] * len(steps))
        fit(brain, hparams, steps, valid)
        clock.lap("train")

        figures = describe(hparams, steps) | {"test": score(brain, hparams)}
        clock.lap("evaluate")
        write_results(folder, hparams, figures | {"resumed": resumed, "seconds": clock.seconds}, headline)
        write_embedding(folder, folder / "embedding")


if __name__ == "__main__":
    run_script(main)
