"""The folder of one training: locked while it runs, and never resumed with other settings than it began with."""

import contextlib
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from speechbrain.utils.distributed import if_main_process, run_on_main
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError, quoted
from nmr_speech.files import locked, remove_unfinished, write_whole
from nmr_speech.reading import read_text
from nmr_speech.training.hparams import flatten_hparams

FREE = ("number_of_epochs", "epoch_counter.limit", "simulation_workers", "loader_workers", "logger", "train_logger")
"""What may change when a training is resumed: its length, and what does not change its results."""

OPTIONS = (
    "precision", "eval_precision", "auto_mix_prec", "bfloat16_mix_prec", "max_grad_norm", "skip_nonfinite_grads",
    "nonfinite_patience", "grad_accumulation_factor", "remove_vector_weight_decay",
)  # fmt: skip
"""Run options of SpeechBrain that change results; they are no keys of the YAML."""


class Experiment:
    r"""The output folder of one run, and the settings that it was started with.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        The recipe's hyperparameters: ``output_folder``, and ``data_folder`` and ``skip_prep`` where there are any.
    hparams_file : str | Path
        The recipe's YAML.
    overrides : str
        As `speechbrain.parse_arguments` returns them.
    run_opts : RunOptions | None
        As `speechbrain.parse_arguments` returns them.
    settings : str
        Name of the file that keeps the settings.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "mine.yaml").write_text("lr: 1\ndouble: !ref 2 * <lr>\n")
    >>> with Experiment({"output_folder": folder / "out"}, folder / "mine.yaml", "lr: 2").begin() as out:
    ...     print((out / "hyperparams.yaml").read_text())
    ...     _ = (out / "results.json").write_text("{}")
    lr: 2
    double: 4
    >>> Experiment({"output_folder": folder / "out"}, folder / "mine.yaml", "lr: 3").refuse_other_settings()
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...out: holds results of other settings: `lr` is '2' there, '3' here; ...
    """

    def __init__(
        self,
        hparams: Mapping[str, Any],
        hparams_file: str | Path,
        overrides: str,
        run_opts: RunOptions | None = None,
        settings: str = "hyperparams.yaml",
    ):
        self.folder, self.path = Path(hparams["output_folder"]), Path(hparams["output_folder"], settings)
        self.text = flatten_hparams(hparams_file, overrides)
        given = {key: run_opts[key] for key in OPTIONS if run_opts and key in run_opts.overridden_args}
        if given:  # underscores: a file with this key can be run again
            self.text += f"__run_options: {{{', '.join(f'{key}: {value}' for key, value in given.items())}}}\n"
        # Simulated data in a folder of another name are compared with their plan anyway.
        self.moved = ["output_folder"] + (["data_folder"] if hparams.get("skip_prep") is False else [])

    @contextlib.contextmanager
    def begin(self) -> Iterator[Path]:
        """Keep the folder for this run, with the settings in it; what a killed run has left half-written is removed."""
        with locked(self.folder, "output_folder") if if_main_process() else contextlib.nullcontext():
            run_on_main(self._begin)
            try:
                yield self.folder
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
                    error.filename = str(self.folder)  # a write that fails names no file
                raise

    def refuse_other_settings(self) -> None:
        """Refuse a folder in which something was trained, or scored, with other settings."""
        if not (self.folder / "results.json").exists() and not any(self.folder.glob("save/CKPT*")):
            return
        if not self.path.exists():
            raise InputError(
                f"{self.folder}: holds results, but no {self.path.name} to say of what; set another `output_folder`"
            )
        old, new = _compose(read_text(self.path), self.path, self.moved), _compose(self.text, self.path, self.moved)
        if differences := [f"`{key}` is {a} there, {b} here" for key, a, b in _differences(old, new)]:
            raise InputError(
                f"{self.folder}: holds results of other settings: {'; '.join(differences[:3])}; "
                "set another `output_folder`"
            )

    def _begin(self):
        self.refuse_other_settings()
        remove_unfinished(self.folder)
        write_whole(self.path, self.text.encode())


def _compose(text, where, moved):
    """Nodes by key of a flat YAML text, and the folders that it names."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{where}: not valid YAML ({error}); set another `output_folder`") from error
    if not isinstance(node, MappingNode):
        raise InputError(f"{where}: must hold keys and values; set another `output_folder`")
    nodes = {str(key.value): value for key, value in node.value}
    return nodes, [(str(nodes[key].value), f"<{key}>") for key in moved if key in nodes]


def _differences(old, new) -> Iterator[tuple[str, str, str]]:
    """Keys whose values differ, with both; plain values first, for others are made of them."""
    (old_nodes, old_folders), (new_nodes, new_folders) = old, new
    keys = list(dict.fromkeys([*new_nodes, *old_nodes]))
    plain = [key for key in keys if isinstance(new_nodes.get(key), ScalarNode)]
    seen: set[tuple[int, int]] = set()
    for key in [*plain, *(key for key in keys if key not in plain)]:
        a, b = old_nodes.get(key), new_nodes.get(key)
        yield from _differing(key, a, b, old_folders, new_folders, seen)


def _differing(key, a, b, old_folders, new_folders, seen):
    # A node that is referred to many times is compared once: a text of lines that double each other has 2^n paths.
    if key in FREE or (id(a), id(b)) in seen:
        return
    seen.add((id(a), id(b)))
    if (inner := _pairs(key, a, b)) is not None:
        for name, left, right in inner:
            yield from _differing(name, left, right, old_folders, new_folders, seen)
    elif not _same_number(a, b) and (_tag(a), _text(a, old_folders)) != (_tag(b), _text(b, new_folders)):
        yield key, _shown(a), _shown(b)


def _pairs(key, a, b):
    """What two nodes of the same structure hold, by key; None for others."""
    if _tag(a) != _tag(b) or type(a) is not type(b):
        return None
    if isinstance(a, MappingNode):
        left, right = ({str(name.value): value for name, value in one.value} for one in (a, b))
        return [(f"{key}.{name}", left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])]
    if isinstance(a, SequenceNode) and len(a.value) == len(b.value):
        return [(f"{key}[{number}]", *pair) for number, pair in enumerate(zip(a.value, b.value, strict=True))]
    return None


def _tag(node):
    return node and node.tag


def _is_null(node):
    return node.tag == "tag:yaml.org,2002:null"


def _text(node, folders):
    if not isinstance(node, ScalarNode):
        return id(node)
    if _is_null(node):
        return ""
    for folder, name in folders:
        if node.value == folder or node.value.startswith(f"{folder}/"):
            return name + node.value[len(folder) :]
    return node.value


def _same_number(a: Node | None, b: Node | None) -> bool:
    try:
        return isinstance(a, ScalarNode) and isinstance(b, ScalarNode) and float(a.value) == float(b.value)
    except ValueError:
        return False


def _shown(node):
    if node is None:
        return "absent"
    if isinstance(node, ScalarNode):
        return "null" if _is_null(node) else quoted(node.value)
    if isinstance(node, SequenceNode) and all(isinstance(one, ScalarNode) for one in node.value):
        return quoted([one.value for one in node.value])
    return node.tag if str(node.tag).startswith("!") else "another structure"
