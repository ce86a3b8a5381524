"""Aggregations that make one series of each group."""

from collections.abc import Callable
from typing import Final

import numpy as np

from telemetry.model.labels import Labels
from telemetry.model.labelsets import grouping_key, number_groups, with_labels
from telemetry.promql.ast import Aggregate
from telemetry.promql.errors import EvaluationError
from telemetry.promql.groups import Groups
from telemetry.promql.histogram_text import text_of
from telemetry.promql.kernels.ordered import quantile_of
from telemetry.promql.label_names import is_label_name
from telemetry.promql.sums import mean_by_group, sum_by_group
from telemetry.promql.values import Floats, Indices, Mask, Vector, vector
from telemetry.syntax.numbers import format_float
from telemetry.syntax.quoting import quote


def _extreme(groups: Groups, choose: np.ufunc) -> Floats:
    values = groups.sorted_values(np.nan)
    result: Floats = choose.reduceat(values, groups.starts, axis=0) if len(values) else np.zeros(groups.shape)
    return result


def _stdvar(groups: Groups) -> Floats:
    size = groups.shape[0] * groups.shape[1]
    count, mean, spread = np.zeros(size), np.zeros(size), np.zeros(size)
    for columns, value in groups.samples():
        count[columns] += 1.0
        delta = value - mean[columns]
        mean[columns] += delta / count[columns]
        spread[columns] += delta * (value - mean[columns])
    variance: Floats = (spread / np.maximum(count, 1.0)).reshape(groups.shape)
    return variance


_AGGREGATIONS: Final[dict[str, Callable[[Groups], Floats]]] = {
    "avg": mean_by_group,
    "count": lambda groups: groups.counts().astype(np.float64),
    "group": lambda groups: np.ones(groups.shape),
    "max": lambda groups: _extreme(groups, np.fmax),
    "min": lambda groups: _extreme(groups, np.fmin),
    "stddev": lambda groups: np.sqrt(_stdvar(groups)),
    "stdvar": _stdvar,
    "sum": sum_by_group,
}


def aggregate(node: Aggregate, operand: Vector) -> Vector:
    """sum, avg, count, min, max, group, stddev, stdvar."""
    groups = Groups.of(node, operand)
    return groups.vector(values_of(node, groups), groups.counts() > 0)


def values_of(node: Aggregate, groups: Groups) -> Floats:
    """float64[G, T]: anything where a group has no sample."""
    return _AGGREGATIONS[node.op](groups)


def quantile(node: Aggregate, operand: Vector, parameter: Floats) -> Vector:
    """Quantile of each group at each time; `parameter` has one value a time."""
    groups = Groups.of(node, operand)
    values = np.full(groups.shape, np.nan)
    for size in np.unique(groups.sizes).tolist():
        chosen = np.flatnonzero(groups.sizes == size)
        rows = groups.order[groups.starts[chosen][:, None] + np.arange(size)]
        values[chosen] = _quantiles(operand, rows, parameter)
    return groups.vector(values, groups.counts() > 0)


def _quantiles(operand: Vector, rows: Indices, parameter: Floats) -> Floats:
    """float64[groups, T] for groups of one size; `rows` is int64[groups, size]."""
    groups, size = rows.shape
    times = len(parameter)
    present = operand.present[rows].transpose(0, 2, 1).reshape(-1, size)
    values = np.where(present, operand.values[rows].transpose(0, 2, 1).reshape(-1, size), np.nan)
    counts = present.sum(axis=1)
    if (counts < size).any():
        values = np.take_along_axis(values, np.argsort(~present, axis=1, kind="stable"), axis=1)
    found = quantile_of(values, np.maximum(counts, 1), np.tile(parameter, groups))
    return found.reshape(groups, times)


def count_values(node: Aggregate, operand: Vector, label: str, count_points: Callable[[int], None]) -> Vector:
    """How many series of each group have each value, which becomes a label.

    `count_points` is told how many points will be made, before they are. Raises EvaluationError.
    """
    if not is_label_name(label):
        raise EvaluationError(f"invalid label name {quote(label)}")
    base = grouping_key([name for name in node.grouping if name != label], without=node.without)
    shown = not (node.without and label in node.grouping)
    index, bases = number_groups(with_labels(base(labels), [(label, "")]) for labels in operand.labels)
    labels: list[Labels] = []
    rows: list[Floats] = []
    for group, base_labels in enumerate(bases):
        members = np.flatnonzero(index == group)
        texts, counts = _count_each(operand.take(members), count_points)
        labels.extend(with_labels(base_labels, [(label, text)] if shown else []) for text in texts)
        rows.extend(counts)
    return _sum_equal(labels, rows, operand.present.shape[1])


def _count_each(members: Vector, count_points: Callable[[int], None]) -> tuple[list[str], list[Floats]]:
    """Distinct values as text, and how often each occurs at each time."""
    native = members.is_histogram
    floats = members.present & ~native
    distinct, which = np.unique(members.values[floats], return_inverse=True)
    texts = [format_float(value) for value in distinct.tolist()]
    counts = _counted(which, floats, len(distinct), count_points)
    if members.histograms is not None and native.any():
        shown, which = np.unique([text_of(one) for one in members.histograms[native]], return_inverse=True)
        texts.extend(shown.tolist())
        counts.extend(_counted(which, native, len(shown), count_points))
    return texts, counts


def _counted(which: Indices, present: Mask, number: int, count_points: Callable[[int], None]) -> list[Floats]:
    """How often each of `number` distinct values is at each time; `which` has one for every present sample."""
    times = present.shape[1]
    count_points(number * times)
    at = np.nonzero(present)[1]
    counts = np.bincount(which * times + at, minlength=number * times).reshape(-1, times)
    return list(counts.astype(np.float64))


def _sum_equal(labels: list[Labels], rows: list[Floats], times: int) -> Vector:
    """One row a label set; rows of equal labels are added."""
    index, distinct = number_groups(labels)
    values = np.zeros((len(distinct), times))
    for group, row in zip(index.tolist(), rows, strict=True):
        values[group] += row
    return vector(distinct, values, values > 0)
