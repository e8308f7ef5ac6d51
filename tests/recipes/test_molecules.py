"""The recipe that pretrains on molecules, by its command line, on a few of them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.hub.tensors import find_weights
from nmr_speech.inference import load_embedder

ROOT = Path(__file__).parents[2]
COMMAND = [
    sys.executable, ROOT / "recipes" / "Molecules" / "SpeakerRec" / "train.py", ROOT / "hparams" / "molecules.yaml",
    "--noprogressbar", "--steps_per_epoch=2", "--speakers_per_step=4",
]  # fmt: skip


spec = importlib.util.spec_from_file_location("train_molecules", COMMAND[1])  # other recipes' scripts are called train
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)
SMALL = "--n_held_out=2"


def run(*overrides):
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.run([*COMMAND, *overrides], capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    done = run(f"--output_folder={folder}", "--number_of_epochs=2", SMALL)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_headline_says_on_what_it_was_trained(unbroken):
    folder, printed = unbroken
    results = json.loads((folder / "results.json").read_text())
    assert results["speakers"] == 16
    assert results["presentations"] == 32
    assert f"EER on 2 held-out molecules: {results['test']['eer']:.2%}, after 32 recordings of 16 others" in printed


def test_its_embedding_can_be_transferred(unbroken):
    folder, _ = unbroken
    assert find_weights(folder / "embedding").file == "backbone.safetensors"


def test_its_embedding_is_that_of_the_best_checkpoint(unbroken):
    folder, _ = unbroken
    wavs = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(load_embedder(folder)(wavs), load_embedder(folder / "embedding")(wavs))


@pytest.mark.slow
def test_a_resumed_training_equals_the_unbroken_one(unbroken, tmp_path):
    # The rate depends on the length of the training, so it is interrupted and not shortened.
    folder, _ = unbroken
    program = (
        "import runpy, sys\nimport speechbrain as sb\n"
        "save = sb.utils.checkpoints.Checkpointer.save_and_keep_only\n"
        "def stop(self, *args, **kwargs):\n    save(self, *args, **kwargs)\n    raise SystemExit(9)\n"
        "sb.utils.checkpoints.Checkpointer.save_and_keep_only = stop\n"
        "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    arguments = [*map(str, COMMAND[1:]), f"--output_folder={tmp_path}", "--number_of_epochs=2", SMALL]
    stopped = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert stopped.returncode == 9, stopped.stderr
    assert run(f"--output_folder={tmp_path}", "--number_of_epochs=2", SMALL).returncode == 0
    one, other = ((place / "embedding" / "backbone.safetensors").read_bytes() for place in (folder, tmp_path))
    assert json.loads((tmp_path / "results.json").read_text())["resumed"]
    assert one == other


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--frontend=!include:frontend/quadrature.yaml", "makes lines, which only `frontend/spectral.yaml` takes"),
        ("--nuisances={t1_noise: {percent: 1}}", "the first-order simulation knows the nuisances decay"),
        ("--n_held_out=1000", "`n_held_out` must be a whole number from 2 to 134, got 1000"),
    ],
)
def test_odd_settings_are_refused(override, message, tmp_path):
    with pytest.raises(InputError, match=message):
        train.main([str(COMMAND[2]), f"--output_folder={tmp_path}", override])


@pytest.mark.slow
def test_the_size_for_a_gpu_runs_with_exact_recordings(tmp_path):
    tiny = ("--steps_per_epoch=1", "--speakers_per_step=4", "--loader_workers=0", "--number_of_epochs=1", SMALL)
    train.main(
        [str(ROOT / "hparams" / "molecules_large.yaml"), f"--output_folder={tmp_path}", "--noprogressbar", *tiny]
    )
    assert json.loads((tmp_path / "results.json").read_text())["simulation"] == "exact"
