"""The syntax tree of PromQL: frozen nodes that know their place in the text and nothing of a run.

Trees may be deep on the left of a chain of operators, so nothing here walks them by recursion.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

from telemetry.model.labels import Matcher


class ValueType(StrEnum):
    """Type of an expression, in the words that error messages use."""

    SCALAR = "scalar"
    VECTOR = "instant vector"
    MATRIX = "range vector"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Span:
    """Character positions of a node in the query text, the end not included."""

    start: int
    end: int


class AtAnchor(Enum):
    """`@ start()` and `@ end()`: first and last evaluation time of the whole query."""

    START = "start()"
    END = "end()"


At = int | AtAnchor
"""Argument of the @ modifier: milliseconds since 1970, or an end of the query."""


class DurationOp(StrEnum):
    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    MOD = "%"
    POW = "^"
    MIN = "min_of"
    MAX = "max_of"
    STEP = "step"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class DurationNumber:
    """Literal inside duration arithmetic."""

    seconds: float
    as_duration: bool
    """Whether it was written `5m` rather than `300`."""
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class DurationOperation:
    """`lhs op rhs`; `op rhs` if lhs is None; `step()` and `range()` have neither."""

    op: DurationOp
    lhs: "Duration | None" = None
    rhs: "Duration | None" = None
    wrapped: bool = False
    """Whether it was written in parentheses."""


Duration = DurationNumber | DurationOperation


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    span: Span
    value: float
    as_duration: bool = False
    """Whether it was written as a duration, such as `5m` (300)."""


@dataclass(frozen=True, slots=True)
class StringLiteral:
    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class VectorSelector:
    span: Span
    name: str
    """Metric name before the braces, empty if there is none; `matchers` has it too."""
    matchers: tuple[Matcher, ...]
    offset: Duration | None = None
    at: At | None = None


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    span: Span
    selector: VectorSelector
    """Carries the offset and @ of the whole."""
    range: Duration


@dataclass(frozen=True, slots=True)
class Subquery:
    span: Span
    expr: "Expr"
    range: Duration
    step: Duration | None
    """None: the evaluation interval of the engine."""
    offset: Duration | None = None
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Call:
    span: Span
    function: str
    args: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    span: Span
    op: str
    expr: "Expr"
    param: "Expr | None"
    grouping: tuple[str, ...]
    without: bool


class Cardinality(Enum):
    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    """group_left"""
    ONE_TO_MANY = "one-to-many"
    """group_right"""
    MANY_TO_MANY = "many-to-many"
    """and, or, unless"""


@dataclass(frozen=True, slots=True)
class VectorMatching:
    """How the series of two vectors find each other."""

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    on: bool = False
    labels: tuple[str, ...] = ()
    """Labels of on() or ignoring()."""
    include: tuple[str, ...] = ()
    """Labels that group_left() or group_right() takes over from the one side."""


@dataclass(frozen=True, slots=True)
class Binary:
    span: Span
    op: str
    lhs: "Expr"
    rhs: "Expr"
    operator: Span
    matching: VectorMatching
    returns_bool: bool = False


@dataclass(frozen=True, slots=True)
class Unary:
    span: Span
    op: str
    expr: "Expr"


@dataclass(frozen=True, slots=True)
class Paren:
    span: Span
    expr: "Expr"


Expr = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | Subquery
    | Call
    | Aggregate
    | Binary
    | Unary
    | Paren
)

COMPARISONS: Final = frozenset({"==", "!=", "<=", "<", ">=", ">"})
SET_OPERATORS: Final = frozenset({"and", "or", "unless"})


def children(expr: Expr) -> tuple[Expr, ...]:
    """Direct sub-expressions, in the order of the text."""
    match expr:
        case MatrixSelector():
            return (expr.selector,)
        case Subquery() | Unary() | Paren():
            return (expr.expr,)
        case Call():
            return expr.args
        case Aggregate():
            return (expr.expr,) if expr.param is None else (expr.param, expr.expr)
        case Binary():
            return (expr.lhs, expr.rhs)
        case _:
            return ()


def post_order(expr: Expr) -> Iterator[Expr]:
    """Every node, children before their parent, without recursion."""
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
            continue
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(children(node)))


def without_parens(expr: Expr) -> Expr:
    """The expression inside any number of parentheses."""
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr


def operand_chain(expr: Binary) -> tuple[Expr, list[Binary]]:
    """Leftmost operand of a chain such as a + b - c, and the operators to apply to it, first one first."""
    chain: list[Binary] = [expr]
    while isinstance(chain[-1].lhs, Binary):
        chain.append(chain[-1].lhs)
    chain.reverse()
    return chain[0].lhs, chain


def nesting_depth(expr: Expr) -> int:
    """Levels of nesting; parentheses, and left operands in a chain of operators, are on the level of their parent."""
    deepest = 0
    stack: list[tuple[Expr, int]] = [(expr, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(node, Paren):
            stack.append((node.expr, depth))
        elif isinstance(node, Binary):
            stack.append((node.lhs, depth if isinstance(node.lhs, Binary) else depth + 1))
            stack.append((node.rhs, depth + 1))
        else:
            stack.extend((child, depth + 1) for child in children(node))
    return deepest
