"""Table II of sources: what an embedding model knows of amino acids, by what its weights were trained on.

> python -m benchmarks.sources.run                       # all cells, an hour and a half of one core
> python -m benchmarks.sources.run --only molecules      # some rows; --minutes 9 ends after so long
> python -m benchmarks.sources.run --trainable           # all of the model trained, from molecules and from scratch

The recordings are those of benchmarks/quickstart. Frozen: nothing but the probe is trained, and front ends with filters
are as they begin; only behind its own front end does the embedding of molecules keep the filters that it was trained
with. The probe is logistic regression on embeddings that are scaled to unit variance, from few recordings of each
residue of the training split; it is judged by the validation and the test split together, of which the first two
recordings of each residue are left out: by those the trainings choose their epoch. Embeddings are kept, by the hash of
the weights: rerun to resume, or after weights have changed.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader

from benchmarks import common
from benchmarks.accuracy.run import all_recordings
from benchmarks.common import ROOT, Results, provenance, read, results_path, run_recipe
from benchmarks.quickstart.run import data_folder
from benchmarks.transfer import run as transfer
from nmr_speech.corpus.manifest import read_manifest, write_manifest
from nmr_speech.hub.tensors import find_weights
from nmr_speech.inference.load import load_embedder
from nmr_speech.models.embed import embed
from nmr_speech.training.baselines import INVERSE_PENALTY, pooled_spectrum
from nmr_speech.training.dataio import Batch
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.speakers import KEYS
from nmr_speech.training.speedups import skip_idle_padding

WORK = common.WORK / "sources"
SEEDS = (1986, 1987, 1988)
COUNTS = (1, 2, 5, 10, 28, 84)  # recordings of each residue
DRAWS = 3  # of the recordings, for each seed
LEFT_OUT = 2  # recordings of each residue of the validation split
# Speech models expect features without their mean over the frames: so do all but `spectral`.
FRONTENDS = {
    "mel": "mel_transient", "conv": "conv_centred", "quadrature": "quadrature", "spectral": "spectral",
    "spectral_centred": "spectral_centred",
}  # fmt: skip
VOICES = transfer.Scale(transfer.NARROW, "ecapa_xs", {}, 0, (), voices=transfer.SCALES["small"].voices)
TRAINED = {"molecules": "molecules", "random ECAPA": "null"}
TRAINED_COUNTS = (5, 28)
PRESENTATIONS = 6720  # of a training: twelve epochs of 28 recordings of each residue


@dataclass(frozen=True)
class Source:
    """A row of the table."""

    backbone: str  # part file of the embedding model
    weights: Callable[[], str | None]  # makes them where need be; None for random ones
    seeds: tuple[int, ...] = SEEDS


def voices() -> str:
    """Folder of a speaker model of synthetic voices, trained unless it is there."""
    folder = WORK / "speaker_model"
    if not folder.is_dir():
        transfer.pretrain(WORK / "voices", folder, VOICES, math.inf)
    return str(folder)


SOURCES = {
    "real speech": Source("ge2e", lambda: "ge2e", (1986,)),
    "random LSTM": Source("ge2e", lambda: None, (1986,)),
    "synthetic voices": Source("ecapa_xs", voices),
    "molecules": Source("ecapa_xs", lambda: "molecules"),
    "random ECAPA": Source("ecapa_xs", lambda: None),
}
NONE = "no network"  # logistic regression on the pooled 2D spectrum


def main(arguments=None):
    """Measure what is missing, until the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=(*SOURCES, NONE), default=(*SOURCES, NONE), help="rows")
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--trainable", action="store_true", help="train the whole model instead")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; rerun to resume")
    options = parser.parse_args(arguments)
    end = time.monotonic() + 60 * options.minutes
    for seed in options.seeds:
        if options.trainable:
            train_all(Results(results_path("sources", "trainable")), seed, options.only, end)
        else:
            probe_all(Results(results_path("sources")), seed, options.only, end)


def probe_all(results: Results, seed: int, names, end: float):
    """Probe every source behind every front end, for one seed."""
    recordings = Recordings(seed)
    for name in names:
        for frontend in FRONTENDS if name != NONE else ("spectrum",):
            if seed not in (SEEDS if name == NONE else SOURCES[name].seeds):
                continue
            if time.monotonic() > end:
                sys.exit(f"time is over in {seed} {name}; rerun the command to resume")
            model = pooled_spectrum if name == NONE else Model(name, frontend, seed)
            if name == "synthetic voices":
                results.keep("pretraining", lambda: read(WORK / "voices" / "results.json"))
            weights = None if name == NONE else model.sha256
            key = f"{seed} {name}, {frontend}"
            if key in results and results[key]["weights"] != weights:
                del results[key]  # of other weights
            path = WORK / "embeddings" / f"{seed}_{name}_{frontend}_{(weights or 'none')[:12]}.npy".replace(" ", "_")
            results.keep(key, lambda *its: curve(recordings, *its), path, model, weights)


class Recordings:
    """The quickstart's recordings of a seed, in the order of the manifests."""

    def __init__(self, seed: int):
        self.folder, self.seed = data_folder(seed), seed
        sample = [f"--seed={seed}", "--recordings_per_residue=120", f"--data_folder={self.folder}"]
        run_recipe("AminoAcidTOCSY/simulate.py", "dataset.yaml", *sample)
        manifests = {split: read_manifest(self.folder / f"{split}.csv") for split in ("train", "valid", "test")}
        rows = [row for split in manifests.values() for row in split]
        self.labels = np.array([row.spk_id for row in rows])
        self.n_train = len(manifests["train"])
        apart = {row.ID for row in self.apart(manifests["valid"])}
        self.judged = np.array([i for i, row in enumerate(rows) if i >= self.n_train and row.ID not in apart])

    @staticmethod
    def apart(valid):
        """Rows of the validation split by which trainings choose their epoch."""
        found = {}
        for row in valid:
            found.setdefault(row.spk_id, []).append(row)
        return [row for rows in found.values() for row in rows[:LEFT_OUT]]

    def few(self, count: int, draw: int) -> np.ndarray:
        """Draw so many recordings of each residue from the training split."""
        generator = np.random.default_rng((self.seed, count, draw))
        labels = self.labels[: self.n_train]
        of_each = [np.flatnonzero(labels == residue) for residue in np.unique(labels)]
        return np.concatenate([generator.permutation(indices)[:count] for indices in of_each])

    @torch.inference_mode()
    def embed(self, path: Path, model) -> np.ndarray:
        """Embed all recordings, or read the embeddings where that was done."""
        if not path.is_file():
            batches = DataLoader(all_recordings(self.folder)[0], batch_size=20, collate_fn=Batch.stack)
            found = torch.cat([model(batch.sig).flatten(1) for batch in batches]).float().numpy()
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path.with_suffix(".tmp.npy"), found)
            path.with_suffix(".tmp.npy").replace(path)
        return np.load(path)


class Model(nn.Module):
    """A frozen front end and embedding model; random numbers follow from the seed."""

    def __init__(self, name: str, frontend: str, seed: int):
        super().__init__()
        source = SOURCES[name]
        weights = source.weights()
        overrides = [
            f"seed: {seed}",
            f"frontend: !include:{ROOT}/hparams/frontend/{FRONTENDS[frontend]}.yaml",
            f"backbone: !include:{ROOT}/hparams/backbone/{source.backbone}.yaml",
            f"pretrained_source: {weights or 'null'}",
            "freeze: True",
        ]
        hparams = load_hparams(ROOT / "hparams" / "transfer.yaml", "\n".join(overrides), KEYS)
        self.frontend, self.backbone = hparams["frontend"]["module"], hparams["pretrained"]
        if name == "molecules" and frontend == "spectral":
            self.frontend = load_embedder("molecules").frontend
        if weights is None and source.backbone == "ge2e":
            self.backbone.module.speech_levels = False  # which only the checkpoint expects
        self.sha256 = find_weights(weights).sha256 if weights else None
        skip_idle_padding(self.backbone)
        self.eval()

    def forward(self, wavs):
        """Embed waveforms (B, T, 4)."""
        return embed(self.frontend, self.backbone, wavs)


def curve(recordings: Recordings, path: Path, model, weights: str | None) -> dict:
    """Accuracies of the probe by the number of recordings, and where they come from."""
    embeddings = recordings.embed(path, model)
    if isinstance(model, Model):
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    else:
        probe = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000)  # as `classify_by_spectrum`
    found = {}
    for count in COUNTS:
        of_draws = [
            accuracy(probe, embeddings, recordings, recordings.few(count, draw))
            for draw in range(DRAWS if count < max(COUNTS) else 1)
        ]
        found[str(count)] = float(np.mean(of_draws))
    return {"accuracy": found, "recordings": len(recordings.judged), "weights": weights} | provenance()


def accuracy(probe, embeddings: np.ndarray, recordings: Recordings, chosen: np.ndarray) -> float:
    """Share of the judged recordings that a probe trained on the chosen ones classifies correctly."""
    probe.fit(embeddings[chosen], recordings.labels[chosen])
    return float(probe.score(embeddings[recordings.judged], recordings.labels[recordings.judged]))


def train_all(results: Results, seed: int, names, end: float):
    """Train the whole model behind `spectral`, from few recordings, for one seed."""
    recordings = Recordings(seed)
    for count in TRAINED_COUNTS:
        data = few_folder(recordings, count)
        for name in (name for name in TRAINED if name in names):
            weights = find_weights("molecules").sha256 if name == "molecules" else None
            key = f"{seed} {name}, {count}"
            if key in results and results[key]["weights"] != weights:
                del results[key]
            results.keep(key, train, data, seed, count, name, weights, end)


def few_folder(recordings: Recordings, count: int) -> Path:
    """Make a data folder of few recordings, with those that are judged as its test split."""
    folder = WORK / "data" / f"{recordings.seed}_{count}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = {split: read_manifest(recordings.folder / f"{split}.csv") for split in ("train", "valid", "test")}
    every = [row for split in rows.values() for row in split]
    write_manifest(folder / "train.csv", [every[i] for i in sorted(recordings.few(count, 0))])
    write_manifest(folder / "valid.csv", recordings.apart(rows["valid"]))
    write_manifest(folder / "test.csv", [every[i] for i in recordings.judged])
    if not (folder / "wav").exists():
        (folder / "wav").symlink_to(recordings.folder / "wav", target_is_directory=True)
    return folder


def train(data: Path, seed: int, count: int, name: str, weights: str | None, end: float) -> dict:
    """Train by the recipe; the accuracy of what is judged."""
    folder = WORK / "trained" / f"{seed}_{name}_{count}_{(weights or 'none')[:12]}".replace(" ", "_")
    overrides = [
        f"--seed={seed}",
        f"--data_folder={data}",
        f"--output_folder={folder}",
        "--skip_prep=True",
        "--noprogressbar",
        f"--recordings_per_residue={count + LEFT_OUT}",
        "--frontend=!include:frontend/spectral.yaml",
        "--backbone=!include:backbone/ecapa_xs.yaml",
        f"--pretrained_source={TRAINED[name]}",
        "--freeze=False",
        "--lr=0.003",
        "--warmup_share=0.3",
        "--augmentation={reference_offset: {offset_ppm: [-0.2, 0.2]}}",
        f"--number_of_epochs={PRESENTATIONS // (20 * count)}",
    ]
    if not run_recipe("AminoAcidTOCSY/SpeakerRec/train.py", "transfer.yaml", *overrides, end=end):
        sys.exit(f"time is over in {seed} {name}, {count}; rerun the command to resume")
    run = read(folder / "results.json")
    kept = {"accuracy": run["test"]["accuracy"], "recordings": run["test"]["recordings"], "weights": weights}
    return kept | {"seconds": run["seconds"]["train"]} | provenance()


if __name__ == "__main__":
    main()
