"""Rules and alerts in Prometheus' form. Source: https://prometheus.io/docs/prometheus/latest/querying/api/#rules"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.params import limit_of, selectors_of, value_of, values_of
from dashboard.api.prometheus.render import to_json
from dashboard.panels.rules import ShownGroup, ShownRule, alert_time, shown_groups
from policies.rules.alert_state import Alert
from policies.rules.document import Rule
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, Matcher, label_value
from telemetry.promql.parser import parse
from telemetry.promql.printer import to_text

NEVER: Final = "0001-01-01T00:00:00Z"
_TYPES: Final = {"alert": "alerting", "record": "recording", "": ""}


@requires("query")
@prometheus_view("GET")
def rule_groups(request: HttpRequest) -> HttpResponse:
    """/api/v1/rules"""
    kind = value_of(request, "type").lower()
    if kind not in _TYPES:
        raise InvalidInput(f'invalid parameter "type": not supported value "{value_of(request, "type")}"')
    without_alerts = _truth(request, "exclude_alerts")
    kept = [_kept(request, group, _TYPES[kind]) for group in _named(request, shown_groups())]
    shown, token = _page(request, [each for each in kept if each[1]])
    data: dict[str, Any] = {"groups": [_group(group, rules, without_alerts) for group, rules in shown]}
    if token:
        data["groupNextToken"] = token
    return success(to_json(data))


@requires("query")
@prometheus_view("GET")
def alerts(request: HttpRequest) -> HttpResponse:
    """/api/v1/alerts"""
    found = [alert for group in shown_groups() for rule in group.rules for alert in rule.alerts]
    return success(to_json({"alerts": [_alert(alert) for alert in found]}))


@requires("query")
@prometheus_view("GET")
def alertmanagers(request: HttpRequest) -> HttpResponse:
    """/api/v1/alertmanagers: alerts are not sent to any."""
    return success(to_json({"activeAlertmanagers": [], "droppedAlertmanagers": []}))


def _truth(request: HttpRequest, name: str) -> bool:
    text = value_of(request, name)
    if text.lower() in ("", "0", "f", "false"):
        return False
    if text.lower() in ("1", "t", "true"):
        return True
    raise InvalidInput(f'invalid parameter "{name}": strconv.ParseBool: parsing "{text}": invalid syntax')


def _named(request: HttpRequest, groups: Iterable[ShownGroup]) -> list[ShownGroup]:
    names, files = values_of(request, "rule_group[]"), values_of(request, "file[]")
    return [
        group for group in groups if (not names or group.group.name in names) and (not files or group.file in files)
    ]


def _kept(request: HttpRequest, group: ShownGroup, kind: str) -> tuple[ShownGroup, list[ShownRule]]:
    names, selectors = values_of(request, "rule_name[]"), selectors_of(request)
    return group, [
        rule
        for rule in group.rules
        if (not kind or rule.rule.kind == kind)
        and (not names or rule.rule.name in names)
        and (not selectors or any(_matches(selector, rule.rule.labels) for selector in selectors))
    ]


def _matches(selector: Iterable[Matcher], labels: Labels) -> bool:
    return all(matcher.matches(label_value(labels, matcher.name)) for matcher in selector)


def _page(
    request: HttpRequest, groups: Sequence[tuple[ShownGroup, list[ShownRule]]]
) -> tuple[Sequence[tuple[ShownGroup, list[ShownRule]]], str]:
    limit, token = limit_of(request, "group_limit"), value_of(request, "group_next_token")
    if token and not limit:
        raise InvalidInput('invalid parameter "group_limit": group_limit needs to be set to use group_next_token')
    tokens = [_token(group) for group, _ in groups]
    if token and token not in tokens:
        raise InvalidInput(f'invalid parameter "group_next_token": invalid group_next_token {token!r}')
    start = tokens.index(token) if token else 0
    end = start + limit if limit else len(groups)
    return groups[start:end], tokens[end] if end < len(tokens) else ""


def _token(group: ShownGroup) -> str:
    digest = sha1(f"{group.file};{group.group.name}".encode(), usedforsecurity=False)
    return urlsafe_b64encode(digest.digest()).decode().rstrip("=")


def _group(group: ShownGroup, kept: Sequence[ShownRule], without_alerts: bool) -> dict[str, Any]:
    return {
        "name": group.group.name,
        "file": group.file,
        "rules": [_rule(rule, without_alerts) for rule in kept],
        "interval": _number(group.interval_ms / 1000),
        "limit": group.group.limit,
        "evaluationTime": group.seconds,
        "lastEvaluation": time_text(group.last_at),
    }


def _rule(shown: ShownRule, without_alerts: bool) -> dict[str, Any]:
    rule = shown.rule
    head = _recording(rule) if rule.kind == "recording" else _alerting(rule, shown, without_alerts)
    error = {"lastError": shown.error} if shown.error else {}
    return {
        **head,
        "health": shown.health,
        **error,
        "evaluationTime": shown.seconds,
        "lastEvaluation": time_text(shown.last_at),
        "type": rule.kind,
    }


def _recording(rule: Rule) -> dict[str, Any]:
    labels = {"labels": dict(rule.labels)} if rule.labels else {}
    return {"name": rule.name, "query": to_text(parse(rule.expr)), **labels}


def _alerting(rule: Rule, shown: ShownRule, without_alerts: bool) -> dict[str, Any]:
    return {
        "state": shown.state,
        "name": rule.name,
        "query": to_text(parse(rule.expr)),
        "duration": _number(rule.for_ms / 1000),
        "keepFiringFor": _number(rule.keep_firing_for_ms / 1000),
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "alerts": [] if without_alerts else [_alert(alert) for alert in shown.alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    keeps = alert.keep_firing_since_ms
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": time_text(alert_time(alert.active_at_ms)),
        **({"keepFiringSince": time_text(alert_time(keeps))} if keeps else {}),
        "value": exponent_text(alert.value),
    }


def exponent_text(value: float) -> str:
    """As Go writes a number with `e`: 1 is 1e+00."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[repr(value)]
    return next(text for places in range(17) if float(text := f"{value:.{places}e}") == value)


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def time_text(when: datetime | None) -> str:
    """RFC 3339 in UTC, the year one for what never was."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z") if when else NEVER
