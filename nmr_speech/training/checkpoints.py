"""Checkpoints that survive a kill at any moment."""

import shutil

from speechbrain.utils.checkpoints import METAFNAME, Checkpointer
from speechbrain.utils.distributed import ddp_barrier, if_main_process

from nmr_speech.checks import InputError


class WholeCheckpointer(Checkpointer):
    """SpeechBrain's checkpointer, for which a checkpoint counts only while all of its files are there.

    SpeechBrain recognises a checkpoint by its meta file, which it writes first and removes among the rest. A run killed
    in between cannot be resumed: it finds an empty meta file or misses weights. Here the meta file gets its name last,
    and lists what must lie beside it. Arguments are those of `speechbrain.utils.checkpoints.Checkpointer`.

    Example
    -------
    >>> import torch
    >>> checkpointer = WholeCheckpointer(getfixture("tmp_path"), {"model": torch.nn.Linear(1, 1)})
    >>> saved = checkpointer.save_checkpoint(meta={"error": 0.1})
    >>> checkpointer.find_checkpoint(min_key="error").path == saved.path
    True
    """

    UNFINISHED = "unfinished.yaml"

    def save_checkpoint(self, meta=None, **kwargs):
        """Save all files, then let the checkpoint count."""
        if if_main_process():  # alone: what another process finds unfinished may be what this one is writing
            for leftover in self.checkpoints_dir.glob(f"*/{self.UNFINISHED}"):
                shutil.rmtree(leftover.parent)
        saved = super().save_checkpoint(meta=(meta or {}) | {"recoverables": sorted(self.recoverables)}, **kwargs)
        if saved is not None:  # None on all processes but the main one
            (saved.path / self.UNFINISHED).replace(saved.path / METAFNAME)
        ddp_barrier()  # before any process looks for it
        return saved

    def list_checkpoints(self):
        """List the checkpoints that are whole."""
        return [
            saved for saved in super().list_checkpoints() if set(saved.meta["recoverables"]) <= set(saved.paramfiles)
        ]

    def load_checkpoint(self, checkpoint):
        """Load a checkpoint, or say that it is another model's."""
        try:
            super().load_checkpoint(checkpoint)
        except (RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{checkpoint.path}: not of this model ({reason}); give another `output_folder`"
            ) from error

    def _save_checkpoint_metafile(self, fpath, *args, **kwargs):
        return super()._save_checkpoint_metafile(fpath.with_name(self.UNFINISHED), *args, **kwargs)
