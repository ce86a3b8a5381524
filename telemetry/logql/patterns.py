"""Pattern expressions: `<ip> - <_> [<time>]`, literals with captures between them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_CAPTURE: Final = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")


@dataclass(frozen=True, slots=True)
class Capture:
    name: str

    @property
    def is_named(self) -> bool:
        return self.name != "_"


Part = str | Capture


def parse_pattern(text: str) -> tuple[Part, ...]:
    """Literals and captures, never two captures next to each other. Raises ValueError."""
    parts: list[Part] = []
    position = 0
    for found in _CAPTURE.finditer(text):
        if found.start() > position:
            parts.append(text[position : found.start()])
        elif parts:
            raise ValueError(f"found consecutive capture '{found[0]}'")
        parts.append(Capture(found[1]))
        position = found.end()
    if position < len(text):
        parts.append(text[position:])
    return tuple(parts)


def parse_extraction(text: str) -> tuple[Part, ...]:
    """Pattern of the parser `pattern`: at least one named capture, no name twice. Raises ValueError."""
    parts = parse_pattern(text)
    names = [part.name for part in parts if isinstance(part, Capture) and part.is_named]
    if not names:
        raise ValueError("at least one capture is required")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"duplicate capture name ({name})")
    return parts


def captures(parts: tuple[Part, ...], line: str) -> list[tuple[str, str]]:
    """(name, text) of the named captures; where a literal is missing, the capture before it takes the rest."""
    found: list[tuple[str, str]] = []
    rest, index = line, 0
    if not line:
        return found
    if isinstance(parts[0], str):
        if not rest.startswith(parts[0]):
            return found
        rest, index = rest[len(parts[0]) :], 1
    while index < len(parts):
        capture, literal = parts[index], parts[index + 1] if index + 1 < len(parts) else None
        end = rest.find(literal) if isinstance(literal, str) else -1
        if isinstance(capture, Capture) and capture.is_named:
            found.append((capture.name, rest if end < 0 else rest[:end]))
        if end < 0 or not isinstance(literal, str):
            return found
        rest = rest[end + len(literal) :]
        index += 2
    return found


def line_test(text: str) -> Callable[[str], bool]:
    """Whether a whole line has the form of the pattern, captures taking at least one character. Raises ValueError."""
    parts = parse_pattern(text)
    for part in parts:
        if isinstance(part, Capture) and part.is_named:
            raise ValueError(f"named captures are not allowed in pattern filters: <{part.name}>")
    return lambda line: _has_form(parts, line)


def _has_form(parts: tuple[Part, ...], line: str) -> bool:
    if not line or not parts:
        return not line and not parts
    position = 0
    for index, part in enumerate(parts):
        if isinstance(part, Capture):
            continue
        found = line.find(part, position)
        if found < 0 or (index > 0 and found == position) or (index == 0 and found > 0):
            return False
        position = found + len(part)
    return isinstance(parts[-1], Capture) == (position < len(line))
