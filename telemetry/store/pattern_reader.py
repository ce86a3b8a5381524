"""Patterns and errors found again, with their counts over time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.patterns.masking import WILDCARD, Tokens
from telemetry.patterns.tree import differing
from telemetry.store.conditions import Conditions
from telemetry.store.engine import Engine, Settings
from telemetry.store.pattern_queries import ErrorGroup, LogPattern, PatternSeries

MOST_PATTERNS: Final = 2_000

_PATTERNS: Final = """
SELECT service, id, any(field), max(template).2, any(sample),
    toUnixTimestamp64Milli(min(first_seen)) AS first_ms, toUnixTimestamp64Milli(max(last_seen)) AS last_ms
FROM log_patterns WHERE {where} GROUP BY service, id ORDER BY last_ms DESC LIMIT {most}
"""
_COUNTS: Final = """
SELECT service, {subject} AS subject, intDiv(toUnixTimestamp(at), {step}) AS bucket, sum(records)
FROM {table} WHERE at >= toDateTime({start}, 'UTC') AND at <= toDateTime({end}, 'UTC') AND {where}
GROUP BY service, subject, bucket
"""
_ERRORS: Final = """
SELECT id, service, any(type), any(title), any(culprit), any(frames), any(sample),
    toUnixTimestamp64Milli(min(first_seen)) AS first_ms, toUnixTimestamp64Milli(max(last_seen)) AS last_ms
FROM log_errors WHERE last_seen >= fromUnixTimestamp64Milli({start}, 'UTC') AND {where}
GROUP BY id, service ORDER BY last_ms DESC LIMIT {most}
"""


class PatternReader:
    """Reads the tables of patterns and errors."""

    def __init__(self, engine: Engine, read_settings: Settings) -> None:
        self._engine = engine
        self._read_settings = read_settings

    def patterns(self, services: Sequence[str]) -> list[LogPattern]:
        """Patterns of `services` (all if empty), newest first; what became one pattern is one."""
        conditions = Conditions()
        where = _services(conditions, services)
        sql = _PATTERNS.format(where=where, most=MOST_PATTERNS)
        return families(self._engine.rows(sql, conditions.parameters, self._read_settings))

    def pattern_series(
        self, patterns: Sequence[LogPattern], start_ms: int, end_ms: int, step_ms: int, *, severity_min: int = 0
    ) -> list[PatternSeries]:
        """Counts of each of `patterns` per step, aligned to whole steps since 1970; only those with a record."""
        conditions = Conditions()
        where = _services(conditions, sorted({pattern.service for pattern in patterns}))
        where += f" AND severity >= {conditions.bind(severity_min, 'UInt8')}"
        found = self._counts(conditions, "log_pattern_counts", "pattern", where, start_ms, end_ms, step_ms)
        times = _times(start_ms, end_ms, step_ms)
        series = []
        for pattern in patterns:
            columns = [found[pattern.service, one] for one in pattern.ids if (pattern.service, one) in found]
            if columns:
                series.append(PatternSeries(pattern, times, np.sum(columns, axis=0)))
        return sorted(series, key=lambda one: -one.total)

    def errors(self, services: Sequence[str], seen_since_ms: int) -> list[ErrorGroup]:
        """Errors that happened since, one a service."""
        conditions = Conditions()
        where = _services(conditions, services)
        start = conditions.bind(seen_since_ms, "Int64")
        sql = _ERRORS.format(where=where, start=start, most=MOST_PATTERNS)
        rows = self._engine.rows(sql, conditions.parameters, self._read_settings)
        return [_error(*row) for row in rows]

    def error_counts(
        self, errors: Sequence[int], start_ms: int, end_ms: int, step_ms: int
    ) -> dict[tuple[str, int], NDArray[np.int64]]:
        """(service, error) -> occurrences per step; those without any are left out."""
        conditions = Conditions()
        where = f"error IN {conditions.bind(list(errors), 'Array(UInt64)')}"
        return self._counts(conditions, "log_error_counts", "error", where, start_ms, end_ms, step_ms)

    def _counts(
        self, conditions: Conditions, table: str, subject: str, where: str, start_ms: int, end_ms: int, step_ms: int
    ) -> dict[tuple[str, int], NDArray[np.int64]]:
        step = step_ms // 1000
        sql = _COUNTS.format(
            table=table,
            subject=subject,
            where=where,
            step=conditions.bind(step, "Int64"),
            start=conditions.bind(start_ms // 60_000 * 60, "Int64"),
            end=conditions.bind(end_ms // 1000, "Int64"),
        )
        first = start_ms // step_ms
        buckets = end_ms // step_ms - first + 1
        found: dict[tuple[str, int], NDArray[np.int64]] = defaultdict(lambda: np.zeros(buckets, np.int64))
        for service, identity, bucket, count in self._engine.rows(sql, conditions.parameters, self._read_settings):
            # the first minute may begin before the range
            found[service, int(identity)][max(int(bucket) - first, 0)] += count
        return dict(found)


def _error(
    identity: int, service: str, kind: str, title: str, culprit: str, frames: Sequence[str], sample: str, *span: int
) -> ErrorGroup:
    return ErrorGroup(int(identity), service, kind, title, culprit, tuple(frames), sample, int(span[0]), int(span[1]))


def _services(conditions: Conditions, services: Sequence[str]) -> str:
    return f"service IN {conditions.bind(list(services), 'Array(String)')}" if services else "1"


def _times(start_ms: int, end_ms: int, step_ms: int) -> NDArray[np.int64]:
    return np.arange(start_ms // step_ms, end_ms // step_ms + 1, dtype=np.int64) * step_ms


def families(rows: Iterable[tuple[Any, ...]]) -> list[LogPattern]:
    """Patterns of rows (service, id, field, template, sample, first ms, last ms).

    Templates that a more general one of the same service and field covers belong to it: it was learnt from them, in
    this process or in another.
    """
    leaves: dict[tuple[str, str, int], list[tuple[Tokens, list[tuple[Any, ...]]]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row[3].count(WILDCARD)):
        tokens = tuple(row[3].split(" "))
        leaf = leaves[row[0], row[2], len(tokens)]
        family = next((members for general, members in leaf if _covers(general, tokens)), None)
        if family is None:
            leaf.append((tokens, [row]))
        else:
            family.append(row)
    found = [_family(members) for leaf in leaves.values() for _, members in leaf]
    return sorted(found, key=lambda pattern: -pattern.last_ms)


def _covers(general: Tokens, tokens: Tokens) -> bool:
    return (general == tokens or len(general) > 1) and not differing(general, tokens)


def _family(members: Sequence[tuple[Any, ...]]) -> LogPattern:
    service, _, field, template, sample, _, _ = members[0]
    oldest = min(members, key=lambda row: (row[5], row[1]))
    ids = (int(oldest[1]), *(int(row[1]) for row in members if row is not oldest))
    return LogPattern(service, ids, field, template, sample, int(oldest[5]), max(int(row[6]) for row in members))
