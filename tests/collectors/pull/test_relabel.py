"""Relabelling, rule by rule; the cases follow what the Prometheus documentation says of each action."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.pull.relabel import ACTIONS, RelabelRule, dropping_rule, relabelled
from telemetry.model.errors import InvalidInput

ABC = {"a": "foo", "b": "bar", "c": "baz"}


def rule(action: str = "replace", *, source: tuple[str, ...] = (), target: str = "", **more: object) -> RelabelRule:
    return RelabelRule(action=action, source_labels=source, target_label=target, **more)


@pytest.mark.parametrize(
    ("labels", "rules", "expected"),
    [
        (ABC, [rule(source=("a",), target="d", regex="f(.*)", replacement="ch${1}-ch${1}")], {**ABC, "d": "choo-choo"}),
        (ABC, [rule(source=("a", "b"), target="a", regex="f(.*);(.*)r", replacement="b${1}${2}m")], {**ABC, "a": "booba"
         "m"}),
        (ABC, [rule("drop", source=("a",), regex=".*o.*")], None),
        ({"a": "foo"}, [rule("drop", source=("a",), regex="o")], {"a": "foo"}),
        ({"a": "foo"}, [rule("keep", source=("a",), regex="f|o")], None),
        ({"a": "foo"}, [rule("keep", source=("a",), regex="f.*")], {"a": "foo"}),
        ({"a": "foo"}, [rule("keep", source=("missing",), regex="")], {"a": "foo"}),
        ({"a": "boo"}, [rule(source=("a",), target="b", regex="f", replacement="bar")], {"a": "boo"}),
        (ABC, [rule(source=("a",), target="b", replacement="")], {"a": "foo", "c": "baz"}),
        (ABC, [rule(target="static", replacement="set")], {**ABC, "static": "set"}),
        ({"a": "x.y.z"}, [rule(source=("a",), target="$1", regex="(x).*", replacement="$1")], {"a": "x.y.z", "x": "x"}),
        ({"a": "one"}, [rule(source=("a",), target="b", regex="(o)ne", replacement="$1x")], {"a": "one"}),
        ({"a": "one"}, [rule(source=("a",), target="b", regex="(o)ne", replacement="${1}x$$")], {"a": "one", "b": "ox$"}
        ),
        ({"a": "l1\nl2"}, [rule(source=("a",), target="b", regex="l1.(?P<rest>.*)", replacement="${rest}")],
         {"a": "l1\nl2", "b": "l2"}),
        ({"__meta_pod_label_app": "web", "x": "1"}, [rule("labelmap", regex="__meta_pod_label_(.+)")],
         {"__meta_pod_label_app": "web", "x": "1", "app": "web"}),
        ({"a": "1", "b1": "2", "b2": "3"}, [rule("labelmap", regex="(b.)", replacement="bar_${1}")],
         {"a": "1", "b1": "2", "b2": "3", "bar_b1": "2", "bar_b2": "3"}),
        ({"a": "1", "b1": "2", "b2": "3"}, [rule("labeldrop", regex="b.*")], {"a": "1"}),
        ({"a": "1", "b1": "2", "b2": "3"}, [rule("labelkeep", regex="b.*")], {"b1": "2", "b2": "3"}),
        ({"foo": "bAr123Foo"}, [rule("lowercase", source=("foo",), target="low"), rule("uppercase", source=("foo",),
         target="up")], {"foo": "bAr123Foo", "low": "bar123foo", "up": "BAR123FOO"}),
        ({"p": "1234", "q": "1234"}, [rule("keepequal", source=("p",), target="q")], {"p": "1234", "q": "1234"}),
        ({"p": "1234", "q": "5678"}, [rule("keepequal", source=("p",), target="q")], None),
        ({"p": "1234", "q": "5678"}, [rule("dropequal", source=("p",), target="q")], {"p": "1234", "q": "5678"}),
        ({"p": "1234", "q": "1234"}, [rule("dropequal", source=("p",), target="q")], None),
        ({"a": "foo", "empty": ""}, [], {"a": "foo"}),
    ],
)  # fmt: skip
def test_a_rule_does_what_the_documentation_says(labels, rules, expected) -> None:
    assert relabelled(labels, rules) == expected


def test_hashmod_is_the_lower_half_of_md5_by_the_modulus() -> None:
    value = int.from_bytes(hashlib.md5(b"foo;bar").digest()[8:]) % 1000
    found = relabelled(ABC, [rule("hashmod", source=("a", "b"), target="d", modulus=1000)])
    assert found == {**ABC, "d": str(value)}
    assert relabelled({"c": "baz"}, [rule("hashmod", source=("c",), target="d", modulus=1000)]) == {
        "c": "baz",
        "d": "976",
    }


def test_rules_see_what_the_rules_before_them_made() -> None:
    rules = [rule(source=("a",), target="d"), rule("keep", source=("d",), regex="foo"), rule("labeldrop", regex="a|b")]
    assert relabelled(ABC, rules) == {"c": "baz", "d": "foo"}


def test_the_rule_that_drops_is_named_by_its_position() -> None:
    rules = [rule("keep", source=("a",), regex="foo"), rule("drop", source=("b",), regex="bar")]
    assert dropping_rule(ABC, rules) == 1
    assert dropping_rule({**ABC, "b": "x"}, rules) is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"action": "explode"}, "unknown relabel action 'explode'"),
        ({"regex": "("}, "invalid regular expression"),
        ({"action": "replace"}, "needs a target_label"),
        ({"action": "hashmod", "target_label": "x"}, "modulus above 0"),
        ({"action": "lowercase", "target_label": "x", "replacement": "y"}, "takes no replacement"),
        ({"action": "labelmap", "replacement": "1-a"}, "does not write the name of a label"),
        ({"action": "labeldrop", "source_labels": ("a",)}, "takes a regex and nothing else"),
        ({"action": "labelkeep", "target_label": "a"}, "takes a regex and nothing else"),
        ({"action": "keepequal", "target_label": "a", "regex": "b"}, "source_labels and target_label and nothing else"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_the_reason(fields, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        RelabelRule(**fields)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.text(max_size=5), max_size=4),
    st.sampled_from([action for action in ACTIONS if action.startswith("label")]),
)
def test_no_rule_leaves_an_empty_value(labels, action: str) -> None:
    found = relabelled(labels, [RelabelRule(action=action, regex="(a|b)")])
    assert found is None or all(found.values())
