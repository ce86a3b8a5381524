"""The store as the rest of the product sees it: one object, safe to use from any thread."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.exemplars import Exemplar, ExemplarBatch
from telemetry.model.histograms import HistogramBatch, RawHistograms
from telemetry.model.labels import Labels, Matcher
from telemetry.model.logs import LogBatch, LogRecord
from telemetry.model.samples import Frame, MetricMetadata, RawColumns, SampleBatch, SeriesSet, WriteReceipt
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store.cardinality import CardinalityQuery, CardinalityReader, CardinalityRow, CardinalityTotals
from telemetry.store.catalogue import Catalogue, ResolveService
from telemetry.store.commit_times import CommitTimes
from telemetry.store.commits import CommitListener
from telemetry.store.engine import Engine
from telemetry.store.exemplars import ExemplarReader, ExemplarWriter
from telemetry.store.histogram_metrics import HistogramMetrics
from telemetry.store.histogram_reader import HistogramReader
from telemetry.store.histogram_writer import HistogramWriter
from telemetry.store.housekeeping import Housekeeping
from telemetry.store.journal import Journal
from telemetry.store.known import load_known
from telemetry.store.label_index import LabelIndex
from telemetry.store.limits import check_metric_name
from telemetry.store.live_feed import LiveFeed
from telemetry.store.log_buffer import TABLE, DirectLogInserts, LogBuffer, LogSink, replay_logs
from telemetry.store.log_counts import CountQuery, LineCounter
from telemetry.store.log_fields import LogFields
from telemetry.store.log_lines import LineQuery, LineReader, StreamSet
from telemetry.store.log_query_limit import log_read_settings
from telemetry.store.log_reader import LogReader
from telemetry.store.log_rules import LogRules, LogRulesNow
from telemetry.store.log_writer import LogWriter
from telemetry.store.memory import StoreMemory
from telemetry.store.metadata import MetadataTable
from telemetry.store.migrate import migrate
from telemetry.store.pattern_queries import ErrorGroup, LogPattern, PatternSeries
from telemetry.store.pattern_reader import PatternReader
from telemetry.store.pattern_watch import PatternWatch
from telemetry.store.queries import (
    GridFunction,
    LogDeletion,
    LogExtent,
    LogFacets,
    LogHistogram,
    LogQuery,
    ServiceSeen,
    ServiceVolume,
    TableUsage,
)
from telemetry.store.query_log import QueryLog, QueryNote, Reads
from telemetry.store.redaction import redaction_from
from telemetry.store.registry import Registry
from telemetry.store.sample_blocks import BlockInserter, DirectInserts, SampleSink, replay
from telemetry.store.sample_buffer import SampleBuffer
from telemetry.store.sample_reader import SampleReader
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.sample_writer import SampleWriter
from telemetry.store.selector_retention import Removal, SelectorRetention
from telemetry.store.series_reader import SeriesReader
from telemetry.store.series_statistics import SeriesStatistics, series_statistics
from telemetry.store.service_limits import LimitsByService, ServiceLimits
from telemetry.store.settings import StoreSettings
from telemetry.store.stream_index import StreamIndex, load_streams
from telemetry.store.upkeep import SIGNAL_OF, Upkeep

JOURNAL: Final = "journal"
"""Folder inside the directory of an embedded engine."""
LOG_JOURNAL: Final = "log-journal"


class TelemetryStore:
    """Samples and log records behind one URL. Open one a process; close it to commit what waits."""

    def __init__(
        self,
        engine: Engine,
        settings: StoreSettings,
        resolve_service: ResolveService,
        limits: LimitsByService = dict,
        log_rules: LogRulesNow | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings
        self._resolve_service = resolve_service
        read = {
            "max_execution_time": settings.query_timeout_seconds,
            "timeout_before_checking_execution_speed": 0,
            "max_memory_usage": settings.query_memory_bytes,
        }
        self._read_settings = read
        catalogue = partial(_catalogue, engine, settings, resolve_service, limits)
        self._series: Registry[bytes] = Registry("samples", catalogue("series"), check_metric_name, settings)
        self._streams: Registry[Labels] = Registry("logs", catalogue("log_streams"), _any_labels, settings)
        self._metadata = MetadataTable(engine)
        self._sink = _sample_sink(engine, self._series.catalogue, settings)
        self._samples = SampleWriter(
            engine, self._series, self._metadata, self._sink, _commit_settings(engine, settings)
        )
        self._histogram_metrics = HistogramMetrics(engine)
        self._histograms = HistogramWriter(
            engine,
            self._series,
            self._samples.commit_series,
            self._samples.tell_of_histograms,
            self._metadata,
            self._histogram_metrics,
            settings,
        )
        self._exemplars = ExemplarWriter(engine, self._series, self._samples.commit_series, settings)
        self._exemplar_reader = ExemplarReader(engine, read, settings)
        self._log_sink = _log_sink(engine, settings)
        self._stream_index = StreamIndex(partial(load_streams, engine)) if engine.embedded else None
        constant = LogRules(redaction_from(settings.redact, settings.redact_patterns))
        self._logs = LogWriter(
            engine,
            self._streams,
            self._log_sink,
            _commit_settings(engine, settings),
            self._stream_index,
            log_rules or (lambda: constant),
        )
        self._series_reader = SeriesReader(engine, settings, read)
        self._sample_reader = SampleReader(engine, settings, read)
        self._histogram_reader = HistogramReader(engine, settings, read, self._histogram_metrics)
        self._log_reader = LogReader(engine, settings, read)
        self.log_fields = LogFields(engine)
        self._cardinality = CardinalityReader(engine, read)
        self._selector_retention = SelectorRetention(engine, read)
        self._line_reader = LineReader(engine, settings, read, self.log_fields, self._stream_index)
        self._line_counter = LineCounter(engine, log_read_settings(settings, read), self.log_fields)
        self._upkeep = Upkeep(engine, read)
        self._housekeeping = Housekeeping(engine, self.log_fields)
        self._pattern_reader = PatternReader(engine, read)
        self._patterns = PatternWatch(engine, self._logs.feed, settings, INSERT_SETTINGS)
        self._memory = StoreMemory(engine, self._sink, settings.recent_bytes) if engine.embedded else None
        if self._memory:
            self.add_commit_listener(self._memory)
        self.commit_times = CommitTimes() if engine.embedded else None
        """What was committed since when; None where other processes write the store too."""
        if self.commit_times:
            self.add_commit_listener(self.commit_times)
        self._query_log = QueryLog(engine, INSERT_SETTINGS, read)

    @classmethod
    def open(
        cls,
        url: str,
        settings: StoreSettings,
        *,
        resolve_service: ResolveService,
        limits: LimitsByService = dict,
        log_rules: LogRulesNow | None = None,
    ) -> "TelemetryStore":
        """Connect to `chdb:///DIR` or `clickhouse://USER:PASSWORD@HOST:PORT/DATABASE`; bring the schema up to date.

        `resolve_service(signal, labels, bound)` names the service of each new series ("metrics") or stream ("logs").
        `limits()` tells what single services may send; it is asked often and must be fast.
        `log_rules()` tells what happens to log records before storage, in place of the redaction of the settings.
        Raises InvalidInput for another URL, StoreUnavailable if the engine does not answer or its data is newer.
        """
        engine = Engine.open(url)
        migrate(engine, settings)
        if engine.directory is not None:
            replay(engine, engine.directory / JOURNAL)
            replay_logs(engine, engine.directory / LOG_JOURNAL)
        return cls(engine, settings, resolve_service, limits, log_rules)

    # ---- in ------------------------------------------------------------------------------------------------

    def write_samples(
        self, batch: SampleBatch, *, service: str | None = None, max_new_series: int | None = None
    ) -> "Future[WriteReceipt]":
        """Take what is acceptable of `batch`; the future is resolved after its commit.

        `service` is the one the sender is bound to. The receipt names what was refused and why; the future raises
        StoreUnavailable if nothing was committed. Raises StoreBusy at once, taking nothing, if the queue is full.
        """
        return self._samples.write(batch, service=service, max_new_series=max_new_series)

    def write_exemplars(self, batch: ExemplarBatch, *, service: str | None = None) -> "Future[WriteReceipt]":
        """As `write_samples`, for exemplars; they are kept for `exemplar_retention_days`."""
        return self._exemplars.write(batch, service=service)

    def write_histograms(
        self, batch: HistogramBatch, *, service: str | None = None, max_new_series: int | None = None
    ) -> "Future[WriteReceipt]":
        """As `write_samples`, for native histogram samples."""
        return self._histograms.write(batch, service=service, max_new_series=max_new_series)

    def write_logs(self, batch: LogBatch, *, service: str | None = None) -> "Future[WriteReceipt]":
        """As `write_samples`, for log records."""
        return self._logs.write(batch, service=service)

    @property
    def log_rules(self) -> LogRulesNow:
        """Tells what happens to log records before they are stored or shown: redaction and sampling."""
        return self._logs.rules

    @log_rules.setter
    def log_rules(self, rules: LogRulesNow) -> None:
        self._logs.rules = rules

    @property
    def live_logs(self) -> LiveFeed:
        """Log records that this process writes, as soon as they are committed."""
        return self._logs.feed

    def add_commit_listener(self, listener: CommitListener) -> None:
        """Tell `listener` of every group of samples from now on, before its senders are answered."""
        self._samples.listeners.append(listener)

    def remove_commit_listener(self, listener: CommitListener) -> None:
        """Tell `listener` nothing more."""
        self._samples.listeners.remove(listener)

    def flush(self) -> None:
        """Return once everything written before is committed and in the engine."""
        self._samples.queue.flush()
        self._histograms.queue.flush()
        self._exemplars.queue.flush()
        self._logs.queue.flush()
        self._sink.settle()
        self._log_sink.settle()

    def close(self) -> None:
        """Commit what waits, then let the engine go. Later calls raise StoreUnavailable."""
        self._samples.queue.close()
        self._histograms.queue.close()
        self._exemplars.queue.close()
        self._logs.queue.close()
        self._sink.close()
        self._log_sink.close()
        self._patterns.close()
        if self._memory:
            self._memory.close()
        self._housekeeping.close()
        self._query_log.close()
        self.engine.close()

    # ---- out: samples --------------------------------------------------------------------------------------

    def select_series(
        self, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, *, limit: int | None = None
    ) -> SeriesSet:
        """Series that may have samples in `time_range`; matchers of a selector are ANDed, selectors ORed.

        Raises LimitExceeded for more than `limit` series (default: the settings' `max_query_series`).
        """
        if index := self._index:
            most = self.settings.max_query_series if limit is None else limit
            return index.select(selectors, time_range, most)
        return self._series_reader.select(selectors, time_range, limit)

    def read_samples(self, series: SeriesSet, time_range: TimeRange) -> RawColumns:
        """Samples with start_ms <= t <= end_ms (both ends included), by row of `series`, ascending, once each.

        Staleness markers are among them. Raises LimitExceeded before reading more than `max_query_samples`.
        """
        most = self.settings.max_query_samples
        found = self._memory.read_samples(series, time_range, most) if self._memory else None
        if found is not None:
            return found
        self._sink.settle(time_range)
        return self._sample_reader.raw(series, time_range)

    def read_exemplars(self, series: SeriesSet, time_range: TimeRange) -> list[list[Exemplar]]:
        """Exemplars of each row of `series`, ascending, both ends of the range included. Raises LimitExceeded."""
        return self._exemplar_reader.read(series, time_range)

    def has_histograms(self, series: SeriesSet) -> bool:
        """Whether a metric of these series has native histogram samples at any time. Costs no query."""
        return self._histogram_reader.has_any(series)

    def read_histograms(self, series: SeriesSet, time_range: TimeRange) -> RawHistograms | None:
        """As `read_samples`, the native histogram samples of these series; None if there are none."""
        return self._histogram_reader.raw(series, time_range)

    def in_memory(self, time_range: TimeRange) -> bool:
        """Whether all samples of the range are in memory, so that reading them asks nothing of the engine."""
        return self._memory is not None and self._memory.covers(time_range)

    def grid(self, series: SeriesSet, function: GridFunction, grid: TimeGrid, window_ms: int) -> Frame:
        """`function` over the window (t - window_ms, t] of each grid time, computed by the engine.

        One row a row of `series`, in the same order, labels as they are. Raises as `read_samples`.
        """
        self._sink.settle(TimeRange(grid.start_ms - window_ms, grid.end_ms))
        return self._sample_reader.grid(series, function, grid, window_ms)

    def label_names(
        self, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, limit: int | None = None
    ) -> list[str]:
        """Label names of matching series, sorted, at most `limit`."""
        if index := self._index:
            return index.label_names(selectors, time_range, limit)
        return self._series_reader.label_names(selectors, time_range, limit)

    def label_values(
        self, name: str, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, limit: int | None = None
    ) -> list[str]:
        """Values of one label of matching series, sorted, at most `limit`."""
        if index := self._index:
            return index.label_values(name, selectors, time_range, limit)
        return self._series_reader.label_values(name, selectors, time_range, limit)

    def series_statistics(self, limit: int) -> SeriesStatistics:
        """What makes the series: counts by metric and label, `limit` entries a list."""
        return series_statistics(self.engine, limit, self._read_settings)

    def metric_metadata(self, metric: str | None = None, limit: int | None = None) -> list[MetricMetadata]:
        """Type, help and unit of one metric or of all, by name."""
        return self._metadata.read(metric, limit, self._read_settings)

    # ---- out: log records ----------------------------------------------------------------------------------

    def search_logs(self, query: LogQuery) -> list[LogRecord]:
        """One page of records; `query.after(page)` is the query for the next."""
        return self._log_reader.search(query)

    def log_histogram(self, query: LogQuery, step_ms: int) -> LogHistogram:
        """Number of records per step and severity word. Raises LimitExceeded above `max_query_points` steps."""
        return self._log_reader.histogram(query, step_ms)

    def log_facets(self, query: LogQuery, limit: int = 10) -> LogFacets:
        """Most frequent services, severities and stream label values."""
        return self._log_reader.facets(query, limit)

    def log_patterns(self, services: Sequence[str] = ()) -> list[LogPattern]:
        """Templates of the lines of `services` (of all if empty), those of the newest line first."""
        self._patterns.flush()
        return self._pattern_reader.patterns(services)

    def log_pattern_series(
        self, patterns: Sequence[LogPattern], start_ms: int, end_ms: int, step_ms: int, *, severity_min: int = 0
    ) -> list[PatternSeries]:
        """Lines of each pattern per step of whole minutes, most lines first; patterns without any are left out."""
        return self._pattern_reader.pattern_series(patterns, start_ms, end_ms, step_ms, severity_min=severity_min)

    def log_errors(self, services: Sequence[str] = (), seen_since_ms: int = 0) -> list[ErrorGroup]:
        """Errors of `services` (of all if empty) that happened since, one a service, newest first."""
        self._patterns.flush()
        return self._pattern_reader.errors(services, seen_since_ms)

    def log_error_counts(
        self, errors: Sequence[int], start_ms: int, end_ms: int, step_ms: int
    ) -> dict[tuple[str, int], NDArray[np.int64]]:
        """(service, fingerprint) -> int64[T] occurrences per step of whole minutes."""
        return self._pattern_reader.error_counts(errors, start_ms, end_ms, step_ms)

    # ---- what is asked -------------------------------------------------------------------------------------

    def note_query(self, note: QueryNote) -> None:
        """Keep a query in the log, and what it reads; written within seconds, in batches."""
        self._query_log.note(note)

    def recent_queries(self, limit: int = 100) -> list[QueryNote]:
        """The newest queries of the log, newest first."""
        return self._query_log.recent(limit)

    def metric_reads(self) -> dict[str, Reads]:
        """Metric name -> when it was last read by a query, page or rule. Names never read are not among them."""
        return self._query_log.reads("metric")

    def stream_reads(self) -> dict[str, Reads]:
        """As `metric_reads`, for log streams by the selector that read them."""
        return self._query_log.reads("stream")

    # ---- what makes the series -----------------------------------------------------------------------------

    def cardinality(self, query: CardinalityQuery) -> tuple[list[CardinalityRow], CardinalityTotals]:
        """Series by metric, label, value of a label or service, most first; and all that match, each once."""
        self._sink.settle()
        return self._cardinality.rows(query), self._cardinality.totals(query)

    def new_series_per_hour(self, query: CardinalityQuery, hours: Sequence[int]) -> NDArray[np.int64]:
        """int64[len(hours)]: series first seen in the hour that begins at each of `hours` (ms, ascending)."""
        return self._cardinality.new_per_hour(query, hours)

    # ---- retention by selector -----------------------------------------------------------------------------

    def older_samples(self, matchers: Sequence[Matcher], services: Sequence[str] | None, before_ms: int) -> Removal:
        """Samples before `before_ms` of matching series; `services` None is any, an empty list is none."""
        self.flush()
        return self._selector_retention.older(matchers, services, before_ms)

    def remove_older_samples(
        self, matchers: Sequence[Matcher], services: Sequence[str] | None, before_ms: int
    ) -> Removal:
        """Delete what `older_samples` counts; what was deleted."""
        self.flush()
        removed = self._selector_retention.remove(matchers, services, before_ms)
        if removed.rows:
            self._tell_of_change()
        return removed

    def select_log_streams(self, matchers: Sequence[Matcher], start_ns: int, end_ns: int) -> StreamSet:
        """Streams that match and may have lines between. Raises LimitExceeded above `max_query_series`."""
        return self._line_reader.streams(matchers, start_ns, end_ns)

    def read_log_lines(self, query: LineQuery) -> pa.Table:
        """Columns stream (id), time (int64 ns), line, metadata. Raises LimitExceeded above `max_query_log_lines`."""
        return self._line_reader.lines(query)

    def count_log_lines(self, query: CountQuery) -> pa.Table:
        """Columns stream (id), metadata, bucket, amount, unsure: counted in the engine, no line leaves it."""
        return self._line_counter.counts(query)

    # ---- upkeep --------------------------------------------------------------------------------------------

    def usage(self) -> list[TableUsage]:
        """Rows and bytes on disk of each table."""
        self._log_sink.settle()
        self._sink.settle()
        return self._upkeep.usage()

    def services_seen(self) -> dict[str, ServiceSeen]:
        """Newest sample and log record of each service."""
        metrics = _newest(self._upkeep.seen("series"), self._samples.last_seen.by_service())
        metrics = _newest(metrics, self._histograms.last_seen.by_service())
        logs = _newest(self._upkeep.seen("log_streams"), self._logs.last_seen.by_service())
        return {name: ServiceSeen(metrics.get(name), logs.get(name)) for name in sorted({*metrics, *logs})}

    def log_extent(self, query: LogQuery) -> LogExtent:
        """How many records `query` selects, whatever its limit and cursor, and from when to when."""
        return self._log_reader.extent(query)

    def delete_logs(self, query: LogQuery) -> LogDeletion:
        """Remove the records of `query`, whatever its limit and cursor; how many matched and how many are gone."""
        self.flush()
        return self._log_reader.delete(query)

    def service_volumes(self) -> dict[str, ServiceVolume]:
        """Series and log records of each service."""
        return self._upkeep.volumes()

    def delete_service(self, names: Sequence[str]) -> int:
        """Remove every sample and log record of these services; the number of rows removed."""
        self.flush()
        removed = sum(self._upkeep.delete(table, names) for table in SIGNAL_OF)
        for registry in (self._series, self._streams):
            registry.forget(frozenset(names))
        self._samples.last_seen.forget(frozenset(names))
        self._histograms.last_seen.forget(frozenset(names))
        self._logs.last_seen.forget(frozenset(names))
        self._patterns.forget(names)
        self._upkeep.delete_patterns(names)
        self._tell_of_change()
        return removed

    def remap_services(self) -> int:
        """Ask `resolve_service` again for every series and stream; the number of those that moved.

        Call it after mapping rules changed. Samples and records follow their series and streams.
        """
        self.flush()
        moved = 0
        for table, registry in (("series", self._series), ("log_streams", self._streams)):
            changes = self._upkeep.remap(table, self._resolve_service)
            registry.move(changes)
            moved += len(changes)
        self._tell_of_change()
        return moved

    def clear(self) -> None:
        """Empty the store. For tests."""
        self.flush()
        self._patterns.forget()
        self._upkeep.clear()
        self._series.reset()
        self._streams.reset()
        self._metadata.clear()
        self._query_log.clear()
        self._samples.last_seen.clear()
        self._histograms.last_seen.clear()
        self._histogram_metrics.clear()
        self._logs.last_seen.clear()
        self._tell_of_change()

    @property
    def _index(self) -> LabelIndex | None:
        return self._memory.index if self._memory else None

    def _tell_of_change(self) -> None:
        if self._stream_index:
            self._stream_index.forget()
        for listener in self._samples.listeners:
            listener.contents_changed()


def _catalogue(
    engine: Engine, settings: StoreSettings, resolve_service: ResolveService, limits: LimitsByService, table: str
) -> Catalogue:
    rows = limits if SIGNAL_OF[table] == "metrics" else dict
    counts = ServiceLimits(settings, rows)
    return Catalogue(SIGNAL_OF[table], settings, resolve_service, partial(load_known, engine, table), counts)


def _sample_sink(engine: Engine, catalogue: Catalogue, settings: StoreSettings) -> SampleSink:
    inserter = BlockInserter(engine, catalogue)
    if engine.directory is None:
        return DirectInserts(inserter)
    return SampleBuffer(Journal(engine.directory / JOURNAL, fsync=settings.fsync), inserter.insert, settings)


def _log_sink(engine: Engine, settings: StoreSettings) -> LogSink:
    if engine.directory is None:
        return DirectLogInserts(engine)
    buffer = LogBuffer(engine, Journal(engine.directory / LOG_JOURNAL, fsync=settings.fsync), settings)
    engine.before_reading[TABLE] = buffer.settle
    return buffer


def _commit_settings(engine: Engine, settings: StoreSettings) -> StoreSettings:
    """Where a commit is one append to a journal, nobody need wait for company."""
    return settings if engine.directory is None else replace(settings, group_commit_ms=0)


def _any_labels(_labels: Labels) -> None:
    """Every label set names a stream."""


def _newest(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    return {name: max(first.get(name, 0), second.get(name, 0)) for name in {*first, *second}}
