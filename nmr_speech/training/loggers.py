"""Loggers of a training: a text file, or TensorBoard."""

import re
from pathlib import Path
from typing import Any

from speechbrain.utils.distributed import main_process_only
from speechbrain.utils.train_logger import FileTrainLogger, TensorboardLogger, TrainLogger

from nmr_speech.checks import InputError, one_of
from nmr_speech.files import write_whole

LOGGERS = ("file", "tensorboard")


def make_logger(kind: str, folder: str | Path) -> TrainLogger:
    r"""Make a logger; it writes nothing before the first epoch has ended.

    Arguments
    ---------
    kind : str
        ``file`` for ``train_log.txt``, ``tensorboard`` for a folder ``tensorboard``.
    folder : str | Path
        Folder to write to.

    Returns
    -------
    TrainLogger

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> make_logger("file", folder).log_stats({"epoch": 1}, train_stats={"loss": 0.5})
    >>> (folder / "train_log.txt").read_text()
    'epoch: 1 - train loss: 5.00e-01\n'
    """
    if one_of("logger", kind, LOGGERS) == "file":
        return EpochFileLogger(str(Path(folder, "train_log.txt")))
    return EpochTensorboardLogger(str(Path(folder, "tensorboard")))


class EpochFileLogger(FileTrainLogger):
    """SpeechBrain's text log with one line for each epoch, even if a run is killed between a line and its checkpoint.

    Its one argument, ``save_file``, is the text file, as in SpeechBrain's `FileTrainLogger`.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train_log.txt"
    >>> for epoch in (1, 2, 2):
    ...     EpochFileLogger(path).log_stats({"epoch": epoch}, train_stats={"loss": 0.5})
    >>> print(path.read_text().strip())
    epoch: 1 - train loss: 5.00e-01
    epoch: 2 - train loss: 5.00e-01
    """

    @main_process_only
    def log_stats(self, stats_meta: dict[str, Any], **stats: Any) -> None:
        """Log the statistics of one epoch, whose number is in ``stats_meta``, or those of the test."""
        path = Path(self.save_file)
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        lines = before.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):  # cut off, as by a full disk
            lines.pop()
        if stats.get("test_stats") is None:
            # The epoch is trained again, and so are those after it.
            epochs = [re.match(r"epoch: (\d{1,9})\b(?!.* - test )", line) for line in lines]
            again = [number for number, found in enumerate(epochs) if found and int(found[1]) >= stats_meta["epoch"]]
            kept = lines[: again[0]] if again else lines
        else:
            kept = list(lines)
            while kept and re.match(r"epoch: \d+ - test ", kept[-1]):  # of the same model, tested again
                kept.pop()
        if "".join(kept) != before:
            write_whole(path, "".join(kept).encode())
        super().log_stats(stats_meta, **stats)


class EpochTensorboardLogger(TensorboardLogger):
    """SpeechBrain's TensorBoard logger with the epoch as the step, so that a resumed run continues its curves.

    Arguments
    ---------
    save_dir : str
        Folder of the event files, made with the first ones.
    """

    def __init__(self, save_dir: str):
        try:
            import torch.utils.tensorboard  # noqa: F401, PLC0415 - an optional dependency
        except ImportError as error:
            raise InputError(
                "`logger` tensorboard needs a package that is not installed; pip install tensorboard, or use file"
            ) from error
        self.save_dir = save_dir
        self.writer: Any = None

    @main_process_only
    def log_stats(self, stats_meta: dict[str, Any], **stats: dict[str, float]) -> None:
        """Log the statistics of one epoch, whose number is in ``stats_meta``."""
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional dependency

            # What a killed run wrote of epochs that are trained again is hidden. A test comes after all epochs.
            purged = None if stats.get("test_stats") else stats_meta["epoch"]
            self.writer = SummaryWriter(self.save_dir, purge_step=purged)
        before = stats_meta["epoch"] - 1  # SpeechBrain increments the step of each statistic
        self.global_step = {
            "meta": before,
            **{split.removesuffix("_stats"): dict.fromkeys(figures, before) for split, figures in stats.items()},
        }
        super().log_stats(stats_meta, **stats)
        self.writer.flush()  # a killed process loses what is in memory
