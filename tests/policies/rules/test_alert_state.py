"""The life of alerts as a table: what was, what is seen, what is."""

import pytest

from policies.rules.alert_state import (
    FIRING,
    INACTIVE,
    PENDING,
    RESOLVED_KEPT_MS,
    Alert,
    RuleFailed,
    alert_samples,
    next_alerts,
    recorded_samples,
)
from policies.rules.document import Rule
from telemetry.model.labels import labels_from

MINUTE = 60_000
SERIES = labels_from({"__name__": "up", "job": "a"})


def rule(**fields: object) -> Rule:
    return Rule(kind="alerting", name="Down", expr="up == 0", **fields)


def life(one: Rule, seen: str, step_ms: int = MINUTE) -> list[str]:
    """States of the one alert when its series is there (x) or not (-) at each step."""
    alerts: list[Alert] = []
    states = []
    for number, mark in enumerate(seen):
        samples = [(SERIES, 1.0)] if mark == "x" else []
        alerts = next_alerts(one, alerts, samples, number * step_ms)
        states.append(alerts[0].state if alerts else "")
    return states


@pytest.mark.parametrize(
    ("for_minutes", "keep_minutes", "seen", "states"),
    [
        (0, 0, "xx-", [FIRING, FIRING, INACTIVE]),
        (2, 0, "xxxx", [PENDING, PENDING, FIRING, FIRING]),
        (2, 0, "xx-x", [PENDING, PENDING, "", PENDING]),
        (0, 3, "x---x", [FIRING, FIRING, FIRING, FIRING, FIRING]),
        (0, 2, "x---", [FIRING, FIRING, FIRING, INACTIVE]),
        (0, 2, "x-x--", [FIRING, FIRING, FIRING, FIRING, FIRING]),
        (0, 0, "x-x", [FIRING, INACTIVE, FIRING]),
        (5, 9, "x-", [PENDING, ""]),
    ],
)
def test_alerts_wait_fire_and_end(for_minutes, keep_minutes, seen, states) -> None:
    assert life(rule(for_ms=for_minutes * MINUTE, keep_firing_for_ms=keep_minutes * MINUTE), seen) == states


def test_a_resolved_alert_is_forgotten_after_a_while() -> None:
    one = rule()
    (resolved,) = next_alerts(one, next_alerts(one, [], [(SERIES, 1.0)], 0), [], 1)
    assert next_alerts(one, [resolved], [], 1 + RESOLVED_KEPT_MS) == [resolved]
    assert next_alerts(one, [resolved], [], 2 + RESOLVED_KEPT_MS) == []


def test_an_alert_carries_its_labels_expanded_and_no_metric_name() -> None:
    one = rule(labels=labels_from({"who": "{{ $labels.job }}!"}), annotations=labels_from({"is": "{{ $value }}"}))
    (alert,) = next_alerts(one, [], [(SERIES, 3.0)], 0)
    assert dict(alert.labels) == {"alertname": "Down", "job": "a", "who": "a!"}
    assert dict(alert.annotations) == {"is": "3"}


def test_value_and_annotations_follow_while_the_time_of_begin_stays() -> None:
    one = rule(annotations=labels_from({"is": "{{ $value }}"}))
    first = next_alerts(one, [], [(SERIES, 3.0)], 0)
    (alert,) = next_alerts(one, first, [(SERIES, 4.0)], MINUTE)
    assert (alert.value, dict(alert.annotations), alert.active_at_ms) == (4.0, {"is": "4"}, 0)


def test_two_samples_may_not_make_one_alert() -> None:
    twin = labels_from({"__name__": "other", "job": "a"})
    with pytest.raises(RuleFailed, match="same labelset"):
        next_alerts(rule(), [], [(SERIES, 1.0), (twin, 1.0)], 0)


def test_the_limit_of_a_group_is_kept() -> None:
    other = labels_from({"job": "b"})
    with pytest.raises(RuleFailed, match="exceeded limit of 1 with 2 alerts"):
        next_alerts(rule(), [], [(SERIES, 1.0), (other, 1.0)], 0, limit=1)
    record = Rule(kind="recording", name="r", expr="up")
    with pytest.raises(RuleFailed, match="exceeded limit of 1 with 2 series"):
        recorded_samples(record, [(SERIES, 1.0), (other, 1.0)], 1)


def test_active_alerts_are_series() -> None:
    one = rule()
    alerts = next_alerts(one, [], [(SERIES, 1.0)], 5_000)
    state, since = alert_samples(one, alerts)
    assert state == (labels_from({"__name__": "ALERTS", "alertname": "Down", "alertstate": FIRING, "job": "a"}), 1.0)
    assert since == (labels_from({"__name__": "ALERTS_FOR_STATE", "alertname": "Down", "job": "a"}), 5.0)
    assert alert_samples(one, next_alerts(one, alerts, [], 6_000)) == []


def test_recorded_series_are_named_and_labelled() -> None:
    one = Rule(kind="recording", name="job:up", expr="up", labels=labels_from({"job": "z", "x": "y"}))
    assert recorded_samples(one, [(SERIES, 2.0)], 0) == [
        (labels_from({"__name__": "job:up", "job": "z", "x": "y"}), 2.0)
    ]
    with pytest.raises(RuleFailed, match="same labelset"):
        recorded_samples(one, [(SERIES, 2.0), (labels_from({"job": "b"}), 2.0)], 0)
