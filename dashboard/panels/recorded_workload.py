"""What the store knows of one workload over a range, on the steps of a replay."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from dashboard.panels.golden_signals import CPU, CPU_LIMIT, LATENCY, MEMORY, MEMORY_LIMIT, REQUESTS, Source
from dashboard.panels.grid_values import values_on_grid
from dashboard.panels.metrics import engine_options, frame_of
from dashboard.panels.scaling_readings import CPU_REQUEST, CPU_TARGET, DESIRED, MAXIMUM, MINIMUM, READY
from dashboard.panels.signal_values import WINDOW_MS, Floats, Row, combined, rows_where
from dashboard.panels.workloads import Workload, series_of, workload_of
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, label_value
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql.engine import Engine
from telemetry.store import TelemetryStore

MOST_POINTS: Final = 10_000
"""Of one grid query; longer ranges are read in parts."""

QUANTITIES: Final = {
    "requests": REQUESTS.sources,
    "cpu": CPU.sources,
    "latency": LATENCY.sources,
    "ready": READY,
    "desired": DESIRED,
    "minimum": MINIMUM,
    "maximum": MAXIMUM,
    "cpu_request": CPU_REQUEST,
    "cpu_target": CPU_TARGET,
    "cpu_limit": CPU_LIMIT.sources,
    "memory": MEMORY.sources,
    "memory_limit": MEMORY_LIMIT.sources,
}


class Recorded:
    """Quantities of one workload on a grid, read when asked for. Methods raise what the store raises."""

    def __init__(self, store: TelemetryStore, workload: Workload, grid: TimeGrid) -> None:
        self._store, self._workload, self.grid = store, workload, grid
        self._values: dict[str, Floats | None] = {}

    def values(self, quantity: str) -> Floats | None:
        """float64[T] of one of QUANTITIES, NaN where unknown; None if the workload has no such metric."""
        if quantity not in self._values:
            self._values[quantity] = self._read(QUANTITIES[quantity])
        return self._values[quantity]

    def known(self, quantity: str) -> Floats:
        """As `values`, NaN throughout for what is not measured."""
        values = self.values(quantity)
        return np.full(len(self.grid), np.nan) if values is None else values

    def newest(self, quantity: str) -> float | None:
        """Last known value."""
        values = self.known(quantity)
        finite = values[np.isfinite(values)]
        return float(finite[-1]) if finite.size else None

    def _read(self, sources: Sequence[Source]) -> Floats | None:
        parts = list(parts_of(self.grid))
        for source in sources:
            read = [self._part(source, part) for part in parts]
            if any(one is not None for one in read):
                filled = [
                    np.full(len(part), np.nan) if one is None else one for part, one in zip(parts, read, strict=True)
                ]
                return np.concatenate(filled) * source.scale
        return None

    def _part(self, source: Source, grid: TimeGrid) -> Floats | None:
        series = series_of(self._store, [source.metric], TimeRange(grid.start_ms - WINDOW_MS, grid.end_ms))
        owners = [workload_of(labels, name) for labels, name in zip(series.labels, series.services, strict=True)]
        home = self._home(owners)
        taken = [
            owner == home and source.takes(labels) and label_value(labels, METRIC_NAME) == source.metric
            for owner, labels in zip(owners, series.labels, strict=True)
        ]
        if not any(taken):
            return None
        series = rows_where(series, taken)
        values = values_on_grid(self._store, series, source.function, grid, WINDOW_MS)
        rows = [
            Row(name, labels, row) for name, labels, row in zip(series.services, series.labels, values, strict=True)
        ]
        return combined(source, rows, len(grid))

    def _home(self, owners: Iterable[Workload]) -> Workload:
        """The workload itself; where its metrics name no environment, those of the service."""
        return self._workload if self._workload in owners else Workload(self._workload.service, "")


def parts_of(grid: TimeGrid) -> Iterator[TimeGrid]:
    """The grid in pieces of at most MOST_POINTS."""
    width = MOST_POINTS * grid.step_ms
    for start in range(grid.start_ms, grid.end_ms + 1, width):
        last = min(start + width - grid.step_ms, grid.end_ms)
        yield TimeGrid(start, last, grid.step_ms)


def queried(store: TelemetryStore, text: str, grid: TimeGrid) -> Floats:
    """float64[T] of a PromQL query with one series. Raises InvalidInput for several, and what evaluation raises."""
    engine = Engine(store, engine_options())
    parts = []
    for part in parts_of(grid):
        frame = frame_of(engine.range(text, part))
        if len(frame.labels) > 1:
            raise InvalidInput(
                f"the query gives {len(frame.labels)} series; expected one: sum() them, or choose by labels"
            )
        parts.append(
            np.where(frame.present[0], frame.values[0], np.nan) if frame.labels else np.full(len(part), np.nan)
        )
    return np.concatenate(parts)
