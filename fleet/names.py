"""Which characters a name may have: those that every database holds and that show as what they are."""

import re
from typing import Final

_UNSHOWABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, changes of the direction of writing, halves of characters."""


def unshowable_character(name: str) -> str:
    """The first character of `name` that no name may have, as "U+0000"; '' if there is none."""
    found = _UNSHOWABLE.search(name)
    return f"U+{ord(found[0]):04X}" if found else ""


def showable(name: str) -> str:
    """`name` without such characters and without blanks around it."""
    return _UNSHOWABLE.sub("", name).strip()


def storable(text: str) -> str:
    """Free text without the one character that PostgreSQL cannot hold."""
    return text.replace("\0", "")
