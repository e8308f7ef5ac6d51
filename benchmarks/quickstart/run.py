"""Run the quickstart for several seeds and keep what it reports; also with other front ends or other recordings.

> python -m benchmarks.quickstart.run [seed ...]
> python -m benchmarks.quickstart.run [seed ...] --frontends [name ...]
> python -m benchmarks.quickstart.run [seed ...] --variants
> python -m benchmarks.quickstart.run [seed ...] --precisions

All runs of a seed share its recordings, which the first simulates, but for the variants. Rerun to resume.
"""

import argparse
import json
import re
import time
from pathlib import Path

import torch
from torch import nn

from benchmarks.common import ROOT, WORK, Results, provenance, results_path, run_recipe
from nmr_speech.models.embed import embed
from nmr_speech.models.heads import LinearHead
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.speakers import KEYS
from nmr_speech.training.speedups import skip_idle_padding

VARIANTS = {  # behind `quadrature`, which was the default when they were measured
    "flac": ("--frontend=!include:frontend/quadrature.yaml", "--audio_format=flac"),
    "fresh": ("--frontend=!include:frontend/quadrature.yaml", "--fresh_recordings_per_residue=84"),
}
PRECISIONS = {"bf16": ("--precision=bf16",)}
DEFAULT, RIVALS = "spectral", ("quadrature",)
SEEDS = (1986, 1987, 1988)
STEPS, WARMUP, BATCH = 15, 3, 20


def main():
    """Run the recipe for each seed, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS, help="of the runs")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--frontends", nargs="*", metavar="NAME", help=f"other parts; {RIVALS} if none are named")
    which.add_argument("--variants", action="store_true", help="recordings stored or made in another way")
    which.add_argument("--precisions", action="store_true", help="bf16 in place of float32")
    options = parser.parse_args()
    if options.variants:
        results = Results(results_path("quickstart", "variants"))
        runs = VARIANTS
    elif options.precisions:
        results, runs = Results(results_path("quickstart", "precisions")), PRECISIONS
    elif options.frontends is not None:
        results = Results(results_path("quickstart", "frontends"))
        results.keep("steps", time_steps)
        runs = {name: [f"--frontend=!include:frontend/{name}.yaml"] for name in options.frontends or RIVALS}
    else:
        results, runs = Results(results_path("quickstart")), {"": []}
    for seed in options.seeds:
        for name, overrides in runs.items():
            results.keep(f"{name} {seed}".strip(), run, f"{name}_{seed}", seed, *overrides)


def run(name, seed, *overrides):
    """Return the results.json of one run, with the seconds of the whole command and its best validation error."""
    folder = WORK / "quickstart" / name
    data = WORK / "quickstart" / f"data_{name}" if overrides in VARIANTS.values() else data_folder(seed)
    own = [f"--seed={seed}", f"--data_folder={data}", f"--output_folder={folder}"]
    start = time.perf_counter()
    run_recipe("AminoAcidTOCSY/SpeakerRec/train.py", "quickstart.yaml", *own, *overrides, "--noprogressbar")
    results = json.loads((folder / "results.json").read_text())
    results["seconds"]["command"] = round(time.perf_counter() - start, 1)
    log = Path(folder, "train_log.txt").read_text()
    results["valid_error"] = min(float(error) for error in re.findall(r"valid .*?error: ([\d.e-]+)", log))
    return results


def data_folder(seed):
    """Folder of the recordings that the runs of a seed share."""
    return WORK / "quickstart" / f"data_{seed}"


def time_steps():
    """Median seconds of a step behind each front end, by turns in one process, on noise; reading is not part of it."""
    steps = {name: step_behind(name) for name in (DEFAULT, *RIVALS)}
    seconds = {name: [] for name in steps}
    for turn in range(WARMUP + STEPS):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if turn >= WARMUP:
                seconds[name].append(time.perf_counter() - start)
    return {name: sorted(found)[STEPS // 2] for name, found in seconds.items()} | provenance()


def step_behind(frontend):
    """Make a step of the quickstart's model."""
    override = f"frontend: !include:{ROOT}/hparams/frontend/{frontend}.yaml"
    modules = load_hparams(ROOT / "hparams" / "quickstart.yaml", override, KEYS)["modules"]
    front, backbone = modules["frontend"], skip_idle_padding(modules["backbone"])
    head = LinearHead(backbone.fc.conv.out_channels, BATCH)
    optimizer = torch.optim.Adam(nn.ModuleList([front, backbone, head]).parameters(), lr=0.001)
    wavs, labels = torch.randn(BATCH, 65536, 4), torch.arange(BATCH)

    def step():
        loss = nn.functional.cross_entropy(head(embed(front, backbone, wavs)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
