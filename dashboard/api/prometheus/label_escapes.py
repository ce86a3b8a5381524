"""Label names in addresses: names that are not plain letters may be written `U__...`.

Source: https://prometheus.io/docs/instrumenting/escaping_schemes/#value-encoding
"""

import re
from typing import Final

_PREFIX: Final = "U__"
_PART: Final = re.compile(r"__|_([0-9a-fA-F]+)_|([^_])")


def unescaped(name: str) -> str:
    """The name meant: `U__http_2e_status` is `http.status`. Names that are no escapes stay as they are."""
    if not name.startswith(_PREFIX):
        return name
    body = name[len(_PREFIX) :]
    pieces: list[str] = []
    position = 0
    while position < len(body):
        found = _PART.match(body, position)
        if found is None or (found[1] and int(found[1], 16) > 0x10FFFF):
            return name
        pieces.append(chr(int(found[1], 16)) if found[1] else (found[2] or "_"))
        position = found.end()
    return "".join(pieces)
