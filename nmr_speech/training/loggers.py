"""Loggers of a training: a text file, or TensorBoard."""

from pathlib import Path
from typing import Any

from speechbrain.utils.distributed import main_process_only
from speechbrain.utils.train_logger import FileTrainLogger, TensorboardLogger, TrainLogger

from nmr_speech.checks import InputError, one_of

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
        return FileTrainLogger(str(Path(folder, "train_log.txt")))
    return EpochTensorboardLogger(str(Path(folder, "tensorboard")))


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
            super().__init__(self.save_dir)
        before = stats_meta["epoch"] - 1  # SpeechBrain increments the step of each statistic
        self.global_step = {
            "meta": before,
            **{split.removesuffix("_stats"): dict.fromkeys(figures, before) for split, figures in stats.items()},
        }
        super().log_stats(stats_meta, **stats)
        self.writer.flush()  # a killed process loses what is in memory
