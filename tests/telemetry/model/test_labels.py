import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Matcher, MatchOp, compile_anchored, label_value, labels_from


def test_labels_are_sorted_and_empty_values_mean_no_label():
    assert labels_from({"job": "api", "instance": "", "__name__": "up"}) == (("__name__", "up"), ("job", "api"))


def test_a_label_name_that_occurs_twice_is_refused():
    with pytest.raises(InvalidInput, match="'job' occurs twice"):
        labels_from([("job", "a"), ("job", "b")])


@given(st.dictionaries(st.text(), st.text()))
def test_labels_do_not_depend_on_the_order_of_arrival(pairs):
    assert labels_from(pairs) == labels_from(reversed(pairs.items()))


def test_an_absent_label_has_the_empty_value():
    assert label_value(labels_from({"a": "1"}), "b") == ""
    assert label_value(labels_from({"a": "1"}), "a") == "1"


@pytest.mark.parametrize(
    ("op", "pattern", "value", "expected"),
    [
        (MatchOp.EQUAL, "api", "api", True),
        (MatchOp.EQUAL, "", "", True),
        (MatchOp.NOT_EQUAL, "api", "", True),
        (MatchOp.REGEX, "a|b", "a", True),
        (MatchOp.REGEX, "a|b", "ab", False),
        (MatchOp.REGEX, "a.c", "a\nc", True),
        (MatchOp.REGEX, ".*", "", True),
        (MatchOp.REGEX, ".+", "", False),
        (MatchOp.REGEX, "", "x", False),
        (MatchOp.NOT_REGEX, "5..", "500", False),
        (MatchOp.NOT_REGEX, "5..", "200", True),
        (MatchOp.REGEX, "api", "api\n", False),
    ],
)
def test_matchers_are_anchored_and_see_whole_values(op, pattern, value, expected):
    assert Matcher("name", op, pattern).matches(value) is expected


@pytest.mark.parametrize("pattern", ["(", "a{1001}", r"(?=x)", r"\1", "*"])
def test_a_pattern_that_re2_refuses_is_named(pattern):
    with pytest.raises(InvalidInput, match="invalid regular expression"):
        Matcher("name", MatchOp.REGEX, pattern)


def test_a_group_cannot_be_closed_from_inside_the_pattern():
    with pytest.raises(InvalidInput):
        compile_anchored("a)|(b")


def test_a_matcher_is_shown_as_it_is_written():
    assert str(Matcher("path", MatchOp.NOT_REGEX, 'a"b\\\n')) == r'path!~"a\"b\\\n"'
