"""YAML as Prometheus reads its own: scalars stay text, keys are unique, and every value knows its line. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from telemetry.model.errors import InvalidInput

MOST_NODES: Final = 500_000
"""Values of one file, each use of an alias counted."""
MOST_DEPTH: Final = 50

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


class YamlProblem(InvalidInput):
    """The text is no YAML, or more of it than any rule file has."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One value: text, None, a list of values or a mapping of names to values."""

    value: Any
    line: int
    """Counted from 1."""

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.value, list)

    @property
    def text(self) -> str:
        return self.value if isinstance(self.value, str) else ""

    def child(self, name: str) -> "Marked":
        """The value of a field; one without value if it is missing."""
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return found if isinstance(found, Marked) else Marked(None, self.line)

    def word(self, name: str) -> str:
        """Text of a field, '' if there is none."""
        return self.child(name).text


def load_documents(text: str) -> list[Marked]:
    """Every document of a file. Raises YamlProblem with the line."""
    try:
        nodes = list(_composed(text))
    except yaml.YAMLError as error:
        raise YamlProblem(_sentence(error)) from error
    except RecursionError as error:
        raise YamlProblem("the file is nested too deeply") from error
    builder = _Builder()
    return [builder.build(node, 0) for node in nodes]


def _composed(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


class _Builder:
    def __init__(self) -> None:
        self._nodes = 0

    def build(self, node: Any, depth: int) -> Marked:
        self._nodes += 1
        line = node.start_mark.line + 1
        if self._nodes > MOST_NODES or depth > MOST_DEPTH:
            raise YamlProblem(f"line {line}: the file holds more than {MOST_NODES:,} values, or is nested too deeply")
        if isinstance(node, yaml.MappingNode):
            return Marked(self._mapping(node, depth), line)
        if isinstance(node, yaml.SequenceNode):
            return Marked([self.build(entry, depth + 1) for entry in node.value], line)
        is_null = not node.style and node.value in _NULLS
        return Marked(None if is_null else node.value, line)

    def _mapping(self, node: Any, depth: int) -> dict[str, Marked]:
        found: dict[str, Marked] = {}
        merged: dict[str, Marked] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name == "<<" and not key.style:
                merged.update(self._merged(value, depth))
            elif name in found:
                raise YamlProblem(f'line {line}: mapping key "{name}" already defined')
            else:
                found[name] = self.build(value, depth + 1)
        return {**merged, **found}

    def _merged(self, node: Any, depth: int) -> dict[str, Marked]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Marked] = {}
        for source in reversed(sources):
            value = self.build(source, depth + 1).value
            merged.update(value if isinstance(value, dict) else {})
        return merged


def _sentence(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark else f"no YAML: {problem}"
