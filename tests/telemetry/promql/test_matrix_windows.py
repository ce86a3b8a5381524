"""Series that share their timestamps are computed together, to the last bit as each for itself."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry.model.coded_labels import CodedLabels, LabelPairs, coded
from telemetry.model.labels import labels_from
from telemetry.model.sample_matrix import MatrixColumns, SampleMatrix
from telemetry.model.samples import STALE_NAN, SeriesSet
from telemetry.model.time import TimeGrid
from telemetry.promql.engine import Engine, Samples
from telemetry.promql.source import MemorySource

QUERIES = (
    "m",
    "timestamp(m)",
    "sum by (pod) (rate(m[5m]))",
    "rate(m[5m])",
    "increase(m[1m])",
    "delta(m[3m] offset 1m)",
    "irate(m[5m])",
    "max_over_time(m[4m])",
    "sum_over_time(m[4m])",
    "quantile_over_time(0.7, m[4m])",
    "deriv(m[4m])",
    "resets(m[10m])",
    "last_over_time(m[3m])",
    "sum without (zone) (m)",
    "count by (pod, zone) (m)",
    "count by (missing) (m)",
    "topk(1, m)",
    "m[6m]",
    "absent_over_time(m[1m])",
    "max_over_time(rate(m[2m])[5m:30s])",
    "rate(m[5m] @ 600)",
)


class InMatrices(MemorySource):
    """The same samples as one matrix, and labels as numbers."""

    def select_series(self, selectors, time_range, *, limit=None):
        found = super().select_series(selectors, time_range, limit=limit)
        vocabulary = LabelPairs()
        codes = coded(vocabulary, found.labels, vocabulary.code)
        return SeriesSet(found.ids, CodedLabels(vocabulary, codes, distinct=True), found.services, found.rows)

    def read_samples(self, series, time_range):
        columns = super().read_samples(series, time_range)
        rows = [
            (columns.timestamps_ms[start:end], columns.values[start:end])
            for start, end in zip(columns.offsets, columns.offsets[1:], strict=False)
        ]
        width = max((len(times) for times, _ in rows), default=0) + 2
        timelines = {}
        values, which = np.full((len(rows), width), np.nan), np.zeros(len(rows), np.int64)
        for row, (times, numbers) in enumerate(rows):
            which[row] = timelines.setdefault(tuple(times.tolist()), len(timelines))
            values[row, 1 : len(times) + 1] = numbers
        times_ms = np.zeros((max(len(timelines), 1), width), np.int64)
        for times, at in timelines.items():
            times_ms[at, 1 : len(times) + 1] = times
        counts = np.array([len(times) for times in timelines] or [0])
        return MatrixColumns(SampleMatrix(values, which, times_ms, np.ones_like(counts), counts + 1))


values = st.sampled_from((0.0, 1.0, 5.0, 7.5, 1e300, float("inf"), float("nan"), STALE_NAN)) | st.floats(0, 1e6)
shapes = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from((15, 20)), st.lists(values, max_size=40)),
    max_size=5,
)


@settings(deadline=None, max_examples=150)
@given(shapes=shapes, query=st.sampled_from(QUERIES), step=st.sampled_from((15_000, 40_000, 120_000)))
@example(shapes=[("a", "x", 15, [1.0, 5.0, 0.0, 3.0] * 5)], query="rate(m[5m])", step=15_000)
@example(shapes=[("a", "x", 15, [1.0] * 9), ("a", "y", 15, [2.0] * 8 + [STALE_NAN])], query="m", step=15_000)
def test_a_matrix_gives_what_columns_give(shapes, query, step):
    plain, matrix = MemorySource(), InMatrices()
    for pod, zone, interval, numbers in shapes:
        labels = labels_from({"__name__": "m", "pod": pod, "zone": zone})
        samples = [(300_000 + at * interval * 1000, value) for at, value in enumerate(numbers)]
        plain.add(labels, samples)
        matrix.add(labels, samples)
    answers = [_answer(Engine(source), query, step) for source in (plain, matrix)]
    assert answers[0] == answers[1]


def _answer(engine, query, step):
    if query.endswith("[6m]"):
        found = engine.instant(query, 600_000).value
        assert isinstance(found, Samples)
        columns = found.columns
        return list(found.labels), columns.offsets.tolist(), columns.timestamps_ms.tolist(), _bits(columns.values)
    result = engine.range(query, TimeGrid(200_000, 1_200_000, step))
    frame = result.value
    shown = np.where(frame.present, frame.values, 0.0)
    return list(frame.labels), frame.present.tolist(), _bits(shown), result.statistics.samples, list(result.infos)


def _bits(numbers):
    """Bits of each value; all values that are no numbers are the same."""
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64).tolist()
