"""States of the alerts of one rule: inactive, pending, firing. Pure: what was and what is seen give what is.

Source: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ (and rules/alerting.go of 3.5)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from policies.rules.document import Rule
from policies.rules.templates import Ask, Given, expand_all
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Labels, labels_from

PENDING: Final = "pending"
FIRING: Final = "firing"
INACTIVE: Final = "inactive"
RESOLVED_KEPT_MS: Final = 15 * 60_000
"""How long a resolved alert is remembered, so that whoever is told of alerts hears that it is over."""

ALERT_NAME: Final = "alertname"
ALERTS: Final = "ALERTS"
ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"


class RuleFailed(InvalidInput):
    """A rule whose result cannot be used; its alerts stay as they were."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a rule. Times in ms; 0 means never."""

    labels: Labels
    annotations: Labels
    value: float
    state: str
    active_at_ms: int
    fired_at_ms: int = 0
    resolved_at_ms: int = 0
    keep_firing_since_ms: int = 0

    @property
    def is_active(self) -> bool:
        return self.state != INACTIVE


def next_alerts(
    rule: Rule,
    before: Iterable[Alert],
    seen: Sequence[tuple[Labels, float]],
    now_ms: int,
    *,
    limit: int = 0,
    external_url: str = "",
    ask: Ask | None = None,
) -> list[Alert]:
    """Alerts after an evaluation at `now_ms` whose expression gave the samples `seen`, by labels.

    Raises RuleFailed if two samples make the same alert, or if more are active than `limit` allows.
    """
    given = _seen_alerts(rule, seen, now_ms, external_url, ask)
    known = {alert.labels: alert for alert in before}
    after = [
        alert
        for labels in sorted({*known, *given})
        if (alert := _next(rule, known.get(labels), given.get(labels), now_ms)) is not None
    ]
    active = sum(alert.is_active for alert in after)
    if 0 < limit < active:
        raise RuleFailed(f"exceeded limit of {limit} with {active} alerts")
    return after


def _seen_alerts(
    rule: Rule, seen: Sequence[tuple[Labels, float]], now_ms: int, external_url: str, ask: Ask | None
) -> dict[Labels, Alert]:
    found: dict[Labels, Alert] = {}
    for sample_labels, value in seen:
        given = Given(dict(sample_labels), value, external_url, ask)
        own = {name: text for name, text in sample_labels if name != METRIC_NAME}
        labels = labels_from({**own, **expand_all(rule.labels, given), ALERT_NAME: rule.name})
        if labels in found:
            raise RuleFailed("vector contains metrics with the same labelset after applying alert labels")
        annotations = labels_from(expand_all(rule.annotations, given))
        found[labels] = Alert(labels, annotations, value, PENDING, now_ms)
    return found


def _next(rule: Rule, known: Alert | None, given: Alert | None, now_ms: int) -> Alert | None:
    if given is None:
        return None if known is None else _unseen(rule, known, now_ms)
    if known is None or not known.is_active:
        return _ripened(rule, given, now_ms)
    kept = replace(known, value=given.value, annotations=given.annotations, keep_firing_since_ms=0)
    return _ripened(rule, kept, now_ms)


def _unseen(rule: Rule, known: Alert, now_ms: int) -> Alert | None:
    """What becomes of an alert whose series is gone."""
    if known.state == FIRING and rule.keep_firing_for_ms > 0:
        since = known.keep_firing_since_ms or now_ms
        if now_ms - since < rule.keep_firing_for_ms:
            return replace(known, keep_firing_since_ms=since)
    if known.state == PENDING or (known.resolved_at_ms and now_ms - known.resolved_at_ms > RESOLVED_KEPT_MS):
        return None
    return replace(known, state=INACTIVE, resolved_at_ms=now_ms) if known.is_active else known


def _ripened(rule: Rule, alert: Alert, now_ms: int) -> Alert:
    if alert.state == PENDING and now_ms - alert.active_at_ms >= rule.for_ms:
        return replace(alert, state=FIRING, fired_at_ms=now_ms)
    return alert


def alert_samples(rule: Rule, alerts: Iterable[Alert]) -> list[tuple[Labels, float]]:
    """`ALERTS` and `ALERTS_FOR_STATE` of the active alerts."""
    found: list[tuple[Labels, float]] = []
    for alert in alerts:
        if alert.is_active:
            labels: Mapping[str, str] = dict(alert.labels)
            state = {**labels, METRIC_NAME: ALERTS, ALERT_NAME: rule.name, "alertstate": alert.state}
            found.append((labels_from(state), 1.0))
            since = {**labels, METRIC_NAME: ALERTS_FOR_STATE, ALERT_NAME: rule.name}
            found.append((labels_from(since), float(alert.active_at_ms // 1000)))
    return found


def recorded_samples(rule: Rule, seen: Sequence[tuple[Labels, float]], limit: int) -> list[tuple[Labels, float]]:
    """What a recording rule stores of the result of its expression. Raises RuleFailed as `next_alerts` does."""
    found: dict[Labels, float] = {}
    for labels, value in seen:
        named = labels_from({**dict(labels), **dict(rule.labels), METRIC_NAME: rule.name})
        if named in found:
            raise RuleFailed("vector contains metrics with the same labelset after applying rule labels")
        found[named] = value
    if 0 < limit < len(found):
        raise RuleFailed(f"exceeded limit of {limit} with {len(found)} series")
    return list(found.items())


def worst_state(alerts: Iterable[Alert]) -> str:
    """State of a rule: that of its most urgent alert."""
    states = {alert.state for alert in alerts}
    return next((state for state in (FIRING, PENDING) if state in states), INACTIVE)
