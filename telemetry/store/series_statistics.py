"""What makes the series: counts by metric, label and label value, in four queries over the table of series."""

from dataclasses import dataclass
from typing import Final

from telemetry.store.engine import Engine, Settings

_DISTINCT: Final = "(SELECT id, any(metric) AS metric, any(labels) AS label_set FROM series GROUP BY id)"
_TOTALS: Final = """
SELECT count(), toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(max(last))
FROM (SELECT min(first_seen) AS first, max(last_seen) AS last FROM series GROUP BY id)
"""
_BY_METRIC: Final = f"""
SELECT metric, count() AS found FROM {_DISTINCT} GROUP BY metric ORDER BY found DESC, metric LIMIT {{limit:UInt64}}
"""
_BY_LABEL: Final = f"""
SELECT pair.1 AS name, uniqExact(pair.2) AS found, sum(length(pair.2)) AS bytes
FROM {_DISTINCT} ARRAY JOIN arrayZip(mapKeys(label_set), mapValues(label_set)) AS pair
GROUP BY name ORDER BY found DESC, name
"""
_BY_PAIR: Final = f"""
SELECT concat(pair.1, '=', pair.2) AS name, count() AS found
FROM {_DISTINCT} ARRAY JOIN arrayZip(mapKeys(label_set), mapValues(label_set)) AS pair
GROUP BY name ORDER BY found DESC, name LIMIT {{limit:UInt64}}
"""


@dataclass(frozen=True, slots=True)
class SeriesStatistics:
    """Counts over every series that is kept; lists are the greatest first."""

    series: int
    label_pairs: int
    first_ms: int
    last_ms: int
    by_metric: list[tuple[str, int]]
    values_by_label: list[tuple[str, int]]
    bytes_by_label: list[tuple[str, int]]
    by_pair: list[tuple[str, int]]


def series_statistics(engine: Engine, limit: int, settings: Settings) -> SeriesStatistics:
    """At most `limit` entries a list."""
    parameters = {"limit": limit}
    ((series, first_ms, last_ms),) = engine.rows(_TOTALS, {}, settings)
    labels = engine.rows(_BY_LABEL, {}, settings)
    bytes_by_label = sorted(((name, int(size)) for name, _, size in labels), key=lambda each: (-each[1], each[0]))
    return SeriesStatistics(
        series=int(series),
        label_pairs=sum(int(values) for _, values, _ in labels),
        first_ms=int(first_ms) if series else 0,
        last_ms=int(last_ms) if series else 0,
        by_metric=[(name, int(count)) for name, count in engine.rows(_BY_METRIC, parameters, settings)],
        values_by_label=[(name, int(values)) for name, values, _ in labels[:limit]],
        bytes_by_label=bytes_by_label[:limit],
        by_pair=[(name, int(count)) for name, count in engine.rows(_BY_PAIR, parameters, settings)],
    )
