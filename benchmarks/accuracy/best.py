"""Train hparams/best.yaml with three seeds and without each of its parts, and list what remains wrong.

> python -m benchmarks.accuracy.best --minutes 150   # 2 cores, half an hour a run; rerun to resume

All runs are validated and tested on the recordings of the scale ``data`` of `benchmarks.accuracy.run`, whatever their
seed. The validation split chose the parts; no choice was made on the test split and the further recordings.
"""

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.special import softmax
from torch.utils.data import DataLoader

from benchmarks import common
from benchmarks.accuracy.run import SCALES, SPLITS, UNSEEN_SEED, WORK, all_recordings, simulate, unseen_figures
from benchmarks.common import Results, results_path, run_grid, run_recipe
from nmr_speech.inference.load import load_classifier
from nmr_speech.score.bound import log_likelihoods, shift_prior
from nmr_speech.simulate import RESIDUES, load_residue
from nmr_speech.simulate.draw import draw_shifts, generator
from nmr_speech.training.dataio import Batch

DATA = SCALES["data"]
DATA_SEED = DATA.seeds[0]
PLAIN = f"--seed={DATA_SEED}", "--augmentation=null"
RUNS = {
    **{f"{seed} best": (f"--seed={seed}",) for seed in (1986, 1987, 1988)},
    "1986 short": (f"--seed={DATA_SEED}", "--number_of_epochs=6"),
    "1986 fresh": (*PLAIN, "--fresh_recordings_per_residue=400", "--number_of_epochs=10"),  # about as many as in short
    "1986 without shifts": PLAIN,
}
SHOWN = 10  # errors of each run, the most confident ones


@dataclass(frozen=True)
class Mistake:
    """A recording that a model took for another residue; seed and index draw it again."""

    residue: str
    seed: int
    index: int
    predicted: str
    probability: float
    by_shifts: dict[str, float]  # probability of each residue, given the exact shifts and the names of their groups
    nearest: int  # index of the training recording of the predicted residue whose embedding is the most alike


def main(arguments: Sequence[str] | None = None):
    """Make the runs that are missing, until the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; rerun to resume")
    end = time.monotonic() + 60 * parser.parse_args(arguments).minutes
    data = WORK / "data" / f"{DATA.recordings}_{DATA_SEED}"
    plan = f"--seed={DATA_SEED}", f"--recordings_per_residue={DATA.recordings}", f"--data_folder={data}"
    run_recipe("AminoAcidTOCSY/simulate.py", "dataset.yaml", *plan)

    def train(folder, overrides):
        where = f"--data_folder={data}", "--skip_prep=True", f"--output_folder={folder}", "--noprogressbar"
        return run_recipe("AminoAcidTOCSY/SpeakerRec/train.py", "best.yaml", *where, *overrides, end=end)

    def figures(name, folder, overrides):
        further = simulate(DATA, [])
        wrong = mistakes(folder, {DATA_SEED: (data, ["test"]), UNSEEN_SEED: (further, SPLITS)}, data)
        return unseen_figures(folder, [further]) | {"validation": validation(folder), "mistakes": wrong}

    run_grid(Results(results_path("accuracy", "best")), RUNS, common.WORK / "best", train, figures)


def validation(folder: Path) -> dict:
    """Loss and error of the epoch that was kept: the one with the fewest errors."""
    lines = (folder / "train_log.txt").read_text().splitlines()
    epochs = [line.split("valid loss: ")[1].split(", valid error: ") for line in lines if "valid error: " in line]
    loss, error = min(((float(loss), float(error)) for loss, error in epochs), key=lambda epoch: epoch[1])
    return {"loss": loss, "error": error}


@torch.inference_mode()
def mistakes(folder: Path, tests: dict[int, tuple[Path, Sequence[str]]], train: Path) -> list[dict]:
    """List the most confident errors of a trained model on the recordings of some seeds."""
    model = load_classifier(str(folder))
    temperature = model.calibration["temperature"]
    labels, wrong = model.labels.decode_ndim(range(len(model.labels))), []
    for seed, (data, splits) in tests.items():
        for batch in DataLoader(all_recordings(data, splits)[0], batch_size=20, collate_fn=Batch.stack):
            embeddings = model.embedder(batch.sig)
            confidence, predicted = (model.head(embeddings) / temperature).softmax(dim=1).max(dim=1)
            for row in (predicted != batch.spk_id_encoded).nonzero()[:, 0].tolist():
                own = batch.id[row], labels[predicted[row]], confidence[row].item()
                wrong.append((seed, *own, embeddings[row]))
    wrong = sorted(wrong, key=lambda one: -one[3])[:SHOWN]
    known = embed_training(model, train, {predicted for _, _, predicted, *_ in wrong})
    return [asdict(mistake(*one, known)) for one in wrong]


def embed_training(model, train: Path, residues: set[str]) -> dict[str, tuple[list[int], torch.Tensor]]:
    """Indices and embeddings of the training recordings of some residues."""
    if not residues:
        return {}
    dataset = all_recordings(train, ["train"])[0].datasets[0]
    found = {}
    for residue in residues:
        ids = [name for name in dataset.data_ids if name.startswith(residue)]
        recordings = dataset.filtered_sorted(key_test={"id": ids.__contains__})
        loader = DataLoader(recordings, batch_size=20, collate_fn=Batch.stack)
        found[residue] = [index_of(name) for name in ids], torch.cat([model.embedder(batch.sig) for batch in loader])
    return found


def index_of(name: str) -> int:
    """Index of a recording, from its ID."""
    return int(name.rpartition("_")[2])


def mistake(seed, name, predicted, confidence, embedding, known) -> Mistake:
    """Describe one error: beside it, what a classifier of exact shifts says, and the recording that it looks like."""
    residue, index = name[:3], index_of(name)
    indices, embeddings = known[predicted]
    nearest = indices[torch.cosine_similarity(embedding[None], embeddings).argmax().item()]
    return Mistake(residue, seed, index, predicted, round(confidence, 4), by_shifts(residue, seed, index), nearest)


def by_shifts(residue: str, seed: int, index: int) -> dict[str, float]:
    """Probability of each residue that is possible, given exact shifts with the names of their groups."""
    own, priors = load_residue(residue), {name: shift_prior(load_residue(name)) for name in RESIDUES}
    shifts = dict(zip(own.system.names, draw_shifts(own, generator(residue, seed, index)), strict=True))
    drawn = np.array([[shifts[name] for name in priors[residue].names]])
    (table,) = softmax(log_likelihoods("names", drawn, priors[residue], list(priors.values())), axis=1)
    return {name: round(float(share), 4) for name, share in zip(RESIDUES, table, strict=True) if share > 0}


if __name__ == "__main__":
    main()
