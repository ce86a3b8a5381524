"""Reads one mapping of a configuration: every field by name and kind, and nothing left unread; pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from telemetry.model.errors import InvalidInput
from telemetry.promql.durations import parse_duration_ms

Path = tuple[str | int, ...]
"""Where in the document: keys and list positions."""

_BYTES: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTPE]?)(i?)B?", re.IGNORECASE)


class InvalidConfig(InvalidInput):
    """Something in the configuration cannot be used; `path` says where."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{shown_path(path)}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def shown_path(path: Path) -> str:
    """`relabel_configs[0].regex`"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class Section:
    """One mapping; readers take a field out, `finish` refuses what nobody asked for."""

    def __init__(self, value: Any, path: Path = ()) -> None:
        if not isinstance(value, Mapping):
            raise InvalidConfig(path, f"expected fields with values, found {_shown(value)}")
        self._fields = dict(value)
        self.path = path

    def take(self, name: str) -> Any:
        """The raw value, None if the field is absent or empty."""
        return self._fields.pop(name, None)

    def text(self, name: str, default: str = "") -> str:
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise self.wrong(name, f"expected a text, found {_shown(value)}")
        return str(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, f"expected true or false, found {_shown(value)}")
        return value

    def count(self, name: str, default: int = 0) -> int:
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(name, f"expected a whole number from 0 on, found {_shown(value)}")
        return value

    def duration_ms(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        try:
            return parse_duration_ms(text)
        except InvalidInput as error:
            raise self.wrong(name, str(error)) from error

    def size_bytes(self, name: str) -> int:
        """Bytes of a size such as 15MB (1 KB = 1024 bytes), 0 if there is none."""
        text = self.text(name)
        found = _BYTES.fullmatch(text.strip()) if text else None
        if text and found is None:
            raise self.wrong(name, f"expected a size such as 15MB, found {text!r}")
        return int(float(found[1]) * 1024 ** " KMGTPE".index((found[2] or " ").upper())) if found else 0

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.take(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, f"expected a list of texts, found {_shown(value)}")
        return tuple(value)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A mapping of texts to texts, sorted."""
        value = self.take(name) or {}
        if not isinstance(value, Mapping):
            raise self.wrong(name, f"expected names with values, found {_shown(value)}")
        if wrong := [key for key, item in value.items() if not isinstance(key, str) or isinstance(item, (dict, list))]:
            raise self.wrong(name, f"{wrong[0]!r} has no text as its value")
        return tuple(sorted((key, _plain(item)) for key, item in value.items()))

    def section(self, name: str) -> "Section | None":
        value = self.take(name)
        return None if value is None else Section(value, (*self.path, name))

    def sections(self, name: str) -> "Iterator[Section]":
        value = self.take(name) or []
        if not isinstance(value, list):
            raise self.wrong(name, f"expected a list, found {_shown(value)}")
        for position, item in enumerate(value):
            yield Section(item, (*self.path, name, position))

    def left(self) -> list[str]:
        """Names of fields that were not read yet."""
        return list(self._fields)

    def finish(self) -> None:
        """Raises InvalidConfig for a field that is not known."""
        for name in self._fields:
            raise self.wrong(name, "there is no such field")

    def wrong(self, name: str, problem: str) -> InvalidConfig:
        return InvalidConfig((*self.path, name), problem)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
