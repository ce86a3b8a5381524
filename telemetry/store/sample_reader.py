"""Samples of selected series: raw columns for numpy, or the engine's own grid functions."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.errors import LimitExceeded
from telemetry.model.samples import STALE_NAN_BITS, Frame, RawColumns, SeriesSet, is_stale
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store.conditions import Conditions, instant_ms
from telemetry.store.engine import Engine, Settings
from telemetry.store.engine_errors import TooManyRows
from telemetry.store.grouping import SampleColumns, group_by_row, has_conflict, rows_of
from telemetry.store.known import milliseconds
from telemetry.store.queries import GridFunction
from telemetry.store.series_reader import metric_names
from telemetry.store.settings import ENV_NAMES, StoreSettings

_NOT_STALE: Final = f"reinterpretAsUInt64(value) != {STALE_NAN_BITS}"


class SampleReader:
    """Reads the table `samples`."""

    def __init__(self, engine: Engine, settings: StoreSettings, read_settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._read_settings = read_settings

    def raw(self, series: SeriesSet, time_range: TimeRange) -> RawColumns:
        """Samples with start_ms <= t <= end_ms, staleness markers included, once each.

        Raises LimitExceeded before reading if there are more than the settings allow.
        """
        if not len(series):
            return RawColumns(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))
        columns = self._read(series, time_range, final=False)
        if has_conflict(columns):  # rare, so the engine is asked for the last write only then
            columns = self._read(series, time_range, final=True)
        return group_by_row(series, columns)

    def grid(self, series: SeriesSet, function: GridFunction, grid: TimeGrid, window_ms: int) -> Frame:
        """`function` over (t - window_ms, t] at each grid time; staleness markers are no samples to it.

        For LAST a marker as the newest sample makes the point absent.
        """
        times = grid.times_ms()
        if not len(series):
            return Frame([], times, np.zeros((0, len(times))), np.zeros((0, len(times)), bool))
        time_range = TimeRange(grid.start_ms - window_ms, grid.end_ms)
        conditions = Conditions()
        start, end = instant_ms(conditions, grid.start_ms), instant_ms(conditions, int(times[-1]))
        step, window = (conditions.bind(f"{ms / 1000:.3f}", "Decimal64(3)") for ms in (grid.step_ms, window_ms))
        keep = "1" if function is GridFunction.LAST else _NOT_STALE
        sql = (
            f"SELECT {_first_id(conditions, series)} AS id, "
            f"{function.value}({start}, {end}, {step}, {window})(timestamp, value) AS points "
            f"FROM samples FINAL WHERE {_where(conditions, series, time_range)} AND {keep} GROUP BY id"
        )
        columns = self._within_limit(
            series,
            time_range,
            lambda settings: self._engine.arrow(
                sql, conditions.parameters, {**settings, "enable_time_series_aggregate_functions": 1}
            ),
        )
        return _frame(series, times, columns)

    def _read(self, series: SeriesSet, time_range: TimeRange, *, final: bool) -> SampleColumns:
        conditions = Conditions()
        sql = (
            f"SELECT series, timestamp, value FROM samples {'FINAL' if final else ''} "
            f"WHERE {_where(conditions, series, time_range)} ORDER BY metric, series, timestamp"
        )
        columns = self._within_limit(
            series, time_range, lambda settings: self._engine.arrow(sql, conditions.parameters, settings)
        )
        return SampleColumns(
            columns["series"].to_numpy(), milliseconds(columns["timestamp"]), columns["value"].to_numpy()
        )

    def _within_limit(self, series: SeriesSet, time_range: TimeRange, ask: Callable[[Settings], pa.Table]) -> pa.Table:
        """Let the engine refuse by the index, before it reads; rows it only might read are then counted."""
        most = self._settings.max_query_samples
        try:
            return ask({**self._read_settings, "max_rows_to_read": most})
        except TooManyRows:
            self._check_count(series, time_range, most)
            return ask(self._read_settings)

    def _check_count(self, series: SeriesSet, time_range: TimeRange, most: int) -> None:
        conditions = Conditions()
        sql = f"SELECT count() FROM samples WHERE {_where(conditions, series, time_range)}"
        count = int(self._engine.rows(sql, conditions.parameters, self._read_settings)[0][0])
        if count > most:
            raise too_many_samples(str(count), most)


def too_many_samples(count: str, most: int) -> LimitExceeded:
    """Error for a query that would read more samples than the settings allow."""
    name = ENV_NAMES["max_query_samples"]
    return LimitExceeded(f"the query would read {count} samples; the limit is {most} ({name})", limit_name=name)


def _first_id(conditions: Conditions, series: SeriesSet) -> str:
    """SQL of the first id of a sample's row, so that all ids of a row make one result."""
    if len(series.ids) == len(series):
        return "series"
    firsts = series.ids[np.unique(series.rows, return_index=True)[1]][series.rows]
    ids = conditions.bind(series.ids.tolist(), "Array(UInt64)")
    return f"transform(series, {ids}, {conditions.bind(firsts.tolist(), 'Array(UInt64)')})"


def _where(conditions: Conditions, series: SeriesSet, time_range: TimeRange) -> str:
    metrics = conditions.bind(metric_names(series.labels), "Array(String)")
    ids = conditions.bind(series.ids.tolist(), "Array(UInt64)")
    start, end = instant_ms(conditions, time_range.start_ms), instant_ms(conditions, time_range.end_ms)
    return f"metric IN {metrics} AND series IN {ids} AND timestamp >= {start} AND timestamp <= {end}"


def _frame(series: SeriesSet, times: NDArray[np.int64], columns: pa.Table) -> Frame:
    values = np.full((len(series), len(times)), np.nan)
    present = np.zeros((len(series), len(times)), bool)
    points = columns["points"].combine_chunks()
    if len(points):
        flat = points.flatten()
        rows = rows_of(series, columns["id"].to_numpy())
        shape = (len(rows), len(times))
        values[rows] = flat.fill_null(np.nan).to_numpy(zero_copy_only=False).reshape(shape)
        present[rows] = flat.is_valid().to_numpy(zero_copy_only=False).reshape(shape)
        present &= ~is_stale(values)
    return Frame(list(series.labels), times, values, present)
