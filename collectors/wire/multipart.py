"""Form data in parts (RFC 7578), small enough to be held; pure."""

import re
from typing import Final

from telemetry.model.errors import InvalidInput

MAX_PARTS: Final = 32
MAX_HEADER_BYTES: Final = 8_192
_NAME: Final = re.compile(rb'content-disposition:[^\r\n]*?;\s*name="([^"\r\n]{1,100})"', re.IGNORECASE)


def read_form(body: bytes, boundary: str) -> dict[str, bytes]:
    """Field name -> content; the last of a name wins. Raises InvalidInput if it is cut off or has over 32 parts."""
    if not boundary or len(boundary) > 70:
        raise InvalidInput("the multipart body names no boundary of 1 to 70 characters")
    mark = b"\r\n--" + boundary.encode("latin-1", "replace")
    _, *parts = (b"\r\n" + body).split(mark, MAX_PARTS + 1)
    if len(parts) > MAX_PARTS:
        raise InvalidInput(f"the multipart body has more than {MAX_PARTS} parts")
    if not parts or not parts[-1].startswith(b"--"):
        raise InvalidInput("the multipart body was cut off: its last boundary is missing")
    return dict(_field(part) for part in parts[:-1])


def _field(part: bytes) -> tuple[str, bytes]:
    head, found, content = part.partition(b"\r\n\r\n")
    name = _NAME.search(head[:MAX_HEADER_BYTES])
    if not found or name is None:
        raise InvalidInput("a part of the multipart body has no name")
    return name[1].decode("utf-8", "replace"), content
