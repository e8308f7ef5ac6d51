"""Processes that make one data set together, as ``torchrun`` starts them."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch.distributed

from nmr_speech.checks import InputError

PATIENCE = timedelta(days=30)  # a rank that has ended its share waits for the others


@dataclass(frozen=True)
class Team:
    """One process among those of the run.

    Arguments
    ---------
    rank : int
        Number of the process.
    size : int
        Number of processes.

    Example
    -------
    >>> Team().first(lambda: "done"), Team().total(3)
    ('done', 3)
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def from_environment(cls) -> "Team":
        """Join the processes that ``torchrun`` has started; a process that it has not started is alone."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        torch.distributed.init_process_group("gloo", timeout=PATIENCE)
        return cls(torch.distributed.get_rank(), size)

    def first(self, work: Callable[[], Any]) -> Any:
        """Let the first process do something, and give its result to all; where it is refused, all end."""
        if self.size == 1:
            return work()
        outcome = [None, False]
        try:
            if self.rank == 0:
                outcome = [work(), True]
        finally:
            torch.distributed.broadcast_object_list(outcome)
        if not outcome[1]:
            sys.exit(1)  # the first process says why
        return outcome[0]

    def wait(self):
        """Wait until all processes are here."""
        if self.size > 1:
            torch.distributed.barrier()

    def total(self, count: int) -> int:
        """Sum a count over all processes."""
        if self.size == 1:
            return count
        counts = torch.tensor(count)
        torch.distributed.all_reduce(counts)
        return int(counts)

    def leave(self):
        """End the communication."""
        if self.size > 1:
            torch.distributed.destroy_process_group()


def share(of: str) -> tuple[int, int]:
    """Read which part of the work a run is to do, such as ``2/8``: the second of eight parts.

    Example
    -------
    >>> share("2/8")
    (1, 8)
    >>> share("9/8")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `share` must be such as 2/8, the second of eight parts, got '9/8'
    """
    part, slash, parts = str(of).partition("/")
    if not slash or not part.isdigit() or not parts.isdigit() or not 1 <= int(part) <= int(parts):
        raise InputError(f"`share` must be such as 2/8, the second of eight parts, got {of!r}")
    return int(part) - 1, int(parts)
