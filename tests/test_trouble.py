"""Ordinary trouble ends with one sentence; a fault of the program keeps its traceback."""

import ast
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.training.launch import choose_device
from nmr_speech.trouble import one_sentence, sentence_of

AGAIN = "run the same command again to resume"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("`seed` must be whole"), "error: `seed` must be whole"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b.ckpt"), rf"a/b.ckpt: the disk is full.*; then {AGAIN}$"),
        (OSError(errno.ENOSPC, "No space left on device"), "^error: the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", b"a"), "^error: a: the file system is read-only"),
        (PermissionError(errno.EACCES, "Permission denied", "a\x1b[2J"), r"^error: a\?\[2J: no permission"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), "a: does not exist, or was removed"),
        (OSError("odd"), "^error: odd; then"),
        (OSError(), "^error: OSError; then"),
        (RuntimeError("[enforce fail at inline_container.cc:668] . unexpected pos 896 vs 790"), "disk is full"),
        (RuntimeError("DataLoader worker (pid 17) is killed by signal: Killed. "), "was killed.*loader_workers=0"),
        (MemoryError(), "too little memory"),
    ],
)
def test_trouble_is_one_sentence(error, sentence):
    with pytest.raises(SystemExit, match=sentence) as caught, one_sentence(AGAIN):
        raise error
    assert "\n" not in str(caught.value.code)


@pytest.mark.parametrize("error", [KeyError("a"), RuntimeError("mat1 and mat2"), ZeroDivisionError()])
def test_a_fault_of_the_program_keeps_its_traceback(error):
    assert sentence_of(error) is None
    with pytest.raises(type(error)), one_sentence(AGAIN):
        raise error


def test_an_interruption_says_what_to_do(capsys):
    with pytest.raises(SystemExit) as caught, one_sentence(AGAIN):
        raise KeyboardInterrupt
    assert caught.value.code == 130
    assert capsys.readouterr().err == f"\ninterrupted; {AGAIN}\n"


def test_ctrl_c_while_something_is_imported_is_one_sentence():
    program = (
        # As in a shell: a background job inherits that the signal is ignored, and CI may be one.
        "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from nmr_speech.trouble import expect_interruptions\nexpect_interruptions()\n"
        "os.kill(os.getpid(), signal.SIGINT)\nsum(range(1000))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGINT  # which a shell shows as 130
    assert done.stderr == "\ninterrupted; run the same command again\n"


RECIPES = [
    path for path in (Path(__file__).parents[1] / "recipes").rglob("*.py") if "run_script(main" in path.read_text()
]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: "/".join(path.parts[-3:]))
def test_recipes_prepare_the_process_before_they_import_what_takes_seconds(path):
    first, second = ast.parse(path.read_text()).body[1:3]  # after the docstring
    assert ast.unparse(first) == "from nmr_speech.startup import prepare_process"
    assert ast.unparse(second) == "prepare_process()"


@pytest.mark.parametrize("end", ["", "    sys.exit(0)\n"])
def test_a_closed_pipe_is_silent(end):
    program = f"import sys\nfrom nmr_speech.trouble import one_sentence\nwith one_sentence():\n    print('x')\n{end}"
    done = unread([sys.executable, "-c", program])
    assert (done.returncode, done.stderr) == (141, b"")


def unread(command):
    """Run a command whose output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    return done


def test_files_are_written_before_anything_is_said(tmp_path):
    out = tmp_path / "gly.wav"
    done = unread([sys.executable, "-m", "nmr_speech.cli", "simulate", "GLY", "--out", out])
    assert (done.returncode, done.stderr) == (141, b"")
    assert out.is_file()


COMMANDS = {
    "simulate": ["simulate", "GLY", "--out={folder}/a.wav"],
    "classify": ["classify", "{folder}", "--model=user/amino"],
    "reconstruct": ["reconstruct", "{folder}", "--method=ist", "--out={folder}/a.ft2", "--rate=0.5"],
    "demo": ["demo", "--model=user/amino"],
    "publish": ["publish", "{folder}", "user/amino"],
    "publish-data": ["publish-data", "{folder}", "user/amino"],
}
INSIDE = {
    "simulate": "nmr_speech.simulate.draw_mixture",
    "classify": "nmr_speech.inference.load_classifier",
    "reconstruct": "nmr_speech.reconstruction.run.reconstruct",
    "demo": "nmr_speech.demo.page.serve",
    "publish": "nmr_speech.publish.commands.publish_model",
    "publish-data": "nmr_speech.publish.commands.publish_data",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "a"), "error: a: the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "a"), "error: a: the file system is read-only"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), "error: a: does not exist, or was removed"),
        (InputError("`seed` must be whole"), "error: `"),
        (BrokenPipeError(), 141),
        (MemoryError(), "error: too little memory"),
    ],
    ids=["Ctrl+C", "disk full", "read-only", "removed", "input", "pipe", "memory"],
)
def test_no_command_ends_in_a_traceback(command, error, status, tmp_path, monkeypatch, capfd):
    def trouble(*_, **__):
        raise error

    monkeypatch.setattr(INSIDE[command], trouble)
    monkeypatch.setattr("nmr_speech.trouble._end_silently", lambda: sys.exit(141))  # it closes what pytest reads
    with pytest.raises(SystemExit) as caught:
        main([argument.format(folder=tmp_path) for argument in COMMANDS[command]])
    assert str(caught.value.code).startswith(str(status))
    assert "Traceback" not in capfd.readouterr().err


def test_a_full_disk_while_a_recording_is_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nmr_speech.files.os.fdopen", full)
    with pytest.raises(SystemExit, match="the disk is full"):
        main(["simulate", "GLY", "--out", str(tmp_path / "a.wav")])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", ["nowhere", "cuda:99", "mps", "meta", ""])
def test_devices_that_are_not_here(device):
    with pytest.raises(InputError, match=r"`device` .*(must be cpu or cuda|is not available)"):
        choose_device(device)


class Failing(torch.utils.data.Dataset):
    """Fails in the process that loads it."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, number):
        raise self.error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("a.wav: cannot be read as audio"), "error: a.wav: cannot be read as audio"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.wav"), "error: No such file: 'a.wav'"),
    ],
)
def test_trouble_in_a_process_that_loads_data_is_that_of_the_command(error, sentence):
    loader = torch.utils.data.DataLoader(Failing(error), batch_size=None, num_workers=1)
    with pytest.raises(SystemExit) as caught, one_sentence():
        list(loader)
    assert caught.value.code == sentence
