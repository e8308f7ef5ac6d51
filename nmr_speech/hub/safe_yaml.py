"""Read what a model is made of from YAML of unknown origin, without constructing anything that it asks for.

SpeechBrain's way, HyperPyYAML, calls whatever the file names: `!apply:os.system`, `!new:subprocess.Popen`, any
`!!python/…` tag, and even a plain ``(!!python/…)``, which carries no tag of its own. Here a file is parsed to nodes;
a node becomes an object only by a class of `nmr_speech.hub.allow_list`, with plain numbers and words of limited size.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.error import YAMLError

from nmr_speech.checks import InputError
from nmr_speech.hub.allow_list import MENTIONED, current_name

LONGEST_FILE, LONGEST_WORD, LONGEST_LIST, LARGEST_NUMBER = 30_000, 100, 1000, 1e5
PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null")}
FOREIGN = ("pretrained_path", "paths", "collect_in", "custom_hooks", "conditions")
"""Keys by which SpeechBrain's loader would take weights from elsewhere, or skip them."""


def read_nodes(path: Path, published: bool) -> dict[str, Any]:
    """Parse the top-level keys of a YAML file.

    Arguments
    ---------
    path : Path
        The file.
    published : bool
        Whether every node must be plain data or name a class in `MENTIONED`, so that nothing else in the file can harm
        whoever loads it in SpeechBrain's way. False for the ``hyperparams.yaml`` of a training on this machine, of
        which some keys alone are read.

    Returns
    -------
    dict[str, Node]

    Example
    -------
    >>> path = getfixture("tmp_path") / "hyperparams.yaml"
    >>> _ = path.write_text("x: !apply:os.system [id]")
    >>> read_nodes(path, published=True)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...hyperparams.yaml, line 1: `!apply:os.system` is not on the list of what a model...
    """
    if not path.is_file():
        raise InputError(f"{path}: not there; `source` must be a results folder, a bundle or a Hub repository")
    if published and path.stat().st_size > LONGEST_FILE:
        raise InputError(f"{path}: must be smaller than {LONGEST_FILE // 1000} kB, got {path.stat().st_size} bytes")
    try:
        root = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8"))
        if published:
            _Walk(path).check(root)
    except (YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(root, MappingNode):
        raise InputError(f"{path}: must hold keys and values")
    return children(root)


def is_word(text: str) -> bool:
    """Whether a text can do no more than name something: no path, no tag, no bracket."""
    return len(text) <= LONGEST_WORD and all(letter.isalnum() or letter in " _.,+-" for letter in text)


def children(node) -> dict[str, Any]:
    """The entries of a mapping node by key; none for any other node."""
    pairs = node.value if isinstance(node, MappingNode) else ()
    return {key.value: value for key, value in pairs if isinstance(key, ScalarNode)}


def tag(node) -> str:
    """The tag of a node, such as "!new:module.Class"; "" for no node."""
    return "" if node is None else str(node.tag)


def plain(node, path: Path, limited: bool = True) -> Any:
    """Plain data of a node; tags and aliases inside it are refused, and unless not ``limited`` what is large or odd."""
    _Walk(path, mentioned=(), limited=limited).check(node)
    return YAML(typ="safe", pure=True).constructor.construct_document(node)


def arguments_of(node, path: Path) -> dict[str, Any]:
    """Plain keyword arguments of a tagged node."""
    if isinstance(node, ScalarNode) and not node.value:
        return {}
    if not isinstance(node, MappingNode):
        raise InputError(f"{path}, line {node.start_mark.line + 1}: arguments must be given by name")
    return plain(MappingNode("tag:yaml.org,2002:map", node.value, node.start_mark), path)


class _Walk:
    """Check a tree of nodes, each once."""

    def __init__(self, path, mentioned=MENTIONED, limited=True):
        self.path, self.mentioned, self.limited, self.seen = path, mentioned, limited, set()

    def check(self, node):
        if id(node) in self.seen:
            if tag(node) in PLAIN:  # an alias; for data it is needless, and can grow without end
                self.refuse(node, "aliases to plain data")
            return
        self.seen.add(id(node))
        name = tag(node)
        mentioned = name.startswith("!new:") and current_name(name.removeprefix("!new:")) in self.mentioned
        if name not in PLAIN and not mentioned:
            self.refuse(node, f"`{name[:LONGEST_WORD]}`")
        if self.limited:
            self.check_size(node)
        if isinstance(node, ScalarNode):
            return
        for value in node.value if isinstance(node, SequenceNode) else self.values(node):
            self.check(value)

    def values(self, node):
        keys = [key.value for key, _ in node.value if tag(key) == "tag:yaml.org,2002:str"]
        if len(set(keys)) < len(node.value):
            self.refuse(node, "a key that is no word, or stands twice,")
        if foreign := set(FOREIGN) & set(keys):
            self.refuse(node, f"`{foreign.pop()}`")
        return [part for pair in node.value for part in pair]

    def check_size(self, node):
        if not isinstance(node, ScalarNode):
            if len(node.value) > LONGEST_LIST:
                self.refuse(node, f"a list of more than {LONGEST_LIST}")
            return
        if not is_word(node.value):
            self.refuse(node, f"the text {node.value[:40]!r}")
        if tag(node).endswith((":int", ":float")):
            value = YAML(typ="safe", pure=True).constructor.construct_object(node)
            if not abs(value) <= LARGEST_NUMBER:
                self.refuse(node, f"the number {node.value}")

    def refuse(self, node, what):
        raise InputError(
            f"{self.path}, line {node.start_mark.line + 1}: {what} is not on the list of what a model may be made of; "
            f"nothing of it was run. Load only what `nmr-speech publish` has made"
        )
