"""What a published file may name is there, under its present name and under that of earlier versions."""

import importlib

import pytest

from nmr_speech.checks import InputError
from nmr_speech.hub.allow_list import MENTIONED, MOVED
from nmr_speech.hub.safe_yaml import read_nodes, tag


@pytest.mark.parametrize("name", sorted(MENTIONED))
def test_every_name_is_that_of_a_class(name):
    module, _, cls = name.rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), cls), type)


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_old_names_are_read_and_mean_a_class_that_may_be_mentioned(old, new, tmp_path):
    path = tmp_path / "hyperparams.yaml"
    path.write_text(f"part: !new:{old}\n")
    assert tag(read_nodes(path, published=True)["part"]) == f"!new:{old}"
    assert new in MENTIONED
    path.write_text(f"part: !new:{old}.torch\n")
    with pytest.raises(InputError, match="is not on the list"):
        read_nodes(path, published=True)
