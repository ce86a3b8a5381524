"""Rules as pages and APIs show them: the document joined with how each rule fares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from fleet.models import RuleFile, RuleState
from fleet.models import RuleGroup as GroupRow
from fleet.selectors.rules import rule_files
from policies.rules.alert_state import Alert, worst_state
from policies.rules.document import Rule, RuleGroup, parse_rule_file
from policies.rules.memory import alert_from

_parsed = lru_cache(maxsize=256)(parse_rule_file)


@dataclass(frozen=True, slots=True)
class ShownRule:
    """One rule with its last evaluation."""

    rule: Rule
    health: str
    """`unknown`, `ok` or `err`."""
    error: str
    last_at: datetime | None
    seconds: float
    samples: int
    alerts: Sequence[Alert]
    """Active ones only."""

    @property
    def state(self) -> str:
        """`firing`, `pending` or `inactive`; '' for a recording rule, and `unknown` where nothing was evaluated."""
        if self.rule.kind == "recording":
            return ""
        return worst_state(self.alerts) if self.health != "unknown" else "unknown"


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """One group of a file."""

    file: str
    group: RuleGroup
    interval_ms: int
    last_at: datetime | None
    seconds: float
    missed: int
    rules: Sequence[ShownRule]

    @property
    def interval_seconds(self) -> float:
        return self.interval_ms / 1000

    @property
    def failing(self) -> int:
        return sum(rule.health == "err" for rule in self.rules)


@dataclass(frozen=True, slots=True)
class ShownFile:
    """One rule file."""

    row: RuleFile
    groups: Sequence[ShownGroup]

    @property
    def rules(self) -> int:
        return sum(len(group.rules) for group in self.groups)


def shown_files() -> list[ShownFile]:
    """Every file with its groups and rules, in three queries."""
    return [ShownFile(file, list(_groups(file))) for file in rule_files()]


def shown_groups() -> list[ShownGroup]:
    """Every group, by file and place."""
    return [group for file in shown_files() for group in file.groups]


def _groups(file: RuleFile) -> Iterator[ShownGroup]:
    rows = {row.name: row for row in file.groups.all()}
    for group in _parsed(file.text):
        if group.name in rows:
            yield _group(file.name, group, rows[group.name])


def _group(file: str, group: RuleGroup, row: GroupRow) -> ShownGroup:
    states = {state.position: state for state in row.states.all()}
    return ShownGroup(
        file=file,
        group=group,
        interval_ms=row.interval_ms,
        last_at=row.last_at,
        seconds=row.last_seconds,
        missed=row.missed,
        rules=[_rule(rule, states[at]) for at, rule in enumerate(group.rules) if at in states],
    )


def _rule(rule: Rule, state: RuleState) -> ShownRule:
    alerts = [alert for alert in map(alert_from, state.alerts) if alert.is_active]
    return ShownRule(rule, state.health, state.last_error, state.last_at, state.last_seconds, state.samples, alerts)


def alert_time(milliseconds: int) -> datetime:
    """Time of an alert in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
