"""Native histogram samples of selected series."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.histograms import HistogramColumns, Lists, RawHistograms, cells_of
from telemetry.model.samples import SeriesSet
from telemetry.model.time import TimeRange
from telemetry.store.conditions import Conditions, instant_ms
from telemetry.store.engine import Engine, Settings
from telemetry.store.engine_errors import TooManyRows
from telemetry.store.grouping import rows_of
from telemetry.store.histogram_metrics import HistogramMetrics
from telemetry.store.known import milliseconds
from telemetry.store.sample_reader import too_many_samples
from telemetry.store.series_reader import metric_names
from telemetry.store.settings import StoreSettings

_COLUMNS: Final = (
    "series, timestamp, bucket_schema, reset_hint, count, sum, zero_threshold, zero_count, positive_indices, "
    "positive_counts, negative_indices, negative_counts, custom_bounds"
)


class HistogramReader:
    """Reads the table `histogram_samples`."""

    def __init__(
        self, engine: Engine, settings: StoreSettings, read_settings: Settings, metrics: HistogramMetrics
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._read_settings = read_settings
        self._metrics = metrics

    def has_any(self, series: SeriesSet) -> bool:
        """Whether a metric of these series has histogram samples at all; from memory."""
        return bool(len(series)) and bool(self._metrics.among(metric_names(series.labels)))

    def raw(self, series: SeriesSet, time_range: TimeRange) -> RawHistograms | None:
        """Samples with start_ms <= t <= end_ms, staleness markers included, once each; None if there are none.

        Raises LimitExceeded for more than `max_query_samples`.
        """
        names = self._metrics.among(metric_names(series.labels)) if len(series) else []
        if not names:
            return None
        conditions = Conditions()
        start, end = instant_ms(conditions, time_range.start_ms), instant_ms(conditions, time_range.end_ms)
        sql = (
            f"SELECT {_COLUMNS} FROM histogram_samples FINAL "
            f"WHERE metric IN {conditions.bind(names, 'Array(String)')} "
            f"AND series IN {conditions.bind(series.ids.tolist(), 'Array(UInt64)')} "
            f"AND timestamp >= {start} AND timestamp <= {end} ORDER BY series, timestamp"
        )
        most = self._settings.max_query_samples
        try:
            found = self._engine.arrow(sql, conditions.parameters, {**self._read_settings, "max_rows_to_read": most})
        except TooManyRows as error:
            raise too_many_samples(f"more than {most}", most) from error
        return _grouped(series, found.combine_chunks()) if found.num_rows else None


def _grouped(series: SeriesSet, found: pa.Table) -> RawHistograms:
    """By row of `series`, ascending in time, one a timestamp."""
    rows = rows_of(series, found["series"].to_numpy())
    times = milliseconds(found["timestamp"])
    order = np.lexsort((times, rows))
    rows, times = rows[order], times[order]
    last = np.append((rows[1:] != rows[:-1]) | (times[1:] != times[:-1]), True)
    histograms = cells_of(_columns(found).histograms())[order]
    offsets = np.searchsorted(rows[last], np.arange(len(series) + 1))
    return RawHistograms(offsets, times[last], histograms[last])


def _columns(found: pa.Table) -> HistogramColumns:
    return HistogramColumns(
        schemas=found["bucket_schema"].to_numpy(),
        hints=found["reset_hint"].to_numpy(),
        counts=found["count"].to_numpy(),
        sums=found["sum"].to_numpy(),
        zero_thresholds=found["zero_threshold"].to_numpy(),
        zero_counts=found["zero_count"].to_numpy(),
        positive_indices=_lists(found["positive_indices"], np.int64),
        positive_counts=_lists(found["positive_counts"], np.float64),
        negative_indices=_lists(found["negative_indices"], np.int64),
        negative_counts=_lists(found["negative_counts"], np.float64),
        custom_bounds=_lists(found["custom_bounds"], np.float64),
    )


def _lists(column: pa.ChunkedArray, dtype: type) -> Lists:
    array = column.combine_chunks()
    offsets: NDArray[np.int64] = array.offsets.to_numpy().astype(np.int64)
    items = array.values.to_numpy(zero_copy_only=False).astype(dtype)
    return Lists(offsets, items)
