"""Text to tree and back: precedence, places of errors, and no text that crashes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.errors import LimitExceeded
from telemetry.promql.ast import Aggregate, Binary, NumberLiteral, Paren, Subquery, Unary, VectorSelector
from telemetry.promql.errors import ParseError
from telemetry.promql.parser import MAX_TEXT, parse, parse_selector
from telemetry.promql.printer import prettify, to_text

CANONICAL = [
    ("SUM(x) BY (a)", "sum by (a) (x)"),
    ("sum without(a,b,)(x)", "sum without (a, b) (x)"),
    ('sum by ("a.b") (x)', 'sum by ("a.b") (x)'),
    ("topk ( 3 , x )", "topk(3, x)"),
    ('x{b="1",a=~"2|3",c!="4",d!~"5"}', 'x{a=~"2|3",b="1",c!="4",d!~"5"}'),
    ('{"a.b", "c d"="e"}', '{"c d"="e",__name__="a.b"}'),
    ("x[5m] offset 1h30m @ 10", "x[5m] @ 10.000 offset 1h30m"),
    ("x offset -90s", "x offset -1m30s"),
    ("x[7d]", "x[1w]"),
    ("x[10d:]", "x[10d:]"),
    ("x[300:60]", "x[5m:1m]"),
    ("x @ start() + x @ end()", "x @ start() + x @ end()"),
    ("x[5m + step()] offset (2 * 3)", "x[5m + step()] offset (2 * 3)"),
    ("x[max_of(1m, step())]", "x[max_of(1m, step())]"),
    ("1e3 + 0x1F + 017 + 1_000 + .5", "1000 + 31 + 15 + 1000 + 0.5"),
    ("5m + 1", "5m + 1"),
    ("a + on() group_left(x) b", "a + on () group_left (x) b"),
    ("a == bool ignoring(x) b", "a == bool ignoring (x) b"),
    ("a and on(x) b or c unless d", "a and on (x) b or c unless d"),
    ("- a ^ 2", "-a ^ 2"),
    ("# comment\nx # other", "x"),
    ("'single \"quotes\"'", '"single \\"quotes\\""'),
    ("`raw \\n`", '"raw \\\\n"'),
    ('"\\u00e9\\x41\\101\\n"', '"éAA\\n"'),
    ("sum", "sum"),
    ("by + offset offset 5m", "by + offset offset 5m"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_text_is_printed_in_canonical_spelling(text: str, canonical: str) -> None:
    assert to_text(parse(text)) == canonical
    assert to_text(parse(canonical)) == canonical


def test_operators_bind_as_in_prometheus() -> None:
    loosest = parse("a or b and c == d + e * f ^ g")
    operators = []
    node = loosest
    while isinstance(node, Binary):
        operators.append(node.op)
        node = node.rhs
    assert operators == ["or", "and", "==", "+", "*", "^"]


def test_a_power_binds_tighter_than_a_sign_and_to_the_right() -> None:
    negative = parse("-a ^ b ^ c")
    assert isinstance(negative, Unary)
    assert isinstance(negative.expr, Binary)
    assert isinstance(negative.expr.rhs, Binary)
    assert parse("-2") == NumberLiteral(parse("-2").span, -2.0)
    assert isinstance(parse("2 ^ -1 * 3"), Binary)
    assert parse("2 ^ -1 * 3").op == "*"


def test_chains_bind_to_the_left() -> None:
    chain = parse("a - b - c")
    assert isinstance(chain, Binary)
    assert isinstance(chain.lhs, Binary)
    assert isinstance(chain.rhs, VectorSelector)


def test_nodes_know_their_place() -> None:
    text = 'sum by (a) (rate(x{b="c"}[5m])) > 2'
    comparison = parse(text)
    assert isinstance(comparison, Binary)
    assert isinstance(comparison.lhs, Aggregate)
    aggregate, selector = comparison.lhs, comparison.lhs.expr.args[0]
    assert text[aggregate.span.start : aggregate.span.end] == 'sum by (a) (rate(x{b="c"}[5m]))'
    assert text[selector.span.start : selector.span.end] == 'x{b="c"}[5m]'
    assert text[comparison.operator.start : comparison.operator.end] == ">"


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("", 1, 1, "no expression found in input"),
        ("# nothing", 1, 10, "no expression found in input"),
        ("sum(x", 1, 6, "unclosed left parenthesis"),
        ("x[5m", 1, 5, "unclosed left bracket"),
        ("x{", 1, 3, "unexpected end of input inside braces"),
        ("x)", 1, 3, "unexpected right parenthesis ')'"),
        ("x\n+\n  y z", 3, 5, 'unexpected identifier "z"'),
        ("x{a}", 1, 4, 'unexpected "}" in label matching, expected label matching operator'),
        ("x{a=b}", 1, 5, 'unexpected identifier "b" in label matching, expected string'),
        ('x{a="b}', 1, 5, "unterminated quoted string"),
        ('x{a=~"("}', 1, 3, "error parsing regexp: missing ): ("),
        ('x{a="\\q"}', 1, 5, "unknown escape sequence U+0071 'q'"),
        ("x[]", 1, 3, 'unexpected "]" in subquery selector, expected number or duration'),
        ("x[0s]", 1, 3, "duration must be greater than 0"),
        ("x[5m:0s]", 1, 6, "duration must be greater than 0"),
        ("x offset y", 1, 10, 'unexpected identifier "y" in offset, expected number or duration'),
        ("x @ y", 1, 5, 'unexpected identifier "y" in @, expected timestamp'),
        ("sum by x", 1, 8, 'unexpected identifier "x" in grouping opts, expected "("'),
        ("abs(x,)", 1, 6, "trailing commas not allowed in function call args"),
        ("5mm", 1, 1, 'bad number or duration syntax: "5mm"'),
        ("é", 1, 1, "unexpected character: 'é'"),
        ("f(x)", 1, 1, 'unknown function with name "f"'),
        ("rate(x)", 1, 6, 'expected type range vector in call to function "rate", got instant vector'),
        ("rate(x[5m], 1)", 1, 1, 'expected 1 argument(s) in call to "rate", got 2'),
        ("round()", 1, 1, 'expected at least 1 argument(s) in call to "round", got 0'),
        ("round(x, 1, 2)", 1, 1, 'expected at most 2 argument(s) in call to "round", got 3'),
        ("sum(x[5m])", 1, 5, "expected type instant vector in aggregation expression, got range vector"),
        ('topk("a", x)', 1, 6, "expected type scalar in aggregation parameter, got string"),
        ("1 == 1", 1, 3, "comparisons between scalars must use BOOL modifier"),
        ("a + bool b", 1, 3, "bool modifier can only be used on comparison operators"),
        ("a and 1", 1, 1, 'set operator "and" not allowed in binary scalar expression'),
        ("a + on(x) 1", 1, 1, "vector matching only allowed between instant vectors"),
        ("a and on(x) group_left b", 1, 1, 'no grouping allowed for "and" operation'),
        ("a * on(x) group_left(x) b", 1, 3, 'label "x" must not occur in ON and GROUP clause at once'),
        ("a[5m] + b", 1, 1, "binary expression must contain only scalar and instant vector types"),
        ("{}", 1, 1, "vector selector must contain at least one non-empty matcher"),
        ('{a=~".*"}', 1, 1, "vector selector must contain at least one non-empty matcher"),
        ('a{__name__="b"}', 1, 1, 'metric name must not be set twice: "a" or "b"'),
        ("(a)[5m]", 1, 4, "ranges only allowed for vector selectors"),
        ("a offset 1m[5m]", 1, 12, "no offset modifiers allowed before range"),
        ("a offset 1m offset 2m", 1, 1, "offset may not be set multiple times"),
        ('"a"[5m:]', 1, 1, "subquery is only allowed on instant vector, got string instead"),
    ],
)  # fmt: skip
def test_an_error_names_its_place_and_reason(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column, caught.value.reason) == (line, column, reason)
    assert str(caught.value) == f"{line}:{column}: parse error: {reason}"


@pytest.mark.parametrize(
    "text",
    ["(" * 5000 + "x" + ")" * 5000, "+ " * 5000 + "x", "x" + " + x" * 5000, "x" + "[5m:]" * 5000, "x" + " ^ x" * 5000],
)
def test_depth_never_crashes_the_parser(text: str) -> None:
    try:
        prettify(parse(text))
    except LimitExceeded as caught:
        error = caught
    else:
        return
    assert error.limit_name == "query_depth"


def test_a_long_chain_of_operators_is_no_depth() -> None:
    assert to_text(parse(" or ".join(["x"] * 1000))).count("or") == 999


@pytest.mark.parametrize("levels", [20, 60])
def test_real_nesting_is_allowed(levels: int) -> None:
    assert isinstance(parse("abs(" * levels + "x" + ")" * levels), type(parse("abs(x)")))


def test_nesting_and_length_are_limited_by_name() -> None:
    with pytest.raises(LimitExceeded, match="nested 66 levels deep, the limit is 64"):
        parse("abs(" * 65 + "x" + ")" * 65)
    with pytest.raises(LimitExceeded, match=f"the limit is {MAX_TEXT}"):
        parse("x" * (MAX_TEXT + 1))


def test_numbers_are_read_as_go_reads_them() -> None:
    values = {"0x1p-2": 0.25, "1e-3": 0.001, "08": 8.0, "1y": 31_536_000.0, "Inf": math.inf, "1_0.5_0": 10.5}
    for text, value in values.items():
        literal = parse(text)
        assert isinstance(literal, NumberLiteral)
        assert literal.value == value, text


def test_a_selector_alone_is_asked_for() -> None:
    assert parse_selector('up{job="x"}').name == "up"
    for text in ("up offset 5m", "up @ 5", "sum(up)", "up[5m]"):
        with pytest.raises(ParseError):
            parse_selector(text)


def test_a_subquery_is_wrapped_and_kept() -> None:
    subquery = parse("(a + b)[5m:30s] @ 10 offset 1m")
    assert isinstance(subquery, Subquery)
    assert isinstance(subquery.expr, Paren)
    assert subquery.at == 10_000


def test_long_expressions_are_laid_out_over_lines() -> None:
    long = "a" * 60
    assert prettify(parse(f"sum by (x) (rate({long}[5m])) / sum by (x) (rate({long}[5m]))")) == (
        f"  sum by (x) (rate({long}[5m]))\n/\n  sum by (x) (rate({long}[5m]))"
    )
    assert prettify(parse(f"-(histogram_quantile(0.9, {long}) + {long})")) == (
        f"-(\n    histogram_quantile(0.9, {long})\n  +\n    {long}\n)"
    )


WORDS = """x y{a="b"} sum rate ( ) [ ] { } , : 5m 1 -1 0.5 inf + - * / ^ % == bool and or unless by without on ignoring
group_left offset @ start() end() "s" 'q' # abs topk = =~ != é $ ` " 0x 1e 5mm histogram_quantile"""
VOCABULARY = st.sampled_from([*WORDS.split(), "\n"])


@given(st.lists(VOCABULARY, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_parses_or_is_refused_with_a_place(text: str) -> None:
    try:
        expr = parse(text)
    except LimitExceeded:
        return
    except ParseError as caught:
        error = caught
    else:
        canonical = to_text(expr)
        assert to_text(parse(canonical)) == canonical or "Inf" in canonical
        return
    assert 1 <= error.line <= text.count("\n") + 1
    assert 1 <= error.column <= len(text) + 2
