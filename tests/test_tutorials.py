"""The tutorials run from their first cell to their last, and what they say in words is what they show."""

import ast
import importlib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TUTORIALS = sorted((Path(__file__).parents[1] / "docs" / "tutorials").glob("*.ipynb"))
SHOWN = {
    "measured_spectrum": "VAL  0.",
    "shifts_to_sound": "largest difference: 0.0",
    "train_and_publish": "ALA and VAL: cosine",
}


def texts(notebook):
    """What the cells print, and the values of their last lines."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorials_are_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None), cell.source


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_what_tutorials_import_exists(path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    code = "\n".join(line for cell in cells for line in cell.splitlines() if not line.startswith("%"))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("nmr_speech"):
            for alias in node.names:
                assert hasattr(importlib.import_module(node.module), alias.name), f"{node.module}.{alias.name}"


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorials_run(path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    assert SHOWN[path.stem] in texts(notebook)
