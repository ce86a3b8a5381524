"""Carries out retention rules: chosen samples and log records go earlier than the general retention would have it."""

import time
from typing import Final

from django.utils import timezone

from fleet.actions.retention import InvalidRetention, note_retention_run
from fleet.jobs import JobRun, job
from fleet.models import RetentionRule, Service, Team
from telemetry.logql.errors import ParseError as LogqlParseError
from telemetry.logql.parser import parse_matchers as parse_stream_matchers
from telemetry.model.errors import InvalidInput, StoreUnavailable, TelemetryError
from telemetry.model.labels import Matcher
from telemetry.promql.errors import ParseError
from telemetry.promql.parser import parse_selector
from telemetry.store import LogQuery, TelemetryStore, current
from telemetry.store.queries import LogExtent
from telemetry.store.selector_retention import Removal

CARRY_OUT: Final = "retention.carry_out"
"""Kind of the job."""

_DAY_MS: Final = 86_400_000


@job(CARRY_OUT)
def carry_out(run: JobRun) -> str:
    """Job, hourly. A rule that fails says so in its row and does not keep the others from running."""
    store = current()
    removed = sum(_carried_out(store, rule) for rule in RetentionRule.objects.select_related("team"))
    return f"{removed} samples and log records removed by retention rules"


def would_remove_logs(store: TelemetryStore, selector: str, service: str, team: Team | None, days: int) -> LogExtent:
    """What a rule for log records would remove now. Raises InvalidRetention for a broken selector, TelemetryError."""
    query = _old_logs(selector, services_of(service, team), days)
    return store.log_extent(query) if query else LogExtent(0, 0, 0)


def would_remove(store: TelemetryStore, selector: str, service: str, team: Team | None, days: int) -> Removal:
    """What a rule for samples would remove now. Raises InvalidRetention for a broken selector, TelemetryError."""
    return store.older_samples(matchers_of(selector), services_of(service, team), _before_ms(days))


def matchers_of(selector: str) -> tuple[Matcher, ...]:
    """Matchers of a PromQL selector; none for ''. Raises InvalidRetention with the place of the mistake."""
    try:
        return parse_selector(selector).matchers if selector else ()
    except (ParseError, InvalidInput) as error:
        raise InvalidRetention(f"the selector is not understood: {error}") from error


def services_of(service: str, team: Team | None) -> list[str] | None:
    """Names of the services that a rule speaks of; None is every one, an empty list is none."""
    if not service and team is None:
        return None
    of_team = set(Service.objects.filter(team=team).values_list("name", flat=True)) if team else {service}
    return sorted(of_team & {service} if service else of_team)


def _carried_out(store: TelemetryStore, rule: RetentionRule) -> int:
    try:
        rows = _removed(store, rule)
    except StoreUnavailable:
        raise  # the job is tried again
    except (TelemetryError, InvalidRetention) as error:
        note_retention_run(rule=rule, at=timezone.now(), rows=0, error=str(error))
        return 0
    note_retention_run(rule=rule, at=timezone.now(), rows=rows)
    return rows


def _removed(store: TelemetryStore, rule: RetentionRule) -> int:
    services = services_of(rule.service, rule.team)
    if rule.signal == RetentionRule.Signal.METRICS:
        return store.remove_older_samples(matchers_of(rule.selector), services, _before_ms(rule.days)).rows
    query = _old_logs(rule.selector, services, rule.days)
    return store.delete_logs(query).gone if query else 0


def _old_logs(selector: str, services: list[str] | None, days: int) -> LogQuery | None:
    """Log records that are too old by such a rule; None if it speaks of no service."""
    if services == []:
        return None
    try:
        matchers = parse_stream_matchers(selector)
    except (LogqlParseError, InvalidInput) as error:
        raise InvalidRetention(f"the selector is not understood: {error}") from error
    return LogQuery(0, _before_ms(days) * 10**6 - 1, services=tuple(services or ()), matchers=matchers)


def _before_ms(days: int) -> int:
    return int(time.time() * 1000) - days * _DAY_MS
