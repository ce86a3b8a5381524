"""The patterns of one service: which line belongs to which template, found from a cache for lines seen alike before.

Most lines never reach the tree. A JSON line is its message field, and short messages repeat word for word. Of any
other line the digits and the letters a to f are deleted: what is left is the same for lines that differ in numbers
and hexadecimal ids only. As "added" and "faced" leave the same too, an entry also names words that a line must hold.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from telemetry.patterns.masking import MOST_CHARACTERS, WILDCARD, Tokens, masked_tokens
from telemetry.patterns.tree import Template, TemplateTree

MESSAGE_FIELDS: Final = ("event", "message", "msg", "log", "body")
"""Fields of a JSON line that hold its message, the first one wins."""

_NEEDLES: Final = tuple((name, f'"{name}":{blank}"'.encode()) for name in MESSAGE_FIELDS for blank in (" ", ""))
_BRACE: Final = ord("{")
HEXADECIMAL: Final = b"0123456789abcdefABCDEF"
_HEX_LETTERS: Final = frozenset("abcdefABCDEF")
_LITERALS: Final = re.compile(r"[^\s0-9]+")
_MOST_ALIKE: Final = 8
"""Entries of one shape; beyond it a line goes to the tree."""

Entry = tuple[tuple[bytes, ...], int]
"""(what the line must contain, number of its pattern)"""


@dataclass(slots=True)
class Pattern:
    """One pattern of a service."""

    identity: int
    """64 bits of a hash of the service, the field and the first template: the same in every process and run."""
    field: str
    """Name of the JSON field that the template is of; "" for the whole line."""
    template: Template
    sample: str
    written: Tokens = ()
    """Tokens as last stored."""

    def current(self) -> Template:
        return self.template.current()


@dataclass(slots=True)
class _Field:
    """What is known of one message field."""

    tree: TemplateTree
    numbers: dict[int, int] = field(default_factory=dict)
    """number of a template in the tree -> number of its pattern"""
    exact: dict[bytes, int] = field(default_factory=dict)
    shapes: dict[bytes, list[Entry]] = field(default_factory=dict)


class PatternBook:
    """At most `most` patterns a field and `most` x 16 remembered shapes."""

    def __init__(self, service: str, most: int) -> None:
        self.service = service
        self.patterns: list[Pattern] = []
        self._most = most
        self._fields: dict[str, _Field] = {}
        self._expected = self._expectation(*_NEEDLES[0])

    def restore(self, identity: int, name: str, template: str, sample: str) -> None:
        """Know a pattern that was stored before."""
        tokens = tuple(template.split())
        known = self._field(name)
        found = known.tree.add(tokens)
        if found.number not in known.numbers:
            known.numbers[found.number] = self._append(Pattern(identity, name, found, sample, found.tokens))

    def number_lines(self, data: bytes, spans: Iterable[tuple[int, int]]) -> list[int]:
        """Pattern number of each line data[start:end]."""
        numbers: list[int] = []
        append, find = numbers.append, data.find
        for start, end in spans:
            if start == end or data[start] != _BRACE:
                append(self._text(data[start : min(end, start + MOST_CHARACTERS)], ""))
                continue
            known, _, needle, length = self._expected
            at = find(needle, start, end)
            if at >= 0 and find(b"{", start + 1, at) < 0:
                at += length
                number = known.exact.get(data[at : find(b'"', at, end)])
                if number is not None:
                    append(number)
                    continue
            append(self._json_line(data, start, end))
        return numbers

    def _json_line(self, data: bytes, start: int, end: int) -> int:
        """A JSON line whose message is not known word for word."""
        _, name, needle, length = self._expected
        at = data.find(needle, start, end)
        if at < 0:
            return self._other_json_line(data, start, end)
        if data.find(b"{", start + 1, at) >= 0:
            return self._parsed_json_line(data[start:end])
        message = data[at + length : data.find(b'"', at + length, end)]
        if message[-1:] == b"\\":
            return self._parsed_json_line(data[start:end])
        return self._text(message[:MOST_CHARACTERS], name)

    def _other_json_line(self, data: bytes, start: int, end: int) -> int:
        """A line whose message is in another field than that of the line before, or in none."""
        for needle in _NEEDLES:
            if data.find(needle[1], start, end) >= 0:
                self._expected = self._expectation(*needle)
                return self._json_line(data, start, end)
        return self._text(data[start : min(end, start + MOST_CHARACTERS)], "")

    def _parsed_json_line(self, line: bytes) -> int:
        """A line whose message holds quotes or stands behind a nested object."""
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._text(line[:MOST_CHARACTERS], "")
        for name in MESSAGE_FIELDS:
            if isinstance(message := document.get(name), str):
                return self._text(message.encode()[:MOST_CHARACTERS], name)
        return self._text(line[:MOST_CHARACTERS], "")

    def _text(self, text: bytes, name: str) -> int:
        known = self._fields.get(name) or self._field(name)
        shape = text.translate(None, HEXADECIMAL)
        for words, number in known.shapes.get(shape, ()):
            at = 0
            for word in words:
                at = text.find(word, at)
                if at < 0:
                    break
            else:
                return number
        return self._learn(known, text, shape, name)

    def _learn(self, known: _Field, text: bytes, shape: bytes, name: str) -> int:
        message = text.decode(errors="replace")
        template = known.tree.add(masked_tokens(message))
        number = known.numbers.get(template.number)
        if number is None:
            identity = pattern_identity(self.service, name, template.tokens)
            number = self._append(Pattern(identity, name, template, message))
            known.numbers[template.number] = number
        self._remember(known, text, shape, template, number)
        return number

    def _remember(self, known: _Field, text: bytes, shape: bytes, template: Template, number: int) -> None:
        if len(known.shapes) >= self._most * 16:
            known.shapes.clear()
        if len(known.exact) >= self._most * 16:
            known.exact.clear()
        entries = known.shapes.setdefault(shape, [])
        if len(entries) < _MOST_ALIKE:
            entries.append((_must_hold(template.tokens, text), number))
        if len(text) <= 64 and text.isascii() and b"\\" not in text:
            known.exact[text] = number

    def _expectation(self, name: str, needle: bytes) -> tuple[_Field, str, bytes, int]:
        """Where the next JSON line has its message if it is like the last one."""
        return self._field(name), name, needle, len(needle)

    def _field(self, name: str) -> _Field:
        return self._fields.setdefault(name, _Field(TemplateTree(self._most)))

    def _append(self, pattern: Pattern) -> int:
        self.patterns.append(pattern)
        return len(self.patterns) - 1


def pattern_identity(service: str, name: str, tokens: Sequence[str]) -> int:
    """64 bits that name a pattern."""
    text = "\0".join((service, name, *tokens)).encode(errors="replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def _must_hold(tokens: Tokens, text: bytes) -> tuple[bytes, ...]:
    """Literal parts of the template in which deleting a to f could hide a difference, neighbours as one phrase."""
    phrases: list[str] = []
    run: list[str] = []
    for token in (*tokens, WILDCARD):
        if WILDCARD not in token:
            run.append(token)
            continue
        phrases += [" ".join(run)] if run else []
        phrases += [part for part in token.split(WILDCARD) if part]
        run = []
    return tuple(
        word for phrase in phrases if not _HEX_LETTERS.isdisjoint(phrase) for word in _as_written(phrase, text)
    )


def _as_written(phrase: str, text: bytes) -> list[bytes]:
    """The phrase if `text` holds it so, else those of its words that `text` holds."""
    if (encoded := phrase.encode()) in text:
        return [encoded]
    return [word for part in _LITERALS.findall(phrase) if (word := part.encode()) in text]
