#!/usr/bin/env python3
"""Put measured numbers into the READMEs.

> python benchmarks/readme.py            # write
> python benchmarks/readme.py --check    # fail if anything would change

A block between ``<!-- name -->`` and ``<!-- /name -->`` is replaced by what `blocks.BLOCKS` makes of the results.
"""

import re
import sys
from pathlib import Path

from blocks import BLOCKS

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "recipes/AminoAcidTOCSY/README.md", "recipes/SyntheticFID/README.md")


def filled(text):
    """Return a README with all its blocks made anew."""

    def block(match):
        name = match.group(1)
        return f"<!-- {name} -->\n{BLOCKS[name]()}\n<!-- /{name} -->"

    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- /\1 -->", block, text, flags=re.DOTALL)


def main(arguments):
    """Write the READMEs, or only compare."""
    stale = []
    for name in READMES:
        path = ROOT / name
        text = path.read_text()
        if filled(text) != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(filled(text))
    if stale and "--check" in arguments:
        sys.exit(f"{', '.join(stale)}: numbers differ from benchmarks/results; run: python benchmarks/readme.py")


if __name__ == "__main__":
    main(sys.argv[1:])
