"""Ordinary trouble ends with one sentence; a fault of the program keeps its traceback."""

import errno
import os
import subprocess
import sys

import pytest

from nmr_speech.checks import InputError
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
        (RuntimeError("DataLoader worker (pid 17) is killed by signal: Killed. "), "was killed.*num_workers=0"),
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


def test_a_closed_pipe_is_silent():
    program = "from nmr_speech.trouble import one_sentence\nwith one_sentence():\n    print('x' * 10)\n"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
