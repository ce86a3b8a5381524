"""One service: its golden signals over a range, what it logs, what it is made of and what happened to it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dashboard.panels import golden_signals as signals
from dashboard.panels.figures import Figure, Mark
from dashboard.panels.freshness import newest_of, services_seen
from dashboard.panels.health import Health, Vitals, health_of
from dashboard.panels.log_lines import LogLine, log_line
from dashboard.panels.service_figures import service_figures
from dashboard.panels.signal_values import Readings, read_signals
from dashboard.panels.time_range import PageRange
from dashboard.panels.vitals import vitals_of
from fleet.models import ApiToken, Deployment, Finding, Service, Target
from fleet.selectors.dependencies import AuditStanding, audit_standings
from fleet.selectors.findings import FindingFilter, findings, severity_counts
from telemetry.model.errors import TelemetryError
from telemetry.model.time import TimeGrid
from telemetry.store import LogQuery, ServiceSeen, TelemetryStore, current

SHOWN_RECORDS: Final = 12
SHOWN_FINDINGS: Final = 6
SHOWN_DEPLOYMENTS: Final = 8

SIGNALS: Final = (*signals.SIGNALS, signals.LATENCY_MEDIAN, signals.LATENCY_99)


@dataclass(frozen=True, slots=True)
class ServiceTelemetry:
    """What the engine knows; `error` says why it could not be asked."""

    health: Health
    vitals: Vitals
    figures: list[tuple[str, Figure]] = field(default_factory=list)
    """(id, figure), only those with data."""
    missing: list[str] = field(default_factory=list)
    """Titles of signals that no metric shows."""
    records: list[LogLine] = field(default_factory=list)
    log_counts: list[tuple[str, int]] = field(default_factory=list)
    """(severity word, records) of the range, most first."""
    seen: ServiceSeen = field(default_factory=ServiceSeen)
    metrics: list[tuple[str, str]] = field(default_factory=list)
    """(title of a signal, metric that it is read from)."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Findings of a service and how far it was looked at."""

    counts: dict[str, int]
    worst: list[Finding]
    standing: AuditStanding | None

    @property
    def open(self) -> int:
        return sum(self.counts.values())

    @property
    def state(self) -> str:
        """'vulnerable', 'clean' or 'unknown'."""
        return (self.standing or AuditStanding()).state(self.open)


def deployments_of(service: Service, limit: int = SHOWN_DEPLOYMENTS) -> list[Deployment]:
    """Newest first."""
    return list(service.deployments.select_related("environment")[:limit])


def deployment_marks(service: Service, time_range: PageRange) -> list[Mark]:
    """Marks of every deployment within the range."""
    within = service.deployments.filter(deployed_at__range=(time_range.start, time_range.end))
    return [
        Mark(int(one.deployed_at.timestamp() * 1000), f"{one.version} in {one.environment.name}")
        for one in within.select_related("environment")
    ]


def dependencies_of(service: Service) -> Dependencies:
    """Four queries."""
    rows = findings(FindingFilter(service=service.name))
    return Dependencies(severity_counts(rows), list(rows[:SHOWN_FINDINGS]), audit_standings().get(service.pk))


def senders_of(service: Service) -> tuple[list[Target], list[ApiToken]]:
    """Targets that are scraped for it and tokens that are bound to it, revoked ones left out."""
    return list(service.targets.all()), list(service.tokens.filter(revoked_at=None))


def service_telemetry(name: str, time_range: PageRange, marks: Sequence[Mark]) -> ServiceTelemetry:
    """A fixed number of questions to the engine. Never raises: `error` says what failed."""
    try:
        return _read(current(), name, time_range, marks)
    except TelemetryError as error:
        unknown = Vitals()
        return ServiceTelemetry(health_of(unknown), unknown, error=str(error))


def _read(store: TelemetryStore, name: str, time_range: PageRange, marks: Sequence[Mark]) -> ServiceTelemetry:
    readings = read_signals(store, time_range.grid(), signals=SIGNALS, service=name)
    end = TimeGrid(time_range.end_ms, time_range.end_ms, 1000)
    seen = services_seen().get(name, ServiceSeen())
    vitals = vitals_of(read_signals(store, end, service=name), name, _silence(seen, time_range))
    logs = LogQuery(time_range.start_ms * 10**6, time_range.end_ms * 10**6, services=(name,), limit=SHOWN_RECORDS)
    figures = service_figures(readings, name, marks)
    return ServiceTelemetry(
        health=health_of(vitals),
        vitals=vitals,
        figures=[(identity, figure) for identity, figure in figures if figure["data"]],
        missing=[figure["layout"]["meta"]["title"] for _, figure in figures if not figure["data"]],
        records=[log_line(record) for record in store.search_logs(logs)],
        log_counts=store.log_facets(logs).severities,
        seen=seen,
        metrics=_metrics(readings, name),
    )


def _silence(seen: ServiceSeen, time_range: PageRange) -> int | None:
    """Time since its newest telemetry at the end of the range, in ms; None if it never sent any."""
    newest = newest_of(seen)
    return max(min(time.time_ns() // 1_000_000, time_range.end_ms) - newest, 0) if newest else None


def _metrics(readings: Readings, name: str) -> list[tuple[str, str]]:
    return [(signal.title, metric) for signal in signals.SIGNALS if (metric := readings.metrics[signal.name].get(name))]
