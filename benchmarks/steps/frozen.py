"""Measure training steps of a frozen embedding model beside a trained one: seconds and memory.

> python -m benchmarks.steps.frozen                  # CPU, narrow model
> python -m benchmarks.steps.frozen --device=cuda    # ECAPA-TDNN-L

The settings of a table's cells take their steps alternately, so that the machine is the same for all; "once" has its
embeddings computed before, and the seconds of that stand beside its steps. Memory is measured in a process of its own:
what a step takes beyond model and recordings. Recordings are noise, as times do not depend on them.
"""

import argparse
import multiprocessing
import resource
import statistics
import time

import torch
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from torch import nn

from benchmarks.common import once, results_path
from nmr_speech.models.embed import embed
from nmr_speech.models.frontends import ConvFrontEnd, MelFrontEnd
from nmr_speech.models.heads import LinearHead
from nmr_speech.training.speedups import skip_idle_padding
from nmr_speech.training.transfer import Pretrained

BATCH, WARMUP = 20, 1
CELLS = [(frontend, how) for frontend in ("mel", "conv") for how in ("once", "frozen", "trainable")]
CELLS.remove(("conv", "once"))  # its front end learns
BACKBONES = {
    "cpu": {"channels": [64] * 4 + [192], "res2net_scale": 4, "se_channels": 64, "attention_channels": 64},
    "cuda": {"channels": [1024] * 4 + [3072]},
}
STEPS = {"cpu": 5, "cuda": 50}


def main():
    """Measure every cell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where to train")
    parser.add_argument("--steps", type=int, help="of each cell; default 5 on a CPU, 50 on a GPU")
    options = parser.parse_args()
    device = options.device
    once(results_path("steps", f"frozen_{device}"), measure_all, device, options.steps or STEPS[device])


def measure_all(device, steps):
    """Rows of every cell."""
    rows = [{"frontend": frontend, "how": how} for frontend, how in CELLS]
    for row in rows:  # before this process has taken memory, which those that it starts would count as theirs
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row["mib"] = pool.apply(memory, (row["frontend"], row["how"], device))
    cells = [Cell(row["frontend"], row["how"], device) for row in rows]
    for _ in range(WARMUP + steps):
        for cell in cells:
            cell.step()
    for row, cell in zip(rows, cells, strict=True):
        row["seconds"] = statistics.median(cell.seconds[WARMUP:])
        if row["how"] == "once":
            row["seconds_to_embed"] = cell.seconds_to_embed
        print(row, flush=True)
    return {"batch": BATCH, "steps": steps, "backbone": BACKBONES[device], "rows": rows}


class Cell:
    """One setting's model, and its steps."""

    def __init__(self, frontend, how, device):
        torch.manual_seed(0)
        self.device, self.seconds, self.how = device, [], how
        self.frontend = (MelFrontEnd() if frontend == "mel" else ConvFrontEnd(remove_mean=True)).to(device)
        backbone = skip_idle_padding(ECAPA_TDNN(80, lin_neurons=192, **BACKBONES[device]))
        self.backbone = Pretrained(backbone, None, freeze=how != "trainable").to(device)
        self.head = LinearHead(192, 20).to(device)
        self.model = nn.ModuleList([self.frontend, self.backbone, self.head]).train()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self.wavs = torch.randn(BATCH, 65536, 4, device=device)
        self.labels = torch.arange(BATCH, device=device)
        if how == "once":
            start = time.perf_counter()
            with torch.inference_mode():
                once = embed(self.frontend, self.backbone, self.wavs)
            self.embeddings = once.clone()
            self.wait()
            self.seconds_to_embed = time.perf_counter() - start

    def step(self):
        """Train on the batch."""
        start = time.perf_counter()
        embeddings = self.embeddings if self.how == "once" else embed(self.frontend, self.backbone, self.wavs)
        loss = nn.functional.cross_entropy(self.head(embeddings), self.labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.wait()
        self.seconds.append(time.perf_counter() - start)

    def wait(self):
        """Let the device come to an end."""
        if self.device == "cuda":
            torch.cuda.synchronize()


def memory(frontend, how, device):
    """MiB that a step takes at its peak, beyond what there was before it."""
    cell = Cell(frontend, how, device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        cell.step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cell.step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


if __name__ == "__main__":
    main()
