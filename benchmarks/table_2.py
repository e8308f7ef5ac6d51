#!/usr/bin/env python3
"""Transfer from speech: the four cells of the paper's Table II, by the source of the weights.

> python benchmarks/table_2.py small                # synthetic voices, narrow models, 2 cores, about half an hour
> python benchmarks/table_2.py paper --minutes 9    # the VoxCeleb ECAPA of the Hub, 20,000 recordings, a GPU, in pieces

Small: a speaker model is pretrained by recipes/SyntheticVoices on what espeak-ng speaks, published to a Hub on the
loopback interface, and taken from there; every cell is run too with the weights that the model is born with. Recordings
are those of `benchmarks/tables.py`. Of a frozen model a linear classifier is asked as well, which needs no learning
rate: what is there to be found in its embeddings. Runs that are in benchmarks/results/table_2_*.json are not made
again; one that was cut off goes on from its last epoch.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tables
import torch
from results_files import RESULTS, save
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import ConcatDataset, DataLoader

from nmr_speech.inference.load import load_embedder
from nmr_speech.training.dataio import Batch

ROOT, WORK = tables.ROOT, tables.ROOT / "results" / "table_2"
VOICES = ROOT / "recipes" / "SyntheticVoices" / "SpeakerRec"
REPOSITORY, TOKEN = "voices/ecapa", "hf_benchmark"
HOW = {"frozen": "--freeze=True", "trainable": "--freeze=False"}


@dataclass(frozen=True)
class Scale:
    """One size of the table.

    Arguments
    ---------
    frontends : dict[str, str]
        Part file of each of the paper's front ends.
    backbone : str
        Part file of the embedding model.
    sources : dict[str, str | None]
        ``pretrained_source`` of each row; None for the weights that a model is born with.
    recordings : int
        Recordings of each residue.
    seeds : tuple[int, ...]
        Each has recordings of its own.
    unseen : int
        Recordings of each residue that the trained models name beside the test split.
    overrides : tuple[str, ...]
        For every run.
    voices : tuple[str, ...]
        Overrides of the pretraining; none where there is none.
    """

    frontends: dict[str, str]
    backbone: str
    sources: dict[str, str | None]
    recordings: int
    seeds: tuple[int, ...]
    unseen: int = 0
    overrides: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()


LOCAL = {"synthetic voices": REPOSITORY, "random": None}
NARROW = {"mel": "mel_transient", "conv": "conv_centred"}
SCALES = {
    "small": Scale(
        NARROW, "ecapa_m", LOCAL, recordings=40, seeds=(1986, 1987), unseen=50,
        voices=(
            "--n_speakers=48", "--recordings_per_residue=10", "--number_of_epochs=25", "--lr=0.003", "--batch_size=20",
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
        voices=("--n_speakers=2", "--recordings_per_residue=3", "--number_of_epochs=1"),
    ),
}  # fmt: skip


def main(arguments=None):
    """Pretrain if need be, then make the runs that are missing, until the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scale", choices=SCALES)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    end = time.monotonic() + 60 * options.minutes
    options.results.mkdir(parents=True, exist_ok=True)
    path, scale = options.results / f"table_2_{options.scale}.json", SCALES[options.scale]
    done = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: overrides for name, overrides in runs(scale).items() if name not in done}
    if not missing:
        return
    with hub(scale) as environment:
        if scale.voices:
            done["pretraining"] = pretrain(WORK / options.scale / "voices", scale, end, environment)
        for name, overrides in missing.items():
            folder = WORK / options.scale / name.replace(" ", "_").replace(",", "")
            if not train("AminoAcidTOCSY", "transfer", folder, overrides, end, environment):
                sys.exit(f"time is over in {name}; the same command goes on")
            done[name] = json.loads((folder / "results.json").read_text())
            more = [tables.simulate(scale, overrides)] if scale.unseen else []
            done[name] |= tables.name_unseen(name, folder, overrides, more)
            if name.endswith("frozen"):
                done[name]["linear_probe"] = probe(folder, overrides, more)
            save(path, done)
            shutil.rmtree(folder / "save")


def runs(scale):
    """Overrides of every run, by name: seed, source of the weights, front end, frozen or trainable."""
    table = {}
    for seed in scale.seeds:
        for source, repository in scale.sources.items():
            for frontend, part in scale.frontends.items():
                for how, freeze in HOW.items():
                    table[f"{seed} {source}, {frontend}, {how}"] = [
                        f"--seed={seed}",
                        f"--recordings_per_residue={scale.recordings}",
                        f"--data_folder={tables.WORK / 'data' / f'{scale.recordings}_{seed}'}",
                        f"--frontend=!include:frontend/{part}.yaml",
                        f"--backbone=!include:backbone/{scale.backbone}.yaml",
                        f"--pretrained_source={repository or 'null'}",
                        freeze,
                        "--store_frozen=True",  # for the probe, which asks no Hub
                        *scale.overrides,
                    ]
    return table


def train(recipe, yaml, folder, overrides, end, environment):
    """Go through a recipe; whether it came to its end in time."""
    script = ROOT / "recipes" / recipe / "SpeakerRec" / "train.py"
    command = [script, ROOT / "hparams" / f"{yaml}.yaml", f"--output_folder={folder}", "--noprogressbar", *overrides]
    seconds = end - time.monotonic()
    try:
        subprocess.run(
            [sys.executable, *command], check=True, env=environment,
            timeout=None if seconds == float("inf") else max(1, seconds),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return True


def pretrain(folder, scale, end, environment):
    """Train on voices unless that was done, and publish; what the training left as figures."""
    overrides = [
        f"--data_folder={folder}_data",
        f"--frontend=!include:frontend/{scale.frontends['mel']}.yaml",
        f"--backbone=!include:backbone/{scale.backbone}.yaml",
        *scale.voices,
    ]
    results = folder / "results.json"
    if not results.is_file() and not train("SyntheticVoices", "voices", folder, overrides, end, environment):
        sys.exit("time is over in the pretraining; the same command goes on")
    subprocess.run([sys.executable, VOICES / "publish.py", folder, REPOSITORY], check=True, env=environment)
    return json.loads(results.read_text())


@contextlib.contextmanager
def hub(scale):
    """The environment of a Hub: for synthetic voices one on the loopback interface, else this process's own."""
    if not scale.voices:
        yield dict(os.environ)
        return
    sys.path.append(str(ROOT))
    from tests.loopback_hub import loopback_hub  # noqa: PLC0415 - for this alone

    with loopback_hub(tokens={TOKEN: ("voices", "write")}) as served:
        yield os.environ | {
            "HF_ENDPOINT": served.url,
            "HF_HOME": str(WORK / "hub"),
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


def probe(folder, overrides, more):
    """Accuracy of logistic regression on the embeddings, scaled to unit variance, of what the trained head names."""
    data = next(text.removeprefix("--data_folder=") for text in overrides if text.startswith("--data_folder="))
    tests = [(data, ["test"]), *((other, tables.SPLITS) for other in more)]
    embedder, found = load_embedder(str(folder)), {}
    for kind, parts in {"train": [(data, ["train"])], "test": tests}.items():
        recordings = ConcatDataset([tables.all_recordings(*part)[0] for part in parts])
        batches = DataLoader(recordings, batch_size=20, collate_fn=Batch.stack)
        pairs = [(embedder(batch.sig), batch.spk_id_encoded) for batch in batches]
        found[kind] = [torch.cat(column).numpy() for column in zip(*pairs, strict=True)]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(*found["train"])
    return float(classifier.score(*found["test"]))


if __name__ == "__main__":
    main()
