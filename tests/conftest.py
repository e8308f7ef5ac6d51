"""Set-up for all tests."""

import os
import sys

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported; two processes with two threads each fight for cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib as mpl
import pytest
import speechbrain  # noqa: F401 - leaves its lazy modules in sys.modules
from speechbrain.utils.importutils import LazyModule

from tests.fixtures import bundle_copy, bundled, client, hub, lfs_hub, results  # noqa: F401 - fixtures

mpl.use("Agg")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems():
    """Keep Hypothesis, which asks every loaded module for its file, from importing SpeechBrain's optional parts."""
    for module in list(sys.modules.values()):
        if isinstance(module, LazyModule):
            vars(module).setdefault("__file__", None)
