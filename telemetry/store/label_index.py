"""Which series there are, in memory: label values lead to the series that have them.

A copy of the table `series`, exact while this process is the only one that writes it. Built from numpy columns: about
4 bytes a label of a series twice over (its labels, and the series of each pair), so a million series take some 100 MB.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.coded_labels import CodedLabels, Codes, LabelPairs, coded
from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import Labels, Matcher
from telemetry.model.samples import Numbered, SeriesSet
from telemetry.model.time import TimeRange
from telemetry.store.columns import Column, Vocabulary
from telemetry.store.conditions import check_is_text
from telemetry.store.matched_pairs import MatchedPairs
from telemetry.store.postings import Postings
from telemetry.store.series_reader import UNWRITTEN_MS
from telemetry.store.settings import ENV_NAMES

_KEPT_SELECTIONS: Final = 512
_KEPT_ROWS: Final = 2_000_000
"""Series in all selections that are remembered."""

Selectors = Sequence[Sequence[Matcher]]


@dataclass(frozen=True, slots=True)
class _Selection:
    """Series of some selectors at any time, by labels."""

    known: int
    """How many series the index had."""
    numbers: NDArray[np.int64]
    labels: CodedLabels
    """A set for each number, equal ones next to each other."""


class LabelIndex:
    """Series by number 0, 1, 2, ... in order of arrival. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.vocabulary = LabelPairs()
        self._number_of: dict[int, int] = {}
        self._ids = Column(np.uint64)
        self._services = Column(np.int32)
        self._service_names = Vocabulary()
        self._first_ms = Column(np.int64)
        self._last_ms = Column(np.int64)
        self._postings = Postings()
        self._matched = MatchedPairs(self.vocabulary)
        self._kept: OrderedDict[tuple[tuple[Matcher, ...], ...], _Selection] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ids)

    # ---- in

    def add(
        self,
        ids: NDArray[np.uint64],
        labels: Sequence[Labels],
        services: Sequence[str],
        first_ms: NDArray[np.int64],
        last_ms: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Take series in, or their new sightings if they are known; their numbers. All columns are as long as `ids`."""
        with self._lock:
            known = [self._number_of.get(one, -1) for one in ids.tolist()]
            new = [at for at, number in enumerate(known) if number < 0]
            if new:
                self._append(new, ids, labels, services)
            numbers = np.fromiter((self._number_of[one] for one in ids.tolist()), np.int64, len(ids))
            self._first_ms.view[numbers] = np.minimum(self._first_ms.view[numbers], first_ms)
            self._last_ms.view[numbers] = np.maximum(self._last_ms.view[numbers], last_ms)
            return numbers

    def numbers_of(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """int64[M]: numbers of ids, -1 for those that are unknown."""
        found = self._number_of
        return np.fromiter((found.get(one, -1) for one in ids.tolist()), np.int64, len(ids))

    def numbers_in(self, series: SeriesSet) -> NDArray[np.int64]:
        """int64[M]: numbers of the ids of a set, -1 for those that are unknown."""
        numbered = series.numbers
        return numbered.of if numbered and numbered.owner is self else self.numbers_of(series.ids)

    def _append(
        self, new: list[int], ids: NDArray[np.uint64], labels: Sequence[Labels], services: Sequence[str]
    ) -> None:
        start = len(self._ids)
        chosen: list[int] = []
        for at in new:
            one = int(ids[at])
            if one not in self._number_of:  # an id may stand in one group twice
                self._number_of[one] = start + len(chosen)
                chosen.append(at)
                self._ids.append(one)
                self._services.append(self._service_names.code(services[at]))
                self._first_ms.append(np.iinfo(np.int64).max)
                self._last_ms.append(np.iinfo(np.int64).min)
        self._postings.append(coded(self.vocabulary, [labels[at] for at in chosen], self.vocabulary.code))

    # ---- out

    def select(self, selectors: Selectors, time_range: TimeRange, limit: int) -> SeriesSet:
        """As the table answers. Raises LimitExceeded for more than `limit` ids."""
        with self._lock:
            numbers, labels = self._seen(selectors, time_range)
            if len(numbers) > limit:
                name = ENV_NAMES["max_query_series"]
                raise LimitExceeded(f"the query selects more than {limit} series ({name})", limit_name=name)
            return self._series_set(numbers, labels)

    def label_names(self, selectors: Selectors, time_range: TimeRange, limit: int | None) -> list[str]:
        """Names of the labels of matching series, sorted."""
        with self._lock:
            names = self.vocabulary.name_of(self._pairs(selectors, time_range))
            return sorted(self.vocabulary.names[name] for name in np.unique(names).tolist())[:limit]

    def label_values(self, name: str, selectors: Selectors, time_range: TimeRange, limit: int | None) -> list[str]:
        """Values of one label of matching series, sorted."""
        with self._lock:
            code = self.vocabulary.find_name(name)
            if code is None:
                return []
            found = self._pairs(selectors, time_range)
            found = found[self.vocabulary.name_of(found) == code]
            return sorted(self.vocabulary.pairs[pair][1] for pair in found.tolist())[:limit]

    def _pairs(self, selectors: Selectors, time_range: TimeRange) -> NDArray[np.int64]:
        """Codes of the pairs that matching series have."""
        numbers = self._in_time(self._matching(selectors), time_range)
        marks = np.zeros(len(self.vocabulary) + 1, np.bool_)
        marks[self._postings.codes(numbers)] = True
        return np.flatnonzero(marks[:-1])

    def _seen(self, selectors: Selectors, time_range: TimeRange) -> tuple[NDArray[np.int64], CodedLabels]:
        selection = self._selection(selectors)
        inside = self._is_in_time(selection.numbers, time_range)
        if inside.all():
            return selection.numbers, selection.labels
        rows = np.flatnonzero(inside)
        return selection.numbers[rows], selection.labels.take(rows)

    def _in_time(self, numbers: NDArray[np.int64], time_range: TimeRange) -> NDArray[np.int64]:
        return numbers[self._is_in_time(numbers, time_range)]

    def _is_in_time(self, numbers: NDArray[np.int64], time_range: TimeRange) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self._first_ms.view[numbers] <= time_range.end_ms
        found &= self._last_ms.view[numbers] >= time_range.start_ms - UNWRITTEN_MS
        return found

    def _selection(self, selectors: Selectors) -> _Selection:
        key = tuple(map(tuple, selectors))
        found = self._kept.get(key)
        if found is None or found.known != len(self):
            numbers = self._matching(selectors)
            numbers = numbers[np.argsort(self._ids.view[numbers])]
            labels = CodedLabels(self.vocabulary, self._postings.codes(numbers), distinct=False)
            order = labels.in_order()
            labels = labels.take(order)
            labels.distinct = not _repeats(labels.codes).any()
            found = self._kept[key] = _Selection(len(self), numbers[order], labels)
            self._forget_old()
        self._kept.move_to_end(key)
        return found

    def _forget_old(self) -> None:
        rows = sum(len(selection.numbers) for selection in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > _KEPT_SELECTIONS or rows > _KEPT_ROWS):
            _, oldest = self._kept.popitem(last=False)
            rows -= len(oldest.numbers)

    def _matching(self, selectors: Selectors) -> NDArray[np.int64]:
        """Numbers of the series that any of the selectors takes, ascending."""
        if not selectors:
            return np.arange(len(self))
        parts = [self._matching_all(selector) for selector in selectors]
        return parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))

    def _matching_all(self, matchers: Sequence[Matcher]) -> NDArray[np.int64]:
        """Series that all matchers take: found by the rarest, then looked at by the others."""
        for matcher in matchers:
            check_is_text(matcher.name)
            check_is_text(matcher.value)
        tests = [self._matched.of(matcher) for matcher in matchers]
        leading = [test for test in tests if not test.takes_absent]
        if leading:
            best = min(leading, key=lambda test: self._postings.size(test.pairs))
            numbers = self._postings.series_with(best.pairs)
            tests.remove(best)
        else:
            numbers = np.arange(len(self))
        for test in tests:
            codes = self._postings.codes(numbers)
            numbers = numbers[test.takes(codes, len(self.vocabulary))]
        return numbers

    def _series_set(self, numbers: NDArray[np.int64], labels: CodedLabels) -> SeriesSet:
        ids, services = self._ids.view[numbers], self._services.view[numbers]
        numbered = Numbered(self, numbers)
        if labels.distinct or not len(numbers):
            return SeriesSet(ids, labels, self._service_names.texts(services), np.arange(len(numbers)), numbered)
        starts = np.concatenate([[True], ~_repeats(labels.codes)])
        first = np.flatnonzero(starts)
        distinct = labels.take(first)
        distinct.distinct = True
        owners = self._service_names.texts(services[first])
        return SeriesSet(ids, distinct, owners, np.cumsum(starts) - 1, numbered)


def _repeats(codes: Codes) -> NDArray[np.bool_]:
    """bool[N - 1]: whether row i + 1 is equal to row i."""
    found: NDArray[np.bool_] = (codes[1:] == codes[:-1]).all(axis=1)
    return found
