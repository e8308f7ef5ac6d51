"""Checkpoints that survive a kill at any moment."""

import errno
import math
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import yaml
from speechbrain.utils.checkpoints import METAFNAME, PARAMFILE_EXT, Checkpoint, Checkpointer
from speechbrain.utils.distributed import ddp_barrier, if_main_process

from nmr_speech.checks import InputError, is_number, printable, quoted
from nmr_speech.files import sync_folder
from nmr_speech.reading import read_text


class WholeCheckpointer(Checkpointer):
    """SpeechBrain's checkpointer, with checkpoints that count only while all of their files are there.

    SpeechBrain recognises a checkpoint by its meta file, which it writes first and deletes in any order. A run killed
    in between cannot be resumed: its meta file is empty, or weights are missing. Here the meta file gets its name last,
    once all is on the disk, and lists the files of the checkpoint. Arguments are those of
    `speechbrain.utils.checkpoints.Checkpointer`.

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
        more: dict[str, Any] = {"recoverables": sorted(self.recoverables)}
        if if_main_process():  # only there: other processes could delete what the main one is writing
            self._remove_leftovers()
            # SpeechBrain takes the one with the largest time for the newest. A clock may be set back, so it is at
            # least that of the checkpoint before.
            before = [saved.meta["unixtime"] for saved in self.list_checkpoints()]
            more["unixtime"] = max([time.time(), *(math.nextafter(one, math.inf) + 1e-3 for one in before)])
        try:
            saved = super().save_checkpoint(meta=(meta or {}) | more, **kwargs)
        except RuntimeError as error:
            self._name_trouble(error)
            raise
        if saved is not None:  # None on all processes but the main one
            for file in saved.path.iterdir():
                with file.open("rb+") as open_file:
                    os.fsync(open_file.fileno())
            (saved.path / self.UNFINISHED).replace(saved.path / METAFNAME)
            sync_folder(saved.path)
            sync_folder(self.checkpoints_dir)
        ddp_barrier()  # before any process lists checkpoints
        return saved

    def save_and_keep_only(self, *args: Any, importance_keys: list | None = None, **kwargs: Any) -> None:
        """Save a checkpoint, then delete all but the newest and the best."""
        # SpeechBrain adds to its default list at every call, and reads all meta files once for each entry.
        super().save_and_keep_only(*args, importance_keys=list(importance_keys or ()), **kwargs)

    def list_checkpoints(self) -> list[Checkpoint]:
        """List the complete checkpoints."""
        return [
            one for one in self._found() if set(one.meta.get("recoverables", self.recoverables)) <= set(one.paramfiles)
        ]

    def load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Load a checkpoint; that of another model is refused."""
        try:
            super().load_checkpoint(checkpoint)
        # Of an odd file each may come: torch's of a wrong shape, pickle's, int's of a counter that is no number.
        except (RuntimeError, LookupError, ValueError, TypeError, EOFError, AttributeError, ArithmeticError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{checkpoint.path}: not of this model ({printable(error)}); give another `output_folder`"
            ) from error

    def resumes(self, number_of_epochs: int) -> bool:
        """Whether there is a checkpoint to resume; one of a longer training is refused.

        Arguments
        ---------
        number_of_epochs : int
            Length of the training.

        Returns
        -------
        bool
        """
        newest = self.find_checkpoint()
        if newest is None:
            return False
        counter = newest.paramfiles.get("counter")
        done = read_text(counter).strip() if counter is not None else ""
        # A counter that is no number is refused when it is loaded.
        if re.fullmatch(r"[0-9]{1,9}", done) and int(done) > number_of_epochs:
            raise InputError(
                f"{self.checkpoints_dir.parent}: has been trained for {done} epochs, more than `number_of_epochs`, "
                f"{number_of_epochs}; set another `output_folder`"
            )
        return True

    def _found(self):
        found = []
        for path in self._list_checkpoint_dirs():
            files = {file.stem: file for file in path.iterdir() if file.suffix == PARAMFILE_EXT}
            found.append(Checkpoint(path, read_meta(path / METAFNAME), files))
        return found

    def _remove_leftovers(self):
        """Remove what killed runs have left: checkpoints that were never finished, or of which a part was deleted."""
        whole = {saved.path for saved in self.list_checkpoints()}
        for path in self.checkpoints_dir.glob("CKPT*"):
            kept = path / METAFNAME
            if path.is_dir() and path not in whole and (not kept.exists() or "recoverables" in read_meta(kept)):
                shutil.rmtree(path)

    def _name_trouble(self, error):
        """Raise the error of the system behind torch's, which names neither the disk nor the file."""
        folders = sorted(self.checkpoints_dir.glob(f"*/{self.UNFINISHED}"))
        if not folders:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.checkpoints_dir)) from error
        written = [
            file for name in self.recoverables if (file := folders[-1].parent / f"{name}{PARAMFILE_EXT}").exists()
        ]
        if "PytorchStreamWriter" in str(error) or "unexpected pos" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str([*written, folders[-1]][-1])) from error

    def _save_checkpoint_metafile(self, fpath, *args, **kwargs):
        return super()._save_checkpoint_metafile(fpath.with_name(self.UNFINISHED), *args, **kwargs)


def read_meta(path: str | Path) -> dict[str, Any]:
    r"""Read the meta file of a checkpoint.

    Arguments
    ---------
    path : str | Path
        Its ``CKPT.yaml``.

    Returns
    -------
    dict[str, Any]
        ``unixtime``, ``end-of-epoch``, figures by name, of which NaN has become infinity, and ``recoverables``, the
        names of the files, which checkpoints of SpeechBrain's own do not have.

    Example
    -------
    >>> path = getfixture("tmp_path") / "CKPT.yaml"
    >>> _ = path.write_text("unixtime: yesterday\nend-of-epoch: true\n")
    >>> read_meta(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...CKPT.yaml: `unixtime` must be a number, got 'yesterday'; remove its ...
    """

    def refuse(reason: str) -> InputError:
        return InputError(f"{path}: {reason}; remove its folder, or give another `output_folder`")

    try:
        # Aliases would let a few lines stand for gigabytes; nothing that is written here has any.
        meta = yaml.load(read_text(path, longest=2**16), Loader=_NoAliases)
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError, LookupError) as error:
        raise refuse(f"cannot be read ({printable(error)})") from error
    if (reason := _oddity(meta)) is not None:
        raise refuse(reason)
    return {name: math.inf if _is_nan(value) else value for name, value in meta.items()}  # NaN is never the smallest


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _oddity(meta: Any) -> str | None:
    """What is wrong with the content of a meta file."""
    if not isinstance(meta, dict) or not all(isinstance(key, str) for key in meta):
        return "must hold names and values"
    if not isinstance(meta.get("end-of-epoch"), bool):
        return f"`end-of-epoch` must be true or false, got {quoted(meta.get('end-of-epoch'))}"
    names = meta.get("recoverables", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return f"`recoverables` must be a list of names, got {quoted(names)}"
    for name in {*meta, "unixtime"} - {"end-of-epoch", "recoverables"}:
        value = meta.get(name)
        of_figures = name != "unixtime"
        if of_figures and isinstance(value, bool):  # SpeechBrain marks checkpoints within an epoch so
            continue
        if not is_number(value, infinite=of_figures) and not (of_figures and _is_nan(value)):
            return f"`{printable(name)}` must be a number, got {quoted(value)}"
    return None


class _NoAliases(yaml.SafeLoader):
    def compose_node(self, parent, index):
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)
