"""Queries from text to result: the entry to PromQL for APIs, pages and policies."""

import time
from dataclasses import replace
from typing import Final

import numpy as np

from telemetry.model.errors import InvalidInput
from telemetry.model.histograms import RawHistograms
from telemetry.model.labelsets import drop_metadata
from telemetry.model.samples import Frame, RawColumns
from telemetry.model.time import TimeGrid
from telemetry.promql.annotations import Annotations
from telemetry.promql.ast import Expr, ValueType
from telemetry.promql.evaluator import Evaluator
from telemetry.promql.invariance import invariant_nodes
from telemetry.promql.parser import parse
from telemetry.promql.result import QueryResult, Samples, ScalarResult
from telemetry.promql.result_cache import ResultCache
from telemetry.promql.reuse import look_ahead_ms
from telemetry.promql.run import Options, Run, limit_exceeded
from telemetry.promql.source import SampleSource
from telemetry.promql.typecheck import value_type
from telemetry.promql.values import Indices, Mask, RangeVector, Scalar, Text, Value, Vector, merge_rows
from telemetry.store.query_scope import query_scope

__all__ = ["Engine", "QueryResult", "Samples", "ScalarResult"]

_DAY_MS: Final = 86_400_000


class Engine:
    """PromQL over one source of samples. Safe to use from several threads."""

    def __init__(
        self, source: SampleSource, options: Options | None = None, *, cache: ResultCache | None = None
    ) -> None:
        """`cache` keeps answers to range queries; it has to listen to the commits of the source."""
        self._source = source
        self._options = options or Options()
        self._cache = cache

    def instant(self, text: str, time_ms: int, options: Options | None = None) -> QueryResult:
        """Value of a query at one time.

        Raises ParseError, EvaluationError, LimitExceeded, QueryTimeout and what the source raises.
        """
        return self._query(text, TimeGrid(time_ms, time_ms, 1), options or self._options, step_ms=0)

    def range(self, text: str, grid: TimeGrid, options: Options | None = None) -> QueryResult:
        """Values of a query at the times of a grid, series by labels. Raises as `instant`; InvalidInput for a query
        that is neither scalar nor instant vector."""
        options = options or self._options
        if len(grid) - 1 > options.max_points:  # Prometheus counts steps, not points
            sentence = "exceeded maximum resolution of {} points per timeseries, use a larger step"
            raise limit_exceeded("max_query_points", options.max_points, sentence)
        if options.max_days and grid.end_ms - grid.start_ms > options.max_days * _DAY_MS:
            days = (grid.end_ms - grid.start_ms) / _DAY_MS
            sentence = f"the query spans {days:.1f} days, over the limit of {{}}"
            raise limit_exceeded("max_query_days", options.max_days, sentence)
        kind = value_type(parse(text))
        if kind not in (ValueType.SCALAR, ValueType.VECTOR):
            raise InvalidInput(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
        ahead = look_ahead_ms(parse(text), grid.step_ms) if self._cache and options.keep_results else None
        if self._cache is None or ahead is None:
            return self._range(text, grid, options)
        started = time.monotonic()
        result = self._cache.answer(text, grid, options, ahead, lambda part: self._range(text, part, options))
        result.statistics.seconds = time.monotonic() - started
        return result

    def _range(self, text: str, grid: TimeGrid, options: Options) -> QueryResult:
        result = self._query(text, grid, options, step_ms=grid.step_ms)
        if isinstance(result.value, Frame):
            return replace(result, value=_by_labels(result.value))
        return result

    def _query(self, text: str, grid: TimeGrid, options: Options, *, step_ms: int) -> QueryResult:
        started = time.monotonic()
        expr = parse(text)
        run = Run(
            source=self._source,
            options=options,
            text=text,
            start_ms=grid.start_ms,
            end_ms=grid.end_ms,
            step_ms=step_ms,
            deadline=started + options.timeout_seconds,
            notes=Annotations(text),
            invariant=invariant_nodes(expr),
        )
        with query_scope(run.deadline, options.cancellation):
            value = _evaluate(run, expr, grid)
        run.statistics.seconds = time.monotonic() - started
        return QueryResult(value, run.notes.warnings, run.notes.infos, run.statistics)


def _evaluate(run: Run, expr: Expr, grid: TimeGrid) -> Frame | Samples | ScalarResult | str:
    with np.errstate(all="ignore"):
        return _result(Evaluator(run).evaluate(expr, grid), grid)


def _result(value: Value, grid: TimeGrid) -> Frame | Samples | ScalarResult | str:
    match value:
        case Text():
            return value.value
        case Scalar():
            return ScalarResult(grid.times_ms(), value.values)
        case RangeVector():
            return _samples(value)
        case Vector():
            named = _without_marked_names(value).compact()
            return Frame(list(named.labels), grid.times_ms(), named.values, named.present, named.histograms)


def _without_marked_names(value: Vector) -> Vector:
    if not value.unnamed.any():
        return value
    labels = [
        drop_metadata(labels) if unnamed else labels
        for labels, unnamed in zip(value.labels, value.unnamed.tolist(), strict=True)
    ]
    return merge_rows(replace(value, labels=labels))


def _samples(value: RangeVector) -> Samples:
    """The samples in the one window of each series that has any."""
    end = int(value.ends_ms[0])
    columns, histograms = value.columns, value.histograms
    inside, counts = _inside(columns, end - value.range_ms, end)
    total = counts
    if histograms is not None:
        native, native_counts = _inside(histograms, end - value.range_ms, end)
        total = counts + native_counts
        histograms = RawHistograms(
            _offsets(native_counts[total > 0]), histograms.timestamps_ms[native], histograms.values[native]
        )
    labels = [labels for labels, count in zip(value.labels, total.tolist(), strict=True) if count]
    kept = RawColumns(_offsets(counts[total > 0]), columns.timestamps_ms[inside], columns.values[inside])
    return Samples(labels, kept, histograms)


def _inside(columns: RawColumns | RawHistograms, start: int, end: int) -> tuple[Mask, Indices]:
    """(which samples have start < t <= end, how many of each series)."""
    inside = (columns.timestamps_ms > start) & (columns.timestamps_ms <= end)
    kept_before = np.concatenate([[0], np.cumsum(inside)])
    return inside, np.diff(kept_before[columns.offsets])


def _offsets(counts: Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)])


def _by_labels(frame: Frame) -> Frame:
    order = sorted(range(len(frame.labels)), key=frame.labels.__getitem__)
    labels = [frame.labels[row] for row in order]
    cells = None if frame.histograms is None else frame.histograms[order]
    return Frame(labels, frame.times_ms, frame.values[order], frame.present[order], cells)
