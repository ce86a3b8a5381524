"""What makes the series: counts by metric, label, value of a label or service, their growth and their samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import METRIC_NAME
from telemetry.store.catalogue import SEEN_GRAIN_MS
from telemetry.store.conditions import Conditions, instant_ms
from telemetry.store.engine import Engine, Settings

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Grouping(Enum):
    """What a row of the table stands for."""

    METRIC = "metric"
    LABEL = "label"
    VALUE = "value"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class CardinalityQuery:
    """Which series are counted, and by what; '' is any."""

    grouping: Grouping
    now_ms: int
    metric: str = ""
    service: str = ""
    label: str = ""
    """Label whose values are the rows of Grouping.VALUE; otherwise only series that have it are counted."""
    limit: int = 200


@dataclass(frozen=True, slots=True)
class CardinalityRow:
    """Series of one name. Rows of Grouping.LABEL overlap, since a series has several labels."""

    name: str
    series: int
    active: int
    """Series that had a sample within the last hour or two, which is how often sightings are written."""
    new_day: int
    new_week: int
    new_month: int
    values: int
    """Different values, for Grouping.LABEL; else 0."""
    samples_day: int
    """Samples with a timestamp of the last 24 hours."""


@dataclass(frozen=True, slots=True)
class CardinalityTotals:
    """The same over every series that matches, each once."""

    series: int
    active: int
    new_day: int
    new_week: int
    new_month: int
    samples_day: int


_NAME: Final = {
    Grouping.METRIC: "metric",
    Grouping.LABEL: "arrayJoin(mapKeys(labels))",
    Grouping.SERVICE: "owner",
}


class CardinalityReader:
    """Reads `series` and counts `samples`; a million series take a second or two."""

    def __init__(self, engine: Engine, read_settings: Settings) -> None:
        self._engine = engine
        self._read_settings = read_settings

    def rows(self, query: CardinalityQuery) -> list[CardinalityRow]:
        """Names with most series first, at most `query.limit`."""
        conditions = Conditions()
        if query.grouping is Grouping.VALUE:
            name = f"labels[{conditions.bind(query.label, 'String')}]"
        else:
            name = _NAME[query.grouping]
        different = "uniq(labels[name])" if query.grouping is Grouping.LABEL else "toUInt64(0)"
        found = self._engine.rows(
            f"SELECT {name} AS name, {_counts(conditions, query.now_ms)}, {different}, sum(per_series.samples) "
            f"FROM {_series(conditions, query)} AS known LEFT JOIN {_samples(conditions, query)} AS per_series "
            f"ON known.id = per_series.id GROUP BY name ORDER BY count() DESC, name "
            f"LIMIT {conditions.bind(query.limit, 'UInt64')}",
            conditions.parameters,
            self._read_settings,
        )
        return [CardinalityRow(str(name), *map(int, numbers)) for name, *numbers in found]

    def totals(self, query: CardinalityQuery) -> CardinalityTotals:
        """Over all rows, named or not."""
        conditions = Conditions()
        found = self._engine.rows(
            f"SELECT {_counts(conditions, query.now_ms)}, sum(per_series.samples) "
            f"FROM {_series(conditions, query)} AS known LEFT JOIN {_samples(conditions, query)} AS per_series "
            "ON known.id = per_series.id",
            conditions.parameters,
            self._read_settings,
        )
        return CardinalityTotals(*map(int, found[0]))

    def new_per_hour(self, query: CardinalityQuery, hours: Sequence[int]) -> NDArray[np.int64]:
        """int64[len(hours)]: series first seen in the hour that begins at each of `hours` (ms, ascending, whole)."""
        conditions = Conditions()
        found = self._engine.rows(
            f"SELECT intDiv(toUnixTimestamp64Milli(first), {HOUR_MS}) * {HOUR_MS} AS hour, count() "
            f"FROM {_series(conditions, query)} WHERE first >= {instant_ms(conditions, hours[0])} GROUP BY hour",
            conditions.parameters,
            self._read_settings,
        )
        counts = {int(at): int(count) for at, count in found}
        return np.array([counts.get(hour, 0) for hour in hours], dtype=np.int64)


def _counts(conditions: Conditions, now_ms: int) -> str:
    since = [instant_ms(conditions, now_ms - days * DAY_MS) for days in (1, 7, 30)]
    active = instant_ms(conditions, now_ms - 2 * SEEN_GRAIN_MS)
    new = ", ".join(f"countIf(first >= {start})" for start in since)
    return f"count(), countIf(last >= {active}), {new}"


def _series(conditions: Conditions, query: CardinalityQuery) -> str:
    wanted = ["1"]
    if query.metric:
        wanted.append(f"series.metric = {conditions.bind(query.metric, 'String')}")
    if query.label and query.label != METRIC_NAME:
        wanted.append(f"mapContains(series.labels, {conditions.bind(query.label, 'String')})")
    having = f"HAVING owner = {conditions.bind(query.service, 'String')}" if query.service else ""
    return (
        "(SELECT id, any(series.metric) AS metric, max(service).2 AS owner, any(series.labels) AS labels, "
        "min(first_seen) AS first, max(last_seen) AS last "
        f"FROM series WHERE {' AND '.join(wanted)} GROUP BY id {having})"
    )


def _samples(conditions: Conditions, query: CardinalityQuery) -> str:
    wanted = [f"timestamp >= {instant_ms(conditions, query.now_ms - DAY_MS)}"]
    if query.metric:
        wanted.append(f"metric = {conditions.bind(query.metric, 'String')}")
    return f"(SELECT series AS id, count() AS samples FROM samples WHERE {' AND '.join(wanted)} GROUP BY series)"
