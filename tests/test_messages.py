"""Messages name only options and arguments that exist where they are raised."""

import ast
import re
from pathlib import Path

import pytest

import nmr_speech
from nmr_speech.cli import _parser

PACKAGE = Path(nmr_speech.__file__).parent
ROOT = PACKAGE.parent
NAME = re.compile(r"`([a-z][a-z0-9_]*)`")
READERS = ("spectrometer", "reconstruction/plane.py", "reconstruction/schedule_file.py", "reconstruction/processed.py",
           "reconstruction/from_spectrum.py", "reconstruction/virtual_echo.py", "inference/measured.py")  # fmt: skip
"""Code that both `classify` and `reconstruct` run."""
NOT_FOR_COMMANDS = {
    "fid",  # of arrays, which a command does not take
    "t1_start",  # a command has `--echo`, whose values are checked before
    "shift_ppm",  # `classify` alone shifts, and uses the file's reference where no line is found
    "region_ppm",  # `reconstruct` alone cuts
}


def files(*parts):
    for part in parts:
        path = PACKAGE / part
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def messages(path):
    """Texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    skipped = {id(node) for node in docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def names_in(path):
    return {name for text in messages(path) for name in NAME.findall(text)}


def parameters():
    """Names of arguments, of fields and of keys of hyperparameters."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.target.id
            elif isinstance(node, ast.FunctionDef):
                yield node.name
    for path in (ROOT / "hparams").rglob("*.yaml"):
        yield from re.findall(r"(?m)^([a-z][a-z0-9_]*):", path.read_text())


def options_of(command):
    parsers = next(action.choices for action in _parser()._actions if getattr(action, "choices", None))
    parsers[command].add(parsers[command])
    return parsers[command].names


ALL = set(parameters())
OTHER = {
    *("all", "balanced", "true"),  # values
    "backend",  # a key of a recipe's own YAML
}


@pytest.mark.parametrize("path", list(files("")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_name_in_a_message_is_an_argument_or_a_key(path):
    keys = set(messages(path))  # of a file that the module reads
    assert names_in(path) <= ALL | OTHER | keys


@pytest.mark.parametrize("command", ["classify", "reconstruct"])
def test_messages_about_measured_spectra_name_options_of_the_command(command):
    named = {name for path in files(*READERS) for name in names_in(path)} - NOT_FOR_COMMANDS
    assert {"quadrature", "schedule", "pdata", "phase_f2_deg", "phase_f1_deg", "index_base"} <= named
    assert named <= set(options_of(command)), "a message names an option that the command lacks"


def test_commands_named_in_messages_exist():
    commands = next(action.choices for action in _parser()._actions if getattr(action, "choices", None))
    for path in files(""):
        for text in messages(path):
            assert set(re.findall(r"`nmr-speech ([a-z-]+)`", text)) <= set(commands), path
