"""A run that is killed before any of its changes to the file system, and begun again, ends as an unbroken one."""

import itertools
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch
from speechbrain.utils.epoch_loop import EpochCounter

from nmr_speech.corpus import dataset
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.files import write_whole
from nmr_speech.training.checkpoints import WholeCheckpointer
from nmr_speech.training.curves import Curves
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.loggers import make_logger
from tests.kills import killed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch):
    """A killed process loses nothing that the system was given, and waiting for the disk takes most of the time."""
    monkeypatch.setattr("os.fsync", lambda _: None)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def every_kill(work, folder):
    """Kill the work before its first change, before its second, and so on, and finish it each time."""
    for changes in itertools.count():
        shutil.rmtree(folder, ignore_errors=True)
        if not killed(work, folder, changes):
            assert changes > 20, "too few changes were seen to test anything"
            return
        work()
        yield changes


def test_a_data_set(tmp_path, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    fids = [torch.randn(2, 256, 256, generator=generator, dtype=torch.complex64) for _ in range(3)]
    monkeypatch.setattr(
        dataset, "draw_recordings", lambda _, __, some, **___: [SimpleNamespace(index=i, fid=fids[i]) for i in some]
    )
    monkeypatch.setattr(dataset, "BATCH", {"cpu": 2})
    plan = DatasetPlan(1986, ["GLY"], 3)
    build_dataset(tmp_path / "unbroken", plan)
    wanted, folder = contents(tmp_path / "unbroken"), tmp_path / "d"
    for changes in every_kill(lambda: build_dataset(folder, plan), folder):
        found = contents(folder)
        assert found.keys() == wanted.keys(), f"after a kill before change {changes}"
        assert found == wanted, f"after a kill before change {changes}"


def train(tmp_path, folder):
    """A training of three epochs with all that a recipe writes."""
    hparams = {"output_folder": str(folder), "skip_prep": True}
    with Experiment(hparams, tmp_path / "mine.yaml", f"output_folder: {folder}").begin() as out:
        weights = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(weights.weight)
        torch.nn.init.zeros_(weights.bias)
        counter, curves, logger = EpochCounter(3), Curves(), make_logger("file", out)
        checkpointer = WholeCheckpointer(out / "save", {"weights": weights, "counter": counter, "curves": curves})
        checkpointer.recover_if_possible()
        for epoch in counter:
            with torch.no_grad():
                weights.weight.mul_(2).add_(epoch)
            error = (0.5, 0.1, 0.3)[epoch - 1]
            logger.log_stats({"epoch": epoch}, train_stats={"loss": error}, valid_stats={"error": error})
            curves.add({"epoch": epoch, "error": error})
            checkpointer.save_and_keep_only(meta={"error": error}, min_keys=["error"])
        last = (weights.weight.item(), list(curves.epochs))
        checkpointer.recover_if_possible(min_key="error")
        logger.log_stats({"epoch": counter.current}, test_stats={"error": 0.2})
        write_whole(out / "results.json", repr((last, weights.weight.item())).encode())


def test_a_training(tmp_path):
    (tmp_path / "mine.yaml").write_text("output_folder: out\n")
    folder = tmp_path / "out"

    def left():
        files = contents(folder)
        names = sorted(name.split("/")[-1] for name in files)
        return names, files["results.json"], files["train_log.txt"]

    train(tmp_path, folder)
    wanted = left()
    assert wanted[2].count(b"\n") == 4
    for changes in every_kill(lambda: train(tmp_path, folder), folder):
        assert left() == wanted, f"after a kill before change {changes}"
