"""Samples on their way in: known series by number, limits by name, one columnar insert a group."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.labels import Labels
from telemetry.model.samples import MetricMetadata, Refusal, SampleBatch, WriteReceipt
from telemetry.store import own_metrics
from telemetry.store.commits import CommitListener, CommittedSamples, CommittedSeries
from telemetry.store.engine import Engine
from telemetry.store.group_commit import GroupCommit
from telemetry.store.last_seen import LastSeen
from telemetry.store.limits import Refused, shown, summarised
from telemetry.store.metadata import MetadataTable
from telemetry.store.registry import Registry, Resolution
from telemetry.store.sample_blocks import SampleSink
from telemetry.store.sample_buffer import BufferedSamples
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.settings import StoreSettings
from telemetry.store.sightings import Sightings, collect_sightings, sighting_columns
from telemetry.store.time_limits import TimeWindow, time_window


@dataclass(frozen=True, slots=True)
class PendingSamples:
    """Accepted samples of one request, as columns of equal length."""

    indices: NDArray[np.int64]
    """Dense numbers of the series."""
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    sighted: dict[int, Labels]
    """Series that may have to be written to their table, by dense number."""
    metadata: Sequence[MetricMetadata]


class SampleWriter:
    """Takes batches from any thread and commits them in groups."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry[bytes],
        metadata: MetadataTable,
        sink: SampleSink,
        settings: StoreSettings,
    ) -> None:
        self._engine = engine
        self._sink = sink
        self._registry = registry
        self._catalogue = registry.catalogue
        self._settings = settings
        self._metadata = metadata
        self.last_seen = LastSeen(self._catalogue.service_names)
        self.listeners: list[CommitListener] = []
        self._telling = threading.Lock()
        """Listeners are told one thing after the other, whichever thread commits."""
        self.queue: GroupCommit[PendingSamples] = GroupCommit("samples", self._commit, settings)

    def write(self, batch: SampleBatch, *, service: str | None, max_new_series: int | None) -> "Future[WriteReceipt]":
        """Queue the acceptable part of `batch`; the future is resolved once it is committed.

        Raises StoreBusy or StoreUnavailable at once, with nothing taken.
        """
        self.queue.admit(len(batch))
        most_new = self._settings.max_new_series_per_request if max_new_series is None else max_new_series
        resolution = self._resolved(batch, service or "", most_new)
        window = time_window("sample_retention_days", self._settings)
        indices = resolution.indices[batch.key_index]
        kept = (indices >= 0) & window.accepts(batch.timestamps_ms)
        pending = self._pending(batch, resolution, indices, None if kept.all() else kept)
        self._catalogue.limits.take_samples(
            self._catalogue.service_names.names, self._catalogue.services.view[pending.indices]
        )
        refusals = () if len(pending.indices) == len(batch) else _refusals(batch, resolution, window)
        future = self.queue.submit(len(pending.indices), pending, WriteReceipt(len(pending.indices), refusals))
        _count(len(pending.indices), refusals)
        return future

    def _resolved(self, batch: SampleBatch, bound: str, most_new: int) -> Resolution:
        if batch.numbers is not None:
            return self._registry.resolve_numbered(
                batch.key_space, bound, batch.keys, batch.decode_key, most_new, batch.numbers
            )
        return self._registry.resolve(batch.key_space, bound, batch.keys, batch.decode_key, most_new)

    def _pending(
        self, batch: SampleBatch, resolution: Resolution, indices: NDArray[np.int64], kept: NDArray[np.bool_] | None
    ) -> PendingSamples:
        positions, timestamps, values = batch.key_index, batch.timestamps_ms, batch.values
        if kept is not None:
            indices, positions, timestamps, values = indices[kept], positions[kept], timestamps[kept], values[kept]
        overdue = self._catalogue.overdue(indices, timestamps)
        sighted = {
            int(resolution.indices[position]): _labels(batch, resolution, position)
            for position in np.unique(positions[overdue]).tolist()
        }
        return PendingSamples(indices, timestamps, values, sighted, batch.metadata)

    def _commit(self, group: list[PendingSamples]) -> None:
        """Series first, so that no committed sample is without its labels."""
        indices = np.concatenate([pending.indices for pending in group])
        timestamps = np.concatenate([pending.timestamps_ms for pending in group])
        self.commit_series({k: v for pending in group for k, v in pending.sighted.items()}, indices, timestamps)
        self._metadata.write((entry for pending in group for entry in pending.metadata), INSERT_SETTINGS)
        if len(indices):
            values = np.concatenate([pending.values for pending in group])
            self._commit_samples(self._samples(indices, timestamps, values))

    def _commit_samples(self, samples: CommittedSamples) -> None:
        self._sink.add(samples.ids, BufferedSamples(samples.numbers, samples.timestamps_ms, samples.values))
        self.last_seen.note(self._catalogue.services.view[samples.numbers], samples.timestamps_ms)
        with self._telling:
            for listener in self.listeners:
                listener.samples_committed(samples)

    def commit_series(
        self, sighted: dict[int, Labels], indices: NDArray[np.int64], timestamps_ms: NDArray[np.int64]
    ) -> None:
        """Write those series of `sighted` that rows of these numbers and times make due. From any thread."""
        sightings = collect_sightings(self._catalogue, sighted, indices, timestamps_ms)
        if len(sightings):
            self._engine.insert("series", self._series_columns(sightings), INSERT_SETTINGS)
            with self._registry.lock:
                self._catalogue.confirm(sightings.indices, sightings.first_ms, sightings.last_ms)
            with self._telling:
                for listener in self.listeners:
                    listener.series_committed(self._committed_series(sightings))

    def tell_of_histograms(self, timestamps_ms: NDArray[np.int64]) -> None:
        """Tell the listeners of committed native histograms. From any thread."""
        with self._telling:
            for listener in self.listeners:
                listener.histograms_committed(timestamps_ms)

    def _series_columns(self, sightings: Sightings) -> pa.Table:
        codes = self._catalogue.metrics.view[sightings.indices]
        metric = self._catalogue.metric_names.dictionary_array(codes)
        return pa.table({"metric": metric, **sighting_columns(self._catalogue, sightings)})

    def _committed_series(self, sightings: Sightings) -> CommittedSeries:
        services = self._catalogue.services.view[sightings.indices].tolist()
        return CommittedSeries(
            numbers=sightings.indices,
            ids=self._catalogue.ids.view[sightings.indices],
            labels=sightings.labels,
            services=[self._catalogue.service_names.names[code] for code in services],
            first_ms=sightings.first_ms,
            last_ms=sightings.last_ms,
        )

    def _samples(
        self, indices: NDArray[np.int64], timestamps_ms: NDArray[np.int64], values: NDArray[np.float64]
    ) -> CommittedSamples:
        return CommittedSamples(
            numbers=indices,
            ids=self._catalogue.ids.view[indices],
            metric_codes=self._catalogue.metrics.view[indices],
            metric_names=self._catalogue.metric_names.names,
            timestamps_ms=timestamps_ms,
            values=values,
        )


def _labels(batch: SampleBatch, resolution: Resolution, position: int) -> Labels:
    return resolution.decoded.get(position) or batch.decode_key(batch.keys[position])


def _refusals(batch: SampleBatch, resolution: Resolution, window: TimeWindow) -> tuple[Refusal, ...]:
    return summarised([*_refused_series(batch, resolution), *_refused_times(batch, resolution, window)])


def _refused_series(batch: SampleBatch, resolution: Resolution) -> Iterator[tuple[Refused, int]]:
    if resolution.refused:
        samples = np.bincount(batch.key_index, minlength=len(batch.keys))
        yield from ((refused, int(samples[position])) for position, refused in resolution.refused.items())


def _refused_times(batch: SampleBatch, resolution: Resolution, window: TimeWindow) -> Iterator[tuple[Refused, int]]:
    taken = np.flatnonzero(resolution.indices[batch.key_index] >= 0)

    def describe(position: int) -> str:
        return shown(batch.decode_key(batch.keys[int(batch.key_index[taken[position]])]))

    yield from window.refusals(batch.timestamps_ms[taken], describe)


def _count(accepted: int, refusals: Sequence[Refusal]) -> None:
    own_metrics.ACCEPTED.labels("samples").inc(accepted)
    for refusal in refusals:
        own_metrics.REFUSED.labels("samples", refusal.reason).inc(refusal.count)
