"""Accuracy after transfer from speech: the four cells of the paper's Table II, by the source of the weights.

> python -m benchmarks.transfer.run small                # synthetic voices, narrow models, 2 cores, half an hour
> python -m benchmarks.transfer.run paper --minutes 9    # VoxCeleb's ECAPA, 20,000 recordings, a GPU, in pieces

Small: recipes/SyntheticVoices pretrains a speaker model on what espeak-ng speaks, written as SpeechBrain's speaker
models are and loaded from that folder; every cell is run with random weights too. The recordings are those of
benchmarks/accuracy. A frozen model is also judged by a linear probe, which needs no learning rate: it says what its
embeddings hold. Rerun the command to resume from the last epoch.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import ConcatDataset, DataLoader

from benchmarks import common
from benchmarks.accuracy import run as accuracy
from benchmarks.common import Results, run_grid, run_recipe
from nmr_speech.inference.load import load_embedder
from nmr_speech.publish.speaker_model import make_speaker_model
from nmr_speech.training.dataio import Batch

WORK = common.WORK / "table_2"
VOICES = "synthetic voices"
HOW = {"frozen": "--freeze=True", "trainable": "--freeze=False"}


@dataclass(frozen=True)
class Scale:
    """One size of the table."""

    frontends: dict[str, str]  # part file of each of the paper's front ends
    backbone: str  # part file of the embedding model
    sources: dict[str, str | None]  # repository of each row; None for random weights, and for VOICES, trained here
    recordings: int  # of each residue
    seeds: tuple[int, ...]  # each has recordings of its own
    unseen: int = 0  # recordings of each residue that the trained models classify beside the test split
    overrides: tuple[str, ...] = ()  # for every run
    voices: tuple[str, ...] = ()  # overrides of the pretraining; none where there is none


LOCAL = {VOICES: None, "random": None}
NARROW = {"mel": "mel_transient", "conv": "conv_centred"}
SCALES = {
    "small": Scale(
        NARROW, "ecapa_m", LOCAL, recordings=40, seeds=(1986, 1987), unseen=50,
        voices=(
            "--n_speakers=48", "--recordings_per_speaker=10", "--number_of_epochs=25", "--lr=0.003", "--batch_size=20",
        ),
    ),
    "paper": Scale(
        {"mel": "mel", "conv": "conv_centred"}, "ecapa_l",
        {"VoxCeleb": "speechbrain/spkrec-ecapa-voxceleb", "random": None}, recordings=1000, seeds=(1986,),
        overrides=("--device=cuda", "--loader_workers=8"),
    ),
    "rehearsal": Scale(
        NARROW, "ecapa_xs", LOCAL, recordings=4, seeds=(1986,), unseen=3,
        overrides=("--residues=[GLY,SER,ALA]", "--number_of_epochs=1"),
        voices=("--n_speakers=2", "--recordings_per_speaker=3", "--number_of_epochs=1"),
    ),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None):
    """Pretrain if need be, then make the runs that are missing, until the time is over."""
    options = accuracy.read_options("transfer", SCALES, arguments)
    scale, results = SCALES[options.scale], Results(options.path)
    speaker_model = WORK / options.scale / "speaker_model"
    grid = runs(scale, speaker_model)
    if scale.voices and not grid.keys() <= results.keys():
        voices = pretrain(WORK / options.scale / "voices", speaker_model, scale, options.end)
        results.keep("pretraining", lambda: voices)

    def train(folder, overrides):
        where = f"--output_folder={folder}", "--noprogressbar"
        return run_recipe("AminoAcidTOCSY/SpeakerRec/train.py", "transfer.yaml", *where, *overrides, end=options.end)

    def figures(name, folder, overrides):
        more = [accuracy.simulate(scale, overrides)] if scale.unseen else []
        probed = {"linear_probe": probe(folder, overrides, more)} if name.endswith("frozen") else {}
        return accuracy.unseen_figures(folder, more) | probed

    run_grid(results, grid, WORK / options.scale, train, figures)


def runs(scale: Scale, speaker_model: Path) -> dict[str, list[str]]:
    """Overrides of every run, by name: seed, source of the weights, front end, frozen or trainable."""
    grid = {}
    for seed in scale.seeds:
        for name, repository in scale.sources.items():
            source = speaker_model if name == VOICES else repository or "null"
            for frontend, part in scale.frontends.items():
                for how, freeze in HOW.items():
                    grid[f"{seed} {name}, {frontend}, {how}"] = [
                        f"--seed={seed}",
                        f"--recordings_per_residue={scale.recordings}",
                        f"--data_folder={accuracy.WORK / 'data' / f'{scale.recordings}_{seed}'}",
                        f"--frontend=!include:frontend/{part}.yaml",
                        f"--backbone=!include:backbone/{scale.backbone}.yaml",
                        f"--pretrained_source={source}",
                        freeze,
                        "--store_frozen=True",  # for the probe, which loads the results folder alone
                        *scale.overrides,
                    ]
    return grid


def pretrain(folder: Path, speaker_model: Path, scale: Scale, end: float) -> dict:
    """Train on voices unless that was done, and write the speaker model; the training's figures."""
    overrides = [
        f"--output_folder={folder}",
        "--noprogressbar",
        f"--data_folder={folder}_data",
        f"--frontend=!include:frontend/{scale.frontends['mel']}.yaml",
        f"--backbone=!include:backbone/{scale.backbone}.yaml",
        *scale.voices,
    ]
    results = folder / "results.json"
    if not results.is_file() and not run_recipe(
        "SyntheticVoices/SpeakerRec/train.py", "voices.yaml", *overrides, end=end
    ):
        sys.exit("time is over in the pretraining; rerun the command to resume")
    make_speaker_model(folder, speaker_model, "user/voices")
    return json.loads(results.read_text())


def probe(folder: Path, overrides: list[str], more: list[Path]) -> float:
    """Accuracy of logistic regression on the embeddings, scaled to unit variance, on what the head classifies too."""
    data = accuracy.data_folder(overrides)
    tests = [(data, ["test"]), *((other, accuracy.SPLITS) for other in more)]
    embedder, found = load_embedder(str(folder)), {}
    for kind, parts in {"train": [(data, ["train"])], "test": tests}.items():
        recordings = ConcatDataset([accuracy.all_recordings(*part)[0] for part in parts])
        batches = DataLoader(recordings, batch_size=20, collate_fn=Batch.stack)
        pairs = [(embedder(batch.sig), batch.spk_id_encoded) for batch in batches]
        found[kind] = [torch.cat(column).numpy() for column in zip(*pairs, strict=True)]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(*found["train"])
    return float(classifier.score(*found["test"]))


if __name__ == "__main__":
    main()
