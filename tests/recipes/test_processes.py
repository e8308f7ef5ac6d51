"""Training under torchrun: two processes take the steps of one, and what cannot work is said."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.recipes.launch import run

CLASSIFICATION = Path(__file__).parents[2] / "hparams" / "classification.yaml"
SGD = "--opt_class=!name:torch.optim.SGD {lr: 1.5}"  # Adam makes whole steps of rounding errors
NO_BATCH_NORM = ["--backbone=!include:backbone/deep_picker.yaml"]


def train(n, data, out, *overrides):
    settings = ["--residues=[GLY,SER,ALA]", "--recordings_per_residue=5", f"--data_folder={data}"]
    arguments = [CLASSIFICATION, *settings, f"--output_folder={out}", "--noprogressbar", *overrides]
    return run("train", arguments, out.parent, n)


def weights(out):
    (checkpoint,) = Path(out, "save").glob("CKPT*")
    return {
        f"{part}.{name}": tensor
        for part in ("frontend", "backbone", "classifier")
        for name, tensor in torch.load(checkpoint / f"{part}.ckpt").items()
    }


def test_two_processes_take_the_steps_of_one(data, tmp_path):
    """Each step holds all recordings, so that their order does not matter: halves of it on two, the whole on one."""
    for n, batch_size in ((1, 6), (2, 3)):  # three recordings of each of two residues
        done = train(
            n, data, tmp_path / str(n), f"--batch_size={batch_size}", "--number_of_epochs=2", *NO_BATCH_NORM,
            SGD, "--lr=1.5", "--held_out_residues=[ALA]", *(["--distributed_backend=gloo"] if n > 1 else []),
        )  # fmt: skip
        assert done.wait() == 0, done.stderr
        assert done.stdout.count("test accuracy") == 1
    first, second = re.findall(r"train loss: (\S+)", (tmp_path / "1" / "train_log.txt").read_text())
    assert first != second  # something was learnt
    one, two = weights(tmp_path / "1"), weights(tmp_path / "2")
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-4, rtol=0)  # of steps a thousand times as long


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which this refusal asks for")
def test_by_torchrun(data, tmp_path):
    script = CLASSIFICATION.parents[1] / "recipes" / "AminoAcidTOCSY" / "SpeakerRec" / "train.py"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", script]
    arguments = [CLASSIFICATION, f"--data_folder={data}", f"--output_folder={tmp_path / 'out'}", *NO_BATCH_NORM]
    refused = subprocess.run([*launcher, *arguments], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "error: torchrun: each process needs a GPU of its own, 0 are here" in refused.stderr


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["--distributed_backend=gloo"], "`backbone`: several processes share batch normalisation on GPUs only"),
        (NO_BATCH_NORM, "torchrun: each process needs a GPU of its own, 0 are here"),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which these refusals ask for")
def test_what_cannot_work_on_processors_is_said(data, tmp_path, overrides, message):
    done = train(2, data, tmp_path / "out", *overrides)
    assert done.wait() != 0
    assert f"error: {message}" in done.stderr
    assert not (tmp_path / "out").exists()
