"""What a script settles before its imports: threads that sleep while they wait, and memory that is kept."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch  # noqa: F401 - brings the library for threads

from nmr_speech.startup import SPINS

FAULTS = """
import resource
from nmr_speech.startup import keep_freed_memory
assert keep_freed_memory()
import torch
def work(times):
    for _ in range(times):
        torch.zeros(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = work(12)  # the heap grows until it holds what is needed
print((work(5) - before) // 5)
"""


def run(program, **environment):
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_freed_memory_is_reused_without_page_faults():
    pages_each = 4 * 10_000_000 // 4096
    assert int(run(FAULTS)) < pages_each // 100


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_settings_of_the_user_are_left_alone():
    assert run("from nmr_speech.startup import keep_freed_memory as k; print(k())", MALLOC_ARENA_MAX="2") == "False"


@pytest.mark.parametrize(
    ("chosen", "spins"),
    [({}, SPINS), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")],
)
def test_threads_sleep_soon_while_they_wait_unless_the_user_chose_otherwise(chosen, spins):
    if not any("gomp" in line for line in Path("/proc/self/maps").read_text().splitlines()):
        pytest.skip("PyTorch came with another library for threads")
    program = "from nmr_speech.startup import prepare_process as p; p(); import torch"
    environment = {"OMP_DISPLAY_ENV": "verbose", **chosen}
    shown = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert f"GOMP_SPINCOUNT = '{spins}'" in shown.stderr
