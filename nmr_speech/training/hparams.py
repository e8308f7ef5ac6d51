"""Load a recipe's YAML with overrides, and name a wrong key before anything is built."""

import contextlib
import dataclasses
import difflib
import re
from collections.abc import Collection, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError, printable, quoted, whole
from nmr_speech.reading import read_text

LONGEST = 2**20  # bytes of a file
OBJECTS = ("!new", "!name", "!include")
"""Tags whose values are objects: only another object, or some of its arguments, can take their place."""

COUNTS = {"seed": (0, 2**63 - 1), "number_of_epochs": (1, 10**6)}
"""Whole numbers that objects are made with, and their ranges."""

NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
RENAMED_KEYS = {
    "nuisances": "`augmentation`, such as --augmentation='{reference_offset: {offset_ppm: [-0.2, 0.2]}}'",
    "margin": "an argument of the head, such as --head='!include:head/margin.yaml {margin: 0.2}'",
    "disturb_evaluation": "`evaluation_augment`",
}
"""Keys of earlier versions, and what has taken their place."""

RENAMED_CLASSES = {
    "nmr_speech.checkpoints.WholeCheckpointer": "nmr_speech.training.checkpoints.WholeCheckpointer",
    "nmr_speech.dataio.remaining": "nmr_speech.training.dataio.training_speakers",
    "nmr_speech.loggers.make_logger": "nmr_speech.training.loggers.make_logger",
    "nmr_speech.models.augment.Nuisances": "nmr_speech.training.augment.Augmentation",
    "nmr_speech.models.heads.make_head": "nmr_speech.models.heads.LinearHead or MarginHead",
    "nmr_speech.models.transfer.Pretrained": "nmr_speech.training.transfer.Pretrained",
}
"""Classes and functions that YAML files of earlier versions name, and their present names."""


def load_hparams(path: str | Path, overrides: str, keys: Collection[str]) -> dict[str, Any]:
    r"""Load a hyperparameter file.

    Arguments
    ---------
    path : str | Path
        YAML file; its base and the parts that it includes are found relative to it. See `flatten_hparams`.
    overrides : str
        YAML text with overrides, as `speechbrain.parse_arguments` returns it.
    keys : Collection[str]
        The keys that the recipe reads. Each must be there. Other keys are refused unless the file itself refers to
        them, or they are SpeechBrain run options.

    Returns
    -------
    dict[str, Any]
        Values and objects by key.

    Example
    -------
    >>> path = getfixture("tmp_path") / "recipe.yaml"
    >>> _ = path.write_text("lr: 0.001\nepochs: 3\n")
    >>> load_hparams(path, "epochs: 5", keys=["lr", "epochs"])["epochs"]
    5
    >>> load_hparams(path, "", keys=["lr", "epoch"])
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...recipe.yaml: the key `epochs` means nothing to this recipe; did you mean `epoch`?
    """
    with _one_sentence(path):
        tree, overrides_by_key = _merge(Path(path), overrides)
        _check_keys(tree, keys)
        text = _resolve(path, tree, overrides_by_key)
        for name in re.findall(r"!(?:new|name|apply):([\w.]+)", text):
            if name in RENAMED_CLASSES:
                raise InputError(f"{name} is now {RENAMED_CLASSES[name]}; correct the file")
        return _build(text)


def flatten_hparams(path: str | Path, overrides: str) -> str:
    r"""Return one YAML text with the base, the overrides, the included parts and the references put in.

    A file may begin with ``base: other.yaml``, a file beside it that is complete or has a base itself. It then gives
    only the keys that differ, each with its whole value. A part that takes the place of another one keeps the
    arguments of the ``!include`` that it replaces: a head, say, gets the size of the embeddings.

    Arguments
    ---------
    path : str | Path
        YAML file.
    overrides : str
        YAML text with overrides. A mapping without a tag is merged into that of the file, all else replaces.

    Returns
    -------
    str

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "base.yaml").write_text("lr: 0.003\nrate: !ref 2 * <lr>\nepochs: 12\n")
    >>> _ = (folder / "mine.yaml").write_text("base: base.yaml\nlr: 0.001\n")
    >>> print(flatten_hparams(folder / "mine.yaml", "epochs: 5"))
    lr: 0.001
    rate: 0.002
    epochs: 5
    """
    with _one_sentence(path):
        return _resolve(path, *_merge(Path(path), overrides))


def _build(text):
    """Make the objects; whatever a class or function raises for its arguments is a fault of the file."""
    top = YAML(typ="safe", pure=True).compose(text)
    for key, value in getattr(top, "value", ()):
        if key.value in COUNTS and isinstance(value, ScalarNode):
            number = YAML(typ="safe", pure=True).load(value.value) if value.tag in NUMBERS else value.value
            whole(key.value, number, *COUNTS[key.value])
    try:
        return load_hyperpyyaml(text)
    except (InputError, YAMLError, OSError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"cannot be used: {type(error).__name__}: {printable(error)}; correct the key") from error


@contextlib.contextmanager
def _one_sentence(path):
    """Turn errors of the libraries into one sentence that names the file."""
    try:
        yield
    except KeyError as error:  # an override of a key that is not there
        raise InputError(f"{path}: {printable(error.args[0] if error.args else error)}") from error
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: includes {error.filename}, which does not exist; parts lie in frontend/, backbone/ and head/ "
            f"beside it"
        ) from error
    except YAMLError as error:
        raise InputError(f"{path}: the file or an override is not valid YAML: {printable(error)}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{path}: a key refers to itself, or is nested too deeply; correct it") from error
    # A placeholder left in place, a key that an expression cannot compute with, an override of another shape
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, SyntaxError) as error:
        raise InputError(f"{path}: {printable(' '.join(map(str, error.args)))}") from error


def _check_keys(tree, keys):
    stream = StringIO()
    YAML().dump(tree, stream)
    # A key that others are computed from, such as `pretrained_lr`, is used although no recipe reads it.
    referred_to = re.findall(r"<(\w+)", stream.getvalue())
    run_options = {option.name for option in dataclasses.fields(RunOptions)}
    for key in set(tree) - {*keys, *run_options, *referred_to}:
        if key.startswith("__"):
            continue
        _refuse_renamed(key)
        near = difflib.get_close_matches(key, sorted(keys), n=1)
        remedy = f"did you mean `{near[0]}`?" if near else "remove it"
        raise InputError(f"the key `{key}` means nothing to this recipe; {remedy}")
    for key in set(keys) - set(tree):
        raise InputError(f"the key `{key}` is missing; add it")


def _refuse_renamed(key):
    if key in RENAMED_KEYS:
        raise InputError(f"the key `{key}` is now {RENAMED_KEYS[key]}")


def _merge(path, overrides):
    """The file laid over its base, and the overrides that are left, as mappings."""
    if not path.is_file():
        raise InputError("no such hyperparameter file")
    yaml = YAML()
    tree = _lay_over_base(yaml, path, ())
    overrides = _mapping(yaml.load(overrides) or {}, "overrides ")
    for key, value in list(overrides.items()):
        _refuse_cycle(key, value)
        _refuse_other_kind(key, tree.get(key), value)
        if key not in tree:
            _refuse_renamed(key)
        elif _is_include(value):
            _replace(tree, key, overrides.pop(key))
        elif isinstance(value, Mapping) and _tag_of(value):
            tree[key] = overrides.pop(key)  # HyperPyYAML would merge it and keep the old tag: another optimiser, unused
        elif isinstance(value, Mapping) and tree[key] is None:
            tree[key] = {}  # HyperPyYAML fails on null
    return tree, overrides


def _mapping(value, what=""):
    if not isinstance(value, Mapping):
        raise InputError(f"{what}must hold keys and values, got {quoted(value)}")
    return value


def _refuse_other_kind(key, old, new):
    """Refuse a plain value, or null, in the place of an object."""
    kind = _tag_of(old).partition(":")[0]
    if kind not in OBJECTS or _tag_of(new):
        return
    if new is None or not isinstance(new, Mapping):
        raise InputError(f"`{key}` must be an object such as {_tag_of(old)}, got {quoted(new)}")


def _refuse_cycle(key, value):
    if _tag_of(value) == "!ref" and re.search(rf"<{re.escape(str(key))}\b", str(getattr(value, "value", ""))):
        raise InputError(f"`{key}` must not refer to itself, got {quoted(value.value)}; give a number")


def _lay_over_base(yaml, path, above):
    tree = _mapping(yaml.load(read_text(path, LONGEST)))
    if "base" not in tree:
        return tree
    base_path = path.parent / str(tree.pop("base"))
    if not base_path.is_file():
        raise InputError(f"`base` must be a file beside it, got {base_path}")
    if base_path in (path, *above):
        raise InputError(f"`base` must not lead back to {base_path}")
    base = _lay_over_base(yaml, base_path, (path, *above))
    base.ca.comment = tree.ca.comment  # the title of this file, not that of its base
    for key, value in tree.items():
        _refuse_other_kind(key, base.get(key), value)
        _replace(base, key, value)
        base.ca.items.pop(key, None)  # a comment on another value
    return base


def _tag_of(node):
    return str(getattr(getattr(node, "tag", None), "value", None) or "")


def _is_include(node):
    return _tag_of(node).startswith("!include:")


def _replace(tree, key, value):
    """Set a key; an included part keeps the arguments of the one that it replaces, unless it brings its own."""
    old = tree.get(key)
    if _is_include(value) and _is_include(old) and isinstance(old, Mapping):
        part = CommentedMap({**old, **value} if isinstance(value, Mapping) else old)
        part.yaml_set_ctag(value.tag)
        value = part
    tree[key] = value


def _resolve(path, tree, overrides):
    stream = StringIO()
    YAML().dump(tree, stream)
    stream.seek(0)
    stream.name = str(path)  # tells HyperPyYAML where the parts lie
    return resolve_references(stream, overrides, overrides_must_match=True).getvalue()
