import json
from pathlib import Path

import pytest

from telemetry.logql.ast import Binary, FilterPair, LabelFilter, LogSelector, NumberFilter, RangeAggregation
from telemetry.logql.errors import ParseError
from telemetry.logql.parser import MAX_DEPTH, parse
from telemetry.logql.printer import prettify, to_text
from telemetry.model.errors import LimitExceeded

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "logql" / "parse_cases.json"


def shared_cases():
    if not SHARED.exists():
        pytest.skip("the LogQL cases in ../shared/data/logql are not there")
    return json.loads(SHARED.read_text())


def outcome(text):
    try:
        return parse(text), ""
    except ParseError as error:
        return None, str(error)


def test_shared_queries_parse_or_are_refused_as_in_loki():
    for case in shared_cases():
        expr, message = outcome(case["query"])
        assert (expr is not None) == case["parses"], case["query"]
        if not case["parses"] and case.get("error"):
            assert case["error"] in message, case["query"]


def test_a_printed_query_reads_back_as_the_same_query():
    for case in shared_cases():
        expr, _ = outcome(case["query"])
        if expr is not None and "NaN" not in to_text(expr):
            assert parse(to_text(expr)) == expr, case["query"]
            assert parse(prettify(expr)) == expr, case["query"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{app="a"', "parse error at line 1, col 9: syntax error: unexpected $end, expecting , or }"),
        ('{app="a"}\n  | bogus ==', "parse error at line 2, col 13: syntax error: unexpected $end"),
        ('{app="a} ', "parse error at line 1, col 6: literal not terminated"),
        ('rate({app="a"}[5x])', 'parse error at line 1, col 15: not a valid duration string: "5x"'),
        ('{app=~".*"}', "queries require at least one regexp or equality matcher"),
        ('{app="a"} | regexp "(x)"', "at least one named capture must be supplied"),
        ('{app="a"} | line_format "{{.x"', "invalid line template: template: line:1: unclosed action"),
        ('{app="a"} | label_format x="1",x="2"', "multiple label name 'x' not allowed in a single format operation"),
        ('topk(0, rate({app="a"}[1m]))', "invalid parameter (must be greater than 0) topk(0"),
    ],
)
def test_an_error_names_the_place_and_the_problem(text, message):
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_a_comma_joins_everything_before_it_with_everything_after_it():
    expr = parse('{app="a"} | x=1 or y=2, z=3')
    assert isinstance(expr, LogSelector)
    (stage,) = expr.stages
    one, two, three = (NumberFilter(name, "==", float(value)) for name, value in (("x", 1), ("y", 2), ("z", 3)))
    assert stage == LabelFilter(FilterPair(one, FilterPair(two, three, both=True), both=False))


def test_a_name_of_a_function_is_a_label_where_nothing_is_called():
    expr = parse('{app="a"} | bytes > 1KB and rate=~"x" and ip="y"')
    assert isinstance(expr, LogSelector)


def test_power_binds_from_the_right_and_other_operators_from_the_left():
    rate = 'rate({a="b"}[1m])'
    assert to_text(parse(f"{rate} ^ 2 ^ 3")) == f"({rate} ^ 8)"
    left = parse(f"{rate} - 1 - 2")
    assert isinstance(left, Binary)
    assert isinstance(left.lhs, Binary)
    assert isinstance(left.lhs.lhs, RangeAggregation)


@pytest.mark.parametrize("opening", ["(", "sum("])
def test_deep_nesting_is_refused_and_ends_nothing(opening):
    deep = MAX_DEPTH + 10 if opening == "sum(" else 9_000
    text = opening * deep + 'rate({a="b"}[1m])' + ")" * deep
    if opening == "(":
        assert parse(text) == parse('rate({a="b"}[1m])')
    else:
        with pytest.raises(LimitExceeded, match="levels deep"):
            parse(text)


def test_a_long_chain_of_operators_is_refused_and_ends_nothing():
    with pytest.raises(LimitExceeded, match="levels deep"):
        parse("+".join(['rate({a="b"}[1m])'] * 500))
