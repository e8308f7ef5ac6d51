#!/usr/bin/env python3
"""Put measured numbers into the documents.

> python -m benchmarks.readme            # write
> python -m benchmarks.readme --check    # fail if anything would change

A block between ``<!-- name -->`` and ``<!-- /name -->`` is replaced by what the `BLOCKS` of a topic's ``table.py`` make
of its results.
"""

import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs as a file too
TOPICS = sorted(path.parent.name for path in (ROOT / "benchmarks").glob("*/table.py"))
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "recipes").glob("*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks():
    """Functions that make the blocks of all topics, by the block's name."""
    found = {}
    for topic in TOPICS:
        found |= importlib.import_module(f"benchmarks.{topic}.table").BLOCKS
    return found


def filled(text, made):
    """Return a document with all its blocks made anew."""

    def block(match):
        name = match.group(1)
        return f"<!-- {name} -->\n{made[name]()}\n<!-- /{name} -->"

    result, n = re.subn(r"<!-- ([\w-]+) -->\n.*?\n<!-- /\1 -->", block, text, flags=re.DOTALL)
    markers = re.sub(r"`<!-- .*? -->`", "", text).count("<!--")  # those that a document only quotes do not count
    if markers != 2 * n:
        sys.exit("a block must begin with `<!-- name -->` and end with `<!-- /name -->`, each alone on a line")
    return result


def main(arguments):
    """Write the documents, or only compare."""
    stale, made = [], blocks()
    for path in DOCUMENTS:
        text = path.read_text()
        if (current := filled(text, made)) != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in arguments:
                path.write_text(current)
    if stale and "--check" in arguments:
        sys.exit(f"{', '.join(stale)}: numbers differ from the results; run: python -m benchmarks.readme")


if __name__ == "__main__":
    main(sys.argv[1:])
