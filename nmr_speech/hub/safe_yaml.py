"""Read the description of a model from untrusted YAML without constructing what the file asks for.

SpeechBrain's loader, HyperPyYAML, calls whatever the file names: `!apply:os.system`, `!new:subprocess.Popen`, any
`!!python/…` tag, and even an untagged ``(!!python/…)``. Here a file is only parsed to nodes. A node becomes an object
only if its class is in `nmr_speech.hub.allow_list`, and its arguments must be plain numbers and words of limited size.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML, MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.error import YAMLError

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.hub.allow_list import MENTIONED, current_name
from nmr_speech.reading import read_text

LONGEST_FILE, LONGEST_WORD, LONGEST_LIST, LARGEST_NUMBER = 30_000, 100, 1000, 1e5
PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null")}
FOREIGN = ("pretrained_path", "paths", "collect_in", "custom_hooks", "conditions")
"""Keys that would make SpeechBrain's loader take weights from another source, or skip them."""


def read_nodes(path: Path, published: bool) -> dict[str, Node]:
    """Parse the top-level keys of a YAML file; nothing is constructed.

    Arguments
    ---------
    path : Path
        The file.
    published : bool
        Whether every node must be plain data or name a class in `MENTIONED`, so that the file is also harmless for
        SpeechBrain's own loader. False for the YAML of a training, from which only some keys are read.

    Returns
    -------
    dict[str, Node]
        The value of each key.

    Example
    -------
    >>> path = getfixture("tmp_path") / "hyperparams.yaml"
    >>> _ = path.write_text("x: !apply:os.system [id]")
    >>> read_nodes(path, published=True)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...hyperparams.yaml, line 1: `!apply:os.system` is not on the list of what a model...
    """
    text = read_text(path, LONGEST_FILE, "`source` must be a results folder, a bundle or a Hub repository")
    with _yaml_errors(path):
        root = YAML(typ="safe", pure=True).compose(text)
        if not isinstance(root, MappingNode):  # nor is an empty file one
            raise InputError(f"{path}: must hold keys and values")
        if published:
            _Walk(path).check(root)
    return children(root)


@contextlib.contextmanager
def _yaml_errors(path: Path) -> Iterator[None]:
    try:
        yield
    # Of odd scalars and keys the YAML library raises any of these.
    except (YAMLError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not valid YAML ({printable(error)})") from error


def is_word(text: str) -> bool:
    """Whether a text is a harmless name of at most 100 characters: no path, no tag, no bracket.

    Example
    -------
    >>> is_word("GLY"), is_word("../GLY"), is_word("(1, 2)")
    (True, False, False)
    """
    return len(text) <= LONGEST_WORD and all(letter.isalnum() or letter in " _.,+-" for letter in text)


def children(node: Node | None) -> dict[str, Node]:
    """Return the entries of a mapping node by key; none for any other node.

    Example
    -------
    >>> node = YAML(typ="safe", pure=True).compose("{sizes: [8, 8], scale: 4}")
    >>> sorted(children(node)), children(None)
    (['scale', 'sizes'], {})
    """
    pairs = node.value if isinstance(node, MappingNode) else ()
    return {key.value: value for key, value in pairs if isinstance(key, ScalarNode)}


def tag(node: Node | None) -> str:
    """Return the tag of a node, "" for no node.

    Example
    -------
    >>> tag(YAML(typ="safe", pure=True).compose("!new:torch.nn.Linear {in_features: 2}"))
    '!new:torch.nn.Linear'
    """
    return "" if node is None else str(node.tag)


def plain(node: Node, path: Path, limited: bool = True) -> Any:
    """Construct the plain data of a node: numbers, texts, lists and mappings.

    Arguments
    ---------
    node : Node
        The node; tags and aliases inside it are refused.
    path : Path
        Its file, for messages.
    limited : bool
        Whether large numbers, long lists and texts that are not words are refused too.

    Returns
    -------
    Any

    Example
    -------
    >>> plain(YAML(typ="safe", pure=True).compose("{field_mhz: 600.0}"), Path("model.yaml"))
    {'field_mhz': 600.0}
    """
    with _yaml_errors(path):
        _Walk(path, mentioned=(), limited=limited).check(node)
        return YAML(typ="safe", pure=True).constructor.construct_document(node)


def arguments_of(node: Node, path: Path) -> dict[str, Any]:
    """Return the keyword arguments of a tagged node, as plain data.

    Example
    -------
    >>> arguments_of(YAML(typ="safe", pure=True).compose("!new:torch.nn.Linear {bias: true}"), Path("model.yaml"))
    {'bias': True}
    """
    if isinstance(node, ScalarNode) and not node.value:
        return {}
    if not isinstance(node, MappingNode):
        raise InputError(f"{path}, line {_line(node)}: arguments must be given by name")
    return plain(MappingNode("tag:yaml.org,2002:map", node.value, node.start_mark), path)


def _line(node: Node) -> int:
    return node.start_mark.line + 1 if node.start_mark else 0


class _Walk:
    """Check a tree of nodes, each node once."""

    def __init__(self, path: Path, mentioned: Collection[str] = MENTIONED, limited: bool = True):
        self.path, self.mentioned, self.limited = path, mentioned, limited
        self.seen: set[int] = set()

    def check(self, node: Node) -> None:
        if id(node) in self.seen:
            if tag(node) in PLAIN:  # aliases to data are not needed, and nested ones grow exponentially
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

    def values(self, node: Node) -> Iterable[Node]:
        keys = [key.value for key, _ in node.value if tag(key) == "tag:yaml.org,2002:str"]
        if len(set(keys)) < len(node.value):
            self.refuse(node, "a key that is not a text, or stands twice,")
        if foreign := set(FOREIGN) & set(keys):
            self.refuse(node, f"`{foreign.pop()}`")
        return [part for pair in node.value for part in pair]

    def check_size(self, node: Node) -> None:
        if not isinstance(node, ScalarNode):
            if len(node.value) > LONGEST_LIST:
                self.refuse(node, f"a list of more than {LONGEST_LIST}")
            return
        if not is_word(node.value):
            self.refuse(node, f"the text {quoted(node.value[:40])}")
        if tag(node).endswith((":int", ":float")):
            value = YAML(typ="safe", pure=True).constructor.construct_object(node)
            if not abs(value) <= LARGEST_NUMBER:
                self.refuse(node, f"the number {node.value}")

    def refuse(self, node: Node, what: str) -> NoReturn:
        raise InputError(
            f"{self.path}, line {_line(node)}: {what} is not on the list of what a model may contain; "
            f"nothing was executed. Load only models made by `nmr-speech publish`"
        )
