"""Expanding the templates of labels and annotations.

Source: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from policies.rules.template_functions import FUNCTIONS, go_text, is_true
from policies.rules.template_text import (
    Block,
    Call,
    Command,
    Literal,
    Node,
    Output,
    Path,
    Pipeline,
    TemplateProblem,
    Text,
    parse_template,
)
from telemetry.model.errors import TelemetryError
from telemetry.model.labels import Labels

Ask = Callable[[str], list[dict[str, Any]]]
"""What the function `query` gives: samples as {"Labels": ..., "Value": ...}."""

MOST_STEPS: Final = 20_000
"""Actions and loop rounds of one expansion."""
MOST_CHARACTERS: Final = 65_536


@dataclass(slots=True)
class Given:
    """What a template sees; maps are those of one alert."""

    labels: Mapping[str, str]
    value: float
    external_url: str = ""
    query: Ask | None = None
    variables: dict[str, Any] = field(default_factory=dict)


def expand(text: str, given: Given) -> str:
    """The text with its actions replaced. Never raises: a fault shows in the text, as in Prometheus."""
    if "{{" not in text:
        return text
    try:
        return _Expansion(given).run(parse_template(text))
    except TelemetryError as error:
        return f"<error expanding template: {error}>"


def expand_all(pairs: Labels, given: Given) -> dict[str, str]:
    """Each value of `pairs`, expanded."""
    return {name: expand(text, given) for name, text in pairs}


class _Expansion:
    def __init__(self, given: Given) -> None:
        self._given = given
        self._steps = 0
        self._parts: list[str] = []
        self._length = 0
        self._dot: Any = {
            "Labels": given.labels,
            "ExternalLabels": {},
            "ExternalURL": given.external_url,
            "Value": given.value,
        }
        self._scopes: list[dict[str, Any]] = [
            {
                "$": self._dot,
                "labels": given.labels,
                "externalLabels": {},
                "externalURL": given.external_url,
                "value": given.value,
            }
        ]

    def run(self, nodes: Sequence[Node]) -> str:
        self._nodes(nodes, self._dot)
        return "".join(self._parts)

    def _nodes(self, nodes: Iterable[Node], dot: Any) -> None:
        for node in nodes:
            self._step()
            match node:
                case Text():
                    self._say(node.text)
                case Output():
                    value = self._pipeline(node.pipeline, dot)
                    if not node.pipeline.declares:
                        self._say(go_text(value))
                case Block():
                    self._scopes.append({})
                    self._block(node, dot)
                    self._scopes.pop()

    def _block(self, block: Block, dot: Any) -> None:
        if block.word == "range":
            self._range(block, dot)
            return
        value = self._pipeline(block.pipeline, dot)
        inner = value if block.word == "with" else dot
        self._nodes(*((block.body, inner) if is_true(value) else (block.otherwise, dot)))

    def _range(self, block: Block, dot: Any) -> None:
        names = block.pipeline.declares
        value = self._pipeline(block.pipeline, dot)
        entries = _entries(value)
        for key, entry in entries:
            self._step()
            if names:
                self._scopes[-1].update(zip(names[::-1], (entry, key), strict=False))
            self._nodes(block.body, entry)
        if not entries:
            self._nodes(block.otherwise, dot)

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value: tuple[Any, ...] = ()
        for command in pipeline.commands:
            value = (self._command(command, dot, value),)
        for name in pipeline.declares[-1:]:
            self._set(name, value[0], pipeline.assigns)
        return value[0]

    def _command(self, command: Command, dot: Any, piped: tuple[Any, ...]) -> Any:
        first, *rest = command.words
        if not isinstance(first, Call):
            if rest:
                raise TemplateProblem("can't give argument to non-function")
            return self._value(first, dot)
        return self._call(first.function, [*(self._value(word, dot) for word in rest), *piped])

    def _value(self, word: Literal | Path | Call, dot: Any) -> Any:
        match word:
            case Literal():
                return word.value
            case Call():
                return self._call(word.function, [])
            case Path():
                return self._path(word, dot)

    def _path(self, path: Path, dot: Any) -> Any:
        if isinstance(path.start, Pipeline):
            value = self._pipeline(path.start, dot)
        else:
            value = self._variable(path.start) if path.start else dot
        for name in path.fields:
            if not isinstance(value, Mapping):
                raise TemplateProblem(f"can't evaluate field {name} in {go_text(value)[:40]}")
            value = value.get(name, "")
        return value

    def _variable(self, name: str) -> Any:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _set(self, name: str, value: Any, assigns: bool) -> None:
        scopes = [scope for scope in self._scopes if name in scope] if assigns else []
        (scopes or self._scopes)[-1][name] = value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        self._step()
        if name == "query":
            if self._given.query is None:
                raise TemplateProblem("query is not available here")
            return self._given.query(go_text(arguments[0]))
        if name == "externalURL":
            return self._given.external_url
        try:
            return FUNCTIONS[name](*arguments)
        except (TypeError, AttributeError, ValueError, OverflowError) as error:
            raise TemplateProblem(f"error calling {name}: {error}") from error

    def _say(self, text: str) -> None:
        self._length += len(text)
        if self._length > MOST_CHARACTERS:
            raise TemplateProblem(f"the text has more than {MOST_CHARACTERS:,} characters")
        self._parts.append(text)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TemplateProblem(f"more than {MOST_STEPS:,} steps")


def _entries(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return [(name, value[name]) for name in sorted(value)]
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if value in (None, ""):
        return []
    raise TemplateProblem(f"range can't iterate over {go_text(value)[:40]}")
