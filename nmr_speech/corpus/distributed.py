"""The processes that simulate one data set together, as ``torchrun`` starts them.

SpeechBrain's `run_on_main` and `ddp_barrier` would not do: simulating must not import SpeechBrain, which takes seconds,
all processes need the result of the first one, and its refusal must end them all.
"""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import torch.distributed

from nmr_speech.checks import InputError, quoted

TIMEOUT = timedelta(days=30)  # the shares of the processes may take hours more than one another


@dataclass(frozen=True)
class ProcessGroup:
    """One process among those of the run.

    Arguments
    ---------
    rank : int
        Number of this process, from 0.
    size : int
        Number of processes.

    Example
    -------
    >>> ProcessGroup().run_on_first(lambda: "done"), ProcessGroup().total(3)
    ('done', 3)
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def from_environment(cls) -> Self:
        """Join the processes that ``torchrun`` started; without it, the process is alone."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        torch.distributed.init_process_group("gloo", timeout=TIMEOUT)
        return cls(torch.distributed.get_rank(), size)

    def run_on_first(self, work: Callable[[], Any]) -> Any:
        """Call a function on the first process and return its result on all; an exception there ends all processes."""
        if self.size == 1:
            return work()
        outcome = [None, False]
        try:
            if self.rank == 0:
                outcome = [work(), True]
        finally:
            torch.distributed.broadcast_object_list(outcome)
        if not outcome[1]:
            sys.exit(1)  # the first process gives the reason
        return outcome[0]

    def barrier(self) -> None:
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

    def close(self) -> None:
        """Leave the group."""
        if self.size > 1:
            torch.distributed.destroy_process_group()


def parse_share(share: str) -> tuple[int, int]:
    """Parse the part of the work that a run does: ``2/8`` is the second of eight parts.

    Arguments
    ---------
    share : str
        Part and number of parts.

    Returns
    -------
    part : int
        Index of the part, from 0.
    parts : int
        Number of parts.

    Example
    -------
    >>> parse_share("2/8")
    (1, 8)
    >>> parse_share("9/8")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `share` must be such as 2/8, the second of eight parts, got '9/8'
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", str(share))
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise InputError(f"`share` must be such as 2/8, the second of eight parts, got {quoted(share)}")
    return int(found[1]) - 1, int(found[2])
