"""Samples on their way in (batches) and out (frames), always as columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import Labels

STALE_NAN_BITS: Final = 0x7FF0000000000002
"""Bit pattern of the staleness marker, a NaN that says "this series ended here".

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers
"""

STALE_NAN: Final = float(np.uint64(STALE_NAN_BITS).view(np.float64))


def is_stale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values are staleness markers, told from ordinary NaN by their bits."""
    stale: NDArray[np.bool_] = values.view(np.uint64) == np.uint64(STALE_NAN_BITS)
    return stale


@dataclass(frozen=True, slots=True)
class MetricMetadata:
    """What a metric family says of itself; `type` is a Prometheus type word ("counter", "gauge", ...)."""

    metric: str
    type: str = "unknown"
    help: str = ""
    unit: str = ""


@dataclass(slots=True)
class SeriesNumbers:
    """What the store called the keys of a batch; kept by a sender that sends the same series again and again.

    The writer reads it instead of looking keys up, and fills in what is missing or out of date.
    """

    numbers: NDArray[np.int64]
    """int64[K], -1 where not known (yet)."""
    epoch: int = -1
    """Numbers of another epoch of the store mean nothing."""


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Samples decoded from one request or scrape.

    Series are named by opaque `keys` (the bytes of their labels as they stood on the wire), so that the
    writer looks a known series up without decoding it; `decode_key` is called for unknown keys only.
    Keys of one `key_space` always decode to the same labels.
    """

    key_space: str
    keys: Sequence[bytes]
    decode_key: Callable[[bytes], Labels]
    """Raises InvalidInput for a label set that must be refused; its samples are then refused by name."""
    key_index: NDArray[np.int64]
    """int64[N]: position in `keys` of each sample's series."""
    timestamps_ms: NDArray[np.int64]
    """int64[N]"""
    values: NDArray[np.float64]
    """float64[N], staleness markers kept bit for bit."""
    metadata: Sequence[MetricMetadata] = field(default=())
    numbers: SeriesNumbers | None = None
    """By position in `keys`; with it, keys are asked for only where a number is missing."""

    def __len__(self) -> int:
        return len(self.timestamps_ms)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Part of a batch that was not stored, and the sentence that says why."""

    reason: str
    """Short machine word for the metric: "too_many_series", "future_timestamp", ..."""
    message: str
    """Names the value, the limit and its setting."""
    count: int = 1
    """Samples or records refused for this reason."""


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """Answer of the writer once everything accepted is committed to the store."""

    accepted: int
    refusals: tuple[Refusal, ...] = ()
    histograms: int = 0
    """How many of the accepted are native histogram samples."""
    exemplars: int = 0
    """How many of the accepted are exemplars."""

    @property
    def floats(self) -> int:
        return self.accepted - self.histograms - self.exemplars

    @property
    def refused(self) -> int:
        return sum(refusal.count for refusal in self.refusals)


@dataclass(frozen=True, slots=True, eq=False)
class Numbered:
    """Numbers of ids in the memory of `owner`."""

    owner: object
    of: NDArray[np.int64]
    """int64[M]"""


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """Series that a selector matched, in a fixed order (by labels)."""

    ids: NDArray[np.uint64]
    """uint64[M], M >= N: ids in the store. Equal labels sent by two senders have two ids and one row."""
    labels: Sequence[Labels]
    """N label sets, exactly as sent."""
    services: Sequence[str]
    """N service names; they stand beside the labels and never inside them."""
    rows: NDArray[np.int64]
    """int64[M]: row (0 .. N - 1) that each id belongs to."""
    numbers: Numbered | None = None
    """From a source that keeps series in memory."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class RawColumns:
    """Raw samples of a SeriesSet, grouped by series and ascending in time, one sample a timestamp."""

    offsets: NDArray[np.int64]
    """int64[N + 1]: samples of series i are offsets[i]:offsets[i + 1]."""
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.timestamps_ms)


@dataclass(frozen=True, slots=True)
class Frame:
    """Result of a query over a time grid: one row a series, NaN-able values with an explicit presence mask."""

    labels: list[Labels]
    times_ms: NDArray[np.int64]
    """int64[T]"""
    values: NDArray[np.float64]
    """float64[N, T]"""
    present: NDArray[np.bool_]
    """bool[N, T]: False where there is no sample (a present value may itself be NaN)."""
    histograms: NDArray[np.object_] | None = None
    """object[N, T]: the native histogram where the present sample is one, else None; None as a whole if none is."""
