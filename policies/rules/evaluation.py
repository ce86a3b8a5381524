"""Evaluating one group at one time: rules in order, each seeing what those before it recorded.

What is asked and written goes through two functions, so that the same code serves the fleet and tests on made-up
series.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.rules.alert_state import Alert, alert_samples, next_alerts, recorded_samples
from policies.rules.document import Rule, RuleGroup
from policies.rules.templates import Ask
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.model.labels import Labels
from telemetry.model.samples import STALE_NAN

Vector = Sequence[tuple[Labels, float]]
Query = Callable[[str, int], Vector]
"""(expression, time in ms) -> samples of the instant vector."""
Write = Callable[[Vector, int], None]
"""Stores samples at a time in ms; returns when the next query will see them."""


@dataclass(frozen=True, slots=True)
class RuleMemory:
    """What a rule left behind at its last evaluation."""

    series: frozenset[Labels] = frozenset()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """How the evaluation of one rule went."""

    memory: RuleMemory
    error: str = ""
    seconds: float = 0.0
    samples: int = 0


@dataclass(slots=True)
class GroupOutcome:
    """Outcomes in the order of the rules."""

    rules: list[RuleOutcome] = field(default_factory=list)
    seconds: float = 0.0


def evaluate_group(
    group: RuleGroup,
    memories: Mapping[int, RuleMemory],
    now_ms: int,
    query: Query,
    write: Write,
    *,
    external_url: str = "",
) -> GroupOutcome:
    """Evaluate every rule of the group as of `now_ms`, `memories` by position. A rule that fails stops no other.

    Samples carry `now_ms` less the group's query offset; series that a rule no longer gives get a staleness marker.
    """
    outcome, started = GroupOutcome(), time.monotonic()
    at_ms = now_ms - group.query_offset_ms
    for position, rule in enumerate(group.rules):
        before = memories.get(position, RuleMemory())
        outcome.rules.append(_rule_outcome(group, rule, before, now_ms, at_ms, query, write, external_url))
    outcome.seconds = time.monotonic() - started
    return outcome


def _rule_outcome(
    group: RuleGroup,
    rule: Rule,
    before: RuleMemory,
    now_ms: int,
    at_ms: int,
    query: Query,
    write: Write,
    external_url: str,
) -> RuleOutcome:
    started = time.monotonic()
    try:
        seen = query(rule.expr, at_ms)
        samples, alerts = _judged(group, rule, before, seen, now_ms, external_url, _template_query(query, at_ms))
        current = frozenset(labels for labels, _ in samples)
        write([*samples, *stale(before.series - current)], at_ms)
    except TelemetryError as error:
        return RuleOutcome(before, str(error), time.monotonic() - started)
    return RuleOutcome(RuleMemory(current, tuple(alerts)), "", time.monotonic() - started, len(samples))


def _judged(
    group: RuleGroup,
    rule: Rule,
    before: RuleMemory,
    seen: Vector,
    now_ms: int,
    external_url: str,
    ask: Ask,
) -> tuple[list[tuple[Labels, float]], list[Alert]]:
    if rule.kind == "recording":
        return recorded_samples(rule, seen, group.limit), []
    alerts = next_alerts(rule, before.alerts, seen, now_ms, limit=group.limit, external_url=external_url, ask=ask)
    return alert_samples(rule, alerts), alerts


def _template_query(query: Query, at_ms: int) -> Ask:
    def ask(expression: str) -> list[dict[str, Any]]:
        return [{"Labels": dict(labels), "Value": value} for labels, value in query(expression, at_ms)]

    return ask


def stale(series: Iterable[Labels]) -> list[tuple[Labels, float]]:
    """A staleness marker for each of `series`."""
    return [(labels, STALE_NAN) for labels in sorted(series)]


def next_slot_ms(now_ms: int, interval_ms: int, offset_ms: int) -> int:
    """First evaluation time after `now_ms`: groups are spread over their interval, and keep their place in it."""
    if interval_ms <= 0:
        raise InvalidInput(f"interval must be positive, not {interval_ms} ms")
    return math.floor((now_ms - offset_ms) / interval_ms + 1) * interval_ms + offset_ms
