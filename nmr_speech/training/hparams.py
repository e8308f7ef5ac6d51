"""Load a recipe's YAML with overrides, and say which key is wrong before anything is built on it."""

import dataclasses
import difflib
import re
from collections.abc import Collection, Mapping
from io import StringIO
from pathlib import Path

from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError


def load_hparams(path: str | Path, overrides: str, keys: Collection[str]) -> dict:
    r"""Load a hyperparameter file.

    Arguments
    ---------
    path : str | Path
        YAML file; its base and the parts that it includes are found beside it. See `flatten_hparams`.
    overrides : str
        YAML text with overrides, as `speechbrain.parse_arguments` gives it.
    keys : Collection[str]
        The keys that the recipe reads. Every one must be there. Others are refused unless the file itself refers to
        them, or they are SpeechBrain run options.

    Returns
    -------
    dict
        Keys to objects.

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
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such hyperparameter file")
    hparams, referred_to = _load(path, overrides)
    run_options = {option.name for option in dataclasses.fields(RunOptions)}
    for key in set(hparams) - {*keys, *run_options, *referred_to}:
        if not key.startswith("__"):
            near = difflib.get_close_matches(key, sorted(keys), n=1)
            remedy = f"did you mean `{near[0]}`?" if near else "remove it"
            raise InputError(f"{path}: the key `{key}` means nothing to this recipe; {remedy}")
    for key in set(keys) - set(hparams):
        raise InputError(f"{path}: the key `{key}` is missing; add it")
    return hparams


def flatten_hparams(path: str | Path, overrides: str) -> str:
    r"""Return one YAML text with the base, the overrides, the included parts and the references put in.

    A file may begin with ``base: other.yaml``, a file beside it that is complete or has a base itself. Then it gives
    only the keys that differ, each with its whole value.

    Arguments
    ---------
    path : str | Path
        YAML file.
    overrides : str
        YAML text with overrides. A mapping without a tag is merged into that of the file, everything else replaces.

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
    return _resolve(*_merge(Path(path), overrides))


def _load(path, overrides):
    """Keys to objects, and the keys that the file refers to."""
    try:
        stream, overrides = _merge(path, overrides)
        return load_hyperpyyaml(_resolve(stream, overrides)), re.findall(r"<(\w+)", stream.getvalue())
    except KeyError as error:  # an override that names no key
        raise InputError(f"{path}: {error.args[0]}") from error
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: includes {error.filename}, which does not exist; parts lie in frontend/ and backbone/ beside it"
        ) from error
    except YAMLError as error:
        raise InputError(
            f"{path}: the file or an override is not valid YAML: {' '.join(str(error).split())}"
        ) from error
    except ValueError as error:  # a placeholder not filled in, or an override of another shape
        raise InputError(f"{path}: {' '.join(map(str, error.args))}") from error


def _merge(path, overrides):
    """The file laid over its base, as a stream that HyperPyYAML can read, and the overrides as a mapping."""
    yaml = YAML()
    tree = _lay_over_base(yaml, path, ())
    overrides = yaml.load(overrides) or {}
    for key, value in list(overrides.items()):
        if isinstance(value, Mapping) and key in tree:
            if value.tag.value:  # HyperPyYAML would merge it and keep the old tag: another optimiser, unused
                tree[key] = overrides.pop(key)
            elif tree[key] is None:  # and fails on null
                tree[key] = {}
    stream = StringIO()
    yaml.dump(tree, stream)
    stream.seek(0)
    stream.name = str(path)  # tells HyperPyYAML where the parts lie
    return stream, overrides


def _lay_over_base(yaml, path, above):
    tree = yaml.load(path)
    if "base" not in tree:
        return tree
    base_path = path.parent / str(tree.pop("base"))
    if not base_path.is_file():
        raise InputError(f"`base` must be a file beside it, got {base_path}")
    if base_path in (path, *above):
        raise InputError(f"{path}: `base` must not lead back to {base_path}")
    base = _lay_over_base(yaml, base_path, (path, *above))
    base.ca.comment = tree.ca.comment  # the title of this file, not that of its base
    for key, value in tree.items():
        base[key] = value
        base.ca.items.pop(key, None)  # a comment on another value
    return base


def _resolve(stream, overrides):
    return resolve_references(stream, overrides, overrides_must_match=True).getvalue()
