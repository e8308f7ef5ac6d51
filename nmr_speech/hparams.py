"""Load a recipe's YAML with overrides, and say which key is wrong before anything is built on it."""

import dataclasses
import difflib
import re
from collections.abc import Collection
from pathlib import Path

from hyperpyyaml import load_hyperpyyaml
from ruamel.yaml.error import YAMLError
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError


def load_hparams(path: str | Path, overrides: str, keys: Collection[str]) -> dict:
    r"""Load a hyperparameter file.

    Arguments
    ---------
    path : str | Path
        YAML file; parts that it includes are found beside it.
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
    hparams = _load(path, overrides)
    run_options = {option.name for option in dataclasses.fields(RunOptions)}
    referred_to = re.findall(r"<(\w+)", path.read_text(encoding="utf-8"))
    for key in set(hparams) - {*keys, *run_options, *referred_to}:
        if not key.startswith("__"):
            near = difflib.get_close_matches(key, sorted(keys), n=1)
            remedy = f"did you mean `{near[0]}`?" if near else "remove it"
            raise InputError(f"{path}: the key `{key}` means nothing to this recipe; {remedy}")
    for key in set(keys) - set(hparams):
        raise InputError(f"{path}: the key `{key}` is missing; add it")
    return hparams


def _load(path, overrides):
    try:
        with path.open(encoding="utf-8") as stream:  # an open file, for it tells where its parts lie
            return load_hyperpyyaml(stream, overrides)
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
