"""What this room may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nmr_speech.score
from nmr_speech import corpus

ROOM = Path(nmr_speech.score.__file__).parent
MODULES = sorted(path.stem for path in ROOM.glob("*.py") if path.stem not in ("__init__", "bound"))


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_no_module_imports_torch(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    assert not {name for name in imported if name.split(".")[0] in ("torch", "torchaudio")}


def test_importing_it_loads_neither_torch_nor_speechbrain():
    """In a fresh process; `bound` draws from the simulator, which is written in torch."""
    imports = "; ".join(f"import nmr_speech.score.{name}" for name in MODULES)
    check = "sys.exit(', '.join({'torch', 'speechbrain', 'matplotlib'} & set(sys.modules)) or 0)"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; {check}"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_what_the_corpus_exports_is_there_when_asked_for():
    assert all(callable(getattr(corpus, name)) for name in corpus.__all__)
    with pytest.raises(AttributeError, match=r"module 'nmr_speech.corpus' has no attribute 'stack'"):
        corpus.stack  # noqa: B018 - the access is what raises
