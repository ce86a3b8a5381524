"""The comments of a metrics page that say something: HELP, TYPE and UNIT of its families."""

import re
from functools import lru_cache
from typing import Final

from collectors.wire.protobuf import utf8
from telemetry.model.errors import InvalidInput
from telemetry.model.samples import MetricMetadata

_COMMENT: Final = re.compile(
    rb"""#[ \t]+(HELP|TYPE|UNIT)[ \t]+("(?:[^"\\\n]|\\.)*"|[^ \t]+)(?:[ \t]+(.*))?""", re.DOTALL
)
_TYPES: Final = {
    word: word for word in ("counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown")
} | {"untyped": "unknown"}
_ESCAPE: Final = re.compile(r'\\([\\"n])')


class FamilyNotes:
    """Collects what a page says of its metric families."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, str]] = {}

    def comment(self, line: bytes) -> None:
        """Take in a line that begins with `#`. Raises InvalidInput for an unknown type or text that is not UTF-8."""
        if note := _read(line):
            name, kind, said = note
            self._found.setdefault(name, {})[kind] = said

    def all(self) -> tuple[MetricMetadata, ...]:
        return tuple(MetricMetadata(metric=name, **said) for name, said in self._found.items())


@lru_cache(maxsize=10_000)
def _read(line: bytes) -> tuple[str, str, str] | None:
    """(family, "help" or "type" or "unit", text); None for a comment that says nothing to us."""
    comment = _COMMENT.fullmatch(line)
    if comment is None:
        return None
    kind, name = comment[1].decode().lower(), utf8(comment[2], "a metric name").strip('"')
    said = utf8(comment[3] or b"", f"the {kind} of {name}")
    if kind == "help":
        return name, kind, _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], said)
    if kind == "type" and said.strip().lower() not in _TYPES:
        raise InvalidInput(f"{name} has the unknown type {said[:80]!r}")
    return name, kind, _TYPES[said.strip().lower()] if kind == "type" else said
