"""What a published file may name is there, under its present name and under that of earlier versions."""

import importlib

import pytest

from nmr_speech.checks import InputError
from nmr_speech.hub.allow_list import MENTIONED, MODULES, MOVED
from nmr_speech.hub.safe_yaml import read_nodes, tag


@pytest.mark.parametrize("name", sorted(MENTIONED))
def test_every_name_is_that_of_a_class(name):
    module, _, cls = name.rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), cls), type)


@pytest.mark.parametrize("old", MOVED)
def test_bundles_of_earlier_versions_are_read(old, tmp_path):
    path = tmp_path / "hyperparams.yaml"
    for name in (name.removeprefix(f"{MODULES}.") for name in MENTIONED if name.startswith(MODULES)):
        path.write_text(f"part: !new:{old}{name}\n")
        assert tag(read_nodes(path, published=True)["part"]) == f"!new:{old}{name}"
    path.write_text(f"part: !new:{old}torch\n")
    with pytest.raises(InputError, match="is not on the list"):
        read_nodes(path, published=True)
