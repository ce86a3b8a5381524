"""The cardinality explorer: what makes the series and the samples, how it grows, and what nobody reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from dashboard.panels.figures import Figure, Line, Style, time_series_figure
from fleet.selectors.services import services
from telemetry.model.time import TimeGrid
from telemetry.store import TelemetryStore
from telemetry.store.cardinality import (
    HOUR_MS,
    CardinalityQuery,
    CardinalityRow,
    CardinalityTotals,
    Grouping,
)

TEAM: Final = "team"
WORDS: Final = {
    "metric": "Metric",
    "label": "Label",
    "value": "Value of a label",
    "service": "Service",
    TEAM: "Team",
}
"""`by` of the address -> words."""
NO_TEAM: Final = "no team"
CSV_HEADER: Final = (
    "name",
    "series",
    "active",
    "new_1d",
    "new_7d",
    "new_30d",
    "different_values",
    "samples_1d",
    "bytes_1d_estimated",
    "last_read",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for."""

    by: str
    metric: str
    service: str
    label: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Choice":
        by = query.get("by", "metric")
        label = query.get("label", "").strip()
        if by not in WORDS or (by == "value" and not label):
            by = "label" if by == "value" else "metric"
        return cls(by, query.get("metric", "").strip(), query.get("service", "").strip(), label)

    def query(self, now_ms: int, limit: int) -> CardinalityQuery:
        grouping = Grouping.SERVICE if self.by == TEAM else Grouping(self.by)
        return CardinalityQuery(grouping, now_ms, self.metric, self.service, self.label, limit)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    counted: CardinalityRow
    share_ratio: float
    """Of all series that match."""
    bytes_day: int
    """Estimate: samples of the day at the mean size of all stored samples."""
    last_read_ms: int | None
    address: str
    """Query string of the page narrowed down to this row, '' where there is nothing below it."""


@dataclass(frozen=True, slots=True)
class Cardinality:
    """Everything on the page."""

    totals: CardinalityTotals
    rows: list[Row]
    bytes_per_sample: float | None
    reads_known: bool
    """Whether any query was logged yet; without one "never read" would be a guess."""
    churn: Figure


def cardinality(store: TelemetryStore, choice: Choice, now_ms: int, limit: int = 200) -> Cardinality:
    """Raises TelemetryError."""
    query = choice.query(now_ms, 100_000 if choice.by == TEAM else limit)
    found, totals = store.cardinality(query)
    if choice.by == TEAM:
        found = by_team(found, {service.name: service.team.name for service in services() if service.team})
    per_sample = bytes_per_sample(store)
    reads = {name: read.last_ms for name, read in store.metric_reads().items()}
    rows = [
        Row(
            counted=row,
            share_ratio=row.series / totals.series if totals.series else 0.0,
            bytes_day=round(row.samples_day * (per_sample or 0)),
            last_read_ms=reads.get(row.name) if choice.by == "metric" else None,
            address=narrowed(choice, row.name),
        )
        for row in found[:limit]
    ]
    return Cardinality(totals, rows, per_sample, bool(reads), churn_figure(store, query))


def by_team(rows: Iterable[CardinalityRow], team_of: Mapping[str, str]) -> list[CardinalityRow]:
    """Rows of services added up by their team, most series first."""
    teams: dict[str, CardinalityRow] = {}
    for row in rows:
        team = team_of.get(row.name, NO_TEAM)
        teams[team] = _added(teams[team], row) if team in teams else replace(row, name=team)
    return sorted(teams.values(), key=lambda row: (-row.series, row.name))


def _added(first: CardinalityRow, second: CardinalityRow) -> CardinalityRow:
    return CardinalityRow(
        name=first.name,
        series=first.series + second.series,
        active=first.active + second.active,
        new_day=first.new_day + second.new_day,
        new_week=first.new_week + second.new_week,
        new_month=first.new_month + second.new_month,
        values=0,
        samples_day=first.samples_day + second.samples_day,
    )


def narrowed(choice: Choice, name: str) -> str:
    """Where a click on the row leads: one step down."""
    here = {"by": choice.by, "metric": choice.metric, "service": choice.service, "label": choice.label}
    steps = {
        "metric": {"by": "label", "metric": name},
        "label": {"by": "value", "label": name},
        "service": {"by": "metric", "service": name},
    }
    if choice.by not in steps:
        return ""
    return "?" + urlencode({key: value for key, value in {**here, **steps[choice.by]}.items() if value})


def bytes_per_sample(store: TelemetryStore) -> float | None:
    """Mean size of a stored sample on the disk, None while there is none."""
    for usage in store.usage():
        if usage.table == "samples" and usage.rows:
            return usage.bytes_on_disk / usage.rows
    return None


def churn_figure(store: TelemetryStore, query: CardinalityQuery, hours: int = 48) -> Figure:
    """New series by the hour, the running hour last."""
    last = query.now_ms // HOUR_MS * HOUR_MS
    grid = TimeGrid(last - (hours - 1) * HOUR_MS, last, HOUR_MS)
    counts = store.new_series_per_hour(query, grid.times_ms().tolist())
    lines = [Line("new series", counts)]
    return time_series_figure(lines, grid, title="New series per hour, last 48 hours", style=Style(kind="bar"))


def csv_rows(found: Cardinality) -> Iterable[tuple[Any, ...]]:
    """As CSV_HEADER."""
    for row in found.rows:
        one = row.counted
        yield (
            one.name,
            one.series,
            one.active,
            one.new_day,
            one.new_week,
            one.new_month,
            one.values or "",
            one.samples_day,
            row.bytes_day if found.bytes_per_sample else "",
            row.last_read_ms or "",
        )
