"""A kill in the middle of saving or deleting leaves the checkpoint before it in force."""

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.training.checkpoints import WholeCheckpointer


class Interrupting:
    """A recoverable whose saver may be cut off."""

    def __init__(self):
        self.fail = False

    def save(self, path):
        if self.fail:
            raise KeyboardInterrupt
        path.write_text("state")


@pytest.fixture
def checkpointer(tmp_path):
    model, state = torch.nn.Linear(1, 1), Interrupting()
    hooks = {"custom_save_hooks": {"state": Interrupting.save}, "custom_load_hooks": {"state": lambda *_: None}}
    return WholeCheckpointer(tmp_path, {"model": model, "state": state}, **hooks)


def test_an_unfinished_checkpoint_is_not_there(checkpointer):
    first = checkpointer.save_checkpoint(meta={"error": 0.5})
    checkpointer.recoverables["state"].fail = True
    with pytest.raises(KeyboardInterrupt):
        checkpointer.save_checkpoint(meta={"error": 0.1})
    assert checkpointer.find_checkpoint().path == first.path
    assert checkpointer.find_checkpoint(min_key="error").path == first.path
    assert checkpointer.recover_if_possible().path == first.path
    checkpointer.recoverables["state"].fail = False
    checkpointer.save_checkpoint(meta={"error": 0.2})
    assert len(list(checkpointer.checkpoints_dir.iterdir())) == 2  # the leftover is gone


def test_a_half_deleted_checkpoint_is_not_there(checkpointer, monkeypatch):
    first = checkpointer.save_checkpoint(meta={"error": 0.5})

    def interrupt(path):
        (path / "model.ckpt").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("speechbrain.utils.checkpoints.shutil.rmtree", interrupt)
    with pytest.raises(KeyboardInterrupt):
        checkpointer.save_and_keep_only(meta={"error": 0.1}, min_keys=["error"])
    monkeypatch.undo()
    kept = checkpointer.recover_if_possible()
    assert kept.path != first.path
    assert kept.meta["error"] == 0.1


def test_a_checkpoint_of_another_model_is_refused(checkpointer):
    checkpointer.save_checkpoint()
    checkpointer.recoverables["model"] = torch.nn.Linear(2, 1)
    with pytest.raises(InputError, match=r"CKPT.*: not of this model .*size mismatch.*; give another `output_folder`"):
        checkpointer.recover_if_possible()


def test_only_the_best_and_the_last_are_kept(checkpointer):
    for error in (0.5, 0.1, 0.3, 0.2):
        checkpointer.save_and_keep_only(meta={"error": error}, min_keys=["error"])
    assert sorted(saved.meta["error"] for saved in checkpointer.list_checkpoints()) == [0.1, 0.2]
