"""What decoders hand to the receivers: a batch, and what was refused on the way."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.model.exemplars import Exemplar, ExemplarBatch
from telemetry.model.histograms import Histogram, HistogramBatch
from telemetry.model.labels import Labels
from telemetry.model.logs import LogBatch
from telemetry.model.samples import MetricMetadata, Refusal, SampleBatch


@dataclass(frozen=True, slots=True)
class DecodedSamples:
    """Samples of one request."""

    batch: SampleBatch
    refusals: tuple[Refusal, ...] = ()
    histograms: HistogramBatch | None = None
    """Native histogram samples, if there are any."""
    exemplars: ExemplarBatch | None = None


@dataclass(frozen=True, slots=True)
class DecodedLogs:
    """Log records of one request."""

    batch: LogBatch
    refusals: tuple[Refusal, ...] = ()


class HistogramRows:
    """Collects the native histogram samples of one request."""

    def __init__(self) -> None:
        self._positions: dict[bytes, int] = {}
        self._index: list[int] = []
        self._timestamps: list[int] = []
        self._histograms: list[Histogram] = []

    def __len__(self) -> int:
        return len(self._histograms)

    def add(self, key: bytes, timestamp_ms: int, histogram: Histogram) -> None:
        self._index.append(self._positions.setdefault(key, len(self._positions)))
        self._timestamps.append(timestamp_ms)
        self._histograms.append(histogram)

    def batch(
        self, key_space: str, decode_key: Callable[[bytes], Labels], metadata: Sequence[MetricMetadata] = ()
    ) -> HistogramBatch | None:
        """All of them; None if there are none."""
        if not self._histograms:
            return None
        return HistogramBatch(
            key_space=key_space,
            keys=list(self._positions),
            decode_key=decode_key,
            key_index=np.array(self._index, dtype=np.int64),
            timestamps_ms=np.array(self._timestamps, dtype=np.int64),
            histograms=self._histograms,
            metadata=metadata,
        )


class ExemplarRows:
    """Collects the exemplars of one request."""

    def __init__(self) -> None:
        self._positions: dict[bytes, int] = {}
        self._index: list[int] = []
        self._exemplars: list[Exemplar] = []

    def __len__(self) -> int:
        return len(self._exemplars)

    def add(self, key: bytes, exemplar: Exemplar) -> None:
        self._index.append(self._positions.setdefault(key, len(self._positions)))
        self._exemplars.append(exemplar)

    def batch(self, key_space: str, decode_key: Callable[[bytes], Labels]) -> ExemplarBatch | None:
        """All of them; None if there are none."""
        if not self._exemplars:
            return None
        return ExemplarBatch(key_space, list(self._positions), decode_key, self._index, self._exemplars)


class RefusalNotes:
    """Collects refusals while a request is decoded: one a (reason, message), however many items it has."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, reason: str, message: str, count: int = 1) -> None:
        self.counts[reason, message] += count

    def all(self) -> tuple[Refusal, ...]:
        return tuple(Refusal(reason, message, count) for (reason, message), count in self.counts.items())
