"""A JSON body as a tree that can be opened, each value with the condition that asks for it."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

MOST_NODES: Final = 500
LONGEST_VALUE: Final = 300
"""Values beyond are shown without a filter link: an address would be too long."""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One entry of an object or a list."""

    name: str
    text: str
    """JSON of a value that is no object and no list; a word about the size of one that is."""
    kind: str
    """"text", "number", "word" or "branch"."""
    condition: str
    """`name=value` for the address; "" inside lists and for long values."""
    children: "list[TreeNode]"


def json_tree(body: str) -> list[TreeNode]:
    """Entries of a JSON object; [] for any other body and for objects with more than MOST_NODES entries."""
    if not body.startswith("{"):
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(document, dict) or _size(document) > MOST_NODES:
        return []
    return _branch(document, "")


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_size(each) for each in value.values())
    return 1 + sum(_size(each) for each in value) if isinstance(value, list) else 1


def _branch(document: dict[str, Any], prefix: str) -> list[TreeNode]:
    return [_node(name, value, f"{prefix}{name}") for name, value in document.items()]


def _node(name: str, value: Any, path: str) -> TreeNode:
    if isinstance(value, dict) and value:
        return TreeNode(name, f"{len(value)} fields", "branch", "", _branch(value, f"{path}."))
    if isinstance(value, list) and value:
        children = [_node(str(place), each, "") for place, each in enumerate(value)]
        return TreeNode(name, f"{len(value)} entries", "branch", "", children)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    kind = (
        "text"
        if isinstance(value, str)
        else "number"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else "word"
    )
    return TreeNode(name, text, kind, f"{path}={text}" if path and len(text) <= LONGEST_VALUE else "", [])
