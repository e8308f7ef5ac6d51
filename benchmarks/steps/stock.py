"""Measure training steps beside a stock SpeechBrain script of the same model, alternately in one run.

> python -m benchmarks.steps.stock                  # CPU, in bf16 too
> python -m benchmarks.steps.stock --device=cuda    # full models, in bf16; the largest compiled too

Stock: `read_audio_multichannel` in a dynamic item, PaddedBatch, relative lengths passed to the embedding model, padding
of 1x1 convolutions. Ours: the recipe's data pipeline, batches, models and `embed`. Both start from the same weights and
see the same batches; in float32 their losses must be equal but for rounding. Reading the recordings is part of a step.
bf16 is what ``--precision=bf16`` sets.
"""

import argparse
import copy
import math
import statistics
import tempfile
import time
from pathlib import Path

import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.dataio.dataio import read_audio_multichannel
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector
from torch import nn

from benchmarks.common import once, results_path
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.manifest import audio_path, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.models.embed import embed
from nmr_speech.models.frontends import ConvFrontEnd
from nmr_speech.models.heads import LinearHead
from nmr_speech.training.dataio import Batch, load_datasets
from nmr_speech.training.speedups import skip_idle_padding

RESIDUES = ("ALA", "GLY", "SER", "THR")
BATCH, WARMUP = 20, 2
MODELS = {
    "ECAPA-TDNN, 32 channels": lambda: ECAPA_TDNN(
        80, channels=[32] * 4 + [96], attention_channels=32, se_channels=32, lin_neurons=64
    ),
    "ECAPA-TDNN, 512 channels": lambda: ECAPA_TDNN(80, channels=[512] * 4 + [1536]),
    "ECAPA-TDNN, 1024 channels": lambda: ECAPA_TDNN(80, channels=[1024] * 4 + [3072]),
    "x-vector": lambda: Xvector(in_channels=80, lin_neurons=512),
}
SIZES = {"ECAPA-TDNN, 32 channels": 64, "x-vector": 512}
COMPILED = "ECAPA-TDNN, 1024 channels"  # one, for compiling takes longer than all steps
CPU = {"ECAPA-TDNN, 32 channels": 12, "ECAPA-TDNN, 512 channels": 3, "x-vector": 3}  # steps


def main():
    """Measure every model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where to train")
    device = parser.parse_args().device
    once(results_path("steps", f"stock_{device}"), measure_all, device)


def measure_all(device):
    """Rows of every model."""
    steps = CPU if device == "cpu" else dict.fromkeys(MODELS, 50)
    with tempfile.TemporaryDirectory() as folder:
        build_dataset(folder, DatasetPlan(1986, RESIDUES, 60), workers=2)
        rows = {name: measure(name, folder, device, count) for name, count in steps.items()}
    return {"batch": BATCH, "rows": rows}


def measure(name, folder, device, steps):
    """Seconds a step of both scripts, alternately, and the largest difference of their losses."""
    torch.manual_seed(0)
    model = nn.ModuleList([ConvFrontEnd(256, 256), MODELS[name](), LinearHead(SIZES.get(name, 192), len(RESIDUES))])
    scripts = {
        "stock": Script(stock_loader(folder), stock_loss, copy.deepcopy(model), device),
        "ours": Script(our_loader(folder), our_loss, lean(copy.deepcopy(model)), device),
    }
    scripts["ours, bf16"] = Script(our_loader(folder), our_loss, lean(copy.deepcopy(model)), device, bf16=True)
    if device == "cuda" and name == COMPILED:
        compiled = lean(copy.deepcopy(model))
        compiled[1].compile()
        scripts["ours, bf16, compiled"] = Script(our_loader(folder), our_loss, compiled, device, bf16=True)
    for _ in range(WARMUP + steps):
        for script in scripts.values():
            script.step()
    losses = {key: script.losses for key, script in scripts.items()}
    if not all(math.isfinite(loss) for kept in losses.values() for loss in kept):
        raise FloatingPointError(f"a loss of {name} is not finite; its steps were not those of a training")
    row = {key: statistics.median(script.seconds[WARMUP:]) for key, script in scripts.items()}
    row["loss_difference"] = max(abs(a - b) for a, b in zip(losses["stock"], losses["ours"], strict=True))
    print(name, row, flush=True)
    return row


class Script:
    """A training loop that can be advanced step by step."""

    def __init__(self, loader, loss, model, device, bf16=False):
        self.loader, self.loss, self.model, self.device, self.bf16 = loader, loss, model.to(device), device, bf16
        self.optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        self.batches, self.losses, self.seconds = iter(()), [], []

    def step(self):
        """Fetch a batch, and train on it."""
        start = time.perf_counter()
        batch = next(self.batches, None)
        if batch is None:
            self.batches = iter(self.loader)
            batch = next(self.batches)
        torch.manual_seed(len(self.losses))  # the pooling of the x-vector adds noise
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            loss = self.loss(self.model, batch.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())  # which waits for the device
        self.seconds.append(time.perf_counter() - start)


def stock_loader(folder):
    """As a SpeechBrain recipe would read the manifest."""
    encoder = CategoricalEncoder()
    encoder.update_from_iterable(RESIDUES)
    encoder.expect_len(len(RESIDUES))
    rows = read_manifest(Path(folder, "train.csv"))
    items = {row.ID: {"wav": audio_path(row.wav, folder), "spk_id": row.spk_id} for row in rows}
    dataset = DynamicItemDataset(
        items,
        [
            {"func": read_audio_multichannel, "takes": "wav", "provides": "sig"},
            {"func": encoder.encode_label, "takes": "spk_id", "provides": "spk_id_encoded"},
        ],
        ["id", "sig", "spk_id_encoded"],
    )
    return torch.utils.data.DataLoader(dataset, BATCH, drop_last=True, collate_fn=PaddedBatch)


def our_loader(folder):
    """As the recipe reads it."""
    datasets, _ = load_datasets({"train": Path(folder, "train.csv")}, folder, RESIDUES)
    return torch.utils.data.DataLoader(datasets["train"], BATCH, drop_last=True, collate_fn=Batch.stack)


def stock_loss(model, batch):
    """Equation 2 with lengths."""
    frontend, backbone, head = model
    wavs, lens = batch.sig
    peak = wavs.abs().amax(dim=(1, 2), keepdim=True)
    feats = frontend(wavs / peak)
    embeddings = backbone(feats.flatten(0, 1), lens.repeat_interleave(feats.shape[1])).squeeze(1)
    return nn.functional.cross_entropy(head(embeddings.unflatten(0, feats.shape[:2]).sum(1)), batch.spk_id_encoded)


def our_loss(model, batch):
    """The recipe's."""
    frontend, backbone, head = model
    return nn.functional.cross_entropy(head(embed(frontend, backbone, batch.sig)), batch.spk_id_encoded)


def lean(model):
    """Leave out work that changes nothing, as the recipe does."""
    skip_idle_padding(model[1])
    return model


if __name__ == "__main__":
    main()
