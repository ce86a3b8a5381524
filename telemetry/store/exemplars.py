"""Exemplars on their way in and out: series and limits as for samples, rows in a table of their own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.exemplars import Exemplar, ExemplarBatch
from telemetry.model.labels import Labels
from telemetry.model.samples import SeriesSet, WriteReceipt
from telemetry.model.time import TimeRange
from telemetry.store import own_metrics
from telemetry.store.conditions import Conditions, instant_ms
from telemetry.store.engine import Engine, Settings
from telemetry.store.group_commit import GroupCommit
from telemetry.store.grouping import rows_of
from telemetry.store.known import milliseconds
from telemetry.store.limits import Refused, shown, summarised
from telemetry.store.registry import Registry, Resolution
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.series_reader import labels_of, metric_names
from telemetry.store.settings import StoreSettings
from telemetry.store.time_limits import TimeWindow, time_window

KIND: Final = "exemplars"

CommitSeries = Callable[[dict[int, Labels], NDArray[np.int64], NDArray[np.int64]], None]
"""Writes the series among (labels by dense number) that rows of (numbers, timestamps in ms) make due."""


@dataclass(frozen=True, slots=True)
class PendingExemplars:
    """Accepted exemplars of one request."""

    indices: NDArray[np.int64]
    """Dense numbers of the series."""
    timestamps_ms: NDArray[np.int64]
    exemplars: Sequence[Exemplar]
    sighted: dict[int, Labels]


class ExemplarWriter:
    """Takes batches from any thread and commits them in groups."""

    def __init__(
        self, engine: Engine, registry: Registry[bytes], commit_series: CommitSeries, settings: StoreSettings
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._catalogue = registry.catalogue
        self._commit_series = commit_series
        self._settings = settings
        self.queue: GroupCommit[PendingExemplars] = GroupCommit(KIND, self._commit, settings)

    def write(self, batch: ExemplarBatch, *, service: str | None) -> "Future[WriteReceipt]":
        """Queue the acceptable part of `batch`; the future is resolved once it is committed.

        Raises StoreBusy or StoreUnavailable at once, with nothing taken.
        """
        self.queue.admit(len(batch))
        most_new = self._settings.max_new_series_per_request
        resolution = self._registry.resolve(batch.key_space, service or "", batch.keys, batch.decode_key, most_new)
        window = time_window("exemplar_retention_days", self._settings)
        positions = np.array(batch.key_index, dtype=np.int64)
        timestamps = np.array([exemplar.timestamp_ms for exemplar in batch.exemplars], dtype=np.int64)
        indices = resolution.indices[positions]
        kept = np.flatnonzero((indices >= 0) & window.accepts(timestamps))
        refused = () if len(kept) == len(batch) else _refused(batch, positions, timestamps, resolution, window)
        refusals = summarised(refused)
        sighted = self._sighted(batch, resolution, positions[kept], timestamps[kept])
        exemplars = [batch.exemplars[row] for row in kept.tolist()]
        pending = PendingExemplars(indices[kept], timestamps[kept], exemplars, sighted)
        future = self.queue.submit(len(kept), pending, WriteReceipt(len(kept), refusals))
        own_metrics.ACCEPTED.labels(KIND).inc(len(kept))
        for refusal in refusals:
            own_metrics.REFUSED.labels(KIND, refusal.reason).inc(refusal.count)
        return future

    def _sighted(
        self,
        batch: ExemplarBatch,
        resolution: Resolution,
        positions: NDArray[np.int64],
        timestamps_ms: NDArray[np.int64],
    ) -> dict[int, Labels]:
        overdue = positions[self._catalogue.overdue(resolution.indices[positions], timestamps_ms)]
        return {
            int(resolution.indices[position]): resolution.decoded.get(position)
            or batch.decode_key(batch.keys[position])
            for position in np.unique(overdue).tolist()
        }

    def _commit(self, group: list[PendingExemplars]) -> None:
        indices = np.concatenate([pending.indices for pending in group])
        timestamps = np.concatenate([pending.timestamps_ms for pending in group])
        self._commit_series({k: v for pending in group for k, v in pending.sighted.items()}, indices, timestamps)
        exemplars = [exemplar for pending in group for exemplar in pending.exemplars]
        if exemplars:
            codes = self._catalogue.metrics.view[indices]
            metric = self._catalogue.metric_names.dictionary_array(codes)
            columns = _columns(exemplars, self._catalogue.ids.view[indices], metric)
            self._engine.insert("exemplars", columns, INSERT_SETTINGS)


def _columns(exemplars: Sequence[Exemplar], ids: NDArray[np.uint64], metric: pa.Array) -> pa.Table:
    labels = pa.array([exemplar.labels for exemplar in exemplars], pa.map_(pa.string(), pa.string()))
    return pa.table(
        {
            "metric": metric,
            "series": pa.array(ids),
            "timestamp": pa.array([exemplar.timestamp_ms for exemplar in exemplars], pa.timestamp("ms", "UTC")),
            "value": pa.array([exemplar.value for exemplar in exemplars], pa.float64()),
            "labels": labels,
        }
    )


def _refused(
    batch: ExemplarBatch,
    positions: NDArray[np.int64],
    timestamps_ms: NDArray[np.int64],
    resolution: Resolution,
    window: TimeWindow,
) -> Iterator[tuple[Refused, int]]:
    counts = np.bincount(positions, minlength=len(batch.keys))
    yield from ((refused, int(counts[position])) for position, refused in resolution.refused.items())
    taken = np.flatnonzero(resolution.indices[positions] >= 0)

    def describe(position: int) -> str:
        return f"an exemplar of {shown(batch.decode_key(batch.keys[int(positions[taken[position]])]))}"

    yield from window.refusals(timestamps_ms[taken], describe)


class ExemplarReader:
    """Reads the table `exemplars`."""

    def __init__(self, engine: Engine, read_settings: Settings, settings: StoreSettings) -> None:
        self._engine = engine
        self._read_settings = {**read_settings, "max_rows_to_read": settings.max_query_samples}

    def read(self, series: SeriesSet, time_range: TimeRange) -> list[list[Exemplar]]:
        """Exemplars of each row of `series` with start_ms <= t <= end_ms, ascending. Raises LimitExceeded."""
        found: list[list[Exemplar]] = [[] for _ in series.labels]
        if not len(series):
            return found
        conditions = Conditions()
        start, end = instant_ms(conditions, time_range.start_ms), instant_ms(conditions, time_range.end_ms)
        rows = self._engine.arrow(
            f"SELECT series, timestamp, value, labels FROM exemplars FINAL "
            f"WHERE metric IN {conditions.bind(metric_names(series.labels), 'Array(String)')} "
            f"AND series IN {conditions.bind(series.ids.tolist(), 'Array(UInt64)')} "
            f"AND timestamp >= {start} AND timestamp <= {end} ORDER BY timestamp",
            conditions.parameters,
            self._read_settings,
        )
        if rows.num_rows:
            of_series = rows_of(series, rows["series"].to_numpy()).tolist()
            times, values = milliseconds(rows["timestamp"]).tolist(), rows["value"].to_pylist()
            for row, at, value, labels in zip(of_series, times, values, labels_of(rows["labels"]), strict=True):
                found[row].append(Exemplar(at, value, labels))
        return found
