"""Measures of the code: sizes, docstrings, types, comments. Run: python -m tests.house."""

import ast
import io
import re
import statistics
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "nmr_speech"
# Each comma ends one item: nested repetitions would try every way to divide a long text into items.
SHAPE = re.compile(r"\([\w.*+/ -]+(,[\w.*+/ -]*)+\)")
UNIT = re.compile(
    r"\b(Hz|kHz|MHz|ppm|seconds?|ms|rad|radians|degrees?|percent|dwell times?|points?|samples|bytes|[kMG]B|bits|"
    r"shares?|probabilit(y|ies)|log-\w+|counts?|positions?|indices|index|number of|characters|epochs?|steps?)\b"
)
NUMERIC = re.compile(r"\b(float|int|Tensor|ndarray|Axis|Trials|DetCurve|Experiment|Plane)\b")


@dataclass(frozen=True)
class Function:
    """A public function or method."""

    where: str
    doc: str
    typed: bool
    lines: int
    numeric: bool

    @property
    def quantified(self):
        """Whether the docstring gives a shape or a unit."""
        return bool(SHAPE.search(self.doc) or UNIT.search(self.doc))


def public_functions(path: Path) -> list[Function]:
    """All public functions of a module, and public methods of its public classes."""
    found = []

    def visit(body, prefix):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                arguments = [a for a in arguments if a.arg not in ("self", "cls")]
                extra = [a for a in (node.args.vararg, node.args.kwarg) if a]
                typed = node.returns is not None and all(a.annotation for a in [*arguments, *extra])
                text = " ".join(ast.unparse(a.annotation) for a in arguments if a.annotation)
                text += " " + (ast.unparse(node.returns) if node.returns else "")
                doc = ast.get_docstring(node) or ""
                overload = any("overload" in ast.unparse(d) for d in node.decorator_list)
                if not overload:
                    name = f"{path.relative_to(PACKAGE)}:{node.lineno} {prefix}{node.name}"
                    found.append(
                        Function(name, doc, typed, node.end_lineno - node.lineno + 1, bool(NUMERIC.search(text)))
                    )
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                visit(node.body, f"{node.name}.")

    visit(ast.parse(path.read_text()).body, "")
    return found


def comment_lines(path: Path) -> tuple[int, int]:
    """Lines with a comment, and lines of code without docstrings."""
    text = path.read_text()
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and not re.match(r"# (noqa|fmt|type):", token.string)
    }
    lines = {i for i, line in enumerate(text.splitlines(), 1) if line.strip() and not line.strip().startswith("#")}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(comments), len(lines)


def measure(paths: list[Path]) -> dict[str, float]:
    """The measures of these modules."""
    functions = [f for path in paths for f in public_functions(path)]
    methods = {"forward", "__call__"}
    own = [f for f in functions if f.where.split()[-1].split(".")[-1] not in methods]
    numeric = [f for f in functions if f.numeric]
    sizes = [len(path.read_text().splitlines()) for path in paths]
    comments, code = map(sum, zip(*map(comment_lines, paths), strict=True))
    top = [f for f in own if "." not in f.where.split()[-1]]
    return {
        "file lines median / p90 / max": (statistics.median(sizes), sorted(sizes)[int(0.9 * len(sizes))], max(sizes)),
        "lines": sum(sizes),
        "documented": sum(bool(f.doc) for f in functions) / len(functions),
        "shape or unit": sum(bool(SHAPE.search(f.doc) or UNIT.search(f.doc)) for f in numeric) / max(1, len(numeric)),
        "shape or unit, of all": sum(bool(SHAPE.search(f.doc) or UNIT.search(f.doc)) for f in functions)
        / len(functions),
        "example (functions)": sum(">>>" in f.doc for f in top) / max(1, len(top)),
        "typed": sum(f.typed for f in functions) / len(functions),
        "comments per 100 lines of code": 100 * comments / code,
    }


def main(arguments):
    paths = sorted(
        path
        for path in PACKAGE.rglob("*.py")
        if not arguments or any(a in str(path.relative_to(PACKAGE)) for a in arguments)
    )
    for name, value in measure(paths).items():
        print(f"{name}: {value if isinstance(value, tuple) else round(value, 3)}")
    for path in paths:
        for f in public_functions(path):
            faults = [
                *(["no docstring"] if not f.doc else []),
                *(["not typed"] if not f.typed else []),
                *(["no shape or unit"] if f.numeric and not f.quantified else []),
                *(["no example"] if ">>>" not in f.doc and "." not in f.where.split()[-1] else []),
            ]
            if faults:
                print(f"{f.where}: {', '.join(faults)}")


if __name__ == "__main__":
    main(sys.argv[1:])
