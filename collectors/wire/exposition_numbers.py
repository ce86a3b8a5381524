"""Values and timestamps as metrics pages write them."""

import re
from typing import Final

from telemetry.model.errors import InvalidInput

_HEX: Final = re.compile(rb"[+-]?0x", re.IGNORECASE)


def page_number(word: bytes) -> float:
    """A value as Go writes numbers, hexadecimal ones included. Raises InvalidInput."""
    try:
        if b"_" not in word:
            return float.fromhex(word.decode()) if _HEX.match(word) else float(word)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(f"{shown(word)} is not a number")


def page_milliseconds(word: bytes, *, openmetrics: bool) -> int:
    """A timestamp, in seconds on OpenMetrics pages and in milliseconds on others. Raises InvalidInput."""
    try:
        timestamp = round(float(word) * 1000) if openmetrics else int(word)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{shown(word)} is not a timestamp") from error
    if abs(timestamp) >= 2**63 or b"_" in word:
        raise InvalidInput(f"{shown(word)} is not a timestamp")
    return timestamp


def shown(data: bytes) -> str:
    """The beginning of a piece of a page, for messages."""
    return repr(data[:200].decode(errors="replace"))
