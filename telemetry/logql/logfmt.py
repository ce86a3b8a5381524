"""Pairs `key=value` in a line.

Source: https://pkg.go.dev/github.com/go-logfmt/logfmt
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

_KEY: Final = re.compile(r'[^\x00-\x20="]+')
_BARE: Final = re.compile(r'[^\x00-\x20="]*')
_QUOTED: Final = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_GARBAGE: Final = re.compile(r"[\x00-\x20]*")
_WORD: Final = re.compile(r"[^\x00-\x20]*")
_REPLACEMENT: Final = "�"


@dataclass(frozen=True, slots=True)
class Malformed:
    """What cannot be read at a place, counted from 1 in bytes."""

    position: int
    reason: str

    def __str__(self) -> str:
        return f"logfmt syntax error at pos {self.position} : {self.reason}"


def pairs(line: str) -> Iterator[tuple[str, str] | Malformed]:
    """Pairs, and places where there is none; reading goes on after them. A key alone has the value ''."""
    position, end = 0, len(line)
    while True:
        position = _end_of(_GARBAGE, line, position)
        if position >= end:
            return
        start = position
        position = _end_of(_KEY, line, position)
        key = line[start:position]
        if position < end and line[position] in '="' and (not key or line[position] == '"'):
            yield _malformed(line, position, f"unexpected '{line[position]}'")
            position = _end_of(_WORD, line, position)
            continue
        if _REPLACEMENT in key:
            yield _malformed(line, position, "invalid key")
            position = _end_of(_WORD, line, position)
            continue
        if position >= end or line[position] != "=":
            yield key, ""
            continue
        found, position = _value(line, position + 1)
        yield found if isinstance(found, Malformed) else (key, found)


def _value(line: str, position: int) -> tuple[str | Malformed, int]:
    """(value or what is wrong with it, where to go on)."""
    if position < len(line) and line[position] == '"':
        return _quoted(line, position)
    end = _end_of(_BARE, line, position)
    if end < len(line) and line[end] in '="':
        return _malformed(line, end, f"unexpected '{line[end]}'"), _end_of(_WORD, line, end)
    return line[position:end], end


def _quoted(line: str, position: int) -> tuple[str | Malformed, int]:
    found = _QUOTED.match(line, position)
    if found is None:
        return _malformed(line, len(line), "unterminated quoted value"), len(line)
    if "\\" not in found[1]:
        return found[1], found.end()
    try:
        text = found[0].translate(_CONTROL)
        return orjson.loads(text), found.end()
    except orjson.JSONDecodeError:
        return _malformed(line, found.end(), "invalid quoted value"), found.end()


_CONTROL: Final = {code: f"\\u{code:04x}" for code in range(0x20)}
"""Control characters may stand in quoted values, unlike in JSON."""


def _end_of(pattern: re.Pattern[str], line: str, position: int) -> int:
    found = pattern.match(line, position)
    return found.end() if found else position


def _malformed(line: str, position: int, reason: str) -> Malformed:
    return Malformed(len(line[:position].encode("utf-8", "surrogatepass")) + 1, reason)
