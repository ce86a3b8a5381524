"""Types of expressions, and the refusal of trees whose types do not fit, in Prometheus' words."""

from typing import Final

from telemetry.model.labels import METRIC_NAME
from telemetry.promql.ast import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Cardinality,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Paren,
    Span,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    post_order,
)
from telemetry.promql.errors import ParseError
from telemetry.promql.signatures import SIGNATURES

_PLAIN: Final = (ValueType.SCALAR, ValueType.VECTOR)


class _Unfit(Exception):
    def __init__(self, span: Span, reason: str) -> None:
        super().__init__(reason)
        self.span = span
        self.reason = reason


def value_type(expr: Expr) -> ValueType:
    """Type of a checked expression; constant time but for parentheses, signs and chains of operators."""
    while isinstance(expr, Paren | Unary):
        expr = expr.expr
    match expr:
        case NumberLiteral():
            return ValueType.SCALAR
        case StringLiteral():
            return ValueType.STRING
        case MatrixSelector() | Subquery():
            return ValueType.MATRIX
        case Call():
            return SIGNATURES[expr.function].returns
        case Binary():
            return ValueType.SCALAR if _all_scalar(expr) else ValueType.VECTOR
        case _:
            return ValueType.VECTOR


def _all_scalar(expr: Binary) -> bool:
    operand: Expr = expr
    while isinstance(operand, Binary):
        if value_type(operand.rhs) is not ValueType.SCALAR:
            return False
        operand = operand.lhs
    return value_type(operand) is ValueType.SCALAR


def check(text: str, expr: Expr) -> None:
    """Raises ParseError at the first node whose types do not fit, children before parents."""
    types: dict[int, ValueType] = {}
    nodes = list(post_order(expr))
    label_selectors = {id(node.args[1]) for node in nodes if isinstance(node, Call) and _selects_info(node)}
    try:
        for node in nodes:
            is_free = isinstance(node, VectorSelector) and id(node) in label_selectors
            types[id(node)] = ValueType.VECTOR if is_free else _check_node(node, types)
    except _Unfit as error:
        raise ParseError.at(text, error.span.start, error.reason) from error


def _selects_info(node: Call) -> bool:
    """Whether this is info() with a second argument, which may match everything."""
    return node.function == "info" and len(node.args) > 1


def _check_node(node: Expr, types: dict[int, ValueType]) -> ValueType:
    """Type of a node whose children were checked."""
    match node:
        case VectorSelector():
            _check_selector(node)
        case Subquery():
            _check_subquery(node, types)
        case Call():
            _check_call(node, types)
        case Aggregate():
            _check_aggregate(node, types)
        case Binary():
            return _check_binary(node, types)
        case Unary():
            return _check_unary(node, types)
        case Paren():
            return types[id(node.expr)]
    return value_type(node)


def _expect(node: Expr, wanted: ValueType, context: str, types: dict[int, ValueType]) -> None:
    found = types[id(node)]
    if found is not wanted:
        raise _Unfit(node.span, f"expected type {wanted} in {context}, got {found}")


def _check_selector(node: VectorSelector) -> None:
    names = [matcher.value for matcher in node.matchers if matcher.name == METRIC_NAME]
    if node.name and len(names) > 1:
        raise _Unfit(node.span, f'metric name must not be set twice: "{node.name}" or "{names[1]}"')
    if all(matcher.matches("") for matcher in node.matchers):
        raise _Unfit(node.span, "vector selector must contain at least one non-empty matcher")


def _check_subquery(node: Subquery, types: dict[int, ValueType]) -> None:
    found = types[id(node.expr)]
    if found is not ValueType.VECTOR:
        raise _Unfit(node.span, f"subquery is only allowed on instant vector, got {found} instead")


def _check_call(node: Call, types: dict[int, ValueType]) -> None:
    signature = SIGNATURES.get(node.function)
    if signature is None:
        raise _Unfit(node.span, f'unknown function with name "{node.function}"')
    given = len(node.args)
    if not signature.optional and given != signature.least:
        raise _Unfit(node.span, f'expected {signature.least} argument(s) in call to "{node.function}", got {given}')
    if given < signature.least:
        least = signature.least
        raise _Unfit(node.span, f'expected at least {least} argument(s) in call to "{node.function}", got {given}')
    if given > signature.most:
        most = int(signature.most)
        raise _Unfit(node.span, f'expected at most {most} argument(s) in call to "{node.function}", got {given}')
    for position, arg in enumerate(node.args):
        _expect(arg, signature.type_of(position), f'call to function "{node.function}"', types)
    if node.function == "info" and given == 2:
        _check_info_selector(node.args[1])


def _check_info_selector(arg: Expr) -> None:
    if not isinstance(arg, VectorSelector):
        raise _Unfit(arg.span, "expected label selectors only")
    if arg.name:
        raise _Unfit(arg.span, "expected label selectors only, got vector selector instead")


def _check_aggregate(node: Aggregate, types: dict[int, ValueType]) -> None:
    _expect(node.expr, ValueType.VECTOR, "aggregation expression", types)
    if node.param is not None:
        wanted = ValueType.STRING if node.op == "count_values" else ValueType.SCALAR
        _expect(node.param, wanted, "aggregation parameter", types)


def _check_unary(node: Unary, types: dict[int, ValueType]) -> ValueType:
    found = types[id(node.expr)]
    if found not in _PLAIN:
        raise _Unfit(
            node.span, f'unary expression only allowed on expressions of type scalar or instant vector, got "{found}"'
        )
    return found


def _check_binary(node: Binary, types: dict[int, ValueType]) -> ValueType:
    left, right = types[id(node.lhs)], types[id(node.rhs)]
    scalars = (left, right).count(ValueType.SCALAR)
    if node.returns_bool and node.op not in COMPARISONS:
        raise _Unfit(node.operator, "bool modifier can only be used on comparison operators")
    if scalars == 2 and node.op in COMPARISONS and not node.returns_bool:
        raise _Unfit(node.operator, "comparisons between scalars must use BOOL modifier")
    _check_matching(node)
    for side, found in ((node.lhs, left), (node.rhs, right)):
        if found not in _PLAIN:
            raise _Unfit(side.span, "binary expression must contain only scalar and instant vector types")
    if scalars and node.matching.labels:
        raise _Unfit(node.span, "vector matching only allowed between instant vectors")
    if scalars and node.op in SET_OPERATORS:
        raise _Unfit(node.span, f'set operator "{node.op}" not allowed in binary scalar expression')
    return ValueType.SCALAR if scalars == 2 else ValueType.VECTOR


def _check_matching(node: Binary) -> None:
    matching = node.matching
    grouped = matching.cardinality in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)
    if node.op in SET_OPERATORS and grouped:
        raise _Unfit(node.span, f'no grouping allowed for "{node.op}" operation')
    if matching.on and grouped:
        for label in matching.labels:
            if label in matching.include:
                raise _Unfit(node.operator, f'label "{label}" must not occur in ON and GROUP clause at once')
