"""Recipes in processes of their own, forked from a server that has imported SpeechBrain once.

A fresh interpreter takes seconds to import it; a fork of the server takes none, and has run nothing before.
"""

import importlib
import multiprocessing
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from nmr_speech.report import results
from nmr_speech.training.script import run_script

CONTEXT = multiprocessing.get_context("forkserver")
# What takes seconds to import (torch imports _dynamo with the first optimiser). Scripts are not on the server's path.
PRELOADED = (
    "nmr_speech.training.speakers",
    "nmr_speech.training.baselines",
    "nmr_speech.report.results",
    "torch._dynamo",
)


@dataclass
class Run:
    """The processes of one run, and the files that hold what they print."""

    processes: list
    output: Path
    errors: Path

    def wait(self):
        """Wait for the end; return the exit status, 0 if all processes ended well."""
        for process in self.processes:
            process.join()
        return max(abs(process.exitcode) for process in self.processes)

    def running(self):
        """Whether a process still runs."""
        return any(process.is_alive() for process in self.processes)

    def kill(self):
        """End all processes at once, as a power cut would."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()

    @property
    def stdout(self):
        """What was printed."""
        return self.output.read_text()

    @property
    def stderr(self):
        """What was printed to the standard error."""
        return self.errors.read_text()


def start(script, arguments, folder, n=1):
    """Start a script of the recipes, by its module's name, in n processes as ``torchrun`` would."""
    CONTEXT.set_forkserver_preload(list(PRELOADED))
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("stdout*")))
    output, errors = folder / f"stdout{number}.txt", folder / f"stderr{number}.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [str(argument) for argument in arguments]
    processes = [
        CONTEXT.Process(target=_run, args=(script, arguments, rank, n, port, output, errors)) for rank in range(n)
    ]
    output.touch()
    errors.touch()
    for process in processes:
        process.start()
    return Run(processes, output, errors)


def run(script, arguments, folder, n=1):
    """As `start`, and wait for the end."""
    started = start(script, arguments, folder, n)
    started.wait()
    return started


def leave_out_pictures(module, patch=setattr):
    """Draw no pictures in the report of a classifier: half of the time, and no part of most tests."""
    for picture in ("plot_confusion", "plot_recording"):
        patch(module, picture, lambda *_, **__: None)


def _run(script, arguments, rank, n, port, output, errors):
    for stream, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), stream)
    if n > 1:
        of_rank = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": n, "LOCAL_WORLD_SIZE": n}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        os.environ |= {name: str(value) for name, value in (of_rank | address).items()}
    sys.argv = [script, *arguments]
    leave_out_pictures(results)
    run_script(importlib.import_module(script).main, arguments)
