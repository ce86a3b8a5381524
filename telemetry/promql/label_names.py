"""Which label and metric names need no quotes, and which names are names at all."""

import re
from typing import Final

_PLAIN_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def is_plain_label_name(name: str) -> bool:
    """Whether `name` may stand in a query without quotes."""
    return _PLAIN_LABEL.fullmatch(name) is not None


def is_label_name(name: str) -> bool:
    """Whether `name` can be a label: not empty, valid UTF-8."""
    return bool(name) and not any(0xD800 <= ord(character) <= 0xDFFF for character in name)
