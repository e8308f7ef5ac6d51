"""What a recipe script settles before it imports what takes seconds: interruptions, waiting threads, freed memory."""

import ctypes
import os
import platform

from nmr_speech.trouble import expect_interruptions

# Of malloc.h; the values that `mallopt` takes are ints.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD_BYTES = 2**28
SPINS = "1000"


def prepare_process() -> None:
    """Prepare a process that trains or simulates; to be called before PyTorch is imported."""
    expect_interruptions()
    share_cores()
    keep_freed_memory()


def share_cores() -> None:
    """Let threads that wait for each other sleep after a few microseconds, unless the user chose otherwise.

    OpenMP lets them spin for milliseconds. On a machine with other work, a thread that spins holds the core that the
    thread it waits for needs, and a training step takes several times as long; threads that sleep at once slow a quiet
    machine down. `benchmarks.startup` measures all three. The library that comes with PyTorch reads the variable
    ``GOMP_SPINCOUNT`` when PyTorch is imported: later than that, this does nothing.

    Example
    -------
    >>> getfixture("monkeypatch").setenv("GOMP_SPINCOUNT", "30000")
    >>> share_cores()
    >>> os.environ["GOMP_SPINCOUNT"]
    '30000'
    """
    if not any(name in os.environ for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")):
        os.environ["GOMP_SPINCOUNT"] = SPINS


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory for the next tensor instead of giving it back to the system.

    Otherwise each large tensor is mapped, zeroed by the kernel page by page, and unmapped again. The process holds a
    little more memory; `benchmarks.startup` measures both. Variables ``MALLOC_...`` of the user are left alone, and
    so is every C library but glibc.

    Returns
    -------
    bool
        Whether anything was set.

    Example
    -------
    >>> getfixture("monkeypatch").setenv("MALLOC_ARENA_MAX", "2")
    >>> keep_freed_memory()
    False
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # -1: never trim. Without the padding, the heap would grow by one tensor at a time.
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1, M_TOP_PAD: TOP_PAD_BYTES}
    return min(mallopt(name, value) for name, value in settings.items()) == 1  # 1 is success
