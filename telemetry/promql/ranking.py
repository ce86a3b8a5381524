"""topk, bottomk, limitk and limit_ratio: aggregations that keep some series of each group as they are."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from telemetry.model.labels import Labels
from telemetry.promql.ast import Aggregate
from telemetry.promql.errors import EvaluationError
from telemetry.promql.groups import Groups
from telemetry.promql.label_hash import label_hash
from telemetry.promql.values import Floats, Indices, Mask, Vector
from telemetry.syntax.numbers import format_general


def extreme(node: Aggregate, operand: Vector, parameter: Floats) -> Vector:
    """topk or bottomk; `parameter` (how many) has one value a time."""
    limits = how_many(operand, parameter)
    keys = _ranking_keys(operand, largest=node.op == "topk")
    groups = Groups.of(node, operand)
    chosen = np.zeros(operand.present.shape, dtype=np.bool_)
    for rows in _members(groups):
        chosen[rows] = _lowest(keys[rows], operand.present[rows], limits)
    kept = replace(operand, present=chosen, ordered=False)
    return _in_order(kept, keys, groups) if operand.present.shape[1] == 1 else kept.compact()


def first(node: Aggregate, operand: Vector, parameter: Floats) -> Vector:
    """limitk: the first series of each group at each time."""
    limits = how_many(operand, parameter)
    groups = Groups.of(node, operand)
    chosen = np.zeros(operand.present.shape, dtype=np.bool_)
    for rows in _members(groups):
        present = operand.present[rows]
        chosen[rows] = present & (np.cumsum(present, axis=0) <= limits)
    return replace(operand, present=chosen, ordered=False).compact()


def share(operand: Vector, ratio: Floats) -> Vector:
    """limit_ratio: the series whose hash falls into the first `ratio` of all hashes; the last ones if negative.

    What a positive ratio r keeps and what r - 1 keeps are the two parts of the whole. Raises EvaluationError for NaN.
    """
    if np.isnan(ratio[np.any(operand.present, axis=0)]).any():
        raise EvaluationError("Ratio value NaN is NaN")
    place = np.array([_place(labels) for labels in operand.labels]).reshape(-1, 1)
    ratio = np.clip(ratio, -1.0, 1.0)
    chosen = np.where(ratio >= 0, place < ratio, place >= 1.0 + ratio)
    return replace(operand, present=operand.present & chosen, ordered=False).compact()


def _place(labels: Labels) -> float:
    """Hash of a label set between 0 and 1, the same for all time."""
    return label_hash(labels) / (2**64 - 1)


def how_many(operand: Vector, parameter: Floats) -> Indices:
    """Parameter of topk and the like as int64[T], fractions cut off.

    Raises EvaluationError for what is no integer at a time when there is something to choose from.
    """
    bad = parameter[np.any(operand.present, axis=0) & ~(parameter < 2.0**63)]
    if len(bad):
        raise EvaluationError(f"Scalar value {format_general(bad[0])} overflows int64")
    return np.where(parameter < 2.0**63, np.maximum(parameter, 0.0), 0.0).astype(np.int64)


def _members(groups: Groups) -> Iterator[Indices]:
    for start, size in zip(groups.starts.tolist(), groups.sizes.tolist(), strict=True):
        yield groups.order[start : start + size]


def _ranking_keys(operand: Vector, *, largest: bool) -> Floats:
    """float64[N, T]: the best sample has the lowest key, NaN comes after everything."""
    return -operand.values if largest else operand.values


def _lowest(keys: Floats, present: Mask, limits: Indices) -> Mask:
    """Which rows are among the `limits` lowest keys at each time; ties as the heap of Prometheus leaves them."""
    members = len(keys)
    limits = np.clip(limits, 0, members)
    order = _ascending(keys, present)
    position = np.empty_like(order)
    np.put_along_axis(position, order, np.arange(members)[:, None], axis=0)
    chosen = present & (position < limits)
    for time in _tied(keys, present, order, limits).tolist():
        chosen[:, time] = arrived(keys[:, time], present[:, time], int(limits[time]))
    return chosen


def _ascending(keys: Floats, present: Mask) -> Indices:
    """Rows by key at each time: numbers, then NaN, then what is absent; equal keys in their order."""
    absent = ~present
    keys = np.where(absent, np.nan, keys)
    with_nan = bool((np.isnan(keys) & present).any())
    order = np.lexsort((keys, absent), axis=0) if with_nan else np.argsort(keys, axis=0, kind="stable")
    return np.asarray(order, dtype=np.int64)


def _tied(keys: Floats, present: Mask, order: Indices, limits: Indices) -> Indices:
    """Times at which equal keys stand on both sides of the limit, below better ones: there arrival counts."""
    inner: Indices = np.flatnonzero((limits > 0) & (limits < len(keys)))
    rows_in, rows_out, best = order[limits[inner] - 1, inner], order[limits[inner], inner], order[0, inner]
    last, following, lowest = keys[rows_in, inner], keys[rows_out, inner], keys[best, inner]
    equal = (last == following) | (np.isnan(last) & np.isnan(following))
    uneven = (lowest != last) & ~(np.isnan(lowest) & np.isnan(last))
    counts: Indices = inner[equal & uneven & present[rows_out, inner]]
    return counts


def arrived(keys: Floats, present: Mask, limit: int) -> Mask:
    """Rows that stay in a heap of `limit` when all come in turn and each replaces the worst if it beats it."""
    heap: list[tuple[float, int]] = []
    for row in np.flatnonzero(present).tolist():
        entry = (float(keys[row]), row)
        if len(heap) < limit:
            heap.append(entry)
            _sift_up(heap)
        elif _is_worse(heap[0][0], entry[0]) and not (np.isnan(entry[0])):
            heap[0] = entry
            _sift_down(heap)
    chosen = np.zeros(len(keys), dtype=np.bool_)
    chosen[[row for _, row in heap]] = True
    return chosen


def _is_worse(key: float, other: float) -> bool:
    return key > other or key != key


def _sift_up(heap: list[tuple[float, int]]) -> None:
    child = len(heap) - 1
    while child:
        parent = (child - 1) // 2
        if not _is_worse(heap[child][0], heap[parent][0]):
            return
        heap[child], heap[parent] = heap[parent], heap[child]
        child = parent


def _sift_down(heap: list[tuple[float, int]]) -> None:
    parent = 0
    while (child := 2 * parent + 1) < len(heap):
        if child + 1 < len(heap) and _is_worse(heap[child + 1][0], heap[child][0]):
            child += 1
        if not _is_worse(heap[child][0], heap[parent][0]):
            return
        heap[child], heap[parent] = heap[parent], heap[child]
        parent = child


def _in_order(kept: Vector, keys: Floats, groups: Groups) -> Vector:
    """An instant result: by group, best first."""
    order = np.lexsort((keys[:, 0], groups.index))
    rows = order[kept.present[order, 0]]
    return replace(kept.take(rows), ordered=True)
