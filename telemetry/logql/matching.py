"""Operators between two vectors, and between a vector and a number."""

from collections import defaultdict

import numpy as np

from telemetry.logql.arithmetic import ARITHMETIC, COMPARE
from telemetry.logql.ast import Binary, Cardinality, Matching
from telemetry.logql.errors import EvaluationError
from telemetry.logql.values import Floats, Indices, Mask, Vector, joined
from telemetry.model.labels import Labels, label_value
from telemetry.model.labelsets import format_labels, keep, matching_key, number_groups, remove, with_labels


def with_number(node: Binary, vector: Vector, number: float, *, number_is_left: bool) -> Vector:
    """`vector op number`, or the other way round. A comparison keeps the vector's samples where it holds."""
    other = np.full(vector.values.shape, number)
    lhs, rhs = (other, vector.values) if number_is_left else (vector.values, other)
    with np.errstate(all="ignore"):
        values, holds = _applied(node, lhs, rhs, kept=vector.values)
    return Vector(vector.labels, values, vector.present & holds, vector.ordered).compact()


def _applied(node: Binary, lhs: Floats, rhs: Floats, *, kept: Floats) -> tuple[Floats, Mask]:
    """(values, where there is a result at all)."""
    everywhere = np.ones(lhs.shape, dtype=np.bool_)
    if node.op in ARITHMETIC:
        return ARITHMETIC[node.op](lhs, rhs), everywhere
    holds = COMPARE[node.op](lhs, rhs)
    return (holds.astype(np.float64), everywhere) if node.returns_bool else (kept, holds)


def combine_sets(node: Binary, lhs: Vector, rhs: Vector) -> Vector:
    """and, or, unless."""
    key = matching_key(node.matching.labels, on=node.matching.on)
    groups, _ = number_groups(key(labels) for side in (lhs, rhs) for labels in side.labels)
    ours, theirs = groups[: len(lhs)], groups[len(lhs) :]
    number = int(groups.max(initial=-1)) + 1
    if node.op == "or":
        fresh = rhs.present & ~_any(lhs.present, ours, number)[theirs]
        values, present = np.concatenate([lhs.values, rhs.values]), np.concatenate([lhs.present, fresh])
        return joined([*lhs.labels, *rhs.labels], values, present).compact()
    partner = _any(rhs.present, theirs, number)[ours]
    return Vector(lhs.labels, lhs.values, lhs.present & (partner if node.op == "and" else ~partner)).compact()


def _any(present: Mask, groups: Indices, number: int) -> Mask:
    found = np.zeros((number, present.shape[1]), dtype=np.bool_)
    np.logical_or.at(found, groups, present)
    return found


def match_vectors(node: Binary, lhs: Vector, rhs: Vector) -> Vector:
    """`lhs op rhs` of two vectors. Raises EvaluationError where a match is not unique."""
    swapped = node.matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (rhs, lhs) if swapped else (lhs, rhs)
    key = matching_key(node.matching.labels, on=node.matching.on)
    partners: defaultdict[Labels, list[int]] = defaultdict(list)
    for row, labels in enumerate(one.labels):
        partners[key(labels)].append(row)
    _refuse_duplicates(node.matching, many, one, partners, {key(labels) for labels in many.labels})
    pairs = [(row, other) for row, labels in enumerate(many.labels) for other in partners.get(key(labels), ())]
    rows, others = np.array(pairs, np.int64).reshape(-1, 2).T
    left, right = many.values[rows], one.values[others]
    lhs_values, rhs_values = (right, left) if swapped else (left, right)
    with np.errstate(all="ignore"):
        values, holds = _applied(node, lhs_values, rhs_values, kept=lhs_values)
    met = many.present[rows] & one.present[others]
    results = [_result(node.matching, many.labels[a], one.labels[b]) for a, b in pairs]
    _refuse_ambiguity(node.matching, results, [key(many.labels[a]) for a, _ in pairs], met)
    return joined(results, values, met & holds).compact()


def _result(matching: Matching, many: Labels, one: Labels) -> Labels:
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        names = frozenset(matching.labels)
        return keep(many, names) if matching.on else remove(many, names)
    return with_labels(many, [(name, label_value(one, name)) for name in matching.include])


def _refuse_duplicates(
    matching: Matching, many: Vector, one: Vector, partners: dict[Labels, list[int]], wanted: set[Labels]
) -> None:
    any_of_many = many.present.any(axis=0)
    for signature, rows in partners.items():
        if len(rows) < 2 or signature not in wanted:
            continue
        if ((one.present[rows].sum(axis=0) > 1) & any_of_many).any():
            side = "left" if matching.cardinality is Cardinality.ONE_TO_MANY else "right"
            shown = ", ".join(format_labels(one.labels[row]) for row in rows[:2])
            raise EvaluationError(
                f"found duplicate series on the {side} hand-side;many-to-many matching not allowed: matching labels "
                f"must be unique on one side: [{shown}]"
            )


def _refuse_ambiguity(matching: Matching, labels: list[Labels], signatures: list[Labels], met: Mask) -> None:
    exact = matching.cardinality is Cardinality.ONE_TO_ONE
    groups, distinct = number_groups(signatures if exact else labels)
    if len(distinct) == len(groups):
        return
    counts = np.zeros((len(distinct), met.shape[1]), np.int64)
    np.add.at(counts, groups, met.astype(np.int64))
    if (counts > 1).any():
        problem = (
            "many-to-one matching must be explicit (group_left/group_right)"
            if exact
            else "grouping labels must ensure unique matches"
        )
        raise EvaluationError(f"multiple matches for labels: {problem}")
