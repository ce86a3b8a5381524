"""Operations on label sets: dropping the name, grouping, signatures of vector matching.

All keep the canonical order (sorted by name), so that results are label sets again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import METRIC_NAME, Labels

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


def format_labels(labels: Labels) -> str:
    """`{a="x", b="y"}` for error messages."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
