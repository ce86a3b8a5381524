"""Answers to range queries that are asked again while time moves on: only the new end is computed.

An answer at a time holds until a sample of that time or an earlier one is committed, or rows are removed; both are
told by the store, so that what is kept is what would be computed. Samples that the store itself drops for their age
stay in kept answers until these are asked for no more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from prometheus_client import Counter, Gauge

from telemetry.model.labels import Labels
from telemetry.model.samples import Frame
from telemetry.model.time import TimeGrid
from telemetry.promql.result import QueryResult
from telemetry.promql.run import Options, Statistics
from telemetry.store.commit_times import CommitTimes, Moment

BYTES: Final = Gauge("belvedere_result_cache_bytes", "Memory that kept answers to range queries take.")
READS: Final = Counter(
    "belvedere_result_cache_reads", "Range queries that could be kept, by how much of them was.", ["kept"]
)
_LABEL_BYTES: Final = 64
_LARGEST_SHARE: Final = 4
"""One answer takes at most this part of all."""

Key = tuple[str | int | bool, ...]
Ask = Callable[[TimeGrid], QueryResult]


@dataclass(frozen=True, slots=True)
class _Kept:
    frame: Frame
    moment: Moment
    """The frame is right but for what was committed since."""
    metrics: frozenset[str]

    @property
    def nbytes(self) -> int:
        return self.frame.values.size * 9 + len(self.frame.labels) * _LABEL_BYTES


class ResultCache:
    """Bounded in bytes; the answers not asked for the longest go first. Safe to use from any thread."""

    def __init__(self, times: CommitTimes, most_bytes: int) -> None:
        self._times = times
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._bytes = 0

    def answer(self, text: str, grid: TimeGrid, options: Options, ahead_ms: int, ask: Ask) -> QueryResult:
        """The answer on the grid, of which `ask` computes what is not kept. `ahead_ms`: of `look_ahead_ms`."""
        key = _key(text, grid, options)
        moment = self._times.now()
        kept = self._usable(key, grid, ahead_ms)
        if kept is None:
            READS.labels("nothing").inc()
            return self._computed(key, moment, ask(grid))
        end = int(kept.frame.times_ms[-1])
        if end >= grid.end_ms - grid.step_ms + 1:
            READS.labels("all").inc()
            return _result(kept, grid, Statistics())
        tail = ask(TimeGrid(end + grid.step_ms, grid.end_ms, grid.step_ms))
        if not _is_plain(tail.value):
            READS.labels("nothing").inc()
            return ask(grid)
        READS.labels("part").inc()
        return self._extended(key, grid, kept, tail, moment)

    def _usable(self, key: Key, grid: TimeGrid, ahead_ms: int) -> _Kept | None:
        """What is kept and still right at the first times of the grid, without what is not right any more."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
        unchanged = self._times.unchanged_before(kept.moment)
        times = kept.frame.times_ms
        if unchanged is None or times[0] > grid.start_ms:
            return None
        right = int(np.searchsorted(times, unchanged - ahead_ms))
        if not right or times[right - 1] < grid.start_ms:
            return None
        return kept if right == len(times) else replace(kept, frame=_columns(kept.frame, 0, right))

    def _computed(self, key: Key, moment: Moment, result: QueryResult) -> QueryResult:
        if _may_be_kept(result) and isinstance(result.value, Frame):
            self._keep(key, _Kept(result.value, moment, frozenset(result.statistics.metrics)))
        return result

    def _extended(self, key: Key, grid: TimeGrid, kept: _Kept, tail: QueryResult, moment: Moment) -> QueryResult:
        assert isinstance(tail.value, Frame)  # noqa: S101 - `_is_plain` said so
        joined = replace(kept, frame=_joined(kept.frame, tail.value), moment=moment)
        if _may_be_kept(tail):
            longest = max(grid.end_ms - grid.start_ms, int(kept.frame.times_ms[-1] - kept.frame.times_ms[0]))
            first = int(np.searchsorted(joined.frame.times_ms, grid.end_ms - longest))
            self._keep(key, replace(joined, frame=_columns(joined.frame, first, len(joined.frame.times_ms))))
        answer = _result(joined, grid, tail.statistics)
        return replace(answer, warnings=tail.warnings, infos=tail.infos)

    def _keep(self, key: Key, kept: _Kept) -> None:
        with self._lock:
            if before := self._kept.pop(key, None):
                self._bytes -= before.nbytes
            if kept.nbytes * _LARGEST_SHARE <= self._most_bytes:
                self._kept[key] = kept
                self._bytes += kept.nbytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
            BYTES.set(self._bytes)


def _key(text: str, grid: TimeGrid, options: Options) -> Key:
    return (
        text,
        grid.step_ms,
        grid.start_ms % grid.step_ms,
        options.lookback_ms,
        options.evaluation_interval_ms,
        options.delayed_name_removal,
    )


def _may_be_kept(result: QueryResult) -> bool:
    """Whether nothing was to be said about the answer: which times a remark is about is not known."""
    return not result.warnings and not result.infos and _is_plain(result.value)


def _is_plain(value: object) -> bool:
    return isinstance(value, Frame) and value.histograms is None and len(set(value.labels)) == len(value.labels)


def _result(kept: _Kept, grid: TimeGrid, cost: Statistics) -> QueryResult:
    """The part of a frame that a grid asks for."""
    first = int(np.searchsorted(kept.frame.times_ms, grid.start_ms))
    frame = _columns(kept.frame, first, first + len(grid))
    cost.metrics |= kept.metrics
    return QueryResult(frame, [], [], cost)


def _columns(frame: Frame, first: int, end: int) -> Frame:
    """Some times of a frame, without series that have no sample then. Copied, so that nothing larger is held."""
    present = frame.present[:, first:end]
    filled = present.any(axis=1)
    rows = np.flatnonzero(filled)
    labels = frame.labels if filled.all() else [frame.labels[row] for row in rows.tolist()]
    return Frame(labels, frame.times_ms[first:end], frame.values[rows, first:end], present[rows])


def _joined(earlier: Frame, later: Frame) -> Frame:
    """Two frames whose times follow on each other, series by labels."""
    labels = earlier.labels
    if labels != later.labels:
        labels = sorted({*labels, *later.labels})
    times = np.concatenate([earlier.times_ms, later.times_ms])
    parts = [_rows(frame, labels) for frame in (earlier, later)]
    values, present = (np.concatenate(columns, axis=1) for columns in zip(*parts, strict=True))
    return Frame(labels, times, values, present)


def _rows(frame: Frame, labels: list[Labels]) -> tuple[np.ndarray, np.ndarray]:
    """(values, present) with a row for each of `labels`."""
    if frame.labels == labels:
        return frame.values, frame.present
    place = {own: row for row, own in enumerate(labels)}
    rows = [place[own] for own in frame.labels]
    shape = (len(labels), len(frame.times_ms))
    values, present = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    values[rows], present[rows] = frame.values, frame.present
    return values, present
