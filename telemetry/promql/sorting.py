"""sort, sort_desc, sort_by_label and sort_by_label_desc: the order of an instant result."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cmp_to_key
from typing import Final

import numpy as np

from telemetry.model.labels import Labels, label_value
from telemetry.promql.values import Vector

_CHUNK: Final = re.compile(r"\d+|\D+", re.ASCII)


def sort_by_value(operand: Vector, *, descending: bool) -> Vector:
    """Series by their value, NaN last; unchanged over several times, where series have no order."""
    if operand.present.shape[1] != 1:
        return operand
    present = operand.compact()
    values = present.values[:, 0]
    order = np.argsort(-values if descending else values, kind="stable")
    return replace(present.take(order), ordered=True)


def sort_by_label(operand: Vector, names: Sequence[str], *, descending: bool) -> Vector:
    """Series by label values in natural order (`a2` before `a10`), then by all labels."""
    if operand.present.shape[1] != 1:
        return operand
    present = operand.compact()

    def compare(left: int, right: int) -> int:
        return _compare(present.labels[left], present.labels[right], names)

    order = sorted(range(len(present)), key=cmp_to_key(compare), reverse=descending)
    return replace(present.take(np.array(order, dtype=np.int64)), ordered=True)


def _compare(left: Labels, right: Labels, names: Sequence[str]) -> int:
    for name in names:
        one, other = label_value(left, name), label_value(right, name)
        if one != other:
            return -1 if naturally_before(one, other) else 1
    return (left > right) - (left < right)


def naturally_before(left: str, right: str) -> bool:
    """Whether `left` comes first if runs of digits are compared as numbers."""
    ours, theirs = _CHUNK.findall(left), _CHUNK.findall(right)
    for one, other in zip(ours, theirs, strict=False):
        if one == other:
            continue
        if one[0].isdigit() and other[0].isdigit():
            first, second = one.lstrip("0"), other.lstrip("0")
            if first != second:
                return (len(first), first) < (len(second), second)
            return len(one) > len(other)  # more leading zeros first
        return str(one) < str(other)
    return len(ours) < len(theirs)
