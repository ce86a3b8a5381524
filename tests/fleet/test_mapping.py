"""Mapping rules name the service of telemetry; without a rule its own labels do."""

import pytest

from fleet.mapping import RELOAD_SECONDS, UNKNOWN_SERVICE, Mapping
from fleet.models import MappingRule


def rule(label: str, pattern: str = "(.+)", service: str = "\\1", signal: str = "any") -> MappingRule:
    return MappingRule(label=label, pattern=pattern, service_name=service, signal=signal)


def mapping(*rules: MappingRule) -> Mapping:
    return Mapping(lambda: list(rules), clock=lambda: 0.0)


@pytest.mark.parametrize(
    ("signal", "labels", "service"),
    [
        ("metrics", {"job": "api", "service": "checkout"}, "checkout"),
        ("metrics", {"job": "api"}, "api"),
        ("logs", {"service.name": "checkout", "job": "x"}, "checkout"),
        ("logs", {"service_name": "checkout"}, "checkout"),
        ("logs", {"service.name": "checkout", "service.namespace": "shop"}, "checkout"),
        ("metrics", {"job": "shop/checkout"}, "checkout"),
        ("metrics", {"job": "odd/"}, "odd/"),
        ("costs", {"application": "checkout"}, "checkout"),
        ("metrics", {"instance": "a:1"}, UNKNOWN_SERVICE),
    ],
)
def test_well_known_labels_name_the_service(signal: str, labels: dict[str, str], service: str) -> None:
    assert mapping().resolve(signal, labels.items(), None) == service


def test_the_first_rule_that_matches_wins() -> None:
    rules = mapping(rule("pod", "(web)-.*"), rule("job", ".*", "everything"))
    assert rules.resolve("metrics", [("pod", "web-7"), ("job", "k8s")], None) == "web"
    assert rules.resolve("metrics", [("pod", "db-7"), ("job", "k8s")], None) == "everything"


def test_patterns_are_anchored_at_both_ends() -> None:
    assert mapping(rule("job", "api", "matched")).resolve("metrics", [("job", "api-2")], None) == "api-2"


def test_a_rule_for_logs_leaves_metrics_alone() -> None:
    rules = mapping(rule("job", ".*", "from-logs", signal="logs"))
    assert rules.resolve("metrics", [("job", "api")], None) == "api"
    assert rules.resolve("logs", [("job", "api")], None) == "from-logs"


def test_a_token_bound_to_a_service_wins_over_rules() -> None:
    assert mapping(rule("job", ".*", "ruled")).resolve("metrics", [("job", "api")], "bound") == "bound"


def test_rules_are_read_again_after_a_while() -> None:
    now, rules = 0.0, []
    subject = Mapping(lambda: list(rules), clock=lambda: now)
    assert subject.resolve("metrics", [("job", "api")], None) == "api"
    rules.append(rule("job", ".*", "ruled"))
    assert subject.resolve("metrics", [("job", "api")], None) == "api"
    now = RELOAD_SECONDS + 1
    assert subject.resolve("metrics", [("job", "api")], None) == "ruled"


@pytest.mark.parametrize(
    ("label", "bound", "service"),
    [
        ("a\0b", None, "ab"),
        ("\x1b[31mred", None, "[31mred"),
        ("a\u202eb", None, "ab"),
        (" api ", None, "api"),
        (" ", None, UNKNOWN_SERVICE),
        ("\n\0", None, UNKNOWN_SERVICE),
        ("api", "job\0", "job"),
    ],
)
def test_the_name_of_a_service_can_be_shown_and_stored(label: str, bound: str | None, service: str) -> None:
    assert mapping().resolve("metrics", [("job", label)], bound) == service
