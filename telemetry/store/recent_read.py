"""Samples of selected series out of recent blocks, as one matrix."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from telemetry.model.sample_matrix import Floats, Indices, Mask, SampleMatrix, to_the_left
from telemetry.model.time import TimeRange
from telemetry.store.recent_block import RecentBlock

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_SMALL_CELLS: Final = 1 << 20
_FOLD: Final = np.uint64(31)


def fits(blocks: Sequence[RecentBlock], numbers: Indices, most: int) -> bool:
    """Whether one matrix is a fair shape for these samples, and not larger than `most` samples may be."""
    counts = [_counts(block, numbers) for block in blocks]
    cells = len(numbers) * sum(int(count.max(initial=0)) for count in counts)
    samples = sum(int(count.sum()) for count in counts)
    return samples <= most and cells <= 2 * samples + _SMALL_CELLS


def read_matrix(blocks: Sequence[RecentBlock], numbers: Indices, time_range: TimeRange) -> SampleMatrix:
    """Samples with start_ms <= t <= end_ms of the series `numbers`; `blocks` ascend in time."""
    counts = [_counts(block, numbers) for block in blocks]
    most = [int(count.max(initial=0)) for count in counts]
    blocks, counts, most = _filled(blocks, counts, most)
    if not blocks:
        return _nothing(len(numbers))
    disordered = _any_of([block.disordered for block in blocks], blocks, numbers)
    timelines, leaders = _timelines(blocks, counts, numbers)
    values = _values(blocks, most, numbers)
    times = _times(blocks, most, numbers[leaders])
    kept = _kept([count[leaders] for count in counts], most, times, time_range)
    first, end, broken = _runs(kept)
    matrix = SampleMatrix(values, timelines, times, first, end)
    rows = np.flatnonzero(disordered)
    arrived = values[rows]
    matrix = _without_gaps(matrix, kept, broken)
    if not len(rows):
        return matrix
    times = _times(blocks, most, numbers[rows])
    return _sorted(matrix, rows, arrived, times, _kept([count[rows] for count in counts], most, times, time_range))


def _filled(
    blocks: Sequence[RecentBlock], counts: list[Indices], most: list[int]
) -> tuple[list[RecentBlock], list[Indices], list[int]]:
    chosen = [at for at, size in enumerate(most) if size]
    return [blocks[at] for at in chosen], [counts[at] for at in chosen], [most[at] for at in chosen]


def _nothing(rows: int) -> SampleMatrix:
    none = np.zeros(1, np.int64)
    return SampleMatrix(np.zeros((rows, 0)), np.zeros(rows, np.int64), np.zeros((1, 0), np.int64), none, none)


def _inside(block: RecentBlock, numbers: Indices) -> Indices:
    """Numbers that the block has columns for; series it does not know look like series 0."""
    return numbers if int(numbers.max()) < len(block.counts) else np.where(numbers < len(block.counts), numbers, 0)


def _counts(block: RecentBlock, numbers: Indices) -> Indices:
    known = numbers < len(block.counts)
    if not len(block.counts) or not len(numbers):
        return np.zeros(len(numbers), np.int64)
    return np.where(known, block.counts[_inside(block, numbers)], 0).astype(np.int64)


def _any_of(columns: Sequence[Mask], blocks: Sequence[RecentBlock], numbers: Indices) -> Mask:
    found = np.zeros(len(numbers), np.bool_)
    for column, block in zip(columns, blocks, strict=True):
        if column.any():
            found |= column[_inside(block, numbers)] & (numbers < len(block.counts))
    return found


def _timelines(blocks: Sequence[RecentBlock], counts: Sequence[Indices], numbers: Indices) -> tuple[Indices, Indices]:
    """(timeline of each row, a row of each timeline): rows of equal stamps and counts in every block."""
    key = np.zeros(len(numbers), np.uint64)
    for block, count in zip(blocks, counts, strict=True):
        stamp = np.where(count > 0, block.stamps[_inside(block, numbers)], np.uint64(0))
        key = ((key ^ stamp) * _FACTOR + count.astype(np.uint64)) * _FACTOR
        key ^= key >> _FOLD
    _, leaders, timelines = np.unique(key, return_index=True, return_inverse=True)
    return timelines.astype(np.int64), leaders.astype(np.int64)


def _values(blocks: Sequence[RecentBlock], most: Sequence[int], numbers: Indices) -> Floats:
    parts = [block.values_of(_inside(block, numbers), size)[:, :size] for block, size in zip(blocks, most, strict=True)]
    return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.concatenate(parts, axis=1)


def _times(blocks: Sequence[RecentBlock], most: Sequence[int], numbers: Indices) -> Indices:
    parts = [block.times_of(_inside(block, numbers), size)[:, :size] for block, size in zip(blocks, most, strict=True)]
    return np.concatenate(parts, axis=1)


def _kept(counts: Sequence[Indices], most: Sequence[int], times: Indices, time_range: TimeRange) -> Mask:
    """bool[G, C]: cells that hold a sample in the range."""
    filled = [np.arange(size) < count[:, None] for count, size in zip(counts, most, strict=True)]
    kept = np.concatenate(filled, axis=1)
    kept &= (times >= time_range.start_ms) & (times <= time_range.end_ms)
    return kept


def _runs(kept: Mask) -> tuple[Indices, Indices, Mask]:
    """(first column, column after the last one, whether there are gaps between) of each row."""
    counts = kept.sum(axis=1)
    first = np.where(counts > 0, kept.argmax(axis=1), 0)
    end = np.where(counts > 0, kept.shape[1] - kept[:, ::-1].argmax(axis=1), 0)
    return first, end, end - first != counts


def _without_gaps(matrix: SampleMatrix, kept: Mask, broken: Mask) -> SampleMatrix:
    """Cells of timelines that have gaps moved to the left."""
    if not broken.any():
        return matrix
    rows = np.flatnonzero(broken[matrix.timelines])
    matrix.values[rows], _ = to_the_left(matrix.values[rows], kept[matrix.timelines[rows]])
    chosen = np.flatnonzero(broken)
    matrix.times_ms[chosen], counts = to_the_left(matrix.times_ms[chosen], kept[chosen])
    matrix.first[chosen], matrix.end[chosen] = 0, counts
    return matrix


def _sorted(matrix: SampleMatrix, rows: Indices, values: Floats, times: Indices, kept: Mask) -> SampleMatrix:
    """Rows whose samples did not come in order of time: by time, the last to come of each timestamp."""
    beyond = np.iinfo(np.int64).max
    times = np.where(kept, times, beyond)
    order = np.argsort(times, axis=1, kind="stable")
    times, values = np.take_along_axis(times, order, axis=1), np.take_along_axis(values, order, axis=1)
    last = times != beyond
    last[:, :-1] &= times[:, :-1] != times[:, 1:]
    values, counts = to_the_left(values, last)
    times, _ = to_the_left(times, last)
    return matrix.replaced(rows, values, times, counts)
