"""Goals of the code: documented, typed, with shapes or units, examples and comments, in files of a readable size."""

import pytest

from tests.house import PACKAGE, measure, public_functions

MEASURES = measure(sorted(PACKAGE.rglob("*.py")))


@pytest.mark.parametrize(
    ("name", "goal"),
    [("documented", 1.0), ("typed", 1.0), ("shape or unit", 0.9), ("example (functions)", 0.8)],
)
def test_docstrings_and_types(name, goal):
    assert MEASURES[name] >= goal, "see what is missing: python -m tests.house"


def test_comments_give_reasons_but_not_everywhere():
    assert 4 <= MEASURES["comments per 100 lines of code"] <= 10


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_sizes(path):
    assert len(path.read_text().splitlines()) <= 350
    for function in public_functions(path):
        # Without the docstring, which may be longer than the function.
        assert function.lines - len(function.doc.splitlines()) <= 50, function.where
