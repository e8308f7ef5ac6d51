"""Flow of imports, wording of checks, keys of hyperparameter files."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import nmr_speech
from nmr_speech.checks import InputError, in_range, is_number, one_of, positive, printable, quoted, whole

PACKAGE = Path(nmr_speech.__file__).parent
FLOW = (
    *("constants", "checks", "trouble", "startup", "reading", "files", "axis"),
    *("simulate", "assignment", "spectrometer", "corpus", "models", "score", "hub", "training"),
    *("reconstruction", "enhancement", "picking", "shifts"),
    *("report", "inference", "publish", "demo", "testing", "options", "commands", "cli"),
)


def stage(module):
    return FLOW.index(module.split(".")[1])


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_data_flows_one_way(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",):
        return
    own = FLOW.index(parts[0])
    for module in imported_modules(path):
        if module.startswith("nmr_speech."):
            assert stage(module) <= own, f"{parts[0]} lies left of {module}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "simulate").glob("*.py")), ids=lambda p: p.name)
def test_the_simulator_knows_no_speechbrain(path):
    assert not any(module.split(".")[0] == "speechbrain" for module in imported_modules(path))


@pytest.mark.parametrize(
    ("value", "finite", "any_real"),
    [
        (1, True, True), (1.5, True, True), (np.float32(2), True, True), (torch.tensor(3.0), True, True),
        (math.inf, False, True), (math.nan, False, False), (True, False, False), ("1", False, False),
    ],
)  # fmt: skip
def test_numbers(value, finite, any_real):
    assert is_number(value) is finite
    assert is_number(value, infinite=True) is any_real


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: in_range("field_mhz", 14, 40, 1300, "MHz"), r"^`field_mhz` must be from 40 to 1300 MHz, got 14$"),
        (lambda: positive("decay", 0, "seconds"), r"^`decay` must be positive, got 0 \(seconds\)$"),
        (lambda: whole("n", 2.5, 1, 4), r"^`n` must be a whole number from 1 to 4, got 2.5$"),
        (lambda: one_of("c", "h20", ["h2o", "d2o"]), r"one of h2o, d2o; got 'h20', did you mean 'h2o'\?$"),
        (lambda: one_of("c", "zzz", ["h2o", "d2o"]), r"^`c` must be one of h2o, d2o; got 'zzz'$"),
        (
            lambda: one_of("n", "98", [str(n) for n in range(98)]),
            r"38, 39 and 58 more; got '98', did you mean '9\d?'\?$",
        ),
    ],
)
def test_messages(check, message):
    with pytest.raises(InputError, match=message):
        check()


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, 10**5000, ["\x1b[2J"] * 10**4, "\u202egnp.exe", b"\x00" * 10**6, "\ud800", np.zeros(9), {}, None],
    ids=["long", "large", "list", "bidi", "bytes", "surrogate", "array", "mapping", "none"],
)
def test_messages_quote_little_and_nothing_that_a_terminal_obeys(value):
    for text in (quoted(value), printable(quoted(value))):
        assert len(text) <= 200
        assert text.isprintable()
    for check in (
        lambda: in_range("a", value, 0, 1, "s"),
        lambda: whole("a", value, 0, 1),
        lambda: positive("a", value, "s"),
        lambda: one_of("a", value, {"b": 1}),
    ):
        with pytest.raises(InputError) as caught:
            check()
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300


def test_a_message_stays_on_one_line_whatever_it_quotes():
    message = str(InputError("a\nb\x1b[31m\x9b\u2028" + "c" * 10**6))
    assert message.startswith("a b?[31m?")
    assert message.isprintable()
    assert len(message) == 1500
