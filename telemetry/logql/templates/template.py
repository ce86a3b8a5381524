"""A template that is carried out on the labels and the text of a line."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from telemetry.logql.templates.functions import FUNCTIONS, LAZY, OF_THE_LINE, is_true
from telemetry.logql.templates.go_format import shown
from telemetry.logql.templates.go_time import GoTime
from telemetry.logql.templates.nodes import (
    Action,
    Branch,
    Command,
    Constant,
    Dot,
    Fields,
    Function,
    Node,
    Operand,
    Pipeline,
    TemplateError,
    Text,
    Variable,
)
from telemetry.logql.templates.parser import parse_template

_NAMES: Final = frozenset(FUNCTIONS) | LAZY | OF_THE_LINE
_MOST_STEPS: Final = 100_000
"""Nodes and commands that one line may cost."""
_MISSING: Final = object()

Render = Callable[[Mapping[str, str], str, int], str]


@lru_cache(maxsize=512)
def compile_template(text: str) -> Render:
    """`render(labels, line, timestamp_ns)`, which raises TemplateError. Raises TemplateError for the text itself."""
    nodes = parse_template(text, _NAMES)
    plain = _plain_parts(nodes)
    if plain is not None:
        return lambda labels, _line, _time: "".join(
            part if isinstance(part, str) else labels.get(part[0], "") for part in plain
        )
    return lambda labels, line, time_ns: _Run(labels, line, time_ns).render(nodes)


def _plain_parts(nodes: Sequence[Node]) -> list[str | tuple[str]] | None:
    """Texts and single label names, if the template has nothing else."""
    parts: list[str | tuple[str]] = []
    for node in nodes:
        match node:
            case Text():
                parts.append(node.text)
            case Action(Pipeline((Command((Fields(Dot(), (name,)),)),), ())):
                parts.append((name,))
            case _:
                return None
    return parts


class _Run:
    """One rendering: variables, and a budget of steps."""

    def __init__(self, labels: Mapping[str, str], line: str, time_ns: int) -> None:
        self._root = labels
        self._line = line
        self._time_ns = time_ns
        self._variables: list[dict[str, Any]] = [{"$": labels}]
        self._steps = 0

    def render(self, nodes: Sequence[Node]) -> str:
        return "".join(self._nodes(nodes, self._root))

    def _nodes(self, nodes: Sequence[Node], dot: Any) -> list[str]:
        pieces: list[str] = []
        for node in nodes:
            match node:
                case Text():
                    pieces.append(node.text)
                case Action():
                    value = self._pipeline(node.pipeline, dot)
                    if not node.pipeline.declares:
                        pieces.append(shown(value))
                case Branch():
                    pieces += self._branch(node, dot)
        return pieces

    def _branch(self, node: Branch, dot: Any) -> list[str]:
        self._variables.append({})
        value = self._pipeline(node.pipeline, dot)
        if node.kind == "range":
            pieces = self._range(node, value, dot)
        elif is_true(value):
            pieces = self._nodes(node.body, value if node.kind == "with" else dot)
        else:
            pieces = self._nodes(node.otherwise, dot)
        self._variables.pop()
        return pieces

    def _range(self, node: Branch, value: Any, dot: Any) -> list[str]:
        pairs = _pairs(value)
        if not pairs:
            return self._nodes(node.otherwise, dot)
        pieces: list[str] = []
        for key, item in pairs:
            self._count_step()
            names = node.pipeline.declares
            self._variables[-1].update(zip(names, (item,) if len(names) == 1 else (key, item), strict=False))
            pieces += self._nodes(node.body, item)
        return pieces

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value: Any = _MISSING
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        if pipeline.declares:
            self._set(pipeline.declares[-1], value, assigns=pipeline.assigns)
        return value

    def _set(self, name: str, value: Any, *, assigns: bool) -> None:
        scope = self._variables[-1]
        if assigns:
            scope = next((one for one in reversed(self._variables) if name in one), scope)
        scope[name] = value

    def _command(self, command: Command, dot: Any, last: Any) -> Any:
        self._count_step()
        head, arguments = command.words[0], command.words[1:]
        if isinstance(head, Function):
            return self._call(head.name, arguments, dot, last)
        if arguments or last is not _MISSING:
            what = head.names[-1] if isinstance(head, Fields) else "the operand"
            raise TemplateError(f"{what} is not a method but has arguments")
        return self._operand(head, dot)

    def _call(self, name: str, arguments: Sequence[Operand], dot: Any, last: Any) -> Any:
        if name in LAZY:
            return self._lazy(name, arguments, dot, last)
        values = [self._operand(argument, dot) for argument in arguments]
        if last is not _MISSING:
            values.append(last)
        if name in OF_THE_LINE:
            return self._line if name == "__line__" else GoTime(self._time_ns)
        try:
            return FUNCTIONS[name](*values)
        except TemplateError as error:
            raise TemplateError(f"error calling {name}: {error}") from error
        except TypeError as error:
            raise TemplateError(f"wrong number or kind of arguments for {name}: {len(values)} given") from error
        except (ValueError, OverflowError, ArithmeticError) as error:
            raise TemplateError(f"error calling {name}: {error}") from error

    def _lazy(self, name: str, arguments: Sequence[Operand], dot: Any, last: Any) -> Any:
        value: Any = _MISSING
        for argument in arguments:
            value = self._operand(argument, dot)
            if is_true(value) == (name == "or"):
                return value
        if last is not _MISSING:
            return last
        if value is _MISSING:
            raise TemplateError(f"wrong number of args for {name}: want at least 1 got 0")
        return value

    def _operand(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Constant():
                return operand.value
            case Dot():
                return dot
            case Variable():
                return self._variable(operand.name)
            case Function():
                return self._call(operand.name, (), dot, _MISSING)
            case Fields():
                return self._fields(self._operand(operand.operand, dot), operand.names)
            case Pipeline():
                return self._pipeline(operand, dot)

    def _variable(self, name: str) -> Any:
        for scope in reversed(self._variables):
            if name in scope:
                return scope[name]
        raise TemplateError(f"undefined variable {name}")

    def _fields(self, value: Any, names: Sequence[str]) -> Any:
        for name in names:
            if value is self._root:
                value = self._root.get(name, "")
            elif isinstance(value, Mapping):
                value = value.get(name)
            elif value is None:
                return None
            else:
                raise TemplateError(f"can't evaluate field {name} in type of {shown(value)[:100]}")
        return value

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TemplateError(f"the template took more than {_MOST_STEPS} steps on one line")


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    match value:
        case None | "":
            return []
        case list():
            return list(enumerate(value))
        case Mapping():
            return [(name, value[name]) for name in sorted(value)]
        case int() if not isinstance(value, bool):
            return [(index, index) for index in range(min(value, _MOST_STEPS + 1))]
    raise TemplateError(f"range can't iterate over {shown(value)[:100]}")
