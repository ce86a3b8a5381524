"""LogQL over a store: lines of streams, vectors and matrices."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from telemetry.logql.ast import LogSelector, Metric
from telemetry.logql.entry import Entry
from telemetry.logql.errors import EvaluationError
from telemetry.logql.evaluator import Evaluator
from telemetry.logql.extraction import entries
from telemetry.logql.grid import Grid
from telemetry.logql.parser import parse
from telemetry.logql.plan import drops_lines, plan_of
from telemetry.logql.run import Options, Run, Statistics
from telemetry.logql.source import LogSource
from telemetry.logql.values import Vector
from telemetry.model.errors import LimitExceeded
from telemetry.store.log_lines import LineQuery
from telemetry.store.query_scope import query_scope
from telemetry.store.settings import ENV_NAMES

_LEAST_PAGE = 1_000
_MOST_PAGE = 256_000


@dataclass(frozen=True, slots=True)
class LineRange:
    """Which lines are asked for: start_ns <= time < end_ns, at most `limit`."""

    start_ns: int
    end_ns: int
    limit: int = 100
    backward: bool = True
    interval_ns: int = 0
    """Least distance between two lines of one stream; 0 for all."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in the direction of the query."""

    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class QueryResult:
    value: Lines | Vector | float
    grid: Grid | None
    """Times of a vector; None for lines."""
    statistics: Statistics


class LogqlEngine:
    """Safe to use from any thread; every query is a run of its own."""

    def __init__(self, source: LogSource, options: Options) -> None:
        self._source = source
        self._options = options

    def instant(self, text: str, time_ns: int) -> QueryResult:
        """Value at one time. Raises InvalidInput, LimitExceeded, QueryTimeout, StoreUnavailable."""
        expr = parse(text)
        if isinstance(expr, LogSelector):
            raise EvaluationError(
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
        return self._metric(expr, Grid(time_ns, time_ns, 0))

    def range(self, text: str, lines: LineRange, step_ns: int) -> QueryResult:
        """Lines, or values at start, start + step, ... up to the end. Raises as `instant`."""
        expr = parse(text)
        _check_days(self._options, lines)
        if isinstance(expr, LogSelector):
            return self._lines(expr, lines)
        grid = Grid(lines.start_ns, lines.end_ns, step_ns)
        if len(grid) > self._options.max_points:
            name = ENV_NAMES["max_query_points"]
            raise LimitExceeded(
                f"exceeded maximum resolution of {self._options.max_points} points per time series ({name}). "
                "Try increasing the value of the step parameter",
                limit_name=name,
            )
        return self._metric(expr, grid)

    def _metric(self, expr: Metric, grid: Grid) -> QueryResult:
        run = Run(self._source, self._options)
        with query_scope(run.deadline, self._options.cancellation):
            value = Evaluator(run, grid).value(expr)
        return _finished(run, value, grid)

    def _lines(self, selector: LogSelector, lines: LineRange) -> QueryResult:
        most = self._options.max_entries
        if lines.limit > most:
            name = ENV_NAMES["max_query_log_entries"]
            problem = (
                f"max entries limit per query exceeded, limit > max_entries_limit ({lines.limit} > {most}) ({name})"
            )
            raise LimitExceeded(problem, limit_name=name)
        run = Run(self._source, self._options)
        with query_scope(run.deadline, self._options.cancellation):
            found = list(_taken(_all_entries(run, selector, lines), lines))
        run.statistics.entries = len(found)
        return _finished(run, Lines(found), None)


def _finished(run: Run, value: Lines | Vector | float, grid: Grid | None) -> QueryResult:
    run.statistics.seconds = time.monotonic() - run.started
    return QueryResult(value, grid, run.statistics)


def _check_days(options: Options, lines: LineRange) -> None:
    days = (lines.end_ns - lines.start_ns) / 86_400e9
    if days > options.max_days:
        name = ENV_NAMES["max_query_log_days"]
        problem = f"the query time range exceeds the limit (query length: {days:.1f} days, limit: {options.max_days})"
        raise LimitExceeded(f"{problem} ({name})", limit_name=name)


def _taken(found: Iterator[Entry], lines: LineRange) -> Iterator[Entry]:
    """At most `limit` entries, those of one stream at least an interval apart."""
    last: dict[tuple[tuple[str, str], ...], int] = {}
    number = 0
    for entry in found:
        if number >= lines.limit:
            return
        if lines.interval_ns:
            labels = entry.label_set()
            if labels in last and abs(entry.time_ns - last[labels]) < lines.interval_ns:
                continue
            last[labels] = entry.time_ns
        number += 1
        yield entry


def _all_entries(run: Run, selector: LogSelector, lines: LineRange) -> Iterator[Entry]:
    """Entries of the range in the direction of the query, read page by page."""
    streams = run.select(selector.matchers, lines.start_ns, lines.end_ns)
    plan = plan_of(selector, streams, pushdown=run.options.pushdown)
    exact = not drops_lines(plan.stages) and not lines.interval_ns
    size = max(1, lines.limit) if exact else max(_LEAST_PAGE, lines.limit)
    query = LineQuery(
        streams,
        lines.start_ns - 1,
        lines.end_ns - 1,
        plan.lines,
        plan.fields,
        limit=size,
        backward=lines.backward,
    )
    while query.until_ns > query.after_ns:
        page = run.source.read_log_lines(query)
        rest = None if exact else _rest(query, page)
        yield from entries(run, streams, page if rest is None else _before(page, rest), plan.stages)
        if rest is None:
            return
        query = rest


def _rest(query: LineQuery, page: pa.Table) -> LineQuery | None:
    """The query for what comes after the page; lines of its last time are read again, with those cut off."""
    if query.limit is None or page.num_rows < query.limit:
        return None
    last = page["time"][-1].as_py()
    if page["time"][0].as_py() == last:  # more lines at one time than a page holds
        return replace(query, limit=query.limit * 4)
    size = min(_MOST_PAGE, query.limit * 2)
    if query.backward:
        return replace(query, until_ns=last, limit=size)
    return replace(query, after_ns=last - 1, limit=size)


def _before(page: pa.Table, rest: LineQuery) -> pa.Table:
    """The lines of the page that the rest does not hold."""
    times = page["time"].to_numpy()
    kept = times > rest.until_ns if rest.backward else times <= rest.after_ns
    return page.slice(0, int(np.count_nonzero(kept)))
