"""Native histogram samples on their way in: series and limits as for float samples, rows in a table of their own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.histograms import Histogram, HistogramBatch, HistogramColumns, Lists, ResetHint
from telemetry.model.labels import Labels
from telemetry.model.samples import MetricMetadata, Refusal, WriteReceipt
from telemetry.store import own_metrics
from telemetry.store.catalogue import Catalogue
from telemetry.store.engine import Engine
from telemetry.store.group_commit import GroupCommit
from telemetry.store.histogram_metrics import HistogramMetrics
from telemetry.store.last_seen import LastSeen
from telemetry.store.limits import Refused, shown, summarised
from telemetry.store.metadata import MetadataTable
from telemetry.store.registry import Registry, Resolution
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.settings import StoreSettings
from telemetry.store.time_limits import TimeWindow, time_window

KIND: Final = "histograms"

CommitSeries = Callable[[dict[int, Labels], NDArray[np.int64], NDArray[np.int64]], None]
"""Writes the series among (labels by dense number) that rows of (numbers, timestamps in ms) make due."""


@dataclass(frozen=True, slots=True)
class PendingHistograms:
    """Accepted samples of one request."""

    indices: NDArray[np.int64]
    """Dense numbers of the series."""
    timestamps_ms: NDArray[np.int64]
    histograms: Sequence[Histogram]
    sighted: dict[int, Labels]
    metadata: Sequence[MetricMetadata]


class HistogramWriter:
    """Takes batches from any thread and commits them in groups."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry[bytes],
        commit_series: CommitSeries,
        tell: Callable[[NDArray[np.int64]], None],
        metadata: MetadataTable,
        metrics: HistogramMetrics,
        settings: StoreSettings,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._catalogue = registry.catalogue
        self._commit_series = commit_series
        self._tell = tell
        self._metadata = metadata
        self._metrics = metrics
        self._settings = settings
        self.last_seen = LastSeen(self._catalogue.service_names)
        self.queue: GroupCommit[PendingHistograms] = GroupCommit(KIND, self._commit, settings)

    def write(
        self, batch: HistogramBatch, *, service: str | None, max_new_series: int | None
    ) -> "Future[WriteReceipt]":
        """Queue the acceptable part of `batch`; the future is resolved once it is committed.

        Raises StoreBusy or StoreUnavailable at once, with nothing taken.
        """
        self.queue.admit(len(batch))
        most_new = self._settings.max_new_series_per_request if max_new_series is None else max_new_series
        resolution = self._registry.resolve(batch.key_space, service or "", batch.keys, batch.decode_key, most_new)
        window = time_window("sample_retention_days", self._settings)
        indices = resolution.indices[batch.key_index]
        kept = np.flatnonzero((indices >= 0) & window.accepts(batch.timestamps_ms))
        refusals = () if len(kept) == len(batch) else summarised(_refused(batch, resolution, window))
        pending = self._pending(batch, resolution, indices, kept)
        future = self.queue.submit(len(kept), pending, WriteReceipt(len(kept), refusals))
        _count(len(kept), refusals)
        return future

    def _pending(
        self, batch: HistogramBatch, resolution: Resolution, indices: NDArray[np.int64], kept: NDArray[np.int64]
    ) -> PendingHistograms:
        overdue = kept[self._catalogue.overdue(indices[kept], batch.timestamps_ms[kept])]
        sighted = {
            int(resolution.indices[position]): resolution.decoded.get(position)
            or batch.decode_key(batch.keys[position])
            for position in np.unique(batch.key_index[overdue]).tolist()
        }
        histograms = [batch.histograms[row] for row in kept.tolist()]
        return PendingHistograms(indices[kept], batch.timestamps_ms[kept], histograms, sighted, batch.metadata)

    def _commit(self, group: list[PendingHistograms]) -> None:
        """Series and names of metrics first, so that every committed sample is found."""
        indices = np.concatenate([pending.indices for pending in group])
        timestamps = np.concatenate([pending.timestamps_ms for pending in group])
        self._commit_series({k: v for pending in group for k, v in pending.sighted.items()}, indices, timestamps)
        self._metadata.write((entry for pending in group for entry in pending.metadata), INSERT_SETTINGS)
        if not len(indices):
            return
        codes = np.unique(self._catalogue.metrics.view[indices]).tolist()
        self._metrics.note((self._catalogue.metric_names.names[code] for code in codes), INSERT_SETTINGS)
        histograms = [histogram for pending in group for histogram in pending.histograms]
        self._engine.insert(
            "histogram_samples", _rows(self._catalogue, indices, timestamps, histograms), INSERT_SETTINGS
        )
        self.last_seen.note(self._catalogue.services.view[indices], timestamps)
        self._tell(timestamps)


def _rows(
    catalogue: Catalogue,
    indices: NDArray[np.int64],
    timestamps_ms: NDArray[np.int64],
    histograms: Sequence[Histogram],
) -> pa.Table:
    columns = HistogramColumns.of([_with_trusted_hint(histogram) for histogram in histograms])
    return pa.table(
        {
            "metric": catalogue.metric_names.dictionary_array(catalogue.metrics.view[indices]),
            "series": pa.array(catalogue.ids.view[indices]),
            "timestamp": pa.array(timestamps_ms, pa.timestamp("ms", "UTC")),
            "bucket_schema": pa.array(columns.schemas),
            "reset_hint": pa.array(columns.hints),
            "count": pa.array(columns.counts),
            "sum": pa.array(columns.sums),
            "zero_threshold": pa.array(columns.zero_thresholds),
            "zero_count": pa.array(columns.zero_counts),
            "positive_indices": _list_array(columns.positive_indices, pa.int32()),
            "positive_counts": _list_array(columns.positive_counts, pa.float64()),
            "negative_indices": _list_array(columns.negative_indices, pa.int32()),
            "negative_counts": _list_array(columns.negative_counts, pa.float64()),
            "custom_bounds": _list_array(columns.custom_bounds, pa.float64()),
        }
    )


def _with_trusted_hint(histogram: Histogram) -> Histogram:
    """A sender's "no reset" holds only for the sample before in its own stream, which need not be the one before
    in the store; so it is not kept."""
    if histogram.hint is not ResetHint.NOT_RESET:
        return histogram
    return replace(histogram, hint=ResetHint.UNKNOWN)


def _list_array(lists: Lists, kind: pa.DataType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(lists.offsets, pa.int32()), pa.array(lists.items).cast(kind))


def _refused(batch: HistogramBatch, resolution: Resolution, window: TimeWindow) -> Iterator[tuple[Refused, int]]:
    samples = np.bincount(batch.key_index, minlength=len(batch.keys))
    yield from ((refused, int(samples[position])) for position, refused in resolution.refused.items())
    taken = np.flatnonzero(resolution.indices[batch.key_index] >= 0)

    def describe(position: int) -> str:
        return shown(batch.decode_key(batch.keys[int(batch.key_index[taken[position]])]))

    yield from window.refusals(batch.timestamps_ms[taken], describe)


def _count(accepted: int, refusals: Sequence[Refusal]) -> None:
    own_metrics.ACCEPTED.labels(KIND).inc(accepted)
    for refusal in refusals:
        own_metrics.REFUSED.labels(KIND, refusal.reason).inc(refusal.count)
