"""Metric metadata: type, help and unit of each metric family, the latest wins."""

import time
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from telemetry.model.samples import MetricMetadata
from telemetry.store.engine import Engine, Settings

_MAX_HELP_CHARACTERS: Final = 4096
_MAX_REMEMBERED: Final = 200_000

_ALL: Final = """
SELECT metric, argMax(type, seen), argMax(help, seen), argMax(unit, seen)
FROM metric_metadata GROUP BY metric ORDER BY metric LIMIT {limit:UInt64}
"""
_ONE: Final = """
SELECT metric, argMax(type, seen), argMax(help, seen), argMax(unit, seen)
FROM metric_metadata WHERE metric = {metric:String} GROUP BY metric
"""


class MetadataTable:
    """Writes what changed and reads it back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._written: dict[str, MetricMetadata] = {}

    def write(self, metadata: Iterable[MetricMetadata], settings: Settings) -> None:
        """Store entries that differ from what this process last stored. One thread at a time."""
        changed = {entry.metric: entry for entry in metadata if self._written.get(entry.metric) != entry}
        if not changed:
            return
        self._engine.insert("metric_metadata", _columns(list(changed.values())), settings)
        if len(self._written) > _MAX_REMEMBERED:
            self._written.clear()
        self._written.update(changed)

    def read(self, metric: str | None, limit: int | None, settings: Settings) -> list[MetricMetadata]:
        """One entry a metric, by name."""
        if metric is not None:
            rows = self._engine.rows(_ONE, {"metric": metric}, settings)
        else:
            rows = self._engine.rows(_ALL, {"limit": 2**31 if limit is None else limit}, settings)
        return [MetricMetadata(*row) for row in rows]

    def clear(self) -> None:
        """Forget what was written."""
        self._written.clear()


def _columns(entries: list[MetricMetadata]) -> pa.Table:
    now = int(time.time() * 1000)
    return pa.table(
        {
            "metric": pa.array([entry.metric for entry in entries], pa.string()),
            "type": pa.array([entry.type for entry in entries], pa.string()),
            "help": pa.array([entry.help[:_MAX_HELP_CHARACTERS] for entry in entries], pa.string()),
            "unit": pa.array([entry.unit for entry in entries], pa.string()),
            "seen": pa.array([now] * len(entries), pa.timestamp("ms", "UTC")),
        }
    )
