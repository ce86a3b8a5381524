"""YAML read so that a fault can be shown where it was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

MAX_CHARACTERS: Final = 1_000_000
MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 64


class DocumentError(ValueError):
    """A fault of a document, with its place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: line and column count from 1; `path` is as in `spec.metrics[0].type`."""

    path: str
    line: int
    column: int

    def error(self, fault: str) -> DocumentError:
        return DocumentError(f"line {self.line}, column {self.column}: {self.path or 'the document'} {fault}")


@dataclass(frozen=True, slots=True)
class Located:
    """A value and its place: a plain value, or lists and mappings of located ones."""

    value: Any
    place: Place

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: child.plain for name, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain for child in self.value]
        return self.value

    def error(self, fault: str) -> DocumentError:
        """An error about this value."""
        shown = "" if isinstance(self.value, dict | list) else f"is {self.value!r}; "
        return self.place.error(f"{shown}{fault}")

    def fields(self, *known: str) -> Mapping[str, "Located"]:
        """The fields of a mapping. Raises DocumentError for another value and for fields that are not `known`."""
        if not isinstance(self.value, dict):
            raise self.error("must be a mapping")
        for name, child in self.value.items():
            if known and name not in known:
                raise child.place.error(f"is not known here; known are {', '.join(known)}")
        return self.value

    def items(self) -> list["Located"]:
        """The members of a list. Raises DocumentError for another value."""
        if not isinstance(self.value, list):
            raise self.error("must be a list")
        return self.value

    def text(self) -> str:
        """A text that is not empty. Raises DocumentError."""
        if not isinstance(self.value, str) or not self.value:
            raise self.error("must be a text")
        return self.value

    def choice(self, *choices: str) -> str:
        """One of `choices`. Raises DocumentError."""
        if self.value not in choices:
            raise self.error(f"expected one of {', '.join(choices)}")
        return str(self.value)

    def whole(self, minimum: int, maximum: int) -> int:
        """A whole number within both limits. Raises DocumentError."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not minimum <= self.value <= maximum:
            raise self.error(f"expected a whole number from {minimum} to {maximum}")
        return self.value

    def number(self, minimum: float, maximum: float) -> float:
        """A number within both limits. Raises DocumentError."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error(f"expected a number from {minimum:g} to {maximum:g}")
        if not minimum <= self.value <= maximum:
            raise self.error(f"expected a number from {minimum:g} to {maximum:g}")
        return float(self.value)


def read_documents(text: str) -> list[Located]:
    """Every document of a YAML (or JSON) stream that is not empty. Raises DocumentError."""
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(f"the document has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
        budget = _Budget(MAX_NODES)
        documents = [_located(node, "", 0, budget) for node in nodes]
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"this is not YAML: {error}") from error
    return [document for document in documents if document.value is not None]


def _syntax_error(error: yaml.MarkedYAMLError) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return DocumentError(f"{place}{error.problem or error.context}")


class _Budget:
    """Counts values down, so that references to references cannot multiply without end."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, place: Place) -> None:
        self._left -= 1
        if self._left < 0:
            raise place.error(f"is one value more than the {MAX_NODES} that are read")


def _located(node: yaml.Node, path: str, depth: int, budget: _Budget) -> Located:
    place = Place(path, node.start_mark.line + 1, node.start_mark.column + 1)
    budget.take(place)
    if depth > MAX_DEPTH:
        raise place.error(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(node, yaml.MappingNode):
        return Located(dict(_members(node, path, depth, budget)), place)
    if isinstance(node, yaml.SequenceNode):
        return Located([_located(one, f"{path}[{n}]", depth + 1, budget) for n, one in enumerate(node.value)], place)
    return Located(_scalar(node), place)


def _members(node: yaml.MappingNode, path: str, depth: int, budget: _Budget) -> Iterator[tuple[str, Located]]:
    seen = set()
    for key, value in node.value:
        name = str(key.value)
        below = f"{path}.{name}" if path else name
        if name in seen:
            raise Place(below, key.start_mark.line + 1, key.start_mark.column + 1).error("is given twice")
        seen.add(name)
        yield name, _located(value, below, depth + 1, budget)


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    finally:
        loader.dispose()
