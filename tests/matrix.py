#!/usr/bin/env python3
"""Run the test suite as other processors would: other kernels, other numbers of threads, another order of tests.

> python -m tests.matrix            # every cell
> python -m tests.matrix --list     # what would run
> python -m tests.matrix tests/score nmr_speech/score

BLAS, PyTorch and the FFT promise no last digit: it depends on the kernel that they choose for the processor and on the
number of threads. Every value of every setting occurs in one cell at least; each cell has an order of tests of its own.
A kernel that this processor cannot run is skipped with a message.
"""

import os
import subprocess
import sys
import time

SETTINGS = ("OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS")
CELLS = (
    # kernels of NumPy and SciPy, kernels of PyTorch, threads
    ("Prescott", "default", "1"),
    ("Haswell", "avx2", "2"),
    ("SkylakeX", "", "4"),
    ("", "", "1"),
)
ALSO_CALLED = {"prescott": "katmai"}  # what OpenBLAS answers
KERNEL = (
    "import numpy; from threadpoolctl import threadpool_info; print([i['architecture'] for i in threadpool_info()][0])"
)


def runs_here(core):
    """Whether OpenBLAS takes the kernels that it is asked for."""
    if not core:
        return True
    found = subprocess.run(
        [sys.executable, "-c", KERNEL], env=os.environ | {"OPENBLAS_CORETYPE": core}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    answer = found.stdout.strip().lower()
    return found.returncode == 0 and answer in (core.lower(), ALSO_CALLED.get(core.lower()))


def main(arguments):
    """Run every cell and report; exit with 1 if one has failed."""
    only_list = "--list" in arguments
    tests = [argument for argument in arguments if argument != "--list"]
    failed = 0
    for seed, cell in enumerate(CELLS, start=1):
        settings = {name: value for name, value in zip(SETTINGS, cell, strict=True) if value}
        title = " ".join(f"{name}={value}" for name, value in settings.items()) + f" order={seed}"
        if not runs_here(cell[0]):
            print(f"left out, this processor cannot run it: {title}", flush=True)
            continue
        if only_list:
            print(title)
            continue
        environment = {name: value for name, value in os.environ.items() if name not in SETTINGS} | settings
        start = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "randomly", f"--randomly-seed={seed}", *tests]
        code = subprocess.run(command, env=environment, check=False).returncode
        failed += code != 0
        print(f"{'FAILED' if code else 'passed'} in {time.monotonic() - start:.0f} s: {title}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
