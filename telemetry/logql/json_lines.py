"""Fields of a JSON line as text: numbers as they are written, of equal keys the first, arrays left out."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_BAD: Final = re.compile(r"[^a-zA-Z0-9_]")
_REPLACEMENT: Final = "�"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_STEP: Final = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_-]*)|\.?\[(?:(\d+)|"((?:\\.|[^"\\])*)")\]')


class NotJson(ValueError):
    """The line is no JSON object, or stops being one."""


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Object(tuple[tuple[str, Any], ...]):
    """Pairs of a JSON object, told from an array by its type."""

    __slots__ = ()


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=Object, parse_float=Number, parse_int=Number, parse_constant=_refuse, strict=False
)


def fields(line: str) -> Iterator[tuple[str, str]]:
    """(label name, value) of scalar fields, names of nested ones joined by `_`.

    Raises NotJson at the place where the line stops being JSON; what came before is given.
    """
    try:
        found, _ = _DECODER.raw_decode(line, _end_of_space(line, 0))
    except (ValueError, RecursionError):
        yield from _fields_until_error(line)
        return
    if not isinstance(found, Object):
        raise NotJson("expecting json object, but it is not")
    yield from _flat(found, "")


def texts(line: str) -> list[tuple[str, str]]:
    """Pairs of the object whose values are strings. Raises NotJson."""
    try:
        found, _ = _DECODER.raw_decode(line, _end_of_space(line, 0))
    except (ValueError, RecursionError) as error:
        raise NotJson("the line is no JSON object") from error
    if not isinstance(found, Object):
        raise NotJson("expecting json object, but it is not")
    return [(name, value) for name, value in found if isinstance(value, str) and not isinstance(value, Number)]


def _flat(pairs: Object, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        label = _joined(prefix, name)
        if isinstance(value, str):
            yield label, value if isinstance(value, Number) else readable(value)
        elif isinstance(value, bool):
            yield label, "true" if value else "false"
        elif isinstance(value, Object):
            yield from _flat(value, label)


def _joined(prefix: str, name: str) -> str:
    part = name.strip()
    if not prefix:
        return sanitized(part)
    return f"{prefix}_{_BAD.sub('_', part)}" if part else f"{prefix}_"


@lru_cache(maxsize=4096)
def sanitized(name: str) -> str:
    """Name of a field as a label name, '' if nothing is left of it."""
    name = name.strip()
    return _BAD.sub("_", f"_{name}" if name[:1].isdigit() else name)


def readable(value: str) -> str:
    """The text; '' if it holds what is no character."""
    return "" if _REPLACEMENT in value or _SURROGATE.search(value) else value


def _end_of_space(line: str, position: int) -> int:
    found = _SPACE.match(line, position)
    return found.end() if found else position


def members(line: str, position: int) -> Iterator[tuple[str, Any, int, int]]:
    """(name, value, where it begins, where it ends) of the object at `position`. Raises NotJson where it breaks."""
    position = _end_of_space(line, position)
    if line[position : position + 1] != "{":
        raise NotJson("expecting json object, but it is not")
    position = _end_of_space(line, position + 1)
    if line[position : position + 1] == "}":
        return
    while True:
        try:
            name, end = _DECODER.raw_decode(line, position)
            if not isinstance(name, str) or isinstance(name, Number):
                raise ValueError(name)
            position = _end_of_space(line, end)
            if line[position : position + 1] != ":":
                raise ValueError(position)
            position = _end_of_space(line, position + 1)
            value, end = _DECODER.raw_decode(line, position)
        except (ValueError, RecursionError) as error:
            raise NotJson("Value looks like object, but can't find closing '}' symbol") from error
        yield name, value, position, end
        position = _end_of_space(line, end)
        if line[position : position + 1] == "}":
            return
        if line[position : position + 1] != ",":
            raise NotJson("Value looks like object, but can't find closing '}' symbol")
        position = _end_of_space(line, position + 1)


def _fields_until_error(line: str) -> Iterator[tuple[str, str]]:
    for name, value, _, _ in members(line, 0):
        yield from _flat(Object(((name, value),)), "")


Path = tuple[str | int, ...]


@lru_cache(maxsize=512)
def parse_path(expression: str) -> Path:
    """Path such as `request.headers["X-Key"][0]`. Raises ValueError."""
    steps: list[str | int] = []
    position = 0
    while position < len(expression):
        found = _STEP.match(expression, position)
        if found is None or (position == 0 and expression[0] == "."):
            break
        if position and found[1] is not None and expression[position] != ".":
            break
        if found[2] is not None:
            steps.append(int(found[2]))
        else:
            steps.append(found[1] if found[1] is not None else json.loads(f'"{found[3]}"'))
        position = found.end()
    if position < len(expression) or not steps:
        raise ValueError(f"cannot parse expression [{expression}]: syntax error: unexpected token")
    return tuple(steps)


def value_at(line: str, path: Path) -> str | None:
    """Text of the value at `path` as it is written, strings unescaped; None if it is not there.

    Raises NotJson for a line that is broken before it.
    """
    position = 0
    value: Any = None
    end = 0
    for step in path:
        found = _member(line, position, step) if isinstance(step, str) else _element(line, position, step)
        if found is None:
            return None
        value, position, end = found
    return _raw(line, value, position, end)


def _member(line: str, position: int, name: str) -> tuple[Any, int, int] | None:
    position = _end_of_space(line, position)
    if line[position : position + 1] != "{":
        return None
    return next(((value, start, end) for key, value, start, end in members(line, position) if key == name), None)


def _element(line: str, position: int, index: int) -> tuple[Any, int, int] | None:
    position = _end_of_space(line, position)
    if line[position : position + 1] != "[":
        return None
    position = _end_of_space(line, position + 1)
    while line[position : position + 1] not in ("]", ""):
        try:
            value, end = _DECODER.raw_decode(line, position)
        except (ValueError, RecursionError) as error:
            raise NotJson("the line is no JSON") from error
        if index == 0:
            return value, position, end
        index -= 1
        position = _end_of_space(line, end)
        if line[position : position + 1] == ",":
            position = _end_of_space(line, position + 1)
    return None


def _raw(line: str, value: Any, start: int, end: int) -> str:
    if isinstance(value, str) and not isinstance(value, Number):
        return readable(value)
    return "" if value is None else line[start:end]
