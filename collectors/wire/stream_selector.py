"""Label sets as text: `{name="value", other="value"}`, as Loki's push carries its streams.

Source: https://github.com/grafana/loki/blob/main/docs/sources/reference/loki-http-api.md#ingest-logs
"""

import re
from functools import lru_cache
from typing import Final

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, labels_from

_PAIR: Final = re.compile(
    r"""\s*([^\s=,{}"`]+)\s*=\s*(?:"((?:[^"\\\n]|\\.)*)"|`([^`]*)`)\s*(,|$)""",
)
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.|$))", re.DOTALL
)
_SIMPLE: Final = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))


@lru_cache(maxsize=10_000)
def parse_label_set(selector: str) -> Labels:
    """Labels of a stream. Raises InvalidInput showing the text if it is not understood."""
    inside = selector.strip()
    if not (inside.startswith("{") and inside.endswith("}")):
        raise InvalidInput(f"stream labels must stand in braces: {selector[:200]!r}")
    inside = inside[1:-1].strip()
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(inside):
        pair = _PAIR.match(inside, position)
        if pair is None:
            raise InvalidInput(f"stream labels are not understood from character {position + 1} on: {selector[:200]!r}")
        quoted, raw = pair[2], pair[3]
        pairs.append((pair[1], unquoted(quoted) if quoted is not None else raw))
        position = pair.end()
    return labels_from(pairs)


def unquoted(text: str) -> str:
    """What stands between the quotes of a Go string. Raises InvalidInput for an escape that Go does not know."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(escape: re.Match[str]) -> str:
    simple, two, four, eight, octal, _ = escape.groups()
    if simple:
        return _SIMPLE[simple]
    digits, base = (octal, 8) if octal else (two or four or eight, 16)
    try:
        return chr(int(digits, base))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"unknown escape {escape[0]!r} in a quoted text") from error
