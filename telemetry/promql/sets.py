"""and, or and unless: series kept by whether the other side has one of the same labels at the same time."""

from dataclasses import replace

import numpy as np

from telemetry.model.labels import Labels
from telemetry.model.labelsets import matching_key, number_groups
from telemetry.promql.ast import Binary
from telemetry.promql.values import Indices, Mask, Vector, merge_rows, stacked


def combine_sets(node: Binary, lhs: Vector, rhs: Vector) -> Vector:
    """Result of a set operator."""
    key = matching_key(node.matching.labels, on=node.matching.on)
    keys: list[Labels] = [key(labels) for side in (lhs, rhs) for labels in side.labels]
    groups, _ = number_groups(keys)
    ours, theirs = groups[: len(lhs)], groups[len(lhs) :]
    number = int(groups.max(initial=-1)) + 1
    if node.op == "or":
        fresh = rhs.present & ~_any_by_group(lhs.present, ours, number)[theirs]
        return _joined(lhs, replace(rhs, present=fresh))
    partner = _any_by_group(rhs.present, theirs, number)[ours]
    present = lhs.present & (partner if node.op == "and" else ~partner)
    return replace(lhs, present=present, ordered=False).compact()


def _any_by_group(present: Mask, groups: Indices, number: int) -> Mask:
    """bool[number, T]: whether any row of each group is present."""
    found = np.zeros((number, present.shape[1]), dtype=np.bool_)
    np.logical_or.at(found, groups, present)
    return found


def _joined(lhs: Vector, rhs: Vector) -> Vector:
    return merge_rows(stacked([lhs, rhs]).compact())
