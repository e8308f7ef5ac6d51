"""Docstring headings of SpeechBrain, as the parser for numpy's style knows them."""

import re

import griffe

HEADINGS = {"Arguments": "Parameters", "Example": "Examples"}
SECTION = re.compile(rf"^({'|'.join(HEADINGS)})\n-+$", re.MULTILINE)
NAME = re.compile(r"(?<!`)`(nmr_speech(?:\.\w+)+)`(?!`)")


def renamed(text: str) -> str:
    """Rename the sections of a docstring and link the names of the package.

    >>> print(renamed("Arguments\\n---------\\nfid : Tensor"))
    Parameters
    ----------
    fid : Tensor
    """
    text = SECTION.sub(lambda match: f"{HEADINGS[match[1]]}\n{'-' * len(HEADINGS[match[1]])}", text)
    return NAME.sub(r'<autoref optional identifier="\1"><code>\1</code></autoref>', text)


class SpeechBrainHeadings(griffe.Extension):
    """Rewrite every docstring as it is collected."""

    def on_instance(self, *, obj: griffe.Object, **kwargs):
        """Take each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = renamed(obj.docstring.value)
