"""Loggers: what they write, and what is missing for them."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest

from nmr_speech.checks import InputError
from nmr_speech.training.loggers import make_logger

MODULE = "torch.utils.tensorboard"


class Writer:
    """A SummaryWriter that remembers."""

    def __init__(self, folder, purge_step=None):
        self.folder, self.scalars, self.flushed, self.purge_step = folder, [], 0, purge_step

    def add_scalar(self, name, value, step):
        self.scalars.append((name, value, step))

    def flush(self):
        self.flushed = len(self.scalars)


@pytest.fixture
def no_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, None)


def log_epochs(logger, first, last):
    for epoch in range(first, last + 1):
        logger.log_stats({"epoch": epoch, "lr": 0.1}, train_stats={"loss": 1 / epoch}, valid_stats={"error": 0.5})
    logger.log_stats({"epoch": last}, test_stats={"error": 0.25})


def test_steps_are_epochs_and_go_on_in_a_resumed_run(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, MODULE, SimpleNamespace(SummaryWriter=Writer))
    unbroken, first, second = (make_logger("tensorboard", tmp_path) for _ in range(3))
    log_epochs(unbroken, 1, 4)
    log_epochs(first, 1, 2)
    log_epochs(second, 3, 4)
    scalars = unbroken.writer.scalars
    assert [(value, step) for name, value, step in scalars if name == "loss/train"] == [
        (1, 1), (1 / 2, 2), (1 / 3, 3), (1 / 4, 4),
    ]  # fmt: skip
    assert scalars[-1] == ("error/test", 0.25, 4)
    without_test = [scalar for scalar in scalars if not scalar[0].endswith("test")]
    resumed = first.writer.scalars[:-2] + second.writer.scalars  # less the test after epoch 2
    assert [scalar for scalar in resumed if not scalar[0].endswith("test")] == without_test
    assert unbroken.writer.flushed == len(scalars)
    assert unbroken.writer.folder == str(tmp_path / "tensorboard")


def test_a_run_that_was_killed_between_line_and_checkpoint_leaves_one_line(tmp_path):
    log_epochs(make_logger("file", tmp_path / "."), 1, 4)
    whole = (tmp_path / "train_log.txt").read_text()
    for cut in (whole, whole[:-5], "".join(whole.splitlines(keepends=True)[:3]), whole[:150], "a note\n" + whole):
        (tmp_path / "train_log.txt").write_text(cut)
        log_epochs(make_logger("file", tmp_path), 3, 4)
        assert (tmp_path / "train_log.txt").read_text() == ("a note\n" if "note" in cut else "") + whole


def test_a_model_that_is_tested_again_has_one_line_of_it(tmp_path):
    """Of its best epoch, which need not be the last."""
    logger, path = make_logger("file", tmp_path), tmp_path / "train_log.txt"
    log_epochs(logger, 1, 3)
    logger.log_stats({"epoch": 2}, test_stats={"error": 0.125})
    assert [line[:16] for line in path.read_text().splitlines()][-2:] == ["epoch: 3, lr: 1.", "epoch: 2 - test "]
    log_epochs(logger, 4, 4)
    assert [line.split(" - ")[0] for line in path.read_text().splitlines()][-3:] == [
        "epoch: 2", "epoch: 4, lr: 1.00e-01", "epoch: 4",
    ]  # fmt: skip


def test_tensorboard_hides_what_a_killed_run_wrote(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, MODULE, SimpleNamespace(SummaryWriter=Writer))
    resumed, tested = (make_logger("tensorboard", tmp_path) for _ in range(2))
    log_epochs(resumed, 3, 4)
    tested.log_stats({"epoch": 2}, test_stats={"error": 0.25})
    assert (resumed.writer.purge_step, tested.writer.purge_step) == (3, None)


def test_a_missing_package_is_named_and_nothing_is_written(no_tensorboard, tmp_path):
    with pytest.raises(InputError, match="pip install tensorboard, or use file"):
        make_logger("tensorboard", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert make_logger("file", tmp_path / "out")


def test_an_unknown_logger(tmp_path):
    with pytest.raises(InputError, match="`logger` must be one of file, tensorboard; got 'wandb'"):
        make_logger("wandb", tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="pip install tensorboard")
def test_tensorboard_reads_what_was_written(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415

    logger = make_logger("tensorboard", tmp_path)
    assert not list(tmp_path.iterdir())
    log_epochs(logger, 1, 3)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss/train")] == [
        (epoch, pytest.approx(1 / epoch)) for epoch in (1, 2, 3)
    ]
