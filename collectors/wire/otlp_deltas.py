"""Delta values of OTLP as cumulative ones: running totals by stream, in memory and bounded.

A stream that is not known begins with 0 just after its start time. So after a restart of this process a counter is seen
to start anew, and `increase` counts every delta once. A point that is sent again (its answer was lost) is not added
again. Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#sums-delta-to-cumulative
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from telemetry.model.errors import InvalidInput
from telemetry.model.histograms import Histogram
from telemetry.promql.histogram_arithmetic import add

IDLE_SECONDS: Final = 3600.0
"""A stream that was silent for so long may be forgotten when there is no room."""


class DeltaRefused(InvalidInput):
    """A delta point that cannot be added; `reason` is one word for the metric."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class DeltaStream:
    """Totals of one stream: of a sum one, of a histogram one for each bucket, count and sum, or a native one."""

    shape: tuple[float, ...]
    start_ns: int
    last_ns: int = 0
    begins: bool = True
    """Nothing was told of it before the point at hand."""
    repeated: bool = False
    """The point at hand was added before."""
    used_at: float = 0.0
    totals: dict[bytes, float] = field(default_factory=dict)
    histogram: Histogram | None = None
    """Total of an exponential histogram."""

    def total(self, part: bytes, delta: float) -> float:
        """The total of `part` with the point at hand."""
        before = self.totals.get(part, 0.0)
        if not self.repeated:
            before = self.totals[part] = before + delta
        return before

    def histogram_total(self, delta: Histogram) -> Histogram:
        """The total with the point at hand, at the lowest resolution and widest zero bucket that any point had."""
        if self.histogram is None:
            self.histogram = delta
        elif not self.repeated:
            self.histogram = add(self.histogram, delta)
        return self.histogram


class DeltaStreams:
    """All streams of this process. Hold `lock` while a point is added."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._streams: dict[bytes, DeltaStream] = {}
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, key: bytes, shape: tuple[float, ...], start_ns: int, time_ns: int) -> DeltaStream:
        """The stream of a point from start_ns to time_ns.

        A histogram whose bounds (`shape`) are others than before begins anew. Raises DeltaRefused for a point that
        is older than the last one, and for one stream too many.
        """
        stream = self._streams.get(key)
        if stream is None or stream.shape != shape:
            stream = self._new(key, shape, start_ns, known=stream is not None)
        else:
            stream.repeated = time_ns == stream.last_ns
            stream.begins = stream.begins and stream.repeated
        if time_ns < stream.last_ns:
            raise DeltaRefused(
                "delta_out_of_order",
                f"a delta that ends at {time_ns} ns is older than the last one of its stream, at {stream.last_ns} ns",
            )
        stream.last_ns, stream.used_at = time_ns, self._clock()
        return stream

    def _new(self, key: bytes, shape: tuple[float, ...], start_ns: int, *, known: bool) -> DeltaStream:
        if not known and len(self._streams) >= self._most:
            self._forget_idle()
        if not known and len(self._streams) >= self._most:
            raise DeltaRefused(
                "too_many_delta_streams",
                f"this would be delta stream {len(self._streams) + 1}; the limit is {self._most} "
                "(BELVEDERE_OTLP_DELTA_STREAMS)",
            )
        self._streams[key] = DeltaStream(shape, start_ns)
        return self._streams[key]

    def _forget_idle(self) -> None:
        since = self._clock() - IDLE_SECONDS
        self._streams = {key: stream for key, stream in self._streams.items() if stream.used_at > since}
