"""What a target's last scrape had, so that the next can say what ended; builds the batches that are stored. Pure.

Sources: https://prometheus.io/docs/concepts/jobs_instances/ and
https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from collectors.wire.exposition_series import TargetSeries
from telemetry.model.samples import STALE_NAN, MetricMetadata, SampleBatch

REPORT_SERIES: Final = (
    b"up",
    b"scrape_duration_seconds",
    b"scrape_samples_scraped",
    b"scrape_samples_post_metric_relabeling",
    b"scrape_series_added",
)
"""Synthetic series of every target."""

REPORT_METADATA: Final = (
    MetricMetadata("up", "gauge", "Whether the last scrape of the target succeeded."),
    MetricMetadata("scrape_duration_seconds", "gauge", "How long the scrape took.", "seconds"),
    MetricMetadata("scrape_samples_scraped", "gauge", "Samples that the target exposed."),
    MetricMetadata("scrape_samples_post_metric_relabeling", "gauge", "Samples left after metric relabeling."),
    MetricMetadata("scrape_series_added", "gauge", "Series that the scrape before did not have."),
)


class ScrapeMemory:
    """Series of one target. Only a batch that was stored (`commit`) becomes what the next is compared with."""

    def __init__(self, series: TargetSeries) -> None:
        self._series = series
        self._current: frozenset[bytes] = frozenset()
        self._next: frozenset[bytes] = frozenset()

    @property
    def known(self) -> Collection[bytes]:
        """Keys that need no second look when the next page is parsed."""
        return self._current

    def page(self, page: SampleBatch, timestamp_ms: int, duration_seconds: float) -> SampleBatch:
        """`page` with the synthetic series, and staleness markers for series that it no longer has."""
        # A sample with a timestamp of its own says when it was true; it does not end because a page lacks it.
        timed = page.timestamps_ms[: len(page.keys)] != timestamp_ms
        untimed = frozenset(key for key, own in zip(page.keys, timed, strict=True) if not own)
        self._next = untimed.difference(REPORT_SERIES)
        report = (1.0, duration_seconds, len(page), len(page), len(self._next - self._current))
        return self._extended(page, report, self._current - self._next, timestamp_ms)

    def failure(self, timestamp_ms: int, duration_seconds: float) -> SampleBatch:
        """`up` 0, and staleness markers for everything that the target had."""
        self._next = frozenset()
        return self._extended(self._empty(), (0.0, duration_seconds, 0, 0, 0), self._current, timestamp_ms)

    def end(self, timestamp_ms: int) -> SampleBatch:
        """Staleness markers for everything, the synthetic series too: the target is no longer scraped."""
        # What was sent last may have been stored though nobody waited for it to be.
        ended = self._current | self._next | frozenset(REPORT_SERIES)
        self._next = frozenset()
        return self._extended(self._empty(), (), ended, timestamp_ms)

    def commit(self) -> None:
        """The batch made last is stored."""
        self._current = self._next

    def _empty(self) -> SampleBatch:
        return SampleBatch(
            key_space=self._series.key_space,
            keys=[],
            decode_key=self._series.labels,
            key_index=np.empty(0, dtype=np.int64),
            timestamps_ms=np.empty(0, dtype=np.int64),
            values=np.empty(0, dtype=np.float64),
        )

    def _extended(
        self, batch: SampleBatch, report: Sequence[float], ended: Collection[bytes], timestamp_ms: int
    ) -> SampleBatch:
        reported = REPORT_SERIES[: len(report)]
        added = [*reported, *ended]
        values = np.concatenate([batch.values, np.array(report, dtype=np.float64), _stale(len(ended))])
        return replace(
            batch,
            keys=[*batch.keys, *added],
            key_index=np.concatenate([batch.key_index, np.arange(len(added)) + len(batch.keys)]),
            timestamps_ms=np.concatenate([batch.timestamps_ms, np.full(len(added), timestamp_ms, dtype=np.int64)]),
            values=values,
            metadata=[*batch.metadata, *(REPORT_METADATA if report else ())],
        )


def _stale(count: int) -> "np.typing.NDArray[np.float64]":
    """`count` staleness markers, bit for bit."""
    return np.full(count, STALE_NAN, dtype=np.float64)
