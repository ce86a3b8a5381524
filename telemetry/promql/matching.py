"""Operators between two vectors: series find their partner by labels, at every time anew.

Labels do not change over time, so pairs of series are found once for the whole grid; what depends on time is only
which of several possible partners has a sample.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from telemetry.model.labels import Labels, label_value
from telemetry.model.labelsets import (
    drop_metadata,
    format_labels,
    keep,
    matching_key,
    number_groups,
    remove,
    with_labels,
)
from telemetry.promql import histogram_operators
from telemetry.promql.ast import COMPARISONS, Binary, Cardinality, VectorMatching
from telemetry.promql.elementwise import ARITHMETIC, COMPARE
from telemetry.promql.errors import EvaluationError
from telemetry.promql.histogram_operators import Operands
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, Indices, Mask, Vector, merge_rows


@dataclass(frozen=True, slots=True)
class _Pairs:
    """P pairs of a row of the many side with a row of the one side that has the same signature."""

    many: Indices
    one: Indices
    signature: Indices
    """int64[P]: which signature the two share."""


def match_vectors(run: Run, node: Binary, lhs: Vector, rhs: Vector) -> Vector:
    """`lhs op rhs` of two vectors. Raises EvaluationError where a match is not unique."""
    swapped = node.matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (rhs, lhs) if swapped else (lhs, rhs)
    key = matching_key(node.matching.labels, on=node.matching.on)
    groups, signatures = number_groups(key(labels) for side in (many, one) for labels in side.labels)
    many_groups, one_groups = groups[: len(many)], groups[len(many) :]
    _refuse_duplicates(node, many, one, one_groups, signatures)
    matchable = replace(one, present=one.present & np.any(many.present, axis=0))
    one, one_groups = _join_partners(node.matching, matchable, one_groups)
    partners = np.bincount(one_groups, minlength=len(signatures))
    run.count_points(int(partners[many_groups].sum()) * many.present.shape[1])
    pairs = _pair(many_groups, one_groups, len(signatures))
    return _combine(run, node, many, one, pairs, swapped=swapped)


def _combine(run: Run, node: Binary, many: Vector, one: Vector, pairs: _Pairs, *, swapped: bool) -> Vector:
    present = many.present[pairs.many] & one.present[pairs.one]
    operands = _operands(many, one, pairs, swapped=swapped)
    values, holds = _evaluate(node, operands.left, operands.right)
    cells = None
    if not operands.are_floats:
        cells, native_holds, native = histogram_operators.apply(run, node, operands, present)
        if node.returns_bool:  # the histograms that hold become 1, those that do not 0, and nothing else is kept
            values = np.where(native, native_holds, values)
            cells, native_holds = None, histogram_operators.comparable(node, operands, native)
        holds = np.where(native, native_holds, holds)
    present &= holds
    labels = [
        result_labels(run, node, many.labels[a], one.labels[b])
        for a, b in zip(pairs.many.tolist(), pairs.one.tolist(), strict=True)
    ]
    _refuse_ambiguity(node, labels, pairs, present)
    drops = _drops_name(node)
    unnamed = np.full(len(labels), drops) if run.options.delayed_name_removal else np.zeros(len(labels), np.bool_)
    return merge_rows(Vector(labels, values, present, unnamed, histograms=cells).compact())


def _operands(many: Vector, one: Vector, pairs: _Pairs, *, swapped: bool) -> Operands:
    """Samples of both sides, pair by pair."""
    sides = [
        (side.values[rows], None if side.histograms is None else side.histograms[rows])
        for side, rows in ((many, pairs.many), (one, pairs.one))
    ]
    (left, left_cells), (right, right_cells) = reversed(sides) if swapped else sides
    return Operands(left, right, left_cells, right_cells)


def _evaluate(node: Binary, left: Floats, right: Floats) -> tuple[Floats, Mask]:
    """(values, where there is a result at all)."""
    everywhere = np.ones(left.shape, dtype=np.bool_)
    if node.op not in COMPARISONS:
        return ARITHMETIC[node.op](left, right), everywhere
    holds = COMPARE[node.op](left, right)
    return (holds.astype(np.float64), everywhere) if node.returns_bool else (left, holds)


def _drops_name(node: Binary) -> bool:
    return node.returns_bool or node.op not in COMPARISONS


def result_labels(run: Run, node: Binary, many: Labels, one: Labels) -> Labels:
    """Labels of the result of one pair."""
    matching = node.matching
    labels = drop_metadata(many) if _drops_name(node) and not run.options.delayed_name_removal else many
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        names = frozenset(matching.labels)
        return keep(labels, names) if matching.on else remove(labels, names)
    return with_labels(labels, [(name, label_value(one, name)) for name in matching.include])


def _refuse_duplicates(node: Binary, many: Vector, one: Vector, groups: Indices, signatures: list[Labels]) -> None:
    """Raise EvaluationError if at some time two series of the one side have the same signature."""
    if len(np.unique(groups)) == len(groups):
        return
    counts = np.zeros((len(signatures), one.present.shape[1]), dtype=np.int64)
    np.add.at(counts, groups, one.present.astype(np.int64))
    clash = (counts > 1) & np.any(many.present, axis=0)
    if not clash.any():
        return
    time = int(np.flatnonzero(clash.any(axis=0))[0])
    rows: dict[int, list[int]] = {}
    for row in np.flatnonzero(one.present[:, time]).tolist():
        rows.setdefault(int(groups[row]), []).append(row)
    group, members = min((pair for pair in rows.items() if len(pair[1]) > 1), key=lambda pair: pair[1][1])
    side = "left" if node.matching.cardinality is Cardinality.ONE_TO_MANY else "right"
    shown = ", ".join(format_labels(one.labels[row]) for row in (members[1], members[0]))
    raise EvaluationError(
        f"found duplicate series for the match group {format_labels(signatures[group])} on the {side} hand-side of "
        f"the operation: [{shown}];many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _join_partners(matching: VectorMatching, one: Vector, groups: Indices) -> tuple[Vector, Indices]:
    """Series of the one side that take turns (never at one time) and add the same labels, joined into one row."""
    if len(np.unique(groups)) == len(groups):
        return one, groups
    keys = [
        (("", str(group)), *((name, label_value(labels, name)) for name in matching.include))
        for group, labels in zip(groups.tolist(), one.labels, strict=True)
    ]
    joined = merge_rows(replace(one, labels=keys))
    first: dict[Labels, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    rows = np.fromiter((first[key] for key in joined.labels), dtype=np.int64, count=len(joined))
    return replace(joined, labels=[one.labels[row] for row in rows.tolist()]), groups[rows]


def _pair(many: Indices, one: Indices, signatures: int) -> _Pairs:
    members: list[list[int]] = [[] for _ in range(signatures)]
    for row, group in enumerate(one.tolist()):
        members[group].append(row)
    found = [pair for row, group in enumerate(many.tolist()) for pair in product((row,), members[group], (group,))]
    columns = np.array(found, dtype=np.int64).reshape(-1, 3)
    return _Pairs(columns[:, 0], columns[:, 1], columns[:, 2])


def _refuse_ambiguity(node: Binary, labels: list[Labels], pairs: _Pairs, present: Mask) -> None:
    """Raise EvaluationError if at some time several results share a signature (and labels, under group_...)."""
    if node.matching.cardinality is Cardinality.ONE_TO_ONE:
        keys, problem = pairs.signature, "many-to-one matching must be explicit (group_left/group_right)"
        number = int(keys.max(initial=-1)) + 1
    else:
        names, _ = number_groups(labels)
        keys = names * (int(pairs.signature.max(initial=0)) + 1) + pairs.signature
        keys = np.unique(keys, return_inverse=True)[1]
        number, problem = int(keys.max(initial=-1)) + 1, "grouping labels must ensure unique matches"
    if number == len(keys):
        return
    counts = np.zeros((number, present.shape[1]), dtype=np.int64)
    np.add.at(counts, keys, present.astype(np.int64))
    if (counts > 1).any():
        raise EvaluationError(f"multiple matches for labels: {problem}")
