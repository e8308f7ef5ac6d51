"""A small data set that several tests read."""

import pytest

from nmr_speech.corpus.dataset import build_dataset
from tests.corpus.folders import PLAN


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "built"
    assert build_dataset(folder, PLAN)
    return folder
