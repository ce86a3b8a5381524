"""Samples of chosen series that are older than they are to be kept: counted before a rule is saved, removed by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.model.labels import Matcher
from telemetry.store.conditions import Conditions, instant_ms, series_label
from telemetry.store.engine import Engine, Settings

_TABLES: Final = ("samples", "histogram_samples", "exemplars")
"""Tables with a row a series and timestamp."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What a rule would remove now, or has removed."""

    series: int
    """Series with such samples."""
    rows: int
    bytes: int
    """Estimate: rows at the mean size of a stored sample."""
    oldest_ms: int | None
    """Timestamp of the oldest of them, None if there are none."""


class SelectorRetention:
    """Counts and deletes; callers see to it that nothing waits to be written."""

    def __init__(self, engine: Engine, read_settings: Settings) -> None:
        self._engine = engine
        self._read_settings = read_settings

    def older(self, matchers: Sequence[Matcher], services: Sequence[str] | None, before_ms: int) -> Removal:
        """Samples before `before_ms` of series that match; `services` None is any, an empty list is none."""
        conditions = Conditions()
        where = _older(conditions, matchers, services, before_ms)
        ((series, rows, oldest),) = self._engine.rows(
            f"SELECT uniqExact(series), count(), toUnixTimestamp64Milli(min(timestamp)) FROM samples WHERE {where}",
            conditions.parameters,
            self._read_settings,
        )
        return Removal(int(series), int(rows), round(int(rows) * self._bytes_a_row()), int(oldest) if rows else None)

    def remove(self, matchers: Sequence[Matcher], services: Sequence[str] | None, before_ms: int) -> Removal:
        """Delete them, exemplars and native histograms of these series as well; may be repeated if it was cut off."""
        found = self.older(matchers, services, before_ms)
        for table in _TABLES:
            conditions = Conditions()
            where = _older(conditions, matchers, services, before_ms)
            self._engine.command(f"DELETE FROM {table} WHERE {where}", conditions.parameters)
        return found

    def _bytes_a_row(self) -> float:
        sql = (
            "SELECT sum(bytes_on_disk) / greatest(sum(rows), 1) FROM system.parts "
            "WHERE database = {d:String} AND table = 'samples' AND active"
        )
        return float(self._engine.rows(sql, {"d": self._engine.database})[0][0] or 0)


def _older(conditions: Conditions, matchers: Sequence[Matcher], services: Sequence[str] | None, before_ms: int) -> str:
    owned = ""
    if services is not None:
        owned = f"HAVING has({conditions.bind(list(services), 'Array(String)')}, max(service).2)"
    return (
        f"timestamp < {instant_ms(conditions, before_ms)} AND series IN "
        f"(SELECT id FROM series WHERE {conditions.matchers(matchers, series_label)} GROUP BY id {owned})"
    )
