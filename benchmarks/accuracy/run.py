"""Train the paper's grid of front ends and embedding models: Tables I and III, and Figure 4.

> python -m benchmarks.accuracy.run small                # narrow models, 2 cores, more than an hour
> python -m benchmarks.accuracy.run data --minutes 150   # its data, narrow models, 2 cores, half an hour or more a run
> python -m benchmarks.accuracy.run paper --minutes 9    # 20,000 recordings, full models, a GPU, in pieces

Every run goes through the recipe with hparams/classification.yaml. ``--minutes`` ends after so long; rerun the command
to resume from the last epoch. The test split of the small scale is too small to tell models apart, so its models
classify further recordings, the same for all of them: ``unseen`` counts these and the test split together.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import ConcatDataset, DataLoader

from benchmarks import common
from benchmarks.common import Results, run_grid, run_recipe
from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.inference.load import load_classifier
from nmr_speech.score.classification import count_confusion, summarise
from nmr_speech.training.baselines import BASELINES
from nmr_speech.training.dataio import Batch, load_datasets
from nmr_speech.training.speedups import skip_idle_padding

WORK = common.WORK / "tables"
FRONTENDS = ("mel", "mel_transient", "conv", "quadrature")
SPLITS = ("train", "valid", "test")
UNSEEN_SEED = 7  # of no run
PICTURED = "ECAPA-TDNN-L"
SHIFT = "{reference_offset: {offset_ppm: [-0.2, 0.2]}}"
NARROW = {"x-vector": "xvector_xs", "ECAPA-TDNN-S": "ecapa_xs", "ECAPA-TDNN-L": "ecapa_m", "DEEP Picker": "deep_picker"}
VARIANTS = {
    "spin_lock": ["--experiment={sequence: spin_lock}"],
    "shift": [f"--augmentation={SHIFT}"],
    "shift, warm-up": [f"--augmentation={SHIFT}", "--warmup_share=0.3", "--lr=0.003"],
    "warm-up": ["--warmup_share=0.3", "--lr=0.003"],
}
GRID_VARIANTS = ("spin_lock", "shift", "shift, warm-up")  # of the pair conv and ECAPA-TDNN-L
DATA_CELLS = (  # front end, embedding model, variant; these and the next in the order of what they tell
    ("spectral", "ECAPA-TDNN-S", None),
    ("quadrature", "ECAPA-TDNN-S", None),
    ("conv", "ECAPA-TDNN-S", None),
    ("mel_transient", "ECAPA-TDNN-S", None),
    ("conv", "ECAPA-TDNN-S", "warm-up"),
    ("mel_transient", "ECAPA-TDNN-S", "warm-up"),
    ("conv", "x-vector", None),
    ("spectral", "ECAPA-TDNN-S", "warm-up"),
    ("conv", "DEEP Picker", None),
    ("quadrature", "ECAPA-TDNN-S", "warm-up"),
    ("quadrature", "ECAPA-TDNN-L", None),
    ("conv", "ECAPA-TDNN-L", None),
    ("mel_transient", "ECAPA-TDNN-L", None),
    ("conv", "ECAPA-TDNN-L", "spin_lock"),
)
PAPER_CELLS = (
    ("conv", "ECAPA-TDNN-L", None),
    ("mel_transient", "ECAPA-TDNN-L", None),
    ("mel", "ECAPA-TDNN-S", None),
    ("conv", "ECAPA-TDNN-S", None),
    ("conv", "x-vector", None),
    ("mel", "x-vector", None),
    ("conv", "DEEP Picker", None),
    ("mel", "DEEP Picker", None),
    ("quadrature", "ECAPA-TDNN-L", None),
    ("spectral", "ECAPA-TDNN-L", None),
    ("mel", "ECAPA-TDNN-L", None),
    *((frontend, "ECAPA-TDNN-S", None) for frontend in ("mel_transient", "quadrature", "spectral")),
    ("conv", "ECAPA-TDNN-L", "shift, warm-up"),
    ("conv", "ECAPA-TDNN-L", "spin_lock"),
    *((frontend, "x-vector", None) for frontend in ("mel_transient", "quadrature")),
    *((frontend, "DEEP Picker", None) for frontend in ("mel_transient", "quadrature")),
)


@dataclass(frozen=True)
class Scale:
    """One size of the grid."""

    backbones: dict[str, str]  # part file of each of the paper's embedding models
    recordings: int  # of each residue
    seeds: tuple[int, ...]  # each has recordings of its own
    unseen: int = 0  # recordings of each residue that the trained models classify beside the test split
    once: tuple[str, ...] = ()  # front ends that take long, run with the first seed alone
    cells: tuple[tuple[str, str, str | None], ...] = ()  # these in place of all pairs
    baselines: str = "mel_transient x-vector"  # the run that measures them, on recordings that all runs of a seed share
    overrides: tuple[str, ...] = ()  # for every run


SCALES = {
    "small": Scale(
        NARROW,
        recordings=40,
        seeds=(1986, 1987),
        unseen=50,
        once=("mel",),
    ),
    "paper": Scale(
        {"x-vector": "xvector", "ECAPA-TDNN-S": "ecapa_s", "ECAPA-TDNN-L": "ecapa_l", "DEEP Picker": "deep_picker"},
        recordings=1000,
        seeds=(1986,),
        cells=PAPER_CELLS,
        overrides=("--device=cuda", "--loader_workers=8", "--precision=bf16"),
    ),
    "data": Scale(
        NARROW,
        recordings=1000,
        seeds=(1986,),
        unseen=100,
        cells=DATA_CELLS,
        baselines="spectral ECAPA-TDNN-S",
    ),
    "rehearsal": Scale(
        {"x-vector": "xvector_xs", "ECAPA-TDNN-L": "ecapa_xs"},
        recordings=4,
        seeds=(1986,),
        unseen=3,
        overrides=("--residues=[GLY,SER,ALA]", "--number_of_epochs=1"),
    ),
}


def main(arguments: Sequence[str] | None = None):
    """Make the runs that are missing, until the time is over."""
    options = read_options("accuracy", SCALES, arguments)
    scale = SCALES[options.scale]

    def train(folder, overrides):
        where = f"--output_folder={folder}", "--noprogressbar"
        script = "AminoAcidTOCSY/SpeakerRec/train.py"
        return run_recipe(script, "classification.yaml", *where, *overrides, end=options.end)

    def figures(name, folder, overrides):
        keep_filters(folder, options.path.with_name(f"filters_{options.scale}_{name.replace(' ', '_')}.npy"))
        more = [simulate(scale, overrides)] if scale.unseen else []
        own = unseen_figures(folder, more)
        return own | ({"baselines": baselines(overrides, more)} if name.endswith(f" {scale.baselines}") else {})

    run_grid(Results(options.path), runs(scale), WORK / options.scale, train, figures)


def read_options(topic: str, scales: dict, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read scale, results file (``path``) and the time to stop (``end``) from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scale", choices=scales, help="size of the models and data sets")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; rerun to resume")
    parser.add_argument("--results", type=Path, default=common.FOLDER / topic, help="folder of the results file")
    options = parser.parse_args(arguments)
    options.end = time.monotonic() + 60 * options.minutes
    options.path = options.results / f"results_{options.scale}.json"
    return options


def runs(scale: Scale) -> dict[str, list[str]]:
    """Overrides of every run, by name: seed, front end, embedding model, variant."""
    grid = {}
    for seed in scale.seeds:
        for frontend, model, variant in scale.cells or all_cells(scale, seed):
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


def all_cells(scale: Scale, seed: int) -> list[tuple[str, str, str | None]]:
    """Every front end before every embedding model, and the variants of one pair."""
    frontends = [name for name in FRONTENDS if seed == scale.seeds[0] or name not in scale.once]
    cells = [(frontend, model, None) for model in scale.backbones for frontend in frontends]
    return cells + [("conv", "ECAPA-TDNN-L", variant) for variant in GRID_VARIANTS]


def simulate(scale: Scale, overrides: list[str]) -> Path:
    """Make the recordings that the models classify beside the test split, as theirs were made; their folder."""
    alike = [text for text in overrides if text.startswith(("--experiment=", "--residues="))]
    folder = WORK / "data" / f"unseen_{scale.unseen}{'_spin_lock' * any('spin_lock' in text for text in alike)}"
    sample = [f"--seed={UNSEEN_SEED}", f"--recordings_per_residue={scale.unseen}", f"--data_folder={folder}"]
    run_recipe("AminoAcidTOCSY/simulate.py", "dataset.yaml", *sample, *alike)
    return folder


def data_folder(overrides: list[str]) -> str:
    """Folder of the recordings of a run."""
    return next(text.removeprefix("--data_folder=") for text in overrides if text.startswith("--data_folder="))


def all_recordings(folder: str | Path, splits: Sequence[str] = SPLITS):
    """Recordings of a data folder as one data set, and their residues."""
    manifests = {split: Path(folder, f"{split}.csv") for split in splits}
    residues = sorted({row.spk_id for path in manifests.values() for row in read_manifest(path)})
    datasets, _ = load_datasets(manifests, folder, residues)
    return ConcatDataset(datasets.values()), residues


def unseen_figures(folder: Path, more: list[Path]) -> dict:
    """Figures of a trained model on the test split and on folders of more recordings."""
    test = json.loads((folder / "results.json").read_text())["test"]
    model = load_classifier(str(folder))
    skip_idle_padding(model.embedder.backbone)
    confusion = np.array(test["confusion"])
    for data in more:
        for batch in DataLoader(all_recordings(data)[0], batch_size=20, collate_fn=Batch.stack):
            with torch.inference_mode():
                predicted = model.head(model.embedder(batch.sig)).argmax(dim=1)
            confusion += count_confusion(batch.spk_id_encoded, predicted, len(confusion))
    return {"unseen": summarise(confusion, test["labels"])}


def baselines(overrides: list[str], more: list[Path]) -> dict:
    """Figures of the classifiers that a spectroscopist would try first, on the same recordings."""
    folder = data_folder(overrides)
    train, residues = all_recordings(folder, ["train"])
    tests = ConcatDataset([all_recordings(folder, ["test"])[0], *(all_recordings(data)[0] for data in more)])
    return {
        name: summarise(count_confusion(*classify(train, tests), len(residues)), residues)
        for name, classify in BASELINES.items()
    }


def keep_filters(folder: Path, path: Path):
    """Keep what the front end of the first seed's ECAPA-TDNN-L has learned, for a picture."""
    if path.stem.endswith(f"1986_conv_{PICTURED}"):
        np.save(path, load_classifier(str(folder)).embedder.frontend.conv.weight.detach()[:, 0].numpy())
    if path.stem.endswith(f"1986_quadrature_{PICTURED}"):
        np.save(path, load_classifier(str(folder)).embedder.frontend.filters().detach().numpy())


if __name__ == "__main__":
    main()
