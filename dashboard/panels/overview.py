"""The overview: one row a service, worst first, and what they add up to."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from dashboard.panels.daily_spend import NO_SPEND, DailySpend
from dashboard.panels.freshness import newest_of, services_seen
from dashboard.panels.golden_signals import REQUESTS
from dashboard.panels.health import ORDER, Health, Vitals, health_of
from dashboard.panels.signal_values import Readings, read_signals
from dashboard.panels.time_range import PageRange
from dashboard.panels.vitals import ratio, vitals_of
from fleet.models import Deployment, Service, Team
from fleet.selectors.dependencies import AuditStanding, audit_standings
from fleet.selectors.services import OpenFindings, newest_deployments, open_findings_by_service, services
from telemetry.model.errors import TelemetryError
from telemetry.model.time import TimeGrid
from telemetry.store import LogQuery, ServiceSeen, TelemetryStore, current

TREND_POINTS: Final = 48
ERROR_SEVERITY: Final = 17
"""Least severity_number of an error (OpenTelemetry log data model)."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which services are shown; empty shows all."""

    text: str = ""
    team: str = ""
    fleet: str = ""
    """"real" or "simulated"."""
    state: str = ""

    def take(self, service: Service) -> bool:
        wanted_origin = {"real": False, "simulated": True}.get(self.fleet)
        return (
            self.text.lower() in service.name.lower()
            and (not self.team or (service.team is not None and service.team.name == self.team))
            and (wanted_origin is None or service.is_simulated is wanted_origin)
        )


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service at the end of the range; None is unknown or not for this role."""

    service: Service
    health: Health
    vitals: Vitals
    trend: list[float] = field(default_factory=list)
    """Requests per second over the range, NaN where absent."""
    log_errors: int | None = None
    """Log records of severity error and worse within the range."""
    seen_ms: int | None = None
    findings: OpenFindings | None = None
    standing: AuditStanding | None = None
    """How far its dependencies were looked at; None if they never were, or not for this role."""
    deployment: Deployment | None = None
    spend_per_day: Decimal | None = None

    @property
    def lesser_findings(self) -> int:
        """Open findings below high."""
        return self.findings.medium + self.findings.low + self.findings.unrated if self.findings else 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What the shown rows add up to."""

    services: int
    by_state: list[tuple[str, int]]
    requests_per_second: float | None
    error_ratio: float | None
    replicas: float | None
    replicas_wanted: float | None
    log_errors: int | None
    findings: OpenFindings
    spend_per_day: Decimal | None
    simulated: int


@dataclass(frozen=True, slots=True)
class Overview:
    """`error` says why telemetry could not be read; the rest is shown all the same."""

    rows: list[ServiceRow]
    totals: Totals
    teams: list[Team]
    services_in_all: int
    currency: str = "USD"
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Telemetry:
    now: Readings
    trend: Readings
    seen: Mapping[str, ServiceSeen] = field(default_factory=dict)
    log_errors: Mapping[str, int] | None = None


def overview(
    time_range: PageRange,
    filters: Filters,
    *,
    with_telemetry: bool = True,
    with_findings: bool = True,
    spend: DailySpend = NO_SPEND,
) -> Overview:
    """Six queries to the database and a fixed number to the engine, however many services there are."""
    everything = list(services())
    telemetry, error = _telemetry(time_range) if with_telemetry else (_nothing(time_range), "")
    findings = open_findings_by_service() if with_findings else {}
    standings = audit_standings() if with_findings else {}
    deployments = newest_deployments()
    now_ms = min(time.time_ns() // 1_000_000, time_range.end_ms)
    rows = [
        replace(
            _row(service, telemetry, now_ms),
            findings=findings.get(service.pk, OpenFindings()) if with_findings else None,
            standing=standings.get(service.pk),
            deployment=deployments.get(service.pk),
            spend_per_day=spend.amounts.get(service.name),
        )
        for service in everything
        if filters.take(service)
    ]
    rows.sort(key=_worst_first)
    totals = _totals(rows)
    shown = [row for row in rows if not filters.state or row.health.state == filters.state]
    teams = sorted({service.team for service in everything if service.team}, key=lambda team: team.name)
    return Overview(shown, totals, teams, len(everything), spend.currency, error)


def _telemetry(time_range: PageRange) -> tuple[_Telemetry, str]:
    try:
        return _read(current(), time_range), ""
    except TelemetryError as error:
        return _nothing(time_range), str(error)


def _read(store: TelemetryStore, time_range: PageRange) -> _Telemetry:
    errors = LogQuery(time_range.start_ms * 10**6, time_range.end_ms * 10**6, severity_min=ERROR_SEVERITY)
    return _Telemetry(
        now=read_signals(store, _end_of(time_range)),
        trend=read_signals(store, time_range.grid(TREND_POINTS), signals=(REQUESTS,)),
        seen=services_seen(),
        log_errors=dict(store.log_facets(errors, limit=10_000).services),
    )


def _nothing(time_range: PageRange) -> _Telemetry:
    return _Telemetry(Readings(_end_of(time_range)), Readings(_end_of(time_range)))


def _end_of(time_range: PageRange) -> TimeGrid:
    return TimeGrid(time_range.end_ms, time_range.end_ms, 1000)


def _row(service: Service, telemetry: _Telemetry, now_ms: int) -> ServiceRow:
    seen = telemetry.seen.get(service.name, ServiceSeen())
    seen_ms = newest_of(seen)
    vitals = vitals_of(telemetry.now, service.name, max(now_ms - seen_ms, 0) if seen_ms else None)
    trend = telemetry.trend.of(REQUESTS.name, service.name)
    log_errors = telemetry.log_errors.get(service.name, 0) if telemetry.log_errors is not None else None
    return ServiceRow(
        service=service,
        health=health_of(vitals),
        vitals=vitals,
        trend=[] if trend is None else trend.tolist(),
        log_errors=log_errors,
        seen_ms=seen_ms,
    )


def _worst_first(row: ServiceRow) -> tuple[int, float, float, str]:
    vitals = row.vitals
    return (row.health.rank, -(vitals.error_ratio or 0), -(vitals.requests_per_second or 0), row.service.name)


def _totals(rows: Sequence[ServiceRow]) -> Totals:
    vitals = [row.vitals for row in rows]
    counted = [one for one in vitals if one.error_ratio is not None]
    failing = _sum((one.error_ratio or 0) * (one.requests_per_second or 0) for one in counted)
    return Totals(
        services=len(rows),
        by_state=[(state, sum(row.health.state == state for row in rows)) for state in ORDER],
        requests_per_second=_sum(one.requests_per_second for one in vitals),
        error_ratio=ratio(failing, _sum(one.requests_per_second for one in counted)),
        replicas=_sum(one.replicas for one in vitals),
        replicas_wanted=_sum(one.replicas_wanted for one in vitals),
        log_errors=_count(row.log_errors for row in rows),
        findings=_all_findings(rows),
        spend_per_day=_money(row.spend_per_day for row in rows),
        simulated=sum(row.service.is_simulated for row in rows),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _count(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _money(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _all_findings(rows: Sequence[ServiceRow]) -> OpenFindings:
    known = [row.findings for row in rows if row.findings]
    return OpenFindings(
        critical=sum(one.critical for one in known),
        high=sum(one.high for one in known),
        medium=sum(one.medium for one in known),
        low=sum(one.low for one in known),
        unrated=sum(one.unrated for one in known),
    )
