"""What the documents say is there, is current, and runs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import nmr_speech

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MADE_BY_RUNS = ("data", "results")
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if (top := path.relative_to(ROOT).parts[0]) not in MADE_BY_RUNS and not top.startswith(".")
)


def test_the_readme_is_short():
    assert README.count("\n") <= 150


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_paths_in_the_readme_exist():
    for target in re.findall(r"(?:recipes|hparams|nmr_speech|benchmarks|tests)/[\w/.]*\w", README):
        assert (ROOT / target).exists() or target.startswith("results/"), target


def test_python_in_the_readme_runs():
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), {})


def test_numbers_are_those_measured():
    checked = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "readme.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_the_citation_has_the_version_of_the_package():
    assert YAML(typ="safe").load((ROOT / "CITATION.cff").read_text())["version"] == nmr_speech.__version__


def test_the_parts_named_in_the_readme_are_all():
    for kind in ("frontend", "backbone"):
        (row,) = re.findall(rf"^\| `{kind}` \|(.*)\|$", README, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == {path.stem for path in (ROOT / "hparams" / kind).glob("*.yaml")}


@pytest.mark.parametrize("stage", ["simulate", "spectrometer", "corpus"])
def test_public_functions_have_an_example(stage):
    without = [
        f"{path.stem}.{node.name}"
        for path in (ROOT / "nmr_speech" / stage).rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and ">>>" not in (ast.get_docstring(node) or "")
    ]
    assert without == []
