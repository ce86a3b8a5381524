"""JSON bodies, refused before they can do harm and read with checks that name what is wrong."""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from collectors.wire.limits import MAX_DEPTH, DecodeLimits
from telemetry.model.errors import InvalidInput

_SEPARATORS: Final = (b",", b"{", b"[")


def parse_json(body: bytes, limits: DecodeLimits) -> Any:
    """The document in `body`. Raises InvalidInput if it is no JSON, LimitExceeded if it has too many values."""
    check_size(body, limits)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error


def check_size(body: bytes, limits: DecodeLimits) -> None:
    """Raises LimitExceeded if there are too many values in `body`, before anything is built from them.

    They are counted by their separators, those inside strings too: an upper bound.
    """
    limits.check_json_parts(sum(map(body.count, _SEPARATORS)))


def parse_shallow_json(body: bytes, limits: DecodeLimits) -> Any:
    """As `parse_json`, for documents whose shape is free: nested at most 64 levels deep."""
    document = parse_json(body, limits)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(document)
    return document


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value) if isinstance(child, (dict, list))]
        if not level:
            return
    raise InvalidInput(f"the JSON document is nested deeper than {MAX_DEPTH} levels")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def objects(value: Any, what: str) -> list[dict[str, Any]]:
    """`value` if it is a list of objects, [] if it is absent (None). Raises InvalidInput naming `what`."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidInput(f"{what} is not a list of objects")
    return value


def an_object(value: Any, what: str) -> dict[str, Any]:
    """`value` if it is an object, {} if it is absent (None). Raises InvalidInput naming `what`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{what} is not an object")
    return value


def text(value: Any, what: str) -> str:
    """`value` if it is text, '' if it is absent (None). Raises InvalidInput naming `what`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is not text: {str(value)[:80]!r}")
    return value


def whole_number(value: Any, what: str) -> int:
    """`value` if it is a whole number or one in a string, 0 if it is absent (None). Raises InvalidInput."""
    if value is None:
        return 0
    if isinstance(value, str) and value.isascii() and value.lstrip("-").isdigit() and len(value) <= 20:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidInput(f"{what} is not a whole number: {str(value)[:80]!r}")
