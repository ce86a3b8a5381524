"""Carries out retention rules: samples of chosen series go earlier than the general retention would have them."""

import time
from typing import Final

from django.utils import timezone

from fleet.actions.retention import InvalidRetention, note_retention_run
from fleet.jobs import JobRun, job
from fleet.models import RetentionRule, Service, Team
from telemetry.model.errors import InvalidInput, StoreUnavailable, TelemetryError
from telemetry.model.labels import Matcher
from telemetry.promql.errors import ParseError
from telemetry.promql.parser import parse_selector
from telemetry.store import TelemetryStore, current
from telemetry.store.selector_retention import Removal

CARRY_OUT: Final = "retention.carry_out"
"""Kind of the job."""

_DAY_MS: Final = 86_400_000


@job(CARRY_OUT)
def carry_out(run: JobRun) -> str:
    """Job, hourly. A rule that fails says so in its row and does not keep the others from running."""
    store = current()
    removed = sum(_carried_out(store, rule) for rule in RetentionRule.objects.select_related("team"))
    return f"{removed} samples removed by retention rules"


def would_remove(store: TelemetryStore, selector: str, service: str, team: Team | None, days: int) -> Removal:
    """What a rule would remove now. Raises InvalidRetention for a broken selector, TelemetryError."""
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
    services = services_of(rule.service, rule.team)
    try:
        rows = store.remove_older_samples(matchers_of(rule.selector), services, _before_ms(rule.days)).rows
    except StoreUnavailable:
        raise  # the job is tried again
    except (TelemetryError, InvalidRetention) as error:
        note_retention_run(rule=rule, at=timezone.now(), rows=0, error=str(error))
        return 0
    note_retention_run(rule=rule, at=timezone.now(), rows=rows)
    return rows


def _before_ms(days: int) -> int:
    return int(time.time() * 1000) - days * _DAY_MS
