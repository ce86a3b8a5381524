"""Evaluation of metric queries over a grid of times, all times at once."""

from dataclasses import replace
from math import gcd
from typing import Final

import numpy as np

from telemetry.logql import aggregations, matching
from telemetry.logql.ast import (
    SET_OPERATORS,
    Binary,
    Grouping,
    LabelReplace,
    Literal,
    LogRange,
    Metric,
    RangeAggregation,
    VectorAggregation,
    VectorLiteral,
)
from telemetry.logql.entry import Entry
from telemetry.logql.errors import EvaluationError
from telemetry.logql.extraction import (
    bytes_of_line,
    collect,
    entries,
    metadata_labels,
    one_a_line,
    stream_labels,
    unwrapped,
)
from telemetry.logql.grid import Grid
from telemetry.logql.plan import Plan, needs_metadata, plan_of, without_idle_parsers
from telemetry.logql.run import Run
from telemetry.logql.samples import Collector, Labelling, Samples
from telemetry.logql.templates.functions import expand
from telemetry.logql.values import Indices, Vector, relabelled
from telemetry.logql.windows import apply_windows
from telemetry.model.labels import Labels, MatchOp, compile_anchored, label_value
from telemetry.model.labelsets import with_labels
from telemetry.store.log_counts import CountQuery
from telemetry.store.log_lines import LineQuery, StreamSet

_COUNTED: Final = {
    "count_over_time": "sum_over_time", "rate": "rate", "bytes_over_time": "sum_over_time", "bytes_rate": "rate",
}  # fmt: skip
"""Aggregation of lines -> the same over amounts that the engine counted."""
_ADDITIVE: Final = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time"})
Value = Vector | float


class Evaluator:
    """Recurses once a level of nesting, which the parser has limited. Raises EvaluationError and limits."""

    def __init__(self, run: Run, grid: Grid) -> None:
        self._run = run
        self._grid = grid

    def value(self, expr: Metric) -> Value:
        """A vector, or a number for a literal."""
        self._run.check_time()
        match expr:
            case Literal():
                return expr.value
            case VectorLiteral():
                return self._constant(expr.value)
            case RangeAggregation():
                return self._range(expr, None)
            case VectorAggregation():
                return self._aggregate(expr)
            case LabelReplace():
                return self._label_replace(expr)
            case Binary():
                return self._binary(expr)

    def vector(self, expr: Metric) -> Vector:
        value = self.value(expr)
        return self._constant(value) if isinstance(value, float) else value

    def _constant(self, value: float) -> Vector:
        shape = (1, len(self._grid))
        return Vector([()], np.full(shape, value), np.ones(shape, np.bool_))

    def _aggregate(self, expr: VectorAggregation) -> Vector:
        inner = expr.expr
        if expr.op == "sum" and isinstance(inner, RangeAggregation) and inner.op in _ADDITIVE and not inner.grouping:
            operand = self._range(inner, expr.grouping or Grouping((), without=False))
        else:
            operand = self.vector(inner)
        if expr.op == "approx_topk" and not self._grid.is_instant and len(operand):
            raise EvaluationError("approx_topk: count min sketches are only supported on instant queries")
        return aggregations.aggregate(expr, operand)

    def _binary(self, expr: Binary) -> Value:
        lhs, rhs = self.value(expr.lhs), self.value(expr.rhs)
        if isinstance(lhs, float) and isinstance(rhs, float):
            raise TypeError("operators between literals are done by the parser")
        if isinstance(lhs, float):
            return matching.with_number(
                expr, self.vector(expr.rhs) if isinstance(rhs, float) else rhs, lhs, number_is_left=True
            )
        if isinstance(rhs, float):
            return matching.with_number(expr, lhs, rhs, number_is_left=False)
        if expr.op in SET_OPERATORS:
            return matching.combine_sets(expr, lhs, rhs)
        return matching.match_vectors(expr, lhs, rhs)

    def _label_replace(self, expr: LabelReplace) -> Vector:
        compiled = compile_anchored(expr.pattern)

        def change(labels: Labels) -> Labels:
            found = compiled.match(label_value(labels, expr.source))
            if found is None:
                return labels
            return with_labels(labels, [(expr.target, expand(expr.replacement, found))])

        return relabelled(self.vector(expr.expr), change)

    # -- range aggregations

    def _range(self, expr: RangeAggregation, outer: Grouping | None) -> Vector:
        """`outer` is how the sum around this aggregation groups, if there is one."""
        span = expr.range
        grouping = expr.grouping if expr.grouping is not None else outer
        ends = self._grid.times_ns() - span.offset_ns
        after, until = int(ends[0]) - span.range_ns, int(ends[-1])
        selector = span.selector if span.unwrap else without_idle_parsers(span.selector, outer)
        streams = self._run.select(selector.matchers, after, until)
        plan = plan_of(selector, streams, pushdown=self._run.options.pushdown)
        if expr.op == "absent_over_time":
            return self._absent(expr, streams, plan, ends)
        if expr.op in _COUNTED and span.unwrap is None and self._is_counted(plan, streams, grouping):
            samples = self._counted(expr, streams, plan, (after, until), grouping)
            return apply_windows(_COUNTED[expr.op], samples, ends, span.range_ns, None)
        samples = self._collected(expr.op, span, streams, plan, (after, until), grouping)
        op = "sum_over_time" if expr.op == "bytes_over_time" else expr.op
        return apply_windows(op, samples, ends, span.range_ns, expr.parameter)

    def _is_counted(self, plan: Plan, streams: StreamSet, grouping: Grouping | None) -> bool:
        """Whether the engine can count what passes: labels of the line must not show in the result."""
        if not self._run.options.pushdown:
            return False
        return not plan.stages or (plan.fields_decide and not needs_metadata(streams, grouping))

    def _counted(
        self,
        expr: RangeAggregation,
        streams: StreamSet,
        plan: Plan,
        between: tuple[int, int],
        grouping: Grouping | None,
    ) -> Samples:
        """Amounts by bucket, counted by the engine; each stands at the end of its bucket."""
        after, until = between
        width = expr.range.range_ns if self._grid.is_instant else gcd(expr.range.range_ns, self._grid.step_ns)
        with_metadata = needs_metadata(streams, grouping)
        lines = LineQuery(streams, after, until, plan.lines, plan.fields, with_metadata=with_metadata)
        found = self._run.source.count_log_lines(CountQuery(lines, width, in_bytes=expr.op.startswith("bytes")))
        labelling = Labelling(grouping, None)
        bases = dict(zip(streams.ids, streams.labels, strict=True))
        known: dict[tuple[int, str], Labels] = {}
        collector = Collector()
        columns = (found[name].to_pylist() for name in ("stream", "metadata", "bucket", "amount", "unsure"))
        unsure = 0
        for stream, metadata, bucket, amount, of_bucket in zip(*columns, strict=True):
            unsure += of_bucket
            if not amount and plan.fields:
                continue
            key = (stream, metadata)
            if key not in known:
                entry = Entry(0, "", stream_labels(bases[stream]), metadata_labels(metadata) if metadata else {})
                known[key] = labelling(entry.label_set())
            collector.add(known[key], after + bucket * width, float(amount))
            self._run.check_series(len(collector))
        if unsure:
            table = self._run.source.read_log_lines(replace(lines, only_unsure=True, with_metadata=True))
            passed = entries(self._run, streams, table, plan.stages)
            extract = bytes_of_line if expr.op.startswith("bytes") else one_a_line
            collect(self._run, passed, collector, labelling, extract)
        return collector.samples()

    def _collected(
        self,
        op: str,
        span: LogRange,
        streams: StreamSet,
        plan: Plan,
        between: tuple[int, int],
        grouping: Grouping | None,
    ) -> Samples:
        """Samples of the lines that pass the stages here."""
        query = LineQuery(streams, between[0], between[1], plan.lines, plan.fields)
        table = self._run.source.read_log_lines(query)
        collector = Collector()
        if span.unwrap is not None:
            extract, label = unwrapped(span.unwrap), span.unwrap.label
            labelling = Labelling(grouping, label)
        else:
            extract = bytes_of_line if op.startswith("bytes") else one_a_line
            labelling = Labelling(grouping, None)
        collect(self._run, entries(self._run, streams, table, plan.stages), collector, labelling, extract)
        return collector.samples()

    def _absent(self, expr: RangeAggregation, streams: StreamSet, plan: Plan, ends: Indices) -> Vector:
        """1 with the labels that the selector asks for by equality, where no window has a sample."""
        span = expr.range
        between = (int(ends[0]) - span.range_ns, int(ends[-1]))
        samples = self._collected("count_over_time", span, streams, plan, between, Grouping((), without=False))
        present = apply_windows("count_over_time", samples, ends, span.range_ns, None)
        missing = np.logical_not(np.logical_or.reduce(present.present, axis=0))[np.newaxis, :]
        return Vector([_equal_labels(span)], np.ones(missing.shape), missing).compact()


def _equal_labels(span: LogRange) -> Labels:
    """Labels that are asked for by one equality and by nothing else."""
    matchers = span.selector.matchers
    names = [matcher.name for matcher in matchers]
    return tuple(
        sorted(
            (one.name, one.value)
            for one in matchers
            if one.op is MatchOp.EQUAL and one.value and names.count(one.name) == 1
        )
    )
