#!/usr/bin/env python3
"""Train the paper's grid of front ends and embedding models, and keep what Tables I and III and Figure 4 need.

> python benchmarks/tables.py small                # narrow models, 2 cores, more than an hour
> python benchmarks/tables.py paper --minutes 9    # 20,000 recordings, full models, a GPU, in pieces

Every run goes through the recipe with hparams/classification.yaml. A run that is in benchmarks/results/tables_*.json is
not made again; one that was cut off goes on from its last epoch. ``--minutes`` ends after so long, and the same command
goes on. The test split of the small scale is too small to tell models apart, so its models name more recordings,
the same for all of them: ``unseen`` counts these and the test split together.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from results_files import RESULTS, save
from torch.utils.data import ConcatDataset, DataLoader

from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.inference.load import load_classifier
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.training.baselines import BASELINES
from nmr_speech.training.dataio import Batch, load_datasets
from nmr_speech.training.speedups import skip_idle_padding

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "results" / "tables"
FRONTENDS = ("mel", "mel_transient", "conv", "quadrature")
FIRST = "mel_transient x-vector"  # the run that measures the baselines, on the recordings that all runs of a seed share
SPLITS = ("train", "valid", "test")
UNSEEN_SEED = 7  # of no run
PICTURED = "ECAPA-TDNN-L"
SHIFT = "{reference_offset: {offset_ppm: [-0.2, 0.2]}}"
VARIANTS = {  # of the pair conv and ECAPA-TDNN-L
    "spin_lock": ["--experiment={sequence: spin_lock}"],
    "shift": [f"--augmentation={SHIFT}"],
    "shift, warm-up": [f"--augmentation={SHIFT}", "--warmup_share=0.3", "--lr=0.003"],
}


@dataclass(frozen=True)
class Scale:
    """One size of the grid.

    Arguments
    ---------
    backbones : dict[str, str]
        Part file of each of the paper's embedding models.
    recordings : int
        Recordings of each residue.
    seeds : tuple[int, ...]
        Each has recordings of its own.
    unseen : int
        Recordings of each residue that the trained models name beside the test split.
    once : tuple[str, ...]
        Front ends that take long, run with the first seed alone.
    overrides : tuple[str, ...]
        For every run.
    """

    backbones: dict[str, str]
    recordings: int
    seeds: tuple[int, ...]
    unseen: int = 0
    once: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


SCALES = {
    "small": Scale(
        {"x-vector": "xvector_xs", "ECAPA-TDNN-S": "ecapa_xs", "ECAPA-TDNN-L": "ecapa_m", "DEEP Picker": "deep_picker"},
        recordings=40,
        seeds=(1986, 1987),
        unseen=50,
        once=("mel",),
    ),
    "paper": Scale(
        {"x-vector": "xvector", "ECAPA-TDNN-S": "ecapa_s", "ECAPA-TDNN-L": "ecapa_l", "DEEP Picker": "deep_picker"},
        recordings=1000,
        seeds=(1986,),
        overrides=("--device=cuda", "--loader_workers=8"),
    ),
    "rehearsal": Scale(
        {"x-vector": "xvector_xs", "ECAPA-TDNN-L": "ecapa_xs"},
        recordings=4,
        seeds=(1986,),
        unseen=3,
        overrides=("--residues=[GLY,SER,ALA]", "--number_of_epochs=1"),
    ),
}


def main(arguments=None):
    """Make the runs that are missing, until the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scale", choices=SCALES)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    end = time.monotonic() + 60 * options.minutes
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"tables_{options.scale}.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    scale = SCALES[options.scale]
    for name, overrides in runs(scale).items():
        if name in done:
            continue
        folder = WORK / options.scale / name.replace(" ", "_").replace(",", "")
        if not run(folder, overrides, end - time.monotonic()):
            sys.exit(f"time is over in {name}; the same command goes on")
        done[name] = json.loads((folder / "results.json").read_text())
        done[name] |= name_unseen(name, folder, overrides, [simulate(scale, overrides)] if scale.unseen else [])
        keep_filters(folder, options.results / f"filters_{options.scale}_{name.replace(' ', '_')}.npy")
        save(path, done)
        shutil.rmtree(folder / "save")


def runs(scale):
    """Overrides of every run, by name: seed, front end, embedding model, variant."""
    grid = {}
    for seed in scale.seeds:
        frontends = [name for name in FRONTENDS if seed == scale.seeds[0] or name not in scale.once]
        cells = [(frontend, model, None) for model in scale.backbones for frontend in frontends]
        cells += [("conv", "ECAPA-TDNN-L", variant) for variant in VARIANTS]
        for frontend, model, variant in cells:
            data = WORK / "data" / f"{scale.recordings}_{seed}{'_spin_lock' * (variant == 'spin_lock')}"
            grid[" ".join([str(seed), frontend, model, *([variant] if variant else [])])] = [
                f"--seed={seed}",
                f"--recordings_per_residue={scale.recordings}",
                f"--data_folder={data}",
                f"--frontend=!include:frontend/{frontend}.yaml",
                f"--backbone=!include:backbone/{scale.backbones[model]}.yaml",
                *scale.overrides,
                *(VARIANTS[variant] if variant else []),
            ]
    return grid


def run(folder, overrides, seconds):
    """Go through the recipe; whether it came to its end in time."""
    recipe = [ROOT / "recipes/AminoAcidTOCSY/SpeakerRec/train.py", ROOT / "hparams/classification.yaml"]
    command = [sys.executable, *recipe, f"--output_folder={folder}", "--noprogressbar", *overrides]
    try:
        subprocess.run(command, check=True, timeout=None if seconds == float("inf") else max(1, seconds))
    except subprocess.TimeoutExpired:
        return False
    return True


def simulate(scale, overrides):
    """Make the recordings that the models name beside the test split, as theirs were made; their folder."""
    alike = [text for text in overrides if text.startswith(("--experiment=", "--residues="))]
    folder = WORK / "data" / f"unseen_{scale.unseen}{'_spin_lock' * any('spin_lock' in text for text in alike)}"
    recipe = [ROOT / "recipes/AminoAcidTOCSY/simulate.py", ROOT / "hparams/dataset.yaml"]
    sample = [f"--seed={UNSEEN_SEED}", f"--recordings_per_residue={scale.unseen}", f"--data_folder={folder}"]
    subprocess.run([sys.executable, *recipe, *sample, *alike], check=True)
    return folder


def all_recordings(folder, splits=SPLITS):
    """Recordings of a data folder as one data set, and their residues."""
    manifests = {split: Path(folder, f"{split}.csv") for split in splits}
    residues = sorted({row.spk_id for path in manifests.values() for row in read_manifest(path)})
    datasets, _ = load_datasets(manifests, folder, residues)
    return ConcatDataset(datasets.values()), residues


def name_unseen(name, folder, overrides, more):
    """Figures of a trained model on the test split and on folders of more recordings; for one, of the baselines too."""
    test = json.loads((folder / "results.json").read_text())["test"]
    model = load_classifier(str(folder))
    skip_idle_padding(model.embedder.backbone)
    confusion = np.array(test["confusion"])
    for data in more:
        for batch in DataLoader(all_recordings(data)[0], batch_size=20, collate_fn=Batch.stack):
            with torch.inference_mode():
                named = model.head(model.embedder(batch.sig)).argmax(dim=1)
            confusion += count_confusion(batch.spk_id_encoded, named, len(confusion))
    figures = {"unseen": summarise(confusion, test["labels"])}
    return figures | ({"baselines": baselines(overrides, more)} if name.endswith(FIRST) else {})


def baselines(overrides, more):
    """Figures of the classifiers that a spectroscopist would try first, on the same recordings."""
    folder = next(text.removeprefix("--data_folder=") for text in overrides if text.startswith("--data_folder="))
    train, residues = all_recordings(folder, ["train"])
    tests = ConcatDataset([all_recordings(folder, ["test"])[0], *(all_recordings(data)[0] for data in more)])
    return {
        name: summarise(count_confusion(*classify(train, tests), len(residues)), residues)
        for name, classify in BASELINES.items()
    }


def keep_filters(folder, path):
    """Keep what the front end of the first seed's ECAPA-TDNN-L has learned, for a picture."""
    if path.stem.endswith(f"1986_conv_{PICTURED}"):
        np.save(path, load_classifier(str(folder)).embedder.frontend.conv.weight.detach()[:, 0].numpy())
    if path.stem.endswith(f"1986_quadrature_{PICTURED}"):
        np.save(path, load_classifier(str(folder)).embedder.frontend.filters().detach().numpy())


if __name__ == "__main__":
    main()
