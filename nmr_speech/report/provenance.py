"""Where a number comes from: commit, versions, hardware."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

PACKAGES = ("nmr_speech", "speechbrain", "torch", "torchaudio", "HyperPyYAML", "numpy", "scipy", "scikit-learn")


def provenance() -> dict:
    """Describe the code and the machine of this process, ready for JSON.

    Returns
    -------
    dict
        ``commit`` (with "-dirty" if files differ from it; None outside a checkout), ``versions``, ``hardware``.

    Example
    -------
    >>> sorted(provenance())
    ['commit', 'hardware', 'versions']
    """
    return {
        "commit": _commit(),
        "versions": {"python": platform.python_version()} | {package: version(package) for package in PACKAGES},
        "hardware": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }


def _commit() -> str | None:
    head = _git("rev-parse", "HEAD")
    # Results that a benchmark is writing do not change what it measures.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/benchmarks/*/results*")
    return f"{head}-dirty" if head and changed else head or None


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    # `platform.processor` is empty on most Linux systems.
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
