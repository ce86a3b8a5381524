"""Which series there are: selection by matchers, label names and values."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import METRIC_NAME, Labels, Matcher
from telemetry.model.labelsets import label_texts
from telemetry.model.samples import SeriesSet
from telemetry.model.time import TimeRange
from telemetry.store.catalogue import SEEN_GRAIN_MS
from telemetry.store.conditions import Conditions, instant_ms, series_label
from telemetry.store.engine import Engine, Settings
from telemetry.store.settings import ENV_NAMES, StoreSettings

UNWRITTEN_MS: Final = 2 * SEEN_GRAIN_MS
"""A series may have samples this long after its last written sighting."""


class SeriesReader:
    """Reads the table `series`."""

    def __init__(self, engine: Engine, settings: StoreSettings, read_settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._read_settings = read_settings

    def select(self, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, limit: int | None) -> SeriesSet:
        """Series that match and may have samples in `time_range`. Raises LimitExceeded above `limit`."""
        most = self._settings.max_query_series if limit is None else limit
        conditions = Conditions()
        rows = self._engine.arrow(
            f"SELECT id, any(labels) AS label_set, max(service).2 AS owner FROM series "
            f"WHERE {conditions.selectors(selectors, series_label)} "
            f"GROUP BY id {_seen_in(conditions, time_range)} "
            f"LIMIT {conditions.bind(most + 1, 'UInt64')}",
            conditions.parameters,
            self._read_settings,
        )
        if rows.num_rows > most:
            name = ENV_NAMES["max_query_series"]
            raise LimitExceeded(f"the query selects more than {most} series ({name})", limit_name=name)
        return _series_set(rows)

    def label_names(
        self, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, limit: int | None
    ) -> list[str]:
        """Names of the labels of matching series, sorted."""
        conditions = Conditions()
        return self._strings(
            f"SELECT DISTINCT arrayJoin(mapKeys(label_set)) AS found "
            f"FROM {self._matching(conditions, selectors, time_range)} "
            f"ORDER BY found LIMIT {conditions.bind(_limit(limit), 'UInt64')}",
            conditions,
        )

    def label_values(
        self, name: str, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, limit: int | None
    ) -> list[str]:
        """Values of the label `name` of matching series, sorted, without ''."""
        conditions = Conditions()
        return self._strings(
            f"SELECT DISTINCT label_set[{conditions.bind(name, 'String')}] AS found "
            f"FROM {self._matching(conditions, selectors, time_range)} WHERE found != '' "
            f"ORDER BY found LIMIT {conditions.bind(_limit(limit), 'UInt64')}",
            conditions,
        )

    def _matching(self, conditions: Conditions, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange) -> str:
        return (
            f"(SELECT any(labels) AS label_set FROM series "
            f"WHERE {conditions.selectors(selectors, series_label)} "
            f"GROUP BY id {_seen_in(conditions, time_range)})"
        )

    def _strings(self, sql: str, conditions: Conditions) -> list[str]:
        found: list[str] = self._engine.arrow(sql, conditions.parameters, self._read_settings)["found"].to_pylist()
        return found


def _limit(limit: int | None) -> int:
    return 2**31 if limit is None else limit


def _seen_in(conditions: Conditions, time_range: TimeRange) -> str:
    end = instant_ms(conditions, time_range.end_ms)
    start = instant_ms(conditions, time_range.start_ms - UNWRITTEN_MS)
    return f"HAVING min(first_seen) <= {end} AND max(last_seen) >= {start}"


def _series_set(rows: pa.Table) -> SeriesSet:
    """Rows by labels; ids of equal labels share a row."""
    labels = labels_of(rows["label_set"])
    order = sorted(range(len(labels)), key=labels.__getitem__)
    ids = rows["id"].to_numpy()
    services = rows["owner"].to_pylist()
    distinct = [at for at, index in enumerate(order) if at == 0 or labels[index] != labels[order[at - 1]]]
    starts = np.zeros(len(order), np.int64)
    starts[distinct] = 1
    return SeriesSet(
        ids=ids[order] if order else ids,
        labels=[labels[order[at]] for at in distinct],
        services=[services[order[at]] for at in distinct],
        rows=np.cumsum(starts) - 1,
    )


def labels_of(column: pa.ChunkedArray) -> list[Labels]:
    """Label sets of an Arrow map column, in its order."""
    found: list[Labels] = []
    for chunk in column.chunks:
        pairs = list(zip(chunk.keys.to_pylist(), chunk.items.to_pylist(), strict=True))
        offsets = (chunk.offsets.to_numpy() - chunk.offsets[0].as_py()).tolist() if len(chunk) else [0]
        found.extend(tuple(pairs[start:end]) for start, end in pairwise(offsets))
    return found


def metric_names(labels: Sequence[Labels]) -> list[str]:
    """Distinct metric names."""
    return sorted(name for name in label_texts(labels, METRIC_NAME) if name)
