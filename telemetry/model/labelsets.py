"""Operations on label sets: dropping the name, grouping, signatures of vector matching.

All keep the canonical order (sorted by name), so that results are label sets again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.coded_labels import CodedLabels
from telemetry.model.labels import METRIC_NAME, Labels, label_value

METADATA_LABELS: Final = frozenset({METRIC_NAME, "__type__", "__unit__"})
"""Labels that say what a series is called and measured in; they go when a function changes its meaning."""


def drop_metadata(labels: Labels) -> Labels:
    """Labels without name, type and unit."""
    if len(labels) > 1 and labels[0][0] == METRIC_NAME and labels[1][0] not in METADATA_LABELS:
        return labels[1:]
    return tuple(pair for pair in labels if pair[0] not in METADATA_LABELS)


def keep(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def remove(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in names)


def with_labels(labels: Labels, changes: Iterable[tuple[str, str]]) -> Labels:
    """Labels with some set; an empty value removes the label."""
    merged = dict(labels)
    merged.update(changes)
    return tuple(sorted((name, value) for name, value in merged.items() if value))


def grouping_key(grouping: Sequence[str], *, without: bool) -> Callable[[Labels], Labels]:
    """Labels that a series contributes to its group under by(...) or without(...)."""
    if without:
        removed = frozenset(grouping) | {METRIC_NAME}
        return lambda labels: remove(labels, removed)
    if not grouping:
        return lambda labels: ()
    kept = frozenset(grouping)
    return lambda labels: keep(labels, kept)


def matching_key(names: Sequence[str], *, on: bool) -> Callable[[Labels], Labels]:
    """Labels by which a series finds its partner under on(...) or ignoring(...)."""
    if on:
        return grouping_key(names, without=False)
    return grouping_key(names, without=True)


def number_groups(keys: Iterable[Labels]) -> tuple[NDArray[np.int64], list[Labels]]:
    """(int64[N] group of each key, groups in order of first appearance)."""
    numbers: dict[Labels, int] = {}
    index = np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), dtype=np.int64)
    return index, list(numbers)


def take_labels(labels: Sequence[Labels], rows: NDArray[np.int64]) -> Sequence[Labels]:
    """Some of the label sets; no row twice."""
    return labels.take(rows) if isinstance(labels, CodedLabels) else [labels[row] for row in rows.tolist()]


def without_metadata(labels: Sequence[Labels]) -> Sequence[Labels]:
    """As `drop_metadata`, each of them."""
    if isinstance(labels, CodedLabels):
        return labels.without(METADATA_LABELS)
    return [drop_metadata(one) for one in labels]


def label_texts(labels: Sequence[Labels], name: str) -> list[str]:
    """Distinct values of one label, '' where it is absent, in order of first appearance."""
    if isinstance(labels, CodedLabels):
        return labels.values_of(name)
    return list(dict.fromkeys(label_value(one, name) for one in labels))


def any_equal(labels: Sequence[Labels]) -> bool:
    """Whether two of the label sets are equal."""
    return labels.equal_rows() if isinstance(labels, CodedLabels) else len(set(labels)) < len(labels)


def group_labels(
    labels: Sequence[Labels], grouping: Sequence[str], *, without: bool
) -> tuple[NDArray[np.int64], Sequence[Labels]]:
    """(int64[N] group of each under by(...) or without(...), their label sets in order of first appearance)."""
    if isinstance(labels, CodedLabels):
        kept = labels.without([*grouping, METRIC_NAME]) if without else labels.keep(grouping)
        index, first = kept.groups()
        return index, list(kept.take(first))
    key = grouping_key(grouping, without=without)
    return number_groups(key(one) for one in labels)


def format_labels(labels: Labels) -> str:
    """`{a="x", b="y"}` for error messages."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
