"""Where the figures of a training go: a text file, or TensorBoard."""

from pathlib import Path

from speechbrain.utils.distributed import main_process_only
from speechbrain.utils.train_logger import FileTrainLogger, TensorboardLogger, TrainLogger

from nmr_speech.checks import InputError, one_of

LOGGERS = ("file", "tensorboard")


def make_logger(kind: str, folder: str | Path) -> TrainLogger:
    r"""Make a logger; nothing is written before there are figures.

    Arguments
    ---------
    kind : str
        ``file`` for ``train_log.txt``, ``tensorboard`` for a folder ``tensorboard``.
    folder : str | Path
        Where the file or the folder lies.

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
    """SpeechBrain's TensorBoard logger, with the epoch as the step, so that a resumed run goes on with its curves.

    Arguments
    ---------
    save_dir : str
        Folder of the event files, made with the first figures.
    """

    def __init__(self, save_dir):
        try:
            import torch.utils.tensorboard  # noqa: F401, PLC0415 - an optional dependency
        except ImportError as error:
            raise InputError(
                "`logger` tensorboard needs a package that is not there; pip install tensorboard, or take file"
            ) from error
        self.save_dir, self.writer = save_dir, None

    @main_process_only
    def log_stats(self, stats_meta, **stats):
        """Log the figures of one epoch; ``stats_meta`` names it."""
        if self.writer is None:
            super().__init__(self.save_dir)
        before = stats_meta["epoch"] - 1  # SpeechBrain counts one up for each figure
        self.global_step = {
            "meta": before,
            **{split.removesuffix("_stats"): dict.fromkeys(figures, before) for split, figures in stats.items()},
        }
        super().log_stats(stats_meta, **stats)
        self.writer.flush()  # what stays in memory dies with the process
