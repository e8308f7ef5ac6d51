"""Whatever a file holds, its reader returns what it promises or says one sentence: nothing else, and nothing long."""

import functools
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.hub.safe_yaml import plain, read_nodes
from nmr_speech.hub.tensors import Saved, load_weights
from nmr_speech.inference.domain_check import read_training
from nmr_speech.reading import Optional, checked, count, number, read_bytes, read_json, read_text, text
from nmr_speech.reconstruction.load import TRAINED, load_network
from nmr_speech.trouble import sentence_of
from tests.fixtures import TRAINING
from tests.inference.payloads import TRAINING as SETTINGS
from tests.inference.payloads import YAML

few = functools.partial(
    settings, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SCALARS = (
    "", "~", "true", "1", "-1", "0x1F", "1_000", "1e400", "-.inf", ".nan", "9" * 400, "9" * 5000, "2001-01-01",
    "12:30:45", "!!binary aGk=", "!!set {a}", "!!python/name:os.system", "(1, 2)", "'\x1b'", '"\\e[2J"', "[", "]", "{",
    "}", "? a", "- a", "&a [*a]", "*b", "<<: {a: 1}", "!ref <seed>", "!new:os.system", "%YAML 9.9", "---", "...", "\t",
    "\x00", "\ufeff", "\u202e",
)  # fmt: skip


def spoiled(original):
    """Texts that differ from one that is good: a line lost, a value replaced, the end cut off, bytes changed."""
    lines = original.splitlines()
    values = st.sampled_from(SCALARS) | st.text(max_size=8)

    def replace(change):
        at, value, kind = change
        new = list(lines)
        if kind == "drop":
            del new[at]
        elif kind == "value":
            new[at] = new[at].partition(":")[0] + ": " + value
        else:
            new[at] = value
        return "\n".join(new).encode(errors="replace")

    changed = st.tuples(st.integers(0, len(lines) - 1), values, st.sampled_from(["drop", "value", "line"])).map(replace)
    cut = st.integers(0, len(original)).map(lambda end: original[:end].encode())
    return changed | cut | st.binary(max_size=40)


def one_sentence(call):
    """Return what a reader gives, or None after one sentence."""
    try:
        return call()
    except InputError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) <= 1500
    return None


@few(max_examples=80)
@given(content=spoiled(SETTINGS) | spoiled(TRAINING.format(folder="/a", head="")))
def test_settings_of_a_training(content, tmp_path):
    path = tmp_path / "training.yaml"
    path.write_bytes(content)
    training = one_sentence(lambda: read_training(read_nodes(path, published=False), path))
    if training is not None:
        assert str(training).isprintable()
        assert training.fewest_transients >= 1


@few(max_examples=80)
@given(content=spoiled(YAML))
def test_descriptions_of_models(content, tmp_path):
    path = tmp_path / "hyperparams.yaml"
    path.write_bytes(content)
    nodes = one_sentence(lambda: read_nodes(path, published=True))
    for node in (nodes or {}).values():
        one_sentence(lambda node=node: plain(node, path))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol", "ignore:TypedStorage")
@few(max_examples=40)
@given(change=st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=4)), cut=st.integers(0, 2000))
@pytest.mark.parametrize("ending", ["new.ckpt", "old.ckpt", "safetensors"])
def test_weights(ending, change, cut, tmp_path):
    from safetensors.torch import save_file  # noqa: PLC0415 - beside its use

    path, weights = tmp_path / f"a.{ending}", {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    if ending == "safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=ending == "new.ckpt")
    content = bytearray(path.read_bytes())
    at, new = change
    content[at : at + len(new)] = new
    path.write_bytes(bytes(content if cut > 1900 else content[: cut % (len(content) + 1)]))
    loaded = one_sentence(lambda: load_weights(path))
    assert loaded is None or all(tensor.isfinite().all() for tensor in loaded.values())
    one_sentence(lambda: Saved.load(path))


@few(max_examples=20)
@given(content=spoiled((TRAINED["modern"] / "config.json").read_text()))
def test_configurations_of_networks(content, tmp_path):
    (tmp_path / "model.safetensors").write_bytes((TRAINED["modern"] / "model.safetensors").read_bytes())
    (tmp_path / "config.json").write_bytes(content)
    one_sentence(lambda: load_network(tmp_path))


SHAPE = {"a": number, "b": [count], "c": Optional({"d": text}), "e": {str: count}}
GOOD = {"a": 1.5, "b": [1, 2], "c": {"d": "x"}, "e": {"f": 3}}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@few(max_examples=80)
@given(key=st.sampled_from("abce"), value=ANY)
def test_what_has_the_shape_is_returned_as_it_is(key, value, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(GOOD | {key: value}))
    found = one_sentence(lambda: read_json(tmp_path / "a.json", SHAPE))
    if found is not None:
        assert np.isfinite(found["a"])
        assert all(0 <= whole < 2**63 for whole in (*found["b"], *found["e"].values()))
        assert found["c"] is None or found["c"]["d"].isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": True}, "`a` must be a finite number, got True"),
        ({"b": 5}, "`b` must be a list, got 5"),
        ({"b": [1, -1]}, r"`b\[1\]` must be a whole number from 0, got -1"),
        ({"c": {"d": "x" * 1000}}, "`c.d` must be a printable text"),
        ({"c": {}}, "the key `c.d` is missing"),
        ({"e": {"\x1b": "x"}}, r"`e\.\?` must be a whole number"),
    ],
)
def test_messages_lead_to_the_value(content, message):
    assert checked(GOOD | {"c": None}, SHAPE, "it")
    with pytest.raises(InputError, match=message):
        checked(GOOD | content, SHAPE, "it")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError, match="must be a file"):
            read_bytes(path)
    for name in ("nowhere", "x" * 300, "a\x00b", "pipe/inside"):
        with pytest.raises(InputError, match=r"not there; look elsewhere|cannot be read"):
            read_text(tmp_path / name, hint="look elsewhere")
    with tempfile.NamedTemporaryFile() as sparse:
        os.truncate(sparse.name, 2**40)
        with pytest.raises(InputError, match="must have at most 4194304 bytes, got 1099511627776"):
            read_json(sparse.name, {})


@given(error=st.builds(OSError, st.integers(0, 140), st.text(), st.text()))
@few(max_examples=50)
def test_every_system_error_has_a_sentence(error):
    said = sentence_of(error)
    assert said
    assert said.isprintable()
    assert len(said) <= 600
