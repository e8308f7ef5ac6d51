"""A kill in the middle of saving or deleting leaves the checkpoint before it in force."""

import shutil

import pytest
import torch
from speechbrain.utils.epoch_loop import EpochCounter

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


def test_the_newest_is_the_last_one_saved_whatever_the_clock_says(checkpointer, monkeypatch):
    saved = []
    for now in (2e9, 1e9, 1e9, 1.5e9):
        monkeypatch.setattr("nmr_speech.training.checkpoints.time.time", lambda now=now: now)
        monkeypatch.setattr("speechbrain.utils.checkpoints.time.time", lambda now=now: now)
        saved.append(checkpointer.save_checkpoint())
        assert checkpointer.find_checkpoint().path == saved[-1].path


def test_what_kills_have_left_is_removed(checkpointer, tmp_path):
    for name, content in (("CKPT+a", {}), ("CKPT+b", {"CKPT.yaml": META + "recoverables: [model, state]\n"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.ckpt").write_bytes(b"weights")
        for file, text in content.items():
            (tmp_path / name / file).write_text(text)
    saved = checkpointer.save_checkpoint()
    assert list(tmp_path.iterdir()) == [saved.path]


META = "unixtime: 1.0\nend-of-epoch: true\n"


def test_a_checkpoint_of_speechbrains_own_checkpointer_is_taken(checkpointer):
    saved = checkpointer.save_checkpoint()
    (saved.path / "CKPT.yaml").write_text(META)
    assert checkpointer.recover_if_possible().path == saved.path
    (saved.path / "state.ckpt").unlink()
    assert checkpointer.recover_if_possible() is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold names and values"),
        (b"[1, 2]", "must hold names and values"),
        (b"1: 2", "must hold names and values"),
        (b"\xff\xfe", "must be text in UTF-8"),
        (b"a: [", "cannot be read"),
        (b"a: !!python/object:os.system {}", "cannot be read"),
        (b"a: &a [x]\nb: [*a, *a]", r"cannot be read \(aliases are not allowed\)"),
        (b"[" * 30000, "cannot be read"),
        (b"#" * 2**17, "must have at most 65536 bytes"),
        (b"end-of-epoch: true", "`unixtime` must be a number, got None"),
        (b"end-of-epoch: 1\nunixtime: 1", "`end-of-epoch` must be true or false, got 1"),
        (META.encode() + b"error: high", "`error` must be a number, got 'high'"),
        (META.encode() + b"recoverables: model", "`recoverables` must be a list of names"),
        (b"end-of-epoch: true\nunixtime: " + b"9" * 400, "`unixtime` must be a number"),
    ],
)
def test_an_odd_meta_file_is_refused_in_one_sentence(checkpointer, content, message):
    saved = checkpointer.save_checkpoint()
    (saved.path / "CKPT.yaml").write_bytes(content)
    with pytest.raises(InputError, match=rf"CKPT\.yaml: {message}") as caught:
        checkpointer.recover_if_possible()
    assert len(str(caught.value)) < 600


def test_a_figure_that_is_no_number_is_never_the_best(checkpointer):
    for error in (0.5, float("nan"), 0.7):
        checkpointer.save_checkpoint(meta={"error": error})
    assert checkpointer.find_checkpoint(min_key="error").meta["error"] == 0.5


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x02}q\x00."])
def test_odd_weights_are_refused(checkpointer, content):
    saved = checkpointer.save_checkpoint()
    (saved.path / "model.ckpt").write_bytes(content)
    with pytest.raises(InputError, match=r"CKPT.*: not of this model .*; give another `output_folder`"):
        checkpointer.recover_if_possible()


def test_a_full_disk_is_named_with_the_file(checkpointer, monkeypatch):
    def write_nothing(*_, **__):
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 896 vs 790")

    monkeypatch.setattr("torch.save", write_nothing)
    with pytest.raises(OSError, match=r"No space left on device: .*CKPT"):
        checkpointer.save_checkpoint()


def test_a_folder_that_was_removed_meanwhile_is_named(checkpointer, monkeypatch):
    save = torch.save

    def remove(obj, path):
        shutil.rmtree(checkpointer.checkpoints_dir)
        save(obj, path)

    monkeypatch.setattr("torch.save", remove)
    with pytest.raises(FileNotFoundError, match="No such file or directory: "):
        checkpointer.save_checkpoint()


def test_fewer_epochs_than_were_trained_are_refused(tmp_path):
    counter = EpochCounter(3)
    checkpointer = WholeCheckpointer(tmp_path / "save", {"counter": counter})
    assert not checkpointer.resumes(3)
    for _ in counter:
        checkpointer.save_checkpoint()
    assert checkpointer.resumes(3)
    assert checkpointer.resumes(4)
    with pytest.raises(InputError, match="has been trained for 3 epochs, more than `number_of_epochs`, 2; set another"):
        checkpointer.resumes(2)


def test_a_checkpoint_within_an_epoch_is_marked_by_speechbrain(checkpointer):
    checkpointer.save_checkpoint(meta={"brain_intra_epoch_ckpt": True}, end_of_epoch=False)
    assert checkpointer.find_checkpoint().meta["brain_intra_epoch_ckpt"] is True
