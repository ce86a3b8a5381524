"""Aggregations over the series of a vector, at all times at once."""

from typing import Final

import numpy as np

from telemetry.logql.ast import Grouping, VectorAggregation
from telemetry.logql.values import Floats, Indices, Mask, Vector
from telemetry.model.labelsets import grouping_key, number_groups

_ALL: Final = Grouping((), without=False)


def aggregate(node: VectorAggregation, operand: Vector) -> Vector:
    """Value of the aggregation of `operand`."""
    if node.op in ("sort", "sort_desc"):
        return _sorted(operand, descending=node.op == "sort_desc")
    grouping = node.grouping or _ALL
    key = grouping_key(grouping.labels, without=grouping.without)
    groups, labels = number_groups(key(one) for one in operand.labels)
    if node.op in ("topk", "bottomk", "approx_topk"):
        return _ranked(operand, groups, node.parameter or 0, largest=node.op != "bottomk")
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(len(labels)))
    if not len(labels):
        return Vector([], np.zeros((0, operand.values.shape[1])), np.zeros((0, operand.values.shape[1]), np.bool_))
    sorted_rows = operand.take(order)
    with np.errstate(all="ignore"):
        values, counts = _reduced(node.op, sorted_rows, starts)
    return Vector(labels, values, counts > 0)


def _reduced(op: str, rows: Vector, starts: Indices) -> tuple[Floats, Indices]:
    counts: Indices = np.add.reduceat(rows.present, starts, axis=0, dtype=np.int64)
    match op:
        case "count":
            return counts.astype(np.float64), counts
        case "min":
            return np.fmin.reduceat(np.where(rows.present, rows.values, np.nan), starts, axis=0), counts
        case "max":
            return np.fmax.reduceat(np.where(rows.present, rows.values, np.nan), starts, axis=0), counts
    sums = np.add.reduceat(np.where(rows.present, rows.values, 0.0), starts, axis=0)
    if op == "sum":
        return sums, counts
    means = sums / np.maximum(counts, 1)
    if op == "avg":
        return means, counts
    group = np.searchsorted(starts, np.arange(len(rows)), side="right") - 1
    deviations = np.where(rows.present, rows.values - means[group], 0.0)
    variance = np.add.reduceat(deviations * deviations, starts, axis=0) / np.maximum(counts, 1)
    return (np.sqrt(variance) if op == "stddev" else variance), counts


def _sorted(operand: Vector, *, descending: bool) -> Vector:
    """Series by value at the only time, NaN last; unchanged over several times, where series have no order."""
    if operand.values.shape[1] != 1:
        return operand
    rows = operand.compact()
    order = np.argsort(-rows.values[:, 0] if descending else rows.values[:, 0], kind="stable")
    ranked = rows.take(order)
    return Vector(ranked.labels, ranked.values, ranked.present, ordered=True)


def _ranked(operand: Vector, groups: Indices, number: int, *, largest: bool) -> Vector:
    """The `number` largest (or smallest) series of each group, chosen anew at every time; NaN comes last."""
    kept: Mask = np.zeros(operand.present.shape, dtype=np.bool_)
    for time in range(operand.present.shape[1]):
        rows = np.flatnonzero(operand.present[:, time])
        values = operand.values[rows, time]
        keys = np.where(np.isnan(values), np.inf, -values if largest else values)
        order = rows[np.lexsort((np.isnan(values), keys, groups[rows]))]
        rank = np.arange(len(order)) - np.searchsorted(groups[order], groups[order], side="left")
        kept[order[rank < number], time] = True
    return Vector(operand.labels, operand.values, kept).compact()
