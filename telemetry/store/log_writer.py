"""Log records on their way in: streams by number, long lines cut and marked, one columnar insert a group."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.labels import Labels
from telemetry.model.logs import LogBatch
from telemetry.model.samples import Refusal, WriteReceipt
from telemetry.store import own_metrics
from telemetry.store.engine import Engine
from telemetry.store.group_commit import GroupCommit
from telemetry.store.last_seen import LastSeen
from telemetry.store.limits import Refused, shown, summarised
from telemetry.store.live_feed import CommittedLogs, LiveFeed
from telemetry.store.log_buffer import LogSink
from telemetry.store.log_rules import LogRules, LogRulesNow
from telemetry.store.registry import Registry, Resolution
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.sampling import Sampling
from telemetry.store.settings import StoreSettings
from telemetry.store.sightings import Sightings, collect_sightings, sighting_columns
from telemetry.store.stream_index import KnownStream, StreamIndex
from telemetry.store.text import cut_line, text_array
from telemetry.store.time_limits import TimeWindow, time_window

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class PendingRecords:
    """Accepted records of one request."""

    indices: NDArray[np.int64]
    """Dense numbers of the streams."""
    timestamps_ms: NDArray[np.int64]
    columns: pa.Table
    """The columns of log_records except service and stream."""
    sighted: dict[int, Labels]
    streams: Sequence[Labels]
    stream_index: NDArray[np.int64]
    """Position in `streams` of each record."""


class LogWriter:
    """Takes batches from any thread and commits them in groups."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry[Labels],
        sink: LogSink,
        settings: StoreSettings,
        index: StreamIndex | None = None,
        rules: LogRulesNow = LogRules,
    ) -> None:
        self._engine = engine
        self._index = index
        self._sink = sink
        self._registry = registry
        self._catalogue = registry.catalogue
        self._settings = settings
        self.last_seen = LastSeen(self._catalogue.service_names)
        self.feed = LiveFeed()
        self.rules = rules
        """Tells what is replaced and left out before anything is stored; may be exchanged at any time."""
        self._redaction = LogRules().redaction
        self.queue: GroupCommit[PendingRecords] = GroupCommit("logs", self._commit, settings)

    def write(self, batch: LogBatch, *, service: str | None) -> "Future[WriteReceipt]":
        """Queue the acceptable part of `batch`; the future is resolved once it is committed.

        Raises StoreBusy or StoreUnavailable at once, with nothing taken.
        """
        self.queue.admit(len(batch))
        most_new = self._settings.max_new_series_per_request
        resolution = self._registry.resolve("", service or "", batch.streams, _as_sent, most_new)
        window = time_window("log_retention_days", self._settings)
        indices = resolution.indices[batch.stream_index]
        timestamps_ms = batch.timestamps_ns // NS_PER_MS
        kept = (indices >= 0) & window.accepts(timestamps_ms)
        accepted = int(kept.sum())
        rules = self.rules()
        self._redaction = rules.redaction
        pending = self._pending(batch, indices, timestamps_ms, kept, rules.sampling)
        refusals = () if kept.all() else _refusals(batch, resolution, timestamps_ms, window)
        future = self.queue.submit(len(pending.indices), pending, WriteReceipt(accepted, refusals))
        _count(accepted, refusals)
        return future

    def _pending(
        self,
        batch: LogBatch,
        indices: NDArray[np.int64],
        timestamps_ms: NDArray[np.int64],
        kept: NDArray[np.bool_],
        sampling: Sampling,
    ) -> PendingRecords:
        columns, positions = self._columns(batch), batch.stream_index
        if not kept.all():
            columns = columns.filter(pa.array(kept))
            indices, timestamps_ms, positions = indices[kept], timestamps_ms[kept], positions[kept]
        if sampling.is_on:
            codes = self._catalogue.services.view[indices]
            stay = sampling.kept(self._catalogue.service_names.names, codes, columns)
            columns = columns.filter(pa.array(stay))
            indices, timestamps_ms, positions = indices[stay], timestamps_ms[stay], positions[stay]
        overdue = self._catalogue.overdue(indices, timestamps_ms)
        sighted = dict(zip(indices[overdue].tolist(), map(batch.streams.__getitem__, positions[overdue]), strict=True))
        return PendingRecords(indices, timestamps_ms, columns, sighted, batch.streams, positions)

    def _columns(self, batch: LogBatch) -> pa.Table:
        most = self._settings.max_line_bytes
        return pa.table(
            {
                "timestamp": pa.array(batch.timestamps_ns, pa.timestamp("ns", "UTC")),
                "observed_timestamp": pa.array(batch.observed_timestamps_ns, pa.timestamp("ns", "UTC")),
                "severity_number": pa.array(batch.severity_numbers),
                "severity_text": text_array(batch.severity_texts),
                "body": text_array([body if len(body) * 4 <= most else cut_line(body, most) for body in batch.bodies]),
                "trace_id": text_array(batch.trace_ids),
                "span_id": text_array(batch.span_ids),
                "attributes": text_array(batch.attributes),
            }
        )

    def _commit(self, group: list[PendingRecords]) -> None:
        """Streams first, so that no committed record is without its labels."""
        indices = np.concatenate([pending.indices for pending in group])
        timestamps = np.concatenate([pending.timestamps_ms for pending in group])
        self._commit_streams({k: v for pending in group for k, v in pending.sighted.items()}, indices, timestamps)
        if len(indices):
            codes = self._catalogue.services.view[indices]
            table = pa.concat_tables([pending.columns for pending in group])
            table = table.append_column("service", self._catalogue.service_names.dictionary_array(codes))
            table = table.append_column("stream", pa.array(self._catalogue.ids.view[indices]))
            if self._redaction.is_on:
                table = self._redaction.applied(table)
            self._sink.add(table)
            self.last_seen.note(codes, timestamps)
            self._publish(group, table)

    def _publish(self, group: list[PendingRecords], stored: pa.Table) -> None:
        """Watchers get what was stored, never what was redacted from it."""
        if not self.feed.is_watched:
            return
        names, start = self._catalogue.service_names.names, 0
        for pending in group:
            if size := len(pending.indices):
                services = [names[code] for code in self._catalogue.services.view[pending.indices].tolist()]
                columns = stored.slice(start, size)
                self.feed.publish(CommittedLogs(pending.streams, pending.stream_index, services, columns))
                start += size

    def _commit_streams(
        self, sighted: dict[int, Labels], indices: NDArray[np.int64], timestamps_ms: NDArray[np.int64]
    ) -> None:
        sightings = collect_sightings(self._catalogue, sighted, indices, timestamps_ms)
        if len(sightings):
            self._engine.insert("log_streams", self._stream_columns(sightings), INSERT_SETTINGS)
            with self._registry.lock:
                self._catalogue.confirm(sightings.indices, sightings.first_ms, sightings.last_ms)
            if self._index:
                self._index.add(self._known_streams(sightings))

    def _known_streams(self, sightings: Sightings) -> list[KnownStream]:
        names = self._catalogue.service_names.names
        ids = self._catalogue.ids.view[sightings.indices].tolist()
        services = self._catalogue.services.view[sightings.indices].tolist()
        times = sightings.first_ms.tolist(), sightings.last_ms.tolist()
        return [
            KnownStream(identity, labels, frozenset([names[service]]), first_ms, last_ms)
            for identity, labels, service, first_ms, last_ms in zip(
                ids, sightings.labels, services, *times, strict=True
            )
        ]

    def _stream_columns(self, sightings: Sightings) -> pa.Table:
        names = self._catalogue.service_names.names
        services = [[names[code]] for code in self._catalogue.services.view[sightings.indices].tolist()]
        written_as = pa.array(services, pa.list_(pa.string()))
        return pa.table({"written_as": written_as, **sighting_columns(self._catalogue, sightings)})


def _as_sent(labels: Labels) -> Labels:
    return labels


def _refusals(
    batch: LogBatch, resolution: Resolution, timestamps_ms: NDArray[np.int64], window: TimeWindow
) -> tuple[Refusal, ...]:
    refused = [*_refused_streams(batch, resolution), *_refused_times(batch, resolution, timestamps_ms, window)]
    return summarised(refused)


def _refused_streams(batch: LogBatch, resolution: Resolution) -> Iterator[tuple[Refused, int]]:
    if resolution.refused:
        records = np.bincount(batch.stream_index, minlength=len(batch.streams))
        yield from ((refused, int(records[position])) for position, refused in resolution.refused.items())


def _refused_times(
    batch: LogBatch, resolution: Resolution, timestamps_ms: NDArray[np.int64], window: TimeWindow
) -> Iterator[tuple[Refused, int]]:
    taken = np.flatnonzero(resolution.indices[batch.stream_index] >= 0)

    def describe(position: int) -> str:
        return shown(batch.streams[int(batch.stream_index[taken[position]])])

    yield from window.refusals(timestamps_ms[taken], describe)


def _count(accepted: int, refusals: Sequence[Refusal]) -> None:
    own_metrics.ACCEPTED.labels("logs").inc(accepted)
    for refusal in refusals:
        own_metrics.REFUSED.labels("logs", refusal.reason).inc(refusal.count)
