"""Rule files: what Prometheus loads is loaded, what it refuses is refused with every reason."""

from pathlib import Path

import pytest

from policies.rules.document import RuleFileError, parse_rule_file
from policies.rules.strict_yaml import MOST_NODES, YamlProblem, load_documents

ALERTS = Path(__file__).parents[4] / "shared" / "data" / "alerts"
REAL = sorted([*ALERTS.glob("awesome/**/*.yml"), *ALERTS.glob("kube-prometheus/**/*.yaml")])

FILE = """
groups:
  - name: node
    interval: 30s
    query_offset: 1m
    limit: 7
    labels: {team: core, severity: none}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {tier: "1"}
      - alert: Down
        expr: up == 0
        for: 5m
        keep_firing_for: 90s
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.instance }} is down: {{ $value | humanize }}"
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(RuleFileError) as refused:
        parse_rule_file(text)
    return refused.value.problems


def test_a_file_is_read_whole() -> None:
    (group,) = parse_rule_file(FILE)
    assert (group.name, group.interval_ms, group.query_offset_ms, group.limit) == ("node", 30_000, 60_000, 7)
    record, alert = group.rules
    assert (record.kind, record.name, record.expr) == ("recording", "job:up:sum", "sum by (job) (up)")
    assert dict(record.labels) == {"team": "core", "severity": "none", "tier": "1"}
    assert (alert.kind, alert.for_ms, alert.keep_firing_for_ms) == ("alerting", 300_000, 90_000)
    assert dict(alert.labels) == {"team": "core", "severity": "page"}


@pytest.mark.skipif(not REAL, reason="the real rule files are not beside the repository")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.parent.name + "/" + path.name)
def test_real_files_load(path: Path) -> None:
    groups = parse_rule_file(path.read_text())
    assert sum(len(group.rules) for group in groups) > 0


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("expr: up", "one of 'record' or 'alert' must be set"),
        ("{record: a, alert: b, expr: up}", "only one of 'record' and 'alert' must be set"),
        ("record: a", "field 'expr' must be set in rule"),
        ("{record: a, expr: 'sum('}", "could not parse expression"),
        ("{record: a, expr: up, for: 5m}", "invalid field 'for' in recording rule"),
        ("{record: a, expr: up, keep_firing_for: 5m}", "invalid field 'keep_firing_for' in recording rule"),
        ("{record: a, expr: up, annotations: {a: b}}", "invalid field 'annotations' in recording rule"),
        ("{record: 'a{b}', expr: up}", "invalid recording rule name"),
        ("{record: a, expr: up, labels: {__name__: b}}", "invalid label name"),
        ("{alert: a, expr: up, unknown: 1}", "field unknown not found in a rule"),
        ("{alert: a, expr: up, for: soon}", "not a valid duration string"),
        ("{alert: a, expr: up, annotations: {s: '{{ $label.x }}'}}", 'undefined variable "$label"'),
        ("{alert: a, expr: up, annotations: {s: '{{ nonsense }}'}}", 'function "nonsense" not defined'),
        ("{alert: a, expr: up, annotations: {s: '{{ if true }}'}}", "without {{end}}"),
        ("{alert: a, expr: up, labels: {s: '{{ $value '}}", "unclosed action"),
        ("{alert: a, alert: b, expr: up}", 'mapping key "alert" already defined'),
        ("just text", "an entry of rules is no mapping"),
        ("{alert: [a], expr: up}", "alert is no text"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(rule: str, problem: str) -> None:
    (found, *_) = problems_of(f"groups:\n  - name: g\n    rules:\n      - {rule}\n")
    assert found.startswith("line 4: ")
    assert problem in found


def test_all_problems_are_told_at_once() -> None:
    text = "groups:\n  - name: g\n    rules:\n      - {record: a}\n      - {alert: b, expr: '1 +'}\n  - name: g\n"
    assert len(problems_of(text)) == 3


def test_an_empty_file_has_no_groups() -> None:
    assert parse_rule_file("") == []
    assert parse_rule_file("groups: []") == []


def test_a_text_that_is_no_yaml_is_refused_with_its_line() -> None:
    assert problems_of("groups:\n  - name: [\n")[0].startswith("line 3: ")


def test_aliases_cannot_grow_without_bound() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    with pytest.raises(YamlProblem, match=f"{MOST_NODES:,}"):
        load_documents(bomb)


def test_merge_keys_are_understood() -> None:
    text = """
groups:
  - name: g
    rules:
      - &first {alert: a, expr: up, labels: {severity: page}}
      - <<: *first
        alert: b
"""
    first, second = parse_rule_file(text)[0].rules
    assert (second.name, second.expr, second.labels) == ("b", "up", first.labels)
