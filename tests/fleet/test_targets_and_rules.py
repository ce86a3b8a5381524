"""Targets and mapping rules change with an audit event, and refuse what cannot work."""

import pytest

from fleet.actions.mapping import InvalidRule, add_rule, remove_rule
from fleet.actions.targets import TargetExists, add_target, remove_target, switch_target
from fleet.mapping import resolve_service
from fleet.models import AuditEvent, MappingRule, Target

pytestmark = pytest.mark.django_db
ACTOR = "user:ada"


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_a_target_is_added_paused_and_removed_with_a_trace() -> None:
    target = add_target(url="http://api:9100/metrics", job="node", actor=ACTOR)
    switch_target(target=target, enabled=False, actor=ACTOR)
    switch_target(target=target, enabled=False, actor=ACTOR)
    remove_target(target=target, actor=ACTOR)
    assert actions() == ["target.added", "target.paused", "target.removed"]
    assert not Target.objects.exists()


def test_the_same_url_is_not_scraped_twice() -> None:
    add_target(url="http://api:9100/metrics", job="node", actor=ACTOR)
    with pytest.raises(TargetExists, match="as job 'node'"):
        add_target(url="http://api:9100/metrics", job="other", actor=ACTOR)


def test_a_rule_is_in_force_at_once() -> None:
    rule = add_rule(label="pod", pattern="(web|api)-.*", service_name="\\1", actor=ACTOR)
    assert resolve_service("metrics", [("pod", "web-1")]) == "web"
    remove_rule(rule=rule, actor=ACTOR)
    assert resolve_service("metrics", [("pod", "web-1"), ("job", "k8s")]) == "k8s"


@pytest.mark.parametrize(
    ("label", "pattern", "service", "sentence"),
    [
        ("", ".*", "x", "label is empty"),
        ("job", "(", "x", "not a regular expression"),
        ("job", "(?=x)", "x", "not a regular expression"),
        ("job", ".*", " ", "service name is empty"),
        ("job", "(a)", "\\2", r"group \\2, but the pattern '\(a\)' has 1"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(label: str, pattern: str, service: str, sentence: str) -> None:
    with pytest.raises(InvalidRule, match=sentence):
        add_rule(label=label, pattern=pattern, service_name=service, actor=ACTOR)
    assert not MappingRule.objects.exists()
