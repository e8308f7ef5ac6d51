"""Checkpoints that survive a kill at any moment."""

import shutil
from typing import Any

from speechbrain.utils.checkpoints import METAFNAME, Checkpoint, Checkpointer
from speechbrain.utils.distributed import ddp_barrier, if_main_process

from nmr_speech.checks import InputError


class WholeCheckpointer(Checkpointer):
    """SpeechBrain's checkpointer, with checkpoints that count only while all of their files are there.

    SpeechBrain recognises a checkpoint by its meta file, which it writes first and deletes in any order. A run killed
    in between cannot be resumed: its meta file is empty, or weights are missing. Here the meta file gets its name last,
    and lists the files of the checkpoint. Arguments are those of `speechbrain.utils.checkpoints.Checkpointer`.

    Example
    -------
    >>> import torch
    >>> checkpointer = WholeCheckpointer(getfixture("tmp_path"), {"model": torch.nn.Linear(1, 1)})
    >>> saved = checkpointer.save_checkpoint(meta={"error": 0.1})
    >>> checkpointer.find_checkpoint(min_key="error").path == saved.path
    True
    """

    UNFINISHED = "unfinished.yaml"

    def save_checkpoint(self, meta: dict | None = None, **kwargs: Any) -> Checkpoint | None:
        """Save all files, then give the meta file its name."""
        if if_main_process():  # only there: other processes could delete what the main one is writing
            for leftover in self.checkpoints_dir.glob(f"*/{self.UNFINISHED}"):
                shutil.rmtree(leftover.parent)
        saved = super().save_checkpoint(meta=(meta or {}) | {"recoverables": sorted(self.recoverables)}, **kwargs)
        if saved is not None:  # None on all processes but the main one
            (saved.path / self.UNFINISHED).replace(saved.path / METAFNAME)
        ddp_barrier()  # before any process lists checkpoints
        return saved

    def list_checkpoints(self) -> list[Checkpoint]:
        """List the complete checkpoints."""
        return [
            saved for saved in super().list_checkpoints() if set(saved.meta["recoverables"]) <= set(saved.paramfiles)
        ]

    def load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Load a checkpoint; that of another model is refused."""
        try:
            super().load_checkpoint(checkpoint)
        except (RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{checkpoint.path}: not of this model ({reason}); give another `output_folder`"
            ) from error

    def _save_checkpoint_metafile(self, fpath, *args, **kwargs):
        return super()._save_checkpoint_metafile(fpath.with_name(self.UNFINISHED), *args, **kwargs)
